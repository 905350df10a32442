package slogship

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
)

// NewContextHandler returns a handler that calls f with the context of each log
// call, adds the attributes that f returns, such as a trace id, and passes the
// record to h. These attributes are at the root of the record, outside any
// group, and before the others. It does for any handler what
// Options.ContextAttrs does for a [Handler], so that standard output shows the
// same ids as the backend:
//
//	both := slog.NewMultiHandler(slog.NewJSONHandler(os.Stdout, nil), h)
//	slog.SetDefault(slog.New(slogship.NewContextHandler(both, traceIDs)))
//
// f may be called from many goroutines at once. If it panics, the record has an
// attribute "!PANIC" that says so.
func NewContextHandler(h slog.Handler, f func(context.Context) []slog.Attr) slog.Handler {
	return &contextHandler{root: h, f: f}
}

// contextHandler hands attributes on to root as long as no group is open. From
// the first group on it keeps them itself, because root would put what the
// context has into that group too; Handle then makes groups of the record's
// attributes.
type contextHandler struct {
	root   slog.Handler
	f      func(context.Context) []slog.Attr
	groups []openGroup
}

// openGroup is a group that was opened by WithGroup, and the attributes that
// WithAttrs gave it since.
type openGroup struct {
	name  string
	attrs []slog.Attr
}

func (h *contextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.root.Enabled(ctx, level)
}

func (h *contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	h2 := *h
	if n := len(h.groups); n > 0 {
		h2.groups = slices.Clone(h.groups)
		last := &h2.groups[n-1]
		last.attrs = append(slices.Clip(last.attrs), attrs...)
	} else {
		h2.root = h.root.WithAttrs(attrs)
	}
	return &h2
}

func (h *contextHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	h2 := *h
	h2.groups = append(slices.Clip(h.groups), openGroup{name: name})
	return &h2
}

func (h *contextHandler) Handle(ctx context.Context, r slog.Record) error {
	found := h.attrs(ctx)
	if len(found) == 0 && len(h.groups) == 0 {
		return h.root.Handle(ctx, r)
	}
	all := make([]slog.Attr, 0, r.NumAttrs()+len(found))
	r.Attrs(func(a slog.Attr) bool {
		all = append(all, a)
		return true
	})
	for _, g := range slices.Backward(h.groups) {
		all = []slog.Attr{{Key: g.name, Value: slog.GroupValue(slices.Concat(g.attrs, all)...)}}
	}
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	out.AddAttrs(found...)
	out.AddAttrs(all...)
	return h.root.Handle(ctx, out)
}

// attrs calls f, which is the user's, and may panic.
func (h *contextHandler) attrs(ctx context.Context) (found []slog.Attr) {
	defer func() {
		if v := recover(); v != nil {
			found = []slog.Attr{slog.String("!PANIC", fmt.Sprintf("NewContextHandler: %T", v))}
		}
	}()
	return h.f(ctx)
}
