package integration

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship/integration/server"
)

// A value of OTLP is a string, bool, int64, float64, []byte, []any,
// map[string]any, or nil if it is empty.

// otlpOf is what formats.OTLP promises of v.
func otlpOf(v slog.Value) any {
	switch v.Kind() {
	case slog.KindString:
		return valid(v.String())
	case slog.KindBool:
		return v.Bool()
	case slog.KindInt64:
		return v.Int64()
	case slog.KindUint64:
		if u := v.Uint64(); u > math.MaxInt64 {
			return strconv.FormatUint(u, 10)
		}
		return int64(v.Uint64())
	case slog.KindFloat64:
		return v.Float64()
	case slog.KindDuration:
		return int64(v.Duration())
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindGroup:
		return otlpAttrs(v.Group())
	}
	if b, ok := v.Any().([]byte); ok {
		return b
	}
	d := json.NewDecoder(strings.NewReader(jsonOf(v)))
	d.UseNumber()
	var decoded any
	if err := d.Decode(&decoded); err != nil {
		panic(err)
	}
	return otlpOfJSON(decoded)
}

func otlpAttrs(attrs []slog.Attr) map[string]any {
	m := map[string]any{}
	for _, a := range attrs {
		m[valid(a.Key)] = otlpOf(a.Value)
	}
	return m
}

func otlpOfJSON(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		if !strings.ContainsAny(v.String(), ".eE") {
			return v.String() // an integer beyond int64
		}
		f, _ := v.Float64()
		return f
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = otlpOfJSON(v[i])
		}
		return all
	case map[string]any:
		m := map[string]any{}
		for k := range v {
			m[k] = otlpOfJSON(v[k])
		}
		return m
	}
	return v
}

// collected is what the Collector wrote as v.
func collected(v server.AnyValue) (any, error) {
	switch {
	case v.StringValue != nil:
		return *v.StringValue, nil
	case v.BoolValue != nil:
		return *v.BoolValue, nil
	case v.IntValue != nil:
		return v.IntValue.Int64()
	case v.DoubleValue != nil:
		return strconv.ParseFloat(strings.Trim(string(*v.DoubleValue), `"`), 64)
	case v.BytesValue != nil:
		return *v.BytesValue, nil
	case v.ArrayValue != nil:
		all := make([]any, len(v.ArrayValue.Values))
		for i, e := range v.ArrayValue.Values {
			var err error
			if all[i], err = collected(e); err != nil {
				return nil, err
			}
		}
		return all, nil
	case v.KvlistValue != nil:
		return collectedAttrs(v.KvlistValue.Values)
	}
	return nil, nil
}

func collectedAttrs(attrs []server.KeyValue) (map[string]any, error) {
	m := map[string]any{}
	for _, a := range attrs {
		if _, ok := m[a.Key]; ok {
			return nil, fmt.Errorf("the key %q twice", a.Key)
		}
		v, err := collected(a.Value)
		if err != nil {
			return nil, err
		}
		m[a.Key] = v
	}
	return m, nil
}

// difference says where two values of OTLP differ, "" if nowhere.
func difference(path string, got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			break
		}
		keys := slices.Collect(maps.Keys(want))
		for k := range got {
			if _, ok := want[k]; !ok {
				keys = append(keys, k)
			}
		}
		for _, k := range keys {
			g, inGot := got[k]
			w, inWant := want[k]
			if inGot != inWant {
				return fmt.Sprintf("%s.%q: there %v, wanted %v: %s", path, k, inGot, inWant, short(g, w))
			}
			if d := difference(fmt.Sprintf("%s.%q", path, k), g, w); d != "" {
				return d
			}
		}
		return ""
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			break
		}
		for i := range want {
			if d := difference(fmt.Sprintf("%s[%d]", path, i), got[i], want[i]); d != "" {
				return d
			}
		}
		return ""
	case float64:
		got, ok := got.(float64)
		if ok && (math.Float64bits(got) == math.Float64bits(want) || math.IsNaN(got) && math.IsNaN(want)) {
			return ""
		}
	case []byte:
		if got, ok := got.([]byte); ok && slices.Equal(got, want) {
			return ""
		}
	default:
		switch got.(type) {
		case map[string]any, []any, []byte:
		default:
			if got == want {
				return ""
			}
		}
	}
	return path + ": " + short(got, want)
}

// short shows two values that differ.
func short(got, want any) string {
	return fmt.Sprintf("got %.300q (%T), want %.300q (%T)", fmt.Sprint(got), got, fmt.Sprint(want), want)
}

// asLoki adds to metadata what Loki makes of a value of OTLP: groups are opened,
// names made of letters, digits and underscores, all else is text.
func asLoki(metadata map[string]string, name string, v any) {
	if group, ok := v.(map[string]any); ok {
		for k := range group {
			asLoki(metadata, lokiNormal(strings.TrimPrefix(name+"_"+k, "_")), group[k])
		}
		return
	}
	metadata[name] = asText(v)
}

// asText is what Loki makes of a value that is no group.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
		return marshalled(v)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case []any:
		return marshalled(v)
	}
	return fmt.Sprint(v)
}

func marshalled(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9]+`)

// lokiNormal is the name that Loki makes of another.
func lokiNormal(name string) string {
	name = notInNames.ReplaceAllString(name, "_")
	if name != "" && '0' <= name[0] && name[0] <= '9' {
		return "key_" + name
	}
	return name
}
