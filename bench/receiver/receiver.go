// Package receiver is the backend of the benchmark: a process of its own, on
// loopback, that understands what each peer sends, inflates it, and counts the
// sequence numbers that arrive, so that what is lost or doubled is known.
//
//	sender process                         receiver process
//	peer ------- POST, its own protocol -> session: inflate, count, answer
//	harness ---- control ----------------> open, mode, counts
//
// Each session has its own port, protocol, counts and mode: healthy, slow,
// hanging, refusing connections, or answering with an error.
package receiver

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// Receiver is the control endpoint and the sessions opened by it.
type Receiver struct {
	srv  *http.Server
	addr string

	mu       sync.Mutex // guards sessions
	sessions []*session
}

// Listen starts a receiver on a free port of loopback.
func Listen() (*Receiver, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Receiver{addr: ln.Addr().String()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /open", r.open)
	mux.HandleFunc("POST /mode/{id}", r.with(func(s *session, req *http.Request) (any, error) {
		var m Mode
		if err := json.NewDecoder(req.Body).Decode(&m); err != nil {
			return nil, err
		}
		return nil, s.setMode(m)
	}))
	mux.HandleFunc("POST /reset/{id}", r.with(func(s *session, _ *http.Request) (any, error) {
		s.reset()
		return nil, nil
	}))
	mux.HandleFunc("GET /counts/{id}", r.with(func(s *session, _ *http.Request) (any, error) {
		return s.snapshot(), nil
	}))
	mux.HandleFunc("POST /close/{id}", r.with(func(s *session, _ *http.Request) (any, error) {
		err := s.setMode(Mode{Kind: "refuse"}) // lets go of what hangs, too
		s.mu.Lock()
		s.seen, s.seqs = nil, nil
		s.mu.Unlock()
		return nil, err
	}))
	r.srv = &http.Server{Handler: mux}
	go func() { _ = r.srv.Serve(ln) }() // ended by Close
	return r, nil
}

// Control returns a client of the receiver's control endpoint.
func (r *Receiver) Control() Control { return Control(r.addr) }

// Close ends all sessions and the control endpoint.
func (r *Receiver) Close() {
	_ = r.srv.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sessions {
		_ = s.setMode(Mode{Kind: "refuse"})
	}
}

type openRequest struct {
	Proto    Proto `json:"proto"`
	CheckAll bool  `json:"check_all"`
}

func (r *Receiver) open(w http.ResponseWriter, req *http.Request) {
	var o openRequest
	if err := json.NewDecoder(req.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s, err := newSession(o.Proto, o.CheckAll)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r.mu.Lock()
	r.sessions = append(r.sessions, s)
	id := len(r.sessions) - 1
	r.mu.Unlock()
	_ = json.NewEncoder(w).Encode(Session{ID: id, Addr: s.addr})
}

func (r *Receiver) with(f func(*session, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		id, err := strconv.Atoi(req.PathValue("id"))
		r.mu.Lock()
		var s *session
		if err == nil && id >= 0 && id < len(r.sessions) {
			s = r.sessions[id]
		}
		r.mu.Unlock()
		if s == nil {
			http.Error(w, fmt.Sprintf("no session %q", req.PathValue("id")), http.StatusNotFound)
			return
		}
		v, err := f(s, req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(v)
	}
}
