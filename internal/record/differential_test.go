package record

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
)

// A randomCase is a record, and all that has a say in what becomes of it.
type randomCase struct {
	o        Options // its ReplaceAttr does not count its calls yet
	chain    []func(slog.Handler) slog.Handler
	foretold []func(*oracle)
	record   slog.Record
}

func newRandomCase(d *dice.Dice) randomCase {
	c := randomCase{o: Options{AddSource: d.N(4) == 3, ReplaceAttr: randomReplaceAttr(d)}}
	if d.N(4) == 3 {
		attrs := d.Attrs(3, 1)
		c.o.ContextAttrs = func(context.Context) []slog.Attr { return attrs }
	}
	for range d.N(5) {
		if d.N(2) == 0 {
			name := dice.Pick(d, "g", "a", "", "level", "é")
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
	if c.o.AddSource && d.N(4) > 0 {
		pc = callerPC()
	}
	c.record = slog.NewRecord(at, slog.Level(d.N(24)-8), d.Text(), pc)
	c.record.AddAttrs(d.Attrs(8, 3)...)
	return c
}

// replaceAttr is one of a few functions that always give the same answer.
func randomReplaceAttr(d *dice.Dice) func([]string, slog.Attr) slog.Attr {
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
			a.Value = []slog.Value{slog.StringValue(""), slog.StringValue("new"), slog.IntValue(salt), slog.AnyValue(nil), slog.AnyValue(dice.Stringer(1)), slog.BoolValue(true), slog.DurationValue(1), slog.TimeValue(time.Unix(1e9, 5).UTC())}[salt]
		case which == 8:
			if a.Value.Kind() != slog.KindString { // or its members would be groups in turn
				a.Value = slog.GroupValue(slog.String("in", "side"), slog.String("level", a.Key), slog.Any("v", dice.Yields{V: slog.StringValue("x")}))
			}
		case which == 9:
			a.Value = slog.AnyValue(dice.Yields{V: slog.AnyValue(dice.Yields{V: a.Value})})
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

// recording returns f, and what appends each call to calls; nil for nil.
func recording(f func([]string, slog.Attr) slog.Attr, calls *[]string) func([]string, slog.Attr) slog.Attr {
	if f == nil {
		return nil
	}
	return func(groups []string, a slog.Attr) slog.Attr {
		*calls = append(*calls, callText(slices.Clone(groups), a))
		return f(groups, a)
	}
}

// check wants the record, the calls of ReplaceAttr and, where it is right,
// slog.JSONHandler to be what the oracle says.
func (c randomCase) check(tb testing.TB) {
	tb.Helper()
	oracle := newOracle(c.o.ReplaceAttr)
	o := c.o
	o.MaxRecordBytes = 1 << 20
	var ours, theirs []string
	o.ReplaceAttr = recording(c.o.ReplaceAttr, &ours)
	h := slog.Handler(capturing{s: New(o)})
	var line bytes.Buffer
	std := slog.Handler(slog.NewJSONHandler(&line, &slog.HandlerOptions{AddSource: o.AddSource, ReplaceAttr: recording(c.o.ReplaceAttr, &theirs)}))
	for i, step := range c.chain {
		h, std = step(h), step(std)
		c.foretold[i](oracle)
	}
	var fromContext []slog.Attr
	if o.ContextAttrs != nil {
		fromContext = o.ContextAttrs(context.Background())
	}
	want := oracle.record(c.record, o.AddSource, fromContext)

	got := decode(tb, captureBy(h, c.record))
	if got := dice.DecodeObject(objectOf(got.Attrs)); !dice.Same(want.attrs, got) {
		tb.Errorf("attributes:\n got %v\nwant %v\nfrom %s", got, want.attrs, c)
	}
	if got := dice.DecodeObject(builtinsOf(got)); !dice.Same(want.builtins, got) {
		tb.Errorf("built-ins:\n got %v\nwant %v\nfrom %s", got, want.builtins, c)
	}
	if !slices.Equal(ours, oracle.calls) {
		tb.Errorf("calls of ReplaceAttr:\n got %s\nwant %s\nfrom %s", strings.Join(ours, "\n     "), strings.Join(oracle.calls, "\n     "), c)
	}

	if oracle.wrong || len(fromContext) > 0 {
		return
	}
	std.Handle(context.Background(), c.record)
	if object := dice.DecodeObject(line.Bytes()); object == nil {
		tb.Errorf("slog.JSONHandler wrote what is no JSON, and the oracle did not know: %s\nfrom %s", line.Bytes(), c)
	} else if !dice.Same(want.json, object) {
		tb.Errorf("slog.JSONHandler contradicts the oracle:\n got %s\nwant %v\nfrom %s", line.Bytes(), want.json, c)
	}
	if !slices.Equal(theirs, oracle.calls) {
		tb.Errorf("slog.JSONHandler calls ReplaceAttr:\n got %s\nwant %s\nfrom %s", strings.Join(theirs, "\n     "), strings.Join(oracle.calls, "\n     "), c)
	}
}

func (c randomCase) String() string {
	return fmt.Sprintf("a record with %d attributes, a chain of %d", c.record.NumAttrs(), len(c.chain))
}

// Random records decode to what slog.JSONHandler writes, wherever that keeps
// the rules of slog.Handler; ReplaceAttr is called as often, in the same order.
func TestRandomRecordsMeanWhatTheyMeanToSlog(t *testing.T) {
	t.Parallel()
	seeds := uint64(2000)
	if raceDetector {
		seeds = 300
	}
	for seed := range seeds {
		newRandomCase(dice.Seeded(seed, 50+int(seed)%500)).check(t)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// As TestRandomRecordsMeanWhatTheyMeanToSlog, and further.
func FuzzRecord(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(dice.Seeded(seed, 100+10*int(seed)).Left)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		newRandomCase(&dice.Dice{Left: data}).check(t)
	})
}
