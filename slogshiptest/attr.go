package slogshiptest

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Find returns the first record with that message, in order of arrival:
//
//	paid, ok := backend.Find("invoice paid")
//	if !ok || !paid.Has("amount.cents", 1999) {
//		t.Errorf("got %v", backend.Records())
//	}
func (r *Receiver) Find(message string) (record Record, ok bool) {
	for _, record := range r.Records() {
		if record.Message == message {
			return record, true
		}
	}
	return Record{}, false
}

// Attr returns the attribute at path, or nil if there is none. The path is the keys of
// its groups and its own key, joined by dots: "user.address.city". A key may itself
// have dots.
//
// A number, also inside a group or list, is an int if it fits, so that
// r.Attr("user.id") == 42 works. Otherwise it is a uint64, a float64 if it has a
// fraction or an exponent, or a json.Number if these would lose a digit. To
// compare with a number of any type, use [Record.Has].
func (r Record) Attr(path string) any {
	value, _ := lookUp(r.Attrs, path)
	return plain(value)
}

// Has reports whether the attribute at path (see [Record.Attr]) is what the
// backend gets if the application logs want:
//
//   - a number equals the same number of any type;
//   - a time.Duration its nanoseconds, or its text;
//   - a time.Time the same instant; an error its text; nil null;
//   - anything else what its JSON says.
//
// For a backend that stores only strings, as Loki does in its metadata, want
// must be a string.
func (r Record) Has(path string, want any) bool {
	value, ok := lookUp(r.Attrs, path)
	return ok && equal(value, slog.AnyValue(want))
}

// lookUp finds path in attrs: the longest front of it that is a key, first.
func lookUp(attrs map[string]any, path string) (value any, ok bool) {
	if value, ok := attrs[path]; ok {
		return value, true
	}
	for end := strings.LastIndexByte(path, '.'); end >= 0; end = strings.LastIndexByte(path[:end], '.') {
		if group, ok := attrs[path[:end]].(map[string]any); ok {
			if value, ok := lookUp(group, path[end+1:]); ok {
				return value, true
			}
		}
	}
	return nil, false
}

// plain is a decoded value with Go's own numbers.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		return plainNumber(v)
	case map[string]any:
		members := make(map[string]any, len(v))
		for key, member := range v {
			members[key] = plain(member)
		}
		return members
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	}
	return value
}

func plainNumber(n json.Number) any {
	text := n.String()
	if strings.ContainsAny(text, ".eE") {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
		return n
	}
	if i, err := strconv.Atoi(text); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return u
	}
	return n
}

// equal reports whether got, which arrived, is what a backend makes of want.
func equal(got any, want slog.Value) bool {
	want = want.Resolve()
	switch want.Kind() {
	case slog.KindInt64:
		return equalNumber(got, strconv.FormatInt(want.Int64(), 10))
	case slog.KindUint64:
		return equalNumber(got, strconv.FormatUint(want.Uint64(), 10))
	case slog.KindFloat64:
		return equalNumber(got, strconv.FormatFloat(want.Float64(), 'g', -1, 64))
	case slog.KindDuration:
		return got == want.Duration().String() || equalNumber(got, strconv.FormatInt(int64(want.Duration()), 10))
	case slog.KindTime:
		text, _ := got.(string)
		t, err := time.Parse(time.RFC3339Nano, text)
		return err == nil && t.Equal(want.Time())
	case slog.KindBool:
		return got == want.Bool()
	case slog.KindString:
		return got == want.String()
	case slog.KindGroup:
		group, ok := got.(map[string]any)
		for _, a := range want.Group() {
			member, found := group[a.Key]
			ok = ok && found && equal(member, a.Value)
		}
		return ok && len(group) == len(want.Group())
	}
	if err, ok := want.Any().(error); ok {
		if _, ok := want.Any().(json.Marshaler); !ok {
			return got == err.Error()
		}
	}
	text, err := json.Marshal(want.Any())
	return err == nil && equalJSON(got, decode(text))
}

// equalNumber reports whether got is the number that text is.
func equalNumber(got any, text string) bool {
	n, ok := got.(json.Number)
	if !ok {
		return false
	}
	if n.String() == text {
		return true
	}
	// Two spellings of one number, such as 1.50 and 1.5. Integers have one, and a
	// float64 may not hold their digits.
	if !strings.ContainsAny(n.String()+text, ".eE") {
		return false
	}
	a, errA := strconv.ParseFloat(n.String(), 64)
	b, errB := strconv.ParseFloat(text, 64)
	return errA == nil && errB == nil && a == b
}

// equalJSON compares decoded values.
func equalJSON(got, want any) bool {
	switch w := want.(type) {
	case json.Number:
		return equalNumber(got, w.String())
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for key, member := range w {
			if value, ok := g[key]; !ok || !equalJSON(value, member) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !equalJSON(g[i], w[i]) {
				return false
			}
		}
		return true
	}
	return got == want
}
