package jsontext

import (
	stdjson "encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
)

// plainTypes caches plain.
var plainTypes sync.Map // reflect.Type -> bool

// plain reports whether goccy/go-json may encode values of type t. It may if these
// consist of scalars, structs, slices and maps, without interfaces, without methods
// such as MarshalJSON, and without rare tags.
//
// go-json is much faster, but uses unsafe: v0.12.0 reads invalid memory for a **T whose
// *T has a MarshalText. It also calls the MarshalJSON of *T for a [1]T, which
// encoding/json does not, and does not support map[float64]T, which Go 1.27 does.
// Values of all other types are encoded by encoding/json, which is the reference.
func plain(t reflect.Type) bool {
	if p, ok := plainTypes.Load(t); ok {
		return p.(bool)
	}
	p := isPlain(t, map[reflect.Type]bool{})
	plainTypes.Store(t, p)
	return p
}

// isPlain is plain without its cache. known has the types seen so far. A type that
// contains itself is recursive, and counts as not plain.
func isPlain(t reflect.Type, known map[reflect.Type]bool) (ok bool) {
	if p, done := known[t]; done {
		return p
	}
	known[t] = false
	defer func() { known[t] = ok }()
	if t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[*time.Time]() {
		return true
	}
	if t == reflect.TypeFor[stdjson.Number]() || marshals(t) || marshals(reflect.PointerTo(t)) {
		return false
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Pointer:
		return t.Elem().Kind() != reflect.Pointer && isPlain(t.Elem(), known)
	case reflect.Slice:
		return isPlain(t.Elem(), known)
	case reflect.Map:
		switch t.Key().Kind() {
		case reflect.String, reflect.Int, reflect.Int64, reflect.Uint64:
			return isPlain(t.Key(), known) && isPlain(t.Elem(), known)
		}
		return false
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !f.Anonymous || f.Tag.Get("json") == "-" {
				continue
			}
			if !isPlainField(f) || !isPlain(f.Type, known) {
				return false
			}
		}
		return true
	}
	return false
}

// marshals reports whether t has a method such as MarshalJSON, by which a value writes
// itself.
func marshals(t reflect.Type) bool {
	// Names that are constants: for others the linker would have to keep every
	// method of the program.
	_, json := t.MethodByName("MarshalJSON")
	_, jsonTo := t.MethodByName("MarshalJSONTo")
	_, text := t.MethodByName("MarshalText")
	return json || jsonTo || text
}

// isPlainField reports whether f is tagged in a way that all encoders read
// alike.
func isPlainField(f reflect.StructField) bool {
	if f.Anonymous {
		return false
	}
	tag, ok := f.Tag.Lookup("json")
	if !ok {
		return !strings.Contains(string(f.Tag), "json")
	}
	name, option, _ := strings.Cut(tag, ",")
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" &&
		(option == "" || option == "omitempty")
}
