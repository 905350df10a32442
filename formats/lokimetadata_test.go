package formats_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// Names are what Loki would make of them, and never nothing.
func TestLokiNames(t *testing.T) {
	for _, c := range []struct {
		key  string
		want string
	}{
		{"plain", "plain"},
		{"snake_case", "snake_case"},
		{"_x", "_x"},
		{"x_", "x_"},
		{"X9", "X9"},
		{"http.method", "http_method"},
		{"a-b c/d", "a_b_c_d"},
		{"a__b", "a_b"},
		{"a._b", "a_b"},
		{"__x__", "_x_"},
		{"9lives", "key_9lives"},
		{"naïve", "na_ve"},
		{"é", "e9"},
		{"日本", "key_65e5_672c"},
		{"🚢", "key_1f6a2"},
		{"", "key"},
		{"_", "key_5f"},
		{"...", "key_2e_2e_2e"},
		{`q"`, "q_"},
		{"bad\xff", "bad_"},
		{"\xff", "fffd"},
		{"a\x00b", "a_b"},
	} {
		e := lokiOne(t, formats.LokiOptions{}, slogship.Options{}, record(slog.LevelInfo, "m", slog.Int(c.key, 1)))
		delete(e.metadata, "detected_level")
		if want := map[string]string{c.want: "1"}; !maps.Equal(e.metadata, want) {
			t.Errorf("%q is %v, want %v", c.key, e.metadata, want)
		}
	}
	e := lokiOne(t, formats.LokiOptions{}, slogship.Options{}, record(slog.LevelInfo, "m",
		slog.Group("g.h", slog.Int("x", 1), slog.Int("", 2), slog.Int("_y", 3)), slog.Group("日", slog.Int("本", 4)), slog.Group("7", slog.Int("z", 5))))
	want := map[string]string{
		"detected_level": "info", "g_h_x": "1", "g_h_": "2", "g_h_y": "3", "key_65e5_672c": "4", "key_7_z": "5",
	}
	if !maps.Equal(e.metadata, want) {
		t.Errorf("the metadata is %v, want %v", e.metadata, want)
	}
}

// Of names that become equal the last wins, and the format's own are not
// touched.
func TestLokiEqualNames(t *testing.T) {
	for _, c := range []struct {
		name  string
		attrs []slog.Attr
		with  []slog.Attr
		want  map[string]string
	}{
		{"equal keys", []slog.Attr{slog.Int("a", 1), slog.Int("b", 2), slog.Int("a", 3)}, nil, map[string]string{"a": "3", "b": "2"}},
		{"with and record", []slog.Attr{slog.Int("a", 1)}, []slog.Attr{slog.Int("a", 0), slog.Int("c", 2)}, map[string]string{"a": "1", "c": "2"}},
		{"dot and underscore", []slog.Attr{slog.Int("a.b", 1), slog.Int("a_b", 2)}, nil, map[string]string{"a_b": "2"}},
		{"underscore and dot", []slog.Attr{slog.Int("a_b", 1), slog.Int("a.b", 2)}, nil, map[string]string{"a_b": "2"}},
		{"group and name", []slog.Attr{slog.Group("a", slog.Int("b", 1)), slog.Int("a_b", 2)}, nil, map[string]string{"a_b": "2"}},
		{"two groups", []slog.Attr{slog.Group("a", slog.Int("b", 1)), slog.Group("a", slog.Int("b", 2), slog.Int("c", 3))}, nil, map[string]string{"a_b": "2", "a_c": "3"}},
		{"the level's", []slog.Attr{slog.String("detected_level", "x"), slog.Group("detected", slog.String("level", "y"))}, nil, map[string]string{"detected_level_": "y"}},
		{"the level's, with a dot", []slog.Attr{slog.String("detected.level", "x")}, nil, map[string]string{"detected_level_": "x"}},
		{"the source's", []slog.Attr{slog.Group("source", slog.String("file", "mine"))}, nil, map[string]string{"source_file_": "mine"}},
		{"hundreds", manyAttrs(100), manyAttrs(100), manyTexts(100)},
	} {
		var b backend
		h := ship(t, formats.Loki(formats.LokiOptions{}), &b, slogship.Options{})
		h.WithAttrs(c.with).Handle(context.Background(), record(slog.LevelInfo, "m", c.attrs...))
		h.Close()
		noDoubledKeys(t, b.got()[0].body)
		got := decodeLoki(t, b.got()[0])[0].metadata
		if got["detected_level"] != "info" {
			t.Errorf("%s: the level is %q", c.name, got["detected_level"])
		}
		delete(got, "detected_level")
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func manyAttrs(n int) (attrs []slog.Attr) {
	for i := range n {
		attrs = append(attrs, slog.Int("attr"+strconv.Itoa(i), i))
	}
	return attrs
}

func manyTexts(n int) map[string]string {
	m := map[string]string{}
	for _, a := range manyAttrs(n) {
		m[a.Key] = a.Value.String()
	}
	return m
}

// Values are strings: strings as they are, anything else as JSON has it.
func TestLokiValues(t *testing.T) {
	e := lokiOne(t, formats.LokiOptions{}, slogship.Options{}, record(slog.LevelInfo, "line \" \\ \n 🚢 \xff",
		slog.String("s", "quote \" \\ \n\t\x01 é日本🚢\u2028\xff"), slog.String("empty", ""),
		slog.Int64("int", math.MinInt64), slog.Uint64("uint", math.MaxUint64), slog.Float64("float", 0.1), slog.Float64("large", 1e300),
		slog.Float64("nan", math.NaN()), slog.Float64("inf", math.Inf(-1)), slog.Bool("bool", true),
		slog.Duration("took", time.Second), slog.Time("at", someTime), slog.Any("nil", nil), slog.Any("error", errors.New("no \"file\"")),
		slog.Any("list", []any{1, "x"}), slog.Any("map", map[string]any{"k": "v\n"}), slog.Any("bytes", []byte("\x00\xff")),
	))
	want := map[string]string{
		"detected_level": "info", "s": "quote \" \\ \n\t\x01 é日本🚢\u2028\ufffd", "empty": "",
		"int": "-9223372036854775808", "uint": "18446744073709551615", "float": "0.1", "large": "1e+300",
		"nan": "NaN", "inf": "-Inf", "bool": "true", "took": "1000000000", "at": "2026-03-04T05:06:07.890123456Z",
		"nil": "null", "error": `no "file"`, "list": `[1,"x"]`, "map": `{"k":"v\n"}`, "bytes": "AP8=",
	}
	if !maps.Equal(e.metadata, want) {
		t.Errorf("the metadata is\n%v, want\n%v", e.metadata, want)
	}
	if e.line != "line \" \\ \n 🚢 \ufffd" {
		t.Errorf("the line is %q", e.line)
	}
}

// Metadata within Loki's limits arrives whole; beyond them it is cut, marked and
// counted.
func TestLokiLimits(t *testing.T) {
	ship1 := func(attrs ...slog.Attr) (lokiEntry, slogship.Stats) {
		var b backend
		h := ship(t, formats.Loki(formats.LokiOptions{}), &b, slogship.Options{MaxRecordBytes: 1 << 20})
		h.Handle(context.Background(), record(slog.LevelInfo, "m", attrs...))
		h.Close()
		noDoubledKeys(t, b.got()[0].body)
		e := decodeLoki(t, b.got()[0])[0]
		if !strings.HasSuffix(e.id, "0000000000000000") {
			t.Errorf("the id is %q", e.id)
		}
		return e, h.Stats()
	}

	e, s := ship1(manyAttrs(126)...) // and the level and the id
	if len(e.metadata) != 127 || s.Cut != 0 {
		t.Errorf("%d of 127 entries, cut %d", len(e.metadata), s.Cut)
	}
	e, s = ship1(manyAttrs(127)...)
	if len(e.metadata) != 127 || e.metadata["_cut"] != "true" || e.metadata["attr124"] != "124" || s.Cut != 1 {
		t.Errorf("%d entries of 128, cut %d: %v", len(e.metadata), s.Cut, e.metadata)
	}

	const most = 64<<10 - len("detected_level") - len("info") - len("event_id") - 48 - len("a")
	if e, s = ship1(slog.String("a", strings.Repeat("x", most))); len(e.metadata["a"]) != most || s.Cut != 0 {
		t.Errorf("%d bytes of %d, cut %d", len(e.metadata["a"]), most, s.Cut)
	}
	if e, s = ship1(slog.String("a", strings.Repeat("x", most+1))); len(e.metadata["a"]) < most-20 || s.Cut != 1 {
		t.Errorf("%d bytes of %d, cut %d", len(e.metadata["a"]), most+1, s.Cut)
	}
	long := strings.Repeat("é\n🚢", 9000)
	e, s = ship1(slog.Int("first", 1), slog.String("a", long), slog.String("short", "stays"), slog.String("b", long), slog.Int("last", 2))
	for _, name := range []string{"a", "b"} {
		before, ok := strings.CutSuffix(e.metadata[name], "…[cut]")
		if !ok || !strings.HasPrefix(long, before) || len(before) < 25_000 {
			t.Errorf("%s has %d bytes and ends in %q", name, len(before), e.metadata[name][max(0, len(before)-10):])
		}
	}
	if e.metadata["first"] != "1" || e.metadata["short"] != "stays" || e.metadata["last"] != "2" || e.metadata["_cut"] != "true" || s.Cut != 1 {
		t.Errorf("cut %d, %d entries", s.Cut, len(e.metadata))
	}

	// Names so long that no shortening helps.
	e, s = ship1(slog.Int(strings.Repeat("a", 40_000), 1), slog.Int(strings.Repeat("b", 40_000), 2), slog.Int("c", 3))
	if len(e.metadata) != 3 || e.metadata[strings.Repeat("a", 40_000)] != "1" || e.metadata["_cut"] != "true" || s.Cut != 1 {
		t.Errorf("%d entries, cut %d", len(e.metadata), s.Cut)
	}

	// A line of 256 KiB at most, and a body of 4 MiB.
	var b backend
	h := ship(t, formats.Loki(formats.LokiOptions{}), &b, slogship.Options{
		MaxRecordBytes: 1 << 20, BatchBytes: 1 << 30, MaxPendingBytes: 1 << 30, FlushInterval: time.Hour,
	})
	for range 30 {
		h.Handle(context.Background(), record(slog.LevelInfo, strings.Repeat("x", 400<<10)))
	}
	h.Close()
	n := 0
	for _, r := range b.got() {
		n += len(decodeLoki(t, r))
		if len(r.body) > 4<<20 {
			t.Errorf("a body of %d bytes", len(r.body))
		}
	}
	if s := h.Stats(); n != 30 || s.Cut != 30 {
		t.Errorf("%d entries, %+v", n, s)
	}
}
