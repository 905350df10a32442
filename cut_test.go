package slogship

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slogship/slogship/internal/jsontext"
)

// cutLogflare is what Logflare's format writes of an event, cut to bound.
func cutLogflare(bound int, fresh func() *Event) (text string, cut, fits bool) {
	var s shortener
	out, cut, fits := s.appendCut(nil, Logflare(), bound, fresh)
	return string(out), cut, fits
}

// quoted is Logflare's format, each event once more as a string.
func quoted() fakeFormat {
	return fakeFormat{event: func(dst []byte, e *Event) []byte {
		return AppendString(dst, string(logflare{}.AppendEvent(nil, e)))
	}}
}

// The order of cutting, by example: the longest strings, then attributes from the
// end.
func TestCutOrder(t *testing.T) {
	frame := len(`{"id":"","message":"hello","metadata":{"level":"info",,"_cut":true}}`)
	s := func(n int) string { return strings.Repeat("x", n) }
	number := slog.Any("c", &JSON{Text: "[" + strings.Repeat("0,", 99) + "0]"})
	for name, tt := range map[string]struct {
		room  int
		attrs func() []slog.Attr
		want  string
	}{
		"the longest string": {200, func() []slog.Attr {
			return []slog.Attr{slog.String("a", s(50)), slog.String("b", s(500)), slog.Int("c", 1)}
		}, `"a":"` + s(50) + `","b":"` + s(200-len(`"a":"","b":"…[cut]","c":1`)-50) + `…[cut]","c":1`},
		"the two longest": {200, func() []slog.Attr {
			return []slog.Attr{slog.String("a", s(1000)), slog.String("b", s(500))}
		}, `"a":"` + s(85) + `…[cut]","b":"` + s(85) + `…[cut]"`},
		"then attributes": {140, func() []slog.Attr {
			return []slog.Attr{
				slog.String("a", s(500)), slog.Int("b", 1),
				slog.Group("g", slog.String("c", s(500)), slog.Int("d", 1), slog.Int("e", 2)), slog.String("f", s(500)), slog.Int("h", 1),
			}
		}, `"a":"` + s(32) + `…[cut]","b":1,"g":{"c":"` + s(32) + `…[cut]","d":1,"e":2}`},
		"inside a group": {114, func() []slog.Attr {
			return []slog.Attr{
				slog.String("a", s(500)), slog.Int("b", 1),
				slog.Group("g", slog.String("c", s(500)), slog.Int("d", 1), slog.Int("e", 2)), slog.String("f", s(500)),
			}
		}, `"a":"` + s(32) + `…[cut]","b":1,"g":{"c":"` + s(32) + `…[cut]","d":1}`},
		"inside a group in a group": {114, func() []slog.Attr {
			return []slog.Attr{
				slog.String("a", s(500)), slog.Int("b", 1),
				slog.Group("g", slog.Group("h", slog.String("c", s(500)), slog.Int("d", 1)), slog.Int("e", 2)), slog.String("f", s(500)),
			}
		}, `"a":"` + s(32) + `…[cut]","b":1,"g":{"h":{"c":"` + s(32) + `…[cut]"}}`},
		"all of a group":    {80, func() []slog.Attr { return []slog.Attr{slog.Int("a", 1), slog.Group("g", number)} }, `"a":1`},
		"what is no string": {80, func() []slog.Attr { return []slog.Attr{number, slog.Int("b", 1)} }, ``},
		"strings in JSON": {100, func() []slog.Attr {
			return []slog.Attr{slog.Any("a", &JSON{Text: `{"k":["` + s(500) + `",1,"y"],"` + s(10) + `":null}`}), slog.Int("b", 2)}
		}, `"a":{"k":["` + s(100-len(`"a":{"k":["…[cut]",1,"y"],"":null},"b":2`)-10) + `…[cut]",1,"y"],"` + s(10) + `":null},"b":2`},
		"bytes": {100, func() []slog.Attr {
			return []slog.Attr{slog.Any("a", &Bytes{Data: []byte(s(500))}), slog.Int("b", 2)}
		}, `"a":"` + strings.Repeat("eHh4", (100-len(`"a":"…[cut]","b":2`))/4) + `…[cut]","b":2`},
		"the text of an error": {100, func() []slog.Attr {
			return []slog.Attr{slog.Any("a", &Error{Text: s(500), Type: "*main.oops"}), slog.Int("b", 2)}
		}, `"a":"` + s(100-len(`"a":"…[cut]","b":2`)) + `…[cut]","b":2`},
	} {
		bound := frame + tt.room
		got, cut, fits := cutLogflare(bound, func() *Event { return &Event{Message: "hello", Attrs: tt.attrs()} })
		want := `{"id":"","message":"hello","metadata":{"level":"info"` + strings.TrimSuffix(","+tt.want, ",") + `,"_cut":true}}`
		if got != want || !cut || !fits {
			t.Errorf("%s (cut %v, fits %v):\n got %s\nwant %s", name, cut, fits, got, want)
		}
	}
}

// An event that just fits is left as it is; one byte less and it is cut.
func TestCutOnlyWhatIsTooLong(t *testing.T) {
	fresh := func() *Event { return &Event{Message: strings.Repeat("x", 500), Attrs: []slog.Attr{slog.Int("a", 1)}} }
	whole := string(Logflare().AppendEvent(nil, fresh()))
	if got, cut, fits := cutLogflare(len(whole), fresh); got != whole || cut || !fits {
		t.Errorf("cut %v, fits %v: %s", cut, fits, got)
	}
	got, cut, fits := cutLogflare(len(whole)-1, fresh)
	if len(got) != len(whole)-1 || !cut || !fits || !strings.HasSuffix(got, `x…[cut]","metadata":{"level":"info","a":1,"_cut":true}}`) {
		t.Errorf("cut %v, fits %v: %s", cut, fits, got)
	}
}

// What was shortened when it was captured is marked, whether it fits now or not;
// what a Format shortened counts as well.
func TestCutBefore(t *testing.T) {
	for bound, want := range map[int]string{
		1000: `{"id":"","message":"` + strings.Repeat("x", 200) + `","metadata":{"level":"info","a":1,"_cut":true}}`,
		200:  `{"id":"","message":"` + strings.Repeat("x", 200-len(`{"id":"","message":"…[cut]","metadata":{"level":"info","a":1,"_cut":true}}`)) + `…[cut]","metadata":{"level":"info","a":1,"_cut":true}}`,
	} {
		got, cut, fits := cutLogflare(bound, func() *Event {
			return &Event{Message: strings.Repeat("x", 200), Attrs: []slog.Attr{slog.Int("a", 1)}, Cut: true}
		})
		if got != want || !cut || !fits {
			t.Errorf("bound %d: cut %v, fits %v: %s", bound, cut, fits, got)
		}
	}
	var s shortener
	f := fakeFormat{event: func(dst []byte, e *Event) []byte { e.Cut = true; return append(dst, "short"...) }}
	if out, cut, fits := s.appendCut([]byte("x"), f, 10, func() *Event { return new(Event) }); string(out) != "xshort" || !cut || !fits {
		t.Errorf("%q, cut %v, fits %v", out, cut, fits)
	}
}

// The memory of the attributes that are left out, or that come after an event's,
// is not written to by the mark.
func TestMarkIsNotWrittenOverOthers(t *testing.T) {
	all := []slog.Attr{slog.Int("a", 1), slog.Int("b", 2)}
	e := Event{Attrs: all[:1]}
	if markCut(&e); all[1].Key != "b" || len(e.Attrs) != 2 || e.Attrs[1].Key != "_cut" || !e.Cut {
		t.Errorf("%v, %v", all, e.Attrs)
	}
}

// A string is cut to what there is room for, and not to less, at whichever byte of
// a rune or an escape the bound comes to lie.
func TestCutOneString(t *testing.T) {
	for name, unit := range map[string]string{
		"ASCII": "x", "two bytes": "é", "three bytes": "世", "four bytes": "😀", "an escape": "\n", "a long escape": "\x00",
		"a mix": "a\x00é\n😀\"世", "invalid": "\xff",
	} {
		long := strings.Repeat(unit, 1000)
		for bound := 400; bound < 430; bound++ {
			for where, fresh := range map[string]func() *Event{
				"message":   func() *Event { return &Event{Message: long} },
				"attribute": func() *Event { return &Event{Attrs: []slog.Attr{slog.String("a", long)}} },
				"group": func() *Event {
					return &Event{Attrs: []slog.Attr{slog.Group("g", slog.String("a", long)), slog.Int("b", 1)}}
				},
				"JSON": func() *Event {
					return &Event{Attrs: []slog.Attr{slog.Any("a", &JSON{`[1,` + string(AppendString(nil, long)) + `,{"k":2}]`})}}
				},
				"surrogates": func() *Event {
					return &Event{Attrs: []slog.Attr{slog.Any("a", &JSON{`["` + strings.Repeat(`\ud83d\ude00\n`, 500) + `"]`})}}
				},
				"source": func() *Event { return &Event{Source: []slog.Attr{slog.String("file", long)}} },
				"level":  func() *Event { return &Event{LevelValue: slog.StringValue(long)} },
			} {
				got, cut, fits := cutLogflare(bound, fresh)
				switch {
				case !cut || !fits || len(got) > bound || len(got) < bound-bound/16:
					t.Fatalf("%s in %s: %d bytes, bound %d, cut %v, fits %v", name, where, len(got), bound, cut, fits)
				case !json.Valid([]byte(got)) || !utf8.ValidString(got) || strings.Count(got, `…[cut]"`) != 1 || !strings.HasSuffix(got, `"_cut":true}}`):
					t.Fatalf("%s in %s: %s", name, where, got)
				case unit != "\xff" && strings.Contains(got, "\ufffd"):
					t.Fatalf("%s in %s: a divided rune in %s", name, where, got)
				}
			}
		}
	}
}

// A value that ReplaceAttr made of a built-in attribute is shortened, or what
// stands for it says so.
func TestCutBuiltinValues(t *testing.T) {
	long := strings.Repeat("é", 300)
	numbers := &JSON{Text: "[" + strings.Repeat("0,", 999) + "0]"}
	for name, v := range map[string]func() slog.Value{
		`é…[cut]"`:      func() slog.Value { return slog.StringValue(long) },
		`"k":"é`:        func() slog.Value { return slog.GroupValue(slog.String("k", long)) },
		`"level":"…[c`:  func() slog.Value { return slog.AnyValue(&JSON{Text: numbers.Text}) },
		`l":"…[cut]","`: func() slog.Value { return slog.GroupValue(slog.Any("n", &JSON{Text: numbers.Text})) },
	} {
		got, cut, fits := cutLogflare(300, func() *Event { return &Event{LevelValue: v(), Attrs: []slog.Attr{slog.Int("a", 1)}} })
		if !cut || !fits || len(got) > 300 || !json.Valid([]byte(got)) || !strings.Contains(got, name) || !strings.Contains(got, `"a":1,"_cut":true`) {
			t.Errorf("%s: cut %v, fits %v: %s", name, cut, fits, got)
		}
	}
}

// A source that is too long loses members from its end, after all attributes have
// gone.
func TestCutSource(t *testing.T) {
	got, cut, fits := cutLogflare(200, func() *Event {
		return &Event{
			Source: []slog.Attr{slog.Int("line", 7), slog.Any("n", &JSON{Text: "[" + strings.Repeat("0,", 99) + "0]"})},
			Attrs:  []slog.Attr{slog.Int("a", 1)},
		}
	})
	if want := `{"id":"","message":"","metadata":{"level":"info","context":{"line":7},"_cut":true}}`; got != want || !cut || !fits {
		t.Errorf("cut %v, fits %v: %s", cut, fits, got)
	}
}

// The stack of an error goes before its attribute does.
func TestCutStack(t *testing.T) {
	f := fakeFormat{event: func(dst []byte, e *Event) []byte {
		dst = logflare{}.AppendEvent(dst, e)
		for _, a := range e.Attrs {
			for a.Value.Kind() == slog.KindGroup {
				a = a.Value.Group()[0]
			}
			if err, ok := a.Value.Any().(*Error); ok {
				dst = fmt.Append(dst, err.Stack)
			}
		}
		return dst
	}}
	stack := make([]slog.Source, 50)
	for i := range stack {
		stack[i].Function = "main.main"
	}
	for range 2 {
		var s shortener
		out, _, fits := s.appendCut(nil, f, 200, func() *Event {
			err := func() slog.Attr { return slog.Any("err", &Error{Text: "oops", Stack: stack}) }
			return &Event{Attrs: []slog.Attr{slog.Group("g", err()), err(), slog.Int("a", 1)}}
		})
		if got := string(out); !fits || !strings.Contains(got, `"g":{"err":"oops"},"err":"oops","a":1,"_cut":true}}[][]`) {
			t.Errorf("fits %v: %s", fits, got)
		}
	}
}

// A format that needs more room for what it is given, or less, gets what fits, not
// next to nothing, whatever the record consists of.
func TestCutByFormatsOfOtherSizes(t *testing.T) {
	formats := map[string]Format{
		"quoted": quoted(),
		"dense": fakeFormat{event: func(dst []byte, e *Event) []byte {
			dst = append(dst, e.Message...)
			for _, a := range e.Attrs {
				dst = append(append(dst, a.Key[0]), a.Value.String()...)
			}
			return dst
		}},
		"wordy": fakeFormat{event: func(dst []byte, e *Event) []byte {
			for _, a := range e.Attrs {
				dst = fmt.Appendf(dst, `<attribute><name>%s</name><value kind=%q>%v</value></attribute>`, a.Key, a.Value.Kind(), a.Value)
			}
			return dst
		}},
	}
	records := map[string]func() *Event{
		"quotes": func() *Event {
			return &Event{Attrs: []slog.Attr{slog.String("a", strings.Repeat(`"`, 10_000)), slog.String("b", strings.Repeat("x", 5_000))}}
		},
		"plain":   func() *Event { return &Event{Attrs: []slog.Attr{slog.String("a", strings.Repeat("x", 10_000))}} },
		"numbers": func() *Event { return &Event{Attrs: manyAttrs(3000)} },
	}
	for name, f := range formats {
		for of, fresh := range records {
			var s shortener
			tries := 0
			out, cut, fits := s.appendCut(nil, f, 4000, func() *Event { tries++; return fresh() })
			if !cut || !fits || len(out) > 4000 || len(out) < 3500 || tries > cutTries+4 {
				t.Errorf("%s, %s: %d bytes after %d tries, cut %v, fits %v", name, of, len(out), tries, cut, fits)
			}
		}
	}
}

func manyAttrs(n int) []slog.Attr {
	attrs := make([]slog.Attr, n)
	for i := range attrs {
		attrs[i] = slog.Int(fmt.Sprint("k", i), i)
	}
	return attrs
}

// Whatever the length of an event as a function of its content, the search ends
// with a call that fits, after a bounded number of calls, if any fits.
func TestCutToEnds(t *testing.T) {
	for name, length := range map[string]func(content int) int{
		"equal":   func(c int) int { return c },
		"double":  func(c int) int { return 2*c + 90 },
		"a third": func(c int) int { return c/3 + 10 },
		"a step": func(c int) int {
			if c > 700 {
				return 5000
			}
			return 99
		},
		"a late step": func(c int) int {
			if c > 99_990 {
				return 100_000
			}
			return 50
		},
		"steeper":  func(c int) int { return c + 5*max(c-500, 0) },
		"flatter":  func(c int) int { return 6*min(c, 100) + max(c-100, 0) },
		"root":     func(c int) int { return int(10 * math.Sqrt(float64(c))) },
		"falling":  func(c int) int { return 110_000 - c },
		"constant": func(int) int { return 1001 },
		"exact":    func(int) int { return 1000 },
	} {
		for _, floor := range []int{0, 1, 50, 400} {
			calls, last := 0, 0
			ok := cutTo(1000, 100_000, max(length(100_000), 1001), func(content int) (int, int) {
				calls++
				left := max(content, floor)
				last = length(left)
				return last, left
			})
			least := 900 // of what there is room for, unless that is none of the lengths
			if name == "a step" || name == "a late step" {
				least = 0
			}
			if want := length(floor) <= 1000; ok != want || ok && (last > 1000 || last < least) || calls > cutTries+2 {
				t.Errorf("%s, at least %d: %v after %d calls, the last one returned %d", name, floor, ok, calls, last)
			}
		}
	}
}

// Attributes are left out from the end, however deep in groups they are, and no more
// of them than the room asks for.
func TestLeaveOut(t *testing.T) {
	whole := func() []slog.Attr {
		return []slog.Attr{
			slog.Int("a", 1),
			slog.Group("group", slog.String("b", "text"), slog.Group("h", slog.Bool("c", true), slog.Group("i", slog.Int("d", 12))), slog.Int("e", 3)),
			slog.Group("j", slog.Group("k", slog.Int("l", 100000))),
			slog.String("m", "x"),
		}
	}
	// front keeps the first n attributes that are not groups.
	var front func(attrs []slog.Attr, n *int) []slog.Attr
	front = func(attrs []slog.Attr, n *int) (kept []slog.Attr) {
		for _, a := range attrs {
			if *n == 0 {
				break
			}
			if a.Value.Kind() == slog.KindGroup {
				a.Value = slog.GroupValue(front(a.Value.Group(), n)...)
			} else {
				*n--
			}
			kept = append(kept, a)
		}
		return kept
	}
	size := func(attrs []slog.Attr) int { // what JSON takes for them, with a comma after each
		text := AppendAttrs(nil, attrs)
		commas := strings.Count(string(text), ":") - strings.Count(string(text), ",")
		return len(text) + commas
	}
	var s shortener
	if got, want := s.sizeOf(whole()), size(whole()); got != want {
		t.Fatalf("the size is %d, want %d", got, want)
	}
	for room := -1; room <= size(whole())+1; room++ {
		want := whole()
		for n := 7; size(want) > room && n >= 0; n-- {
			left := n
			want = front(whole(), &left)
		}
		got, left, some := s.leaveOut(whole(), room)
		if attrsText(got) != attrsText(want) {
			t.Errorf("in %d bytes there is\n     %s\nwant %s", room, attrsText(got), attrsText(want))
		}
		if n := room - size(whole()); some != (n < 0) || left != max(n, 0) {
			t.Errorf("in %d bytes %d are left, some left out: %v", room, left, some)
		}
	}
}

// An event that cannot be made short enough is given up, and costs nothing of what
// was written before it.
func TestCutInVain(t *testing.T) {
	var s shortener
	out, _, fits := s.appendCut([]byte("before"), Logflare(), 30, func() *Event { return &Event{Message: "hello"} })
	if fits || string(out) != "before" {
		t.Errorf("fits %v: %s", fits, out)
	}
}

// 20,000 attributes are read some dozen times, not 20,000.
func TestCutReadsManyAttributesABoundedNumberOfTimes(t *testing.T) {
	var s shortener
	read := 0
	f := fakeFormat{event: func(dst []byte, e *Event) []byte {
		read += len(e.Attrs)
		return logflare{}.AppendEvent(dst, e)
	}}
	out, cut, fits := s.appendCut(nil, f, 64<<10, func() *Event { return &Event{Attrs: manyAttrs(20_000)} })
	if !cut || !fits || len(out) < 60<<10 || read > 20_000*(cutTries+3) {
		t.Errorf("%d bytes, %d attributes written, cut %v, fits %v", len(out), read, cut, fits)
	}
}

// A format that writes content as JSON does needs three encodings: the whole, the least,
// and what fits.
func TestCutGuessesRightAtOnce(t *testing.T) {
	for of, fresh := range map[string]func() *Event{
		"strings": func() *Event {
			return &Event{Message: strings.Repeat("x", 10_000), Attrs: []slog.Attr{slog.String("a", strings.Repeat("é", 5_000))}}
		},
		"numbers": func() *Event { return &Event{Attrs: manyAttrs(3000)} },
	} {
		var s shortener
		encoded := 0
		f := fakeFormat{event: func(dst []byte, e *Event) []byte {
			encoded++
			return logflare{}.AppendEvent(dst, e)
		}}
		out, cut, fits := s.appendCut(nil, f, 4000, fresh)
		if !cut || !fits || len(out) > 4000 || len(out) < 4000-4000/16 || encoded != 3 {
			t.Errorf("%s: %d bytes, encoded %d times, cut %v, fits %v", of, len(out), encoded, cut, fits)
		}
	}
}

// The message and the built-in attributes have their share of the room: attributes are
// left out where these need it.
func TestShortenCountsBuiltins(t *testing.T) {
	short := func() string { return strings.Repeat("x", jsontext.MinCut) } // is not shortened
	for of, fresh := range map[string]func() *Event{
		"message": func() *Event { return &Event{Message: short()} },
		"time":    func() *Event { return &Event{TimeValue: slog.StringValue(short())} },
		"level":   func() *Event { return &Event{LevelValue: slog.GroupValue(slog.String("a", short()))} },
		"source":  func() *Event { return &Event{SourceValue: slog.StringValue(short())} },
		"all": func() *Event {
			return &Event{Message: short(), TimeValue: slog.IntValue(1), LevelValue: slog.StringValue(short()), MessageValue: slog.StringValue(short())}
		},
	} {
		var s shortener
		builtins := s.content(fresh())
		for _, room := range []int{0, 1, 100, 1000} {
			e := fresh()
			e.Attrs = manyAttrs(1000)
			left := s.shorten(e, builtins+room)
			if most := builtins + room; left > most || left < most-len(`"k999":999,`) {
				t.Errorf("%s, and room for %d: %d are left, want %d", of, room, left, most)
			}
		}
	}
}
