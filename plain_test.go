package slogship

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"
)

type plainName string

// Exported would be plain, but to be embedded.
type Exported struct{ A int }

// plainType is a random type that is plain.
func (d *dice) plainType(depth int) reflect.Type {
	leaf := pick(d,
		reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint64](),
		reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](),
		reflect.TypeFor[[]byte](), reflect.TypeFor[plainName](), reflect.TypeFor[stringer](), reflect.TypeFor[uint16]())
	if depth == 0 {
		return leaf
	}
	switch d.n(6) {
	case 0:
		return leaf
	case 1:
		if t := d.plainType(depth - 1); t.Kind() != reflect.Pointer {
			return reflect.PointerTo(t)
		}
		return leaf
	case 2:
		return reflect.SliceOf(d.plainType(depth - 1))
	case 3:
		key := pick(d, reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[plainName](), reflect.TypeFor[stringer](), reflect.TypeFor[uint64]())
		return reflect.MapOf(key, d.plainType(depth-1))
	}
	var fields []reflect.StructField
	for i := range d.n(6) {
		fields = append(fields, reflect.StructField{
			Name: string(rune('A' + i)),
			Type: d.plainType(depth - 1),
			Tag:  pick[reflect.StructTag](d, "", "", `json:"a"`, `json:"b,omitempty"`, `json:",omitempty"`, `json:"-"`, `json:"snake_case" xml:"x"`, `yaml:"x"`),
		})
	}
	return reflect.StructOf(fields)
}

// fill sets v to something random.
func (d *dice) fill(v reflect.Value) {
	if d.n(6) == 0 {
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(d.time()))
	case v.CanInt():
		v.SetInt(int64(d.uint64()))
	case v.CanUint():
		v.SetUint(d.uint64())
	case v.CanFloat():
		v.SetFloat(d.float())
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.String:
		v.SetString(d.string())
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.fill(v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), d.n(3), 2))
		for i := range v.Len() {
			d.fill(v.Index(i))
		}
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range d.n(3) {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			d.fill(key)
			d.fill(elem)
			v.SetMapIndex(key, elem)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			d.fill(v.Field(i))
		}
	}
}

// What is plain is written by goccy/go-json as encoding/json writes it.
func TestPlainTypes(t *testing.T) {
	t.Parallel()
	w := attrWriter{longest: 1 << 20, limit: 1 << 20}
	for seed := range uint64(300) {
		d := seeded(seed, 1000)
		typ := d.plainType(4)
		if !plain(typ) {
			t.Fatalf("seed %d: %v does not count as plain", seed, typ)
		}
		v := reflect.New(typ)
		d.fill(v.Elem())
		for _, v := range []any{v.Interface(), v.Elem().Interface()} {
			want, err := json.Marshal(v)
			var got, same any
			if e := json.Unmarshal(w.appendAny(nil, v), &got); e != nil {
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
	type inner struct{ P **writesPointer }
	for _, v := range []any{
		new(*writesPointer),
		new(*int),
		struct{ Exported }{},
		inner{},
		[]inner{},
		map[string]*inner{},
		struct{ I []map[int]inner }{},
		[1]writesPointer{},
		[2]int{},
		map[float64]int{},
		map[bool]int{},
		map[writesText]int{},
		map[string]writesText{},
		writes(""),
		writesPointer{},
		&writesPointer{},
		json.RawMessage{},
		json.Number(""), writesText(""), &panicsText{},
		&node{},
		struct{ N []node }{},
		[]any{},
		[]error{},
		struct{ S fmt.Stringer }{},
		embedded{},
		struct{ node }{},
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
	p := &writesPointer{"x"}
	w := attrWriter{longest: 1 << 20, limit: 1 << 20}
	for _, tt := range []struct {
		v    any
		want string
	}{
		{struct{ C **writesPointer }{&p}, `{"C":"p:x"}`},
		{&p, `"p:x"`},
		{[1]writesPointer{{"x"}}, `[{"S":"x"}]`},
		{&[1]writesPointer{{"x"}}, `["p:x"]`},
		{map[string][1]writesPointer{"k": {{"x"}}}, `{"k":[{"S":"x"}]}`},
		{[]writesPointer{{"x"}}, `["p:x"]`},
	} {
		if got := string(w.appendAny(nil, tt.v)); got != tt.want {
			t.Errorf("%T: %s, want %s", tt.v, got, tt.want)
		}
	}
}
