package slogship

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// A leaf is a value in an event that is no object, and where it stands.
type leaf struct {
	path  []string
	value any // nil for an empty object
}

// leaves are those of an event, in order.
func leaves(tb testing.TB, event []byte) (all []leaf) {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(event))
	d.UseNumber()
	var walk func(path []string)
	walk = func(path []string) {
		token, err := d.Token()
		if err != nil {
			tb.Fatalf("%v in %q", err, event)
		}
		open, ok := token.(json.Delim)
		if !ok {
			all = append(all, leaf{slices.Clone(path), token})
			return
		}
		if !d.More() {
			all = append(all, leaf{slices.Clone(path), nil})
		}
		for i := 0; d.More(); i++ {
			key := fmt.Sprint(i)
			if open == '{' {
				t, _ := d.Token()
				key = t.(string)
			}
			walk(append(path, key))
		}
		d.Token()
	}
	walk(nil)
	return all
}

func last[T any](s []T) T { return s[len(s)-1] }

// checkCut wants short to be whole, cut to a bound in the way that the contract
// has it.
func checkCut(tb testing.TB, whole, short []byte) {
	tb.Helper()
	decodeEvent(tb, short)
	fail := func(format string, args ...any) {
		tb.Helper()
		tb.Fatalf(format+"\nwhole %s\nshort %s", append(args, whole, short)...)
	}
	from, to := leaves(tb, whole), leaves(tb, short)
	from = slices.DeleteFunc(from, func(l leaf) bool { return slices.Equal(l.path, last(to).path[:1]) }) // "metadata":{}
	mark := last(to)
	if !slices.Equal(mark.path, []string{"metadata", "_cut"}) || mark.value != true {
		fail("the mark is missing")
	}
	to = to[:len(to)-1]
	if len(to) > len(from) {
		fail("%d leaves became %d", len(from), len(to))
	}
	leftOut := len(to) < len(from)
	var longest, longestCut int // as JSON
	for i, l := range to {
		was := from[i]
		if i == 0 && l.value != was.value && len(l.value.(string)) != 48 {
			fail("the id is %v", l.value)
		}
		if len(was.path) > 1 && was.path[1] == "_cut" && len(l.path) > 1 && strings.Trim(l.path[1], "_") == "cut" {
			was.path = slices.Concat(was.path[:1], l.path[1:2], was.path[2:]) // the user's own
		}
		if !slices.Equal(l.path, was.path) {
			fail("%q stands where %q was", l.path, was.path)
		}
		if slices.Equal(l.path, mark.path) {
			fail("there is more than one mark")
		}
		s, isString := l.value.(string)
		if !isString || i == 0 {
			if i > 0 && l.value != was.value {
				fail("%q is %v", l.path, l.value)
			}
			continue
		}
		front, marked := strings.CutSuffix(s, cutMark)
		if n := shortestLen(s); marked {
			longestCut = max(longestCut, n)
		} else {
			longest = max(longest, n)
		}
		if original := was.value.(string); marked && !strings.HasPrefix(original, front) || !marked && s != original {
			fail("%q: %q became %q", l.path, original, s)
		}
	}
	if longestCut > 0 && longest > longestCut+12+len(cutMark) {
		fail("a string of %d bytes was left as it is, while another was cut to %d", longest, longestCut)
	}
	if leftOut && max(longest, longestCut) > minCutString {
		fail("attributes are missing while a string is %d bytes long", max(longest, longestCut))
	}
}

// shortestLen is the least that s takes in JSON: Go 1.27 has a short escape for
// two characters more.
func shortestLen(s string) int {
	return escapedLen(s) - (strings.Count(s, "\b")+strings.Count(s, "\f"))*len("0008")
}

// quoted is Logflare's format, each event once more as a string.
func quoted() fakeFormat {
	return fakeFormat{event: func(dst []byte, e *Event) []byte {
		return AppendString(dst, string(logflare{}.AppendEvent(nil, e)))
	}}
}

// check cuts a random record to a random bound.
func (c randomCase) checkCut(tb testing.TB, bound int, format fakeFormat, unwrap func([]byte) []byte) {
	tb.Helper()
	c.o.Format = format
	event := func(bound int) (event []byte, cut, ok bool) {
		c.o.MaxRecordBytes = bound
		h := slog.Handler(shipTo(tb, hanging, c.o))
		for _, step := range c.chain {
			h = step(h)
		}
		return tryEvent(h, c.record)
	}
	whole, cut, ok := event(0)
	if !ok || cut {
		tb.Fatalf("without a bound: cut %v, ok %v", cut, ok)
	}
	short, cut, ok := event(bound)
	if !ok {
		if bound > 600 {
			tb.Fatalf("given up at %d bytes: %s", bound, whole)
		}
		return
	}
	if n := len(short) + len(","); n > bound {
		tb.Fatalf("%d bytes, bound %d: %s", n, bound, short)
	}
	if fits := len(whole)+len(",") <= bound; fits == cut {
		tb.Fatalf("%d bytes, bound %d, cut %v", len(whole), bound, cut)
	}
	if cut {
		checkCut(tb, unwrap(whole), unwrap(short))
	}
}

func (d *dice) checkCut(tb testing.TB) {
	tb.Helper()
	c := newRandomCase(d)
	c.o.ContextAttrs = nil
	bound := 200 + 16*d.n(150)
	if d.n(4) > 0 {
		unique := d.n(2) == 1
		c.checkCut(tb, bound, fakeFormat{layout: func(l *Layout) { l.UniqueKeys = unique }}, func(b []byte) []byte { return b })
		return
	}
	c.checkCut(tb, bound, quoted(), func(b []byte) []byte {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			tb.Fatalf("%v in %q", err, b)
		}
		return []byte(s)
	})
}

// A record that is too long is cut to the bound: its longest strings first, at
// the end of a rune, then attributes from the end.
func TestRandomRecordsAreCut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(700) {
		seeded(seed, 100+int(seed)%700).checkCut(t)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// As TestRandomRecordsAreCut, and further.
func FuzzCut(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seeded(seed, 100+10*int(seed)).left)
	}
	f.Fuzz(func(t *testing.T, data []byte) { (&dice{data}).checkCut(t) })
}

// A string is cut to what there is room for, and not to less, at whichever
// byte of a rune or an escape the bound comes to lie.
func TestCutOneString(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{
		"ASCII": "x", "two bytes": "é", "three bytes": "世", "four bytes": "😀", "an escape": "\n", "a long escape": "\x00", "a mix": "a\x00é\n😀\"世",
	} {
		long := strings.Repeat(unit, 1000)
		surrogates := writes(`"` + strings.Repeat(`\ud83d\ude00\n`, 500) + `"`)
		for bound := 400; bound < 430; bound++ {
			h := shipTo(t, hanging, Options{MaxRecordBytes: bound})
			whole := shipTo(t, hanging, Options{})
			for where, r := range map[string]slog.Record{
				"message":            slog.NewRecord(recordTime, 0, long, 0),
				"attribute":          recordWith(slog.String("a", long)),
				"group":              recordWith(slog.Group("g", slog.String("a", long)), slog.Int("b", 1)),
				"slice":              recordWith(slog.Any("a", []any{1, long, map[string]any{"k": 2}})),
				"a marshaler's text": recordWith(slog.Any("a", surrogates)),
			} {
				event, cut, ok := tryEvent(h, r)
				if !cut || !ok || len(event) >= bound {
					t.Fatalf("%s in %s: %d bytes, bound %d, cut %v, ok %v", name, where, len(event), bound, cut, ok)
				}
				checkCut(t, eventOf(t, whole, r), event)
				if len(event)+1 < bound-12 {
					t.Errorf("%s in %s: %d bytes, bound %d: %s", name, where, len(event), bound, event)
				}
			}
		}
	}
}

// A format that needs twice the room for what it is given gets half as much,
// not next to nothing.
func TestCutByFormatThatQuotes(t *testing.T) {
	for _, unit := range []string{"x", `"`, "é\n"} {
		h := shipTo(t, hanging, Options{Format: quoted(), MaxRecordBytes: 4000})
		event, cut, ok := tryEvent(h, recordWith(slog.String("a", strings.Repeat(unit, 10_000)), slog.String("b", strings.Repeat(unit, 5_000))))
		if !cut || !ok || len(event) >= 4000 || len(event) < 3600 {
			t.Errorf("%q: %d bytes, cut %v, ok %v", unit, len(event), cut, ok)
		}
	}
}

// The order of cutting, by example.
func TestCutOrder(t *testing.T) {
	const id, at = 48, len("2026-01-02T03:04:05.678901Z")
	frame := len(`{"id":"","timestamp":"","message":"hello","metadata":{"level":"info",}},`) + id + at + len(`,"_cut":true`)
	s := func(n int) string { return strings.Repeat("x", n) }
	for name, tt := range map[string]struct {
		room  int
		attrs []slog.Attr
		want  string
	}{
		"the longest string": {200, []slog.Attr{slog.String("a", s(50)), slog.String("b", s(500)), slog.Int("c", 1)}, `"a":"` + s(50) + `","b":"` + s(200-len(`"a":"","b":"…[cut]","c":1`)-50) + `…[cut]","c":1`},
		"the two longest":    {200, []slog.Attr{slog.String("a", s(1000)), slog.String("b", s(500))}, `"a":"` + s(85) + `…[cut]","b":"` + s(85) + `…[cut]"`},
		"then attributes":    {140, []slog.Attr{slog.String("a", s(500)), slog.Int("b", 1), slog.Group("g", slog.String("c", s(500)), slog.Int("d", 1), slog.Int("e", 2)), slog.String("f", s(500)), slog.Int("h", 1)}, `"a":"` + s(32) + `…[cut]","b":1,"g":{"c":"` + s(32) + `…[cut]","d":1,"e":2}`},
		"inside a group":     {114, []slog.Attr{slog.String("a", s(500)), slog.Int("b", 1), slog.Group("g", slog.String("c", s(500)), slog.Int("d", 1), slog.Int("e", 2)), slog.String("f", s(500))}, `"a":"` + s(32) + `…[cut]","b":1,"g":{"c":"` + s(32) + `…[cut]","d":1}`},
		"all of a group":     {80, []slog.Attr{slog.Int("a", 1), slog.Group("g", slog.Any("c", make([]int, 100)))}, `"a":1`},
		"what is no string":  {80, []slog.Attr{slog.Any("a", make([]int, 100)), slog.Int("b", 1)}, ``},
		"the user's own":     {120, []slog.Attr{slog.String("_cut", "mine"), slog.Int("_cut_", 1), slog.String("a", s(500))}, `"_cut__":"mine","_cut_":1,"a":"` + s(120-len(`"_cut__":"mine","_cut_":1,"a":"…[cut]"`)) + `…[cut]"`},
	} {
		h := shipTo(t, hanging, Options{MaxRecordBytes: frame + tt.room})
		event := eventOf(t, h, recordWith(tt.attrs...))
		_, got, _ := strings.Cut(string(event), `"metadata":{"level":"info"`)
		want := strings.TrimSuffix(","+tt.want, ",") + `,"_cut":true}}`
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// Cut records are delivered and counted; one that does not fit even so is
// dropped and counted, and its neighbours arrive.
func TestCutIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(http.StatusOK)), Options{
			MaxRecordBytes: 300,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Value.Kind() == slog.KindString && a.Value.String() == "no way" {
					return slog.Attr{Key: strings.Repeat("k", 300), Value: a.Value} // moved among the attributes
				}
				return a
			},
		})
		long := strings.Repeat("x", 1000)
		tr.log.Info("a", "long", long)
		tr.log.Info("b")
		tr.log.Info(long)
		tr.log.Info("no way")
		tr.log.With("with", long).WithGroup("g").Info("c", "d", 1)
		time.Sleep(time.Minute)
		if s := tr.Stats(); s.Cut != 4 || s.Delivered != 5 || s.Dropped != (Dropped{}) {
			t.Errorf("%+v", s)
		}
		tight := start(t, always(status(http.StatusOK)), Options{MaxRecordBytes: 150})
		tight.log.Info("a", "long", long)
		time.Sleep(time.Minute)
		if s := tight.Stats(); s.Cut != 0 || s.Dropped != (Dropped{TooLarge: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// What ReplaceAttr made of time, level and source can be cut as well.
func TestCutBuiltins(t *testing.T) {
	long := strings.Repeat("é", 300_000)
	for _, key := range []string{"time", "level", "msg", "source"} {
		h := shipTo(t, hanging, Options{MaxRecordBytes: 500, AddSource: true, ReplaceAttr: replacing(key, func(slog.Attr) slog.Attr { return slog.String(key, long) })})
		event, cut, ok := tryEvent(h, recordWith(slog.Int("a", 1)))
		if !ok || !cut || len(event) >= 500 || len(event) < 480 {
			t.Fatalf("%s: %d bytes, cut %v, ok %v", key, len(event), cut, ok)
		}
		decodeEvent(t, event)
		if !strings.Contains(string(event), `é…[cut]"`) || !strings.Contains(string(event), `"a":1,"_cut":true`) {
			t.Errorf("%s: %s", key, event)
		}
	}
}

// An AttrEncoding writes what is too long again, with shorter strings and then
// fewer attributes.
func TestCutEncoded(t *testing.T) {
	format := fakeFormat{
		layout: func(l *Layout) {
			l.Attrs = &AttrEncoding{
				AppendAttr: func(dst []byte, _ []string, key string, v slog.Value) []byte {
					return fmt.Appendf(dst, "%s=%v;", key, v)
				},
				AppendJSON: func(dst []byte, _ []string, _ string, _ []byte) []byte { return dst },
				BeginGroup: func(dst []byte, _ []string, name string) []byte { return append(append(dst, name...), '<') },
				EndGroup:   func(dst []byte, _ []string, _ string, _ int) []byte { return append(dst, '>') },
			}
		},
		event: func(dst []byte, e *Event) []byte { return e.AppendAttrs(append(append(dst, e.Message...), '[')) },
	}
	long := strings.Repeat("é", 1000)
	with := shipTo(t, hanging, Options{Format: format, MaxRecordBytes: 1500}).WithAttrs([]slog.Attr{slog.String("a", long)})
	if event, cut, ok := tryEvent(with, recordWith(slog.Int("b", 1))); !ok || !cut || len(event) < 1400 || len(event) > 1500 || !strings.HasSuffix(string(event), "é…[cut];b=1;_cut=true;") {
		t.Errorf("by WithAttrs: cut %v, ok %v: %.200s", cut, ok, event)
	}
	tiny := shipTo(t, hanging, Options{Format: format, MaxRecordBytes: 3})
	r := recordWith(slog.String("a", long))
	if _, why, ok := newEncoder().encode(t.Context(), tiny, &r); ok || why != tooLarge {
		t.Errorf("within 3 bytes: ok %v, reason %v", ok, why)
	}
	for bound, want := range map[int]string{
		200: `hello[a=ééé…[cut];g<b=é…[cut];c=1;>_cut=true;`,
		60:  `hello[a=ééé…[cut];_cut=true;`,
		40:  `hello[_cut=true;`,
	} {
		h := shipTo(t, hanging, Options{Format: format, MaxRecordBytes: bound})
		event, cut, ok := tryEvent(h, recordWith(slog.String("a", long), slog.Group("g", slog.String("b", long), slog.Int("c", 1))))
		if !ok || !cut || len(event) > bound || !utf8.Valid(event) {
			t.Errorf("bound %d: %d bytes, cut %v, ok %v: %s", bound, len(event), cut, ok, event)
		}
		if short := strings.ReplaceAll(strings.ReplaceAll(string(event), "éé", ""), "é", ""); short != strings.ReplaceAll(want, "é", "") {
			t.Errorf("bound %d: %s, want %s", bound, event, want)
		}
	}
}
