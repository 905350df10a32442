package slogzap

import (
	"log/slog"
	"strconv"
	"time"

	"go.uber.org/zap/zapcore"
)

// objectEncoder is a zapcore.ObjectEncoder that gathers attributes.
type objectEncoder struct {
	attrs []slog.Attr
	open  []opened // namespaces, the outermost first
}

// opened is a namespace, and where in attrs its members begin.
type opened struct {
	name  string
	begin int
}

// add adds fields. An error stays what it is, other than in zap, which makes
// strings of it here.
func (e *objectEncoder) add(fields []zapcore.Field) {
	for i := range fields {
		if f := &fields[i]; f.Type == zapcore.ErrorType {
			e.attr(f.Key, slog.AnyValue(f.Interface))
		} else {
			f.AddTo(e)
		}
	}
}

// close closes the namespaces, and returns the attributes.
func (e *objectEncoder) close() []slog.Attr {
	for i := len(e.open) - 1; i >= 0; i-- {
		g := e.open[i]
		members := append([]slog.Attr(nil), e.attrs[g.begin:]...)
		e.attrs = append(e.attrs[:g.begin], slog.Attr{Key: g.name, Value: slog.GroupValue(members...)})
	}
	e.open = nil
	return e.attrs
}

func (e *objectEncoder) attr(key string, v slog.Value) {
	e.attrs = append(e.attrs, slog.Attr{Key: key, Value: v})
}

func (e *objectEncoder) OpenNamespace(key string) {
	e.open = append(e.open, opened{key, len(e.attrs)})
}

func (e *objectEncoder) AddObject(key string, m zapcore.ObjectMarshaler) error {
	var inner objectEncoder
	err := m.MarshalLogObject(&inner)
	e.attr(key, slog.GroupValue(inner.close()...))
	return err
}

func (e *objectEncoder) AddArray(key string, m zapcore.ArrayMarshaler) error {
	inner := arrayEncoder{values: []any{}} // an empty array is not null
	err := m.MarshalLogArray(&inner)
	e.attr(key, slog.AnyValue(inner.values))
	return err
}

func (e *objectEncoder) AddReflected(key string, v any) error {
	e.attr(key, slog.AnyValue(v))
	return nil
}

func (e *objectEncoder) AddBinary(key string, v []byte)         { e.attr(key, slog.AnyValue(v)) }
func (e *objectEncoder) AddByteString(key string, v []byte)     { e.attr(key, slog.StringValue(string(v))) }
func (e *objectEncoder) AddBool(key string, v bool)             { e.attr(key, slog.BoolValue(v)) }
func (e *objectEncoder) AddComplex128(key string, v complex128) { e.attr(key, complexValue(v, 128)) }

func (e *objectEncoder) AddComplex64(key string, v complex64) {
	e.attr(key, complexValue(complex128(v), 64))
}

func (e *objectEncoder) AddDuration(key string, v time.Duration) { e.attr(key, slog.DurationValue(v)) }

func (e *objectEncoder) AddFloat64(key string, v float64) { e.attr(key, slog.Float64Value(v)) }

func (e *objectEncoder) AddFloat32(key string, v float32) { e.attr(key, slog.Float64Value(widen(v))) }
func (e *objectEncoder) AddInt(key string, v int)         { e.attr(key, slog.IntValue(v)) }
func (e *objectEncoder) AddInt64(key string, v int64)     { e.attr(key, slog.Int64Value(v)) }
func (e *objectEncoder) AddInt32(key string, v int32)     { e.attr(key, slog.Int64Value(int64(v))) }

func (e *objectEncoder) AddInt16(key string, v int16) { e.attr(key, slog.Int64Value(int64(v))) }

func (e *objectEncoder) AddInt8(key string, v int8) { e.attr(key, slog.Int64Value(int64(v))) }

func (e *objectEncoder) AddString(key, v string)         { e.attr(key, slog.StringValue(v)) }
func (e *objectEncoder) AddTime(key string, v time.Time) { e.attr(key, slog.TimeValue(v)) }
func (e *objectEncoder) AddUint(key string, v uint)      { e.attr(key, slog.Uint64Value(uint64(v))) }

func (e *objectEncoder) AddUint64(key string, v uint64) { e.attr(key, slog.Uint64Value(v)) }

func (e *objectEncoder) AddUint32(key string, v uint32) { e.attr(key, slog.Uint64Value(uint64(v))) }

func (e *objectEncoder) AddUint16(key string, v uint16) { e.attr(key, slog.Uint64Value(uint64(v))) }

func (e *objectEncoder) AddUint8(key string, v uint8) { e.attr(key, slog.Uint64Value(uint64(v))) }

func (e *objectEncoder) AddUintptr(key string, v uintptr) { e.attr(key, slog.Uint64Value(uint64(v))) }

// arrayEncoder is a zapcore.ArrayEncoder that gathers values which any handler
// can make JSON of. Objects are maps in it: attributes are not.
type arrayEncoder struct{ values []any }

func (e *arrayEncoder) add(v any) { e.values = append(e.values, v) }

func (e *arrayEncoder) AppendArray(m zapcore.ArrayMarshaler) error {
	inner := arrayEncoder{values: []any{}}
	err := m.MarshalLogArray(&inner)
	e.add(inner.values)
	return err
}

func (e *arrayEncoder) AppendObject(m zapcore.ObjectMarshaler) error {
	var inner objectEncoder
	err := m.MarshalLogObject(&inner)
	e.add(mapOf(inner.close()))
	return err
}

func (e *arrayEncoder) AppendReflected(v any) error {
	e.add(v)
	return nil
}

func (e *arrayEncoder) AppendBool(v bool)              { e.add(v) }
func (e *arrayEncoder) AppendByteString(v []byte)      { e.add(string(v)) }
func (e *arrayEncoder) AppendComplex128(v complex128)  { e.add(complexValue(v, 128).String()) }
func (e *arrayEncoder) AppendComplex64(v complex64)    { e.add(complexValue(complex128(v), 64).String()) }
func (e *arrayEncoder) AppendDuration(v time.Duration) { e.add(v) }
func (e *arrayEncoder) AppendFloat64(v float64)        { e.add(v) }
func (e *arrayEncoder) AppendFloat32(v float32)        { e.add(v) }
func (e *arrayEncoder) AppendInt(v int)                { e.add(v) }
func (e *arrayEncoder) AppendInt64(v int64)            { e.add(v) }
func (e *arrayEncoder) AppendInt32(v int32)            { e.add(v) }
func (e *arrayEncoder) AppendInt16(v int16)            { e.add(v) }
func (e *arrayEncoder) AppendInt8(v int8)              { e.add(v) }
func (e *arrayEncoder) AppendString(v string)          { e.add(v) }
func (e *arrayEncoder) AppendTime(v time.Time)         { e.add(v) }
func (e *arrayEncoder) AppendUint(v uint)              { e.add(v) }
func (e *arrayEncoder) AppendUint64(v uint64)          { e.add(v) }
func (e *arrayEncoder) AppendUint32(v uint32)          { e.add(v) }
func (e *arrayEncoder) AppendUint16(v uint16)          { e.add(v) }
func (e *arrayEncoder) AppendUint8(v uint8)            { e.add(v) }
func (e *arrayEncoder) AppendUintptr(v uintptr)        { e.add(v) }

// mapOf returns attributes as a map.
func mapOf(attrs []slog.Attr) map[string]any {
	m := make(map[string]any, len(attrs))
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindGroup {
			m[a.Key] = mapOf(a.Value.Group())
		} else {
			m[a.Key] = a.Value.Any()
		}
	}
	return m
}

// complexValue is v as zap writes it, for JSON has no such numbers: "1+2i".
func complexValue(v complex128, bits int) slog.Value {
	text := strconv.FormatComplex(v, 'f', -1, bits)
	return slog.StringValue(text[1 : len(text)-1])
}

// widen returns the float64 that is written with the same digits as v: 0.1,
// not 0.10000000149011612.
func widen(v float32) float64 {
	wide, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		return float64(v)
	}
	return wide
}
