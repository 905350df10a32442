package slogship

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
	"github.com/slogship/slogship/internal/record"
)

// A capturer keeps the bytes of the record that it was given last.
type capturer struct {
	s    *record.State
	last *[]byte
}

func (capturer) Enabled(context.Context, slog.Level) bool { return true }

func (h capturer) Handle(ctx context.Context, r slog.Record) error {
	c := h.s.Capture(ctx, &r)
	*h.last = slices.Clone(c.Bytes)
	c.Free()
	return nil
}

func (h capturer) WithAttrs(attrs []slog.Attr) slog.Handler {
	return capturer{h.s.WithAttrs(attrs), h.last}
}

func (h capturer) WithGroup(name string) slog.Handler { return capturer{h.s.WithGroup(name), h.last} }

// Options.ContextAttrs and NewContextHandler mean the same, byte for byte: whatever
// groups are open, whatever ReplaceAttr does, and with keys that are there twice.
func TestContextAttrsAndContextHandlerMeanTheSame(t *testing.T) {
	for seed := range uint64(2000) {
		d := dice.Seeded(seed, 50+int(seed)%500)
		found := d.Attrs(3, 2)
		o := record.Options{MaxRecordBytes: 1 << 20, AddSource: d.N(4) == 0, ReplaceAttr: replaceFor(d)}
		f := func(context.Context) []slog.Attr { return found }
		var option, handler []byte
		other := o
		other.ContextAttrs = f
		a := slog.Handler(capturer{record.New(other), &option})
		b := NewContextHandler(capturer{record.New(o), &handler}, f)
		for range d.N(6) {
			if d.N(2) == 0 {
				name := dice.Pick(d, "g", "a", "", "level")
				a, b = a.WithGroup(name), b.WithGroup(name)
			} else {
				attrs := d.Attrs(3, 2)
				a, b = a.WithAttrs(slices.Clone(attrs)), b.WithAttrs(slices.Clone(attrs))
			}
		}
		r := slog.NewRecord(time.Now(), slog.LevelInfo, d.Text(), 0)
		r.AddAttrs(d.Attrs(8, 3)...)
		_ = a.Handle(t.Context(), r)
		_ = b.Handle(t.Context(), r)
		if bytes.Contains(option, []byte("called from")) {
			continue // the stack of a LogValuer that panicked says who called it
		}
		if !bytes.Equal(option, handler) {
			t.Fatalf("seed %d:\n   ContextAttrs %q\nContextHandler %q", seed, option, handler)
		}
	}
}

// replaceFor is one of a few functions, or nil.
func replaceFor(d *dice.Dice) func([]string, slog.Attr) slog.Attr {
	switch d.N(5) {
	case 0:
		return func(groups []string, a slog.Attr) slog.Attr {
			a.Key += string(rune('0' + len(groups)))
			return a
		}
	case 1:
		return func(groups []string, a slog.Attr) slog.Attr {
			if slices.Contains(groups, "g") || len(a.Key)%3 == 1 {
				return slog.Attr{}
			}
			return a
		}
	}
	return nil
}

// A panic of the function is told alike, and there may be no function.
func TestContextFunctionsThatDoNot(t *testing.T) {
	panics := func(context.Context) []slog.Attr { panic("boom") }
	var last []byte
	h := capturer{record.New(record.Options{MaxRecordBytes: 1 << 20}), &last}
	_ = NewContextHandler(h, panics).Handle(t.Context(), slog.Record{})
	if !bytes.Contains(last, []byte("NewContextHandler: boom")) {
		t.Errorf("%q", last)
	}
	_ = capturer{record.New(record.Options{MaxRecordBytes: 1 << 20, ContextAttrs: panics}), &last}.Handle(t.Context(), slog.Record{})
	if !bytes.Contains(last, []byte("ContextAttrs: boom")) {
		t.Errorf("%q", last)
	}
	if NewContextHandler(h, nil) != slog.Handler(h) {
		t.Error("a handler without a function does something")
	}
}
