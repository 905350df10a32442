package slogship

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A trial is a Handler with a fake backend in place of the network. The
// balance of its Stats is checked at every request and every answer.
type trial struct {
	*Handler
	t     *testing.T
	log   *slog.Logger
	began time.Time
	ready chan struct{} // closed once Handler is set; a spool may have New send at once

	mu       sync.Mutex
	answer   func(r *request) answered
	requests []*request
	taken    []string // messages that the backend acknowledged, in that order
	told     []error  // by OnError
	open     int      // requests under way
	most     int      // of these, at once, until now
	atOnce   int      // how many there may be; 0 is 1
}

const testEndpoint = "http://logs.test/logs?source=s0urce"

// start begins a trial in the bubble of t. It sets the Client's Transport and, if
// there is none, OnError.
func start(t *testing.T, answers func(*request) answered, o Options) *trial {
	t.Helper()
	return startAt(t, testEndpoint, answers, o)
}

func startAt(t *testing.T, endpoint string, answers func(*request) answered, o Options) *trial {
	t.Helper()
	tr := &trial{t: t, began: time.Now(), answer: answers, atOnce: o.Requests, ready: make(chan struct{})}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	o.Client.Transport = tr
	if o.OnError == nil {
		o.OnError = func(err error) {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.told = append(tr.told, err)
		}
	}
	h, err := New(endpoint, &o)
	if err != nil {
		t.Fatal(err)
	}
	tr.Handler, tr.log = h, slog.New(h)
	close(tr.ready)
	t.Cleanup(tr.end)
	return tr
}

// end gives up what is held, and checks the last balance.
func (tr *trial) end() {
	tr.balanced()
	tr.Shutdown(cancelled(tr.t))
	tr.balanced()
	if s := tr.Stats(); s.Pending+s.InFlight != 0 || s.Spooled != 0 && tr.core.pending.disk == nil {
		tr.t.Errorf("after Shutdown there is still something held: %+v", s)
	}
}

// cancelled is a context that has ended.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func (tr *trial) balanced() {
	tr.t.Helper()
	s := tr.Stats()
	if s.Accepted != s.Delivered+s.Dropped.Total()+s.Pending+s.InFlight+s.Spooled {
		tr.t.Errorf("the balance is broken: %+v", s)
	}
	p := tr.core.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	if (p.inFlight == 0) != (p.inFlightBytes == 0) {
		tr.t.Errorf("%d records with %d bytes are in flight", p.inFlight, p.inFlightBytes)
	}
}

// answerWith has the backend give other answers from now on.
func (tr *trial) answerWith(answers func(*request) answered) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.answer = answers
}

func logTo(h slog.Handler, messages ...string) {
	for _, m := range messages {
		slog.New(h).Info(m)
	}
}

func (tr *trial) say(messages ...string) {
	logTo(tr.Handler, messages...)
}

// got is a copy of the requests until now.
func (tr *trial) got() []*request {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.requests)
}

func (tr *trial) acknowledged() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.taken)
}

// reports is what OnError was told.
func (tr *trial) reports() []error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.told)
}

func (tr *trial) wantRequests(n int) {
	tr.t.Helper()
	if got := len(tr.got()); got != n {
		tr.t.Fatalf("%d requests, want %d", got, n)
	}
}

func (tr *trial) wantTaken(messages ...string) {
	tr.t.Helper()
	if got := tr.acknowledged(); !slices.Equal(got, messages) {
		tr.t.Fatalf("the backend took %q, want %q", got, messages)
	}
}

// wantBooks compares what Stats says about records.
func (tr *trial) wantBooks(delivered int64, dropped Dropped, held int64) {
	tr.t.Helper()
	s := tr.Stats()
	if s.Delivered != delivered || s.Dropped != dropped || s.Pending+s.InFlight != held {
		tr.t.Fatalf("delivered %d, dropped %v, held %d; want %d, %v, %d",
			s.Delivered, s.Dropped, s.Pending+s.InFlight, delivered, dropped, held)
	}
}

// wantReports wants one report for each text, which it must contain; "" stands
// for a recovery.
func (tr *trial) wantReports(texts ...string) {
	tr.t.Helper()
	told := tr.reports()
	if len(told) != len(texts) {
		tr.t.Fatalf("OnError was told %q, want %d reports", told, len(texts))
	}
	for i, text := range texts {
		if errors.Is(told[i], ErrRecovered) != (text == "") || !strings.Contains(told[i].Error(), text) {
			tr.t.Errorf("OnError was told %q, want %q", told[i], text)
		}
	}
}

// wantOneID wants each record to have the same id in every request, and no two
// the same.
func (tr *trial) wantOneID() {
	tr.t.Helper()
	ids, messages := map[string]string{}, map[string]string{}
	for _, r := range tr.got() {
		for i, m := range r.messages {
			if id, ok := ids[m]; ok && id != r.ids[i] {
				tr.t.Fatalf("%q was sent as %s and as %s", m, id, r.ids[i])
			}
			if other, ok := messages[r.ids[i]]; ok && other != m {
				tr.t.Fatalf("%q and %q were sent as %s", m, other, r.ids[i])
			}
			ids[m], messages[r.ids[i]] = r.ids[i], m
		}
	}
}

// retryAt is when the back-off ends; the batcher must be asleep.
func (tr *trial) retryAt() time.Time { return tr.core.batcher.retryAt }

// within runs f in real time, and fails if it does not return in time.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("not done within %v", limit)
	}
}

// wantLinear wants work of the size 4n to take at most eight times as long as
// that of the size n: what is quadratic takes sixteen times. Compared are the
// least of some runs, so that a busy machine makes it slower, and not fail.
func wantLinear(t *testing.T, n int, work func(n int)) {
	t.Helper()
	least := func(before time.Duration, n int) time.Duration {
		began := time.Now()
		work(n)
		return min(before, time.Since(began))
	}
	small, large := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for range 100 {
		small, large = least(small, n), least(large, 4*n)
		if large <= 8*small {
			return
		}
	}
	t.Errorf("the size %d takes %v, the size %d takes %v", n, small, 4*n, large)
}
