package slogship

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/goccy/go-json"
)

var (
	errInvalidJSON = errors.New("what its marshaler returned is not valid JSON")
	errNotFinite   = errors.New("it holds NaN or an infinity")
	errTooDeep     = errors.New("it is cyclic, or nests too deeply")
	errTooLong     = errors.New("it is too long")
)

// appendAny appends a value that is no scalar, as slog.JSONHandler would.
// Whatever v is, what is appended is valid JSON in valid UTF-8, and nothing
// panics: where encoding/json has no answer, a string says what was there.
func (w *attrWriter) appendAny(dst []byte, v any) (out []byte) {
	defer func() {
		if r := recover(); r != nil {
			out = AppendString(dst, runePrefix(describePanic(v, r), w.longest))
		}
	}()
	if _, ok := v.(stdjson.Marshaler); !ok { // which says how it wants to be written, be it an error or not
		if err, ok := v.(error); ok {
			return AppendString(dst, runePrefix(err.Error(), w.longest))
		}
	}
	m := marshaling{buf: dst, longest: w.longest, limit: len(dst) + w.limit}
	err := m.value(v, maxDepth-w.depth)
	if err == nil {
		return m.buf
	}
	w.full = w.full || m.full
	return AppendString(dst, runePrefix(describeUnencodable(v, err), w.longest))
}

// describePanic is what is written for v, whose method panicked with r.
func describePanic(v, r any) string {
	// A method that does not expect its receiver to be nil, most likely.
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
		return "<nil>"
	}
	return "!PANIC: " + typeName(v) + ": " + panicText(r)
}

// describeUnencodable is what is written for v, which JSON cannot express.
func describeUnencodable(v any, err error) string {
	switch v.(type) {
	case complex64, complex128:
		return fmt.Sprint(v)
	}
	return "!ERROR: " + typeName(v) + ": " + err.Error()
}

// panicText is what a panic says. It looks into nothing that may be cyclic, or
// panic in turn.
func panicText(r any) (text string) {
	defer func() {
		if recover() != nil {
			text = typeName(r)
		}
	}()
	switch r := r.(type) {
	case error:
		return r.Error()
	case fmt.Stringer:
		return r.String()
	}
	switch rv := reflect.ValueOf(r); {
	case rv.Kind() == reflect.String, rv.CanInt(), rv.CanUint(), rv.CanFloat():
		return fmt.Sprint(r)
	}
	return typeName(r)
}

func typeName(v any) string { return fmt.Sprintf("%T", v) }

// marshaling is the writing of one value as encoding/json would write it.
//
// Maps and slices of any, by far the most of what is logged and no scalar, it
// writes itself. So it knows how long the text gets while it does: a slice that
// holds the same slice twice, and so on, would else fill the memory.
type marshaling struct {
	buf     []byte
	longest int  // of a string, for the rest is cut off in any case
	limit   int  // of buf
	full    bool // the limit was reached
}

// value writes v, which may nest up to depth deep.
func (m *marshaling) value(v any, depth int) error {
	switch v := v.(type) {
	case nil:
		m.buf = append(m.buf, "null"...)
	case string:
		m.buf = AppendString(m.buf, runePrefix(v, m.longest))
	case bool:
		m.buf = strconv.AppendBool(m.buf, v)
	case int:
		m.buf = AppendInt(m.buf, int64(v))
	case int64:
		m.buf = AppendInt(m.buf, v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errNotFinite
		}
		m.buf = AppendFloat(m.buf, v)
	case map[string]any:
		return m.object(v, depth-1)
	case []any:
		return m.array(v, depth-1)
	default:
		return m.other(v, depth)
	}
	return nil
}

// object writes o, in which values may nest up to depth deep.
func (m *marshaling) object(o map[string]any, depth int) error {
	if o == nil {
		m.buf = append(m.buf, "null"...)
		return nil
	}
	var few [16]string
	names := slices.AppendSeq(few[:0], maps.Keys(o))
	slices.Sort(names) // as encoding/json does, so that the same one of two names in broken UTF-8 is last
	m.buf = append(m.buf, '{')
	for _, name := range names {
		m.buf = appendKey(m.buf, name)
		if err := m.inner(o[name], depth); err != nil {
			return err
		}
	}
	m.buf = append(m.buf, '}')
	return nil
}

// array writes a, in which values may nest up to depth deep.
func (m *marshaling) array(a []any, depth int) error {
	if a == nil {
		m.buf = append(m.buf, "null"...)
		return nil
	}
	m.buf = append(m.buf, '[')
	for i, v := range a {
		if i > 0 {
			m.buf = append(m.buf, ',')
		}
		if err := m.inner(v, depth); err != nil {
			return err
		}
	}
	m.buf = append(m.buf, ']')
	return nil
}

// inner writes v, which is in a map or slice.
func (m *marshaling) inner(v any, depth int) error {
	switch {
	case depth < 0:
		return errTooDeep
	case len(m.buf) > m.limit:
		m.full = true
		return errTooLong
	}
	return m.value(v, depth)
}

// other writes a value of any other type. What an encoder made of it is looked
// through: a marshaler had its hands in it, or another package.
func (m *marshaling) other(v any, depth int) error {
	if plain(reflect.TypeOf(v)) {
		text, err := json.MarshalWithOption(v, json.DisableHTMLEscape())
		if err != nil {
			return err
		}
		return m.text(text, depth)
	}
	enc := stdEncoders.Get().(*stdEncoder)
	enc.buf.Reset()
	if err := enc.Encode(v); err != nil {
		return err
	}
	err := m.text(enc.buf.Bytes(), depth)
	if enc.buf.Cap() <= keepScratch {
		stdEncoders.Put(enc)
	}
	return err
}

func (m *marshaling) text(text []byte, depth int) error {
	out, ok := appendValid(m.buf, text, depth)
	if !ok {
		return errInvalidJSON
	}
	m.buf = out
	return nil
}

// stdEncoder is encoding/json as slog.JSONHandler uses it.
type stdEncoder struct {
	*stdjson.Encoder
	buf bytes.Buffer
}

var stdEncoders = sync.Pool{New: func() any {
	enc := new(stdEncoder)
	enc.Encoder = stdjson.NewEncoder(&enc.buf)
	enc.SetEscapeHTML(false)
	return enc
}}
