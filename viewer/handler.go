package viewer

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/ingest"
	"github.com/slogship/slogship/viewer/internal/store"
)

// sink appends to the store.
func sink(s *store.Store) ingest.Sink {
	return func(ctx context.Context, logs []event.Log, spans []event.Span) error {
		return s.Append(ctx, &store.Batch{Logs: logs, Spans: spans})
	}
}

// HandlerOptions are the options of [Viewer.Handler]. The zero value is usable.
type HandlerOptions struct {
	// Source is the name of the source that the pages show for the records. If empty,
	// "app".
	Source string
	// HandlerOptions are those of log/slog.
	slog.HandlerOptions
}

// Handler returns a [slog.Handler] that writes records to the viewer's own database. A
// log call returns after its record is committed, which takes one or two milliseconds
// on most disks: Handler is meant for a developer's machine. For an application that
// must not wait, use a slogship Handler with the viewer's address. If opts is nil, the
// zero [HandlerOptions] are used.
func (v *Viewer) Handler(opts *HandlerOptions) slog.Handler {
	var o HandlerOptions
	if opts != nil {
		o = *opts
	}
	if o.Source == "" {
		o.Source = "app"
	}
	out := &direct{store: v.store, source: o.Source, run: v.run}
	out.json = slog.NewJSONHandler(&out.line, &o.HandlerOptions)
	return &handler{out: out, json: out.json}
}

// direct is what the handlers of one Handler call share: slog's own JSON handler
// writes a record, which is then read like a line of NDJSON.
type direct struct {
	store  *store.Store
	source string
	run    string // of records that do not name one themselves
	json   slog.Handler

	mu   sync.Mutex // guards line; never held while the store commits
	line bytes.Buffer
}

type handler struct {
	out  *direct
	json slog.Handler
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.json.Enabled(ctx, level)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.out, h.json.WithAttrs(attrs)}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.out, h.json.WithGroup(name)}
}

// Handle keeps the record, also if ctx is done.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	h.out.mu.Lock()
	h.out.line.Reset()
	err := h.json.Handle(ctx, r)
	line := bytes.TrimSpace(bytes.Clone(h.out.line.Bytes()))
	h.out.mu.Unlock()
	if err != nil {
		return err
	}
	if !json.Valid(line) {
		line, err = json.Marshal(map[string]string{"msg": r.Message, "level": r.Level.String(), "unreadable": string(line)})
		if err != nil {
			return err
		}
	}
	l := ingest.ReadObject(line, h.out.source, time.Now())
	if l.Run == "" {
		l.Run = h.out.run
	}
	return h.out.store.Append(context.WithoutCancel(ctx), &store.Batch{Logs: []event.Log{l}})
}
