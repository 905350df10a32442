package formats

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

// otlpJSON writes what otlpProtobuf does in the JSON mapping of Protocol
// Buffers, with OTLP's own rules for it: ids in hexadecimal, enums as numbers
// (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding").
type otlpJSON struct{ head string }

func newOTLPJSON(o OTLPOptions) otlpJSON {
	head := []byte(`{"resourceLogs":[{"resource":{"attributes":[`)
	begin := len(head)
	for _, a := range o.Resource {
		head = appendJSONResource(head, a, 0)
	}
	head = dropOverruled(head, begin, 1, nextJSONKeyValue)
	head = append(head, `]},"scopeLogs":[{"scope":{"name":`...)
	head = slogship.AppendString(head, o.ScopeName)
	if o.ScopeVersion != "" {
		head = append(head, `,"version":`...)
		head = slogship.AppendString(head, o.ScopeVersion)
	}
	return otlpJSON{head: string(append(head, `},"logRecords":[`...))}
}

// appendJSONResource appends what resolveResource has made of an attribute.
func appendJSONResource(dst []byte, a slog.Attr, level int) []byte {
	if text, ok := a.Value.Any().(json.RawMessage); ok {
		return appendJSONText(dst, a.Key, text, level)
	}
	if a.Value.Kind() != slog.KindGroup {
		return appendJSONKeyValue(dst, a.Key, a.Value)
	}
	dst = beginJSONKVList(dst, a.Key)
	begin := len(dst)
	for _, member := range a.Value.Group() {
		dst = appendJSONResource(dst, member, level+1)
	}
	return endJSONKVList(dst, begin)
}

func (f otlpJSON) Layout() slogship.Layout {
	return slogship.Layout{
		ContentType: "application/json",
		Head:        f.head,
		Separator:   ",",
		Tail:        "]}]}]}",
		MaxBytes:    maxOTLPBytes,
		Zstd:        true,
		Attrs: &slogship.AttrEncoding{
			Separator:  ",",
			AppendAttr: appendJSONAttr,
			AppendJSON: appendJSONAttrText,
			BeginGroup: func(dst []byte, groups []string, name string) []byte {
				switch {
				case len(groups) >= maxOTLPLevels:
					return dst
				case len(groups) == 0:
					name = otlpKey(nil, name)
				}
				return beginJSONKVList(dst, name)
			},
			EndGroup: func(dst []byte, groups []string, _ string, begin int) []byte {
				if len(groups) >= maxOTLPLevels {
					return dst
				}
				return endJSONKVList(dst, begin)
			},
		},
	}
}

func (f otlpJSON) AppendEvent(dst []byte, e *slogship.Event) []byte {
	at, observed, timeText := otlpTimes(e)
	dst = append(dst, `{"observedTimeUnixNano":"`...)
	digits := len(dst)
	dst = slogship.AppendUint(dst, observed)
	if at != 0 {
		end := len(dst)
		dst = append(dst, `","timeUnixNano":"`...)
		if at == observed {
			dst = append(dst, dst[digits:end]...)
		} else {
			dst = slogship.AppendUint(dst, at)
		}
	}
	dst = appendJSONSeverity(append(dst, '"'), e)
	if e.HasMessage {
		dst = append(dst, `,"body":{"stringValue":`...)
		dst = e.AppendMessage(dst)
		dst = append(dst, '}')
	}
	const open, uid = `,"attributes":[`, `{"key":"` + uidKey + `","value":{"stringValue":"`
	dst = append(dst, open+uid...)
	attributes := len(dst) - len(uid)
	dst = append(e.AppendID(dst), `"}}`...)
	if e.HasSource {
		dst = appendJSONSource(dst, e)
	}
	if timeText != "" {
		dst = appendJSONKeyValue(dst, timeTextKey, slog.StringValue(timeText))
	}
	before := len(dst)
	dst = e.AppendAttrs(dst)
	var trace [2 * traceIDBytes]byte
	var span [2 * spanIDBytes]byte
	dst = takeIDs(dst, before, trace[:], span[:])
	if e.Repeats() || timeText != "" {
		dst = dropOverruled(dst, attributes, 1, nextJSONKeyValue)
	}
	dst = append(dst, ']')
	if trace[0] != 0 {
		dst = append(dst, `,"traceId":"`...)
		dst = append(dst, trace[:]...)
		dst = append(dst, '"')
	}
	if span[0] != 0 {
		dst = append(dst, `,"spanId":"`...)
		dst = append(dst, span[:]...)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// appendJSONSeverity appends the level. Most are one of four.
func appendJSONSeverity(dst []byte, e *slogship.Event) []byte {
	switch {
	case !e.HasLevel:
		return dst
	case e.LevelText != "":
	case e.Level == slog.LevelDebug:
		return append(dst, `,"severityNumber":5,"severityText":"DEBUG"`...)
	case e.Level == slog.LevelInfo:
		return append(dst, `,"severityNumber":9,"severityText":"INFO"`...)
	case e.Level == slog.LevelWarn:
		return append(dst, `,"severityNumber":13,"severityText":"WARN"`...)
	case e.Level == slog.LevelError:
		return append(dst, `,"severityNumber":17,"severityText":"ERROR"`...)
	}
	dst = append(dst, `,"severityNumber":`...)
	dst = slogship.AppendInt(dst, int64(otlpSeverity(e.Level)))
	dst = append(dst, `,"severityText":`...)
	return e.AppendLevel(dst, false)
}

func (f otlpJSON) ReadAnswer(a slogship.Answer) slogship.Verdict {
	return readOTLPAnswer(a)
}

// idMark stands before the digits of a trace or span id among the attributes,
// where they do not belong, for AppendEvent to find: JSON holds no such byte.
const idMark = 0

// takeIDs takes the ids out of dst[from:], of several the last. The attributes
// there are not the first ones: a comma stands before each.
func takeIDs(dst []byte, from int, trace, span []byte) []byte {
	mark := bytes.IndexByte(dst[from:], idMark)
	if mark < 0 {
		return dst
	}
	end := from + mark - 1 // before the comma
	for rest := dst[end+1:]; ; {
		id := span
		if rest[1] == traceKey[0] {
			id = trace
		}
		rest = rest[2+copy(id, rest[2:]):]
		mark = bytes.IndexByte(rest, idMark)
		if mark < 0 {
			return append(dst[:end], rest...)
		}
		end += copy(dst[end:], rest[:mark-1])
		rest = rest[mark:]
	}
}

// appendJSONSource appends the members of the source as attributes.
func appendJSONSource(dst []byte, e *slogship.Event) []byte {
	at := len(dst)
	dst = e.AppendSource(append(dst, '{'))
	end := len(dst)
	dst = append(dst, '}') // as behind an attribute: a comma comes next
	for i := at + 1; ; {
		m, ok := nextMember(dst[:end], i)
		if !ok {
			return append(dst[:at], dst[end+1:]...) // the members go, the attributes stay
		}
		i = m.end
		dst = appendJSONText(dst, otlpSourceKey(dst[m.key:m.colon]), dst[m.colon+1:m.end], 0)
	}
}

// appendJSONAttr is the AttrEncoding's AppendAttr.
func appendJSONAttr(dst []byte, groups []string, key string, v slog.Value) []byte {
	if len(groups) > 0 {
		return appendJSONKeyValue(dst, otlpKey(groups, key), v)
	}
	if mayBeOTLP(key) {
		if v.Kind() == slog.KindString && isOTLPID(key, v.String()) {
			return appendIDMark(dst, key, v.String())
		}
		key = otlpKey(nil, key)
	}
	return appendJSONKeyValue(dst, key, v)
}

// appendJSONAttrText is the AttrEncoding's AppendJSON.
func appendJSONAttrText(dst []byte, groups []string, key string, text []byte) []byte {
	if len(groups) == 0 {
		if digits := strings.Trim(string(text), `"`); text[0] == '"' && isOTLPID(key, digits) {
			return appendIDMark(dst, key, digits)
		}
	}
	return appendJSONText(dst, otlpKey(groups, key), text, len(groups))
}

// appendIDMark appends an id for takeIDs to find.
func appendIDMark(dst []byte, key, digits string) []byte {
	if len(dst) > 0 {
		dst = append(dst, ',')
	}
	return append(append(dst, idMark, key[0]), digits...)
}

// appendJSONKeyValue appends a KeyValue with a comma before it, unless it is the
// first. v is what an AttrEncoding is given.
func appendJSONKeyValue(dst []byte, key string, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		dst = beginJSONKeyValue(dst, key, `,"value":{"stringValue":`)
		dst = slogship.AppendString(dst, v.String())
		return append(dst, "}}"...)
	case slog.KindInt64:
		return appendJSONInt(dst, key, v.Int64())
	case slog.KindUint64:
		if n := v.Uint64(); n > math.MaxInt64 {
			dst = beginJSONKeyValue(dst, key, `,"value":{"stringValue":"`)
			dst = slogship.AppendUint(dst, n)
			return append(dst, `"}}`...)
		}
		return appendJSONInt(dst, key, int64(v.Uint64()))
	case slog.KindFloat64:
		dst = beginJSONKeyValue(dst, key, `,"value":{"doubleValue":`)
		dst = appendJSONDouble(dst, v.Float64())
		return append(dst, "}}"...)
	case slog.KindBool:
		if v.Bool() {
			return beginJSONKeyValue(dst, key, `,"value":{"boolValue":true}}`)
		}
		return beginJSONKeyValue(dst, key, `,"value":{"boolValue":false}}`)
	case slog.KindDuration:
		return appendJSONInt(dst, key, int64(v.Duration()))
	case slog.KindTime:
		dst = beginJSONKeyValue(dst, key, `,"value":{"stringValue":"`)
		dst = v.Time().AppendFormat(dst, time.RFC3339Nano)
		return append(dst, `"}}`...)
	}
	b, _ := v.Any().([]byte)
	dst = beginJSONKeyValue(dst, key, `,"value":{"bytesValue":"`)
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, `"}}`...)
}

// appendJSONText is appendJSONKeyValue for the value of a JSON text, inside level
// groups. dst may be where text stands.
func appendJSONText(dst []byte, key string, text []byte, level int) []byte {
	dst, _ = appendOTLPJSON(beginJSONKeyValue(dst, key, `,"value":`), text, 0, level)
	return append(dst, '}')
}

// beginJSONKeyValue appends a KeyValue up to its value, and then rest.
func beginJSONKeyValue(dst []byte, key, rest string) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '[' {
		dst = append(dst, `,{"key":`...)
	} else {
		dst = append(dst, `{"key":`...)
	}
	return append(slogship.AppendString(dst, key), rest...)
}

func appendJSONInt(dst []byte, key string, n int64) []byte {
	dst = beginJSONKeyValue(dst, key, `,"value":{"intValue":"`)
	dst = slogship.AppendInt(dst, n)
	return append(dst, `"}}`...)
}

// appendJSONDouble appends f in Protocol Buffers' JSON mapping
// (protobuf.dev/programming-guides/json), where NaN is a string, too.
func appendJSONDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return slogship.AppendFloat(dst, f)
}

func beginJSONKVList(dst []byte, key string) []byte {
	return beginJSONKeyValue(dst, key, `,"value":{"kvlistValue":{"values":[`)
}

func endJSONKVList(dst []byte, begin int) []byte {
	dst = dropOverruled(dst, begin, 1, nextJSONKeyValue)
	return append(dst, "]}}}"...)
}

// nextJSONKeyValue returns the KeyValue at i, as appendJSONKeyValue and
// beginJSONKVList wrote it.
func nextJSONKeyValue(b []byte, i int) element {
	e := element{from: i, key: i + len(`{"key":`)}
	e.keyEnd = skipString(b, e.key)
	i = e.keyEnd + len(`,"value":{`)
	switch b[i] {
	case '}': // nil
		e.to = i + 2
		return e
	case '"':
		// The name of the value's kind, its colon, and the value.
		switch b[i+1] {
		case 's':
			e.to = skipString(b, i+len(`"stringValue":`)) + 2
			return e
		case 'i':
			e.to = skipString(b, i+len(`"intValue":`)) + 2
			return e
		case 'd', 'b':
			e.to = skipElement(b, skipString(b, i)+1) + 2
			return e
		}
	}
	e.to = skipElement(b, i-1) + 1
	return e
}

// appendOTLPJSON appends the JSON value at i in text as an AnyValue inside level
// groups and objects, and returns where it ends.
func appendOTLPJSON(dst, text []byte, i, level int) (out []byte, end int) {
	kind := `{"doubleValue":`
	switch text[i] {
	case '"':
		kind, end = `{"stringValue":`, skipString(text, i)
	case 't', 'f':
		kind, end = `{"boolValue":`, skipNumber(text, i)
	case 'n':
		return append(dst, `{}`...), i + len("null")
	case '{', '[':
		if level >= maxOTLPLevels {
			end = skipElement(text, i)
			dst = append(dst, `{"stringValue":`...)
			dst = slogship.AppendString(dst, string(text[i:end]))
			return append(dst, '}'), end
		}
		if text[i] == '{' {
			return appendOTLPObject(dst, text, i, level)
		}
		return appendOTLPArray(dst, text, i, level)
	default:
		end = skipNumber(text, i)
		if digits := string(text[i:end]); isInteger(digits) {
			kind = `{"intValue":"`
			if _, err := strconv.ParseInt(digits, 10, 64); err != nil {
				kind = `{"stringValue":"`
			}
			dst = append(dst, kind...)
			dst = append(dst, digits...)
			return append(dst, `"}`...), end
		}
	}
	dst = append(dst, kind...)
	dst = append(dst, text[i:end]...)
	return append(dst, '}'), end
}

func appendOTLPArray(dst, text []byte, i, level int) (out []byte, end int) {
	dst = append(dst, `{"arrayValue":{"values":[`...)
	for i++; text[i] != ']'; {
		if text[i] == ',' {
			dst = append(dst, ',')
			i++
		}
		dst, i = appendOTLPJSON(dst, text, i, level+1)
	}
	return append(dst, "]}}"...), i + 1
}

func appendOTLPObject(dst, text []byte, i, level int) (out []byte, end int) {
	dst = append(dst, `{"kvlistValue":{"values":[`...)
	begin := len(dst)
	for i++; text[i] != '}'; {
		if text[i] == ',' {
			dst = append(dst, ',')
			i++
		}
		end = skipString(text, i)
		dst = append(dst, `{"key":`...)
		dst = append(dst, text[i:end]...)
		dst = append(dst, `,"value":`...)
		dst, i = appendOTLPJSON(dst, text, end+1, level+1)
		dst = append(dst, '}')
	}
	dst = dropOverruled(dst, begin, 1, nextJSONKeyValue)
	return append(dst, "]}}"...), i + 1
}
