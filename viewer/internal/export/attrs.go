package export

import (
	"encoding/json"
	"log/slog"
	"math"
	"strconv"

	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// attrsOf makes attributes of a JSON object: groups of objects, numbers of
// numbers. What slog has no kind for stays JSON.
func attrsOf(object []byte) []slog.Attr {
	var attrs []slog.Attr
	jsontext.Each(object, func(key, value []byte) bool {
		attrs = append(attrs, slog.Attr{Key: string(key), Value: valueOf(value, 1)})
		return true
	})
	return attrs
}

func valueOf(value []byte, depth int) slog.Value {
	switch {
	case len(value) == 0:
		return slog.AnyValue(nil)
	case value[0] == '"':
		return slog.StringValue(jsontext.Text(value))
	case value[0] == '{' && depth < jsontext.MaxDepth:
		var members []slog.Attr
		jsontext.Each(value, func(key, v []byte) bool {
			members = append(members, slog.Attr{Key: string(key), Value: valueOf(v, depth+1)})
			return true
		})
		if len(members) > 0 { // slog leaves out an empty group
			return slog.GroupValue(members...)
		}
	case value[0] == 't':
		return slog.BoolValue(true)
	case value[0] == 'f':
		return slog.BoolValue(false)
	case value[0] == 'n':
		return slog.AnyValue(nil)
	case value[0] == '-' || value[0] >= '0' && value[0] <= '9':
		text := string(value)
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
			return slog.Int64Value(n)
		}
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return slog.Uint64Value(n)
		}
		// An integer that no kind holds keeps its digits.
		if f, err := strconv.ParseFloat(text, 64); err == nil && (math.Abs(f) < 1<<53 || f != math.Trunc(f)) {
			return slog.Float64Value(f)
		}
	}
	return slog.AnyValue(json.RawMessage(value))
}
