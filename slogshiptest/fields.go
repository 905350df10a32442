package slogshiptest

import (
	"bytes"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fields are the names under which a backend's events have what a record has.
type fields struct {
	// inside is the member that holds the attributes, and what has a dot in
	// front below; "": the event itself does.
	inside string

	id, time, level, message, source string
	own                              []string // other members that are no attributes
}

// record decodes an event of another backend than Logflare.
func (f fields) record(e event) Record {
	r := e.blank()
	f.read(&r, e.raw, "")
	return r
}

// blank is the record of e as far as all backends have it.
func (e event) blank() Record {
	return Record{ID: e.id, Time: e.time, Raw: slices.Clip(e.raw), Attrs: map[string]any{}}
}

// read reads an object into r. What is no field is an attribute, if the object
// is the one that holds them; prefix is what its fields have in front.
func (f fields) read(r *Record, object []byte, prefix string) {
	for key, value := range members(object) {
		name := prefix + string(key)
		if name == "" {
			name = "." // an attribute without a name, and no field that the backend has not
		}
		switch name {
		case f.id: // e has it
		case f.time:
			if t, ok := parseTime(value); ok {
				r.Time = t
			}
		case f.level:
			r.Level = textOf(value)
		case f.message:
			r.Message = textOf(value)
		case f.source:
			r.Context, _ = decode(value).(map[string]any)
		default:
			switch {
			case prefix == "" && f.inside != "":
				if string(key) == f.inside && value[0] == '{' {
					f.read(r, value, ".")
				}
			case !slices.Contains(f.own, name):
				r.Attrs[string(key)] = decode(value)
			}
		}
	}
}

// idOf is the id of an event, without decoding the rest; "" if it has none.
func (f fields) idOf(object []byte) string {
	name, inner := strings.CutPrefix(f.id, ".")
	for key, value := range members(object) {
		switch {
		case inner && string(key) == f.inside && value[0] == '{':
			for key, value := range members(value) {
				if string(key) == name && value[0] == '"' {
					return textOf(value)
				}
			}
		case !inner && string(key) == name && value[0] == '"':
			return textOf(value)
		}
	}
	return ""
}

// stamp gives events what they do not bring.
func stamp(events []event, s *spec, now time.Time) []event {
	common := &origin{as: s}
	for i := range events {
		e := &events[i]
		if e.from == nil {
			e.from = common
		}
		e.from.as, e.arrival, e.time = s, now, now.UTC()
		if s.idOf != nil && e.bad == "" {
			e.id = s.idOf(e.raw)
		}
	}
	return events
}

// parseTime reads a time as a backend other than Logflare does: RFC 3339, or
// seconds with a fraction, or an integer whose number of digits is its scale.
func parseTime(value []byte) (time.Time, bool) {
	if value[0] == '"' {
		t, err := time.Parse(time.RFC3339Nano, textOf(value))
		return t.UTC(), err == nil
	}
	if bytes.IndexByte(value, '.') >= 0 {
		seconds, ok := new(big.Rat).SetString(string(value))
		if !ok {
			return time.Time{}, false
		}
		nanos := new(big.Rat).Mul(seconds, big.NewRat(1e9, 1))
		n := new(big.Int).Quo(nanos.Num(), nanos.Denom())
		return time.Unix(0, n.Int64()).UTC(), n.IsInt64()
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	switch len(value) {
	case 13:
		return time.UnixMilli(n).UTC(), true
	case 16:
		return time.UnixMicro(n).UTC(), true
	case 19:
		return time.Unix(0, n).UTC(), true
	}
	return time.Unix(n, 0).UTC(), true
}

// parseArray takes a JSON array of objects apart.
func parseArray(text []byte) ([]event, bool) {
	if text = trim(text); !acceptable(text) || text[0] != '[' {
		return nil, false
	}
	var events []event
	for _, e := range elements(text) {
		if e[0] != '{' {
			return nil, false
		}
		events = append(events, event{raw: e})
	}
	return events, true
}

// parseLines takes lines apart, each of which is an object. One that is none is
// an event that is bad, for the reason given.
func parseLines(why string) func(text []byte) ([]event, bool) {
	return func(text []byte) ([]event, bool) {
		var events []event
		for line := range bytes.Lines(text) {
			switch line = trim(line); {
			case len(line) == 0:
			case !acceptable(line) || line[0] != '{':
				events = append(events, event{raw: line, bad: why})
			default:
				events = append(events, event{raw: line})
			}
		}
		return events, true
	}
}

// onlyGood is parse for a backend that refuses a body with a bad event in it.
func onlyGood(parse func([]byte) ([]event, bool)) func([]byte) ([]event, bool) {
	return func(text []byte) ([]event, bool) {
		events, ok := parse(text)
		return events, ok && !slices.ContainsFunc(events, func(e event) bool { return e.bad != "" })
	}
}
