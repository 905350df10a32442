package slogshiptest

import (
	"slices"
	"strconv"
	"time"
)

// event is a record before it is decoded.
type event struct {
	raw     []byte
	id      string
	time    time.Time
	arrival time.Time
	bad     string  // why the backend cannot read it; "" if it can
	from    *origin // nil for Logflare
}

// An origin is what events of another backend than Logflare have in common.
type origin struct {
	as       *spec
	context  []byte // labels, or the resource; nil if there is none
	protobuf bool   // raw is JSON of what was sent in Protocol Buffers
}

// newEvent is the event raw, an object, that arrived now; single if it was
// the whole body.
func newEvent(raw []byte, single bool, now time.Time) event {
	e := event{raw: raw, arrival: now}
	e.time = now.UTC().Truncate(time.Microsecond)
	if single {
		return e
	}
	for key, value := range members(raw) {
		switch string(key) {
		case "id":
			e.id = ""
			if value[0] == '"' {
				e.id = textOf(value)
			}
		case "timestamp":
			if t, ok := parseTimestamp(value); ok {
				e.time = t
			}
		}
	}
	return e
}

// tooLate reports whether the server drops e, and says nothing, because it is
// more than an hour in the future.
func (e event) tooLate() bool { return e.time.Sub(e.arrival) > time.Hour }

// iso8601 are the layouts in which a timestamp may be; each fits a fraction of
// any length.
var iso8601 = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02 15:04:05Z07:00"}

// parseTimestamp reads a timestamp in one of the forms that the server knows.
func parseTimestamp(value []byte) (time.Time, bool) {
	if value[0] == '"' {
		for _, layout := range iso8601 {
			if t, err := time.Parse(layout, textOf(value)); err == nil {
				return t.UTC().Truncate(time.Microsecond), true
			}
		}
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, false
	}
	switch len(value) { // the number of digits is the scale
	case 10:
		return time.Unix(n, 0).UTC(), true
	case 13:
		return time.UnixMilli(n).UTC(), true
	case 16:
		return time.UnixMicro(n).UTC(), true
	case 19:
		return time.Unix(0, n).UTC().Truncate(time.Microsecond), true
	}
	return time.Time{}, false
}

// record decodes e.
func (e event) record() Record {
	if e.from != nil {
		return e.from.as.record(e)
	}
	r := Record{ID: e.id, Time: e.time, Raw: slices.Clip(e.raw)}
	for key, value := range members(e.raw) {
		switch string(key) {
		case "message":
			r.Message = textOf(value)
		case "metadata":
			r.Attrs, _ = decode(value).(map[string]any)
		}
	}
	if level, ok := r.Attrs["level"].(string); ok {
		r.Level = level
		delete(r.Attrs, "level")
	}
	if context, ok := r.Attrs["context"].(map[string]any); ok {
		r.Context = context
		delete(r.Attrs, "context")
	}
	return r
}

func decodeAll(events []event) []Record {
	records := make([]Record, len(events))
	for i, e := range events {
		records[i] = e.record()
	}
	return records
}
