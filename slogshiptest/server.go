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

// NewServer starts a Server that is closed when t ends, as NewReceiver has it
// for the Backend as.
func NewServer(t testing.TB, as ...Backend) *Server {
	t.Helper()
	s := StartServer(as...)
	t.Cleanup(s.Close)
	return s
}

// StartServer starts a Server outside of a test; the caller calls Close.
func StartServer(as ...Backend) *Server {
	r := NewReceiver(as...)
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
