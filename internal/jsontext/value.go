package jsontext

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

// Bounds are the limits of one value that AppendAny writes.
type Bounds struct {
	String int // bytes of a string; the rest of a longer one is cut off
	Text   int // bytes of the text, above which the value is given up
	Depth  int // of objects and arrays in it
}

// AppendAny appends v as slog.JSONHandler would write it, in canonical form. It never
// panics: a value that encoding/json cannot encode becomes a string that describes it.
// short reports whether a string in it, or the whole text, was longer than b allows.
//
// An error that has no MarshalJSON is its text.
func AppendAny(dst []byte, v any, b Bounds) (out []byte, short bool) {
	m := marshaling{buf: dst, bounds: b, limit: len(dst) + b.Text}
	defer func() {
		if r := recover(); r != nil {
			m.buf = dst
			m.string(DescribePanic(v, r))
			out, short = m.buf, m.short
		}
	}()
	if _, ok := v.(stdjson.Marshaler); !ok { // which says how it wants to be written, be it an error or not
		if err, ok := v.(error); ok {
			m.string(err.Error())
			return m.buf, m.short
		}
	}
	err := m.value(v, b.Depth)
	if err == nil && m.doubled {
		m.buf, _ = AppendValid(dst, slices.Clone(m.buf[len(dst):]), b.Depth)
	}
	if err != nil {
		m.buf = dst
		m.string(describeUnencodable(v, err))
	}
	return m.buf, m.short
}

// DescribePanic is what is written for v, whose method panicked with r.
func DescribePanic(v, r any) string {
	// A method that does not expect its receiver to be nil, most likely.
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
		return "<nil>"
	}
	return "!PANIC: " + TypeName(v) + ": " + PanicText(r)
}

// describeUnencodable is what is written for v, which JSON cannot express.
func describeUnencodable(v any, err error) string {
	switch v.(type) {
	case complex64, complex128:
		return fmt.Sprint(v)
	}
	return "!ERROR: " + TypeName(v) + ": " + err.Error()
}

// PanicText returns the text of a panic value. It does not format values that may be
// cyclic or may panic in turn.
func PanicText(r any) (text string) {
	defer func() {
		if recover() != nil {
			text = TypeName(r)
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
	return TypeName(r)
}

// TypeName is the name of v's type as %T prints it.
func TypeName(v any) string { return fmt.Sprintf("%T", v) }

// marshaling is the writing of one value as encoding/json would write it.
//
// It writes maps and slices of any itself, which most values are that are not scalar.
// So it can stop when the text becomes too long: a slice with the same slice in it
// twice, and so on, would otherwise fill the memory.
type marshaling struct {
	buf     []byte
	bounds  Bounds
	limit   int  // of buf
	short   bool // something was cut off
	doubled bool // two keys of an object may be equal as they are written
}

func (m *marshaling) string(s string) {
	if len(s) > m.bounds.String {
		s, m.short = RunePrefix(s, m.bounds.String), true
	}
	m.buf = AppendString(m.buf, s)
}

// value writes v, which may nest up to depth deep.
func (m *marshaling) value(v any, depth int) error {
	switch v := v.(type) {
	case nil:
		m.buf = append(m.buf, "null"...)
	case string:
		m.string(v)
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
		if v != nil {
			return m.object(v, depth-1)
		}
		m.buf = append(m.buf, "null"...)
	case []any:
		if v != nil {
			return m.array(v, depth-1)
		}
		m.buf = append(m.buf, "null"...)
	default:
		return m.other(v, depth)
	}
	return nil
}

// object writes o, in which values may nest up to depth deep.
func (m *marshaling) object(o map[string]any, depth int) error {
	if depth < 0 {
		return errTooDeep
	}
	var few [16]string
	names := slices.AppendSeq(few[:0], maps.Keys(o))
	slices.Sort(names) // as encoding/json does, so that the same one of two names in broken UTF-8 is last
	m.buf = append(m.buf, '{')
	for _, name := range names {
		m.doubled = m.doubled || !IsValid(name)
		m.buf = AppendKey(m.buf, name)
		if err := m.inner(o[name], depth); err != nil {
			return err
		}
	}
	m.buf = append(m.buf, '}')
	return nil
}

// array writes a, in which values may nest up to depth deep.
func (m *marshaling) array(a []any, depth int) error {
	if depth < 0 {
		return errTooDeep
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
	if len(m.buf) > m.limit {
		m.short = true
		return errTooLong
	}
	return m.value(v, depth)
}

// other writes a value of any other type. The output of the encoder is validated,
// because a marshaler or another package wrote it.
func (m *marshaling) other(v any, depth int) error {
	if err := weigh(v, m.limit-len(m.buf), depth); err != nil {
		m.short = m.short || errors.Is(err, errTooLong)
		return err
	}
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
	if len(m.buf)+len(text) > m.limit {
		m.short = true
		return errTooLong
	}
	out, ok := AppendValid(m.buf, text, depth)
	if !ok {
		return errInvalidJSON
	}
	m.buf = out
	return nil
}

// keepScratch is the largest scratch buffer that goes back to the pool.
const keepScratch = 64 << 10

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
