package formats

import (
	"log/slog"
	"slices"

	"github.com/slogship/slogship"
)

// The functions in this file write JSON into a JSON string: each quote and each
// backslash gets a leading backslash. Most of these are quotes around a string that
// needs no escape, which is written at once.

// appendQuotedObject appends a string that holds an object with the source, a time
// that has no place, and the attributes.
func appendQuotedObject(dst []byte, e *slogship.Event, isTime bool) []byte {
	dst = append(dst, `"{`...)
	switch {
	case given(e.SourceValue):
		dst = appendQuotedMember(dst, slog.SourceKey, e.SourceValue)
	case len(e.Source) > 0:
		dst = appendQuotedMember(dst, slog.SourceKey, slog.GroupValue(e.Source...))
	}
	if !isTime {
		if text, ok := timeText(e); ok {
			dst = appendQuotedMember(dst, timeTextKey, slog.StringValue(text))
		}
	}
	for i := range e.Attrs {
		dst = appendQuotedMember(dst, e.Attrs[i].Key, e.Attrs[i].Value)
	}
	return append(dst, `}"`...)
}

func appendQuotedMember(dst []byte, key string, v slog.Value) []byte {
	dst = append(appendQuotedString(appendComma(dst), key), ':')
	switch v.Kind() { // a scalar is without quotes, except for NaN and the infinities
	case slog.KindString:
		return appendQuotedString(dst, v.String())
	case slog.KindInt64:
		return slogship.AppendInt(dst, v.Int64())
	case slog.KindFloat64:
		if f := v.Float64(); f-f == 0 {
			return slogship.AppendFloat(dst, f)
		}
	case slog.KindUint64, slog.KindDuration, slog.KindBool:
		return slogship.AppendValue(dst, v)
	}
	from := len(dst)
	return escape(slogship.AppendValue(dst, v), from)
}

// appendQuotedString appends s as a JSON string inside a JSON string: \"s\".
func appendQuotedString(dst []byte, s string) []byte {
	from := len(dst)
	dst = slogship.AppendString(append(dst, '\\'), s)
	if n := len(dst); n-from == len(`\"`)+len(s)+len(`"`) { // it needs no escape
		dst = append(dst, '"')
		dst[n-1] = '\\'
		return dst
	}
	return escape(append(dst[:from], dst[from+1:]...), from)
}

// escape puts a backslash in front of each quote and each backslash in dst[from:],
// JSON of slogship's, which has no control characters.
//
//	dst  ... from [ at most twice as long as the text | a copy of the text ]
func escape(dst []byte, from int) []byte {
	n := len(dst) - from
	dst = slices.Grow(dst, 2*n)
	all := dst[from : from+3*n]
	out, text := all[:2*n], all[2*n:]
	copy(text, out)
	i := 0
	for _, c := range text {
		// Escapes are too frequent for branch prediction. Therefore a backslash is
		// written before each byte, and most are overwritten.
		out[i] = '\\'
		i += int(escapes[c])
		out[i] = c
		i++
	}
	return dst[:from+i]
}

// escapes has a 1 for each byte that takes a backslash in front inside a string.
var escapes = [256]uint8{'"': 1, '\\': 1}
