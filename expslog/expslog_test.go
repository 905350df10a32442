package expslog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	xslog "golang.org/x/exp/slog"
	"golang.org/x/exp/slog/slogtest"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/expslog"
	"github.com/slogship/slogship/slogshiptest"
)

// lines decodes the output of a slog.JSONHandler.
func lines(t *testing.T, text []byte) (all []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

// What x/exp asks of a handler is kept by the bridge.
func TestSlogtestOverJSONHandler(t *testing.T) {
	var buf bytes.Buffer
	h := expslog.New(slog.NewJSONHandler(&buf, nil))
	if err := slogtest.TestHandler(h, func() []map[string]any { return lines(t, buf.Bytes()) }); err != nil {
		t.Error(err)
	}
}

// It is kept with slogship behind the bridge, too.
func TestSlogtestOverSlogship(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()

	results := func() (all []map[string]any) {
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, r := range backend.Records() {
			m := r.Attrs
			m[slog.MessageKey], m[slog.LevelKey] = r.Message, r.Level
			if bytes.Contains(r.Raw, []byte(`"timestamp"`)) {
				m[slog.TimeKey] = r.Time
			}
			all = append(all, m)
		}
		return all
	}
	if err := slogtest.TestHandler(expslog.New(h), results); err != nil {
		t.Error(err)
	}
}

// probe is a handler that notes what it is called with.
type probe struct {
	ctx     context.Context
	level   slog.Level
	records []slog.Record
	calls   []string
	err     error
}

func (p *probe) Enabled(ctx context.Context, level slog.Level) bool {
	p.ctx, p.level = ctx, level
	return level >= slog.LevelWarn
}

func (p *probe) Handle(ctx context.Context, r slog.Record) error {
	p.ctx = ctx
	p.records = append(p.records, r)
	return p.err
}

func (p *probe) WithAttrs([]slog.Attr) slog.Handler {
	p.calls = append(p.calls, "WithAttrs")
	return p
}

func (p *probe) WithGroup(name string) slog.Handler {
	p.calls = append(p.calls, "WithGroup "+name)
	return p
}

// The handler behind decides by level and context, and sees both as they are.
func TestEnabledIsTheHandlersAnswer(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "v")
	p := &probe{}
	logger := xslog.New(expslog.New(p))
	for level, want := range map[xslog.Level]bool{xslog.LevelInfo: false, xslog.LevelWarn - 1: false, xslog.LevelWarn: true, 12: true} {
		if got := logger.Enabled(ctx, level); got != want {
			t.Errorf("Enabled(%v) = %v, want %v", level, got, want)
		}
		if p.ctx != ctx || int(p.level) != int(level) {
			t.Errorf("the handler saw level %v, want %v, and the caller's context: %v", p.level, level, p.ctx == ctx)
		}
	}
	p.ctx = nil
	logger.LogAttrs(ctx, xslog.LevelError, "m")
	if p.ctx != ctx || len(p.records) != 1 {
		t.Errorf("%d records with the caller's context %v, want one with it", len(p.records), p.ctx == ctx)
	}
}

// What the handler returns is returned to whoever calls the bridge himself.
func TestHandleReturnsTheHandlersError(t *testing.T) {
	want := errors.New("full")
	h := expslog.New(&probe{err: want})
	if err := h.Handle(t.Context(), xslog.NewRecord(time.Time{}, 0, "", 0)); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// log/slog never calls a handler to add nothing, so the bridge does not either.
func TestNothingIsAddedForNothing(t *testing.T) {
	p := &probe{}
	logger := xslog.New(expslog.New(p))
	logger.With().WithGroup("").With("a", 1).WithGroup("g").Error("m")
	if len(p.calls) != 2 || p.calls[0] != "WithAttrs" || p.calls[1] != "WithGroup g" {
		t.Errorf("the handler was called %q, want WithAttrs and WithGroup g", p.calls)
	}
}

// counter is a LogValuer that knows how often it was asked.
type counter struct{ n int }

func (c *counter) LogValue() xslog.Value { c.n++; return xslog.IntValue(c.n) }

// A LogValuer costs nothing before the handler asks for its value.
func TestLogValuersAreResolvedByTheHandler(t *testing.T) {
	c := &counter{}
	p := &probe{}
	xslog.New(expslog.New(p)).With("w", c).Error("m", "a", c, xslog.Group("g", "b", c))
	if c.n != 0 {
		t.Fatalf("LogValue was called %d times before the handler resolved anything", c.n)
	}
	p.records[0].Attrs(func(a slog.Attr) bool {
		if a.Key == "a" && a.Value.Resolve().Int64() != 1 {
			t.Errorf("a resolves to %v, want 1", a.Value.Resolve())
		}
		return true
	})
	if c.n != 1 {
		t.Errorf("LogValue was called %d times, want once", c.n)
	}
}

// Values that have a counterpart in log/slog arrive as it, for ReplaceAttr and
// for handlers that look at types.
func TestKnownTypesAreConverted(t *testing.T) {
	source := &xslog.Source{Function: "f", File: "g.go", Line: 3}
	for _, c := range []struct {
		x, want any
	}{
		{xslog.LevelWarn, slog.LevelWarn},
		{source, (*slog.Source)(source)},
		{*source, slog.Source(*source)},
		{xslog.KindGroup, slog.KindGroup},
		{time.Second, time.Second},
		{io.EOF, io.EOF},
		{nil, nil},
		{slog.LevelError, slog.LevelError},
		{slog.StringValue("log/slog's own"), "log/slog's own"},
		{xslog.StringValue("s"), "s"},
	} {
		p := &probe{}
		xslog.New(expslog.New(p)).Error("m", "k", c.x)
		p.records[0].Attrs(func(a slog.Attr) bool {
			if got := a.Value.Any(); got != c.want {
				t.Errorf("%T %v arrives as %T %v, want %T %v", c.x, c.x, got, got, c.want, c.want)
			}
			return true
		})
	}
	p := &probe{}
	xslog.New(expslog.New(p)).Error("m", "k", xslog.Int("a", 1))
	p.records[0].Attrs(func(a slog.Attr) bool {
		if got, ok := a.Value.Any().(slog.Attr); !ok || !got.Equal(slog.Int("a", 1)) {
			t.Errorf("an Attr as a value arrives as %v", a)
		}
		return true
	})
}

// Records of as many scalar attributes as slog.Record has room for cost no
// allocation.
func TestScalarsDoNotAllocate(t *testing.T) {
	h := expslog.New(slog.DiscardHandler)
	ctx := context.Background()
	r := xslog.NewRecord(time.Now(), xslog.LevelInfo, "m", 0)
	r.AddAttrs(xslog.String("s", "v"), xslog.Int("i", 1), xslog.Bool("b", true),
		xslog.Duration("d", time.Second), xslog.Time("t", time.Now()))
	if n := testing.AllocsPerRun(100, func() { h.Handle(ctx, r) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkHandle(b *testing.B) {
	h := expslog.New(slog.DiscardHandler)
	ctx := context.Background()
	r := xslog.NewRecord(time.Now(), xslog.LevelInfo, "m", 0)
	r.AddAttrs(xslog.String("s", "v"), xslog.Int("i", 1), xslog.Float64("f", 1.5))
	b.ReportAllocs()
	for b.Loop() {
		h.Handle(ctx, r)
	}
}
