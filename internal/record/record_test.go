package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship/internal/dice"
)

// All of a record comes back as it was logged, scalars with their kinds.
func TestRoundTrip(t *testing.T) {
	zone := time.FixedZone("somewhere", -(5*3600 + 1800))
	r := slog.NewRecord(recordTime.In(zone), slog.LevelWarn+1, "what \xff happened", 0)
	attrs := []slog.Attr{
		slog.String("s", "text"), slog.String("", ""), slog.String("long", strings.Repeat("x", 300)), slog.String("broken\xff", "\xfe"),
		slog.Int("n", -1), slog.Int64("least", math.MinInt64), slog.Int64("most", math.MaxInt64), slog.Int("zero", 0),
		slog.Uint64("u", math.MaxUint64), slog.Uint64("u0", 0),
		slog.Float64("f", 0.1), slog.Float64("whole", 3), slog.Float64("minus 0", math.Copysign(0, -1)), slog.Float64("NaN", math.NaN()),
		slog.Float64("inf", math.Inf(-1)), slog.Float64("least", math.SmallestNonzeroFloat64), slog.Float64("0", 0),
		slog.Bool("yes", true), slog.Bool("no", false),
		slog.Duration("d", 1503*time.Microsecond), slog.Duration("-d", -time.Hour),
		slog.Time("t", recordTime), slog.Time("z", recordTime.In(zone)), slog.Time("zero", time.Time{}),
		slog.Time("far", time.Date(12345, 1, 2, 3, 4, 5, 6, time.FixedZone("odd", 3601))), slog.Time("past", time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)),
		slog.Group("g", slog.Int("a", 1), slog.Group("h", slog.Int("b", 2), slog.String("c", "d")), slog.Int("e", 3)),
		slog.Group(strings.Repeat("name", 50), slog.Group("in", slog.Bool("x", true))),
	}
	r.AddAttrs(attrs...)
	got := captured(t, New(options()), r)
	if !got.Time.Equal(recordTime) || got.Time.Format(time.RFC3339Nano) != r.Time.Format(time.RFC3339Nano) || got.Level != r.Level || got.Message != r.Message {
		t.Errorf("got %+v of %+v", got, r)
	}
	equalAttrs(t, attrs, got.Attrs)
}

// equalAttrs wants attributes of scalars and groups to be equal, their kinds and
// zones too.
func equalAttrs(tb testing.TB, want, got []slog.Attr) {
	tb.Helper()
	if len(want) != len(got) {
		tb.Fatalf("%d attributes, want %d: %v, want %v", len(got), len(want), got, want)
	}
	for i, w := range want {
		g := got[i]
		same := w.Key == g.Key && w.Value.Kind() == g.Value.Kind()
		if same {
			switch w.Value.Kind() {
			case slog.KindGroup:
				equalAttrs(tb, w.Value.Group(), g.Value.Group())
			case slog.KindFloat64:
				same = math.Float64bits(w.Value.Float64()) == math.Float64bits(g.Value.Float64())
			case slog.KindTime:
				_, wantOffset := w.Value.Time().Zone()
				_, gotOffset := g.Value.Time().Zone()
				same = w.Value.Time().Equal(g.Value.Time()) && wantOffset == gotOffset
			default:
				same = w.Value.Equal(g.Value)
			}
		}
		if !same {
			tb.Errorf("attribute %d is %v %v, want %v %v", i, g.Value.Kind(), g, w.Value.Kind(), w)
		}
	}
}

// plainAttrs are those of attrs that are scalars, and groups of them.
func plainAttrs(attrs []slog.Attr) (plain []slog.Attr) {
	for _, a := range attrs {
		switch a.Value.Kind() {
		case slog.KindGroup:
			members := plainAttrs(a.Value.Group())
			switch {
			case len(members) == 0:
			case a.Key == "":
				plain = append(plain, members...)
			default:
				plain = append(plain, slog.GroupAttrs(a.Key, members...))
			}
		case slog.KindAny, slog.KindLogValuer:
		default:
			plain = append(plain, a)
		}
	}
	return plain
}

// What is captured decodes to equal attributes, whether they came with the record
// or before it.
func FuzzRoundTrip(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(dice.Seeded(seed, 30+int(seed)).Left)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice.Dice{Left: data}
		with, own := plainAttrs(d.Attrs(4, 2)), plainAttrs(d.Attrs(9, 4))
		r := slog.NewRecord(d.Time(), slog.Level(int64(d.Uint64())), d.Text(), 0)
		r.AddAttrs(own...)
		got := captured(t, New(options()).WithAttrs(with), r)
		if !got.Time.Equal(r.Time) || got.Level != r.Level || got.Message != r.Message || got.Observed.IsZero() || got.Cut {
			t.Errorf("got %+v of %+v", got, r)
		}
		equalAttrs(t, append(with, own...), got.Attrs)
	})
}

// A level that does not fit into 16 bits is kept all the same.
func TestAnyLevel(t *testing.T) {
	for _, l := range []slog.Level{0, -4, math.MaxInt16, math.MaxInt16 + 1, math.MinInt16, math.MinInt16 - 1, math.MaxInt, math.MinInt} {
		got := captured(t, New(options()), slog.NewRecord(recordTime, l, "m", 0))
		if got.Level != l || got.Message != "m" || !got.Time.Equal(recordTime) {
			t.Errorf("level %d: got %+v", l, got)
		}
	}
}

// When a record was logged is captured for each: its time if that is now, and now
// if it is another one, or if it has none.
func TestObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, now := New(options()), time.Now()
		for _, tt := range []struct{ at, observed time.Time }{
			{now, now},
			{time.Time{}, now},
			{recordTime, now},
			{now.Round(0), now},
			{now.Add(-time.Nanosecond).Round(0), now},
		} {
			if got := captured(t, s, slog.NewRecord(tt.at, 0, "m", 0)); !got.Observed.Equal(tt.observed) || !got.Time.Equal(tt.at) {
				t.Errorf("%v: got time %v, observed %v, want %v", tt.at, got.Time, got.Observed, tt.observed)
			}
		}
		yesterday := Options{MaxRecordBytes: 1000, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				a.Value = slog.TimeValue(a.Value.Time().Add(-24 * time.Hour))
			}
			return a
		}}
		if got := captured(t, New(yesterday), slog.NewRecord(now, 0, "m", 0)); !got.Observed.Equal(now) || !got.Time.Equal(now.Add(-24*time.Hour)) {
			t.Errorf("replaced: got time %v, observed %v", got.Time, got.Observed)
		}
	})
}

// A time with a monotonic clock reading says itself when the record was logged,
// whatever ReplaceAttr makes of it, and costs no second look at the clock.
func TestObservedIsTheTimeOfTheCall(t *testing.T) {
	at := time.Now().Add(-time.Hour)
	o := options()
	if got := captured(t, New(o), slog.NewRecord(at, 0, "m", 0)); !got.Observed.Equal(at) || !got.Time.Equal(at) {
		t.Errorf("observed %v at %v, want %v", got.Observed, got.Time, at)
	}
	for name, by := range map[string]func(slog.Attr) slog.Attr{
		"another time": func(slog.Attr) slog.Attr { return slog.Time(slog.TimeKey, recordTime.In(time.FixedZone("", 3600))) },
		"no time":      func(slog.Attr) slog.Attr { return slog.Attr{} },
		"a string":     func(slog.Attr) slog.Attr { return slog.String(slog.TimeKey, "noon") },
	} {
		o.ReplaceAttr = replacing(slog.TimeKey, by)
		got := captured(t, New(o), slog.NewRecord(at, 0, "m", 0))
		if name == "another time" && zoneOf(got.Observed) != 3600 {
			t.Errorf("observed %v in another zone than %v", got.Observed, got.Time)
		}
		if !got.Observed.Equal(at) || got.Time.Equal(at) || got.Time.IsZero() == (name == "another time") {
			t.Errorf("%s: observed %v at %v, want %v", name, got.Observed, got.Time, at)
		}
	}
}

// Handlers made from one another share nothing that one of them writes to.
func TestStatesDoNotShareAttributes(t *testing.T) {
	s := New(options()).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("h")
	a, b := s.WithGroup("x"), s.WithGroup("y")
	a1, b1 := a.WithAttrs([]slog.Attr{slog.Int("n", 1)}), b.WithAttrs([]slog.Attr{slog.Int("n", 2)})
	for _, tt := range []struct {
		s    *State
		want string
	}{
		{s, `{"g":{"a":1,"h":{"z":0}}}`},
		{a, `{"g":{"a":1,"h":{"x":{"z":0}}}}`},
		{b1, `{"g":{"a":1,"h":{"y":{"n":2,"z":0}}}}`},
		{a1, `{"g":{"a":1,"h":{"x":{"n":1,"z":0}}}}`},
	} {
		if got := attrsWith(t, tt.s, slog.Int("z", 0)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	if got := attrsWith(t, a); got != `{"g":{"a":1}}` {
		t.Errorf("without attributes of its own: %s", got)
	}
}

// Groups of States made from one another are their own, too.
func TestStatesDoNotShareGroups(t *testing.T) {
	s := New(options())
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s = s.WithGroup(name)
		x, y := s.WithGroup("x"), s.WithGroup("y")
		if got := attrsWith(t, x, slog.Int("n", 1)); !strings.Contains(got, `"x":{"n":1}`) {
			t.Errorf("after %s: %s", name, got)
		}
		if got := attrsWith(t, y, slog.Int("n", 1)); !strings.Contains(got, `"y":{"n":1}`) {
			t.Errorf("after %s: %s", name, got)
		}
	}
}

// A record of which WithAttrs left something out is cut.
func TestStateThatIsCut(t *testing.T) {
	s := New(Options{MaxRecordBytes: 100})
	for name, a := range map[string]slog.Attr{
		"a long string": slog.String("s", strings.Repeat("x", 101)), "no end": slog.Any("v", silent(40)),
	} {
		cut := s.WithAttrs([]slog.Attr{a})
		for _, s := range []*State{cut, cut.WithAttrs([]slog.Attr{slog.Int("n", 1)}), cut.WithGroup("g")} {
			if !captured(t, s, recordWith()).Cut {
				t.Errorf("%s: it is not marked", name)
			}
		}
	}
	if captured(t, s.WithAttrs([]slog.Attr{slog.String("s", strings.Repeat("x", 100))}), recordWith()).Cut {
		t.Error("what is as long as allowed is marked")
	}
}

// The names of groups, which may be long, do not stay in the pool.
func TestScratchForgetsGroups(t *testing.T) {
	w := writer{groups: make([]string, 0, 10)}
	w.begin(New(options()).c, nil)
	w.open("a")
	w.open("b")
	w.close()
	w.close()
	w.release()
	if got := strings.Join(w.groups[:cap(w.groups)], ""); got != "" {
		t.Errorf("%q is still there", got)
	}
}

// A zone has another offset in summer.
func TestZoneOfEachRecord(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	s := New(options())
	for range 3 {
		for _, at := range []time.Time{
			time.Date(2026, 1, 2, 3, 4, 5, 0, berlin), time.Date(2026, 7, 2, 3, 4, 5, 0, berlin), time.Date(2026, 7, 2, 1, 4, 5, 0, time.UTC),
			time.Date(2026, 7, 2, 3, 4, 5, 0, berlin),
		} {
			if got := captured(t, s, slog.NewRecord(at, 0, "m", 0)).Time.Format(time.RFC3339); got != at.Format(time.RFC3339) {
				t.Errorf("got %s, want %s", got, at.Format(time.RFC3339))
			}
			if got := s.c.zoneOf(at); got != zoneOf(at) {
				t.Errorf("%v: zone %d, want %d", at, got, zoneOf(at))
			}
		}
	}
}

// What changes nothing returns the State itself.
func TestStateThatStays(t *testing.T) {
	s := New(options())
	deep := s
	for range MaxDepth {
		deep = deep.WithGroup("g")
	}
	for name, got := range map[string][2]*State{
		"no name":         {s, s.WithGroup("")},
		"no attributes":   {s, s.WithAttrs(nil)},
		"empty groups":    {s, s.WithAttrs([]slog.Attr{slog.Group("g"), slog.Group("")})},
		"an empty one":    {s, s.WithAttrs([]slog.Attr{{}})},
		"too many groups": {deep, deep.WithGroup("g")},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: another State", name)
		}
	}
}

// What a value refers to may change once the call has returned.
func TestCapturedIsACopy(t *testing.T) {
	data, list := []byte("bytes"), []any{"list"}
	m := map[string]any{"k": 1}
	s := New(options())
	with := s.WithAttrs([]slog.Attr{slog.Any("b", data), slog.Any("l", list), slog.Any("m", m)})
	b := captureBy(capturing{s: s}, recordWith(slog.Any("b", data), slog.Any("l", list), slog.Any("m", m)))
	data[0], list[0], m["k"] = 'x', "x", 2
	const want = `{"b":"Ynl0ZXM=","l":["list"],"m":{"k":1}}`
	if got := string(objectOf(decode(t, b).Attrs)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := attrsWith(t, with); got != want {
		t.Errorf("by WithAttrs: %s, want %s", got, want)
	}
}

// Values that are not scalars have the kinds that they are documented to have.
func TestKindsOfValues(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want string // %T of what the Maker made, or the kind
	}{
		{nil, "*record.jsonText"},
		{[]byte("x"), "*record.rawBytes"},
		{[]byte{}, "*record.rawBytes"},
		{[]byte(nil), "*record.jsonText"},
		{errors.New("x"), "*record.errorLike"},
		{fmt.Errorf("x: %w", context.Canceled), "*record.errorLike"},
		{dice.WritesError{Writes: `{"a":1}`}, "*record.jsonText"},
		{dice.WritesError{Writes: `"x"`}, "String"},
		{(*dice.NilError)(nil), "String"},
		{dice.WritesText("x"), "String"},
		{slog.LevelWarn, "String"},
		{make(chan int), "String"},
		{json.Number("5"), "*record.jsonText"},
		{dice.Stringer(3), "*record.jsonText"},
		{struct{}{}, "*record.jsonText"},
		{[]int{1}, "*record.jsonText"},
		{json.RawMessage("true"), "*record.jsonText"},
		{int8(5), "Int64"},
		{time.Second, "Duration"},
		{recordTime, "Time"},
		{math.NaN(), "Float64"},
		{new(slog.LevelVar), "String"},
		{complex(1, 2), "String"},
		{&recordTime, "String"},
	} {
		v := captured(t, New(options()), recordWith(slog.Any("v", tt.v))).Attrs[0].Value
		got := v.Kind().String()
		if v.Kind() == slog.KindAny {
			got = fmt.Sprintf("%T", v.Any())
		}
		if got != tt.want {
			t.Errorf("%T %v is %s, want %s", tt.v, tt.v, got, tt.want)
		}
	}
}

// Where encoding/json has no answer a string says what was there, and the
// neighbours arrive as they are.
func TestValuesWithoutJSON(t *testing.T) {
	for name, tt := range map[string]struct {
		v    any
		want string
	}{
		"a channel":                     {make(chan int), `"!ERROR: chan int: json: unsupported type: chan int"`},
		"a complex number":              {complex(1, -2), `"(1-2i)"`},
		"NaN":                           {math.NaN(), `"NaN"`},
		"an infinity":                   {math.Inf(-1), `"-Inf"`},
		"a cyclic map":                  {dice.CyclicMap(), `"!ERROR: map[string]interface {}: it is cyclic, or nests too deeply"`},
		"a marshaler that panics":       {[]any{dice.Panics{}}, `"!PANIC: []interface {}: MarshalJSON"`},
		"a marshaler of no error":       {struct{ dice.Panics }{}, `"LogValue`},
		"a nil pointer that panics":     {(*dice.NilError)(nil), `"<nil>"`},
		"an error in broken UTF-8":      {fmt.Errorf("w: %w", errors.New("x\xff")), "\"w: x\ufffd\""},
		"a number for no float64":       {json.Number("-1e400"), `"-1e400"`},
		"a year for no RFC 3339":        {time.Date(12345, 1, 2, 3, 4, 5, 0, time.UTC), `"12345-01-02T03:04:05Z"`},
		"an error with JSON of its own": {dice.WritesError{Writes: `"JSON"`}, `"JSON"`},
		"equal keys":                    {json.RawMessage(`{"k":1,"\u006b":2}`), `{"k":2}`},
		"an error that panics":          {panicking{}, `"!PANIC: record.panicking: no text"`},
	} {
		s := New(options())
		for way, got := range map[string]string{
			"in a record":  attrsWith(t, s, slog.Int("a", 1), slog.Any("v", tt.v), slog.Int("b", 2)),
			"by WithAttrs": attrsWith(t, s.WithAttrs([]slog.Attr{slog.Int("a", 1), slog.Any("v", tt.v)}), slog.Int("b", 2)),
		} {
			if !strings.HasPrefix(got, `{"a":1,"v":`+tt.want) || !strings.HasSuffix(got, `,"b":2}`) {
				t.Errorf("%s, %s: %s, want %s", name, way, got, tt.want)
			}
		}
	}
}

// panicking is an error without a text.
type panicking struct{}

func (panicking) Error() string { panic("no text") }

// ContextAttrs are at the root, first, and shown to ReplaceAttr without groups;
// a panic in it is said.
func TestContextAttrs(t *testing.T) {
	o := options()
	o.ContextAttrs = func(ctx context.Context) []slog.Attr {
		return []slog.Attr{slog.Any("trace_id", ctx.Value(traceID{})), slog.Group("g", slog.Int("in", 1))}
	}
	var seen []string
	o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if groups != nil {
			seen = append(seen, strings.Join(append(groups, a.Key), "/"))
		}
		return a
	}
	h := capturing{s: New(o).WithGroup("h").WithAttrs([]slog.Attr{slog.Int("with", 2)})}
	var b []byte
	h.kept = &b
	h.Handle(context.WithValue(t.Context(), traceID{}, "t"), recordWith(slog.Int("own", 3)))
	if got, want := string(objectOf(decode(t, b).Attrs)), `{"trace_id":"t","g":{"in":1},"h":{"with":2,"own":3}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := strings.Join(seen, " "), "h/with trace_id g/in h/own"; got != want {
		t.Errorf("ReplaceAttr saw %s, want %s", got, want)
	}
	o = options()
	o.ContextAttrs = func(context.Context) []slog.Attr { panic("no context") }
	if got, want := attrsWith(t, New(o), slog.Int("a", 1)), `{"!PANIC":"ContextAttrs: no context","a":1}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

type traceID struct{}

// A record of scalars is captured and decoded without an allocation, also with
// WithAttrs, groups and a source.
func TestNoAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes sync.Pool forget")
	}
	o := options()
	o.AddSource = true
	s := New(o).WithAttrs(tenAttrs()).WithGroup("g")
	r := slog.NewRecord(recordTime, 0, "m", callerPC())
	r.AddAttrs(slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", 1503*time.Microsecond), slog.Bool("cached", false), slog.Time("at", recordTime))
	d := NewDecoder(maker{})
	var got Record
	if n := testing.AllocsPerRun(1000, func() {
		c := s.Capture(context.Background(), &r)
		if d.Decode(c.Bytes, &got) != nil {
			t.Error("it is corrupt")
		}
		c.Free()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
