package formats

import (
	"encoding/hex"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/slogship/slogship"
)

// Tags of opentelemetry/proto, version 1.11: collector/logs/v1/logs_service.proto,
// logs/v1/logs.proto, common/v1/common.proto, resource/v1/resource.proto.
const (
	tagResourceLogs = 1<<3 | wireBytes // of ExportLogsServiceRequest

	tagResource  = 1<<3 | wireBytes // of ResourceLogs
	tagScopeLogs = 2<<3 | wireBytes

	tagResourceAttributes = 1<<3 | wireBytes // of Resource

	tagScope      = 1<<3 | wireBytes // of ScopeLogs
	tagLogRecords = 2<<3 | wireBytes

	tagScopeName    = 1<<3 | wireBytes // of InstrumentationScope
	tagScopeVersion = 2<<3 | wireBytes

	tagTime           = 1<<3 | wireFixed64 // of LogRecord
	tagSeverityNumber = 2<<3 | wireVarint
	tagSeverityText   = 3<<3 | wireBytes
	tagBody           = 5<<3 | wireBytes
	tagAttributes     = 6<<3 | wireBytes
	tagTraceID        = 9<<3 | wireBytes
	tagSpanID         = 10<<3 | wireBytes
	tagObservedTime   = 11<<3 | wireFixed64

	tagKey   = 1<<3 | wireBytes // of KeyValue
	tagValue = 2<<3 | wireBytes

	tagString = 1<<3 | wireBytes // of AnyValue
	tagBool   = 2<<3 | wireVarint
	tagInt    = 3<<3 | wireVarint
	tagDouble = 4<<3 | wireFixed64
	tagArray  = 5<<3 | wireBytes
	tagKVList = 6<<3 | wireBytes
	tagBytes  = 7<<3 | wireBytes

	tagValues = 1<<3 | wireBytes // of ArrayValue and KeyValueList
)

// otlpProtobuf writes
//
//	resource_logs { resource  scope_logs { scope  log_records { ... }  log_records { ... } } }
//
// where all up to the first log_records is the head, which has the lengths of
// what follows in it, and each log_records is an event.
type otlpProtobuf struct {
	resource []byte // the field resource
	scope    []byte // the field scope
}

func newOTLPProtobuf(o OTLPOptions) otlpProtobuf {
	var f otlpProtobuf
	f.resource = appendPad(append(f.resource, tagResource))
	begin := len(f.resource)
	f.resource = appendProtobufAttrs(f.resource, tagResourceAttributes, o.Resource, 0)
	putLength(f.resource, begin)

	f.scope = appendPad(append(f.scope, tagScope))
	begin = len(f.scope)
	f.scope = appendString(f.scope, tagScopeName, validUTF8(o.ScopeName))
	if o.ScopeVersion != "" {
		f.scope = appendString(f.scope, tagScopeVersion, validUTF8(o.ScopeVersion))
	}
	putLength(f.scope, begin)
	return f
}

func (f otlpProtobuf) Layout() slogship.Layout {
	return slogship.Layout{
		ContentType: "application/x-protobuf",
		AppendHead:  f.appendHead,
		MaxBytes:    maxOTLPBytes,
		Zstd:        true, // the Collector, Loki
		Reserved:    otlpReserved,
		UniqueKeys:  true,
	}
}

func (f otlpProtobuf) ReadAnswer(a slogship.Answer) slogship.Verdict {
	return readOTLPAnswer(a, false)
}

func (f otlpProtobuf) appendHead(dst []byte, _, size int) []byte {
	scopeLogs := len(f.scope) + size
	resourceLogs := len(f.resource) + 1 + bytesLen(scopeLogs)

	dst = appendVarint(append(dst, tagResourceLogs), uint64(resourceLogs))
	dst = append(dst, f.resource...)
	dst = appendVarint(append(dst, tagScopeLogs), uint64(scopeLogs))
	return append(dst, f.scope...)
}

// uidPrefix is an attribute log.record.uid up to its digits.
const uidPrefix = "" +
	string(rune(tagAttributes)) + string(rune(1+1+len(uidKey)+1+1+1+1+uidDigits)) +
	string(rune(tagKey)) + string(rune(len(uidKey))) + uidKey +
	string(rune(tagValue)) + string(rune(1+1+uidDigits)) +
	string(rune(tagString)) + string(rune(uidDigits))

func (f otlpProtobuf) AppendEvent(dst []byte, e *slogship.Event) []byte {
	at, observed, timeText := otlpTimes(e)
	dst = appendPad(append(dst, tagLogRecords))
	begin := len(dst)
	dst = appendFixed64(dst, tagObservedTime, observed)
	if at != 0 {
		dst = appendFixed64(dst, tagTime, at)
	}
	dst = appendProtobufSeverity(dst, e)
	switch {
	case given(e.MessageValue):
		dst = appendPad(append(dst, tagBody))
		body := len(dst)
		dst = appendProtobufValue(dst, e.MessageValue, 0)
		putLength(dst, body)
	case !e.NoMessage:
		dst = appendBody(dst, e.Message)
	}
	if len(e.ID) == uidDigits {
		dst = append(append(dst, uidPrefix...), e.ID...)
	} else { // of an Event that no Handler made
		dst = appendStringValue(dst, tagAttributes, uidKey, e.ID)
	}
	var own [8]slog.Attr
	dst = appendProtobufAttrs(dst, tagAttributes, otlpOwn(own[:0], e, timeText), 0)
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if id, isTrace, ok := otlpID(a); ok {
			dst = appendProtobufID(dst, id, isTrace)
		} else {
			dst = appendKeyValue(dst, tagAttributes, a.Key, a.Value, 0)
		}
	}
	putLength(dst, begin)
	return dst
}

func appendBody(dst []byte, s string) []byte {
	if size := 4 + len(s); size <= 0x80 { // both lengths are one byte
		longer, at := grow(dst, size)
		b := longer[at:]
		b[0], b[1], b[2], b[3] = tagBody, byte(size-2), tagString, byte(len(s))
		if copyASCII(b[4:], s) {
			return longer
		}
	}
	s = validUTF8(s)
	dst = appendVarint(append(dst, tagBody), uint64(1+bytesLen(len(s))))
	return appendString(dst, tagString, s)
}

// appendProtobufSeverity appends the level. Most are INFO.
func appendProtobufSeverity(dst []byte, e *slogship.Event) []byte {
	switch {
	case given(e.LevelValue):
		dst = append(dst, tagSeverityNumber, byte(otlpSeverity(e.Level)))
		return appendString(dst, tagSeverityText, validUTF8(textOf(e.LevelValue)))
	case e.NoLevel:
		return dst
	case e.Level == slog.LevelInfo:
		return append(dst, tagSeverityNumber, 9, tagSeverityText, 4, 'I', 'N', 'F', 'O')
	}
	dst = append(dst, tagSeverityNumber, byte(otlpSeverity(e.Level)))
	return appendString(dst, tagSeverityText, e.Level.String())
}

// appendProtobufID appends the trace_id or the span_id of a LogRecord.
func appendProtobufID(dst []byte, digits string, isTrace bool) []byte {
	tag := byte(tagSpanID)
	if isTrace {
		tag = tagTraceID
	}
	var id [traceIDBytes]byte
	n, _ := hex.Decode(id[:], []byte(digits)) //nolint:errcheck // otlpID has looked at it
	return append(append(dst, tag, byte(n)), id[:n]...)
}

// appendProtobufAttrs appends attributes that are inside level groups, each a field
// with that tag.
func appendProtobufAttrs(dst []byte, tag byte, attrs []slog.Attr, level int) []byte {
	if level == maxOTLPLevels {
		attrs = flattened(attrs)
	}
	for i := range attrs {
		dst = appendKeyValue(dst, tag, attrs[i].Key, attrs[i].Value, level)
	}
	return dst
}

// appendKeyValue appends a field that is a KeyValue, inside level groups. The
// lengths of most are known before they are written.
func appendKeyValue(dst []byte, tag byte, key string, v slog.Value, level int) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendStringValue(dst, tag, key, v.String())
	case slog.KindInt64:
		return appendIntValue(dst, tag, key, v.Int64())
	case slog.KindUint64:
		if v.Uint64() <= math.MaxInt64 {
			return appendIntValue(dst, tag, key, int64(v.Uint64()))
		}
		var digits [20]byte
		return appendTextValue(dst, tag, key, slogship.AppendUint(digits[:0], v.Uint64()))
	case slog.KindFloat64:
		dst = beginKeyValue(dst, tag, key, 1+8)
		return appendFixed64(dst, tagDouble, math.Float64bits(v.Float64()))
	case slog.KindBool:
		dst = beginKeyValue(dst, tag, key, 2)
		return appendBoolValue(dst, v.Bool())
	case slog.KindDuration:
		return appendIntValue(dst, tag, key, int64(v.Duration()))
	case slog.KindTime:
		var text [64]byte
		return appendTextValue(dst, tag, key, v.Time().AppendFormat(text[:0], time.RFC3339Nano))
	case slog.KindAny:
		switch v := v.Any().(type) {
		case *slogship.Error:
			return appendStringValue(dst, tag, key, v.Text)
		case *slogship.Bytes:
			dst = beginKeyValue(dst, tag, key, 1+bytesLen(len(v.Data)))
			return appendData(dst, v.Data)
		}
	}
	dst = appendPad(append(dst, tag))
	begin := len(dst)
	dst = appendString(dst, tagKey, validUTF8(key))
	dst = appendPad(append(dst, tagValue))
	value := len(dst)
	dst = appendProtobufValue(dst, v, level)
	putLength(dst, value)
	putLength(dst, begin)
	return dst
}

// beginKeyValue appends a KeyValue up to its AnyValue, which has n bytes.
func beginKeyValue(dst []byte, tag byte, key string, n int) []byte {
	if size := 4 + len(key) + n; size < 0x80 { // all lengths are one byte
		longer, at := grow(dst, 6+len(key))
		b := longer[at:]
		b[0], b[1], b[2], b[3] = tag, byte(size), tagKey, byte(len(key))
		ascii := copyASCII(b[4:], key)
		b = b[4+len(key):]
		b[0], b[1] = tagValue, byte(n)
		if ascii {
			return longer
		}
	}
	key = validUTF8(key)
	dst = appendVarint(append(dst, tag), uint64(2+bytesLen(len(key))+bytesLen(n)))
	dst = appendString(dst, tagKey, key)
	return appendVarint(append(dst, tagValue), uint64(n))
}

func appendStringValue(dst []byte, tag byte, key, s string) []byte {
	if size := 8 + len(key) + len(s); size <= 0x80 { // all lengths are one byte
		longer, at := grow(dst, size)
		b := longer[at:]
		b[0], b[1], b[2], b[3] = tag, byte(size-2), tagKey, byte(len(key))
		ascii := copyASCII(b[4:], key)
		b = b[4+len(key):]
		b[0], b[1], b[2], b[3] = tagValue, byte(2+len(s)), tagString, byte(len(s))
		if copyASCII(b[4:], s) && ascii {
			return longer
		}
	}
	s = validUTF8(s)
	dst = beginKeyValue(dst, tag, key, 1+bytesLen(len(s)))
	return appendString(dst, tagString, s)
}

func appendIntValue(dst []byte, tag byte, key string, n int64) []byte {
	v := uint64(n)
	dst = beginKeyValue(dst, tag, key, 1+varintLen(v))
	if v < 1<<14 { // most are
		if v < 0x80 {
			return append(dst, tagInt, byte(v))
		}
		return append(dst, tagInt, byte(v)|0x80, byte(v>>7))
	}
	return appendVarint(append(dst, tagInt), v)
}

func appendBoolValue(dst []byte, b bool) []byte {
	if b {
		return append(dst, tagBool, 1)
	}
	return append(dst, tagBool, 0)
}

func appendData(dst, data []byte) []byte {
	dst = appendVarint(append(dst, tagBytes), uint64(len(data)))
	return append(dst, data...)
}

// appendTextValue is appendStringValue for text that is no string yet.
func appendTextValue(dst []byte, tag byte, key string, text []byte) []byte {
	dst = beginKeyValue(dst, tag, key, 1+bytesLen(len(text)))
	dst = appendVarint(append(dst, tagString), uint64(len(text)))
	return append(dst, text...)
}

// appendProtobufValue appends the content of an AnyValue inside level groups.
func appendProtobufValue(dst []byte, v slog.Value, level int) []byte {
	switch v.Kind() {
	case slog.KindInt64:
		return appendVarint(append(dst, tagInt), uint64(v.Int64()))
	case slog.KindUint64:
		if v.Uint64() <= math.MaxInt64 {
			return appendVarint(append(dst, tagInt), v.Uint64())
		}
	case slog.KindFloat64:
		return appendFixed64(dst, tagDouble, math.Float64bits(v.Float64()))
	case slog.KindBool:
		return appendBoolValue(dst, v.Bool())
	case slog.KindDuration:
		return appendVarint(append(dst, tagInt), uint64(v.Duration()))
	case slog.KindGroup:
		dst = appendPad(append(dst, tagKVList))
		begin := len(dst)
		dst = appendProtobufAttrs(dst, tagValues, v.Group(), level+1)
		putLength(dst, begin)
		return dst
	case slog.KindAny:
		switch v := v.Any().(type) {
		case *slogship.JSON:
			return appendProtobufJSON(dst, v.Text, level)
		case *slogship.Bytes:
			return appendData(dst, v.Data)
		case *slogship.Error:
			return appendString(dst, tagString, validUTF8(v.Text))
		}
	}
	return appendString(dst, tagString, validUTF8(textOf(v)))
}

// appendProtobufJSON appends a JSON text as the content of an AnyValue inside
// level groups and objects.
func appendProtobufJSON(dst []byte, text string, level int) []byte {
	switch kindOfJSON(text, level) {
	case anyNull:
		return dst
	case anyBool:
		return appendBoolValue(dst, text == "true")
	case anyInt:
		n, _ := strconv.ParseInt(text, 10, 64) //nolint:errcheck // kindOfJSON has parsed it
		return appendVarint(append(dst, tagInt), uint64(n))
	case anyDouble:
		f, _ := strconv.ParseFloat(text, 64) //nolint:errcheck // in range: it is the record's own
		return appendFixed64(dst, tagDouble, math.Float64bits(f))
	case anyObject:
		dst = appendPad(append(dst, tagKVList))
		begin := len(dst)
		for key, value := range members(text) {
			dst = appendPad(append(dst, tagValues))
			member := len(dst)
			dst = appendString(dst, tagKey, textOfJSON(key))
			dst = appendPad(append(dst, tagValue))
			content := len(dst)
			dst = appendProtobufJSON(dst, value, level+1)
			putLength(dst, content)
			putLength(dst, member)
		}
		putLength(dst, begin)
		return dst
	case anyArray:
		dst = appendPad(append(dst, tagArray))
		begin := len(dst)
		for value := range elements(text) {
			dst = appendPad(append(dst, tagValues))
			content := len(dst)
			dst = appendProtobufJSON(dst, value, level+1)
			putLength(dst, content)
		}
		putLength(dst, begin)
		return dst
	case anyString:
		text = textOfJSON(text)
	}
	return appendString(dst, tagString, text)
}
