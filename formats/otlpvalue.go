package formats

import (
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/slogship/slogship"
)

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

// maxShort bounds the strings of a KeyValue whose lengths take one byte each:
//
//	tag 1  tagKey 1 key  tagValue 1  tagString 1 string
const maxShort = 0x7f - len(`K1V1S1`)

// appendKeyValue appends a field that is a KeyValue, inside level groups. The
// lengths of a scalar, which mostly is short, are known before it is written.
func appendKeyValue(dst []byte, tag byte, key string, v slog.Value, level int) []byte {
	kind := v.Kind() // asked once: it takes as long as an integer takes to write
	key = validUTF8(key)
	switch kind {
	case slog.KindString:
		s := validUTF8(v.String())
		if len(key)+len(s) > maxShort {
			break
		}
		dst = appendShortKey(dst, tag, key, 2+len(s))
		dst = append(dst, tagString, byte(len(s)))
		return append(dst, s...)
	case slog.KindInt64:
		n := uint64(v.Int64())
		if len(key)+binary.MaxVarintLen64 > maxShort {
			break
		}
		dst = appendShortKey(dst, tag, key, 1+varintLen(n))
		return appendVarint(append(dst, tagInt), n)
	case slog.KindFloat64:
		if len(key)+8 > maxShort {
			break
		}
		dst = appendShortKey(dst, tag, key, 1+8)
		return appendFixed64(dst, tagDouble, math.Float64bits(v.Float64()))
	}
	if isNested(kind, v) {
		dst = appendPad(append(dst, tag))
		begin := len(dst)
		dst = appendString(dst, tagKey, key)
		dst = appendPad(append(dst, tagValue))
		value := len(dst)
		dst = appendAnyContent(dst, kind, v, level)
		putLength(dst, value)
		putLength(dst, begin)
		return dst
	}
	dst = append(dst, tag, 0)
	begin := len(dst)
	dst = appendString(dst, tagKey, key)
	dst = append(dst, tagValue, 0)
	value := len(dst)
	dst = appendAnyContent(dst, kind, v, level)
	return closeShort(closeShort(dst, value), begin)
}

// appendShortKey appends a KeyValue up to its value, of so many bytes.
func appendShortKey(dst []byte, tag byte, key string, value int) []byte {
	dst = append(dst, tag, byte(2+len(key)+2+value), tagKey, byte(len(key)))
	dst = append(dst, key...)
	return append(dst, tagValue, byte(value))
}

// isNested reports whether v, of that kind, has values in it.
func isNested(kind slog.Kind, v slog.Value) bool {
	switch kind {
	case slog.KindGroup:
		return true
	case slog.KindAny:
		_, ok := v.Any().(*slogship.JSON)
		return ok
	}
	return false
}

// appendAnyContent appends the content of an AnyValue, of that kind, inside level
// groups.
func appendAnyContent(dst []byte, kind slog.Kind, v slog.Value, level int) []byte {
	switch kind {
	case slog.KindString:
		return appendString(dst, tagString, validUTF8(v.String()))
	case slog.KindInt64:
		return appendVarint(append(dst, tagInt), uint64(v.Int64()))
	case slog.KindUint64:
		if v.Uint64() <= math.MaxInt64 {
			return appendVarint(append(dst, tagInt), v.Uint64())
		}
		dst = append(dst, tagString, 0)
		begin := len(dst)
		return closeShort(slogship.AppendUint(dst, v.Uint64()), begin)
	case slog.KindFloat64:
		return appendFixed64(dst, tagDouble, math.Float64bits(v.Float64()))
	case slog.KindBool:
		return appendBool(dst, v.Bool())
	case slog.KindDuration:
		return appendVarint(append(dst, tagInt), uint64(v.Duration()))
	case slog.KindTime:
		dst = append(dst, tagString, 0)
		begin := len(dst)
		return closeShort(v.Time().AppendFormat(dst, time.RFC3339Nano), begin)
	case slog.KindGroup:
		dst = appendPad(append(dst, tagKVList))
		begin := len(dst)
		dst = appendProtobufAttrs(dst, tagValues, v.Group(), level+1)
		putLength(dst, begin)
		return dst
	}
	switch v := v.Any().(type) {
	case *slogship.JSON:
		return appendProtobufJSON(dst, v.Text, level)
	case *slogship.Bytes:
		dst = appendVarint(append(dst, tagBytes), uint64(len(v.Data)))
		return append(dst, v.Data...)
	case *slogship.Error:
		return appendString(dst, tagString, validUTF8(v.Text))
	}
	return dst
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, tagBool, 1)
	}
	return append(dst, tagBool, 0)
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

// appendProtobufJSON appends a JSON text as the content of an AnyValue inside
// level groups and objects.
func appendProtobufJSON(dst []byte, text string, level int) []byte {
	switch kindOfJSON(text, level) {
	case anyNull:
		return dst
	case anyBool:
		return appendBool(dst, text == "true")
	case anyInt:
		n, _ := strconv.ParseInt(text, 10, 64) // kindOfJSON has parsed it
		return appendVarint(append(dst, tagInt), uint64(n))
	case anyDouble:
		f, _ := strconv.ParseFloat(text, 64) // in range: it is the record's own
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
