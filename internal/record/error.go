package record

import (
	"encoding/binary"
	"log/slog"
	"path"
	"reflect"
	"runtime"
	"sync"

	"github.com/slogship/slogship/internal/jsontext"
)

const (
	maxFrames = 64  // of a stack
	maxChain  = 100 // errors that are looked at in one chain
)

// error captures err: its text, its type and, if it has one, its stack.
func (w *writer) error(key string, err error) {
	text, panicked := errorText(err)
	if panicked {
		w.string(kindString, key, w.bounded(text))
		return
	}
	w.string(kindError, key, w.bounded(text))
	t, stack := lookInto(err)
	w.buf = appendString(w.buf, w.bounded(t.String()))
	w.buf = appendStack(w.buf, stack)
}

// errorText returns the text of err, or a description if its method panics.
func errorText(err error) (text string, panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			text, panicked = jsontext.DescribePanic(err, r), true
		}
	}()
	return err.Error(), false
}

// lookInto walks the chain of err, as errors.Is does. It returns the most specific
// type, which is the first one from outside the packages that only wrap, or else the
// last one, and the innermost stack, which shows where the error comes from.
func lookInto(err error) (t reflect.Type, stack []*source) {
	t = reflect.TypeOf(err)
	defer func() { _ = recover() }() // after a panic in Unwrap or StackTrace the results so far are returned
	own, left := false, maxChain
	var look func(err error)
	look = func(err error) {
		for ; err != nil && left > 0; left-- {
			if !own {
				t = reflect.TypeOf(err)
				own = isOwn(t)
			}
			if s := stackOf(err); s != nil {
				stack = s
			}
			switch u := err.(type) { //nolint:errorlint // this is the walk itself
			case interface{ Unwrap() error }:
				err = u.Unwrap()
			case interface{ Unwrap() []error }:
				left--
				for _, e := range u.Unwrap() {
					look(e)
				}
				return
			default:
				return
			}
		}
	}
	look(err)
	return t, stack
}

// isOwn reports whether t is from outside the packages that only wrap: fmt, errors,
// and those of that name that replace it (github.com/pkg/errors and its like).
func isOwn(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() != "fmt" && path.Base(t.PkgPath()) != "errors"
}

// stackOf is the stack that err carries, innermost frame first.
func stackOf(err error) []*source {
	switch e := err.(type) { //nolint:errorlint // of this one error
	case interface{ StackTrace() []uintptr }:
		return sourcesOf(e.StackTrace())
	case interface{ StackTrace() *runtime.Frames }:
		return framesOf(e.StackTrace())
	case interface{ StackTrace() runtime.Frames }:
		f := e.StackTrace()
		return framesOf(&f)
	}
	t := reflect.TypeOf(err)
	if !hasStackTrace(t) {
		return nil
	}
	// As of github.com/pkg/errors: a slice of program counters of a type of its
	// own.
	v := reflect.ValueOf(err).MethodByName("StackTrace").Call(nil)[0]
	pcs := make([]uintptr, min(v.Len(), maxFrames))
	for i := range pcs {
		pcs[i] = uintptr(v.Index(i).Uint())
	}
	return sourcesOf(pcs)
}

// stackTracers caches hasStackTrace.
var stackTracers sync.Map // reflect.Type -> bool

// hasStackTrace reports whether t has a method StackTrace that returns a slice of
// program counters, whatever their type is called.
func hasStackTrace(t reflect.Type) bool {
	if has, ok := stackTracers.Load(t); ok {
		return has.(bool)
	}
	has := false
	// A name that is a constant: for others the linker would have to keep every
	// method of the program.
	if m, ok := t.MethodByName("StackTrace"); ok && m.Type.NumIn() == 1 && m.Type.NumOut() == 1 {
		out := m.Type.Out(0)
		has = out.Kind() == reflect.Slice && out.Elem().Kind() == reflect.Uintptr
	}
	stackTracers.Store(t, has)
	return has
}

// sourcesOf is what pcs, return addresses as runtime.Callers has them, stand for.
func sourcesOf(pcs []uintptr) (stack []*source) {
	for _, pc := range pcs[:min(len(pcs), maxFrames)] {
		stack = append(stack, sourceOf(pc))
	}
	return stack
}

func framesOf(frames *runtime.Frames) (stack []*source) {
	for more := frames != nil; more && len(stack) < maxFrames; {
		var f runtime.Frame
		if f, more = frames.Next(); f.PC != 0 {
			stack = append(stack, newSource(f.PC, slog.Source{Function: f.Function, File: f.File, Line: f.Line}))
		}
	}
	return stack
}

// appendStack appends the number of frames, and these.
func appendStack(dst []byte, stack []*source) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(stack)))
	for _, s := range stack {
		dst = append(dst, s.frame...)
	}
	return dst
}
