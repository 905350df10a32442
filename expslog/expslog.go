// Package expslog lets an application that still uses golang.org/x/exp/slog log
// through a handler of log/slog.
//
//	xslog.Logger -> xslog.Record -> expslog -> slog.Record -> slog.Handler
//
//	logger := xslog.New(expslog.New(h)) // xslog is golang.org/x/exp/slog
//
// The handler gets the same records as if the application used log/slog:
// levels, sources, groups and LogValuers are converted.
package expslog

import (
	"context"
	"log/slog"

	xslog "golang.org/x/exp/slog"
)

// New returns a handler for golang.org/x/exp/slog that passes records to h.
func New(h slog.Handler) xslog.Handler { return handler{h} }

// handler holds nothing but the handler behind it, whose rules on concurrency
// are therefore its own.
type handler struct{ std slog.Handler }

func (h handler) Enabled(ctx context.Context, level xslog.Level) bool {
	return h.std.Enabled(ctx, slog.Level(level))
}

// stackAttrs is how many attributes of a record are converted without a slice
// on the heap. A slog.Record has room for five itself; the rest it allocates.
const stackAttrs = 10

func (h handler) Handle(ctx context.Context, x xslog.Record) error {
	var stack [stackAttrs]slog.Attr
	attrs := stack[:0]
	if n := x.NumAttrs(); n > len(stack) {
		attrs = make([]slog.Attr, 0, n)
	}
	x.Attrs(func(a xslog.Attr) bool {
		attrs = append(attrs, attr(a))
		return true
	})
	// The program counter means the same to both: the source is kept.
	r := slog.NewRecord(x.Time, slog.Level(x.Level), x.Message, x.PC)
	r.AddAttrs(attrs...) // at once, so that it allocates for the rest once
	return h.std.Handle(ctx, r)
}

// WithAttrs is called by Logger.With even if there are no attributes, other
// than by log/slog's, which handlers may rely on.
func (h handler) WithAttrs(attrs []xslog.Attr) xslog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return handler{h.std.WithAttrs(group(attrs))}
}

// WithGroup is called by Logger.WithGroup even if the name is empty, other
// than by log/slog's.
func (h handler) WithGroup(name string) xslog.Handler {
	if name == "" {
		return h
	}
	return handler{h.std.WithGroup(name)}
}

func attr(a xslog.Attr) slog.Attr {
	return slog.Attr{Key: a.Key, Value: value(a.Value)}
}

func group(attrs []xslog.Attr) []slog.Attr {
	std := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		std[i] = attr(a)
	}
	return std
}

func value(v xslog.Value) slog.Value {
	switch v.Kind() {
	case xslog.KindBool:
		return slog.BoolValue(v.Bool())
	case xslog.KindDuration:
		return slog.DurationValue(v.Duration())
	case xslog.KindFloat64:
		return slog.Float64Value(v.Float64())
	case xslog.KindInt64:
		return slog.Int64Value(v.Int64())
	case xslog.KindString:
		return slog.StringValue(v.String())
	case xslog.KindTime:
		return slog.TimeValue(v.Time())
	case xslog.KindUint64:
		return slog.Uint64Value(v.Uint64())
	case xslog.KindGroup:
		return slog.GroupValue(group(v.Group())...)
	case xslog.KindLogValuer:
		return slog.AnyValue(logValuer{v})
	default:
		return anyValue(v.Any())
	}
}

// anyValue converts what has a counterpart in log/slog, so that handlers and
// ReplaceAttr recognize it by its type. The rest is the same to both packages,
// log/slog's own values and LogValuers among it.
func anyValue(v any) slog.Value {
	switch v := v.(type) {
	case xslog.Level:
		return slog.AnyValue(slog.Level(v))
	case *xslog.Source:
		return slog.AnyValue((*slog.Source)(v))
	case xslog.Source:
		return slog.AnyValue(slog.Source(v))
	case xslog.Attr:
		return slog.AnyValue(attr(v))
	case xslog.Kind:
		return slog.AnyValue(slog.Kind(v)) // the kinds have the same numbers
	}
	return slog.AnyValue(v)
}

// logValuer puts off a LogValuer of x/exp until the handler behind resolves it,
// which it may never do.
type logValuer struct{ x xslog.Value }

// LogValue resolves x with x/exp's own Resolve. Its texts for a LogValuer that
// panics, or that never ends, are log/slog's, and they name the user's type;
// left to log/slog, they would name logValuer. What is resolved to, a group
// say, may hold LogValuers again: these are put off in turn.
func (l logValuer) LogValue() slog.Value { return value(l.x.Resolve()) }
