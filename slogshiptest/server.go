package slogshiptest

import (
	"net/http/httptest"
	"sync"
	"testing"
)

// Server is a Receiver that listens on the loopback interface; its URL says
// where. Client still reaches it without the socket.
type Server struct {
	*Receiver

	http *httptest.Server
	once sync.Once
}

// NewServer starts a Server that is closed when t ends.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := StartServer()
	t.Cleanup(s.Close)
	return s
}

// StartServer starts a Server outside of a test; the caller calls Close.
func StartServer() *Server {
	r := NewReceiver()
	r.closing = make(chan struct{})
	s := &Server{Receiver: r, http: httptest.NewServer(r)}
	r.URL = r.endpoint(s.http.URL)
	return s
}

// Close ends requests that a Failure delays or hangs, as if the connection had
// been reset, waits for the others, and stops listening. What has arrived can
// still be read. A second call does nothing.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.closing)
		s.http.Close()
	})
}
