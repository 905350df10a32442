package dice

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"
)

// A Case is a record, and all that has a say in what becomes of it.
type Case struct {
	AddSource    bool
	ReplaceAttr  func(groups []string, a slog.Attr) slog.Attr
	ContextAttrs func(context.Context) []slog.Attr
	Record       slog.Record

	chain    []func(slog.Handler) slog.Handler
	foretold []func(*oracle)
}

// Case is one of them.
func (d *Dice) Case() Case {
	c := Case{AddSource: d.N(4) == 3, ReplaceAttr: d.ReplaceAttr()}
	if d.N(4) == 3 {
		attrs := d.Attrs(3, 1)
		c.ContextAttrs = func(context.Context) []slog.Attr { return attrs }
	}
	for range d.N(5) {
		if d.N(2) == 0 {
			name := Pick(d, "g", "a", "", "level", "é")
			c.chain = append(c.chain, func(h slog.Handler) slog.Handler {
				if _, std := h.(*slog.JSONHandler); std && name == "" {
					return h // it leaves this rule to slog.Logger
				}
				return h.WithGroup(name)
			})
			c.foretold = append(c.foretold, func(o *oracle) { o.withGroup(name) })
		} else {
			attrs := d.Attrs(3, 2)
			c.chain = append(c.chain, func(h slog.Handler) slog.Handler { return h.WithAttrs(slices.Clone(attrs)) })
			c.foretold = append(c.foretold, func(o *oracle) { o.withAttrs(attrs) })
		}
	}
	at := time.Time{}
	if d.N(4) > 0 {
		at = time.Unix(int64(d.Uint64()>>30), int64(d.N(256))*3906251)
	}
	var pc uintptr
	if c.AddSource && d.N(4) > 0 {
		pc = callerPC()
	}
	c.Record = slog.NewRecord(at, slog.Level(d.N(24)-8), d.Text(), pc)
	c.Record.AddAttrs(d.Attrs(8, 3)...)
	return c
}

// ReplaceAttr is one of a few functions that always give the same answer.
func (d *Dice) ReplaceAttr() func([]string, slog.Attr) slog.Attr {
	which := d.N(12)
	if which < 4 {
		return nil
	}
	salt := d.N(8)
	hit := func(groups []string, a slog.Attr) bool {
		return (len(a.Key)+3*len(groups)+salt)%4 == 0
	}
	return func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case which == 4 || !hit(groups, a) && which < 10:
		case which == 5:
			return slog.Attr{}
		case which == 6:
			a.Key = []string{"renamed", "level", "context", "", "msg", "a", "_cut", "level_"}[salt]
		case which == 7:
			a.Value = []slog.Value{slog.StringValue(""), slog.StringValue("new"), slog.IntValue(salt), slog.AnyValue(nil), slog.AnyValue(Stringer(1)), slog.BoolValue(true), slog.DurationValue(1), slog.TimeValue(time.Unix(1e9, 5).UTC())}[salt]
		case which == 8:
			if a.Value.Kind() != slog.KindString { // or its members would be groups in turn
				a.Value = slog.GroupValue(slog.String("in", "side"), slog.String("level", a.Key), slog.Any("v", Yields{V: slog.StringValue("x")}))
			}
		case which == 9:
			a.Value = slog.AnyValue(Yields{V: slog.AnyValue(Yields{V: a.Value})})
		case which == 10: // empties groups
			if slices.Contains(groups, "g") || slices.Contains(groups, "a") || len(groups) == 0 && (a.Key == "function" || a.Key == "file" || a.Key == "line") {
				return slog.Attr{}
			}
		case which == 11:
			if len(groups) == 0 && slices.Contains([]string{"time", "msg", "level", "source"}[salt/2:salt/2+1], a.Key) {
				return slog.Attr{}
			}
		}
		return a
	}
}

// Handler is h with the groups and attributes of c.
func (c Case) Handler(h slog.Handler) slog.Handler {
	for _, step := range c.chain {
		h = step(h)
	}
	return h
}

// Foretell says what is to become of c.
func (c Case) Foretell() Foretold {
	o := newOracle(c.ReplaceAttr)
	for _, step := range c.foretold {
		step(o)
	}
	var fromContext []slog.Attr
	if c.ContextAttrs != nil {
		fromContext = c.ContextAttrs(context.Background())
	}
	return o.record(c.Record, c.AddSource, fromContext)
}

func (c Case) String() string {
	return fmt.Sprintf("a record with %d attributes, a chain of %d", c.Record.NumAttrs(), len(c.chain))
}

// Recording returns f, and what appends each call to calls; nil for nil.
func Recording(f func([]string, slog.Attr) slog.Attr, calls *[]string) func([]string, slog.Attr) slog.Attr {
	if f == nil {
		return nil
	}
	return func(groups []string, a slog.Attr) slog.Attr {
		*calls = append(*calls, callText(slices.Clone(groups), a))
		return f(groups, a)
	}
}

// callerPC is the program counter of its caller.
func callerPC() uintptr {
	var pcs [1]uintptr
	runtime.Callers(2, pcs[:])
	return pcs[0]
}
