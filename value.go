package slogship

import (
	"fmt"
	"log/slog"
	"reflect"

	"github.com/goccy/go-json"
)

// appendAny appends a value that is no scalar, inside depth objects, as
// encoding/json would. Whatever v is, what is appended is valid JSON in valid
// UTF-8, and nothing panics: where encoding/json has no answer, a string says
// what was there.
func appendAny(dst []byte, v any, depth int) (out []byte) {
	defer func() {
		if r := recover(); r != nil {
			// dst is as it was: only what is complete is assigned to out.
			out = AppendString(dst, describePanic(v, r))
		}
	}()
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case slog.Level:
		return AppendString(dst, v.String())
	case json.Marshaler: // before error: the one that says how it wants to be written wins
	case error:
		return AppendString(dst, v.Error())
	}
	text, err := json.MarshalWithOption(v, json.DisableHTMLEscape())
	if err == nil {
		if out, ok := appendValid(dst, text, maxDepth-depth); ok {
			return out
		}
		err = errInvalidJSON
	}
	return AppendString(dst, describeUnencodable(v, err))
}

// describePanic is what is written for v, whose method panicked with r.
func describePanic(v, r any) string {
	// A method that does not expect its receiver to be nil, most likely.
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
		return "<nil>"
	}
	return fmt.Sprintf("!PANIC: %T: %v", v, r)
}

// describeUnencodable is what is written for v, which JSON cannot express. It
// names the type, never formats the value itself unless that is flat: a value
// may be cyclic.
func describeUnencodable(v any, err error) string {
	switch v := v.(type) {
	case float32, float64, complex64, complex128:
		return fmt.Sprint(v)
	}
	switch reflect.ValueOf(v).Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return fmt.Sprintf("!ERROR: %T", v)
	}
	return fmt.Sprintf("!ERROR: %T: %v", v, err)
}
