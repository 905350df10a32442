package formats_test

import "testing"

// Honeycomb's answer has a status for each event.
func TestHoneycombAnswers(t *testing.T) {
	testAnswers(t, subjectNamed(t, "honeycomb"), []answerCase{
		{
			name:   "all taken",
			answer: response{status: 200, body: `[{"status":202},{"status":202},{"status":202},{"status":202}]`},
			taken:  4,
		},
		{
			name: "one refused",
			answer: response{status: 200, body: `[{"status":202},{"status":400,"error":"Event has too many columns."},
				{"status":202},{"status":202}]`},
			taken: 3, rejected: 1, report: "1 record not accepted: Event has too many columns.",
		},
		{
			name: "some not now",
			answer: response{status: 200, body: `[{"status":429,"error":"rate limited"},{"status":202},
				{"status":503},{"status":202}]`},
			taken: 4, again: []int{0, 2}, report: "2 records not accepted: rate limited; 503 Service Unavailable",
		},
		{
			name: "of each kind",
			answer: response{status: 200, body: `[{"status":500},{"status":413},
				{"status":202},{"status":403}]`},
			taken: 2, rejected: 2, again: []int{0}, report: "500 Internal Server Error; 413 Request Entity Too Large; 403 Forbidden",
		},
		{name: "too short", answer: response{status: 200, body: `[{"status":400}]`}, taken: 4, again: all, held: true, report: "not an answer of Honeycomb"},
		{name: "too long", answer: response{status: 200, body: `[{"status":202},{"status":202},{"status":202},{"status":202},{"status":202}]`}, taken: 4, again: all, held: true, report: "not an answer of Honeycomb"},
		{name: "no array", answer: response{status: 202, body: `{"status":"ok"}`}, taken: 4, again: all, held: true, report: "not an answer of Honeycomb"},
		{name: "cut off", answer: response{status: 200, body: `[{"status":202},{"status":202},{"status":202},{"status":202}`}, taken: 4, again: all, held: true, report: "not an answer of Honeycomb"},
		{name: "too large", answer: response{status: 400, body: `{"error":"Request body is too large"}`}, taken: 4, again: all, asked: 3},
		{name: "too large alone", answer: response{status: 400, body: `{"error":"Request body is too large"}`}, records: 1, taken: 1, again: []int{0}, held: true, report: "Request body is too large"},
		{name: "a key that is unknown", answer: response{status: 400, body: `{"error":"unknown API key - check your credentials"}`}, taken: 4, again: all, held: true, report: "unknown API key"},
		{name: "malformed", answer: response{status: 400, body: `{"error":"Request body is malformed and cannot be read"}`}, records: 1, taken: 1, again: []int{0}, report: "Request body is malformed"},
		{name: "an error for all", answer: response{status: 429, body: `{"status":429,"error":"slow down"}`}, taken: 4, again: all, report: "slow down"},
	})
}
