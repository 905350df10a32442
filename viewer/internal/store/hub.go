package store

import (
	"sync"

	"github.com/slogship/slogship/viewer/internal/event"
)

// Record is a log record with its key.
type Record struct {
	ID       int64
	Template string
	event.Log
}

// hub tells subscribers what was committed. It never waits for them.
type hub struct {
	mu     sync.Mutex // guards what follows
	subs   map[*Subscription]struct{}
	closed bool
}

// Subscription receives what is committed from now on.
type Subscription struct {
	// C has the records of each commit, oldest first; it is closed when the store
	// or the subscription is. What does not fit into it is dropped and counted.
	C       <-chan []Record
	c       chan []Record // cap 64, closed by the hub under its mu
	hub     *hub
	dropped int // guarded by hub.mu
}

// Subscribe begins a subscription; the caller ends it with Close.
func (s *Store) Subscribe() *Subscription {
	c := make(chan []Record, 64)
	sub := &Subscription{C: c, c: c, hub: &s.hub}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.hub.closed {
		close(c)
		return sub
	}
	if s.hub.subs == nil {
		s.hub.subs = map[*Subscription]struct{}{}
	}
	s.hub.subs[sub] = struct{}{}
	return sub
}

// Close ends the subscription.
func (sub *Subscription) Close() {
	sub.hub.mu.Lock()
	defer sub.hub.mu.Unlock()
	if _, ok := sub.hub.subs[sub]; ok {
		delete(sub.hub.subs, sub)
		close(sub.c)
	}
}

// Dropped returns how many records did not fit since the last call.
func (sub *Subscription) Dropped() int {
	sub.hub.mu.Lock()
	defer sub.hub.mu.Unlock()
	n := sub.dropped
	sub.dropped = 0
	return n
}

// listened reports whether there is anybody to tell.
func (h *hub) listened() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs) > 0
}

func (h *hub) publish(records []Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for sub := range h.subs {
		select {
		case sub.c <- records:
		default:
			sub.dropped += len(records)
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for sub := range h.subs {
		delete(h.subs, sub)
		close(sub.c)
	}
}
