package command

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship"
)

// A shipper is the Handler with what the flags put around it. It is the
// slog.Handler of whatever makes records of lines.
type shipper struct {
	c *config
	h *slogship.Handler

	out  slog.Handler // h, with the attributes of -a
	rate *limiter     // nil: no limit
	keep *keeper      // nil: there is no -spool, or it may drop

	ctx    context.Context    // of waits for room
	giveUp context.CancelFunc // ends it: what finds no room is dropped

	stopping chan struct{} // closed by the first signal, by -on-error fail and by -dry-run
	stopOnce sync.Once
	hard     context.Context // ends with the second signal
	hardEnd  context.CancelFunc
	deadline time.Time // of all that is left to do; set by the first signal, before stopping is closed

	read atomic.Int64 // bytes of input
	lag  func() (bytes, files int64)
	done chan struct{} // closed by finish
	side sync.WaitGroup
}

// newShipper makes a shipper, and has it end by stop: the first signal begins the
// end, the second one is the end.
func newShipper(c *config, placed bool, stop <-chan os.Signal) (*shipper, error) {
	s := &shipper{c: c, stopping: make(chan struct{}), done: make(chan struct{})}
	s.ctx, s.giveUp = context.WithCancel(context.Background())
	s.hard, s.hardEnd = context.WithCancel(context.Background())
	o := &slogship.Options{
		Level:          c.level,
		Format:         c.backend.Format(c.attrs, c.dryRun),
		Header:         c.header,
		Compression:    c.compression,
		FlushInterval:  c.interval,
		RequestTimeout: c.timeout,
		OnError:        s.onError,
	}
	if !c.lossy {
		o.OnFull = slogship.Block
	}
	spooled := c.spool != "" && !c.dryRun
	if spooled {
		o.Spool = slogship.SpoolOptions{Dir: c.spool, MaxBytes: c.spoolBytes}
	}
	if placed || spooled { // what is in the spool may come from a follower
		o.Format = placedFormat{o.Format}
	}
	if placed {
		o.ContextAttrs = placeAttrs
	}
	if c.dryRun {
		o.Compression = slogship.None
		o.Client = &http.Client{Transport: &printer{s: s}}
	}
	var err error
	if s.h, err = slogship.New(c.url, o); err != nil {
		return nil, err
	}
	s.out = s.h
	if len(c.attrs) > 0 && !c.backend.Described {
		s.out = s.h.WithAttrs(c.attrs)
	}
	if c.rate > 0 {
		s.rate = &limiter{every: time.Second / time.Duration(c.rate)}
	}
	if spooled && !c.lossy {
		s.keep = &keeper{stats: s.h.Stats, read: &s.read, maxBytes: c.spoolBytes}
	}
	if n := s.h.Stats().Recovered; n > 0 && !c.quiet {
		c.env.say("slogship: %d records of an earlier run are in %s; they are sent first\n", n, c.spool)
	}
	go s.watch(stop)
	return s, nil
}

// watch ends with the shipper. After the first signal half of -grace is for what
// still comes and waits for room, the rest for delivering.
func (s *shipper) watch(stop <-chan os.Signal) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			if n > 0 {
				s.giveUp()
				s.hardEnd()
				return
			}
			s.stopOnce.Do(func() {
				s.deadline = time.Now().Add(s.c.grace)
				close(s.stopping)
			})
			time.AfterFunc(s.c.grace/2, s.giveUp)
		case <-s.done:
			return
		}
	}
}

// stop begins the end: input is not read any more.
func (s *shipper) stop() { s.stopOnce.Do(func() { close(s.stopping) }) }

func (s *shipper) onError(err error) {
	if s.c.dryRun {
		return
	}
	good := errors.Is(err, slogship.ErrRecovered)
	if !s.c.quiet || !good {
		s.c.env.say("%v\n", err)
	}
	if s.c.failFast && !good {
		s.stop()
		s.giveUp()
		s.hardEnd()
	}
}

// finish delivers what is held, within limit if that is not zero, and in any case
// within what a signal has left, and returns the exit status.
func (s *shipper) finish(limit time.Duration) (status int) {
	ctx, cancel := context.WithCancel(s.hard)
	defer cancel()
	if limit > 0 {
		defer time.AfterFunc(limit, cancel).Stop()
	}
	go func() {
		select {
		case <-s.stopping:
			if !s.deadline.IsZero() {
				time.AfterFunc(time.Until(s.deadline), cancel)
			}
		case <-ctx.Done():
		}
	}()
	err := s.h.Shutdown(ctx)
	s.giveUp()
	close(s.done)
	s.side.Wait()
	if s.c.dryRun {
		return exitDelivered
	}
	if err != nil {
		s.c.env.say("%v\n", err)
	}
	stats := s.h.Stats()
	if !s.c.quiet {
		s.c.env.say("slogship: %s\n", summary(stats))
	}
	if stats.Spooled > 0 {
		s.c.env.say("slogship: %d records are in %s: the next slogship with -spool %s sends them, or slogship spool %s ship\n",
			stats.Spooled, s.c.spool, s.c.spool, s.c.spool)
	}
	return statusOf(stats)
}

// statusOf is the exit status for what became of the records: the worst of it.
func statusOf(s slogship.Stats) int {
	d := s.Dropped
	switch {
	case d.Shutdown+d.Closed+d.Overflow+d.Discarded+d.Expired+d.Corrupt > 0:
		return exitUnsent
	case d.Rejected+d.TooLarge > 0:
		return exitRefused
	case s.Spooled > 0:
		return exitSpooled
	}
	return exitDelivered
}

// Enabled reports whether level is shipped.
func (s *shipper) Enabled(_ context.Context, level slog.Level) bool { return level >= s.c.level }

// Handle ships r, and waits for room if there is none.
func (s *shipper) Handle(_ context.Context, r slog.Record) error {
	return s.handle(s.ctx, s.out, r)
}

func (s *shipper) handle(ctx context.Context, out slog.Handler, r slog.Record) error {
	if s.rate != nil {
		s.rate.wait(ctx)
	}
	if s.keep != nil {
		s.keep.wait(ctx)
	}
	if len(s.c.drop) > 0 {
		r = without(s.c.drop, r)
	}
	return out.Handle(ctx, r)
}

// WithAttrs returns a handler whose records have attrs, too.
func (s *shipper) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &part{s, s.out.WithAttrs(attrs)}
}

// WithGroup is there because a slog.Handler has it; lines need no groups.
func (s *shipper) WithGroup(name string) slog.Handler { return &part{s, s.out.WithGroup(name)} }

// part is a shipper with attributes.
type part struct {
	*shipper
	out slog.Handler
}

// Handle ships r, and waits for room if there is none.
func (p *part) Handle(_ context.Context, r slog.Record) error {
	return p.handle(p.ctx, p.out, r)
}

// without returns r without the attributes of the names in drop.
func without(drop map[string]bool, r slog.Record) slog.Record {
	kept := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a, ok := pruned(drop, "", a); ok {
			kept.AddAttrs(a)
		}
		return true
	})
	return kept
}

func pruned(drop map[string]bool, prefix string, a slog.Attr) (_ slog.Attr, ok bool) {
	name := prefix + a.Key
	if drop[name] {
		return a, false
	}
	if a.Value.Kind() != slog.KindGroup {
		return a, true
	}
	var members []slog.Attr
	for _, m := range a.Value.Group() {
		if m, ok := pruned(drop, name+".", m); ok {
			members = append(members, m)
		}
	}
	return slog.Attr{Key: a.Key, Value: slog.GroupValue(members...)}, true
}

// A limiter spaces records evenly, but for the first tenth of a second's worth.
type limiter struct {
	mu    sync.Mutex // guards what follows; held while waiting, which is what others would do
	every time.Duration
	next  time.Time
}

const limiterSlack = 100 * time.Millisecond

func (l *limiter) wait(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if oldest := now.Add(-limiterSlack); l.next.Before(oldest) {
		l.next = oldest
	}
	l.next = l.next.Add(l.every)
	if d := l.next.Sub(now); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}
