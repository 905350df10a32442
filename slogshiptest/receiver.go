// Package slogshiptest has a log backend for tests. It answers like Logflare's ingest
// API, or like another [Backend], keeps every record that it accepts, and fails when a
// test tells it to.
//
//	Handler -> HTTP POST -> Failure? -> key, encoding, size, JSON, source -> Records
//	                           |                      |
//	                 503, reset, hang, ...   401, 413, 415, 400, 500, 406
//
// A test of an application uses a [Server], which listens on the loopback
// interface, and a handler with settings for tests:
//
//	backend := slogshiptest.NewServer(t)
//	h := slogshiptest.NewHandler(t, backend)
//	pay(slog.New(h), invoice) // the application
//	if err := h.Flush(t.Context()); err != nil {
//		t.Fatal(err)
//	}
//	paid, ok := backend.Find("invoice paid")
//	if !ok || !paid.Has("amount.cents", 1999) {
//		t.Errorf("got %v", backend.Records())
//	}
//
// A test in the fake time of testing/synctest uses a [Receiver], which needs no socket.
// Make it inside the bubble:
//
//	backend := slogshiptest.NewReceiver()
//	h := slogshiptest.NewHandler(t, backend)
//
// For another backend, pass its [Backend], and pass Options with its Format to
// [NewHandler]:
//
//	backend := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
//	h := slogshiptest.NewHandler(t, backend, slogship.Options{
//		Format: formats.Elasticsearch(formats.ElasticsearchOptions{Index: "app"}),
//	})
//
// If the application makes its own handler, it needs the URL and the header:
//
//	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header()})
//
// Most test doubles accept more than a real server. This one refuses what Logflare
// refuses, even an invalid byte inside a string. A batch that would be lost in
// production therefore fails the test.
//
// [CheckFormat] tests a Format of your own.
package slogshiptest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// sourceName is the name of the one source that a receiver has.
const sourceName = "slogshiptest"

// untakenBodies is how many bodies are kept of requests that brought nothing.
// A test may simulate an outage of days; it must not keep every attempt.
const untakenBodies = 100

// Receiver is a log backend without a socket. The client that [Receiver.Client] returns
// reaches it directly. It is also an [http.Handler], for a server of your own. All
// methods are safe for concurrent use.
//
// It serves POST at its Backend's paths, and GET /health.
type Receiver struct {
	// URL is the endpoint to ship to. For Logflare it has the path /logs, and the UUID
	// of the receiver's source in its query. The source can also be named with
	// ?source_name=slogshiptest. Do not change URL.
	URL string

	as      *spec // of the Backend; nil for Logflare
	key     string
	source  string
	closing chan struct{} // closed by Server.Close; nil, and so never ready, without a Server

	mu         sync.Mutex // guards what follows; never held across a read, a wait or a call of the user's functions
	events     []event    // taken, in order of arrival, each id once
	seen       map[string]struct{}
	duplicates int
	requests   []*Request
	untaken    []*Request    // the last of those that brought nothing: they still have their body
	failures   []Failure     // the first one is the next request's
	arrived    chan struct{} // cap 0; made by Wait, closed and forgotten by the next store

	rejectRecord func(Record) string
	failBatch    func(Record) int
	answerRecord func(Record) int
}

// NewReceiver returns a Receiver that imitates the given Backend, or Logflare if none
// is given. It panics if more than one is given. The credentials are random. In a test
// that uses [testing/synctest], call NewReceiver inside the bubble.
func NewReceiver(as ...Backend) *Receiver {
	r := &Receiver{key: rand.Text(), source: newUUID(), seen: map[string]struct{}{}}
	switch len(as) {
	case 0:
	case 1:
		r.as = as[0].spec()
	default:
		panic(fmt.Sprintf("slogshiptest: a receiver stands for one Backend, not for %d", len(as)))
	}
	// A name that no resolver knows: who forgets Client fails, and reaches nobody.
	r.URL = r.endpoint("http://receiver.invalid")
	return r
}

// endpoint is where the receiver takes records, at base.
func (r *Receiver) endpoint(base string) string {
	if r.as != nil {
		return base + r.as.path
	}
	return base + "/logs?" + url.Values{"source": {r.source}}.Encode()
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40 // version 4: random
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Header returns the credentials that the receiver requires, for
// [slogship.Options.Header]. It is empty for a Backend that requires none. The caller
// may change the result.
func (r *Receiver) Header() http.Header {
	h := http.Header{}
	switch {
	case r.as != nil && r.as.header != "":
		h.Set(r.as.header, r.as.scheme+r.key)
		return h
	case r.as != nil:
		return h
	}
	return http.Header{"Authorization": {"Bearer " + r.key}}
}

// Records returns the accepted records, in order of arrival, without duplicates. Each
// call decodes all of them again. The caller may change the result, except for Raw,
// which is shared.
//
// Like Logflare, the receiver drops a record whose time is more than an hour in the
// future, and answers 200. In a bubble of [testing/synctest], whose clock starts in the
// year 2000, the time of today is in the future.
func (r *Receiver) Records() []Record {
	r.mu.Lock()
	events := slices.Clone(r.events)
	r.mu.Unlock()
	return decodeAll(events)
}

// Len returns how many records have been accepted, without duplicates. It is cheaper
// than len(r.Records()).
func (r *Receiver) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

// Duplicates returns how many records arrived with an id that had arrived before. If an
// answer is lost, the batch is sent again and arrives twice; [Receiver.Records] has one
// copy. A record without an id is never a duplicate.
func (r *Receiver) Duplicates() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.duplicates
}

// Requests returns all requests except those for /health, whatever their
// answer, in order of arrival. Do not change Header, URL and Body, which are
// shared.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Request, len(r.requests))
	for i, q := range r.requests {
		all[i] = *q
	}
	return all
}

// Wait waits until n records have been accepted, without duplicates, since the receiver
// was made or since the last [Receiver.Reset]. If ctx ends first, the error says how
// many have been, and matches ctx.Err().
func (r *Receiver) Wait(ctx context.Context, n int) error {
	for {
		r.mu.Lock()
		have := len(r.events)
		if have < n && r.arrived == nil {
			r.arrived = make(chan struct{})
		}
		arrived := r.arrived
		r.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return fmt.Errorf("slogshiptest: %d of %d records have arrived: %w", have, n, ctx.Err())
		}
	}
}

// Reset forgets what has arrived: records, ids, duplicates and requests. It keeps the
// queued failures and the functions set by [Receiver.RejectRecords],
// [Receiver.AnswerRecords] and [Receiver.FailBatchesOn].
func (r *Receiver) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.requests, r.untaken = nil, nil, nil
	r.duplicates = 0
	clear(r.seen)
}

// arrive notes a request, and returns the failure it is to meet, if any.
func (r *Receiver) arrive(req *http.Request) (q *Request, f Failure) {
	q = &Request{
		as:     r.as,
		Time:   time.Now(),
		Method: req.Method,
		Host:   req.Host,
		URL:    req.URL,
		Header: req.Header.Clone(),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, q)
	if len(r.failures) == 0 {
		return q, Failure{}
	}
	f = r.failures[0]
	if next := &r.failures[0]; next.Requests > 0 {
		if next.Requests--; next.Requests == 0 {
			r.failures = r.failures[1:]
		}
	}
	return q, f
}

// settle notes what became of q.
func (r *Receiver) settle(q *Request, body []byte, status int, taken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.Body, q.Status = body, status
	if taken {
		return
	}
	if r.untaken = append(r.untaken, q); len(r.untaken) > untakenBodies {
		r.untaken[0].Body = nil
		r.untaken = r.untaken[1:]
	}
}

// store remembers events, each id once, and says of each whether it was known.
func (r *Receiver) store(events []event) (known []bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known = make([]bool, len(events))
	for i, e := range events {
		if e.id != "" {
			if _, known[i] = r.seen[e.id]; known[i] {
				r.duplicates++
				continue
			}
			r.seen[e.id] = struct{}{}
		}
		r.events = append(r.events, e)
	}
	if r.arrived != nil {
		close(r.arrived)
		r.arrived = nil
	}
	return known
}
