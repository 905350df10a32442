package formats_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/dice"
)

// logflare is the root package's format as a subject.
func logflare() subject {
	return subject{
		name: "logflare", format: slogship.Logflare(),
		events: func(tb testing.TB, body string) []object { return objects(tb, decode(tb, body).(object)["batch"]) },
		attrs:  func(_ testing.TB, event object) object { return event["metadata"].(object) },
	}
}

// unreserved is name as it arrives where a layout reserves some.
func unreserved(reserved []string, name string) string {
	for _, own := range reserved {
		if rest, ok := strings.CutPrefix(name, own); ok && strings.Trim(rest, "_") == "" {
			return name + "_"
		}
	}
	return name
}

// users are the attributes of an object which s did not write itself: under a name that
// it reserves, or beside an error.
func users(s subject, attrs object) object {
	left := object{}
	for name, v := range attrs {
		ours := slices.Contains(s.format.Layout().Reserved, name) || name == "_cut" || strings.HasPrefix(name, "error.")
		if s.name == "seq" {
			ours = ours || strings.HasPrefix(name, "@") // a user's has two
		}
		if !ours {
			left[name] = v
		}
	}
	return left
}

// same reports whether s may write got for want. VictoriaLogs does not take an empty
// name, nor an object with a long name in it, which becomes text.
func same(tb testing.TB, s subject, want, got object) bool {
	if s.name == "victorialogs" {
		if v, ok := want[""]; ok {
			delete(want, "")
			want["_"] = v
		}
		parseTexts(tb, want, got)
	}
	return dice.Same(want, got)
}

// parseTexts decodes the strings in got where want has no string.
func parseTexts(tb testing.TB, want, got object) {
	for name, v := range got {
		switch wanted := want[name].(type) {
		case object:
			if text, ok := v.(string); ok {
				v = decode(tb, text)
				got[name] = v
			}
			if inner, ok := v.(object); ok {
				parseTexts(tb, wanted, inner)
			}
		case []any:
			if text, ok := v.(string); ok {
				got[name] = decode(tb, text)
			}
		}
	}
}

// shippedCases are the events that come of cases, which are alike in whether they have
// a source and a ReplaceAttr.
func shippedCases(t *testing.T, s subject, cases []dice.Case) (events []object) {
	t.Helper()
	var c dice.Case
	o := slogship.Options{AddSource: cases[0].AddSource, BatchBytes: 16 << 20, MaxPendingBytes: 256 << 20, MaxRecordBytes: 1 << 20}
	if cases[0].ReplaceAttr != nil {
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr { return c.ReplaceAttr(groups, a) }
	}
	o.ContextAttrs = func(ctx context.Context) []slog.Attr {
		if c.ContextAttrs == nil {
			return nil
		}
		return c.ContextAttrs(ctx)
	}
	var b backend
	h := ship(t, s.format, &b, o)
	for _, c = range cases {
		c.Handler(h).Handle(context.Background(), c.Record)
	}
	h.Close()
	for _, r := range b.got() {
		events = append(events, s.events(t, r.body)...)
		if doubled := doubledKeys(t, r.body); s.format.Layout().UniqueKeys && doubled != nil {
			t.Errorf("doubled: %q", doubled)
		}
	}
	if len(events) != len(cases) {
		t.Fatalf("%d events of %d records; %v", len(events), len(cases), h.Stats())
	}
	return events
}

// Random records have the attributes, on each format that writes these as a JSON
// object, that slog.JSONHandler writes wherever it keeps the rules of slog.Handler: with
// groups, equal and reserved names, ReplaceAttr, and values that misbehave.
func TestAttributesEqualThoseOfJSONHandler(t *testing.T) {
	t.Parallel()
	seeds := uint64(3000)
	if raceEnabled {
		seeds = 300
	}
	var cases [4][]dice.Case
	for seed := range seeds {
		c := dice.Seeded(seed, 50+int(seed)%500).Case()
		i := 0
		if c.AddSource {
			i = 1
		}
		if c.ReplaceAttr != nil {
			i += 2
		}
		cases[i] = append(cases[i], c)
	}
	for _, s := range append(subjects(), logflare()) {
		t.Run(s.name, func(t *testing.T) {
			reserved := append([]string{"_cut", "_recorded"}, s.format.Layout().Reserved...)
			for _, cases := range cases {
				for i, event := range shippedCases(t, s, cases) {
					want := object{}
					for name, v := range cases[i].Foretell().Attrs {
						want[unreserved(reserved, name)] = v
					}
					if got := users(s, s.attrs(t, event)); !same(t, s, want, got) {
						t.Fatalf("case %d:\n got %v\nwant %v\nin %v", i, got, want, event)
					}
				}
			}
		})
	}
}
