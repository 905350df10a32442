package receiver

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// A Proto is what a peer speaks.
type Proto string

// The protocols.
const (
	Logflare Proto = "logflare" // {"batch":[...]}
	OTLP     Proto = "otlp"     // protobuf
	Axiom    Proto = "axiom"    // newline-delimited JSON, answered with counts
	Loki     Proto = "loki"     // push: snappy protobuf, or JSON
	Elastic  Proto = "elastic"  // _bulk, answered item by item
	Logtail  Proto = "logtail"  // a JSON array
	Sentry   Proto = "sentry"   // envelopes
	JSON     Proto = "json"     // one object a request
)

const protobufType = "application/x-protobuf"

// A Mode is how a backend behaves. The zero Mode is a healthy one.
type Mode struct {
	Kind   string        `json:"kind"`   // "": healthy; "hang": never answers; "refuse": no listener; "status": answers Status
	Status int           `json:"status"` // with "status"
	Times  int           `json:"times"`  // with "status": for so many requests, then healthy; 0: until told otherwise
	Delay  time.Duration `json:"delay"`  // before each answer
}

// Counts is what arrived. Requests that are not answered with success count
// among Requests alone.
type Counts struct {
	Records  int `json:"records"`
	Distinct int `json:"distinct"` // sequence numbers; Records - Distinct is what came twice

	Requests int    `json:"requests"`
	Refused  int    `json:"refused"` // requests answered with an error
	Bad      int    `json:"bad"`     // requests that could not be read
	BadWhy   string `json:"bad_why,omitempty"`

	Checked  int    `json:"checked"` // with checkAll: records compared to what was logged
	Wrong    int    `json:"wrong"`   // and requests in which one of them differed
	WrongWhy string `json:"wrong_why,omitempty"`

	WireBytes int64 `json:"wire_bytes"`
	BodyBytes int64 `json:"body_bytes"` // after inflating

	// CPU is what the whole receiver process has used since it began.
	CPU time.Duration `json:"cpu"`

	First time.Time `json:"first"` // arrival
	Last  time.Time `json:"last"`
}

// session is one backend: a listener, its mode, and what arrived at it.
type session struct {
	proto    Proto
	addr     string
	checkAll bool // decode every record wholly and compare it to what was logged

	mu      sync.Mutex // guards what follows; never held across I/O
	mode    Mode
	changed chan struct{} // cap 0, closed and replaced by setMode; frees the requests that hang
	srv     *http.Server  // nil while refusing
	counts  Counts
	seen    bitmap
	seqs    []int // scratch
}

func newSession(p Proto, checkAll bool) (*session, error) {
	s := &session{proto: p, checkAll: checkAll, addr: "127.0.0.1:0", changed: make(chan struct{})}
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

// listen starts a server on the session's address, the same one each time.
func (s *session) listen() error {
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.mu.Lock()
	s.addr, s.srv = ln.Addr().String(), srv
	s.mu.Unlock()
	go func() { _ = srv.Serve(ln) }() // ended by close
	return nil
}

// close ends the listener and cuts every connection, as a killed server would.
func (s *session) close() {
	s.mu.Lock()
	srv := s.srv
	s.srv = nil
	s.mu.Unlock()
	if srv != nil {
		_ = srv.Close()
	}
}

func (s *session) setMode(m Mode) error {
	s.mu.Lock()
	s.mode = m
	close(s.changed)
	s.changed = make(chan struct{})
	listening := s.srv != nil
	s.mu.Unlock()
	switch {
	case m.Kind == "refuse":
		s.close()
	case !listening:
		return s.listen()
	}
	return nil
}

func (s *session) reset() {
	s.mu.Lock()
	s.counts = Counts{}
	s.seen = s.seen[:0]
	s.mu.Unlock()
}

func (s *session) snapshot() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) == nil {
		c.CPU = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	}
	return c
}

// scratch holds a request's body, as sent and inflated.
type scratch struct{ wire, body []byte }

var scratches = sync.Pool{New: func() any { return &scratch{body: make([]byte, 0, 1<<20)} }}

func (s *session) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead { // a client that looks before it sends
		s.greet(w)
		return
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	var err error
	if sc.wire, err = readAll(sc.wire[:0], io.LimitReader(r.Body, maxBody), r.ContentLength); err != nil {
		s.note(func(c *Counts) { c.Bad++; c.BadWhy = err.Error() })
		return
	}

	s.mu.Lock()
	s.counts.Requests++
	m, changed := s.mode, s.changed
	if m.Kind == "status" {
		s.counts.Refused++
		if s.mode.Times > 0 {
			if s.mode.Times--; s.mode.Times == 0 {
				s.mode = Mode{Delay: m.Delay}
			}
		}
	}
	s.mu.Unlock()

	if m.Delay > 0 {
		time.Sleep(m.Delay)
	}
	switch m.Kind {
	case "hang":
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler) // the connection is cut, nothing was counted
	case "status":
		http.Error(w, http.StatusText(m.Status), m.Status)
		return
	}

	contentType := r.Header.Get("Content-Type")
	body, err := inflate(sc.body, s.proto, r.Header.Get("Content-Encoding"), contentType, sc.wire)
	if err == nil {
		if cap(body) > cap(sc.body) && len(sc.wire) > 0 && &body[:1][0] != &sc.wire[:1][0] {
			sc.body = body[:0] // keep the larger buffer
		}
		var n int
		if n, err = s.count(contentType, body, len(sc.wire)); err == nil {
			s.answer(w, r, body, n)
			return
		}
	}
	s.note(func(c *Counts) { c.Bad++; c.BadWhy = err.Error() })
	http.Error(w, err.Error(), http.StatusBadRequest)
}

func (s *session) count(contentType string, body []byte, wire int) (int, error) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	seqs, err := appendSeqs(s.seqs[:0], s.proto, contentType, body)
	s.seqs = seqs
	if err != nil {
		return 0, err
	}
	c := &s.counts
	if s.checkAll {
		n, wrong, err := check(s.proto, contentType, body)
		switch {
		case err != nil:
			return 0, err
		case n != len(seqs):
			wrong = fmt.Sprintf("%d records decoded, %d counted", n, len(seqs))
		}
		c.Checked += n
		if wrong != "" {
			c.Wrong, c.WrongWhy = c.Wrong+1, wrong
		}
	}
	for _, seq := range seqs {
		if seq >= maxSeq {
			return 0, fmt.Errorf("seq %d", seq)
		}
		c.Records++
		if s.seen.add(seq) {
			c.Distinct++
		}
	}
	c.WireBytes += int64(wire)
	c.BodyBytes += int64(len(body))
	if len(seqs) > 0 {
		if c.First.IsZero() {
			c.First = now
		}
		c.Last = now
	}
	return len(seqs), nil
}

func (s *session) note(f func(*Counts)) {
	s.mu.Lock()
	f(&s.counts)
	s.mu.Unlock()
}

// readAll reads r into buf, which grows to size at once if that is known.
func readAll(buf []byte, r io.Reader, size int64) ([]byte, error) {
	if size > int64(cap(buf)) && size <= maxBody {
		buf = make([]byte, 0, size+1)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}
