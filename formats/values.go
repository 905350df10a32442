package formats

import (
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/slogship/slogship"
)

// Names of attributes that are the ids of a trace, and the lengths of these.
const (
	traceKey     = "trace_id"
	spanKey      = "span_id"
	traceIDBytes = 16
	spanIDBytes  = 8
)

// given reports whether ReplaceAttr set v.
func given(v slog.Value) bool { return v.Kind() != slog.KindAny || v.Any() != nil }

// appendText appends the text of v as a JSON string: a string as it is, anything
// else as its JSON.
func appendText(dst []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return slogship.AppendString(dst, v.String())
	case slog.KindInt64:
		return append(slogship.AppendInt(append(dst, '"'), v.Int64()), '"')
	case slog.KindDuration:
		return append(slogship.AppendInt(append(dst, '"'), int64(v.Duration())), '"')
	case slog.KindUint64:
		return append(slogship.AppendUint(append(dst, '"'), v.Uint64()), '"')
	case slog.KindBool:
		return append(strconv.AppendBool(append(dst, '"'), v.Bool()), '"')
	case slog.KindFloat64:
		if f := v.Float64(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return append(slogship.AppendFloat(append(dst, '"'), f), '"')
		}
		return slogship.AppendValue(dst, v) // a string
	case slog.KindTime:
		return slogship.AppendValue(dst, v) // a string
	case slog.KindAny:
		switch v.Any().(type) {
		case *slogship.Error, *slogship.Bytes:
			return slogship.AppendValue(dst, v) // strings
		}
	}
	return slogship.AppendString(dst, textOf(v))
}

// textOf is the text of v: a string as it is, anything else as its JSON.
func textOf(v slog.Value) string {
	switch v.Kind() {
	case slog.KindString:
		return v.String()
	case slog.KindAny:
		switch v := v.Any().(type) {
		case *slogship.JSON:
			return textOfJSON(v.Text)
		case *slogship.Error:
			return v.Text
		}
	}
	return textOfJSON(string(slogship.AppendValue(nil, v)))
}

// messageOf is the text of the message; "" if ReplaceAttr left it out.
func messageOf(e *slogship.Event) string {
	switch {
	case given(e.MessageValue):
		return textOf(e.MessageValue)
	case e.NoMessage:
		return ""
	}
	return e.Message
}

// timeIn returns the time of e, and whether there is one that l can express. A string
// in RFC 3339 from ReplaceAttr counts as a time.
func timeIn(e *slogship.Event, l TimeLayout) (t time.Time, ok bool) {
	switch {
	case !given(e.TimeValue):
		return e.Time, !e.Time.IsZero() && l.expresses(e.Time)
	case e.TimeValue.Kind() == slog.KindTime: // the zero time
		t = e.TimeValue.Time()
	case e.TimeValue.Kind() == slog.KindString:
		var err error
		if t, err = time.Parse(time.RFC3339Nano, e.TimeValue.String()); err != nil {
			return t, false
		}
	default:
		return t, false
	}
	return t, l.expresses(t)
}

// timeOrObserved returns the time of e or, if there is none that l can express, the
// time at which it was logged.
func timeOrObserved(e *slogship.Event, l TimeLayout) time.Time {
	if t, ok := timeIn(e, l); ok {
		return t
	}
	return e.Observed
}

// timeText returns the time of e as text, and whether there is one. It is for a member
// in which any text is allowed.
func timeText(e *slogship.Event) (text string, ok bool) {
	switch {
	case given(e.TimeValue):
		return textOf(e.TimeValue), true
	case e.Time.IsZero():
		return "", false
	}
	return e.Time.UTC().Format(time.RFC3339Nano), true
}

// hasSource reports whether e has a source.
func hasSource(e *slogship.Event) bool { return len(e.Source) > 0 || given(e.SourceValue) }

// hasLevel reports whether e has a level.
func hasLevel(e *slogship.Event) bool { return !e.NoLevel || given(e.LevelValue) }

// hasName reports whether one of attrs is called name.
func hasName(attrs []slog.Attr, name string) bool {
	return slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == name })
}

// renameIDs renames the attributes trace_id and span_id to the names that a backend has
// for them. Of several, it renames the last. It renames none if an attribute already
// has the new name, so that no key is duplicated. fits, if not nil, reports whether a
// value is an id of n digits.
func renameIDs(attrs []slog.Attr, trace, span string, fits func(v slog.Value, n int) bool) {
	traceAt, spanAt := -1, -1
	for i := range attrs {
		switch attrs[i].Key {
		case traceKey:
			if fits == nil || fits(attrs[i].Value, 2*traceIDBytes) {
				traceAt = i
			}
		case spanKey:
			if fits == nil || fits(attrs[i].Value, 2*spanIDBytes) {
				spanAt = i
			}
		}
	}
	if traceAt >= 0 && !hasName(attrs, trace) {
		attrs[traceAt].Key = trace
	}
	if spanAt >= 0 && !hasName(attrs, span) {
		attrs[spanAt].Key = span
	}
}

// isHex reports whether s has n hexadecimal digits and nothing else.
func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range n {
		if c := s[i]; (c < '0' || '9' < c) && (c < 'a' || 'f' < c) && (c < 'A' || 'F' < c) {
			return false
		}
	}
	return true
}
