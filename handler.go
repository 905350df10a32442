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
//	Accepted == Delivered + Dropped (by reason) + Pending + InFlight + Spooled
//
// holds in Stats: a record is either delivered, or held, or its loss is counted.
// With a directory on disk ([SpoolOptions]) neither a crash nor a long outage loses
// records.
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
	"strings"
	"sync"
	"time"

	"github.com/slogship/slogship/internal/record"
	"github.com/slogship/slogship/internal/redact"
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
	syncLevel  slog.Leveler // nil: none
	durable    bool

	pending *pending
	batcher *batcher

	connLines connLines

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
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHost(u) {
		return nil, fmt.Errorf("slogship: endpoint %q is not an absolute http(s) URL", redact.Endpoint(endpoint))
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
	if s.Spool.Dir != "" {
		if s.prefix, err = p.openSpool(s.Spool); err != nil {
			return nil, err
		}
	}
	c := &core{
		name:         nameOf(u),
		level:        s.Level,
		flushLevel:   s.FlushLevel,
		syncLevel:    s.Spool.SyncLevel,
		durable:      s.Spool.Durable,
		pending:      p,
		connLines:    connLines{began: time.Now()},
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

// isHost reports whether u has a host to connect to. One with a colon in it, but
// for IPv6, is a host that has swallowed credentials.
func isHost(u *url.URL) bool {
	host := u.Hostname()
	return host != "" && (strings.HasPrefix(u.Host, "[") || !strings.Contains(host, ":"))
}

// nameOf is u's scheme, host and path. A path with an @ in it may be user info that
// has a / in it: it is not shown.
func nameOf(u *url.URL) string {
	name := url.URL{Scheme: u.Scheme, Host: u.Host}
	if !strings.Contains(u.Path, "@") {
		name.Path = u.Path
	}
	return name.String()
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
// It never waits for I/O or for the batcher, unless SpoolOptions.SyncLevel asks for
// that, and always returns nil: slog discards the error (go.dev/issue/66579), so that
// a loss is counted in Stats instead. That ctx is cancelled does not matter.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if isSending(ctx) {
		return nil
	}
	// What package log leads here has no attributes; or, if a handler before this one
	// adds some, no PC.
	quiet := (r.NumAttrs() == 0 || r.PC == 0) && isConnLine(r.Message)
	if quiet {
		if !h.core.connLines.take() {
			return nil
		}
		r.Message = h.core.batcher.sender.words(r.Message)
	}
	captured := h.state.Capture(ctx, &r)
	if quiet {
		h.core.pending.put(captured.Bytes, false, false)
	} else {
		urgent := h.core.flushLevel != nil && r.Level >= h.core.flushLevel.Level()
		h.core.pending.push(captured.Bytes, urgent)
	}
	captured.Free()
	if h.core.syncLevel != nil && r.Level >= h.core.syncLevel.Level() && !quiet {
		h.core.pending.waitForDisk(h.core.durable)
	}
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

// Flush wakes the batcher and waits until every record accepted before the call
// is delivered or dropped. It returns nil if all were delivered, otherwise a
// *LossError with the number dropped, by reason. If ctx ends first, the error
// has the number that still wait, how many of them are on disk, and says why, and matches ErrUnsent and
// ctx.Err(). Flush shortens no back-off. A nil ctx is context.Background().
//
// A producer that would rather wait than lose calls Flush now and then. After
// Shutdown it returns Shutdown's result.
func (h *Handler) Flush(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	c := h.core
	select {
	case <-c.shutdownDone:
		return c.result
	default:
	}
	began := time.Now()
	w := c.pending.wait()
	if w == nil {
		return c.flushedNothing(ctx)
	}
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	e := c.pending.giveUp(w)
	if e.Unsent > 0 {
		e.Cause, e.After = ctx.Err(), time.Since(began)
	} else if e.Dropped.Total() == 0 {
		return nil
	}
	return e
}

// flushedNothing is the result of a Flush that found nothing held: nil, or, if
// that is because a Shutdown has given up, that Shutdown's result.
func (c *core) flushedNothing(ctx context.Context) error {
	if _, ended := c.pending.unsent(); !ended {
		return nil
	}
	select {
	case <-c.shutdownDone: // within stopGrace
		return c.result
	case <-ctx.Done():
		return c.cutShort(ctx, time.Now())
	}
}

// Discard drops what is pending, and what is on disk, counted in
// Stats.Dropped.Discarded, and returns how many records that was. It leaves the
// batch in flight alone.
func (h *Handler) Discard() int { return h.core.pending.discard() }

// Shutdown ends the intake, sends what is held, and ends the goroutines. Later
// records are counted in Stats.Dropped.Closed. It cuts a back-off short, but
// not a Retry-After. It does not wait in vain: if a Retry-After lies beyond ctx's
// deadline, or the answer to its first attempt says that the set-up is wrong
// (401, 404, ...), it returns at once. A nil ctx is context.Background().
//
// It returns nil if nothing is held any more (what the server refused is in
// Stats), otherwise a *LossError that says why, and matches ErrUnsent and the
// context's error; what was held is then dropped, counted in
// Stats.Dropped.Shutdown. With a spool, what is on disk is not dropped: the error says
// how many records these are, and the next Handler sends them. To make all durable,
// Shutdown may take up to two seconds more than ctx has. A call during another one waits for it, or for its own
// ctx; a later one returns the same result.
func (h *Handler) Shutdown(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	c := h.core
	first := false
	began := time.Now()
	c.shutdownOnce.Do(func() { first = true })
	if first {
		c.result = c.shutdown(ctx, began)
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
		return c.cutShort(ctx, began)
	}
}

// cutShort is the result of a call whose ctx ended while it waited for the first
// Shutdown: the same numbers, if that has them already.
func (c *core) cutShort(ctx context.Context, began time.Time) error {
	e, _ := c.pending.unsent()
	if e.Unsent == 0 {
		return nil
	}
	e.Cause, e.After = ctx.Err(), time.Since(began)
	return e
}

func (c *core) shutdown(ctx context.Context, began time.Time) error {
	c.batcher.drain(ctx)
	select {
	case <-c.batcher.done:
	case <-ctx.Done():
	}
	cause, took := ctx.Err(), time.Since(began)
	var e *LossError
	if c.pending.disk != nil {
		e = c.leaveToDisk(ctx)
	} else {
		e = c.pending.abandon()
		c.batcher.cancel()
		c.waitForEnd(ctx)
	}
	if e.Unsent == 0 {
		return nil
	}
	if cause == nil && c.batcher.tooLate > 0 { // run has ended
		cause = context.DeadlineExceeded
		e.retryIn = c.batcher.tooLate
	}
	e.Cause, e.After = cause, took
	return e
}

// waitForEnd waits until run and tellOverflow have ended: until ctx ends, and
// then stopGrace for a transport, or an OnError, to return.
func (c *core) waitForEnd(ctx context.Context) {
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	for _, ended := range []<-chan struct{}{c.batcher.done, c.pending.lastTold()} {
		select {
		case <-ended:
			continue
		case <-ctx.Done():
		}
		grace.Reset(stopGrace)
		select {
		case <-ended:
		case <-grace.C:
			return
		}
	}
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
