// Package slogship ships log/slog records to an HTTP log backend in batches.
//
//	logger.Info -> Handle -> capture -> pending (a ring of blocks)
//	                                       |  ^
//	                           swap, O(1)  v  |  restore to the front, O(1)
//	                                    in flight -> encode -> HTTP POST -> backend
//
// A log call never waits for the network, unless [Options.OnFull] is [Block]. It
// captures its record in a compact form. One goroutine, the batcher, encodes
// batches for the backend and sends them. Only an acknowledgement removes a batch.
// After a failure it goes back in front of the records logged meanwhile, and is
// sent again after a back-off, with the same event ids.
//
// Memory is bounded in records and bytes: at the bound the oldest record is dropped and
// counted. Every record is delivered, dropped or still held: pending, in flight or
// spooled. In every snapshot that [Handler.Stats] returns,
//
//	Accepted == Delivered + Dropped.Total() + Pending + InFlight + Spooled
//
// Records still held when the process exits are lost, unless [SpoolOptions] names a
// directory. With one, every record that is not delivered within 50 ms is on disk as
// well, and is sent by the next process.
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
// os.Exit and log.Fatal skip deferred calls: call [Handler.Close] or
// [Handler.Shutdown] before them.
package slogship

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship/internal/record"
	"github.com/slogship/slogship/internal/redact"
)

// Handler is a [slog.Handler] that ships records. The handlers that [Handler.WithAttrs]
// and [Handler.WithGroup] return share its queue, its goroutine and its [Stats]; to
// shut down one of them shuts down all. All methods are safe for concurrent use.
//
// Make one with [New]; end it with [Handler.Shutdown] or [Handler.Close].
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
	recorded  atomic.Int64 // records in rings of recorders, ever

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

// New returns a Handler that ships to endpoint, an absolute http or https URL. It
// starts a goroutine, which [Handler.Shutdown] ends. If opts is nil, the zero [Options]
// are used.
//
// User info in the URL is sent as basic authentication. It is an error if the endpoint
// or an option is not valid. The error names the field, its value and the rule, and
// contains no secret:
//
//	slogship: Options.MaxPending is -1, want >= 0
//
// If another Handler uses the directory of [SpoolOptions], the error matches
// [ErrLocked]. New does not contact the server.
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

// Enabled reports whether level is at or above [Options.Level]. It returns false if ctx
// is the context of one of the Handler's own requests; otherwise a Transport that logs
// would cause requests that log.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	least := slog.LevelInfo
	if h.core.level != nil {
		least = h.core.level.Level()
	}
	return level >= least && !isSending(ctx)
}

// Handle captures r and adds it to the pending records. Later changes to what the
// attributes of r point to are not seen. Handle always returns nil, because loggers
// discard its error (go.dev/issue/66579): a dropped record is counted in [Stats].
//
// Handle does not wait for I/O, and ignores whether ctx is cancelled, with two
// exceptions. If [Options.OnFull] is [Block], it waits while the queue is full, until
// ctx ends. If r is at or above [SpoolOptions.SyncLevel], it waits until r is on disk,
// for at most a second.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if isSending(ctx) {
		return nil
	}
	if isQuiet(&r) {
		h.handleQuiet(ctx, r)
		return nil
	}
	c := h.core
	taken := false
	if room := h.state.Room(&r); room > 0 && !c.pending.block { // who waits for room keeps its record
		switch {
		case room <= record.BareBytes && record.NumAttrs(&r) == 0:
			taken = h.takeBare(&r)
		case room <= record.PlainBytes:
			taken = h.takePlain(&r)
		}
	}
	if !taken {
		captured := h.state.Capture(ctx, &r)
		c.takeIn(ctx, captured.Bytes, c.urgent(r.Level))
		captured.Free()
	}
	if c.syncLevel != nil && r.Level >= c.syncLevel.Level() {
		c.pending.waitForDisk(c.durable)
	}
	return nil
}

// takePlain takes in a record that can be captured on the stack.
func (h *Handler) takePlain(r *slog.Record) bool {
	var buf [record.PlainBytes]byte
	rec, ok := h.state.Plain(buf[:], r)
	if ok {
		h.core.pending.push(rec, h.core.urgent(r.Level))
	}
	return ok
}

// takeBare is takePlain for a record without attributes. Its buffer is shorter, because
// each call has to clear it.
func (h *Handler) takeBare(r *slog.Record) bool {
	var buf [record.BareBytes]byte
	rec, ok := h.state.Plain(buf[:], r)
	if ok {
		h.core.pending.push(rec, h.core.urgent(r.Level))
	}
	return ok
}

// handleQuiet takes in what net/http says about connections, once in a while, without
// secrets. It wakes nobody.
func (h *Handler) handleQuiet(ctx context.Context, r slog.Record) {
	if !h.core.connLines.take() {
		return
	}
	r.Message = h.core.batcher.sender.words(r.Message)
	captured := h.state.Capture(ctx, &r)
	h.core.pending.put(captured.Bytes, false, false)
	captured.Free()
}

// isQuiet reports whether r is what net/http says about connections. What package
// log leads here has no attributes; or, if a handler before this one adds some, no PC.
func isQuiet(r *slog.Record) bool {
	return (record.NumAttrs(r) == 0 || r.PC == 0) && isConnLine(r.Message)
}

func (c *core) urgent(level slog.Level) bool {
	return c.flushLevel != nil && level >= c.flushLevel.Level()
}

// takeIn adds a captured record to what is pending. It waits for room if
// Options.OnFull says so.
func (c *core) takeIn(ctx context.Context, rec []byte, urgent bool) {
	if c.pending.block {
		c.pending.putOrWait(ctx, rec, urgent)
	} else {
		c.pending.push(rec, urgent)
	}
}

// WithAttrs returns a Handler whose records also have attrs. The attributes are
// captured by this call, once: later changes to what they point to are not seen.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.with(h.state.WithAttrs(attrs)) }

// WithGroup returns a Handler that puts all later attributes into the group name. It
// returns h if name is empty. It also returns h if 500 groups are open, because many
// JSON decoders fail on deeper nesting.
func (h *Handler) WithGroup(name string) slog.Handler { return h.with(h.state.WithGroup(name)) }

func (h *Handler) with(s *record.State) *Handler {
	if s == h.state {
		return h
	}
	return &Handler{core: h.core, state: s}
}

// Flush returns once every record accepted before the call is delivered or dropped. The
// batcher then sends without waiting for a full batch, but a back-off is not shortened.
// Flush returns nil if all these records were delivered. Otherwise its error is a
// [*LossError] with the number dropped, by reason. If ctx ends first, the error also
// has the number of records still held, how many of them are on disk and why delivery
// fails, and matches [ErrUnsent] and ctx.Err(). A nil ctx is [context.Background].
//
// A program that must not lose records to a full queue, such as one that reads a file,
// can call Flush every few thousand records. After [Handler.Shutdown], Flush returns
// its result.
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

// Discard drops all pending and spooled records, counts them in [Dropped.Discarded],
// and returns their number. Batches in flight are not affected.
func (h *Handler) Discard() int { return h.core.pending.discard() }

// Stats returns a consistent snapshot of the counters. The Handlers made from one [New]
// share them.
func (h *Handler) Stats() Stats {
	s := h.core.pending.stats()
	s.Recorded = h.core.recorded.Load()
	return s
}

// String returns the endpoint's scheme, host and path. User info and the query are left
// out, because they may contain secrets.
func (h *Handler) String() string { return h.core.name }

// GoString returns the same as [Handler.String], so that %#v shows no secret.
func (h *Handler) GoString() string { return h.core.name }
