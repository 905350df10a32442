package slogship

import (
	"encoding/base64"
	"log/slog"
	"strconv"
	"time"

	"github.com/slogship/slogship/internal/jsontext"
)

// The functions that follow are for Formats that write JSON. Each appends to dst
// and returns the extended slice, as strconv.AppendInt does, and may write to the
// capacity after it.

// AppendString appends s as a JSON string. Each invalid byte of UTF-8 becomes
// U+FFFD.
func AppendString(dst []byte, s string) []byte { return jsontext.AppendString(dst, s) }

// AppendInt appends n in decimal.
func AppendInt(dst []byte, n int64) []byte { return jsontext.AppendInt(dst, n) }

// AppendUint appends n in decimal.
func AppendUint(dst []byte, n uint64) []byte { return jsontext.AppendUint(dst, n) }

// AppendFloat appends f as encoding/json does. JSON has no NaN and no infinities:
// these become the strings "NaN", "+Inf" and "-Inf".
func AppendFloat(dst []byte, f float64) []byte { return jsontext.AppendFloat(dst, f) }

// AppendTime appends t as a JSON string, in RFC 3339 and UTC, with the given number of
// fractional digits, from 0 to 9. Further digits are cut off, not rounded.
func AppendTime(dst []byte, t time.Time, digits int) []byte {
	return jsontext.AppendTime(dst, t, digits)
}

// AppendLevel appends l as a JSON string, with the name that slog gives it: "INFO",
// "WARN+2". If lower is true, the name is in lower case: "info", "warn+2".
func AppendLevel(dst []byte, l slog.Level, lower bool) []byte {
	return jsontext.AppendLevel(dst, l, lower)
}

// AppendAttrs appends attributes as members of a JSON object, without its braces. A
// comma comes first, unless dst is empty or ends with an opening brace. If attrs is
// empty, nothing is appended.
func AppendAttrs(dst []byte, attrs []slog.Attr) []byte {
	for i := range attrs {
		if i == 0 {
			dst = jsontext.AppendKey(dst, attrs[i].Key)
		} else {
			dst = jsontext.AppendNextKey(dst, attrs[i].Key)
		}
		dst = AppendValue(dst, attrs[i].Value)
	}
	return dst
}

// AppendValue appends a value of an [Event] as [slog.JSONHandler] writes it: a duration
// in nanoseconds, a time in RFC 3339 with its own zone. A [*Bytes] becomes base64, an
// [*Error] its text, a [*JSON] its text. A value of any other type becomes null.
func AppendValue(dst []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return jsontext.AppendString(dst, v.String())
	case slog.KindInt64:
		return jsontext.AppendInt(dst, v.Int64())
	case slog.KindUint64:
		return jsontext.AppendUint(dst, v.Uint64())
	case slog.KindFloat64:
		return jsontext.AppendFloat(dst, v.Float64())
	case slog.KindBool:
		return strconv.AppendBool(dst, v.Bool())
	case slog.KindDuration:
		return jsontext.AppendInt(dst, int64(v.Duration()))
	case slog.KindTime:
		return jsontext.AppendTimeInZone(dst, v.Time())
	case slog.KindGroup:
		return append(AppendAttrs(append(dst, '{'), v.Group()), '}')
	}
	switch v := v.Any().(type) {
	case *JSON:
		return append(dst, v.Text...)
	case *Bytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Data)
		return append(dst, '"')
	case *Error:
		return jsontext.AppendString(dst, v.Text)
	}
	return append(dst, "null"...)
}
