package formats

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/jsontext"
)

// otlpReserved are the names of attributes that the format writes itself.
var otlpReserved = []string{uidKey, functionKey, fileKey, lineKey}

// otlpID is the digits of a trace id or of a span id if a is one: digits of the
// right number, not all of them zero. Most attributes are ruled out by the length
// of their name.
func otlpID(a *slog.Attr) (digits string, isTrace, ok bool) {
	n := 2 * spanIDBytes
	switch {
	case len(a.Key) == len(traceKey) && a.Key == traceKey:
		n, isTrace = 2*traceIDBytes, true
	case len(a.Key) == len(spanKey) && a.Key == spanKey:
	default:
		return "", false, false
	}
	if a.Value.Kind() != slog.KindString {
		return "", false, false
	}
	digits = a.Value.String()
	return digits, isTrace, isHex(digits, n) && strings.Trim(digits, "0") != ""
}

// flattened returns attrs, which are maxOTLPLevels deep, with each group replaced by
// its members, whose names are joined by dots.
func flattened(attrs []slog.Attr) []slog.Attr {
	if !slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Value.Kind() == slog.KindGroup }) {
		return attrs
	}
	return lastOfEach(appendFlat(nil, "", attrs))
}

func appendFlat(dst []slog.Attr, prefix string, attrs []slog.Attr) []slog.Attr {
	for _, a := range attrs {
		a.Key = prefix + a.Key
		if a.Value.Kind() == slog.KindGroup {
			dst = appendFlat(dst, a.Key+".", a.Value.Group())
		} else {
			dst = append(dst, a)
		}
	}
	return dst
}

// otlpOwn appends the attributes that the format itself writes: for the source, for a
// time that does not fit, and for the first error. If the record has an attribute with
// such a name for the error, that is written instead.
func otlpOwn(attrs []slog.Attr, e *slogship.Event, timeText string, err *slogship.Error) []slog.Attr {
	if given(e.SourceValue) {
		attrs = append(attrs, slog.Attr{Key: slog.SourceKey, Value: e.SourceValue})
	} else {
		for _, a := range e.Source {
			switch a.Key {
			case "function":
				a.Key = functionKey
			case "file":
				a.Key = fileKey
			case "line":
				a.Key = lineKey
			}
			attrs = append(attrs, a)
		}
	}
	if timeText != "" {
		attrs = append(attrs, slog.String(timeTextKey, timeText))
	}
	if err != nil {
		if err.Type != "" {
			attrs = append(attrs, slog.String("exception.type", err.Type))
		}
		attrs = append(attrs, slog.String("exception.message", err.Text))
		if err.Stack != nil {
			attrs = append(attrs, slog.String("exception.stacktrace", stackText(err.Stack)))
		}
	}
	return slices.DeleteFunc(attrs, func(a slog.Attr) bool { return hasName(e.Attrs, a.Key) })
}

// anyKind is what a JSON text becomes as an AnyValue.
type anyKind uint8

const (
	anyText anyKind = iota // a string of the text itself
	anyNull
	anyString
	anyBool
	anyInt
	anyDouble
	anyObject
	anyArray
)

// kindOfJSON is what a JSON text becomes inside level groups and objects.
func kindOfJSON(text string, level int) anyKind {
	if text == "" {
		return anyNull
	}
	switch text[0] {
	case '"':
		return anyString
	case 't', 'f':
		return anyBool
	case 'n':
		return anyNull
	case '{', '[':
		switch {
		case level >= maxOTLPLevels:
			return anyText
		case text[0] == '{':
			return anyObject
		}
		return anyArray
	}
	if strings.ContainsAny(text, ".eE") || text == "-0" {
		return anyDouble
	}
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return anyText // of more digits than an int64 has
	}
	return anyInt
}

// resolveResource converts a to the values that an Event may have.
func resolveResource(a *slog.Attr, field string) error {
	if a.Key == "" {
		return badOption(field+".Key", "", "a name")
	}
	a.Key = validUTF8(a.Key)
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindGroup:
		members := slices.Clone(a.Value.Group())
		for i := range members {
			if err := resolveResource(&members[i], field+"."+a.Key); err != nil {
				return err
			}
		}
		a.Value = slog.GroupValue(lastOfEach(members)...)
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case []byte:
			a.Value = slog.AnyValue(&slogship.Bytes{Data: v})
		case error:
			a.Value = slog.StringValue(v.Error())
		default:
			text, err := json.Marshal(v)
			if err != nil {
				return badOption(field+".Value", fmt.Sprintf("%T", v), "what encoding/json can marshal: "+err.Error())
			}
			const deep = 10_000 // deeper than encoding/json goes
			text, _ = jsontext.AppendValid(nil, text, deep)
			a.Value = slog.AnyValue(&slogship.JSON{Text: string(text)})
		}
	}
	return nil
}

// lastOfEach keeps only the last of several attributes with the same name.
func lastOfEach(attrs []slog.Attr) []slog.Attr {
	last := make(map[string]int, len(attrs))
	for i := range attrs {
		last[attrs[i].Key] = i
	}
	if len(last) == len(attrs) {
		return attrs
	}
	i := -1
	return slices.DeleteFunc(attrs, func(a slog.Attr) bool {
		i++
		return last[a.Key] != i
	})
}
