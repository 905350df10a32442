package slogshiptest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A delay passes in fake time, and then the request is handled as usual, or
// as the failure says.
func TestDelayInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReceiver()
		r.Fail(Failure{Requests: 1, Delay: time.Hour})
		r.Fail(Failure{Requests: 1, Delay: time.Minute, Status: 503})
		r.Fail(Failure{Requests: 1, Delay: time.Minute, Reset: true})
		start := time.Now()
		if status, _ := post(t, r, batch("a")); status != 200 || time.Since(start) != time.Hour {
			t.Errorf("%d after %v, want 200 after 1h", status, time.Since(start))
		}
		start = time.Now()
		if status, _ := post(t, r, batch("b")); status != 503 || time.Since(start) != time.Minute {
			t.Errorf("%d after %v, want 503 after 1m", status, time.Since(start))
		}
		start = time.Now()
		_, err := send(r.Client(), newRequest(t, r, strings.NewReader(batch("c"))))
		if err == nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v, want a reset after 1m", err, time.Since(start))
		}
		wantMessages(t, r, "a")
	})
}

// Hang and Delay end with the context, at once and with its error.
func TestWaitsEndWithContext(t *testing.T) {
	for name, f := range map[string]Failure{
		"hang":             {Hang: true},
		"delay":            {Delay: time.Hour},
		"hang after delay": {Delay: time.Second, Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewReceiver()
				r.Fail(f)
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				_, err := send(r.Client(), newRequest(t, r, strings.NewReader(batch("a"))).WithContext(ctx))
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
					t.Errorf("%v after %v, want the deadline after 10s", err, time.Since(start))
				}
			})
		})
	}
}

// A request whose context has ended does not reach the receiver.
func TestEndedContext(t *testing.T) {
	r := NewReceiver()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	body := &watchedBody{Reader: strings.NewReader(batch("a"))}
	_, err := send(r.Client(), newRequest(t, r, body).WithContext(ctx))
	if !errors.Is(err, context.Canceled) || len(r.Requests()) != 0 {
		t.Errorf("%v with %d requests, want it canceled without one", err, len(r.Requests()))
	}
	if body.closed == 0 {
		t.Error("the body was not closed")
	}
}

// watchedBody counts how often it is closed.
type watchedBody struct {
	io.Reader
	closed int
}

func (b *watchedBody) Close() error { b.closed++; return nil }

// The body of a request is closed, once, however the request ends.
func TestRequestBodyIsClosed(t *testing.T) {
	for name, f := range map[string]Failure{
		"taken": {}, "status": {Status: 503}, "reset": {Reset: true}, "cut": {Cut: true}, "hang": {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewReceiver()
				r.Fail(f)
				client := r.Client()
				client.Timeout = time.Minute
				body := &watchedBody{Reader: strings.NewReader(batch("a"))}
				send(client, newRequest(t, r, body))
				synctest.Wait()
				if body.closed != 1 {
					t.Errorf("closed %d times, want once", body.closed)
				}
			})
		})
	}
}

// A body that nobody goes on writing does not hold a request beyond its
// context.
func TestStuckBodyEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReceiver()
		read, write := io.Pipe()
		go io.WriteString(write, `{"batch":[`)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := send(r.Client(), newRequest(t, r, read).WithContext(ctx))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		if got := r.Requests(); len(got) != 1 || got[0].Status != 0 || len(r.Records()) != 0 {
			t.Errorf("got %v, want a request without an answer", got)
		}
	})
}

// A body that fails fails the request with its error.
func TestBrokenBody(t *testing.T) {
	r := NewReceiver()
	broken := errors.New("disk on fire")
	for _, f := range []Failure{{Requests: 1}, {Requests: 1, Status: 503}} {
		r.Fail(f)
		_, err := send(r.Client(), newRequest(t, r, io.MultiReader(strings.NewReader(batch("a")), failingReader{broken})))
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
	}
	wantMessages(t, r)
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// An answer cannot be read after the request's context ended or the body was
// closed, no more than one that came through a socket.
func TestAnswerEndsWithItsRequest(t *testing.T) {
	r := NewReceiver()
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := r.Client().Do(newRequest(t, r, strings.NewReader(batch("a"))).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	resp, err = r.Client().Do(newRequest(t, r, strings.NewReader(batch("a"))))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("after Close: %d bytes, %v", n, err)
	}
}

// The in-process client sends what net/http would, and leaves the request as
// it is. User info in the URL and redirects are net/http's business as ever.
func TestClientIsLikeNetHTTP(t *testing.T) {
	r := NewReceiver()
	r.Fail(Failure{Requests: 1, Status: 307, Header: http.Header{"Location": {"http://other.invalid/logs?source=" + r.source}}})
	req := newRequest(t, r, strings.NewReader(batch("a")), header("Authorization", ""))
	req.URL.Host = "somewhere.invalid"
	req.Host = ""
	req.Header.Set("X-Api-Key", r.key)
	got, err := send(r.Client(), req)
	if err != nil || got.status != 200 || got.host != "other.invalid" {
		t.Fatalf("%v %v, want that the redirect was followed", got, err)
	}
	requests := r.Requests()
	if len(requests) != 2 || requests[0].Host != "somewhere.invalid" || requests[1].Host != "other.invalid" {
		t.Errorf("requests %+v", requests)
	}
	if requests[0].Header.Get("User-Agent") == "" || req.Header.Get("User-Agent") != "" {
		t.Error("no User-Agent arrived, or it was written into the caller's request")
	}
	wantMessages(t, r, "a")
}
