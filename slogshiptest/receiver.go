// Package slogshiptest has a log backend for tests: a receiver that answers as
// Logflare's ingest API does, or as another Backend, remembers every record it
// took, and fails in the ways it is told to.
//
//	Handler -> HTTP POST -> Failure? -> key, encoding, size, JSON, source -> Records
//	                           |                      |
//	                 503, reset, hang, ...   401, 413, 415, 400, 500, 406
//
// A test of an application takes a Server, which listens on the loopback
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
// A test in the fake time of testing/synctest takes a Receiver, which needs no
// socket, and makes it inside the bubble:
//
//	backend := slogshiptest.NewReceiver()
//	h := slogshiptest.NewHandler(t, backend)
//
// Both take the Backend that your Format is for; NewHandler takes Options:
//
//	backend := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
//	h := slogshiptest.NewHandler(t, backend, slogship.Options{
//		Format: formats.Elasticsearch(formats.ElasticsearchOptions{Index: "app"}),
//	})
//
// Where the application makes its own handler, it needs the URL and the header:
//
//	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header()})
//
// A real server forgives less than most test doubles. This one refuses what
// Logflare refuses, down to an invalid byte inside a string, so that a batch
// which would be lost in production fails the test instead.
//
// A Format of your own is held to the rules of one by [CheckFormat].
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

// Receiver is a log backend without a socket. It is an http.Handler for
// whoever has a server, and Client reaches it without one. Its methods may be
// called from any number of goroutines.
//
// It serves POST at its Backend's paths, and GET /health.
type Receiver struct {
	// URL is the endpoint to ship to. That of Logflare has the path /logs, with
	// the UUID of the receiver's source in its query; the source may be addressed
	// by name as well, as ?source_name=slogshiptest. It is not to be changed.
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

	rejectEvent func(Record) string
	refuseBatch func(Record) int
	answerEvent func(Record) int
}

// NewReceiver returns a Receiver with a random key and source, which stands for
// the backend as, or for Logflare if there is none; more than one is a mistake,
// over which it panics. In a test that uses testing/synctest it must be called
// inside the bubble.
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

// Header returns the credentials that the receiver asks for, ready for
// slogship.Options.Header. It is empty for a Backend that asks for none. The
// caller owns the result.
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

// Records returns the records that arrived, in order of arrival. One that came
// again with an id already seen is in it once. Each call decodes them all
// anew: the caller owns the result, except for Raw, which is shared.
//
// As Logflare the receiver drops an event from more than an hour ahead, and
// answers 200. In a bubble of testing/synctest, whose clock begins in the
// year 2000, a fixed timestamp of today is such a one.
func (r *Receiver) Records() []Record {
	r.mu.Lock()
	events := slices.Clone(r.events)
	r.mu.Unlock()
	return decodeAll(events)
}

// Len returns how many records have arrived: the length of Records, for less.
func (r *Receiver) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

// Duplicates returns how many records came with an id already seen. At-least-
// once delivery may bring some, after a lost answer; a backend that knows ids
// keeps one copy, and so does Records. A record without an id never counts.
func (r *Receiver) Duplicates() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.duplicates
}

// Requests returns all requests but those for /health, whatever became of
// them, in order of arrival. Header, URL and Body are shared, not to be
// changed.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Request, len(r.requests))
	for i, q := range r.requests {
		all[i] = *q
	}
	return all
}

// Wait waits until n records have arrived, duplicates not counted, since the
// receiver was made or Reset. If ctx ends first, the error says how many have,
// and matches ctx.Err().
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

// Reset forgets what has arrived: records, ids, duplicates and requests. It
// leaves alone what the receiver was told to do.
func (r *Receiver) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.requests, r.untaken = nil, nil, nil
	r.duplicates = 0
	clear(r.seen)
}

// RejectEvents has every event for which why returns a reason left out. As
// with Logflare, the other events of the batch are taken all the same, and the
// answer is a 406 with the reasons; Backend says what the others do. A nil why
// rejects none.
func (r *Receiver) RejectEvents(why func(Record) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejectEvent = why
}

// RefuseBatches has a whole batch refused, with nothing of it taken, if it
// holds an event for which status returns other than 0; the first such status
// is the answer. A nil status refuses none.
//
// It stands for a server that cannot bear one record and does not say which.
func (r *Receiver) RefuseBatches(status func(Record) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuseBatch = status
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
