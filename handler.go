// Package slogship ships log/slog records to an HTTP log backend in batches.
//
//	logger.Info -> Handle -> capture -> pending (a ring of blocks)
//	                                       |  ^
//	                           swap, O(1)  v  |  restore to the front, O(1)
//	                                    in flight -> encode -> HTTP POST -> backend
//
// Logging never waits: not for the network, not for the batcher. What is
// pending is bounded in records and bytes; at the bound the oldest record is
// dropped, and counted. One goroutine sends one batch at a time. Only an
// acknowledgement removes a batch: after a failure it goes back in front of
// what was logged meanwhile, with the same event ids, and is sent again after
// a back-off. At every moment
//
//	Accepted == Delivered + Dropped (by reason) + Pending + InFlight
//
// holds in Stats: a record is either delivered, or held, or its loss is counted.
//
//	h, err := slogship.New("https://api.logflare.app/logs?source=...", &slogship.Options{
//		Header: http.Header{"X-API-KEY": {key}},
//	})
//	if err != nil {
//		...
//	}
//	defer h.Close() // sends what is left
//	slog.SetDefault(slog.New(h))
//
// What a process does not outlive is lost: os.Exit and log.Fatal skip deferred
// calls, so call Close or Shutdown before them.
package slogship

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/slogship/slogship/internal/record"
)

const (
	closeTimeout = 5 * time.Second // Close's deadline

	// stopGrace is how long Shutdown waits, after its context ended, for a
	// request that was cancelled. Only a transport that ignores cancellation
	// takes longer; its goroutine is then left behind.
	stopGrace = 100 * time.Millisecond
)

// Handler is a slog.Handler that ships records. The handlers that WithAttrs
// and WithGroup return share its queue, its batcher and its Stats; any of them
// may be used from any number of goroutines, and any of them shut down.
//
// Use New to make one, and Shutdown or Close to end it.
type Handler struct {
	core  *core
	state *record.State // of WithAttrs and WithGroup
}

// core is what all handlers made from one New share.
type core struct {
	name       string // the endpoint, without secrets
	level      slog.Leveler
	flushLevel slog.Leveler

	pending *pending
	batcher *batcher

	shutdownOnce sync.Once
	shutdownDone chan struct{} // closed by the first Shutdown, after it set result
	result       error
}

// sendingKey marks the context of slogship's own requests. Under it nothing is
// logged: a transport that logs would otherwise feed slogship with itself.
type sendingKey struct{}

func isSending(ctx context.Context) bool {
	return ctx != nil && ctx.Value(sendingKey{}) != nil
}

// New returns a Handler that ships to endpoint, an absolute http or https URL,
// and starts its goroutine, which ends with Shutdown. Nil opts stand for the
// zero Options.
//
// User info in the URL is sent as basic authentication. It is an error if the
// endpoint, or a field of opts, is not usable; the text names the field, its
// value and the rule, and shows no secret.
func New(endpoint string, opts *Options) (*Handler, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("slogship: endpoint %q is not an absolute http(s) URL", redactEndpoint(endpoint))
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	o.Header = o.Header.Clone()
	s, err := o.resolve()
	if err != nil {
		return nil, err
	}
	p := newPending(s)
	c := &core{
		name:         (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(),
		level:        s.Level,
		flushLevel:   s.FlushLevel,
		pending:      p,
		shutdownDone: make(chan struct{}),
	}
	c.batcher = newBatcher(p, newSender(u, c.name, p, s), s)
	go c.batcher.run()
	return &Handler{core: c, state: record.New(record.Options{
		AddSource:      s.AddSource,
		ReplaceAttr:    s.ReplaceAttr,
		ContextAttrs:   s.ContextAttrs,
		MaxRecordBytes: s.MaxRecordBytes,
	})}, nil
}

// Enabled reports whether level is at or above Options.Level. It is false
// under the context of slogship's own requests.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	least := slog.LevelInfo
	if h.core.level != nil {
		least = h.core.level.Level()
	}
	return level >= least && !isSending(ctx)
}

// Handle captures r: it takes down what r says, and adds that to what is pending.
// It never waits for I/O or for the batcher, and always returns nil: slog discards
// the error (go.dev/issue/66579), so that a loss is counted in Stats instead. That
// ctx is cancelled does not matter.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if isSending(ctx) {
		return nil
	}
	captured := h.state.Capture(ctx, &r)
	urgent := h.core.flushLevel != nil && r.Level >= h.core.flushLevel.Level()
	h.core.pending.push(captured.Bytes, urgent)
	captured.Free()
	return nil
}

// WithAttrs returns a Handler whose records have attrs too. They are captured
// now, once.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.with(h.state.WithAttrs(attrs)) }

// WithGroup returns a Handler that puts the attributes to come into a group.
// An empty name returns h, and so does a group inside 500 others: decoders do
// not follow that far.
func (h *Handler) WithGroup(name string) slog.Handler { return h.with(h.state.WithGroup(name)) }

func (h *Handler) with(s *record.State) *Handler {
	if s == h.state {
		return h
	}
	return &Handler{core: h.core, state: s}
}

// Flush wakes the batcher and waits until none of the records held at the call
// is held any more. It returns nil if all of them were acknowledged, otherwise
// a *LossError with the number dropped, by reason, and, if ctx ended first, the
// number that still wait; it then matches ErrUnsent and ctx.Err(). It shortens
// no back-off.
//
// A producer that would rather wait than lose calls Flush now and then. After
// Shutdown it returns Shutdown's result.
func (h *Handler) Flush(ctx context.Context) error {
	c := h.core
	select {
	case <-c.shutdownDone:
		return c.result
	default:
	}
	w := c.pending.wait()
	if w == nil {
		return nil
	}
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	lost, left := c.pending.giveUp(w)
	e := &LossError{Dropped: droppedOf(lost), Unsent: left}
	if left > 0 {
		e.Cause = ctx.Err()
	} else if e.Dropped.Total() == 0 {
		return nil
	}
	return e
}

// Discard drops what is pending, counted in Stats.Dropped.Discarded, and
// returns how many records that was. It leaves the batch in flight alone.
func (h *Handler) Discard() int { return h.core.pending.discard() }

// Shutdown ends the intake, sends what is held, and ends the goroutine. Later
// records are counted in Stats.Dropped.Closed. It cuts a back-off short, but
// not a Retry-After: if that lies beyond ctx's deadline it returns at once.
//
// It returns nil if nothing is held any more (what the server refused is in
// Stats), otherwise a *LossError that matches ErrUnsent and the context's
// error; what was held is then dropped, counted in Stats.Dropped.Shutdown. A
// call during another one waits for it, or for its own ctx; a later one returns
// the same result.
func (h *Handler) Shutdown(ctx context.Context) error {
	c := h.core
	first := false
	c.shutdownOnce.Do(func() { first = true })
	if first {
		c.result = c.shutdown(ctx)
		close(c.shutdownDone)
		return c.result
	}
	select {
	case <-c.shutdownDone:
		return c.result
	default:
	}
	select {
	case <-c.shutdownDone:
		return c.result
	case <-ctx.Done():
		s := c.pending.stats()
		return &LossError{Unsent: s.Pending + s.InFlight, Cause: ctx.Err()}
	}
}

func (c *core) shutdown(ctx context.Context) error {
	c.batcher.drain(ctx)
	select {
	case <-c.batcher.done:
	case <-ctx.Done():
	}
	n := c.pending.abandon()
	c.batcher.cancel()
	select {
	case <-c.batcher.done:
	default:
		grace := time.NewTimer(stopGrace)
		defer grace.Stop()
		select {
		case <-c.batcher.done:
		case <-grace.C:
		}
	}
	if n == 0 {
		return nil
	}
	e := &LossError{Unsent: n, Cause: ctx.Err()}
	if e.Cause == nil { // a Retry-After beyond the deadline
		e.Cause = context.DeadlineExceeded
	}
	return e
}

// Close is Shutdown with a deadline of 5 s.
func (h *Handler) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return h.Shutdown(ctx)
}

// Stats returns a consistent snapshot of the books.
func (h *Handler) Stats() Stats { return h.core.pending.stats() }

// String is the endpoint's scheme, host and path; not its query, which may
// hold a secret.
func (h *Handler) String() string { return h.core.name }

// GoString is as String, for %#v.
func (h *Handler) GoString() string { return h.core.name }
