package formats

import (
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
