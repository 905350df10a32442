package slogshiptest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// overBoth runs f with a client that goes through a socket, and with one that
// does not: failures must look the same to both.
func overBoth(t *testing.T, f func(t *testing.T, r *Receiver, client *http.Client)) {
	t.Run("socket", func(t *testing.T) {
		s := NewServer(t)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		f(t, s.Receiver, &http.Client{Transport: transport})
	})
	t.Run("in process", func(t *testing.T) {
		r := NewReceiver()
		f(t, r, r.Client())
	})
}

// A status is answered with all that belongs to it, and nothing is taken.
func TestFailStatus(t *testing.T) {
	overBoth(t, func(t *testing.T, r *Receiver, client *http.Client) {
		r.Fail(Failure{
			Requests: 1, Status: 429, RetryAfter: "3",
			Header: http.Header{"X-Reason": {"full"}}, Body: "slower",
		})
		got, err := send(client, newRequest(t, r, strings.NewReader(batch("a"))))
		if err != nil || got.status != 429 || got.text != "slower" || got.length != 6 {
			t.Errorf("%v %v", got, err)
		}
		if got.header.Get("Retry-After") != "3" || got.header.Get("X-Reason") != "full" {
			t.Errorf("headers %v", got.header)
		}
		r.Fail(Failure{Requests: 1, Status: 200})
		if got, err := send(client, newRequest(t, r, strings.NewReader(batch("a")))); err != nil || got.status != 200 || got.text != "OK" {
			t.Errorf("%v %v", got, err)
		}
		r.Fail(Failure{Requests: 1, Status: 204, Body: "a body that a 204 cannot have"})
		if got, err := send(client, newRequest(t, r, strings.NewReader(batch("a")))); err != nil || got.status != 204 || got.text != "" {
			t.Errorf("%v %v", got, err)
		}
		wantMessages(t, r)
	})
}

// A reset looks like one, and nothing is taken.
func TestFailReset(t *testing.T) {
	overBoth(t, func(t *testing.T, r *Receiver, client *http.Client) {
		r.Fail(Failure{Requests: 1, Reset: true})
		_, err := send(client, newRequest(t, r, strings.NewReader(batch("a"))))
		var op *net.OpError
		if !errors.Is(err, syscall.ECONNRESET) || !errors.As(err, &op) || op.Timeout() {
			t.Errorf("got %v, want a connection reset", err)
		}
		wantMessages(t, r)
		if got, err := send(client, newRequest(t, r, strings.NewReader(batch("b")))); err != nil || got.status != 200 {
			t.Errorf("the next request: %v %v", got, err)
		}
		wantMessages(t, r, "b")
	})
}

// A cut answer is that of a batch that was taken.
func TestFailCut(t *testing.T) {
	overBoth(t, func(t *testing.T, r *Receiver, client *http.Client) {
		r.Fail(Failure{Requests: 1, Cut: true})
		got, err := send(client, newRequest(t, r, strings.NewReader(batch("a"))))
		if !errors.Is(err, io.ErrUnexpectedEOF) || got.status != 200 || got.text != `{"message"` {
			t.Errorf("got %v %v, want half an answer", got, err)
		}
		wantMessages(t, r, "a")

		r.Fail(Failure{Requests: 1, Status: 503, Body: "12345678", Cut: true})
		got, err = send(client, newRequest(t, r, strings.NewReader(batch("b"))))
		if !errors.Is(err, io.ErrUnexpectedEOF) || got.status != 503 || got.text != "1234" {
			t.Errorf("got %v %v, want half a 503", got, err)
		}
		wantMessages(t, r, "a")
	})
}

// Failures come in the order in which they were queued, each as often as it
// says; the last, without a number, until Recover.
func TestFailuresQueue(t *testing.T) {
	r := NewReceiver()
	r.Fail(Failure{Requests: 2, Status: 500})
	r.Fail(Failure{Requests: 1, Status: 429})
	r.Fail(Failure{Status: 503})
	r.Fail(Failure{Status: 418}) // never has its turn
	for i, want := range []int{500, 500, 429, 503, 503, 503} {
		if got, _ := post(t, r, batch("a")); got != want {
			t.Errorf("request %d: %d, want %d", i, got, want)
		}
	}
	r.Recover()
	if got, _ := post(t, r, batch("a")); got != 200 {
		t.Errorf("after Recover: %d, want 200", got)
	}
}

// A failure is in front of the backend: it meets strangers too, and only what
// gets past it is judged.
func TestFailuresComeBeforeCredentials(t *testing.T) {
	r := NewReceiver()
	r.Fail(Failure{Requests: 1, Status: 503})
	r.Fail(Failure{Requests: 1, Cut: true})
	stranger := header("Authorization", "Bearer no")
	if got, _ := post(t, r, batch("a"), stranger); got != 503 {
		t.Errorf("%d, want 503", got)
	}
	got, err := send(r.Client(), newRequest(t, r, strings.NewReader(batch("a")), stranger))
	if !errors.Is(err, io.ErrUnexpectedEOF) || got.status != 401 {
		t.Errorf("%v %v, want half a 401", got, err)
	}
}

// A failure is kept as it was when it was queued.
func TestFailCopiesHeader(t *testing.T) {
	r := NewReceiver()
	h := http.Header{"X-Reason": {"a"}}
	r.Fail(Failure{Status: 503, Header: h})
	h.Set("X-Reason", "b")
	for range 2 {
		got, err := send(r.Client(), newRequest(t, r, strings.NewReader(batch("a"))))
		if err != nil || got.header.Get("X-Reason") != "a" {
			t.Errorf("%v %v, want the header of the call", got, err)
		}
		got.header.Set("X-Reason", "c")
	}
}

// A status that HTTP does not have is the caller's mistake, told at once.
func TestFailRefusesImpossibleStatus(t *testing.T) {
	for _, status := range []int{-1, 42, 100, 600} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Fail took the status %d", status)
				}
			}()
			NewReceiver().Fail(Failure{Status: status})
		}()
	}
}
