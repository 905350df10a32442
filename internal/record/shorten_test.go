package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
	"github.com/slogship/slogship/internal/jsontext"
)

// hostile are records that are long, each in its own way.
func hostile() map[string]slog.Record {
	many := make([]slog.Attr, 20_000)
	for i := range many {
		many[i] = slog.Int(fmt.Sprintf("name%d", i), i)
	}
	long := make([]slog.Attr, 50)
	for i := range long {
		long[i] = slog.String("s", strings.Repeat("x", 100_000))
	}
	huge := strings.Repeat("x", 100<<20)
	message := recordWith(slog.Int("a", 1))
	message.Message = huge
	text := strings.Repeat("x", 900)
	strs := make([]slog.Attr, 100_000)
	for i := range strs {
		strs[i] = slog.String("s", text)
	}
	var list any = "x"
	for range 40 {
		list = []any{list, list}
	}
	deep := slog.String("deep", huge)
	for range 400 {
		deep = slog.Group(strings.Repeat("g", 5000), slog.Int("n", 1), deep)
	}
	return map[string]slog.Record{
		"20,000 attributes":     recordWith(many...),
		"in a group":            recordWith(slog.GroupAttrs("g", many...)),
		"a string of 100 MB":    recordWith(slog.Int("a", 1), slog.String("s", huge), slog.Int("b", 2)),
		"a key of 100 MB":       recordWith(slog.Int("a", 1), slog.Int(huge, 1), slog.Int("b", 2)),
		"a name of 100 MB":      recordWith(slog.Int("a", 1), slog.Group(huge, slog.Int("n", 1)), slog.Int("b", 2)),
		"a message of 100 MB":   message,
		"bytes, 100 MB":         recordWith(slog.Any("b", []byte(huge))),
		"a map of 100 MB":       recordWith(slog.Any("m", map[string]any{"k": huge})),
		"an error of 100 MB":    recordWith(slog.Any("e", errors.New(huge))),
		"100,000 strings":       recordWith(strs...),
		"50 strings":            recordWith(long...),
		"50 values":             recordWith(slog.Any("a", manyStrings(50)), slog.Any("b", manyStrings(20)), slog.Int("c", 1)),
		"50 MB of numbers":      recordWith(slog.Any("n", make([]int, 500_000)), slog.Int("c", 1)),
		"a value that explodes": recordWith(slog.Any("l", list), slog.Int("b", 2)),
		"a LogValuer":           recordWith(slog.Any("l", dice.Yields{V: slog.StringValue(huge)})),
		"one that never ends":   recordWith(slog.Any("l", refilling{10})),
		"deep groups":           recordWith(deep),
	}
}

func manyStrings(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint(i)] = strings.Repeat("y", 30_000)
	}
	return m
}

// Whatever a record is, what is captured of it is bounded, and so is the memory
// that this takes; it decodes, and is marked.
func TestHostileRecordsAreBounded(t *testing.T) {
	for name, r := range hostile() {
		for _, most := range []int{1, 1000, 256 << 10} {
			s := New(Options{MaxRecordBytes: most})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c := s.Capture(context.Background(), &r)
			runtime.ReadMemStats(&after)
			bound := max(2*most, minShort) + 600*(jsontext.MinCut+3)
			if len(c.Bytes) > bound {
				t.Errorf("%s, %d: %d bytes, want at most %d", name, most, len(c.Bytes), bound)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 128<<20 || most <= 1000 && n > 40<<20 {
				t.Errorf("%s, %d: it took %d MiB", name, most, n>>20)
			} else {
				t.Logf("%s, %d: %d bytes, %d KiB of memory", name, most, len(c.Bytes), n>>10)
			}
			got := decode(t, c.Bytes)
			if text := objectOf(got.Attrs); !got.Cut && len(c.Bytes) > most || !json.Valid(text) {
				t.Errorf("%s, %d: cut %v, %.200s", name, most, got.Cut, text)
			}
			c.Free()
		}
	}
}

// The longest strings are shortened first, in whatever they are, and are marked;
// names and what is short stay as they are.
func TestLongestStringsAreShortened(t *testing.T) {
	long := strings.Repeat("x", 4000)
	o := Options{MaxRecordBytes: 4000, ReplaceAttr: replacing("level", func(slog.Attr) slog.Attr { return slog.Group("level", slog.String("long", long)) })}
	r := recordWith(slog.Int("a", 1), slog.String("s", long), slog.Group("g", slog.Any("m", map[string]any{"k": long, "n": []int{1}}), slog.Int("b", 2)),
		slog.Any("e", withStack(errors.New(long))), slog.Any("d", []byte(long)), slog.Any("n", make([]int, 3000)), slog.Int("c", 3))
	r.Message, r.Level = long, 1<<20
	c := New(o).Capture(t.Context(), &r)
	defer c.Free()
	got := decode(t, c.Bytes)
	if len(c.Bytes) > 8000 || len(c.Bytes) < 7000 || !got.Cut {
		t.Errorf("%d bytes, cut %v", len(c.Bytes), got.Cut)
	}
	const x = "xxxxxxxxxx"
	short := func(s string) bool {
		return len(s) > 600 && len(s) < 1300 && strings.HasPrefix(s, x) && strings.HasSuffix(s, x+jsontext.CutMark)
	}
	g := got.Attrs[2].Value.Group()
	m := struct {
		K string
		N []int
	}{}
	if err := json.Unmarshal([]byte(g[0].Value.Any().(*jsonText).text), &m); err != nil {
		t.Error(err)
	}
	e := got.Attrs[3].Value.Any().(*errorLike)
	n := got.Attrs[5].Value.String()
	for name, ok := range map[string]bool{
		"head":    got.Level == 1<<20 && got.Time.Equal(recordTime) && time.Since(got.Observed) < time.Hour,
		"message": short(got.Message), "level": short(got.LevelValue.Group()[0].Value.String()), "string": short(got.Attrs[1].Value.String()),
		"map": short(m.K) && len(m.N) == 1, "error": short(e.text) && e.typ == "record.pkgError" && len(e.stack) > 1,
		"bytes": len(got.Attrs[4].Value.Any().(*rawBytes).data) > 600, "numbers": strings.HasPrefix(n, "[0,0,") && strings.HasSuffix(n, jsontext.CutMark),
		"a": got.Attrs[0].Value.Int64() == 1, "b": g[1].Value.Int64() == 2, "c": got.Attrs[6].Value.Int64() == 3,
	} {
		if !ok {
			t.Errorf("%s: %.3000v", name, got)
		}
	}
}

// If shorter strings are not enough, attributes are left out from the end, also
// from inside groups; a group that keeps a member stays.
func TestAttributesAreLeftOutFromTheEnd(t *testing.T) {
	var members []slog.Attr
	for i := range 2000 {
		members = append(members, slog.Group("in", slog.Int("n", i), slog.Int("m", i)))
	}
	s := New(Options{MaxRecordBytes: minShort / 2})
	for name, attrs := range map[string][]slog.Attr{
		"root": members, "in a group": {slog.GroupAttrs("g", members...), slog.Group("h", slog.Int("z", 1))},
	} {
		got := captured(t, s, recordWith(attrs...)).Attrs
		if name == "in a group" {
			if len(got) != 1 || got[0].Key != "g" {
				t.Fatalf("%s: %d attributes: %.300v", name, len(got), got)
			}
			got = got[0].Value.Group()
		}
		if len(got) < 200 || len(got) > 600 {
			t.Errorf("%s: %d are left", name, len(got))
		}
		for i, a := range got {
			in := a.Value.Group()
			if a.Key != "in" || in[0].Value.Int64() != int64(i) || len(in) != 2 && i < len(got)-1 {
				t.Fatalf("%s: attribute %d is %v", name, i, a)
			}
		}
	}
}

// A built-in that there is no room for is the mark alone.
func TestBuiltinsWithoutRoom(t *testing.T) {
	members := make([]slog.Attr, 5000)
	for i := range members {
		members[i] = slog.Int("n", i)
	}
	s := New(Options{MaxRecordBytes: 1000, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey:
			return slog.GroupAttrs(a.Key, members...)
		case slog.LevelKey:
			return slog.Int(a.Key, 30)
		case slog.MessageKey:
			return slog.Group(a.Key, slog.Int("m", 1))
		}
		return a
	}})
	got := captured(t, s, recordWith(slog.Int("a", 1)))
	if n := len(got.TimeValue.Group()); n < 300 || n > 2000 {
		t.Errorf("%d members are left", n)
	}
	if got.LevelValue.String() != jsontext.CutMark || got.MessageValue.String() != jsontext.CutMark || len(got.Attrs) != 0 || !got.Cut {
		t.Errorf("got level %v, message %v, attributes %v", got.LevelValue, got.MessageValue, got.Attrs)
	}
}

// Random records that are too long decode to a front of what they were.
func TestShortenedRandomRecords(t *testing.T) {
	cuts := 0
	for seed := range uint64(150) {
		d := dice.Seeded(seed, 2000)
		o := options()
		o.AddSource, o.ReplaceAttr = true, d.ReplaceAttr()
		s := New(o).WithAttrs(d.Attrs(40, 3))
		r := recordWith(d.Attrs(250, 4)...)
		r.PC = callerPC()
		b := captureBy(capturing{s: s}, r)
		for _, size := range []int{200, 500, 1000, 3000} {
			if len(b) <= size {
				continue
			}
			cuts++
			short := shorten(b, size)
			whole, got := decode(t, b), decode(t, short)
			text := string(objectOf(got.Attrs))
			if !json.Valid([]byte(text)) || len(short) > size+600 && len(short) > size+2*len(builtinsOf(whole)) {
				t.Fatalf("seed %d: %d bytes of %d: %s", seed, len(short), size, text)
			}
			if len(got.Attrs) > len(whole.Attrs) {
				t.Fatalf("seed %d: %d attributes became %d", seed, len(whole.Attrs), len(got.Attrs))
			}
			for i, a := range got.Attrs {
				if a.Key != whole.Attrs[i].Key && !strings.HasSuffix(a.Key, jsontext.CutMark) {
					t.Fatalf("seed %d: attribute %d is %v, was %v", seed, i, a, whole.Attrs[i])
				}
			}
		}
	}
	if cuts < 100 {
		t.Errorf("%d records were shortened, which proves nothing", cuts)
	}
}
