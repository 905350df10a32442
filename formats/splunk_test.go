package formats_test

import (
	"fmt"
	"testing"
)

// Splunk's codes say what is wrong, and from which event on.
func TestSplunkAnswers(t *testing.T) {
	code := func(status, code int, text string) response {
		return response{status: status, body: fmt.Sprintf(`{"text":%q,"code":%d}`, text, code)}
	}
	at := func(status, code int, text string, n int) response {
		return response{status: status, body: fmt.Sprintf(`{"text":%q,"code":%d,"invalid-event-number":%d}`, text, code, n)}
	}
	testAnswers(t, subjectNamed(t, "splunk"), []answerCase{
		{name: "0", answer: code(200, 0, "Success"), taken: 4},
		{name: "0 with acknowledgement", answer: response{status: 200, body: `{"text":"Success","code":0,"ackId":7}`}, taken: 4},
		{name: "a page", answer: response{status: 200, body: "<html>"}, taken: 4, again: all, held: true, report: "this is a web page"},
		{name: "0 of a proxy", answer: code(502, 0, "upstream unavailable"), taken: 4, again: all, report: "upstream unavailable"},
		{name: "1", answer: code(403, 1, "Token disabled"), taken: 4, again: all, held: true, report: "Token disabled"},
		{name: "2", answer: code(401, 2, "Token is required"), taken: 4, again: all, held: true, report: "Token is required"},
		{name: "3", answer: code(401, 3, "Invalid authorization"), taken: 4, again: all, held: true, report: "Invalid authorization"},
		{name: "4", answer: code(403, 4, "Invalid token"), taken: 4, again: all, held: true, report: "Invalid token"},
		{name: "5", answer: code(400, 5, "No data"), records: 1, taken: 1, again: []int{0}, report: "No data"},
		{name: "6", answer: at(400, 6, "Invalid data format", 2), taken: 3, rejected: 1, again: []int{3}, report: "2 records not accepted: Invalid data format"},
		{name: "6 at the first", answer: at(400, 6, "Invalid data format", 0), taken: 3, rejected: 1, again: []int{1, 2, 3}, report: "Invalid data format"},
		{name: "6 at the last", answer: at(400, 6, "Invalid data format", 3), taken: 3, rejected: 1, report: "Invalid data format"},
		{name: "6 alone", answer: at(400, 6, "Invalid data format", 0), records: 1, rejected: 1, report: "Invalid data format"},
		{name: "6 nowhere", answer: code(400, 6, "Invalid data format"), taken: 4, again: all, asked: 3, report: "Invalid data format"},
		{name: "6 out of range", answer: at(400, 6, "Invalid data format", 4), taken: 4, again: all, asked: 3, report: "Invalid data format"},
		{name: "7", answer: at(400, 7, "Incorrect index", 0), taken: 4, again: all, held: true, report: "Incorrect index"},
		{name: "7 counted from 1", answer: at(400, 7, "Incorrect index", 1), taken: 4, again: all, held: true, report: "Incorrect index"},
		{name: "8", answer: code(500, 8, "Internal server error"), taken: 4, again: all, report: "Internal server error"},
		{name: "9", answer: code(503, 9, "Server is busy"), taken: 4, again: all, report: "Server is busy"},
		{name: "10", answer: code(400, 10, "Data channel is missing"), taken: 4, again: all, held: true, report: "Data channel is missing"},
		{name: "11", answer: code(400, 11, "Invalid data channel"), taken: 4, again: all, held: true, report: "Invalid data channel"},
		{name: "12", answer: at(400, 12, "Event field is required", 1), taken: 3, rejected: 1, again: []int{2, 3}, report: "Event field is required"},
		{name: "13", answer: at(400, 13, "Event field cannot be blank", 1), taken: 3, rejected: 1, again: []int{2, 3}, report: "Event field cannot be blank"},
		{name: "14", answer: code(400, 14, "ACK is disabled"), taken: 4, again: all, held: true, report: "ACK is disabled"},
		{name: "15", answer: at(400, 15, "Error in handling indexed fields", 3), taken: 3, rejected: 1, report: "Error in handling indexed fields"},
		{name: "16", answer: code(400, 16, "Query string authorization is not enabled"), taken: 4, again: all, held: true, report: "Query string"},
		{name: "18", answer: code(503, 18, "HEC is unhealthy, queues are full"), taken: 4, again: all, report: "queues are full"},
		{name: "21", answer: code(400, 21, "Invalid token"), taken: 4, again: all, held: true, report: "Invalid token"},
		{name: "22", answer: code(400, 22, "Token disabled"), taken: 4, again: all, held: true, report: "Token disabled"},
		{name: "23", answer: code(503, 23, "Server is shutting down"), taken: 4, again: all, report: "shutting down"},
		{name: "24", answer: code(200, 24, "HEC queue is approaching its capacity limit"), taken: 4},
		{name: "26", answer: code(429, 26, "HEC queue is at capacity"), taken: 4, again: all, report: "at capacity"},
		{name: "27", answer: code(429, 27, "HEC ACK channel is at capacity"), taken: 4, again: all, report: "at capacity"},
		{name: "413 without a code", answer: response{status: 413, body: "too large"}, taken: 4, again: all, asked: 3},
		{name: "an unknown code", answer: code(200, 99, "?"), taken: 4},
	})
}
