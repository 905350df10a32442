package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/viewer/internal/api"
	"github.com/slogship/slogship/viewer/internal/event"
)

// maxSources is how many sources are shipped at once: each has a Handler of its
// own, because most backends know a source once a request.
const maxSources = 32

// ShipOptions say how long a Ship waits. All fields are needed.
type ShipOptions struct {
	GiveUp time.Duration // when the backend failed for so long, the export ends
	Grace  time.Duration // for what is on its way, once the export was broken off
	Say    func(string)  // takes one line for the user; calls never overlap
}

// Ship is a Sink that ships to a backend.
type Ship struct {
	target *Target
	opts   ShipOptions

	ctx  context.Context         // ends with the export's, or when the backend failed for too long
	fail context.CancelCauseFunc // ends it

	// Owned by the caller of Take and Close.
	ways   map[string]*way
	last   string // source of the record before, mostly that of the next one, too
	way    *way
	untook int64 // records that perhaps found no room when the export was broken off: 0 or 1

	mu      sync.Mutex // guards what follows: the Handlers' goroutines call
	named   int        // records that were refused, and said to be
	failing map[string]bool
	timer   *time.Timer // to the end, while something fails
}

var errBackend = errors.New("the backend has failed for")

// NewShip returns a Sink for the target, that ends with ctx.
func NewShip(ctx context.Context, target *Target, opts ShipOptions) *Ship {
	s := &Ship{target: target, opts: opts, ways: map[string]*way{}, failing: map[string]bool{}}
	s.ctx, s.fail = context.WithCancelCause(ctx)
	return s
}

// Take hands a record to the Handler of its source, and waits while that is full.
func (s *Ship) Take(r *api.Record) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	w, err := s.wayOf(r.Source)
	if err != nil {
		return err
	}
	key, rec, err := s.record(r)
	if err != nil {
		return err
	}
	if err := w.take(s.ctx, key, rec); err != nil {
		return err
	}
	if s.ctx.Err() != nil {
		// Perhaps it found no room. If it did, it is sent twice, with the same id.
		s.untook = 1
		return context.Cause(s.ctx)
	}
	return nil
}

func (s *Ship) wayOf(source string) (*way, error) {
	if s.way != nil && source == s.last {
		return s.way, nil
	}
	w := s.ways[source]
	if w == nil {
		if len(s.ways) == maxSources {
			return nil, fmt.Errorf("there are more than %d sources: export some at a time, with source:a,b,c", maxSources)
		}
		o := s.target.options(source)
		o.OnError, o.OnDrop = func(err error) { s.trouble(source, err) }, s.drop
		h, err := slogship.New(s.target.endpoint, o)
		if err != nil {
			return nil, fmt.Errorf("source %q: %w", source, err)
		}
		w = newWay(h)
		s.ways[source] = w
	}
	s.last, s.way = source, w
	return w, nil
}

// record makes a record of slog's with the time, level and ids of r.
func (s *Ship) record(r *api.Record) (key int64, rec slog.Record, err error) {
	key, err = strconv.ParseInt(r.ID, 10, 64)
	if err != nil {
		return 0, rec, fmt.Errorf("the viewer has a record with the id %q", r.ID)
	}
	when, err := time.Parse(time.RFC3339Nano, r.Time)
	if err != nil {
		return 0, rec, fmt.Errorf("the viewer has a record with the time %q", r.Time)
	}
	level, ok := event.ParseLevel(r.Level)
	if !ok {
		return 0, rec, fmt.Errorf("the viewer has a record with the level %q", r.Level)
	}
	rec = slog.NewRecord(when, slog.Level(level), r.Message, 0)
	attrs := attrsOf(r.Attrs)
	rec.AddAttrs(identify(key, r))
	if s.target.backend.attr != "" {
		rec.AddAttrs(absent(attrs, s.target.backend.attr, r.Source)...)
	}
	rec.AddAttrs(absent(attrs, "trace_id", r.Trace)...)
	rec.AddAttrs(absent(attrs, "span_id", r.Span)...)
	rec.AddAttrs(attrs...)
	return key, rec, nil
}

// absent is an attribute that is missing among the others, if it has a value.
func absent(attrs []slog.Attr, name, value string) []slog.Attr {
	if value == "" {
		return nil
	}
	for i := range attrs {
		if attrs[i].Key == name {
			return nil
		}
	}
	return []slog.Attr{slog.String(name, value)}
}

// trouble is OnError of a source's Handler. The Handlers fail together, mostly: it
// is said once.
func (s *Ship) trouble(source string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, slogship.ErrOverflow) {
		return // of the record that found no room when the export was broken off
	}
	before := len(s.failing)
	if errors.Is(err, slogship.ErrRecovered) {
		delete(s.failing, source)
	} else {
		s.failing[source] = true
	}
	if before > 0 && len(s.failing) > 0 {
		return
	}
	s.opts.Say(err.Error())
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if len(s.failing) > 0 {
		s.timer = time.AfterFunc(s.opts.GiveUp, func() { s.fail(fmt.Errorf("%w %v", errBackend, s.opts.GiveUp)) })
	}
}

// maxNamed is how many refused records are named.
const maxNamed = 10

// drop is OnDrop of the Handlers.
func (s *Ship) drop(reason string, e *slogship.Event) {
	if reason == "shutdown" {
		return // Close finds these, also those of which nobody is told
	}
	key, _ := keyOf(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named++; s.named <= maxNamed {
		s.opts.Say(fmt.Sprintf("the record %d is refused (%s)", key, reason))
	}
}

// Close waits until the backend has what was taken: as long as it works, and for
// the grace once the export was broken off.
func (s *Ship) Close(taken int64) (kept int64, err error) {
	end, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(s.ctx, func() {
		if errors.Is(context.Cause(s.ctx), errBackend) {
			cancel()
		} else {
			time.AfterFunc(s.opts.Grace, cancel)
		}
	})()
	var done sync.WaitGroup
	for _, w := range s.ways {
		done.Go(func() { _ = w.handler.Shutdown(end) }) // what it left is in its Stats, and never settled
	}
	done.Wait()
	kept = taken
	var d slogship.Dropped
	for _, w := range s.ways {
		if key, ok := w.unsent(); ok {
			kept = min(kept, key-1)
		}
		one := w.handler.Stats().Dropped
		d.Rejected += one.Rejected
		d.TooLarge += one.TooLarge
		d.Shutdown += one.Shutdown
		d.Overflow += one.Overflow
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.fail(nil)
	var errs []error
	if d.Shutdown > 0 {
		errs = append(errs, fmt.Errorf("%d records were left unsent", d.Shutdown))
	}
	if n := d.Rejected + d.TooLarge; n > 0 {
		errs = append(errs, fmt.Errorf("%d records were refused by the backend, or are too long for it", n))
	}
	if n := d.Overflow - s.untook; n > 0 {
		errs = append(errs, fmt.Errorf("%d records on which the backend failed found no room in the end", n))
	}
	return kept, errors.Join(errs...)
}
