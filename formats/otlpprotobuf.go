package formats

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"math"
	"strconv"
	"strings"
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
// what follows in it, and each log_records is an event. A log_records holds its
// attributes as fields beside its others, so that the encoding of an attribute
// can just as well write the record's trace_id.
type otlpProtobuf struct {
	resource []byte // the field resource
	scope    []byte // the field scope
}

func newOTLPProtobuf(o OTLPOptions) otlpProtobuf {
	var f otlpProtobuf
	f.resource = appendPad(append(f.resource, tagResource))
	begin := len(f.resource)
	for _, a := range o.Resource {
		f.resource = appendResourceAttr(f.resource, tagResourceAttributes, a, 0)
	}
	f.resource = dropOverruled(f.resource, begin, 0, nextKeyValue)
	putPadded(f.resource[begin-paddedLen:], len(f.resource)-begin)

	f.scope = appendPad(append(f.scope, tagScope))
	begin = len(f.scope)
	f.scope = appendString(f.scope, tagScopeName, validUTF8(o.ScopeName))
	if o.ScopeVersion != "" {
		f.scope = appendString(f.scope, tagScopeVersion, validUTF8(o.ScopeVersion))
	}
	putPadded(f.scope[begin-paddedLen:], len(f.scope)-begin)
	return f
}

// appendResourceAttr appends what resolveResource has made of an attribute.
func appendResourceAttr(dst []byte, tag byte, a slog.Attr, level int) []byte {
	v := a.Value
	if text, ok := v.Any().(json.RawMessage); ok {
		return appendJSONValue(dst, tag, validUTF8(a.Key), text, level)
	}
	if v.Kind() != slog.KindGroup {
		return appendKeyValue(dst, tag, a.Key, v)
	}
	dst = beginKVList(dst, tag, a.Key)
	begin := len(dst)
	for _, member := range v.Group() {
		dst = appendResourceAttr(dst, tagValues, member, level+1)
	}
	return endKVList(dst, a.Key, begin)
}

func (f otlpProtobuf) Layout() slogship.Layout {
	return slogship.Layout{
		ContentType: "application/x-protobuf",
		AppendHead:  f.appendHead,
		MaxBytes:    maxOTLPBytes,
		Zstd:        true, // the Collector, Loki
		Attrs: &slogship.AttrEncoding{
			AppendAttr: appendProtobufAttr,
			AppendJSON: appendProtobufAttrJSON,
			BeginGroup: func(dst []byte, groups []string, name string) []byte {
				switch {
				case len(groups) >= maxOTLPLevels:
					return dst
				case len(groups) == 0:
					return beginKVList(dst, tagAttributes, otlpKey(nil, name))
				}
				return beginKVList(dst, tagValues, name)
			},
			EndGroup: func(dst []byte, groups []string, name string, begin int) []byte {
				switch {
				case len(groups) >= maxOTLPLevels:
					return dst
				case len(groups) == 0:
					name = otlpKey(nil, name)
				}
				return endKVList(dst, name, begin)
			},
		},
	}
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
	dst = append(dst, tagLogRecords, 0x80, 0x80, 0x80, 0)
	begin := len(dst)
	dst = appendFixed64(dst, tagObservedTime, observed)
	if at != 0 {
		dst = appendFixed64(dst, tagTime, at)
	}
	dst = appendProtobufSeverity(dst, e)
	if e.HasMessage {
		dst = appendBody(dst, e.Message)
	}
	attributes := len(dst)
	dst = e.AppendID(append(dst, uidPrefix...))
	if e.HasSource {
		dst = appendProtobufSource(dst, e)
	}
	if timeText != "" {
		dst = appendStringValue(dst, tagAttributes, timeTextKey, timeText)
	}
	dst = e.AppendAttrs(dst)
	if e.Repeats() || timeText != "" {
		dst = dropOverruled(dst, attributes, 0, nextKeyValue)
	}
	putPadded(dst[begin-paddedLen:], len(dst)-begin)
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

// appendProtobufSeverity appends the level. Most are one of four.
func appendProtobufSeverity(dst []byte, e *slogship.Event) []byte {
	if !e.HasLevel {
		return dst
	}
	dst = append(dst, tagSeverityNumber, byte(otlpSeverity(e.Level)))
	switch {
	case e.LevelText != "":
		return appendString(dst, tagSeverityText, validUTF8(e.LevelText))
	case e.Level == slog.LevelInfo:
		return append(dst, tagSeverityText, 4, 'I', 'N', 'F', 'O')
	}
	dst = append(dst, tagSeverityText, 0)
	text := len(dst)
	dst = appendLevelName(dst, e.Level)
	dst[text-1] = byte(len(dst) - text) // short
	return dst
}

func (f otlpProtobuf) ReadAnswer(a slogship.Answer) slogship.Verdict {
	return readOTLPAnswer(a)
}

// appendProtobufSource appends the members of the source as attributes.
func appendProtobufSource(dst []byte, e *slogship.Event) []byte {
	at := len(dst)
	dst = e.AppendSource(dst)
	end := len(dst)
	for i := at; ; {
		m, ok := nextMember(dst[:end], i)
		if !ok {
			return append(dst[:at], dst[end:]...) // the members go, the attributes stay
		}
		i = m.end
		dst = appendJSONValue(dst, tagAttributes, otlpSourceKey(dst[m.key:m.colon]), dst[m.colon+1:m.end], 0)
	}
}

// appendProtobufAttr is the AttrEncoding's AppendAttr.
func appendProtobufAttr(dst []byte, groups []string, key string, v slog.Value) []byte {
	if len(groups) > 0 {
		return appendKeyValue(dst, tagValues, otlpKey(groups, key), v)
	}
	if mayBeOTLP(key) {
		if v.Kind() == slog.KindString && isOTLPID(key, v.String()) {
			return appendProtobufID(dst, v.String())
		}
		key = otlpKey(nil, key)
	}
	return appendKeyValue(dst, tagAttributes, key, v)
}

// appendProtobufAttrJSON is the AttrEncoding's AppendJSON. A trace id may come
// that way, in the type that OpenTelemetry has for it.
func appendProtobufAttrJSON(dst []byte, groups []string, key string, text []byte) []byte {
	if len(groups) > 0 {
		return appendJSONValue(dst, tagValues, validUTF8(otlpKey(groups, key)), text, len(groups))
	}
	if digits := strings.Trim(string(text), `"`); text[0] == '"' && isOTLPID(key, digits) {
		return appendProtobufID(dst, digits)
	}
	return appendJSONValue(dst, tagAttributes, validUTF8(otlpKey(nil, key)), text, 0)
}

// appendProtobufID appends the trace_id or the span_id of a LogRecord.
func appendProtobufID(dst []byte, digits string) []byte {
	tag := byte(tagTraceID)
	if len(digits) == 2*spanIDBytes {
		tag = tagSpanID
	}
	var id [traceIDBytes]byte
	n, _ := hex.Decode(id[:], []byte(digits)) // checked before
	return append(append(dst, tag, byte(n)), id[:n]...)
}

// appendKeyValue appends a field that is a KeyValue. v is what an AttrEncoding is
// given.
func appendKeyValue(dst []byte, tag byte, key string, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendStringValue(dst, tag, key, v.String())
	case slog.KindInt64:
		return appendIntValue(dst, tag, key, v.Int64())
	case slog.KindUint64:
		if n := v.Uint64(); n > math.MaxInt64 {
			var digits [20]byte
			return appendTextValue(dst, tag, key, slogship.AppendUint(digits[:0], n))
		}
		return appendIntValue(dst, tag, key, int64(v.Uint64()))
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
	}
	b, _ := v.Any().([]byte)
	dst = beginKeyValue(dst, tag, key, 1+bytesLen(len(b)))
	dst = appendVarint(append(dst, tagBytes), uint64(len(b)))
	return append(dst, b...)
}

// appendJSONValue appends a field that is a KeyValue with the value of a JSON
// text, inside level groups. dst may be where text stands.
func appendJSONValue(dst []byte, tag byte, key string, text []byte, level int) []byte {
	if text[0] == '"' && bytes.IndexByte(text, '\\') < 0 {
		return appendTextValue(dst, tag, key, text[1:len(text)-1])
	}
	dst = appendPad(append(dst, tag))
	begin := len(dst)
	dst = appendString(dst, tagKey, key)
	dst = appendPad(append(dst, tagValue))
	value := len(dst)
	dst, _ = appendProtobufJSON(dst, text, 0, level)
	putPadded(dst[value-paddedLen:], len(dst)-value)
	putPadded(dst[begin-paddedLen:], len(dst)-begin)
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

// appendTextValue is appendStringValue for text that is no string yet.
func appendTextValue(dst []byte, tag byte, key string, text []byte) []byte {
	dst = beginKeyValue(dst, tag, key, 1+bytesLen(len(text)))
	dst = appendVarint(append(dst, tagString), uint64(len(text)))
	return append(dst, text...)
}

// beginKVList appends a KeyValue with a kvlist_value, up to its first member:
// three messages, the lengths of which are not known yet.
func beginKVList(dst []byte, tag byte, key string) []byte {
	dst = appendPad(append(dst, tag))
	dst = appendString(dst, tagKey, validUTF8(key))
	dst = appendPad(append(dst, tagValue))
	return appendPad(append(dst, tagKVList))
}

// endKVList fills in the lengths that beginKVList left open before begin.
func endKVList(dst []byte, key string, begin int) []byte {
	dst = dropOverruled(dst, begin, 0, nextKeyValue)
	list := begin - paddedLen // where the length of each message stands
	value := list - 1 - paddedLen
	keyValue := value - 1 - bytesLen(len(validUTF8(key))) - 1 - paddedLen
	for _, at := range [...]int{list, value, keyValue} {
		putPadded(dst[at:], len(dst)-at-paddedLen)
	}
	return dst
}

// nextKeyValue returns the field at i, with a name if it is an attribute; all
// fields among the attributes are wireBytes.
func nextKeyValue(b []byte, i int) element {
	tag := b[i]
	n, k := uint64(b[i+1]), 1
	if n >= 0x80 {
		n, k = binary.Uvarint(b[i+1:])
	}
	e := element{from: i, to: i + 1 + k + int(n)}
	if tag == tagTraceID || tag == tagSpanID {
		return e
	}
	i += 1 + k + 1 // over tagKey, which comes first
	n, k = uint64(b[i]), 1
	if n >= 0x80 {
		n, k = binary.Uvarint(b[i:])
	}
	e.key = i + k
	e.keyEnd = e.key + int(n)
	return e
}

// appendProtobufJSON appends the JSON value at i in text as the content of an
// AnyValue inside level groups and objects, and returns where it ends.
func appendProtobufJSON(dst, text []byte, i, level int) (out []byte, end int) {
	switch text[i] {
	case '"':
		end = skipString(text, i)
		dst = appendPad(append(dst, tagString))
		begin := len(dst)
		dst = appendUnquoted(dst, text[i:end])
		putPadded(dst[begin-paddedLen:], len(dst)-begin)
		return dst, end
	case 't':
		return appendBoolValue(dst, true), i + len("true")
	case 'f':
		return appendBoolValue(dst, false), i + len("false")
	case 'n':
		return dst, i + len("null")
	case '{', '[':
		if level >= maxOTLPLevels {
			end = skipElement(text, i)
			return appendString(dst, tagString, string(text[i:end])), end
		}
		if text[i] == '{' {
			return appendProtobufObject(dst, text, i, level)
		}
		return appendProtobufArray(dst, text, i, level)
	}
	end = skipNumber(text, i)
	digits := string(text[i:end])
	if isInteger(digits) {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return appendString(dst, tagString, digits), end
		}
		return appendVarint(append(dst, tagInt), uint64(n)), end
	}
	f, _ := strconv.ParseFloat(digits, 64) // in range: AppendValue sees to it
	return appendFixed64(dst, tagDouble, math.Float64bits(f)), end
}

func appendProtobufArray(dst, text []byte, i, level int) (out []byte, end int) {
	dst = appendPad(append(dst, tagArray))
	begin := len(dst)
	for i++; text[i] != ']'; {
		if text[i] == ',' {
			i++
		}
		dst = appendPad(append(dst, tagValues))
		value := len(dst)
		dst, i = appendProtobufJSON(dst, text, i, level+1)
		putPadded(dst[value-paddedLen:], len(dst)-value)
	}
	putPadded(dst[begin-paddedLen:], len(dst)-begin)
	return dst, i + 1
}

func appendProtobufObject(dst, text []byte, i, level int) (out []byte, end int) {
	dst = appendPad(append(dst, tagKVList))
	begin := len(dst)
	for i++; text[i] != '}'; {
		if text[i] == ',' {
			i++
		}
		dst = appendPad(append(dst, tagValues))
		keyValue := len(dst)
		dst = appendPad(append(dst, tagKey))
		key := len(dst)
		end = skipString(text, i)
		dst = appendUnquoted(dst, text[i:end])
		putPadded(dst[key-paddedLen:], len(dst)-key)
		dst = appendPad(append(dst, tagValue))
		value := len(dst)
		dst, i = appendProtobufJSON(dst, text, end+1, level+1)
		putPadded(dst[value-paddedLen:], len(dst)-value)
		putPadded(dst[keyValue-paddedLen:], len(dst)-keyValue)
	}
	dst = dropOverruled(dst, begin, 0, nextKeyValue)
	putPadded(dst[begin-paddedLen:], len(dst)-begin)
	return dst, i + 1
}
