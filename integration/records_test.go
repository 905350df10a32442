package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// numRecords is how many records each format ships.
const numRecords = 10_000

// A logged is a record as it is logged, and the WithAttrs and WithGroup before
// it.
type logged struct {
	n      int
	record slog.Record
	with   []slog.Attr
	group  string
}

func (l logged) to(h slog.Handler) {
	if l.with != nil {
		h = h.WithAttrs(l.with)
	}
	if l.group != "" {
		h = h.WithGroup(l.group)
	}
	h.Handle(context.Background(), l.record) // always nil
}

// attrs are the attributes as one tree, as slog's rules have it: values are
// resolved, empty groups left out, groups without a name opened, and of equal
// keys the last is kept.
func (l logged) attrs() []slog.Attr {
	var own []slog.Attr
	l.record.Attrs(func(a slog.Attr) bool {
		own = append(own, a)
		return true
	})
	if l.group != "" {
		own = []slog.Attr{{Key: l.group, Value: slog.GroupValue(own...)}}
	}
	return resolved(append(append([]slog.Attr{}, l.with...), own...))
}

func resolved(attrs []slog.Attr) (tree []slog.Attr) {
	add := func(a slog.Attr) {
		for i := range tree {
			if tree[i].Key == a.Key {
				tree = append(tree[:i], tree[i+1:]...)
				break
			}
		}
		tree = append(tree, a)
	}
	for _, a := range attrs {
		a.Value = a.Value.Resolve()
		if a.Value.Kind() != slog.KindGroup {
			if !a.Equal(slog.Attr{}) {
				add(a)
			}
			continue
		}
		members := resolved(a.Value.Group())
		switch {
		case a.Key == "":
			for _, m := range members {
				add(m)
			}
		case len(members) > 0:
			add(slog.Attr{Key: a.Key, Value: slog.GroupValue(members...)})
		}
	}
	return tree
}

// valid is what becomes of text that is not UTF-8.
func valid(s string) string { return string([]rune(s)) }

// jsonOf is v as slog.JSONHandler writes it. What that cannot write is a string.
func jsonOf(v slog.Value) string {
	if v.Kind() == slog.KindFloat64 {
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) {
			v = slog.StringValue(fmt.Sprint(f))
		}
	}
	var b strings.Builder
	h := slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.LevelKey || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}})
	r := slog.NewRecord(time.Time{}, 0, "", 0)
	r.AddAttrs(slog.Attr{Key: "v", Value: v})
	h.Handle(context.Background(), r)
	text := strings.TrimSuffix(b.String(), "}\n")
	return strings.TrimPrefix(text, `{"v":`)
}

type resolver struct{ v slog.Value }

func (r resolver) LogValue() slog.Value { return r.v }

type order struct {
	ID    int               `json:"id"`
	Total float64           `json:"total"`
	Tags  []string          `json:"tags"`
	Notes map[string]string `json:"notes"`
	Empty *int              `json:"empty"`
}

// kinds are the kinds of records: each value, name and nesting that a format
// could get wrong.
var kinds = []struct {
	message string
	attrs   func(i int) []slog.Attr
}{
	{"scalars", func(i int) []slog.Attr {
		return []slog.Attr{
			slog.String("user", "ada"), slog.Int("count", i), slog.Bool("ok", i%2 == 0), slog.Float64("ratio", float64(i)/3),
			slog.Duration("took", time.Duration(i)*time.Microsecond), slog.Time("at", time.Unix(int64(i), 123456789).UTC()),
		}
	}},
	{"edges of int64 and uint64", func(i int) []slog.Attr {
		return []slog.Attr{
			slog.Int64("min", math.MinInt64), slog.Int64("max", math.MaxInt64), slog.Int64("zero", 0), slog.Int64("minus", -1),
			slog.Uint64("umax", math.MaxUint64), slog.Uint64("half", 1<<63), slog.Uint64("below", 1<<63-1), slog.Uint64("uzero", 0),
			slog.Int64("beyond_float", 1<<53+1), slog.Int64("own", int64(i)*math.MaxInt32),
		}
	}},
	{"edges of float64", func(i int) []slog.Attr {
		return []slog.Attr{
			slog.Float64("max", math.MaxFloat64), slog.Float64("least", math.SmallestNonzeroFloat64), slog.Float64("minus_max", -math.MaxFloat64),
			slog.Float64("normal", 0x1p-1022), slog.Float64("tenth", 0.1), slog.Float64("third", 1.0/3), slog.Float64("big", 1e21),
			slog.Float64("below_big", 999999999999999868928), slog.Float64("small", 1e-7), slog.Float64("above_small", 1e-6),
			slog.Float64("whole", 1<<53), slog.Float64("zero", 0), slog.Float64("minus_zero", math.Copysign(0, -1)),
			slog.Float64("nan", math.NaN()), slog.Float64("inf", math.Inf(1)), slog.Float64("minus_inf", math.Inf(-1)),
			slog.Float64("own", float64(i)*math.Pi), slog.Any("f32", float32(0.1)),
		}
	}},
	{"groups", func(i int) []slog.Attr {
		deep := slog.GroupValue(slog.Int("bottom", i))
		for d := range 10 {
			deep = slog.GroupValue(slog.Attr{Key: fmt.Sprint("g", d), Value: deep}, slog.String("beside", "é"))
		}
		return []slog.Attr{
			{Key: "deep", Value: deep},
			slog.Group("request", "method", "GET", slog.Group("url", "path", "/a/b", slog.Group("query", "q", "x y"))),
			slog.Group("empty"), slog.Group("", slog.Int("inlined", i)), slog.Group("hollow", slog.Group("hole")),
		}
	}},
	{"values of any kind", func(i int) []slog.Attr {
		return []slog.Attr{
			slog.Any("ints", []int{i, -1, math.MaxInt64}), slog.Any("strings", []string{"a", "", "ü\n"}), slog.Any("none", []string{}),
			slog.Any("map", map[string]any{"b": 1, "a": []any{true, nil, 1.5, "<&>"}, "c": map[string]any{}}),
			slog.Any("struct", order{ID: i, Total: 9.99, Tags: []string{"x"}, Notes: map[string]string{"k": "v"}}),
			slog.Any("bytes", []byte{0, 1, 0xfe, 0xff}), slog.Any("nil", nil), slog.Any("error", errors.New("it broke: \"so\"")),
			slog.Any("raw", json.RawMessage(`{"z": 1, "a": [1e2, 18446744073709551615, 0.5]}`)), slog.Any("number", json.Number("12")),
			slog.Any("resolved", resolver{slog.GroupValue(slog.Int("inner", i))}), slog.Any("pointer", &i),
		}
	}},
	{"ünïcödé 世界 🚀 \u2028\u2029 \ufeff é نص", func(i int) []slog.Attr {
		return []slog.Attr{
			slog.String("größe", "groß"), slog.String("user.名前", "山田太郎"), slog.String("emoji", "👩‍👩‍👧‍👦 🇩🇪"), slog.String("rtl", "שלום"),
			slog.String("astral", "\U0010ffff\U0001f600"), slog.String("combining", "e\u0301"), slog.String("bom", "\ufeffx\ufffe"),
			slog.String("invalid", "a\xffb\xc3(\xed\xa0\x80"), slog.Int("own", i),
		}
	}},
	{"\x00\x01\x02\a\b\t\n\v\f\r\x1b\x1f \" \\ / \x7f \u0085", func(i int) []slog.Attr {
		all := make([]byte, 0x20)
		for c := range all {
			all[c] = byte(c)
		}
		return []slog.Attr{
			slog.String("all", string(all)), slog.String("quotes", `"'\"\\`), slog.String("html", "<a href='x'>&amp;</a>"),
			slog.String("lines", "a\r\nb\nc"), slog.String("del", "\x7f"), slog.String("spaces", "  x  "), slog.Int("own", i),
		}
	}},
	{"", func(i int) []slog.Attr { // an empty message
		return []slog.Attr{slog.String("empty", ""), slog.Group("g", slog.String("empty", "")), slog.Int("own", i)}
	}},
	{"long values", func(i int) []slog.Attr {
		return []slog.Attr{slog.String("long", strings.Repeat(fmt.Sprintf("%d é\t", i), 500)), slog.Int("own", i)}
	}},
	{"names", func(i int) []slog.Attr {
		return []slog.Attr{
			slog.Int("http.status_code", 200), slog.String("with space", "a"), slog.Int("1st", i), slog.String("a-b/c:e", "e"),
			slog.String("UPPER", "case"), slog.String("_under", "score"), slog.Group("a.b", "c.d", 1, "2", 2), slog.String("trailing_", "x"),
			slog.String("two__under", "y"), slog.String(strings.Repeat("long", 50), "z"), slog.String(`q"uo\te`, "w"),
		}
	}},
	{"names that formats use", func(i int) []slog.Attr {
		return []slog.Attr{
			slog.String("level", "mine"), slog.String("time", "mine"), slog.String("msg", "mine"), slog.String("message", "mine"),
			slog.String("timestamp", "mine"), slog.String("event_id", "mine"), slog.String("detected_level", "mine"),
			slog.String("log.record.uid", "mine"), slog.String("source_line", "mine"), slog.String("body", "mine"), slog.Int("own", i),
			slog.String("attributes", "mine"), slog.String("severity_text_", "mine"),
		}
	}},
	{"equal keys", func(i int) []slog.Attr {
		return []slog.Attr{slog.Int("a", 1), slog.String("b", "x"), slog.Int("a", i), slog.Group("g", slog.Int("k", 1), slog.Int("k", i))}
	}},
	{"trace", func(i int) []slog.Attr {
		return []slog.Attr{
			slog.String("trace_id", fmt.Sprintf("4bf92f3577b34da6a3ce929d%08x", i)), slog.String("span_id", fmt.Sprintf("00f067aa%08x", i)),
			slog.Group("parent", slog.String("span_id", "00f067aa0ba902b7")),
		}
	}},
	{"no trace", func(i int) []slog.Attr {
		return []slog.Attr{slog.String("trace_id", "none"), slog.String("span_id", strings.Repeat("0", 16)), slog.Int("own", i)}
	}},
}

var levels = []slog.Level{
	slog.LevelInfo, slog.LevelInfo, slog.LevelDebug, slog.LevelWarn, slog.LevelError, slog.LevelInfo + 2, slog.LevelDebug - 4, slog.LevelError + 4,
}

// makeRecords makes the records that every format ships. Their times lie within
// the ten minutes before end; most are a little later than the one before, some
// are equal, some are earlier.
func makeRecords(end time.Time) []logged {
	const step = 50_000_003 * time.Nanosecond
	begin := end.Add(-numRecords * step)
	zone := time.FixedZone("UTC-7", -7*60*60)
	records := make([]logged, numRecords)
	for i := range records {
		kind := kinds[i%len(kinds)]
		at := begin.Add(time.Duration(i) * step).In([]*time.Location{time.UTC, zone}[i%2])
		switch {
		case i%97 == 96:
			at = records[i-1].record.Time
		case i%211 == 210:
			at = at.Add(-30*time.Second - time.Nanosecond)
		}
		message := kind.message
		if message != "" && i%3 == 0 {
			message = fmt.Sprint(message, " ", i)
		}
		if i%1000 == 999 {
			message = strings.Repeat(fmt.Sprintf("a long message, of record %d, é ", i), 7000-i/2)
			message = message[:min(len(message), 150<<10+i)] // may end within the é
		}
		var pc [1]uintptr
		if i%5 == 0 {
			runtime.Callers(1, pc[:])
		}
		l := logged{n: i, record: slog.NewRecord(at, levels[i%len(levels)], message, pc[0])}
		number, attrs := slog.Int("n", i), kind.attrs(i)
		switch i % 7 {
		case 0, 1, 2, 3:
			l.record.AddAttrs(number)
		case 4:
			l.with = []slog.Attr{number, slog.String("service", "shop")}
		case 5:
			l.with, l.group = []slog.Attr{number}, "scope"
		case 6:
			l.with = append([]slog.Attr{number}, attrs...)
			attrs = []slog.Attr{slog.String("at the call", "x")}
		}
		l.record.AddAttrs(attrs...)
		records[i] = l
	}
	return records
}

// frame is the source of l, the zero Frame if it has none.
func (l logged) frame() runtime.Frame {
	if l.record.PC == 0 {
		return runtime.Frame{}
	}
	f, _ := runtime.CallersFrames([]uintptr{l.record.PC}).Next()
	return f
}

// wantIDs checks that ids are different, and in the order in which the records
// were logged.
func wantIDs(t *testing.T, ids []string) {
	t.Helper()
	last := ""
	for n, id := range ids {
		if len(id) != 48 || id <= last {
			t.Fatalf("record %d has the id %q, the one before it %q", n, id, last)
		}
		last = id
	}
}
