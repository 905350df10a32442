// Package agent reports the CPU time, memory, goroutines and garbage collector pauses
// of a process to slogship-viewer. It takes one line:
//
//	h, err := slogship.New("http://127.0.0.1:7777/logs?source=myapp", nil)
//	...
//	defer h.Close()
//	defer agent.Start(h, nil).Stop()
//
// A report is a log record, and is sent like the records of the application: it needs
// no second address, token or queue. The viewer recognises it, and stores its numbers
// in a table of their own instead of the record. Any other backend shows a record
// "slogship: process" with a group of numbers.
//
// The agent is one goroutine. Every 5 seconds a report takes 5 µs and allocates 416
// bytes, plus what the handler takes (go test -bench Report ./agent). It does not stop
// other goroutines. A handler that panics or hangs ends or delays the agent only.
package agent

import (
	"context"
	"crypto/rand"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// Message is the message of a report.
const Message = "slogship: process"

// Options are the options of Start. The zero value is usable.
type Options struct {
	// Interval is the time between two reports. If zero or negative, 5 s. Less than 1 s
	// counts as 1 s, because the viewer keeps one report per process and second.
	Interval time.Duration
	// Level is the level of the reports. The zero value is INFO. Nothing is reported to
	// a handler for which the level is not enabled.
	Level slog.Level
}

// Agent is a running agent, made by [Start]. It reports until [Agent.Stop].
type Agent struct {
	h        slog.Handler
	level    slog.Level
	interval time.Duration
	run      string // names this process where the records' own way does not

	cancel context.CancelFunc // ends report's goroutine
	done   chan struct{}      // closed by that goroutine at its end
	once   sync.Once          // of Stop
}

// stopWait bounds Stop: a handler may hang.
const stopWait = time.Second

// Start starts an agent that reports to h. Use the handler of the application: the
// viewer then shows records and reports as one run. If h is nil, nothing is reported.
// If opts is nil, the zero [Options] are used.
func Start(h slog.Handler, opts *Options) *Agent {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Interval <= 0 {
		o.Interval = 5 * time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &Agent{
		h: h, level: o.Level, interval: max(o.Interval, time.Second), run: rand.Text(),
		cancel: cancel, done: make(chan struct{}),
	}
	if h == nil {
		close(a.done)
		return a
	}
	go a.loop(ctx, newSampler())
	return a
}

// Stop sends a last report and ends the agent. It waits for at most a second. It may be
// called more than once. Call it before closing the handler.
func (a *Agent) Stop() {
	a.once.Do(a.cancel)
	t := time.NewTimer(stopWait)
	defer t.Stop()
	select {
	case <-a.done:
	case <-t.C:
	}
}

// loop is the agent's goroutine: Start starts it, Stop ends it. A handler that
// panics ends it as well, and the application goes on.
func (a *Agent) loop(ctx context.Context, s *sampler) {
	defer close(a.done)
	defer func() { _ = recover() }()
	tick := time.NewTicker(a.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
			a.report(last, s)
			cancel()
			return
		case <-tick.C:
			a.report(ctx, s)
		}
	}
}

// report sends one record. What the handler returns is its own business: it is
// what the application would do with it.
func (a *Agent) report(ctx context.Context, s *sampler) {
	if !a.h.Enabled(ctx, a.level) {
		return
	}
	now := time.Now()
	p := s.sample(now)
	if p.interval <= 0 {
		return
	}
	r := slog.NewRecord(now, a.level, Message, 0)
	r.AddAttrs(slog.GroupAttrs("process",
		slog.String("run", a.run),
		slog.Int64("interval_ms", p.interval.Milliseconds()),
		slog.Float64("cpu", p.cpu),
		slog.Int("cpus", runtime.GOMAXPROCS(0)),
		slog.Uint64("memory", p.memory),
		slog.Uint64("heap", p.heap),
		slog.Uint64("goroutines", p.goroutines),
		slog.Uint64("allocated", p.allocated),
		slog.Uint64("gcs", p.gcs),
		slog.Int64("pause_ns", int64(p.pause)),
	))
	_ = a.h.Handle(ctx, r)
}
