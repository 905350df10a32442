package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
)

// The shapes in which errors carry a stack.
type (
	// As of github.com/pkg/errors.
	frame      uintptr
	stackTrace []frame
	pkgError   struct {
		error
		stack []uintptr
	}

	pcsError       struct{ pkgError }
	framesError    struct{ pkgError }
	framesPtrError struct{ pkgError }
	otherError     struct{ pkgError } // with a StackTrace that means another thing
	panicsError    struct{ pkgError }
)

func (e pkgError) Unwrap() error { return e.error }

func (e pkgError) StackTrace() stackTrace {
	var st stackTrace
	for _, pc := range e.stack {
		st = append(st, frame(pc))
	}
	return st
}

func (e pcsError) StackTrace() []uintptr             { return e.stack }
func (e framesError) StackTrace() runtime.Frames     { return *runtime.CallersFrames(e.stack) }
func (e framesPtrError) StackTrace() *runtime.Frames { return runtime.CallersFrames(e.stack) }
func (e otherError) StackTrace() string              { return "text" }
func (e panicsError) StackTrace() []uintptr          { panic("no stack") }

// withStack is an error that carries the stack of its caller.
func withStack(err error) pkgError {
	pcs := make([]uintptr, 100)
	return pkgError{err, pcs[:runtime.Callers(2, pcs)]}
}

// errorOf is err as it is captured and decoded.
func errorOf(tb testing.TB, err error) *errorLike {
	tb.Helper()
	v := captured(tb, New(options()), recordWith(slog.Int("a", 1), slog.Any("err", err), slog.Int("b", 2))).Attrs[1].Value
	e, ok := v.Any().(*errorLike)
	if !ok {
		tb.Fatalf("%T is captured as %v", err, v)
	}
	return e
}

// The type of an error is that of the first in its chain from outside the packages
// fmt and errors.
func TestErrorTypes(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist}
	for _, tt := range []struct {
		err        error
		text, want string
	}{
		{path, "open /x: file does not exist", "*fs.PathError"},
		{fmt.Errorf("a: %w", path), "a: open /x: file does not exist", "*fs.PathError"},
		{fmt.Errorf("a: %w", fmt.Errorf("b: %w", &net.OpError{Op: "dial", Err: path})), "a: b: dial: open /x: file does not exist", "*net.OpError"},
		{errors.Join(errors.New("x"), path), "x\nopen /x: file does not exist", "*fs.PathError"},
		{fmt.Errorf("%w, %w", fmt.Errorf("x: %w", errors.New("y")), context.DeadlineExceeded), "x: y, context deadline exceeded", "context.deadlineExceededError"},
		{errors.New("x"), "x", "*errors.errorString"},
		{fmt.Errorf("a: %w", errors.New("x")), "a: x", "*errors.errorString"},
		{withStack(path), "open /x: file does not exist", "record.pkgError"},
		{cyclic{}, "cyclic", "record.cyclic"},
		{unwrapError{}, "text", "record.unwrapError"},
		{fmt.Errorf("a: %w", panicsError{withStack(path)}), "a: open /x: file does not exist", "record.panicsError"},
	} {
		if got := errorOf(t, tt.err); got.text != tt.text || got.typ != tt.want {
			t.Errorf("%T %v: %q of type %s, want %q, %s", tt.err, tt.err, got.text, got.typ, tt.text, tt.want)
		}
	}
}

// cyclic wraps itself, twice.
type cyclic struct{}

func (cyclic) Error() string     { return "cyclic" }
func (c cyclic) Unwrap() []error { return []error{c, c} }

type unwrapError struct{}

func (unwrapError) Error() string { return "text" }
func (unwrapError) Unwrap() error { panic("nothing in it") }

// An error's stack is captured in all of its usual shapes: the one of the
// innermost error that has one.
func TestErrorStacks(t *testing.T) {
	inner := withStack(errors.New("x"))
	outer := func() error { return withStack(fmt.Errorf("outer: %w", inner)) }()
	for name, err := range map[string]error{
		"pkg/errors": inner, "program counters": pcsError{inner}, "frames": framesError{inner}, "a pointer to frames": framesPtrError{inner},
		"wrapped": fmt.Errorf("w: %w", inner), "wrapped twice": outer, "joined": errors.Join(errors.New("y"), inner),
		"pointer": &inner, "another StackTrace around it": otherError{pkgError{inner, nil}},
	} {
		got := errorOf(t, err)
		if len(got.stack) < 2 || !strings.HasSuffix(got.stack[0].Function, ".TestErrorStacks") || !strings.HasSuffix(got.stack[0].File, "error_test.go") ||
			got.stack[0].Line == 0 || !strings.HasSuffix(got.stack[1].Function, "testing.tRunner") {
			t.Errorf("%s: the stack is %+v", name, got.stack)
		}
	}
	for name, err := range map[string]error{"none": errors.New("x"), "a panic": panicsError{pkgError{errors.New("x"), nil}}, "empty": pcsError{pkgError{errors.New("x"), nil}}} {
		if got := errorOf(t, err); got.stack != nil {
			t.Errorf("%s: the stack is %+v", name, got.stack)
		}
	}
}

// A stack is cut after 64 frames, its innermost.
func TestDeepStack(t *testing.T) {
	var deep func(n int) pkgError
	deep = func(n int) pkgError {
		if n == 0 {
			return withStack(errors.New("deep"))
		}
		return deep(n - 1)
	}
	e := deep(90)
	for _, err := range []error{e, pcsError{e}, framesError{e}} {
		if got := errorOf(t, err).stack; len(got) != maxFrames || !strings.Contains(got[0].Function, "TestDeepStack") {
			t.Errorf("%T: %d frames, want %d", err, len(got), maxFrames)
		}
	}
}
