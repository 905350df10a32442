package jsontext

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
)

type plainName string

// Exported would be plain, but to be dice.Embedded.
type Exported struct{ A int }

// plainType is a random type that is plain.
func plainType(d *dice.Dice, depth int) reflect.Type {
	leaf := dice.Pick(d,
		reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint64](),
		reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](),
		reflect.TypeFor[[]byte](), reflect.TypeFor[plainName](), reflect.TypeFor[dice.Stringer](), reflect.TypeFor[uint16]())
	if depth == 0 {
		return leaf
	}
	switch d.N(6) {
	case 0:
		return leaf
	case 1:
		if t := plainType(d, depth-1); t.Kind() != reflect.Pointer {
			return reflect.PointerTo(t)
		}
		return leaf
	case 2:
		return reflect.SliceOf(plainType(d, depth-1))
	case 3:
		key := dice.Pick(d, reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[plainName](), reflect.TypeFor[dice.Stringer](), reflect.TypeFor[uint64]())
		return reflect.MapOf(key, plainType(d, depth-1))
	}
	var fields []reflect.StructField
	for i := range d.N(6) {
		fields = append(fields, reflect.StructField{
			Name: string(rune('A' + i)),
			Type: plainType(d, depth-1),
			Tag:  dice.Pick[reflect.StructTag](d, "", "", `json:"a"`, `json:"b,omitempty"`, `json:",omitempty"`, `json:"-"`, `json:"snake_case" xml:"x"`, `yaml:"x"`),
		})
	}
	return reflect.StructOf(fields)
}

// fill sets v to something random.
func fill(d *dice.Dice, v reflect.Value) {
	if d.N(6) == 0 {
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(d.Time()))
	case v.CanInt():
		v.SetInt(int64(d.Uint64()))
	case v.CanUint():
		v.SetUint(d.Uint64())
	case v.CanFloat():
		v.SetFloat(d.Float())
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.String:
		v.SetString(d.Text())
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(d, v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), d.N(3), 2))
		for i := range v.Len() {
			fill(d, v.Index(i))
		}
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range d.N(3) {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(d, key)
			fill(d, elem)
			v.SetMapIndex(key, elem)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(d, v.Field(i))
		}
	}
}

// What is plain is written by goccy/go-json as encoding/json dice.Writes it.
func TestPlainTypes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		d := dice.Seeded(seed, 1000)
		typ := plainType(d, 4)
		if !plain(typ) {
			t.Fatalf("seed %d: %v does not count as plain", seed, typ)
		}
		v := reflect.New(typ)
		fill(d, v.Elem())
		for _, v := range []any{v.Interface(), v.Elem().Interface()} {
			want, err := json.Marshal(v)
			var got, same any
			if e := json.Unmarshal(anyText(v), &got); e != nil {
				t.Fatalf("seed %d: %v: %v", seed, typ, e)
			}
			if err != nil {
				if _, ok := got.(string); !ok {
					t.Errorf("seed %d: %v: got %v, want a string", seed, typ, got)
				}
				continue
			}
			if json.Unmarshal(want, &same); !reflect.DeepEqual(got, same) {
				t.Errorf("seed %d: %v:\n got %v\nwant %v", seed, typ, got, same)
			}
		}
	}
}

// What goccy/go-json reads in another way than encoding/json, or from memory
// that is not the value's, is not plain; nor is what has such a thing in it.
func TestNotPlain(t *testing.T) {
	type inner struct{ P **dice.WritesPointer }
	for _, v := range []any{
		new(*dice.WritesPointer),
		new(*int),
		struct{ Exported }{},
		inner{},
		[]inner{},
		map[string]*inner{},
		struct{ I []map[int]inner }{},
		[1]dice.WritesPointer{},
		[2]int{},
		map[float64]int{},
		map[bool]int{},
		map[dice.WritesText]int{},
		map[string]dice.WritesText{},
		dice.Writes(""),
		dice.WritesPointer{},
		&dice.WritesPointer{},
		json.RawMessage{},
		json.Number(""), dice.WritesText(""), &dice.PanicsText{},
		&dice.Node{},
		struct{ N []dice.Node }{},
		[]any{},
		[]error{},
		struct{ S fmt.Stringer }{},
		dice.Embedded{},
		struct{ dice.Node }{},
		struct {
			A int `json:",string"`
		}{},
		struct {
			A int `json:"a b"`
		}{},
		struct {
			A int `json:",omitzero"`
		}{},
		reflect.Zero(reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[int](), Tag: `json: "a"`}})).Interface(), make(chan int), func() {}, 1i, uintptr(1),
	} {
		if typ := reflect.TypeOf(v); plain(typ) {
			t.Errorf("%v counts as plain", typ)
		}
	}
}

// A value that a pointer leads to by two steps has a marshaler with a pointer
// receiver, for which goccy/go-json v0.12.0 reads memory that is not its own.
func TestPointersToMarshalers(t *testing.T) {
	p := &dice.WritesPointer{S: "x"}
	for _, tt := range []struct {
		v    any
		want string
	}{
		{struct{ C **dice.WritesPointer }{&p}, `{"C":"p:x"}`},
		{&p, `"p:x"`},
		{[1]dice.WritesPointer{{S: "x"}}, `[{"S":"x"}]`},
		{&[1]dice.WritesPointer{{S: "x"}}, `["p:x"]`},
		{map[string][1]dice.WritesPointer{"k": {{S: "x"}}}, `{"k":[{"S":"x"}]}`},
		{[]dice.WritesPointer{{S: "x"}}, `["p:x"]`},
	} {
		if got := string(anyText(tt.v)); got != tt.want {
			t.Errorf("%T: %s, want %s", tt.v, got, tt.want)
		}
	}
}
