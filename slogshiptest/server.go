package slogshiptest

import (
	"net/http/httptest"
	"sync"
	"testing"
)

// Server is a [Receiver] that listens on the loopback interface, at its URL.
// [Receiver.Client] still reaches it without the socket.
type Server struct {
	*Receiver

	http *httptest.Server
	once sync.Once
}

// NewServer starts a Server that imitates the given Backend, or Logflare if none is
// given. It panics if more than one is given. The Server is closed when t ends.
func NewServer(t testing.TB, as ...Backend) *Server {
	t.Helper()
	s := StartServer(as...)
	t.Cleanup(s.Close)
	return s
}

// StartServer is [NewServer] for use outside of a test. The caller must call
// [Server.Close].
func StartServer(as ...Backend) *Server {
	r := NewReceiver(as...)
	r.closing = make(chan struct{})
	s := &Server{Receiver: r, http: httptest.NewServer(r)}
	r.URL = r.endpoint(s.http.URL)
	return s
}

// Close resets the connections of requests that a [Failure] delays or hangs, waits for
// the other requests, and stops listening. Records and Requests can still be called. A
// second call does nothing.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.closing)
		s.http.Close()
	})
}
