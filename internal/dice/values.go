package dice

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"
)

// logValuer is one of a few kinds of slog.LogValuer.
func (d *Dice) logValuer(depth int) any {
	switch d.N(6) {
	case 0:
		return Yields{d.Value(0)}
	case 1:
		return Yields{d.Value(max(depth-1, 0))}
	case 2:
		return Yields{slog.AnyValue(Yields{d.Value(max(depth-1, 0))})}
	case 3:
		return Yields{slog.GroupValue(slog.Any(d.Key(), Yields{slog.GroupValue()}))}
	case 4:
		return Endless{}
	}
	return Panics{}
}

// Yields resolves to V.
type Yields struct{ V slog.Value }

// LogValue is V.
func (y Yields) LogValue() slog.Value { return y.V }

// Endless resolves to itself.
type Endless struct{}

// LogValue is e.
func (e Endless) LogValue() slog.Value { return slog.AnyValue(e) }

// Panics does in whatever it is asked.
type Panics struct{} //nolint:errname // it is more than an error

// LogValue panics.
func (Panics) LogValue() slog.Value { panic("LogValue") }

func (Panics) Error() string { panic("Error") }

// MarshalJSON panics.
func (Panics) MarshalJSON() ([]byte, error) { panic("MarshalJSON") }

// NilError panics when its text is asked for, because it is nil.
type NilError struct{}

func (*NilError) Error() string { panic("nil") }

// PanicsText panics with itself.
type PanicsText struct{}

// MarshalText panics with p.
func (p *PanicsText) MarshalText() ([]byte, error) { panic(p) }

// Writes returns itself as JSON, whatever that is.
type Writes string

// MarshalJSON is w.
func (w Writes) MarshalJSON() ([]byte, error) { return []byte(w), nil }

// WritesError is an error as well, and wants to be JSON.
type WritesError struct{ Writes }

func (WritesError) Error() string { return "not this" }

// WritesText is a TextMarshaler.
type WritesText string

// MarshalText is w.
func (w WritesText) MarshalText() ([]byte, error) { return []byte(w), nil }

// WritesPointer has a marshaler with a pointer receiver.
type WritesPointer struct{ S string }

// MarshalJSON says that it was called by pointer.
func (w *WritesPointer) MarshalJSON() ([]byte, error) { return json.Marshal("p:" + w.S) }

// Failing has a marshaler that fails.
type Failing struct{}

// MarshalJSON fails.
func (Failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no \xff JSON") }

// Stringer is a number in JSON.
type Stringer int

func (Stringer) String() string { return "a stringer" }

// Node is part of a list, which may be cyclic.
type Node struct {
	Name string `json:"name"`
	Next *Node  `json:"next,omitempty"`
}

// Embedded has fields of many kinds.
type Embedded struct {
	Node
	*StringerField
	Kids    []*Node          `json:"kids"`
	Any     any              `json:"any,omitempty"`
	Count   map[int]string   `json:"-"`
	Names   map[string][]int `json:",omitempty"`
	Float   float32          `json:"float,string"`
	At      time.Time
	private int //nolint:unused // encoders skip it
}

// StringerField is embedded by pointer.
type StringerField struct{ S Stringer }

// Any is a value that is not a scalar, or one inside an interface.
func (d *Dice) Any(depth int) any {
	switch d.N(28) {
	case 0:
		return nil
	case 1:
		return errors.New(d.Text())
	case 2:
		return fmt.Errorf("wrapped: %w", errors.New(d.Text()))
	case 3:
		return Writes(d.JSON())
	case 4:
		return WritesText(d.Text())
	case 5:
		return Pick[any](d, WritesPointer{"x"}, &WritesPointer{"y"}, []WritesPointer{{"z"}}, [1]WritesPointer{{"z"}}, (*WritesPointer)(nil), map[string]WritesPointer{"k": {"v"}})
	case 6:
		return json.RawMessage(d.JSON())
	case 7:
		return Pick[any](d, Panics{}, (*NilError)(nil), &PanicsText{}, (*PanicsText)(nil), []any{1, Panics{}}, Failing{}, WritesError{`"JSON"`})
	case 8:
		return Pick[any](d, make(chan int), func() {}, complex(1, -2), struct{ C chan int }{}, map[string]any{"f": func() {}}, uintptr(7), math.NaN(), struct{ F float64 }{math.NaN()}, []any{math.Inf(1)})
	case 9:
		return Pick[any](d, CyclicMap(), CyclicSlice(), CyclicPointer())
	case 10:
		return Pick[any](d, (*slog.Source)(nil), &slog.Source{}, &slog.Source{Function: "f", File: "/a/b.go", Line: 7}, &slog.Source{File: "only"})
	case 11:
		return Pick[any](d, slog.LevelInfo, slog.Level(-3), slog.LevelError+2, new(slog.LevelVar), slog.Source{File: "by value"})
	case 12:
		return d.Time()
	case 13:
		return Pick[any](d, Stringer(3), time.Second, []byte(d.Text()), [3]byte{1, 2, 3}, []string(nil), map[string]int(nil), []int{}, map[string]any(nil), []any(nil), map[string]any{}, []any{})
	case 14:
		return []string{d.Text(), d.Text()}
	case 15:
		return map[string]string{d.Text(): d.Text(), d.Key(): "v"}
	case 16:
		return Pick[any](d, map[int]bool{2: true, -1: false}, map[Stringer]int{1: 2}, map[WritesText]int{"b\xff": 1, "a": 2}, map[bool]int{true: 1}, map[float64]string{0.5: "x"}, map[[2]int]int{{1, 2}: 3})
	case 17:
		return Node{d.Text(), &Node{d.Text(), nil}}
	case 18:
		return &Embedded{Node: Node{Name: "n"}, Kids: []*Node{nil, {Name: d.Text()}}, Any: d.Any(depth - 1), Names: map[string][]int{d.Text(): {1}}, Float: 0.1, At: time.Unix(1, 0).UTC()}
	case 19:
		return Embedded{StringerField: &StringerField{3}}
	case 20:
		return json.Number(Pick(d, "1", "-0.5e3", "1e400", "", "no number"))
	case 21:
		return Pick[any](d, struct{}{}, &struct{ P *int }{}, struct{ E error }{errors.New("inside")}, [2]bool{true}, float32(0.1), int8(-8), uint16(16))
	}
	if depth <= 0 {
		return d.Text()
	}
	if d.N(2) == 0 {
		list := make([]any, d.N(4))
		for i := range list {
			list[i] = d.element(depth - 1)
		}
		return list
	}
	object := map[string]any{}
	for range d.N(4) {
		object[Pick(d, d.Key(), d.Text())] = d.element(depth - 1)
	}
	return object
}

// element is what stands in a map or slice of any.
func (d *Dice) element(depth int) any {
	return Pick[any](d, nil, d.Text(), d.N(100), int64(d.Uint64()), d.Float(), true, d.Any(depth), d.Any(depth), d.Any(depth))
}

// JSON is what a marshaler might return.
func (d *Dice) JSON() string {
	return Pick(d, `null`, ` { "a" : [ 1 , 2.50 , -0 , 1e5 ] , "b\u0062" : "\ud83d\ude00" } `, `{"a":1,"a":{"b":2,"b":3}}`, `"\ud800 \udc00\ud800"`,
		"\"bad \xff\xc3\"", `[1e999,-1e999,1e-999,123456789012345678901234567890]`, `"`+"\u2028<>&"+`"`, `{"k\"\\\/\b\f":"\n"}`,
		``, `{`, `nul`, `01`, `"x`, "\"\x01\"", `[1,]`, `1 2`, `{"a" 1}`, `[[[[[[]]]]]]`, "{\"\xff\":1,\"\xfe\":2}",
		strings.Repeat(`[`, 20000)+strings.Repeat(`]`, 20000), strings.Repeat(`[`, 20000), strings.Repeat("9", 400))
}

// CyclicMap holds itself, and so on.
func CyclicMap() any {
	m := map[string]any{"n": 1}
	m["m"] = map[string]any{"m": m}
	return m
}

// CyclicSlice holds itself twice.
func CyclicSlice() any {
	s := make([]any, 2)
	s[0], s[1] = s, s
	return s
}

// CyclicPointer points to itself.
func CyclicPointer() any {
	n := &Node{Name: "n"}
	n.Next = n
	return n
}
