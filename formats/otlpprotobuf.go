package formats

import (
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
	return readOTLPAnswer(a)
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
		dst = append(dst, tagBody, 0)
		content := len(dst)
		dst = closeShort(appendAnyContent(dst, e.MessageValue.Kind(), e.MessageValue, 0), content)
	case !e.NoMessage:
		dst = append(dst, tagBody, 0)
		content := len(dst)
		dst = closeShort(appendString(dst, tagString, validUTF8(e.Message)), content)
	}
	if len(e.ID) == uidDigits {
		dst = append(append(dst, uidPrefix...), e.ID...)
	} else { // of an Event that no Handler made
		dst = appendKeyValue(dst, tagAttributes, uidKey, slog.StringValue(e.ID), 0)
	}
	if err := firstError(e.Attrs); err != nil || hasSource(e) || timeText != "" {
		var own [8]slog.Attr
		dst = appendProtobufAttrs(dst, tagAttributes, otlpOwn(own[:0], e, timeText, err), 0)
	}
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

// protobufSeverities are the number and the text of Debug, Info, Warn and Error.
var protobufSeverities = func() (fields [4]string) {
	for i := range fields {
		l := slog.LevelDebug + slog.Level(4*i)
		fields[i] = string(appendString([]byte{tagSeverityNumber, byte(otlpSeverity(l))}, tagSeverityText, l.String()))
	}
	return fields
}()

// appendProtobufSeverity appends the level.
func appendProtobufSeverity(dst []byte, e *slogship.Event) []byte {
	var text string
	switch i := uint(e.Level - slog.LevelDebug); {
	case given(e.LevelValue):
		text = validUTF8(textOf(e.LevelValue))
	case e.NoLevel:
		return dst
	case i%4 == 0 && i/4 < 4:
		return append(dst, protobufSeverities[i/4]...)
	default:
		text = e.Level.String()
	}
	dst = append(dst, tagSeverityNumber, byte(otlpSeverity(e.Level)))
	return appendString(dst, tagSeverityText, text)
}
