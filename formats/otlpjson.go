package formats

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"math"
	"slices"
	"strconv"

	"github.com/slogship/slogship"
)

// otlpJSON writes what otlpProtobuf does in the JSON mapping of Protocol
// Buffers, with OTLP's own rules for it: ids in hexadecimal, enums as numbers
// (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding").
type otlpJSON struct{ head string }

func newOTLPJSON(o OTLPOptions) otlpJSON {
	head := []byte(`{"resourceLogs":[{"resource":{"attributes":[`)
	head = appendJSONAttrs(head, o.Resource, 0)
	head = append(head, `]},"scopeLogs":[{"scope":{"name":`...)
	head = slogship.AppendString(head, o.ScopeName)
	if o.ScopeVersion != "" {
		head = append(head, `,"version":`...)
		head = slogship.AppendString(head, o.ScopeVersion)
	}
	return otlpJSON{head: string(append(head, `},"logRecords":[`...))}
}

func (f otlpJSON) Layout() slogship.Layout {
	return slogship.Layout{
		ContentType: "application/json",
		Head:        f.head,
		Separator:   ",",
		Tail:        "]}]}]}",
		MaxBytes:    maxOTLPBytes,
		Zstd:        true,
		Reserved:    otlpReserved,
		UniqueKeys:  true,
	}
}

func (f otlpJSON) ReadAnswer(a slogship.Answer) slogship.Verdict {
	return readOTLPAnswer(a)
}

func (f otlpJSON) AppendEvent(dst []byte, e *slogship.Event) []byte {
	at, observed, timeText := otlpTimes(e)
	dst = append(dst, `{"observedTimeUnixNano":"`...)
	digits := len(dst)
	dst = slogship.AppendUint(dst, observed)
	switch end := len(dst); at {
	case 0:
	case observed: // mostly
		dst = append(dst, `","timeUnixNano":"`...)
		dst = append(dst, dst[digits:end]...)
	default:
		dst = append(dst, `","timeUnixNano":"`...)
		dst = slogship.AppendUint(dst, at)
	}
	dst = appendJSONSeverity(dst, e)
	switch {
	case given(e.MessageValue):
		dst = appendJSONValue(append(dst, `,"body":`...), e.MessageValue, 0)
		dst = append(dst, `,"attributes":[{"key":"`+uidKey+`","value":{"stringValue":"`...)
	case !e.NoMessage:
		dst = append(dst, `,"body":{"stringValue":`...)
		dst = slogship.AppendString(dst, e.Message)
		dst = append(dst, `},"attributes":[{"key":"`+uidKey+`","value":{"stringValue":"`...)
	default:
		dst = append(dst, `,"attributes":[{"key":"`+uidKey+`","value":{"stringValue":"`...)
	}
	dst = append(append(dst, e.ID...), `"}}`...)
	if err := firstError(e.Attrs); err != nil || hasSource(e) || timeText != "" {
		var own [8]slog.Attr
		dst = appendJSONAttrs(dst, otlpOwn(own[:0], e, timeText, err), 0)
	}
	var trace, span string
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if id, isTrace, ok := otlpID(a); !ok {
			dst = appendJSONKeyValue(dst, a.Key, a.Value, 0)
		} else if isTrace {
			trace = id
		} else {
			span = id
		}
	}
	dst = append(dst, ']')
	if trace != "" {
		dst = append(append(append(dst, `,"traceId":"`...), trace...), '"')
	}
	if span != "" {
		dst = append(append(append(dst, `,"spanId":"`...), span...), '"')
	}
	return append(dst, '}')
}

// appendJSONSeverity appends the level, after the quote that closes a time.
func appendJSONSeverity(dst []byte, e *slogship.Event) []byte {
	switch i := uint(e.Level - slog.LevelDebug); {
	case given(e.LevelValue):
		return appendText(appendSeverityNumber(dst, e.Level), e.LevelValue)
	case e.NoLevel:
		return append(dst, '"')
	case i%4 == 0 && i/4 < 4:
		return append(dst, jsonSeverities[i/4]...)
	}
	return slogship.AppendLevel(appendSeverityNumber(dst, e.Level), e.Level, false)
}

// jsonSeverities are what appendJSONSeverity appends for Debug, Info, Warn and Error.
var jsonSeverities = func() (members [4]string) {
	for i := range members {
		l := slog.LevelDebug + slog.Level(4*i)
		members[i] = string(slogship.AppendLevel(appendSeverityNumber(nil, l), l, false))
	}
	return members
}()

// appendSeverityNumber appends the level up to its text.
func appendSeverityNumber(dst []byte, l slog.Level) []byte {
	dst = append(dst, `","severityNumber":`...)
	dst = slogship.AppendInt(dst, int64(otlpSeverity(l)))
	return append(dst, `,"severityText":`...)
}

// appendJSONAttrs appends attributes that are inside level groups.
func appendJSONAttrs(dst []byte, attrs []slog.Attr, level int) []byte {
	if level == maxOTLPLevels {
		attrs = flattened(attrs)
	}
	for i := range attrs {
		dst = appendJSONKeyValue(dst, attrs[i].Key, attrs[i].Value, level)
	}
	return dst
}

// appendJSONKeyValue appends a KeyValue with a comma before it, unless it is the
// first.
func appendJSONKeyValue(dst []byte, key string, v slog.Value, level int) []byte {
	if dst[len(dst)-1] != '[' {
		dst = append(dst, `,{"key":`...)
	} else {
		dst = append(dst, `{"key":`...)
	}
	dst = slogship.AppendString(dst, key)
	switch v.Kind() { // mostly one of these
	case slog.KindString:
		dst = slogship.AppendString(append(dst, `,"value":{"stringValue":`...), v.String())
		return append(dst, "}}"...)
	case slog.KindInt64:
		dst = slogship.AppendInt(append(dst, `,"value":{"intValue":"`...), v.Int64())
		return append(dst, `"}}`...)
	}
	dst = appendJSONValue(append(dst, `,"value":`...), v, level)
	return append(dst, '}')
}

// appendJSONValue appends an AnyValue inside level groups.
func appendJSONValue(dst []byte, v slog.Value, level int) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendJSONString(dst, v.String())
	case slog.KindInt64, slog.KindDuration:
		dst = slogship.AppendValue(append(dst, `{"intValue":"`...), v)
		return append(dst, `"}`...)
	case slog.KindUint64:
		dst = append(dst, `{"intValue":"`...)
		if v.Uint64() > math.MaxInt64 {
			dst = append(dst[:len(dst)-len(`{"intValue":"`)], `{"stringValue":"`...)
		}
		return append(slogship.AppendUint(dst, v.Uint64()), `"}`...)
	case slog.KindFloat64:
		return appendJSONDouble(dst, v.Float64())
	case slog.KindBool:
		if v.Bool() {
			return append(dst, `{"boolValue":true}`...)
		}
		return append(dst, `{"boolValue":false}`...)
	case slog.KindGroup:
		dst = appendJSONAttrs(append(dst, `{"kvlistValue":{"values":[`...), v.Group(), level+1)
		return append(dst, "]}}"...)
	case slog.KindAny:
		switch v := v.Any().(type) {
		case *slogship.JSON:
			return appendJSONOfJSON(dst, v.Text, level)
		case *slogship.Bytes:
			dst = base64.StdEncoding.AppendEncode(append(dst, `{"bytesValue":"`...), v.Data)
			return append(dst, `"}`...)
		}
	}
	dst = slogship.AppendValue(append(dst, `{"stringValue":`...), v) // a time, an error
	return append(dst, '}')
}

func appendJSONString(dst []byte, s string) []byte {
	return append(slogship.AppendString(append(dst, `{"stringValue":`...), s), '}')
}

// appendJSONDouble appends f in Protocol Buffers' JSON mapping
// (protobuf.dev/programming-guides/json), where NaN is a string, too. A number has
// a fraction, "1.0" or "1.0e+21", because Fluent Bit loses a record, and all that
// come after it, over one without.
func appendJSONDouble(dst []byte, f float64) []byte {
	dst = append(dst, `{"doubleValue":`...)
	switch {
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"}`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"}`...)
	}
	begin := len(dst)
	dst = slogship.AppendFloat(dst, f)
	if digits := dst[begin:]; !math.IsNaN(f) && bytes.IndexByte(digits, '.') < 0 {
		if e := bytes.IndexByte(digits, 'e'); e >= 0 {
			dst = slices.Insert(dst, begin+e, '.', '0')
		} else {
			dst = append(dst, '.', '0')
		}
	}
	return append(dst, '}')
}

// appendJSONOfJSON appends a JSON text as an AnyValue inside level groups and
// objects.
func appendJSONOfJSON(dst []byte, text string, level int) []byte {
	switch kindOfJSON(text, level) {
	case anyNull:
		return append(dst, "{}"...)
	case anyString:
		return append(append(append(dst, `{"stringValue":`...), text...), '}')
	case anyBool:
		return append(append(append(dst, `{"boolValue":`...), text...), '}')
	case anyInt:
		return append(append(append(dst, `{"intValue":"`...), text...), `"}`...)
	case anyDouble:
		f, _ := strconv.ParseFloat(text, 64) // in range: the record's own
		return appendJSONDouble(dst, f)
	case anyObject:
		dst = append(dst, `{"kvlistValue":{"values":[`...)
		for key, value := range members(text) {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, `{"key":`...), key...), `,"value":`...)
			dst = append(appendJSONOfJSON(dst, value, level+1), '}')
		}
		return append(dst, "]}}"...)
	case anyArray:
		dst = append(dst, `{"arrayValue":{"values":[`...)
		for value := range elements(text) {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			dst = appendJSONOfJSON(dst, value, level+1)
		}
		return append(dst, "]}}"...)
	}
	return appendJSONString(dst, text)
}
