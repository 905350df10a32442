package slogshiptest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Failure is a way in which requests fail. Its fields apply in their order: first the
// delay, then a hang, a reset or an answer.
//
// A Failure imitates a backend that is down, or a proxy in front of it. Requests with
// wrong credentials fail, too. A request for /health is answered with 503 while a
// Failure is queued.
type Failure struct {
	// Requests is how many requests fail before the next Failure in the queue is used.
	// If zero, all requests fail until Receiver.Recover.
	Requests int

	// Delay is how long the answer is delayed. If no other field is set, the request is
	// then handled as usual.
	Delay time.Duration

	// Hang sends no answer: the request hangs until its client gives up or the Server
	// is closed.
	Hang bool

	// Reset resets the connection without an answer. No record is accepted.
	Reset bool

	// Status is the status code of the answer. No record is accepted, even with 200:
	// this imitates a proxy that serves a page of its own. If zero, the request is
	// handled as usual.
	Status     int
	RetryAfter string      // the header of that name: seconds or an HTTP date
	Header     http.Header // of the answer with Status

	// Body is the body of the answer with Status. If empty, it is what the Backend
	// sends with that status, or else the text of the status.
	Body string

	// Cut ends the answer in the middle of its body. If Status is zero, the records are
	// accepted, but the sender does not learn that.
	Cut bool
}

// Fail queues a failure for later requests.
func (r *Receiver) Fail(f Failure) {
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		// Where the mistake is made, not inside net/http later on.
		panic(fmt.Sprintf("slogshiptest: Failure.Status is %d, want 0 or 200 to 599", f.Status))
	}
	f.Header = f.Header.Clone()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, f)
}

// Recover clears the queue of failures. A request that already hangs continues
// to hang, as after a real outage.
func (r *Receiver) Recover() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = nil
}

// failing reports whether a request would meet a failure now.
func (r *Receiver) failing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

// errReset is what befalls a request whose connection is to be reset.
var errReset = errors.New("connection reset")

// strikes reports whether f does anything that comes before the usual handling.
func (f *Failure) strikes() bool {
	return f.Delay > 0 || f.Hang || f.Reset || f.Status != 0
}

// wait waits out the delay, or for ever. It returns nil after the delay alone.
func (f *Failure) wait(ctx context.Context, closing <-chan struct{}) error {
	var over <-chan time.Time // nil: never
	switch {
	case f.Delay > 0:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		over = timer.C
	case !f.Hang:
		return nil
	}
	for {
		select {
		case <-over:
			if !f.Hang {
				return nil
			}
			over = nil
		case <-ctx.Done():
			return context.Cause(ctx) // as net/http's Transport has it
		case <-closing:
			return errReset
		}
	}
}

// answer is the one with f's Status, in the words of the backend s. s may be nil.
func (f *Failure) answer(s *spec) answer {
	header, body := http.Header{}, f.Body
	if row := s.row(f.Status); row != nil && body == "" {
		maps.Copy(header, row.Header.Clone())
		if row.RetryAfter != "" {
			header.Set("Retry-After", row.RetryAfter)
		}
		body = row.Body
	}
	maps.Copy(header, f.Header.Clone())
	if f.RetryAfter != "" {
		header.Set("Retry-After", f.RetryAfter)
	}
	switch {
	case f.Status == http.StatusNoContent || f.Status == http.StatusNotModified:
		body = "" // HTTP has none with these
	case body == "":
		body = http.StatusText(f.Status)
	}
	return answer{status: f.Status, header: header, body: body}
}

// jsonFailure is a documented answer in JSON.
func jsonFailure(status int, body string) Failure {
	return Failure{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// withHeader is f with headers, given as names and values.
func withHeader(f Failure, pairs ...string) Failure {
	for i := 0; i < len(pairs); i += 2 {
		f.Header.Set(pairs[i], pairs[i+1])
	}
	return f
}
