package slogship

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// text is attrs as JSON without quotes around names, for tables.
func attrsText(attrs []slog.Attr) string {
	return strings.ReplaceAll(string(AppendAttrs(nil, attrs)), `"`, "")
}

// Of equal names in one group the last is kept, at any depth. Names are equal if
// they are so as they are written.
func TestUnique(t *testing.T) {
	n := slog.Int
	group := slog.GroupAttrs
	for _, tt := range []struct {
		attrs []slog.Attr
		want  string
	}{
		{nil, ""},
		{[]slog.Attr{n("a", 1), n("b", 2)}, "a:1,b:2"},
		{[]slog.Attr{n("a", 1), n("b", 2), n("a", 3)}, "b:2,a:3"},
		{[]slog.Attr{n("a", 1), n("a", 2), n("a", 3), n("b", 4), n("b", 5)}, "a:3,b:5"},
		{[]slog.Attr{n("", 1), n("", 2)}, ":2"},
		{[]slog.Attr{group("a", n("x", 1), n("x", 2)), group("b", n("x", 1)), group("a", n("x", 3), n("y", 4), n("x", 5))}, "b:{x:1},a:{y:4,x:5}"},
		{[]slog.Attr{group("a", group("b", group("c", n("x", 1), n("x", 2)))), n("x", 3)}, "a:{b:{c:{x:2}}},x:3"},
		{[]slog.Attr{n("a", 1), group("g", n("a", 2))}, "a:1,g:{a:2}"},
		{[]slog.Attr{n("a\xff", 1), n("a\xfe", 2), n("a\ufffd", 3)}, "a\ufffd:3"},
		{[]slog.Attr{n("a\xffb", 1), n("a\ufffdb", 2)}, "a\ufffdb:2"},
		{append(manyAttrs(fewNames), n("a\xff", 1), n("a\xfe", 2), n("k1", 7))[1:], strings.ReplaceAll(attrsText(manyAttrs(fewNames)[2:]), "a", "") + ",a\ufffd:2,k1:7"},
		{[]slog.Attr{n("a\xff\xff", 1), n("a\ufffd", 2)}, "a\ufffd\ufffd:1,a\ufffd:2"},
	} {
		if got := attrsText(unique(tt.attrs, true)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// Random attributes, few and many in a group: what is left is what a map would
// keep, in the order of the last ones, and nothing is left to remove.
func TestUniqueRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{2, 5, fewNames, fewNames + 1, 50, 500} {
		for range 100 {
			var attrs []slog.Attr
			last := map[string]int{}
			for i := range n {
				name := fmt.Sprint("n", r.IntN(2*n))
				attrs, last[name] = append(attrs, slog.Int(name, i)), i
			}
			got := unique(attrs, true)
			before := int64(-1)
			for _, a := range got {
				if at, ok := last[a.Key]; !ok || int64(at) != a.Value.Int64() || a.Value.Int64() <= before {
					t.Fatalf("%v of %d attributes is kept", a, n)
				}
				before = a.Value.Int64()
			}
			if len(got) != len(last) {
				t.Fatalf("%d of %d attributes are kept, want %d", len(got), n, len(last))
			}
		}
	}
}

func TestUniqueDoesNotAllocate(t *testing.T) {
	attrs := []slog.Attr{slog.Int("id", 1), slog.String("name", "x"), slog.Group("g", slog.Int("id", 1), slog.Int("di", 2))}
	if n := testing.AllocsPerRun(100, func() { unique(attrs, true) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Four times the attributes, with equal names among them, take about four times as
// long, not sixteen times.
func TestUniqueTakesLinearTime(t *testing.T) {
	wantLinear(t, 4_000, func(n int) {
		attrs := make([]slog.Attr, n)
		for i := range attrs {
			attrs[i] = slog.Int(fmt.Sprint("k", i-i%10*i/20), i)
		}
		unique(attrs, true)
	})
}

// The members of a source, which ReplaceAttr may name as it likes, are unique as well.
func TestUniqueSource(t *testing.T) {
	var keys []string
	f := fakeFormat{
		layout: func(l *Layout) { l.UniqueKeys = true },
		event: func(dst []byte, e *Event) []byte {
			for _, a := range e.Source {
				keys = append(keys, a.Key+"="+a.Value.String())
			}
			return append(dst, "{}"...)
		},
	}
	h := shipTo(t, hanging, Options{Format: f, AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.SourceKey {
			return slog.Group(a.Key, slog.Int("line", 1), slog.Int("file", 2), slog.Int("line", 3))
		}
		return a
	}})
	eventOf(t, h, recordWith())
	if want := []string{"file=2", "line=3"}; !slices.Equal(keys, want) {
		t.Errorf("the source has %q, want %q", keys, want)
	}
}
