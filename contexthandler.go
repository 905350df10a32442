package slogship

import (
	"context"
	"log/slog"
	"slices"

	"github.com/slogship/slogship/internal/record"
)

// NewContextHandler returns a handler that calls f with the context of each log call,
// adds the attributes that f returns, such as a trace id, to the record, and passes it
// to h. It does for any handler what [Options.ContextAttrs] does for a [Handler]. With
// it, standard output shows the same ids as the backend:
//
//	both := slog.NewMultiHandler(slog.NewJSONHandler(os.Stdout, nil), h)
//	slog.SetDefault(slog.New(slogship.NewContextHandler(both, traceIDs)))
//
// These attributes are at the root of the record, outside any group, and before all
// others. Where keys are equal, a backend that keeps one keeps the last.
//
// f may be called from many goroutines at once. If it panics, the record has an
// attribute "!PANIC" that says so. If f is nil, NewContextHandler returns h.
func NewContextHandler(h slog.Handler, f func(context.Context) []slog.Attr) slog.Handler {
	if f == nil {
		return h
	}
	return &contextHandler{root: h, without: h, f: f, groups: []openGroup{{}}}
}

// contextHandler keeps all that WithAttrs and WithGroup give it, because root would
// put it before what the context has. A record whose context has nothing goes to
// without.
type contextHandler struct {
	root    slog.Handler // without attributes and groups
	without slog.Handler // root, with them
	f       func(context.Context) []slog.Attr
	groups  []openGroup // the first one is the root of the record
}

// openGroup is a group that was opened by WithGroup, and the attributes that
// WithAttrs gave it since.
type openGroup struct {
	name  string
	attrs []slog.Attr
}

func (h *contextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.without.Enabled(ctx, level)
}

func (h *contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	h2 := *h
	h2.without = h.without.WithAttrs(attrs)
	h2.groups = slices.Clone(h.groups)
	last := &h2.groups[len(h2.groups)-1]
	last.attrs = append(slices.Clip(last.attrs), attrs...)
	return &h2
}

func (h *contextHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	h2 := *h
	h2.without = h.without.WithGroup(name)
	h2.groups = append(slices.Clip(h.groups), openGroup{name: name})
	return &h2
}

func (h *contextHandler) Handle(ctx context.Context, r slog.Record) error {
	found := record.FromContext(ctx, h.f, "NewContextHandler")
	if len(found) == 0 {
		return h.without.Handle(ctx, r)
	}
	all := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		all = append(all, a)
		return true
	})
	for _, g := range slices.Backward(h.groups[1:]) {
		all = []slog.Attr{{Key: g.name, Value: slog.GroupValue(slices.Concat(g.attrs, all)...)}}
	}
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	out.AddAttrs(found...)
	out.AddAttrs(h.groups[0].attrs...)
	out.AddAttrs(all...)
	return h.root.Handle(ctx, out)
}
