package slogship

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/slogship/slogship/internal/dice"
)

// eventOf is what h makes of r.
func eventOf(tb testing.TB, h slog.Handler, r slog.Record) []byte {
	tb.Helper()
	event, _, ok := tryEvent(h, r)
	if !ok {
		tb.Fatal("the record could not be encoded")
	}
	return event
}

func tryEvent(h slog.Handler, r slog.Record) (event []byte, cut, ok bool) {
	return tryEventWith(context.Background(), h, r)
}

func tryEventWith(ctx context.Context, h slog.Handler, r slog.Record) (event []byte, cut, ok bool) {
	s := h.(*Handler)
	captured := s.state.Capture(ctx, &r)
	defer captured.Free()
	e := newEncoder(s.core.batcher.bodies.encoders[0].wording)
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	event, cut, _ = e.appendRecord(captured.Bytes, 0, true)
	return event, cut, event != nil
}

// decodeEvent decodes an event, which is to be valid JSON in valid UTF-8 whose
// numbers fit in float64.
func decodeEvent(tb testing.TB, event []byte) map[string]any {
	tb.Helper()
	object := dice.DecodeObject(event)
	var floats any
	if err := json.Unmarshal(event, &floats); err != nil || object == nil {
		tb.Fatalf("no JSON object: %v in %.2000q", err, event)
	}
	if !utf8.Valid(event) {
		tb.Fatalf("no UTF-8: %.2000q", event)
	}
	return object
}

// eventWith is the event of a record with attrs, decoded.
func eventWith(tb testing.TB, h slog.Handler, attrs ...slog.Attr) map[string]any {
	tb.Helper()
	return decodeEvent(tb, eventOf(tb, h, recordWith(attrs...)))
}

// metadataWith is the metadata of a record with attrs, as JSON with sorted
// keys.
func metadataWith(tb testing.TB, h slog.Handler, attrs ...slog.Attr) string {
	tb.Helper()
	return jsonText(tb, eventWith(tb, h, attrs...)["metadata"])
}

func jsonText(tb testing.TB, v any) string {
	tb.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

var recordTime = time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)

func recordWith(attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(recordTime, slog.LevelInfo, "hello", 0)
	r.AddAttrs(attrs...)
	return r
}

func callerPC() uintptr {
	var pcs [1]uintptr
	runtime.Callers(2, pcs[:])
	return pcs[0]
}

// The rules of slog.Handler hold from the logger to the request.
func TestSlogtest(t *testing.T) {
	var tr *trial
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		tr = start(t, always(status(http.StatusOK)), Options{})
		return tr.Handler
	}, func(t *testing.T) map[string]any { return tr.firstRecord(t) })
}

// firstRecord is the first record that the backend has after a Flush, as slogtest
// wants it.
func (tr *trial) firstRecord(t *testing.T) map[string]any {
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var body struct {
		Batch []struct {
			Timestamp, Message *string
			Metadata           map[string]any
		}
	}
	if err := json.Unmarshal(tr.got()[0].body, &body); err != nil {
		t.Fatal(err)
	}
	event := body.Batch[0]
	m := event.Metadata
	m[slog.MessageKey] = *event.Message
	if event.Timestamp != nil {
		m[slog.TimeKey] = *event.Timestamp
	}
	return m
}

// An id is unique and of one width; those of one handler rise in the order in
// which records were accepted, and stay with their record however often that
// is sent.
func TestIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := status(http.StatusServiceUnavailable)
		first := start(t, script(refuse, refuse, refuse, status(http.StatusOK)), Options{})
		second := start(t, always(status(http.StatusOK)), Options{})
		first.say("a", "b")
		second.say("a", "b")
		time.Sleep(1100 * time.Millisecond)
		first.say("c")
		time.Sleep(5 * time.Minute)
		first.wantTaken("a", "b", "c")
		first.wantOneID()
		var ids []string
		for _, r := range append(first.got()[:1], second.got()...) {
			ids = append(ids, r.ids...)
		}
		all := slices.Compact(slices.Sorted(slices.Values(ids)))
		if len(ids) != 4 || len(all) != 4 {
			t.Errorf("4 records of two handlers have the ids %q", ids)
		}
		for _, id := range ids {
			if len(id) != 48 || strings.Trim(id, "0123456789abcdef") != "" {
				t.Errorf("%q is not 48 hexadecimal digits", id)
			}
		}
		if last := first.got()[len(first.got())-1]; !slices.IsSorted(last.ids) || len(last.ids) != 3 {
			t.Errorf("ids do not rise: %q", last.ids)
		}
		if ids[0][:32] != ids[1][:32] || ids[0][:32] == ids[2][:32] {
			t.Errorf("the first 32 digits are not the handler's own: %q", ids)
		}
	})
}

// Levels are in Logflare's case and, between the named ones, as slog names them.
func TestLevels(t *testing.T) {
	h := shipTo(t, hanging, Options{})
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "debug", slog.LevelInfo: "info", slog.LevelWarn: "warn", slog.LevelError: "error",
		slog.LevelInfo + 2: "info+2", slog.LevelDebug - 3: "debug-3", slog.LevelError + 100: "error+100", slog.LevelDebug + 1: "debug+1",
	} {
		r := recordWith()
		r.Level = level
		if got := jsonText(t, decodeEvent(t, eventOf(t, h, r))["metadata"]); got != `{"level":"`+want+`"}` {
			t.Errorf("level %d: %s, want %s", level, got, want)
		}
	}
}

// A timestamp is in UTC, has six fractional digits, and is cut off, not rounded.
func TestTimestamps(t *testing.T) {
	h := shipTo(t, hanging, Options{})
	for _, tt := range []struct {
		at   time.Time
		want any
	}{
		{time.Unix(0, 0), "1970-01-01T00:00:00.000000Z"},
		{recordTime, "2026-01-02T03:04:05.678901Z"},
		{recordTime.In(time.FixedZone("", 5*3600+1800)), "2026-01-02T03:04:05.678901Z"},
		{recordTime.Add(999 * time.Millisecond), "2026-01-02T03:04:06.677901Z"},
		{time.Date(2026, 1, 2, 3, 4, 5, 999999999, time.UTC), "2026-01-02T03:04:05.999999Z"},
		{time.Date(1969, 12, 31, 23, 59, 59, 1000, time.UTC), "1969-12-31T23:59:59.000001Z"},
		{time.Unix(-1<<63, 0), time.Unix(-1<<63, 0).UTC().Format("2006-01-02T15:04:05.000000Z")},
		{time.Time{}, nil},
	} {
		r := recordWith()
		r.Time = tt.at
		if got := decodeEvent(t, eventOf(t, h, r))["timestamp"]; got != tt.want {
			t.Errorf("%v is written as %v, want %v", tt.at, got, tt.want)
		}
	}
}

// Attributes of the context stand at the root, whatever groups are open; they
// are shown to ReplaceAttr, and one that panics says so.
func TestContextAttrs(t *testing.T) {
	type traceKey struct{}
	var groups [][]string
	h := shipTo(t, hanging, Options{
		ContextAttrs: func(ctx context.Context) []slog.Attr {
			return []slog.Attr{slog.Any("trace", ctx.Value(traceKey{})), slog.Group("span", slog.Int("id", 7)), slog.String("level", "x")}
		},
		ReplaceAttr: func(g []string, a slog.Attr) slog.Attr {
			if a.Key == "trace" {
				groups = append(groups, slices.Clone(g))
				a.Value = slog.StringValue("t-" + a.Value.String())
			}
			return a
		},
	})
	r := recordWith(slog.Int("b", 2))
	event, _, ok := tryEventWith(context.WithValue(t.Context(), traceKey{}, "1"), h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g"), r)
	if !ok {
		t.Fatal("the record could not be encoded")
	}
	got := jsonText(t, decodeEvent(t, event)["metadata"])
	if want := `{"a":1,"g":{"b":2},"level":"info","level_":"x","span":{"id":7},"trace":"t-1"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(groups) != 1 || len(groups[0]) != 0 {
		t.Errorf("ReplaceAttr was shown the groups %q", groups)
	}

	h = shipTo(t, hanging, Options{ContextAttrs: func(context.Context) []slog.Attr { panic(errors.New("no context")) }})
	if got, want := metadataWith(t, h, slog.Int("a", 1)), `{"!PANIC":"ContextAttrs: no context","a":1,"level":"info"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A Format that panics loses the one record, counted as rejected.
func TestFormatPanics(t *testing.T) {
	bad := fakeFormat{event: func(dst []byte, e *Event) []byte {
		if e.Message == "bad" {
			panic("bad")
		}
		return logflare{}.AppendEvent(dst, e)
	}}
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(http.StatusOK)), Options{Format: bad})
		tr.say("a", "bad", "b")
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b")
		tr.wantBooks(2, Dropped{Rejected: 1}, 0)
	})
}

// A LogValuer may log, also through the handler that asks it.
func TestLogValuerLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(http.StatusOK)), Options{})
		tr.log.Info("outer", "v", logs{tr.log}, "w", 1)
		time.Sleep(time.Minute)
		tr.wantTaken("inner", "outer")
	})
}

type logs struct{ log *slog.Logger }

func (l logs) LogValue() slog.Value {
	l.log.Info("inner")
	return slog.IntValue(1)
}

// A record whose attributes are scalars costs no allocation.
func TestScalarsDoNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector has sync.Pool lose some of what it is given")
	}
	scalars := []slog.Attr{
		slog.String("string", "an ordinary string"), slog.String("escaped", "tab\t\xff é"), slog.Int("int", -1), slog.Uint64("uint64", 1<<63),
		slog.Float64("float64", 1.5e-9), slog.Bool("bool", true), slog.Duration("duration", time.Second), slog.Time("time", recordTime), slog.String("level", "x"),
	}
	plain := shipTo(t, hanging, Options{})
	for name, tt := range map[string]struct {
		h     slog.Handler
		attrs []slog.Attr
	}{
		"scalars":      {plain, scalars},
		"groups":       {plain, []slog.Attr{slog.Group("g", slog.Int("a", 1), slog.Group("h", slog.Int("b", 2)))}},
		"WithAttrs":    {plain.WithAttrs(scalars).WithGroup("g").WithAttrs(scalars).WithGroup("h"), scalars},
		"AddSource":    {shipTo(t, hanging, Options{AddSource: true}), scalars},
		"ReplaceAttr":  {shipTo(t, hanging, Options{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}), scalars[:8]},
		"UniqueKeys":   {shipTo(t, hanging, Options{Format: fakeFormat{layout: func(l *Layout) { l.UniqueKeys = true }}}), scalars},
		"ContextAttrs": {shipTo(t, hanging, Options{ContextAttrs: func(context.Context) []slog.Attr { return scalars }}), scalars},
	} {
		r := slog.NewRecord(recordTime, slog.LevelInfo, "hello", callerPC())
		r.AddAttrs(tt.attrs...)
		if n := testing.AllocsPerRun(1000, func() { tt.h.Handle(context.Background(), r) }); n != 0 {
			t.Errorf("%s: %v allocations a record, want none", name, n)
		}
	}
}

// A huge string that is cut anyway is not copied first, nor are the same huge
// strings in a thousand attributes.
func TestHugeStringsAreNotCopied(t *testing.T) {
	h := shipTo(t, hanging, Options{})
	huge := strings.Repeat("x", 32<<20)
	many := make([]slog.Attr, 1000)
	for i := range many {
		many[i] = slog.String("a", huge)
	}
	for name, r := range map[string]slog.Record{
		"message":   slog.NewRecord(recordTime, 0, huge, 0),
		"attribute": recordWith(slog.String("a", huge)),
		"in a map":  recordWith(slog.Any("a", map[string]any{"b": huge})),
		"error":     recordWith(slog.Any("a", errors.New(huge))),
		"many":      recordWith(many...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		event, cut, ok := tryEvent(h, r)
		runtime.ReadMemStats(&after)
		if !cut || !ok || len(event) > defaultMaxRecordBytes {
			t.Errorf("%s: %d bytes, cut %v, ok %v", name, len(event), cut, ok)
		}
		if n := after.TotalAlloc - before.TotalAlloc; name != "many" && n > 16<<20 || n > 256<<20 {
			t.Errorf("%s: it took %d MiB", name, n>>20)
		}
	}
}
