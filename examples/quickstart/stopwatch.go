package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// phase is a part of the plan.
type phase int

const (
	before phase = iota
	outage
	after
	phases
)

func (p phase) String() string { return [...]string{"before", "outage", "after"}[p] }

// A stopwatch measures how long a slog.Handler takes for a record, in each phase.
// Logging does not delay the application by more.
type stopwatch struct {
	mu      sync.Mutex // guards what follows
	current phase
	took    [phases][]time.Duration
}

// cost is what log calls took in a phase.
type cost struct {
	calls    int
	p50, p99 time.Duration
}

// around returns a handler that passes everything to h, and measures it.
func (s *stopwatch) around(h slog.Handler) slog.Handler { return measured{h, s} }

// begin starts phase p: the next calls count for it.
func (s *stopwatch) begin(p phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = p
}

func (s *stopwatch) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[s.current] = append(s.took[s.current], d)
}

// costs returns what log calls have taken.
func (s *stopwatch) costs() (all [phases]cost) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, took := range s.took {
		n := len(took)
		if n == 0 {
			continue
		}
		slices.Sort(took)
		all[p] = cost{calls: n, p50: took[n/2], p99: took[n*99/100]}
	}
	return all
}

// measured is a slog.Handler under a stopwatch.
type measured struct {
	slog.Handler
	watch *stopwatch
}

func (m measured) Handle(ctx context.Context, r slog.Record) error {
	start := time.Now()
	err := m.Handler.Handle(ctx, r)
	m.watch.add(time.Since(start))
	return err
}

func (m measured) WithAttrs(attrs []slog.Attr) slog.Handler {
	return measured{m.Handler.WithAttrs(attrs), m.watch}
}

func (m measured) WithGroup(name string) slog.Handler {
	return measured{m.Handler.WithGroup(name), m.watch}
}
