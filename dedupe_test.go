package slogship

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Of equal keys in one object the last is left, at any depth; nothing else is
// touched.
func TestDedupe(t *testing.T) {
	for _, tt := range []struct{ members, want string }{
		{``, ``},
		{`"a":1`, `"a":1`},
		{`"a":1,"b":2`, `"a":1,"b":2`},
		{`"a":1,"b":2,"a":3`, `"b":2,"a":3`},
		{`"a":1,"a":2,"a":3,"b":4,"b":5`, `"a":3,"b":5`},
		{`"a":{"x":1,"x":2},"b":{"x":1},"a":{"x":3,"y":4,"x":5}`, `"b":{"x":1},"a":{"y":4,"x":5}`},
		{`"a":[{"x":1,"x":2},[],[[{"y":1,"y":2}]],"x","x"]`, `"a":[{"x":2},[],[[{"y":2}]],"x","x"]`},
		{`"a":"\"a\":1,","a":"}"`, `"a":"}"`},
		{`"a":{},"b":[],"c":null,"a":{}`, `"b":[],"c":null,"a":{}`},
		{`"":1,"":2`, `"":2`},
	} {
		in := []byte(tt.members)
		got := dedupe(in)
		if string(got) != tt.want {
			t.Errorf("%s became %s, want %s", tt.members, got, tt.want)
		}
		if string(in) != tt.members {
			t.Errorf("%s was written to", tt.members)
		}
		if tt.members == tt.want && len(in) > 0 && &got[0] != &in[0] {
			t.Errorf("%s was copied", tt.members)
		}
	}
}

// Of any JSON, what is left decodes to the same, and has no equal keys.
func TestDedupeRandomObjects(t *testing.T) {
	for seed := range uint64(300) {
		d := seeded(seed, 300)
		members := d.members(3)
		got := dedupe(members)
		braced := func(b []byte) []byte { return append(append([]byte{'{'}, b...), '}') }
		if !same(decodeObject(braced(members)), any(decodeObject(braced(got)))) {
			t.Fatalf("%s became %s", members, got)
		}
		if again := dedupe(got); len(again) != len(got) || hasEqualKeys(t, braced(got)) {
			t.Fatalf("%s became %s, which has equal keys", members, got)
		}
	}
}

// members are those of a random object with many equal keys.
func (d *dice) members(depth int) (b []byte) {
	for range d.n(30) {
		b = append(d.members1(b, depth), ',')
	}
	return bytes.TrimSuffix(b, []byte(","))
}

func (d *dice) members1(b []byte, depth int) []byte {
	b = fmt.Appendf(b, `"%c":`, 'a'+d.n(25))
	switch k := d.n(6); {
	case depth == 0 || k < 3:
		return append(b, pick(d, `1`, `"s"`, `{}`, `[]`, `"}\""`)...)
	case k == 3:
		b = append(append(append(b, `[{`...), d.members(depth-1)...), '}')
		return append(append(append(b, `,1,{`...), d.members(depth-1)...), `}]`...)
	default:
		return append(append(append(b, '{'), d.members(depth-1)...), '}')
	}
}

func hasEqualKeys(tb testing.TB, object []byte) bool {
	seen := map[string]bool{}
	for _, l := range leaves(tb, object) {
		path := strings.Join(l.path, "/")
		if seen[path] {
			return true
		}
		seen[path] = true
	}
	return false
}

// A backend that refuses equal keys gets none, whoever gave them; any other
// gets what the user gave.
func TestUniqueKeys(t *testing.T) {
	attrs := []slog.Attr{
		slog.Int("a", 1), slog.Group("g", slog.Int("x", 1), slog.Int("x", 2)), slog.Int("a", 2), slog.Int("level", 1), slog.Int("level", 2),
		slog.Any("v", json.RawMessage(`{"k":1,"\u006b":2}`)),
	}
	source := replacing("source", func(slog.Attr) slog.Attr { return slog.Group("source", slog.Int("s", 1), slog.Int("s", 2)) })
	for unique, want := range map[bool]string{
		false: `"level":"info","context":{"s":1,"s":2},"w":1,"w":2,"a":1,"g":{"x":1,"x":2},"a":2,"level_":1,"level_":2,"v":{"k":1,"k":2}}}`,
		true:  `"level":"info","context":{"s":2},"w":2,"g":{"x":2},"a":2,"level_":2,"v":{"k":2}}}`,
	} {
		h := shipTo(t, hanging, Options{AddSource: true, ReplaceAttr: source, Format: fakeFormat{layout: func(l *Layout) { l.UniqueKeys = unique }}})
		event := string(eventOf(t, h.WithAttrs([]slog.Attr{slog.Int("w", 1), slog.Int("w", 2)}), recordWith(attrs...)))
		if _, got, _ := strings.Cut(event, `"metadata":{`); got != want {
			t.Errorf("unique %v:\n got %s\nwant %s", unique, got, want)
		}
	}
}

// Time is linear in the number of keys, and in the depth.
func TestDedupeTakesLinearTime(t *testing.T) {
	wantLinear(t, 20_000, func(n int) {
		var wide []byte
		for i := range n {
			wide = fmt.Appendf(wide, `"%d":1,`, i%(n-1))
		}
		if got := dedupe(bytes.TrimSuffix(wide, []byte(","))); len(got) != len(wide)-1-len(`"0":1,`) {
			t.Errorf("%d bytes became %d", len(wide), len(got))
		}
	})
	wantLinear(t, maxDepth/4, func(depth int) {
		var deep []byte
		for range depth {
			deep = append(deep, `"a":1,"a":{`...)
		}
		deep = append(deep, `"s":"`+strings.Repeat("x", depth<<11)+`"`...)
		deep = append(deep, strings.Repeat("}", depth)...)
		if got := dedupe(deep); len(got) != len(deep)-depth*len(`"a":1,`) {
			t.Errorf("%d bytes became %d", len(deep), len(got))
		}
	})
}
