package jsontext

import (
	stdjson "encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
)

// weigh returns errTooLong if the text of v would be longer than most bytes, and
// errTooDeep if it would be nested deeper than depth. It does so before anything is
// written, because an encoder always writes the whole value. A linked list of a million
// nodes would otherwise end the process. So would 40 nodes with two pointers each to
// the next one, whose text has 2^40 of them.
//
// It counts the least that can be written, at least a byte for each value, so that it
// looks at most at as many values as most says. What a marshaler writes is not known in
// advance.
func weigh(v any, most, depth int) error {
	w := weighing{left: most}
	w.value(reflect.ValueOf(v), depth)
	return w.err
}

type weighing struct {
	left int // bytes
	err  error
}

func (w *weighing) take(n int) {
	if w.left -= n; w.left < 0 && w.err == nil {
		w.err = errTooLong
	}
}

func (w *weighing) value(v reflect.Value, depth int) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if w.take(1); w.err != nil || v.IsNil() || weightOf(v.Type()).opaque { // a pointer may be to itself
			return
		}
		v = v.Elem()
	}
	if w.take(1); w.err != nil || !v.IsValid() {
		return
	}
	if v.Type() == stringType { // mostly; it is not looked up
		w.take(v.Len())
		return
	}
	t := weightOf(v.Type())
	if t.opaque {
		return
	}
	switch v.Kind() {
	case reflect.String:
		w.take(v.Len())
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
		if depth == 0 {
			w.err = errTooDeep
			return
		}
		w.members(v, t, depth-1)
	}
}

// members weighs what is in v.
func (w *weighing) members(v reflect.Value, t *weight, depth int) {
	switch {
	case v.Kind() == reflect.Struct:
		for _, i := range t.fields {
			if f := v.Field(i.at); w.err == nil && (!i.omitted || !f.IsZero()) {
				w.value(f, depth)
			}
		}
	case t.light:
		w.take(v.Len())
	case v.Kind() == reflect.Map:
		for i := v.MapRange(); w.err == nil && i.Next(); {
			if k := i.Key(); k.Kind() == reflect.String {
				w.take(k.Len())
			}
			w.value(i.Value(), depth)
		}
	default:
		for i, n := 0, v.Len(); i < n && w.err == nil; i++ {
			w.value(v.Index(i), depth)
		}
	}
}

// A weight is what weigh has to know of a type.
type weight struct {
	opaque bool    // its values, or pointers to them, have methods such as MarshalJSON
	light  bool    // what its values hold is of a few bytes each
	fields []field // of a struct, those that are written and not light
}

type field struct {
	at      int
	omitted bool // if it is empty
}

var stringType = reflect.TypeFor[string]()

// weights caches weightOf.
var weights sync.Map // reflect.Type -> *weight

func weightOf(t reflect.Type) *weight {
	if w, ok := weights.Load(t); ok {
		return w.(*weight)
	}
	w := &weight{opaque: t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[stdjson.Number]() || marshals(t) ||
		t.Kind() != reflect.Interface && marshals(reflect.PointerTo(t))}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if tag := f.Tag.Get("json"); (f.IsExported() || f.Anonymous) && tag != "-" && !light(f.Type.Kind()) {
				w.fields = append(w.fields, field{i, strings.Contains(tag, ",omit")})
			}
		}
	case reflect.Map:
		w.light = light(t.Key().Kind()) && light(t.Elem().Kind())
	case reflect.Slice, reflect.Array:
		w.light = light(t.Elem().Kind())
	}
	weights.Store(t, w)
	return w
}

func light(k reflect.Kind) bool { return k >= reflect.Bool && k <= reflect.Float64 }
