package slogship

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// encodedJSON is an AttrEncoding that writes what attributes are without one.
var encodedJSON = &AttrEncoding{
	Separator: ",",
	AppendAttr: func(dst []byte, _ []string, key string, v slog.Value) []byte {
		w := attrWriter{longest: math.MaxInt}
		return w.appendValue(appendKey(dst, key), v, v.Kind())
	},
	AppendJSON: func(dst []byte, _ []string, key string, text []byte) []byte {
		return append(appendKey(dst, key), text...)
	},
	BeginGroup: func(dst []byte, _ []string, name string) []byte { return append(appendKey(dst, name), '{') },
	EndGroup:   func(dst []byte, _ []string, _ string, _ int) []byte { return append(dst, '}') },
}

// An AttrEncoding is given exactly what becomes JSON without one, from random
// records, and nothing of the user's is called more often.
func TestAttrEncodingGetsWhatBecomesJSON(t *testing.T) {
	for seed := range uint64(2000) {
		c := newRandomCase(seeded(seed, 50+int(seed)%500))
		var calls [2][]string
		var events [2][]byte
		for i, encoding := range []*AttrEncoding{nil, encodedJSON} {
			o := c.o
			o.ReplaceAttr = recording(c.o.ReplaceAttr, &calls[i])
			o.Format = fakeFormat{
				layout: func(l *Layout) { l.Reserved, l.Attrs = nil, encoding },
				event: func(dst []byte, e *Event) []byte {
					dst = fmt.Appendf(dst, "%v %v %q %q %q{", e.Time, e.Level, e.TimeText, e.LevelText, e.Message)
					return append(e.AppendAttrs(e.AppendSource(dst)), '}')
				},
			}
			events[i] = oursInStack.ReplaceAll(eventOf(t, c.handler(shipTo(t, hanging, o)), c.record), nil)
		}
		if !bytes.Equal(events[0], events[1]) {
			t.Fatalf("seed %d: encoded\n%s\nJSON\n%s", seed, events[1], events[0])
		}
		if !slices.Equal(calls[0], calls[1]) {
			t.Fatalf("seed %d: ReplaceAttr called with\n%s\nwant\n%s", seed, strings.Join(calls[1], "\n"), strings.Join(calls[0], "\n"))
		}
	}
}

// oursInStack is what differs in the text of a LogValuer that panicked.
var oursInStack = regexp.MustCompile(`called from [^\\]*\(\*attrWriter\)[^\\]*`)

// handler is h with the groups and attributes of the chain.
func (c randomCase) handler(h slog.Handler) slog.Handler {
	for _, step := range c.chain {
		h = step(h)
	}
	return h
}

// encodedLines has a line for each attribute: its path, and its value.
var encodedLines = &AttrEncoding{
	AppendAttr: func(dst []byte, groups []string, key string, v slog.Value) []byte {
		return fmt.Appendf(dst, "%q=%q\n", append(slices.Clip(groups), key), v.String())
	},
	AppendJSON: func(dst []byte, groups []string, key string, text []byte) []byte {
		if !json.Valid(text) {
			panic("no JSON: " + string(text))
		}
		return fmt.Appendf(dst, "%q=%q\n", append(slices.Clip(groups), key), text)
	},
	BeginGroup: func(dst []byte, _ []string, _ string) []byte { return dst },
	EndGroup:   func(dst []byte, _ []string, _ string, _ int) []byte { return dst },
}

// A record that is cut fits, says so, and has the first of its attributes, in
// order and under their names; and nothing of the user's was called again.
func TestAttrEncodingCutsRandomRecords(t *testing.T) {
	cuts := 0
	for seed := range uint64(2000) {
		c := newRandomCase(seeded(seed, 50+int(seed)%500))
		bound := 1 + int(seed*7)%400
		calls, asked := map[bool][]string{}, 0
		c.record.AddAttrs(slog.Any("asked", counted{&asked}), slog.Any("_cut", seed), slog.Any("_cut_", seed))
		event := func(bound int) ([]byte, bool, bool) {
			o := c.o
			o.MaxRecordBytes = bound
			whole := bound == 0
			if replace := c.o.ReplaceAttr; replace != nil {
				o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
					calls[whole] = append(calls[whole], a.Key)
					return replace(groups, a)
				}
			}
			o.Format = fakeFormat{
				layout: func(l *Layout) { l.Reserved, l.Attrs = nil, encodedLines },
				event: func(dst []byte, e *Event) []byte {
					return e.AppendAttrs(append(append(dst, e.Message...), "\n["...))
				},
			}
			return tryEvent(c.handler(shipTo(t, hanging, o)), c.record)
		}
		whole, _, _ := event(0)
		askedOnce := asked
		short, cut, ok := event(bound)
		if asked != 2*askedOnce || !slices.Equal(calls[true], calls[false]) {
			t.Fatalf("seed %d: called again: %d times instead of %d; %d and %d calls of ReplaceAttr", seed, asked-askedOnce, askedOnce, len(calls[false]), len(calls[true]))
		}
		if !cut || !ok {
			if ok && len(whole) > bound {
				t.Fatalf("seed %d: %d bytes were not cut to %d", seed, len(whole), bound)
			}
			continue
		}
		cuts++
		if len(short) > bound {
			t.Fatalf("seed %d: %d bytes, want at most %d", seed, len(short), bound)
		}
		all, left := attrLines(whole), attrLines(short)
		if len(left) == 0 || left[len(left)-1] != (attrLine{`["_cut"]`, "true"}) {
			t.Fatalf("seed %d: no mark at the end of %s", seed, short)
		}
		for i, l := range left[:len(left)-1] {
			// The user's own got an underscore.
			path := strings.Replace(l.path, `["_cut_`, `["_cut`, 1)
			if i >= len(all) || path != all[i].path || l.path == `["_cut"]` {
				t.Fatalf("seed %d: attribute %d is %v in\n%s\nof\n%s", seed, i, l, short, whole)
			}
			if l.value != all[i].value && !strings.Contains(l.value, cutMark) {
				t.Fatalf("seed %d: attribute %d is %v, was %v", seed, i, l, all[i])
			}
		}
	}
	if cuts < 500 {
		t.Errorf("%d records were cut, want more", cuts)
	}
}

// counted counts how often it is asked for its value, which has its own
// marshaler.
type counted struct{ n *int }

func (c counted) LogValue() slog.Value { *c.n++; return slog.AnyValue(marshaled(c)) }

type marshaled struct{ n *int }

func (m marshaled) MarshalJSON() ([]byte, error) {
	*m.n++
	return []byte(`["` + strings.Repeat("x", 300) + `"]`), nil
}

type attrLine struct{ path, value string }

// attrLines are the attributes of an event in lines.
func attrLines(event []byte) (lines []attrLine) {
	_, text, _ := strings.Cut(string(event), "\n[")
	for line := range strings.Lines(text) {
		path, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "]=")
		var s string
		if _, err := fmt.Sscanf(value, "%q", &s); err != nil {
			panic(fmt.Sprintf("%s: %v", line, err))
		}
		lines = append(lines, attrLine{path + "]", s})
	}
	return lines
}

// Two groups of equal names are two groups in a cut record, too.
func TestAttrEncodingCutKeepsGroupsApart(t *testing.T) {
	h := shipTo(t, hanging, Options{MaxRecordBytes: 150, Format: fakeFormat{
		layout: func(l *Layout) { l.Attrs = encodedJSON },
		event:  func(dst []byte, e *Event) []byte { return e.AppendAttrs(append(dst, '{')) },
	}})
	r := recordWith(slog.Group("g", slog.Int("a", 1)), slog.Group("g", slog.Int("b", 2), slog.Group("none"), slog.Group("h", slog.Int("c", 3))),
		slog.String("long", strings.Repeat("x", 500)))
	event, cut, _ := tryEvent(h, r)
	if want := `{"g":{"a":1},"g":{"b":2,"h":{"c":3}},"long":"xxx`; !cut || !strings.HasPrefix(string(event), want) {
		t.Errorf("%s, want %s", event, want)
	}
}

// However many names a record has, they are looked for among the others a few
// times only: after that Repeats is true.
func TestRepeatsTakesNotForever(t *testing.T) {
	h := shipTo(t, hanging, Options{Format: fakeFormat{layout: func(l *Layout) { l.Attrs = encodedLines }}})
	var many []slog.Attr
	for i := range 20_000 {
		many = append(many, slog.Int(fmt.Sprintf("name%d", i), i))
	}
	for name, attrs := range map[string][]slog.Attr{"scalars": many, "in a group": {slog.GroupAttrs("g", many...)}} {
		e := newEncoder()
		r := recordWith(attrs...)
		if _, _, ok := e.encode(t.Context(), h, &r); !ok || e.attrs.looks > maxLooks+1 || !e.event.Repeats() {
			t.Errorf("%s: encoded %v, looked for %d times, want at most %d; repeats %v, want true", name, ok, e.attrs.looks, maxLooks+1, e.event.Repeats())
		}
	}
}

// Repeats is false for a hundred different names, wherever they come from.
func TestRepeatsIsExact(t *testing.T) {
	var repeats bool
	attrs := func(from, to int) (attrs []slog.Attr) {
		for i := from; i < to; i++ {
			attrs = append(attrs, slog.Int(fmt.Sprintf("name%d", i), i))
		}
		return attrs
	}
	extra := attrs(0, 20)
	h := shipTo(t, hanging, Options{
		ContextAttrs: func(context.Context) []slog.Attr { return extra },
		Format: fakeFormat{
			layout: func(l *Layout) { l.Attrs = encodedLines },
			event:  func(dst []byte, e *Event) []byte { repeats = e.Repeats(); return append(dst, '.') },
		},
	})
	with := h.WithAttrs(attrs(20, 60)).WithGroup("g").WithAttrs(attrs(60, 70))
	for _, c := range []struct {
		name  string
		attrs []slog.Attr
		want  bool
	}{
		{"none", nil, false},
		{"different", attrs(100, 150), false},
		{"in groups", []slog.Attr{slog.GroupAttrs("h", attrs(100, 120)...), slog.Any("v", yields{slog.IntValue(1)}), slog.GroupAttrs("i", attrs(120, 140)...)}, false},
		{"scalar of the context's", attrs(3, 4), true},
		{"scalar of WithAttrs", append(attrs(100, 110), attrs(65, 66)...), true},
		{"scalar of the record's", append(attrs(100, 110), attrs(100, 101)...), true},
		{"group of the context's", []slog.Attr{slog.GroupAttrs("name3", attrs(100, 101)...)}, true},
		{"group of a scalar's", []slog.Attr{slog.Int("a", 1), slog.GroupAttrs("a", attrs(100, 101)...)}, true},
		{"scalar of a group's", []slog.Attr{slog.GroupAttrs("a", attrs(100, 101)...), slog.Int("a", 1)}, true},
		{"equal as written", []slog.Attr{slog.Int("a\xff", 1), slog.Int("a\xfe", 1)}, true},
		{"equal as written, in a group", []slog.Attr{slog.Group("h", slog.Int("a\ufffd", 1), slog.Int("a\xfe", 1))}, true},
		{"value of a value's", []slog.Attr{slog.Any("a", []int{1}), slog.Any("a", []int{1})}, true},
	} {
		if eventOf(t, with, recordWith(c.attrs...)); repeats != c.want {
			t.Errorf("%s: %v, want %v", c.name, repeats, c.want)
		}
	}
	extra = attrs(25, 26)
	if eventOf(t, with, recordWith()); !repeats {
		t.Error("one of the context's that WithAttrs has, too: false, want true")
	}
}

// Names of the Format's own, with any number of underscores, get more, so that
// no two become one; only at the root, groups too, and ReplaceAttr sees the
// user's.
func TestAttrEncodingReserved(t *testing.T) {
	format := fakeFormat{
		layout: func(l *Layout) { l.Reserved, l.Attrs = []string{"level", "id", "id_", "x_"}, encodedJSON },
		event:  func(dst []byte, e *Event) []byte { return e.AppendAttrs(append(dst, '{')) },
	}
	attrs := []slog.Attr{
		slog.Int("level", 0), slog.Int("level_", 1), slog.Int("level__", 2), slog.Int("leve", 3), slog.Int("levels", 4),
		slog.Int("id", 5), slog.Int("id_", 6), slog.Int("_id", 7), slog.Int("", 8), slog.Int("_", 9), slog.Int("x", 10), slog.Int("x_", 11),
	}
	const want = `"level_":0,"level__":1,"level___":2,"leve":3,"levels":4,"id__":5,"id___":6,"_id":7,"":8,"_":9,"x":10,"x__":11`
	for name, replace := range map[string]func([]string, slog.Attr) slog.Attr{
		"plain": nil, "ReplaceAttr": func(_ []string, a slog.Attr) slog.Attr {
			if strings.HasSuffix(a.Key, "___") {
				t.Errorf("ReplaceAttr saw %q", a.Key)
			}
			return a
		},
	} {
		h := shipTo(t, hanging, Options{Format: format, ReplaceAttr: replace})
		for what, got := range map[string][]byte{
			"the record": eventOf(t, h, recordWith(attrs...)),
			"WithAttrs":  eventOf(t, h.WithAttrs(attrs), recordWith()),
		} {
			if string(got) != "{"+want {
				t.Errorf("%s, of %s: %s", name, what, got)
			}
		}
		if got := eventOf(t, h.WithGroup("id").WithAttrs(attrs[:1]), recordWith(attrs[1], slog.Group("level", attrs[0]))); string(got) != `{"id__":{"level":0,"level_":1,"level":{"level":0}}` {
			t.Errorf("%s, in a group: %s", name, got)
		}
	}
}

// All that can be long in an event is cut: what ReplaceAttr made of its time,
// level and source, too.
func TestAttrEncodingCutsBuiltins(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, key := range []string{slog.TimeKey, slog.LevelKey, slog.SourceKey, slog.MessageKey} {
		h := shipTo(t, hanging, Options{
			AddSource: true, MaxRecordBytes: 1000,
			Format: fakeFormat{
				layout: func(l *Layout) { l.Attrs = encodedLines },
				event: func(dst []byte, e *Event) []byte {
					dst = append(append(append(append(dst, e.TimeText...), e.LevelText...), e.Message...), '{')
					return e.AppendAttrs(append(e.AppendSource(dst), "}\n["...))
				},
			},
			ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if a.Key == key && len(groups) == 0 {
					return slog.String(key, long)
				}
				return a
			},
		})
		r := recordWith(slog.Int("a", 1))
		r.PC = callerPC()
		event, cut, ok := tryEvent(h, r)
		if want := []attrLine{{`["a"]`, "1"}, {`["_cut"]`, "true"}}; !ok || !cut || len(event) > 1000 || len(event) < 900 || !slices.Equal(attrLines(event), want) {
			t.Errorf("%s: ok %v, cut %v, %d bytes: %s", key, ok, cut, len(event), event)
		}
	}
}

// A record that is cut has what the context and WithAttrs gave it, also if it has
// no attributes of its own, or none that is left.
func TestAttrEncodingCutsRecordsWithoutAttributes(t *testing.T) {
	h := shipTo(t, hanging, Options{
		MaxRecordBytes: 200,
		ContextAttrs:   func(context.Context) []slog.Attr { return []slog.Attr{slog.Int("ctx", 1)} },
		Format: fakeFormat{
			layout: func(l *Layout) { l.Attrs = encodedLines },
			event: func(dst []byte, e *Event) []byte {
				return e.AppendAttrs(append(append(dst, e.Message...), "\n["...))
			},
		},
	}).WithAttrs([]slog.Attr{slog.Int("with", 2)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("in", 3)}).WithGroup("h")
	want := []attrLine{{`["ctx"]`, "1"}, {`["with"]`, "2"}, {`["g" "in"]`, "3"}, {`["_cut"]`, "true"}}
	for name, attrs := range map[string][]slog.Attr{
		"none": nil, "nothing": {{}}, "a group of nothing": {slog.Group("i", slog.Attr{}), slog.Group("j", slog.Group("k", slog.Attr{}))},
	} {
		r := recordWith(attrs...)
		r.Message = strings.Repeat("m", 500)
		if event, cut, ok := tryEvent(h, r); !ok || !cut || !slices.Equal(attrLines(event), want) {
			t.Errorf("%s: ok %v, cut %v: %s", name, ok, cut, event)
		}
	}
}

// A value whose strings would become too short to tell anything is a string, of
// its beginning.
func TestAttrEncodingCutsValues(t *testing.T) {
	h := shipTo(t, hanging, Options{MaxRecordBytes: 400, Format: fakeFormat{
		layout: func(l *Layout) { l.Attrs = encodedJSON },
		event:  func(dst []byte, e *Event) []byte { return append(e.AppendAttrs(append(dst, '{')), '}') },
	}})
	many := make([]string, 20)
	for i := range many {
		many[i] = strings.Repeat("x", 100)
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{many, `{"v":"[\"xxx`},
		{many[:5], `{"v":["xxx`},
		{make([]int, 500), `{"v":"[0,0,`},
		{[]byte(strings.Repeat("x", 500)), `{"v":"eHh4`},
	} {
		event, cut, ok := tryEvent(h, recordWith(slog.Any("v", c.value)))
		if !ok || !cut || len(event) > 400 || len(event) < 350 || !strings.HasPrefix(string(event), c.want) || !strings.Contains(string(event), cutMark) || !json.Valid(event) {
			t.Errorf("ok %v, cut %v: %s, want %s", ok, cut, event, c.want)
		}
	}
}

// A huge value that is cut anyway is not copied again and again.
func TestAttrEncodingCopiesNothingHuge(t *testing.T) {
	huge := strings.Repeat("x", 32<<20)
	h := shipTo(t, hanging, Options{Format: fakeFormat{layout: func(l *Layout) { l.Attrs = encodedJSON }}})
	for name, r := range map[string]slog.Record{
		"string":     recordWith(slog.String("a", huge)),
		"LogValuer":  recordWith(slog.Any("a", yields{slog.StringValue(huge)})),
		"behind one": recordWith(slog.Any("a", yields{slog.IntValue(1)}), slog.String("a", huge)),
		"a group's":  recordWith(slog.Group("g", slog.String("a", huge))),
		"in a map":   recordWith(slog.Any("a", map[string]any{"b": huge})),
		"bytes":      recordWith(slog.Any("a", make([]byte, 32<<20))),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		event, cut, ok := tryEvent(h, r)
		runtime.ReadMemStats(&after)
		if !cut || !ok || len(event) > defaultMaxRecordBytes || len(event) < defaultMaxRecordBytes*9/10 {
			t.Errorf("%s: %d bytes, cut %v, ok %v", name, len(event), cut, ok)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 24<<20 {
			t.Errorf("%s: it took %d MiB", name, n>>20)
		}
	}
}
