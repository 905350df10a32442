package slogship

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// The case that slog.JSONHandler gets wrong, and why the oracle is no call of
// it: a group that ReplaceAttr, or an empty attribute, leaves empty.
func TestEmptiedGroups(t *testing.T) {
	secretless := Options{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if slices.Contains(groups, "secret") {
			return slog.Attr{}
		}
		return a
	}}
	secret := slog.Group("secret", slog.String("x", "y"))
	for name, tt := range map[string]struct {
		attrs []slog.Attr
		want  string
	}{
		"between others":     {[]slog.Attr{slog.Int("a", 1), secret, slog.Int("b", 2)}, `{"a":1,"b":2,"level":"info"}`},
		"alone":              {[]slog.Attr{secret}, `{"level":"info"}`},
		"in a group":         {[]slog.Attr{slog.Group("g", secret, slog.Int("a", 1)), slog.Int("b", 2)}, `{"b":2,"g":{"a":1},"level":"info"}`},
		"alone in a group":   {[]slog.Attr{slog.Group("g", secret), slog.Int("b", 2)}, `{"b":2,"level":"info"}`},
		"an empty attribute": {[]slog.Attr{slog.Int("a", 1), slog.Group("g", slog.Attr{}), slog.Int("b", 2)}, `{"a":1,"b":2,"level":"info"}`},
		"no source":          {[]slog.Attr{slog.Group("g", slog.Any("s", (*slog.Source)(nil))), slog.Any("t", &slog.Source{})}, `{"level":"info"}`},
		"an inlined one":     {[]slog.Attr{slog.Group("", slog.Int("a", 1), slog.Group("", secret)), slog.Int("b", 2)}, `{"a":1,"b":2,"level":"info"}`},
	} {
		h := shipTo(t, hanging, secretless)
		if got := metadataWith(t, h, tt.attrs...); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if got := metadataWith(t, h.WithAttrs(tt.attrs)); got != tt.want {
			t.Errorf("%s, by WithAttrs: %s, want %s", name, got, tt.want)
		}
	}
	h := shipTo(t, hanging, secretless).WithGroup("g")
	if got := metadataWith(t, h.WithGroup("secret").WithAttrs([]slog.Attr{slog.Int("a", 1)}), slog.Int("b", 2)); got != `{"level":"info"}` {
		t.Errorf("WithGroup: %s", got)
	}
	if got := metadataWith(t, h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("secret"), slog.Int("b", 2)); got != `{"g":{"a":1},"level":"info"}` {
		t.Errorf("WithAttrs before WithGroup: %s", got)
	}
}

// Handlers made from one another share nothing that one of them writes to.
func TestHandlersDoNotShareAttributes(t *testing.T) {
	h := shipTo(t, hanging, Options{}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("h")
	a, b := h.WithGroup("x"), h.WithGroup("y")
	a1, b1 := a.WithAttrs([]slog.Attr{slog.Int("n", 1)}), b.WithAttrs([]slog.Attr{slog.Int("n", 2)})
	for _, tt := range []struct {
		h    slog.Handler
		want string
	}{
		{h, `{"g":{"a":1,"h":{"z":0}},"level":"info"}`},
		{a, `{"g":{"a":1,"h":{"x":{"z":0}}},"level":"info"}`},
		{b1, `{"g":{"a":1,"h":{"y":{"n":2,"z":0}}},"level":"info"}`},
		{a1, `{"g":{"a":1,"h":{"x":{"n":1,"z":0}}},"level":"info"}`},
	} {
		if got := metadataWith(t, tt.h, slog.Int("z", 0)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// refilling yields a group that holds it again, as often as it says.
type refilling struct{ times int }

func (h refilling) LogValue() slog.Value {
	attrs := make([]slog.Attr, h.times)
	for i := range attrs {
		attrs[i] = slog.Any("x", h)
	}
	return slog.GroupValue(attrs...)
}

// inlines is refilling without a name, so that nothing gets longer.
type inlines struct{}

func (i inlines) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("", i), slog.Any("", i), slog.Attr{})
}

// silent yields groups of groups of ... nothing, 2^40 of them.
type silent int

func (s silent) LogValue() slog.Value {
	if s == 0 {
		return slog.GroupValue()
	}
	return slog.GroupValue(slog.Any("", s-1), slog.Any("", s-1))
}

// A LogValuer that never ends is ended, and what stands beside it arrives.
func TestEndlessLogValuers(t *testing.T) {
	t.Parallel()
	again := replacing("x", func(a slog.Attr) slog.Attr { return slog.Group("x", slog.Int("y", 1)) })
	for name, tt := range map[string]struct {
		v       slog.Attr
		replace func([]string, slog.Attr) slog.Attr
	}{
		"yields itself":          {slog.Any("v", endless{}), nil},
		"holds itself":           {slog.Any("v", refilling{1}), nil},
		"holds itself twice":     {slog.Any("v", refilling{2}), nil},
		"holds itself 100 times": {slog.Any("v", refilling{100}), nil},
		"inlines itself twice":   {slog.Any("v", inlines{}), nil},
		"is nothing 2^40 times":  {slog.Any("v", silent(40)), nil},
		"is replaced by its like": {slog.Int("y", 1), func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "y" {
				return slog.Group("x", slog.Int("y", 1), slog.Int("y", 2))
			}
			return a
		}},
		"is inlined by ReplaceAttr": {slog.Int("x", 1), again},
	} {
		h := shipTo(t, hanging, Options{ReplaceAttr: tt.replace, MaxRecordBytes: 4 << 10})
		for way, event := range map[string]map[string]any{
			"in a record":  eventWith(t, h, slog.Int("a", 1), tt.v, slog.Int("b", 2)),
			"by WithAttrs": eventWith(t, h.WithAttrs([]slog.Attr{slog.Int("a", 1), tt.v}), slog.Int("b", 2)),
		} {
			m := event["metadata"].(map[string]any)
			if name == "inlines itself twice" && !strings.Contains(jsonText(t, m), "groups nest too deeply") {
				t.Errorf("%s, %s: it went deeper than %d: %.200v", name, way, maxDepth, m)
			}
			if jsonText(t, m["a"]) != "1" {
				t.Errorf("%s, %s: its neighbour is lost: %.200v", name, way, m)
			}
			if jsonText(t, m["b"]) != "2" && m["_cut"] != true {
				t.Errorf("%s, %s: something is missing without a mark: %.200v", name, way, m)
			}
		}
	}
}

// Nothing nests deeper than decoders follow, whichever way it got so deep.
func TestDepth(t *testing.T) {
	const far = 3 * maxDepth
	deepGroup := slog.Int("n", 1)
	deepSlice, deepMap := any(1), any(1)
	raw := writes(strings.Repeat("[", far) + strings.Repeat("]", far))
	for range far {
		deepGroup = slog.Group("g", deepGroup)
		deepSlice, deepMap = []any{deepSlice}, map[string]any{"m": deepMap}
	}
	for name, a := range map[string]slog.Attr{
		"groups": deepGroup, "slices": slog.Any("v", deepSlice), "maps": slog.Any("v", deepMap), "a marshaler": slog.Any("v", raw), "a list": slog.Any("v", longList(far)),
	} {
		h := slog.Handler(shipTo(t, hanging, Options{MaxRecordBytes: 1 << 20}))
		for range 2 {
			event := eventOf(t, h, recordWith(slog.Int("a", 1), a, slog.Int("b", 2)))
			if d := depthOf(event); d > maxDepth+10 {
				t.Errorf("%s: %d levels", name, d)
			}
			if object := decodeEvent(t, event); !strings.Contains(string(event), `"a":1,`) || !strings.Contains(string(event), `,"b":2`) {
				t.Errorf("%s: neighbours are lost: %.300v", name, object)
			}
			for range far {
				h = h.WithGroup("w") // and from inside as many groups
			}
		}
	}
}

func longList(n int) (l *node) {
	for range n {
		l = &node{Next: l}
	}
	return l
}

// depthOf is how deep brackets nest in b, which has none in strings.
func depthOf(b []byte) (deepest int) {
	depth := 0
	for _, c := range b {
		switch c {
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
}

// Attributes that are no JSON are written by the AttrEncoding, in groups by the
// names that it gave them, while ReplaceAttr is shown the user's.
func TestAttrEncoding(t *testing.T) {
	format := fakeFormat{
		layout: func(l *Layout) {
			l.UniqueKeys = true // means JSON objects
			l.Attrs = &AttrEncoding{
				Separator: ";",
				AppendAttr: func(dst []byte, groups []string, key string, v slog.Value) []byte {
					return fmt.Appendf(separated(dst), "%s.%s=%v", strings.Join(groups, "/"), key, v)
				},
				AppendJSON: func(dst []byte, _ []string, _ string, _ []byte) []byte { return dst },
				BeginGroup: func(dst []byte, _ []string, name string) []byte { return append(append(separated(dst), name...), '<') },
				EndGroup: func(dst []byte, _ []string, _ string, begin int) []byte {
					return fmt.Appendf(dst, ">%d", len(dst)-begin)
				},
			}
		},
		event: func(dst []byte, e *Event) []byte { return e.AppendAttrs(append(dst, '[')) },
	}
	var seen []string
	h := shipTo(t, hanging, Options{Format: format, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			seen = append(seen, strings.Join(groups, "/")+"."+a.Key)
		}
		if a.Key == slog.TimeKey {
			a.Key = "at"
		}
		return a
	}}).WithGroup("level").WithAttrs([]slog.Attr{slog.Int("a", 1), slog.Group("gone", slog.Attr{})}).WithGroup("h")
	got := string(eventOf(t, h, recordWith(slog.String("level", "x"), slog.Group("", slog.Int("b", 2)))))
	if want := `[.at=2026-01-02 03:04:05.678901234 +0000 UTC;level_<level_.a=1;h<level_/h.level=x;level_/h.b=2>29>45`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if want := "level.a level/gone. level/h.level level/h.b"; strings.Join(seen, " ") != want {
		t.Errorf("ReplaceAttr saw %q, want %q", seen, want)
	}
}

func separated(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '<' {
		return append(dst, ';')
	}
	return dst
}
