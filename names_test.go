package slogship

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
)

// A nameFilter forgets no name.
func TestNameFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var f, g nameFilter
	var names []string
	for range 40 {
		name := strings.Repeat("x", r.IntN(5)) + fmt.Sprint(r.IntN(1000))
		if r.IntN(10) == 0 {
			name = ""
		}
		f.add(name)
		names = append(names, name)
	}
	g.add("y")
	if g.join(&f); !g.add("y") {
		t.Error(`"y" was forgotten`)
	}
	for _, name := range names {
		if !f.add(name) || !g.add(name) {
			t.Errorf("%q was forgotten", name)
		}
	}
}

// Wherever equal keys come from (the context, WithAttrs, the record, a group
// without a name, a marshaler, a reserved name that was changed), a backend that
// refuses them gets none.
func TestUniqueKeysOfAllSources(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	keys := []string{"a\xff", "a\xfe", "a\ufffd", "a", "b", "level", "level_", "context", "request_id", "c"}
	var attrs func(depth int) []slog.Attr
	attrs = func(depth int) (out []slog.Attr) {
		for range r.IntN(4) {
			key := keys[r.IntN(len(keys))]
			switch n := r.IntN(6); {
			case n == 0 && depth < 3:
				out = append(out, slog.GroupAttrs(key, attrs(depth+1)...))
			case n == 1 && depth < 3:
				out = append(out, slog.GroupAttrs("", attrs(depth+1)...))
			case n == 2:
				out = append(out, slog.Any(key, map[string]any{"a": r.IntN(9), "b": []int{1}}))
			default:
				out = append(out, slog.Int(key, r.IntN(100)))
			}
		}
		return out
	}
	for range 2000 {
		ofContext := attrs(0)
		h := shipTo(t, hanging, Options{
			ContextAttrs: func(context.Context) []slog.Attr { return ofContext },
			Format:       fakeFormat{layout: func(l *Layout) { l.UniqueKeys = true }},
		})
		var with slog.Handler = h
		for range r.IntN(3) {
			if r.IntN(3) == 0 {
				with = with.WithGroup(keys[r.IntN(len(keys))])
			}
			with = with.WithAttrs(attrs(0))
		}
		event := eventOf(t, with.(*Handler), recordWith(attrs(0)...))
		if hasEqualKeys(t, event) {
			t.Fatalf("equal keys in %s", event)
		}
		h.Discard()
		h.Close()
	}
}
