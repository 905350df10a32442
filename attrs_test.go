package slogship

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// A randomCase is a record, and all that has a say in what becomes of it.
type randomCase struct {
	o        Options // its ReplaceAttr does not count its calls yet
	chain    []func(slog.Handler) slog.Handler
	foretold []func(*oracle)
	record   slog.Record
}

func newRandomCase(d *dice) randomCase {
	c := randomCase{o: Options{AddSource: d.n(4) == 3, ReplaceAttr: d.replaceAttr()}}
	if d.n(4) == 3 {
		attrs := d.attrs(3, 1)
		c.o.ContextAttrs = func(context.Context) []slog.Attr { return attrs }
	}
	for range d.n(5) {
		if d.n(2) == 0 {
			name := pick(d, "g", "a", "", "level", "é")
			c.chain = append(c.chain, func(h slog.Handler) slog.Handler {
				if _, std := h.(*slog.JSONHandler); std && name == "" {
					return h // it leaves this rule to slog.Logger
				}
				return h.WithGroup(name)
			})
			c.foretold = append(c.foretold, func(o *oracle) { o.withGroup(name) })
		} else {
			attrs := d.attrs(3, 2)
			c.chain = append(c.chain, func(h slog.Handler) slog.Handler { return h.WithAttrs(slices.Clone(attrs)) })
			c.foretold = append(c.foretold, func(o *oracle) { o.withAttrs(attrs) })
		}
	}
	at := time.Time{}
	if d.n(4) > 0 {
		at = time.Unix(int64(d.uint64()>>30), int64(d.n(256))*3906251)
	}
	var pc uintptr
	if c.o.AddSource && d.n(4) > 0 {
		pc = callerPC()
	}
	c.record = slog.NewRecord(at, slog.Level(d.n(24)-8), d.string(), pc)
	c.record.AddAttrs(d.attrs(8, 3)...)
	return c
}

// replaceAttr is one of a few functions that always give the same answer.
func (d *dice) replaceAttr() func([]string, slog.Attr) slog.Attr {
	which := d.n(12)
	if which < 4 {
		return nil
	}
	salt := d.n(8)
	hit := func(groups []string, a slog.Attr) bool {
		return (len(a.Key)+3*len(groups)+salt)%4 == 0
	}
	return func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case which == 4 || !hit(groups, a) && which < 10:
		case which == 5:
			return slog.Attr{}
		case which == 6:
			a.Key = []string{"renamed", "level", "context", "", "msg", "a", "_cut", "level_"}[salt]
		case which == 7:
			a.Value = []slog.Value{slog.StringValue(""), slog.StringValue("new"), slog.IntValue(salt), slog.AnyValue(nil), slog.AnyValue(stringer(1)), slog.BoolValue(true), slog.DurationValue(1), slog.TimeValue(time.Unix(1e9, 5).UTC())}[salt]
		case which == 8:
			if a.Value.Kind() != slog.KindString { // or its members would be groups in turn
				a.Value = slog.GroupValue(slog.String("in", "side"), slog.String("level", a.Key), slog.Any("v", yields{slog.StringValue("x")}))
			}
		case which == 9:
			a.Value = slog.AnyValue(yields{slog.AnyValue(yields{a.Value})})
		case which == 10: // empties groups
			if slices.Contains(groups, "g") || slices.Contains(groups, "a") || len(groups) == 0 && (a.Key == "function" || a.Key == "file" || a.Key == "line") {
				return slog.Attr{}
			}
		case which == 11:
			if len(groups) == 0 && slices.Contains([]string{"time", "msg", "level", "source"}[salt/2:salt/2+1], a.Key) {
				return slog.Attr{}
			}
		}
		return a
	}
}

// recording returns f, and what appends each call to calls; nil for nil.
func recording(f func([]string, slog.Attr) slog.Attr, calls *[]string) func([]string, slog.Attr) slog.Attr {
	if f == nil {
		return nil
	}
	return func(groups []string, a slog.Attr) slog.Attr {
		*calls = append(*calls, callText(slices.Clone(groups), a))
		return f(groups, a)
	}
}

// check wants the event, the calls of ReplaceAttr and, where it is right,
// slog.JSONHandler to be what the oracle says.
func (c randomCase) check(tb testing.TB) {
	tb.Helper()
	oracle := newOracle(c.o.ReplaceAttr)
	o := c.o
	var ours, theirs []string
	o.ReplaceAttr = recording(c.o.ReplaceAttr, &ours)
	h := slog.Handler(shipTo(tb, hanging, o))
	var line bytes.Buffer
	std := slog.Handler(slog.NewJSONHandler(&line, &slog.HandlerOptions{AddSource: o.AddSource, ReplaceAttr: recording(c.o.ReplaceAttr, &theirs)}))
	for i, step := range c.chain {
		h, std = step(h), step(std)
		c.foretold[i](oracle)
	}
	var fromContext []slog.Attr
	if o.ContextAttrs != nil {
		fromContext = o.ContextAttrs(context.Background())
	}
	want := oracle.event(c.record, o.AddSource, fromContext)

	event := eventOf(tb, h, c.record)
	got := decodeEvent(tb, event)
	metadata, _ := got["metadata"].(map[string]any)
	delete(got, "metadata")
	delete(got, "id")
	if !same(want.metadata, metadata) {
		tb.Errorf("metadata:\n got %s\nwant %v\nfrom %s", event, want.metadata, c)
	}
	if !same(want.top, got) {
		tb.Errorf("event:\n got %s\nwant %v\nfrom %s", event, want.top, c)
	}
	if !slices.Equal(ours, oracle.calls) {
		tb.Errorf("calls of ReplaceAttr:\n got %s\nwant %s\nfrom %s", strings.Join(ours, "\n     "), strings.Join(oracle.calls, "\n     "), c)
	}

	if oracle.wrong || len(fromContext) > 0 {
		return
	}
	std.Handle(context.Background(), c.record)
	if object := decodeObject(line.Bytes()); object == nil {
		tb.Errorf("slog.JSONHandler wrote what is no JSON, and the oracle did not know: %s\nfrom %s", line.Bytes(), c)
	} else if !same(want.json, object) {
		tb.Errorf("slog.JSONHandler contradicts the oracle:\n got %s\nwant %v\nfrom %s", line.Bytes(), want.json, c)
	}
	if !slices.Equal(theirs, oracle.calls) {
		tb.Errorf("slog.JSONHandler calls ReplaceAttr:\n got %s\nwant %s\nfrom %s", strings.Join(theirs, "\n     "), strings.Join(oracle.calls, "\n     "), c)
	}
}

func (c randomCase) String() string {
	var attrs []slog.Attr
	c.record.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	return fmt.Sprintf("a record with %d attributes, a chain of %d", len(attrs), len(c.chain))
}

// Random records decode to what slog.JSONHandler writes, wherever that keeps
// the rules of slog.Handler; ReplaceAttr is called as often, in the same order.
func TestRandomRecordsMeanWhatTheyMeanToSlog(t *testing.T) {
	for seed := range uint64(2000) {
		newRandomCase(seeded(seed, 50+int(seed)%500)).check(t)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// As TestRandomRecordsMeanWhatTheyMeanToSlog, and further.
func FuzzRecord(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seeded(seed, 100+10*int(seed)).left)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		newRandomCase(&dice{data}).check(t)
	})
}

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
				BeginGroup: func(dst []byte, _ []string, name string) []byte { return append(append(separated(dst), name...), '<') },
				EndGroup:   func(dst []byte, begin int) []byte { return fmt.Appendf(dst, ">%d", len(dst)-begin) },
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
