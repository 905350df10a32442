package slogship

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// dice is where random records come from: a fuzzer's bytes, or a generator's.
// When there are none left all dice show 0, which everywhere stands for
// something that ends.
type dice struct{ left []byte }

func seeded(seed uint64, n int) *dice {
	d := &dice{left: make([]byte, n)}
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range d.left {
		d.left[i] = byte(r.Uint32())
	}
	return d
}

// n is a number below limit, which is at most 256.
func (d *dice) n(limit int) int {
	if len(d.left) == 0 {
		return 0
	}
	v := int(d.left[0]) % limit
	d.left = d.left[1:]
	return v
}

func (d *dice) uint64() uint64 {
	var b [8]byte
	n := copy(b[:], d.left)
	d.left = d.left[n:]
	return binary.LittleEndian.Uint64(b[:])
}

func pick[T any](d *dice, from ...T) T { return from[d.n(len(from))] }

func (d *dice) string() string {
	if d.n(4) > 0 {
		return pick(d, "", "x", "plain", `q"uote\`, "tab\tline\n\x00\x7f", "é世界😀", "\u2028\u2029<&>", "bad\xff\xfe", "half \xed\xa0\x80", strings.Repeat("long ", 30))
	}
	n := min(d.n(20), len(d.left))
	s := string(d.left[:n])
	d.left = d.left[n:]
	return s
}

func (d *dice) key() string {
	return pick(d, "a", "b", "c", "g", "x.y", "level", "level_", "context", "context_", "_cut", "msg", "time", "source", "file", "", "é", "bad\xff", `q"`, "id", "timestamp")
}

func (d *dice) attrs(most, depth int) []slog.Attr {
	attrs := make([]slog.Attr, d.n(most+1))
	for i := range attrs {
		attrs[i] = d.attr(depth)
	}
	return attrs
}

func (d *dice) attr(depth int) slog.Attr {
	if d.n(20) == 19 {
		return slog.Attr{}
	}
	return slog.Attr{Key: d.key(), Value: d.value(depth)}
}

func (d *dice) value(depth int) slog.Value {
	switch d.n(16) {
	case 0:
		return slog.Int64Value(pick[int64](d, 0, 1, -1, 42, math.MaxInt64, math.MinInt64))
	case 1, 2:
		return slog.StringValue(d.string())
	case 3:
		return slog.Uint64Value(pick(d, 0, math.MaxUint64, d.uint64()))
	case 4:
		return slog.Float64Value(d.float())
	case 5:
		return slog.BoolValue(d.n(2) == 0)
	case 6:
		return slog.DurationValue(time.Duration(d.uint64()))
	case 7:
		return slog.TimeValue(d.time())
	case 8, 9, 10:
		if depth > 0 {
			return slog.GroupValue(d.attrs(4, depth-1)...)
		}
		return slog.GroupValue()
	case 11:
		return slog.AnyValue(d.logValuer(depth))
	}
	return slog.AnyValue(d.any(depth))
}

func (d *dice) float() float64 {
	return pick(d, 0, 1, -1.5, math.Copysign(0, -1), 1e20, 1e21, 1e-6, 1e-7, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, 2.2e-308,
		math.NaN(), math.Inf(1), math.Inf(-1), math.Float64frombits(d.uint64()))
}

func (d *dice) time() time.Time {
	t := pick(d,
		time.Unix(0, 0).UTC(),
		time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 120000000, time.FixedZone("", 5*3600+1800)),
		time.Time{},
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Unix(int64(d.uint64()>>24), 0),
	)
	return pick(d, t, t.Local(), t.In(time.FixedZone("far", -23*3600-59*60)))
}

// logValuer is one of a few kinds of slog.LogValuer.
func (d *dice) logValuer(depth int) any {
	switch d.n(6) {
	case 0:
		return yields{d.value(0)}
	case 1:
		return yields{d.value(max(depth-1, 0))}
	case 2:
		return yields{slog.AnyValue(yields{d.value(max(depth-1, 0))})}
	case 3:
		return yields{slog.GroupValue(slog.Any(d.key(), yields{slog.GroupValue()}))}
	case 4:
		return endless{}
	}
	return panics{}
}

type yields struct{ v slog.Value }

func (y yields) LogValue() slog.Value { return y.v }

// endless resolves to itself.
type endless struct{}

func (e endless) LogValue() slog.Value { return slog.AnyValue(e) }

// panics does in whatever it is asked.
type panics struct{}

func (panics) LogValue() slog.Value         { panic("LogValue") }
func (panics) Error() string                { panic("Error") }
func (panics) MarshalJSON() ([]byte, error) { panic("MarshalJSON") }

type nilError struct{}

func (*nilError) Error() string { panic("nil") }

type panicsText struct{}

func (p *panicsText) MarshalText() ([]byte, error) { panic(p) }

// writes returns itself as JSON, whatever that is.
type writes string

func (w writes) MarshalJSON() ([]byte, error) { return []byte(w), nil }

// writesError is an error as well, and wants to be JSON.
type writesError struct{ writes }

func (writesError) Error() string { return "not this" }

type writesText string

func (w writesText) MarshalText() ([]byte, error) { return []byte(w), nil }

type writesPointer struct{ S string }

func (w *writesPointer) MarshalJSON() ([]byte, error) { return json.Marshal("p:" + w.S) }

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no \xff JSON") }

type stringer int

func (stringer) String() string { return "a stringer" }

type node struct {
	Name string `json:"name"`
	Next *node  `json:"next,omitempty"`
}

type embedded struct {
	node
	*stringerField
	Kids    []*node          `json:"kids"`
	Any     any              `json:"any,omitempty"`
	Count   map[int]string   `json:"-"`
	Names   map[string][]int `json:",omitempty"`
	Float   float32          `json:"float,string"`
	At      time.Time
	private int
}

type stringerField struct{ S stringer }

// any is a value that is no scalar, or one inside an interface.
func (d *dice) any(depth int) any {
	switch d.n(28) {
	case 0:
		return nil
	case 1:
		return errors.New(d.string())
	case 2:
		return fmt.Errorf("wrapped: %w", errors.New(d.string()))
	case 3:
		return writes(d.json())
	case 4:
		return writesText(d.string())
	case 5:
		return pick[any](d, writesPointer{"x"}, &writesPointer{"y"}, []writesPointer{{"z"}}, [1]writesPointer{{"z"}}, (*writesPointer)(nil), map[string]writesPointer{"k": {"v"}})
	case 6:
		return json.RawMessage(d.json())
	case 7:
		return pick[any](d, panics{}, (*nilError)(nil), &panicsText{}, (*panicsText)(nil), []any{1, panics{}}, failing{}, writesError{`"JSON"`})
	case 8:
		return pick[any](d, make(chan int), func() {}, complex(1, -2), struct{ C chan int }{}, map[string]any{"f": func() {}}, uintptr(7), math.NaN(), struct{ F float64 }{math.NaN()}, []any{math.Inf(1)})
	case 9:
		return pick[any](d, cyclicMap(), cyclicSlice(), cyclicPointer())
	case 10:
		return pick[any](d, (*slog.Source)(nil), &slog.Source{}, &slog.Source{Function: "f", File: "/a/b.go", Line: 7}, &slog.Source{File: "only"})
	case 11:
		return pick[any](d, slog.LevelInfo, slog.Level(-3), slog.LevelError+2, new(slog.LevelVar), slog.Source{File: "by value"})
	case 12:
		return d.time()
	case 13:
		return pick[any](d, stringer(3), time.Second, []byte(d.string()), [3]byte{1, 2, 3}, []string(nil), map[string]int(nil), []int{}, map[string]any(nil), []any(nil), map[string]any{}, []any{})
	case 14:
		return []string{d.string(), d.string()}
	case 15:
		return map[string]string{d.string(): d.string(), d.key(): "v"}
	case 16:
		return pick[any](d, map[int]bool{2: true, -1: false}, map[stringer]int{1: 2}, map[writesText]int{"b\xff": 1, "a": 2}, map[bool]int{true: 1}, map[float64]string{0.5: "x"}, map[[2]int]int{{1, 2}: 3})
	case 17:
		return node{d.string(), &node{d.string(), nil}}
	case 18:
		return &embedded{node: node{Name: "n"}, Kids: []*node{nil, {Name: d.string()}}, Any: d.any(depth - 1), Names: map[string][]int{d.string(): {1}}, Float: 0.1, At: time.Unix(1, 0).UTC()}
	case 19:
		return embedded{stringerField: &stringerField{3}}
	case 20:
		return json.Number(pick(d, "1", "-0.5e3", "1e400", "", "no number"))
	case 21:
		return pick[any](d, struct{}{}, &struct{ P *int }{}, struct{ E error }{errors.New("inside")}, [2]bool{true}, float32(0.1), int8(-8), uint16(16))
	}
	if depth <= 0 {
		return d.string()
	}
	if d.n(2) == 0 {
		list := make([]any, d.n(4))
		for i := range list {
			list[i] = d.element(depth - 1)
		}
		return list
	}
	object := map[string]any{}
	for range d.n(4) {
		object[pick(d, d.key(), d.string())] = d.element(depth - 1)
	}
	return object
}

// element is what stands in a map or slice of any.
func (d *dice) element(depth int) any {
	return pick[any](d, nil, d.string(), d.n(100), int64(d.uint64()), d.float(), true, d.any(depth), d.any(depth), d.any(depth))
}

// json is what a marshaler might return.
func (d *dice) json() string {
	return pick(d, `null`, ` { "a" : [ 1 , 2.50 , -0 , 1e5 ] , "b\u0062" : "\ud83d\ude00" } `, `{"a":1,"a":{"b":2,"b":3}}`, `"\ud800 \udc00\ud800"`,
		"\"bad \xff\xc3\"", `[1e999,-1e999,1e-999,123456789012345678901234567890]`, `"`+"\u2028<>&"+`"`, `{"k\"\\\/\b\f":"\n"}`,
		``, `{`, `nul`, `01`, `"x`, "\"\x01\"", `[1,]`, `1 2`, `{"a" 1}`, `[[[[[[]]]]]]`, "{\"\xff\":1,\"\xfe\":2}",
		strings.Repeat(`[`, 20000)+strings.Repeat(`]`, 20000), strings.Repeat(`[`, 20000), strings.Repeat("9", 400))
}

func cyclicMap() any {
	m := map[string]any{"n": 1}
	m["m"] = map[string]any{"m": m}
	return m
}

func cyclicSlice() any {
	s := make([]any, 2)
	s[0], s[1] = s, s
	return s
}

func cyclicPointer() any {
	n := &node{Name: "n"}
	n.Next = n
	return n
}
