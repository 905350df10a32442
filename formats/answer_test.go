package formats_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
)

// An answerCase is an answer of a backend to a request of some records, and
// what becomes of each.
type answerCase struct {
	name    string
	answer  response
	records int // in the request; if zero, 4

	taken, rejected, tooLarge int
	again                     []int // the records that are sent a second time, in this order

	held   bool   // the second request comes after MaxBackoff, as after wrong set-up
	asked  int    // requests in all; if zero, 2 where something is sent again, else 1
	report string // what the error says
}

var recordNumber = regexp.MustCompile(`record (\d+)\b`)

// testAnswers gives the answer of each case to the first request, and a good
// one to the others, as if only that one answer were to be had.
func testAnswers(t *testing.T, s subject, cases []answerCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testAnswer(t, s, c) })
		})
	}
}

func testAnswer(t *testing.T, s subject, c answerCase) {
	records := c.records
	if records == 0 {
		records = 4
	}
	var mu sync.Mutex
	var reports []string
	b := &backend{answer: func(n int, r request) response {
		if n == 0 {
			return c.answer
		}
		good := response{status: 200}
		if s.healthy != nil {
			good.body = s.healthy(len(s.events(t, r.body)))
		}
		return good
	}}
	h := ship(t, s.format, b, slogship.Options{OnError: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, err.Error())
	}})
	for i := range records {
		h.Handle(context.Background(), record(slog.LevelInfo, fmt.Sprintf("record %d", i)))
	}
	if err := h.Flush(contextFor(t, time.Hour)); err != nil && c.rejected+c.tooLarge == 0 {
		t.Errorf("Flush: %v", err)
	}
	h.Close()

	requests := b.got()
	want := c.asked
	if want == 0 {
		want = 1 + min(len(c.again), 1)
	}
	if len(requests) != want {
		t.Fatalf("%d requests, want %d; %+v", len(requests), want, h.Stats())
	}
	var again []int
	for _, r := range requests[1:] {
		for _, m := range recordNumber.FindAllStringSubmatch(r.body, -1) {
			n, _ := strconv.Atoi(m[1])
			again = append(again, n)
		}
	}
	if !slices.Equal(again, c.again) {
		t.Errorf("sent again: %v, want %v", again, c.again)
	}
	got := h.Stats()
	if got.Delivered != int64(c.taken) || got.Dropped.Rejected != int64(c.rejected) || got.Dropped.TooLarge != int64(c.tooLarge) {
		t.Errorf("%d delivered, dropped: %v; want %d delivered, %d rejected, %d too large",
			got.Delivered, got.Dropped, c.taken, c.rejected, c.tooLarge)
	}
	if len(requests) > 1 {
		if wait := requests[1].at.Sub(requests[0].at); (wait >= 30*time.Second) != c.held {
			t.Errorf("the second request came after %v; held: %v", wait, c.held)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if text := strings.Join(reports, "\n"); !strings.Contains(text, c.report) || (c.report == "") != (text == "") {
		t.Errorf("reported: %q, want %q", text, c.report)
	}
}

func contextFor(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func subjectNamed(t *testing.T, name string) subject {
	for _, s := range subjects() {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no subject %q", name)
	return subject{}
}

var (
	all  = []int{0, 1, 2, 3}
	four = 4
)

// statusCases are the answers that mean, in every format, what their status
// means.
func statusCases() map[string]answerCase {
	return map[string]answerCase{
		"401": {answer: response{status: 401, body: "who?"}, taken: four, again: all, held: true, report: "401 Unauthorized: who?"},
		"402": {answer: response{status: 402}, taken: four, again: all, held: true, report: "402 Payment Required"},
		"403": {answer: response{status: 403}, taken: four, again: all, held: true, report: "403 Forbidden"},
		"404": {answer: response{status: 404}, taken: four, again: all, held: true, report: "404 Not Found"},
		"408": {answer: response{status: 408}, taken: four, again: all, report: "408 Request Timeout"},
		"413": {answer: response{status: 413}, taken: four, again: all, asked: 3, report: ""}, // in halves
		"413 alone": {
			answer: response{status: 413}, records: 1, taken: 1, again: []int{0}, held: true, report: "413 Request Entity Too Large",
		},
		"429": {answer: response{status: 429}, taken: four, again: all, report: "429 Too Many Requests"},
		"500": {answer: response{status: 500}, taken: four, again: all, report: "500 Internal Server Error"},
		"503": {answer: response{status: 503, body: "busy"}, taken: four, again: all, report: "503 Service Unavailable: busy"},
		"400": {answer: response{status: 400, body: "bad"}, taken: four, again: all, asked: 3, report: "400 Bad Request: bad"},
		"400 alone": {
			answer: response{status: 400}, records: 1, taken: 1, again: []int{0}, report: "400 Bad Request",
		},
		"302": {answer: response{status: 302}, taken: four, again: all, held: true, report: "302 Found"},
		"200": {answer: response{status: 200}, taken: four},
		"202": {answer: response{status: 202}, taken: four},
		"204": {answer: response{status: 204}, taken: four},
	}
}

// Where a format has nothing to say of an answer, it means what its status code
// means.
func TestStatusCodes(t *testing.T) {
	for _, s := range subjects() {
		cases := statusCases()
		var list []answerCase
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			c := cases[name]
			c.name = name
			list = append(list, c)
		}
		t.Run(s.name, func(t *testing.T) { testAnswers(t, s, list) })
	}
}
