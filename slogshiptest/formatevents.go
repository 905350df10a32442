package slogshiptest

import (
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

// formatCase is a kind of Event, and what a Format wrote of it first.
type formatCase struct {
	name  string
	event slogship.Event // to be copied
	want  []byte
}

// formatCases are the Events that CheckFormat has, as a handler would hand them to
// a Format with that Layout.
func formatCases(l slogship.Layout) []formatCase {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890123456, time.UTC)
	cases := []formatCase{{name: "the zero Event"}}
	add := func(name string, change func(e *slogship.Event)) {
		e := slogship.Event{
			ID: "00112233445566778899aabbccddeeff" + leftPadded(len(cases), 16), Time: at, Observed: at.Add(time.Second),
			Level: slog.LevelInfo, Message: "request handled",
		}
		change(&e)
		cases = append(cases, formatCase{name: name, event: e})
	}
	attrs := func(name string, attrs ...slog.Attr) { add(name, func(e *slogship.Event) { e.Attrs = attrs }) }

	attrs("a record without attributes")
	attrs("scalars", slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Second),
		slog.Bool("cached", false), slog.Float64("ratio", 0.875), slog.Time("at", at), slog.Uint64("size", 1<<63))
	attrs("numbers at their bounds", slog.Int64("min", math.MinInt64), slog.Uint64("max", math.MaxUint64), slog.Float64("nan", math.NaN()),
		slog.Float64("inf", math.Inf(1)), slog.Float64("-inf", math.Inf(-1)), slog.Float64("-0", math.Copysign(0, -1)),
		slog.Float64("tiny", math.SmallestNonzeroFloat64), slog.Float64("huge", math.MaxFloat64))
	attrs("invalid UTF-8", slog.String("bad\xff", "\xc3("), slog.String("\xff\xfe", "a\x00b"), slog.Any("e", &slogship.Error{Text: "\xff", Type: "*T"}))
	attrs("names that are empty or odd", slog.Int("", 1), slog.Int(" ", 2), slog.Int("a.b", 3), slog.Int("日本", 4), slog.Int(`"\`, 5),
		slog.Int("@t", 6), slog.Int("_", 7), slog.Int("\n", 8), slog.Group("g", slog.Int("", 9)))
	attrs("long names and texts", slog.String(strings.Repeat("n", 300), strings.Repeat("é\"\\\n", 1000)), slog.Group(strings.Repeat("g", 200), slog.Int("n", 1)))
	attrs("equal names", slog.Int("n", 1), slog.Group("g", slog.Int("m", 1), slog.Int("m", 2)), slog.Int("n", 2))
	attrs("names with underscores", slog.Int("level_", 1), slog.Int("_cut", 2), slog.Int("time", 3), slog.Int("msg", 4), slog.Int("message", 5))
	attrs("JSON", slog.Any("null", jsonOf("null")), slog.Any("object", jsonOf(`{"a":{"b":[1,-0.5,1e300,"x\n\u2028",true,null,{}]},"":0}`)), slog.Any("array", jsonOf("[]")),
		slog.Any("string", jsonOf(`"\"é"`)), slog.Any("number", jsonOf("123456789012345678901234567890")),
		slog.Any("deep", jsonOf(strings.Repeat(`{"a":[`, 60)+strings.Repeat("]}", 60))))
	attrs("bytes", slog.Any("data", &slogship.Bytes{Data: []byte("\x00\xff")}), slog.Any("none", &slogship.Bytes{}))
	attrs("an error", slog.Any("err", &slogship.Error{Text: "open x: no such file", Type: "*fs.PathError", Stack: []slog.Source{
		{Function: "main.load", File: "/src/main.go", Line: 42}, {Function: "main.main", File: "/src/main.go", Line: 7},
	}}), slog.Any("second", &slogship.Error{}))
	attrs("an error in a group", slog.Group("g", slog.Any("error", &slogship.Error{Text: "no"})))
	attrs("ids of a trace", slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), slog.String("span_id", "00f067aa0ba902b7"))
	attrs("ids that are none", slog.String("trace_id", "\x10"), slog.Int("span_id", 0))
	deep := slog.Int("bottom", 1)
	for i := range 500 {
		deep = slog.Group("g"+strconv.Itoa(i%10), slog.Int("n", i), deep)
	}
	attrs("groups 500 deep", deep)
	var many []slog.Attr
	for i := range 500 {
		many = append(many, slog.Int("attribute"+strconv.Itoa(i), i))
	}
	attrs("500 attributes", many...)

	for _, year := range []int{-1, 0, 1, 1066, 1969, 2263, 9999, 12026} {
		add("a time in the year "+strconv.Itoa(year), func(e *slogship.Event) { e.Time = time.Date(year, 12, 31, 23, 59, 59, 1, time.FixedZone("", 5400)) })
	}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelWarn, slog.LevelError, 2, -100, 1 << 30} {
		add("the level "+level.String(), func(e *slogship.Event) { e.Level = level })
	}
	add("odd characters in the message", func(e *slogship.Event) {
		e.Message = "quote \" backslash \\ newline \n null \x00 \xff é 日本 🚢 \u2028 </script>"
	})
	add("a source", func(e *slogship.Event) {
		e.Source = []slog.Attr{slog.String("function", "main.main"), slog.String("file", "/src/main.go"), slog.Int("line", 7)}
	})
	add("a source that ReplaceAttr changed", func(e *slogship.Event) {
		e.Source = []slog.Attr{slog.Int("line", 7), slog.Group("\xff", slog.String("", "x"))}
	})
	add("no level, no message, no time", func(e *slogship.Event) { e.Time, e.NoLevel, e.NoMessage = time.Time{}, true, true })
	for name, v := range map[string]slog.Value{
		"a text": slog.StringValue("main.go:35\xff"), "an empty text": slog.StringValue(""), "a number": slog.IntValue(30), "null": slog.AnyValue(jsonOf("null")),
		"a time as text": slog.StringValue("2026-03-04T05:06:07+01:00"), "a group": slog.GroupValue(slog.Int("n", 1)), "true": slog.BoolValue(true),
		"an error": slog.AnyValue(&slogship.Error{Text: "e"}), "an object": slog.AnyValue(jsonOf(`{"a":1}`)),
	} {
		add("built-ins that ReplaceAttr made "+name, func(e *slogship.Event) {
			e.TimeValue, e.LevelValue, e.MessageValue, e.SourceValue = v, v, v, v
		})
	}
	add("a record that was cut", func(e *slogship.Event) { e.Cut, e.Attrs = true, []slog.Attr{slog.Bool("_cut", true)} })

	for i := range cases {
		prepare(&cases[i].event, l, cases[i].event.Cut)
	}
	return cases
}

func jsonOf(text string) *slogship.JSON { return &slogship.JSON{Text: text} }

func leftPadded(n, digits int) string {
	text := strconv.FormatInt(int64(n), 16)
	return strings.Repeat("0", digits-len(text)) + text
}

// prepare changes the names of e's attributes as a handler does before it calls
// AppendEvent.
func prepare(e *slogship.Event, l slogship.Layout, marked bool) {
	reserved := l.Reserved
	if !marked {
		reserved = append(slices.Clip(reserved), "_cut")
	}
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if slices.ContainsFunc(reserved, func(name string) bool {
			rest, ok := strings.CutPrefix(a.Key, name)
			return ok && strings.Trim(rest, "_") == ""
		}) {
			a.Key += "_"
		}
	}
	if l.UniqueKeys {
		e.Attrs = lastOfEach(e.Attrs)
	}
}

// lastOfEach leaves, of attributes with equal names in one group, the last.
func lastOfEach(attrs []slog.Attr) []slog.Attr {
	last := map[string]int{}
	for i, a := range attrs {
		last[a.Key] = i
	}
	var kept []slog.Attr
	for i, a := range attrs {
		if a.Value.Kind() == slog.KindGroup {
			a.Value = slog.GroupValue(lastOfEach(a.Value.Group())...)
		}
		if last[a.Key] == i {
			kept = append(kept, a)
		}
	}
	return kept
}
