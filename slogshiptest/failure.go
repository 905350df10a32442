package slogshiptest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Failure is a way in which requests fail. Its fields combine in the order in
// which they stand here: wait, then hang, or reset, or answer.
//
// A Failure stands for a backend that is down, or for what is in front of it, a
// proxy say: it meets requests with wrong credentials too, but those for /health
// only by turning their answer into a 503.
type Failure struct {
	// Requests is how many requests it meets before the next Failure in the
	// queue has its turn. If zero, all until Recover.
	Requests int

	// Delay is waited out before anything else happens. With no other field
	// set the request is then handled as if nothing were wrong.
	Delay time.Duration

	// Hang gives no answer at all: the request lasts until its client gives
	// up, or until the Server is closed.
	Hang bool

	// Reset resets the connection without an answer; nothing is taken.
	Reset bool

	// Status is answered with nothing taken, whatever the status means: 200
	// too, as by a proxy that serves its landing page. If zero, the request is
	// handled as usual.
	Status     int
	RetryAfter string      // the header of that name: seconds or an HTTP date
	Header     http.Header // of the answer with Status

	// Body is that of the answer with Status. If empty, it is what the Backend
	// says with that status, or else the status in words.
	Body string

	// Cut ends the answer in the middle of its body, whether it is Status's or
	// the usual one. In the latter case the batch is taken, and its sender
	// does not get to know.
	Cut bool
}

// Fail queues a failure for the requests to come.
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

// Recover clears the queue of failures. Requests that hang already go on doing
// so: an outage that ends does not bring back the connections it swallowed.
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
