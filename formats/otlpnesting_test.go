package formats_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// Below 30 levels there are no groups: decoders of protobuf end at a depth of
// 100 messages. Nothing is lost.
func TestOTLPNesting(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		got := otlpShipped(t, otlp(e), slogship.Options{}, func(h slog.Handler) {
			for i := range 40 {
				h = h.WithGroup("g" + strconv.Itoa(i))
				if i >= 29 && i <= 31 || i == 35 {
					h = h.WithAttrs([]slog.Attr{slog.Int("with", 1)})
				}
			}
			var nested any = "bottom"
			for range 100 {
				nested = []any{nested}
			}
			h.Handle(context.Background(), record(slog.LevelInfo, "m", slog.Int("n", 1), slog.Any("object", map[string]int{"x": 1}), slog.Any("deep", nested)))
		})
		o := got.records[0].user()
		for i := range 30 {
			o, _ = o["g"+strconv.Itoa(i)].(object)
		}
		want := object{
			"with":                         json.Number("1"), // in g29
			"g30.with":                     json.Number("1"),
			"g30.g31.with":                 json.Number("1"),
			"g30.g31.g32.g33.g34.g35.with": json.Number("1"),
			"g30.g31.g32.g33.g34.g35.g36.g37.g38.g39.n":      json.Number("1"),
			"g30.g31.g32.g33.g34.g35.g36.g37.g38.g39.object": `{"x":1}`,
			"g30.g31.g32.g33.g34.g35.g36.g37.g38.g39.deep":   strings.Repeat("[", 100) + `"bottom"` + strings.Repeat("]", 100),
		}
		if !reflect.DeepEqual(o, want) {
			t.Errorf("at the bottom is %v, want %v", o, want)
		}
	})
}

// Names that become equal where groups end are one: the last.
func TestOTLPNestingEqualNames(t *testing.T) {
	attr := slog.Group("g", slog.Int("a.b", 1), slog.Group("a", slog.Int("b", 2), slog.Int("c", 3)), slog.Int("a.c", 4))
	for range 29 {
		attr = slog.Group("g", attr)
	}
	const want = `[{"key":"a.b","value":{"intValue":"2"}},{"key":"a.c","value":{"intValue":"4"}}]`
	if got := text(otlpFormat(formats.OTLPJSON), event(slog.LevelInfo, "m", attr)); !strings.Contains(got, want) {
		t.Errorf("%s\nwant %s in it", got, want)
	}
}

// Attributes mean what they mean to slog.JSONHandler, whichever way they come:
// with the record, by WithAttrs and WithGroup in any order, through
// ContextAttrs and ReplaceAttr.
func TestOTLPAttributesAreThoseOfJSONHandler(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		invalid := 0
		for seed := range uint64(400) {
			g := attrGenerator{rand.New(rand.NewPCG(seed, 1))}
			var replace func([]string, slog.Attr) slog.Attr
			if seed%3 == 1 {
				replace = func(groups []string, a slog.Attr) slog.Attr {
					switch a.Key {
					case "b":
						return slog.Attr{}
					case "c":
						return slog.String("c in "+strings.Join(groups, "/"), a.Value.Kind().String())
					case "key":
						return slog.Group("made", slog.Int("n", 1), slog.String("b", "dropped"))
					}
					return a
				}
			}
			var fromContext []slog.Attr
			if seed%2 == 1 {
				fromContext = g.attrs(2, 1)
			}
			var want bytes.Buffer
			reference := slog.Handler(slog.NewJSONHandler(&want, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) && isBuiltIn(a) {
					return slog.Attr{}
				}
				if replace != nil {
					return replace(groups, a)
				}
				return a
			}})).WithAttrs(fromContext)
			r := slog.NewRecord(time.Time{}, builtInLevel, builtInMessage, 0)
			r.AddAttrs(g.attrs(g.IntN(6), 3)...)
			var steps []func(slog.Handler) slog.Handler
			for range g.IntN(5) {
				if g.IntN(3) == 0 {
					name := g.key()
					steps = append(steps, func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
				} else {
					attrs := g.attrs(g.IntN(3), 2)
					steps = append(steps, func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
				}
			}
			got := otlpShipped(t, otlp(e), slogship.Options{
				ReplaceAttr:  replace,
				ContextAttrs: func(context.Context) []slog.Attr { return fromContext },
			}, func(h slog.Handler) {
				for _, step := range steps {
					h, reference = step(h), step(reference)
				}
				h.Handle(context.Background(), r)
			}).records[0].user()
			reference.Handle(context.Background(), r)
			if !json.Valid(want.Bytes()) { // Go 1.26's, where ReplaceAttr leaves nothing of a group
				invalid++
				continue
			}
			if wanted := plainly(decode(t, want.String())); !reflect.DeepEqual(any(got), wanted) {
				t.Errorf("seed %d:\n%v, want\n%v", seed, got, wanted)
			}
		}
		if invalid > 40 {
			t.Errorf("nothing to compare with %d times", invalid)
		}
	})
}
