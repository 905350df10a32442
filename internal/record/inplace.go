package record

import (
	"log/slog"
	"reflect"
	"slices"
	"time"
	"unsafe"
)

// slogRecord is a slog.Record as log/slog of Go 1.21 to 1.26 declares it. Its methods
// NumAttrs and Attrs copy the Record, 288 bytes, for each call; Capture, which reads
// the attributes where they are, takes two thirds of the time.
type slogRecord struct {
	Time    time.Time
	Message string
	Level   slog.Level
	PC      uintptr
	front   [5]slog.Attr // the first nFront are used
	nFront  int
	back    []slog.Attr
}

// inPlace reports whether slog.Record still is a slogRecord. If it is not, its methods
// are called.
var inPlace = sameFields(reflect.TypeFor[slog.Record](), reflect.TypeFor[slogRecord]()) && sameAttrs()

// sameFields reports whether two structs have the same fields at the same places.
func sameFields(a, b reflect.Type) bool {
	if a.NumField() != b.NumField() || a.Size() != b.Size() {
		return false
	}
	for i := range a.NumField() {
		f, g := a.Field(i), b.Field(i)
		if f.Name != g.Name || f.Type != g.Type || f.Offset != g.Offset {
			return false
		}
	}
	return true
}

// sameAttrs reports whether the fields mean what we think: it tries that with records
// whose attributes fit into front, and do not.
func sameAttrs() bool {
	var r slog.Record
	for n := range 8 {
		var want []slog.Attr
		r.Attrs(func(a slog.Attr) bool {
			want = append(want, a)
			return true
		})
		front, back := attrsInPlace(&r)
		if !slices.EqualFunc(slices.Concat(front, back), want, slog.Attr.Equal) || len(want) != n {
			return false
		}
		r.AddAttrs(slog.Int("n", n))
	}
	return true
}

// attrsInPlace returns the attributes of r. It is for inPlace only.
func attrsInPlace(r *slog.Record) (front, back []slog.Attr) {
	own := (*slogRecord)(unsafe.Pointer(r))
	return own.front[:own.nFront], own.back
}

// NumAttrs is r.NumAttrs(), but does not copy r.
func NumAttrs(r *slog.Record) int {
	if !inPlace {
		return r.NumAttrs()
	}
	front, back := attrsInPlace(r)
	return len(front) + len(back)
}
