package record

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/slogship/slogship/internal/dice"
)

// The case that slog.JSONHandler gets wrong, and why the oracle is no call of
// it: a group that ReplaceAttr, a LogValuer, or an empty attribute leaves empty.
func TestEmptiedGroups(t *testing.T) {
	o := options()
	o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if slices.Contains(groups, "secret") {
			return slog.Attr{}
		}
		return a
	}
	s := New(o)
	secret := slog.Group("secret", slog.String("x", "y"))
	none := slog.Any("none", dice.Yields{V: slog.GroupValue()})
	for name, tt := range map[string]struct {
		attrs []slog.Attr
		want  string
	}{
		"between others":       {[]slog.Attr{slog.Int("a", 1), secret, slog.Int("b", 2)}, `{"a":1,"b":2}`},
		"alone":                {[]slog.Attr{secret}, `{}`},
		"in a group":           {[]slog.Attr{slog.Group("g", secret, slog.Int("a", 1)), slog.Int("b", 2)}, `{"g":{"a":1},"b":2}`},
		"alone in a group":     {[]slog.Attr{slog.Group("g", secret), slog.Int("b", 2)}, `{"b":2}`},
		"alone in two":         {[]slog.Attr{slog.Group("g", slog.Group("h", secret), secret), slog.Int("b", 2)}, `{"b":2}`},
		"an empty attribute":   {[]slog.Attr{slog.Int("a", 1), slog.Group("g", slog.Attr{}), slog.Int("b", 2)}, `{"a":1,"b":2}`},
		"no source":            {[]slog.Attr{slog.Group("g", slog.Any("s", (*slog.Source)(nil))), slog.Any("t", &slog.Source{})}, `{}`},
		"an inlined one":       {[]slog.Attr{slog.Group("", slog.Int("a", 1), slog.Group("", secret)), slog.Int("b", 2)}, `{"a":1,"b":2}`},
		"yielded":              {[]slog.Attr{none, slog.Group("g", none), slog.Int("b", 2)}, `{"b":2}`},
		"yielded beside one":   {[]slog.Attr{slog.Group("g", none, slog.Int("a", 1))}, `{"g":{"a":1}}`},
		"a key without a name": {[]slog.Attr{slog.Int("", 1), slog.Any("nil", nil)}, `{"":1,"nil":null}`},
	} {
		if got := attrsWith(t, s, tt.attrs...); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if got := attrsWith(t, s.WithAttrs(tt.attrs)); got != tt.want {
			t.Errorf("%s, by WithAttrs: %s, want %s", name, got, tt.want)
		}
	}
	g := s.WithGroup("g")
	if got := attrsWith(t, g.WithGroup("secret").WithAttrs([]slog.Attr{slog.Int("a", 1)}), slog.Int("b", 2)); got != `{}` {
		t.Errorf("WithGroup: %s", got)
	}
	if got := attrsWith(t, g.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("secret"), slog.Int("b", 2)); got != `{"g":{"a":1}}` {
		t.Errorf("WithAttrs before WithGroup: %s", got)
	}
	if got := attrsWith(t, g, none); got != `{}` {
		t.Errorf("WithGroup before nothing: %s", got)
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

// A LogValuer that never ends is ended, and what is beside it arrives, or the
// record is marked.
func TestEndlessLogValuers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		v       slog.Attr
		replace func([]string, slog.Attr) slog.Attr
	}{
		"yields itself":          {slog.Any("v", dice.Endless{}), nil},
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
		"is replaced by a group": {slog.Int("x", 1), func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "x" {
				return slog.Group("x", slog.Int("y", 1))
			}
			return a
		}},
	} {
		s := New(Options{ReplaceAttr: tt.replace, MaxRecordBytes: 4 << 10})
		for way, r := range map[string]Record{
			"in a record":  captured(t, s, recordWith(slog.Int("a", 1), tt.v, slog.Int("b", 2))),
			"by WithAttrs": captured(t, s.WithAttrs([]slog.Attr{slog.Int("a", 1), tt.v}), recordWith(slog.Int("b", 2))),
		} {
			text := string(objectOf(r.Attrs))
			if name == "inlines itself twice" && !strings.Contains(text, "groups nest too deeply") {
				t.Errorf("%s, %s: it went deeper than %d: %.200s", name, way, MaxDepth, text)
			}
			if !strings.HasPrefix(text, `{"a":1`) {
				t.Errorf("%s, %s: its neighbour is lost: %.200s", name, way, text)
			}
			if !strings.HasSuffix(text, `"b":2}`) && !r.Cut {
				t.Errorf("%s, %s: something is missing without a mark: %.200s", name, way, text)
			}
		}
	}
}

// Nothing nests deeper than decoders follow, whichever way it got so deep.
func TestDepth(t *testing.T) {
	const far = 3 * MaxDepth
	deepGroup := slog.Int("n", 1)
	deepSlice, deepMap := any(1), any(1)
	raw := json.RawMessage(strings.Repeat("[", far) + strings.Repeat("]", far))
	var list *dice.Node
	for range far {
		deepGroup = slog.Group("g", deepGroup)
		deepSlice, deepMap = []any{deepSlice}, map[string]any{"m": deepMap}
		list = &dice.Node{Next: list}
	}
	for name, a := range map[string]slog.Attr{
		"groups": deepGroup, "slices": slog.Any("v", deepSlice), "maps": slog.Any("v", deepMap),
		"a marshaler": slog.Any("v", raw), "a list": slog.Any("v", list),
	} {
		s := New(Options{MaxRecordBytes: 1 << 20})
		for range 2 {
			text := objectOf(captured(t, s, recordWith(slog.Int("a", 1), a, slog.Int("b", 2))).Attrs)
			if d := depthOf(text); d > MaxDepth+1 {
				t.Errorf("%s: %d levels", name, d)
			}
			if !strings.Contains(string(text), `"a":1,`) || !strings.Contains(string(text), `,"b":2`) {
				t.Errorf("%s: neighbours are lost: %.300s", name, text)
			}
			for range far {
				s = s.WithGroup("w") // and from inside as many groups
			}
		}
	}
}

// Groups and what is in a value count together.
func TestDepthOfValuesInGroups(t *testing.T) {
	const half = MaxDepth / 2
	s := New(Options{MaxRecordBytes: 1 << 20})
	for range half {
		s = s.WithGroup("g")
	}
	for n, want := range map[int]string{half: "[1]", half + 1: "nests too deeply"} {
		v := any(1)
		for range n {
			v = []any{v}
		}
		if got := attrsWith(t, s, slog.Any("v", v)); !strings.Contains(got, want) {
			t.Errorf("%d arrays in %d groups: %.2000s", n, half, got)
		}
	}
}

// depthOf is how deep brackets nest in b, those in strings not counted.
func depthOf(b []byte) (deepest int) {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return deepest
}

// A ReplaceAttr that panics withholds the value, and what it panicked with: it
// may be there to hide just that. Time and level stay, for a backend may refuse
// what is neither.
func TestReplaceAttrPanics(t *testing.T) {
	const secret = "hunter2"
	o := options()
	o.AddSource = true
	o.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr { panic("cannot hide " + a.Value.String()) }
	s := New(o).WithAttrs([]slog.Attr{slog.String("with", secret)})
	r := slog.NewRecord(recordTime, slog.LevelWarn, secret, 0)
	r.AddAttrs(slog.String("a", secret), slog.Group("g", slog.String("b", secret), slog.Any("c", dice.Yields{V: slog.StringValue(secret)})))
	b := captureBy(capturing{s: s}, r)
	if strings.Contains(string(b), secret) {
		t.Errorf("the secret got out: %q", b)
	}
	got := decode(t, b)
	const p = `"!PANIC: ReplaceAttr: string"`
	if got, want := string(objectOf(got.Attrs)), `{"with":`+p+`,"a":`+p+`,"g":{"b":`+p+`,"c":`+p+`}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := string(builtinsOf(got)), `{"time":"2026-01-02T03:04:05.678901234Z","level":"WARN","msg":`+p+`}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// ReplaceAttr is not called for groups, but for what is in them, with the groups
// around it; at the root it sees none, not nil, as in slog.
func TestReplaceAttrCalls(t *testing.T) {
	var seen []string
	o := options()
	o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		seen = append(seen, fmt.Sprintf("%#v %s", groups, a.Key))
		return a
	}
	s := New(o).WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Group("h", slog.Int("b", 1))}).WithGroup("i")
	captured(t, s, recordWith(slog.Int("c", 1), slog.Group("", slog.Int("d", 1))))
	want := []string{
		`[]string{} a`, `[]string{"g", "h"} b`,
		`[]string(nil) time`, `[]string(nil) level`, `[]string(nil) msg`,
		`[]string{"g", "i"} c`, `[]string{"g", "i"} d`,
	}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}
