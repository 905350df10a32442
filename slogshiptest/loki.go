package slogshiptest

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// loki is the push endpoint
// (https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs),
// for JSON: it stores the good entries of a request, and then answers 400 with
// what it has against the others, in the words of
// https://github.com/grafana/loki/blob/v3.7.8/pkg/validation/validate.go. Any
// tenant will do, and none.
func loki() *spec {
	const maxLine = 256 << 10 // limits_config.max_line_size
	return &spec{
		name: "Loki", path: "/loki/api/v1/push",
		types:     []string{"application/json"},
		encodings: []string{"", "identity", "gzip", "deflate"},
		maxBytes:  maxBody,
		parse: func(text []byte) ([]event, bool) {
			events, ok := parseStreams(text)
			for i := range events {
				if line := elements(events[i].raw)[1]; len(line) > maxLine {
					events[i].bad = fmt.Sprintf("max entry size '%d' bytes exceeded for stream '%s'", maxLine, events[i].from.context)
				}
			}
			return events, ok
		},
		broken: http.StatusBadRequest,
		record: func(e event) Record {
			entry := elements(e.raw)
			r := e.blank()
			r.Time, r.Message = nanos(textOf(entry[0])), textOf(entry[1])
			r.Context, _ = decode(e.from.context).(map[string]any)
			if len(entry) > 2 {
				r.Attrs, _ = decode(entry[2]).(map[string]any)
			}
			r.Level, _ = r.Attrs["detected_level"].(string)
			if level, ok := r.Context["level"].(string); ok && r.Level == "" {
				r.Level = level
			}
			maps.DeleteFunc(r.Attrs, func(name string, _ any) bool { return name == "event_id" || name == "detected_level" })
			return r
		},
		settle: func(r *Receiver, events []event, verdicts []verdict) answer {
			bad, _ := r.takeGood(events, verdicts)
			if bad == 0 {
				return answer{status: http.StatusNoContent, header: http.Header{}, taken: true}
			}
			text := "entry for stream '{}' has timestamp too old: 2020-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-01-01T00:00:00Z"
			if bad > 1 {
				text = fmt.Sprintf("%d errors like: %s", bad, text)
			}
			return answer{
				status: http.StatusBadRequest, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
				body: text + "\n", taken: bad < len(events),
			}
		},
		failures: []Failure{
			{Status: 400, Body: "error at least one label pair is required per stream\n"},
			{Status: 401, Body: "no org id\n"},
			{Status: 429, Body: "ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to ingest '4' lines totaling '400' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased\n"},
			{Status: 500, Body: "at least 2 live replicas required, could only find 1\n"},
			{Status: 503, Body: "Service Unavailable\n"},
		},
	}
}

// parseStreams takes {"streams":[{"stream":{...},"values":[[time,line,{...}],...]},...]}
// apart.
func parseStreams(text []byte) (events []event, ok bool) {
	if text = trim(text); !acceptable(text) || text[0] != '{' {
		return nil, false
	}
	for key, value := range members(text) {
		if string(key) != "streams" || value[0] != '[' {
			return nil, false
		}
		for _, stream := range elements(value) {
			if stream[0] != '{' {
				return nil, false
			}
			entries, good := parseStream(stream)
			if !good {
				return nil, false
			}
			events = append(events, entries...)
		}
	}
	return events, true
}

// parseStream takes a stream apart.
func parseStream(stream []byte) (events []event, ok bool) {
	var labels []byte
	for key, value := range members(stream) {
		switch {
		case string(key) == "stream" && value[0] == '{':
			labels = value
		case string(key) == "values" && value[0] == '[':
			for _, entry := range elements(value) {
				e, good := newEntry(entry)
				if !good {
					return nil, false
				}
				events = append(events, e)
			}
		default:
			return nil, false
		}
	}
	from := &origin{context: labels}
	for i := range events {
		events[i].from = from
	}
	return events, len(labels) > len("{}")
}

// newEntry is the event of an entry, ["nanoseconds","line",{metadata}].
func newEntry(entry []byte) (e event, ok bool) {
	if entry[0] != '[' {
		return e, false
	}
	parts := elements(entry)
	if len(parts) < 2 || len(parts) > 3 || parts[0][0] != '"' || parts[1][0] != '"' {
		return e, false
	}
	if _, err := strconv.ParseInt(textOf(parts[0]), 10, 64); err != nil {
		return e, false
	}
	e.raw = entry
	if len(parts) == 3 {
		if parts[2][0] != '{' {
			return e, false
		}
		for name, value := range members(parts[2]) {
			if value[0] != '"' {
				return e, false // structured metadata is strings
			}
			if string(name) == "event_id" {
				e.id = textOf(value)
			}
		}
	}
	return e, true
}

// nanos is a time in nanoseconds, as text.
func nanos(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
