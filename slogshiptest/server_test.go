package slogshiptest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hanging starts a request that meets a failure in s, and returns once it is
// there. What it ends with is sent, then, to ended.
func hanging(t *testing.T, s *Server) (context.CancelFunc, <-chan error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Hour}}
	t.Cleanup(client.CloseIdleConnections)
	// The server asks for the body when the failure has the request in hand.
	there := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { close(there) }})
	req := newRequest(t, s.Receiver, strings.NewReader(batch("a")), header("Expect", "100-continue")).WithContext(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := send(client, req)
		ended <- err
	}()
	select {
	case <-there:
	case err := <-ended:
		t.Fatalf("the request did not hang: %v", err)
	}
	return cancel, ended
}

// Close does not wait for those who hang: they see a reset.
func TestCloseEndsHangingRequests(t *testing.T) {
	for name, f := range map[string]Failure{"hang": {Hang: true}, "delay": {Delay: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			s := StartServer()
			s.Fail(f)
			cancel, ended := hanging(t, s)
			defer cancel()
			s.Close()
			s.Close() // does nothing
			if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %v, want a connection reset", err)
			}
			wantMessages(t, s.Receiver)
		})
	}
}

// Who hangs does so until he gives up, and the server notices, even if the
// failure is over.
func TestHangOverSocket(t *testing.T) {
	s := NewServer(t)
	s.Fail(Failure{Hang: true})
	cancel, ended := hanging(t, s)
	s.Recover()
	if status, _ := post(t, s.Receiver, batch("b")); status != 200 {
		t.Errorf("the next request: %d, want 200", status)
	}
	select {
	case err := <-ended:
		t.Fatalf("the request ended with %v by itself", err)
	default:
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it canceled", err)
	}
	wantMessages(t, s.Receiver, "b")
}

// A server of NewServer ends with its test; what arrived can be read still.
func TestNewServerEndsWithTest(t *testing.T) {
	var s *Server
	t.Run("inner", func(t *testing.T) {
		s = NewServer(t)
		got, err := send(http.DefaultClient, newRequest(t, s.Receiver, strings.NewReader(batch("a"))))
		if err != nil || got.status != 200 {
			t.Errorf("%v %v", got, err)
		}
	})
	if _, err := send(http.DefaultClient, newRequest(t, s.Receiver, nil)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want that nobody listens", err)
	}
	wantMessages(t, s.Receiver, "a")
}

// The client that needs no socket reaches the same records.
func TestServerHasClient(t *testing.T) {
	s := NewServer(t)
	post(t, s.Receiver, batch("a"))
	wantMessages(t, s.Receiver, "a")
}

// Mounted under a server of the user's own that cannot hand out its
// connection, a reset still ends the request without an answer.
func TestResetWithoutHijacker(t *testing.T) {
	r := NewReceiver()
	r.Fail(Failure{Reset: true})
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("panicked with %v, want http.ErrAbortHandler", err)
		}
	}()
	r.ServeHTTP(httptest.NewRecorder(), newRequest(t, r, strings.NewReader(batch("a"))))
}

// Two receivers share neither key nor source.
func TestReceiversAreStrangers(t *testing.T) {
	a, b := NewReceiver(), NewReceiver()
	if status, _ := post(t, a, batch("a"), header("Authorization", b.Header().Get("Authorization"))); status != 401 {
		t.Errorf("another's key: %d, want 401", status)
	}
	if status, _ := post(t, a, batch("a"), target("/logs", "source="+b.source)); status != 401 {
		t.Errorf("another's source: %d, want 401", status)
	}
}
