package formats

import (
	"encoding/hex"
	"log/slog"

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
	n, _ := hex.Decode(id[:], []byte(digits)) // otlpID has looked at it
	return append(append(dst, tag, byte(n)), id[:n]...)
}
