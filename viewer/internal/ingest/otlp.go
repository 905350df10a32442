package ingest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/slogship/slogship/viewer/internal/event"
)

// otlpLogs takes an ExportLogsServiceRequest.
func (h *Handler) otlpLogs(w http.ResponseWriter, r *http.Request) {
	h.otlp(w, r, "rejectedLogRecords", func(d *otlpDecoder, body []byte, isJSON bool) error {
		if isJSON {
			return d.logsJSON(body)
		}
		return d.logsProtobuf(body)
	})
}

// otlpTraces takes an ExportTraceServiceRequest.
func (h *Handler) otlpTraces(w http.ResponseWriter, r *http.Request) {
	h.otlp(w, r, "rejectedSpans", func(d *otlpDecoder, body []byte, isJSON bool) error {
		if isJSON {
			return d.tracesJSON(body)
		}
		return d.tracesProtobuf(body)
	})
}

// otlpDecoder collects what a request holds.
type otlpDecoder struct {
	now     int64
	logs    []event.Log
	spans   []event.Span
	refused int
	reason  string // of the last refusal
}

func (d *otlpDecoder) refuse(reason string) {
	d.refused++
	d.reason = reason
}

func (h *Handler) otlp(w http.ResponseWriter, r *http.Request, rejected string, decode func(d *otlpDecoder, body []byte, isJSON bool) error) {
	var isJSON bool
	switch t := mediaType(r); t {
	case "application/x-protobuf":
	case "application/json":
		isJSON = true
	default:
		fail(w, refuse(http.StatusUnsupportedMediaType, "the type is %q: application/x-protobuf and application/json are taken", clip(t)))
		return
	}
	var body bytes.Buffer // of its own: what is decoded may be part of it
	if fail(w, h.body(&body, r)) {
		return
	}
	d := &otlpDecoder{now: h.time().UnixNano()}
	if fail(w, decode(d, body.Bytes(), isJSON)) || fail(w, h.keep(r, d.logs, d.spans)) {
		return
	}
	if isJSON {
		answer := map[string]any{}
		if d.refused > 0 {
			answer["partialSuccess"] = map[string]any{rejected: json.Number(itoa(d.refused)), "errorMessage": d.reason}
		}
		writeJSON(w, http.StatusOK, answer)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	var answer []byte
	if d.refused > 0 { // partial_success { rejected = 1, error_message = 2 }
		inner := binary.AppendUvarint([]byte{1 << 3}, uint64(d.refused))
		inner = binary.AppendUvarint(append(inner, 2<<3|2), uint64(len(d.reason)))
		inner = append(inner, d.reason...)
		answer = append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(inner))), inner...)
	}
	w.Write(answer)
}

// keyValue is an attribute; its value is JSON.
type keyValue struct {
	key   string
	value []byte
}

// object writes attributes as JSON. Of equal keys the last wins.
func object(attrs []keyValue) []byte {
	if len(attrs) == 0 {
		return nil
	}
	last := make(map[string]int, len(attrs))
	for i, kv := range attrs {
		last[kv.key] = i
	}
	out := []byte{'{'}
	for i, kv := range attrs {
		if last[kv.key] != i {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = appendQuoted(out, kv.key)
		out = append(out, ':')
		out = append(out, kv.value...)
	}
	return append(out, '}')
}

// resource is what all records of one ResourceLogs share.
type resource struct {
	source string
	run    string     // service.instance.id
	attrs  []keyValue // what is worth keeping with each record
}

// newResource takes the service's name out of its attributes, and leaves out what
// tells of the SDK.
func newResource(attrs []keyValue) resource {
	r := resource{source: "default"}
	for _, kv := range attrs {
		if kv.key == runName {
			r.run = clip(text(kv.value))
		}
		switch {
		case kv.key == "service.name":
			if name := text(kv.value); name != "" {
				r.source = clip(name)
			}
		case bytes.HasPrefix([]byte(kv.key), []byte("telemetry.sdk.")):
		default:
			r.attrs = append(r.attrs, keyValue{"resource." + kv.key, kv.value})
		}
	}
	return r
}

// otlpLog is a log record as both encodings have it.
type otlpLog struct {
	time, observed uint64
	severity       int
	severityText   string
	body           []byte // JSON
	attrs          []keyValue
	trace          []byte
	span           []byte
	eventName      string
}

// add makes a record of it.
func (d *otlpDecoder) add(res resource, o *otlpLog) {
	l := event.Log{Source: res.source, Run: res.run, Time: d.now}
	switch {
	case validTime(o.time):
		l.Time = int64(o.time)
	case validTime(o.observed):
		l.Time = int64(o.observed)
	}
	l.Level = slogLevel(o.severity)
	if o.severity == 0 && o.severityText != "" {
		l.Level, _ = event.ParseLevel(o.severityText)
	}
	switch {
	case len(o.body) == 0:
		l.Message = o.eventName
	case o.body[0] == '"':
		l.Message = text(o.body)
	default:
		l.Message = string(o.body)
	}
	attrs := o.attrs
	for i, kv := range attrs {
		if kv.key == "log.record.uid" {
			l.ID = text(kv.value)
			attrs = append(attrs[:i:i], attrs[i+1:]...)
			break
		}
	}
	if o.eventName != "" && l.Message != o.eventName {
		attrs = append(attrs, keyValue{"event.name", appendQuoted(nil, o.eventName)})
	}
	l.Attrs = object(append(slices.Clip(attrs), res.attrs...))
	if len(o.trace) == 16 {
		l.Trace = [16]byte(o.trace)
	}
	if len(o.span) == 8 {
		l.Span = [8]byte(o.span)
	}
	if l.Trace == [16]byte{} || l.Run == "" {
		correlate(&l)
	}
	d.logs = append(d.logs, l)
}

// slogLevel turns OpenTelemetry's severity into slog's level: INFO, 9, is 0.
func slogLevel(severity int) int {
	if severity < 1 || severity > 24 {
		return 0
	}
	return severity - 9
}

// validTime reports whether the time is between 1970 and 2200.
func validTime(ns uint64) bool { return ns > 0 && ns < 7_258_118_400e9 }

// otlpSpan is a span as both encodings have it.
type otlpSpan struct {
	trace, id, parent []byte
	name              string
	kind, status      int
	statusText        string
	start, end        uint64
	attrs             []keyValue
	events            [][]byte // JSON objects
}

// addSpan makes a span of it, or refuses it.
func (d *otlpDecoder) addSpan(res resource, o *otlpSpan) {
	if len(o.trace) != 16 || len(o.id) != 8 {
		d.refuse("a span without a trace id of 16 bytes and a span id of 8")
		return
	}
	s := event.Span{
		Source: res.source, Run: res.run, Name: clip(o.name), Kind: o.kind, Failed: o.status == 2, Status: clip(o.statusText),
		Trace: [16]byte(o.trace), ID: [8]byte(o.id), Start: d.now,
	}
	if validTime(o.start) {
		s.Start = int64(o.start)
	}
	if validTime(o.end) {
		s.Duration = max(int64(o.end)-s.Start, 0)
	}
	if len(o.parent) == 8 {
		s.Parent = [8]byte(o.parent)
	}
	var method, route string
	for _, kv := range o.attrs {
		switch kv.key {
		case "http.request.method", "http.method":
			method = text(kv.value)
		case "http.route":
			route = text(kv.value)
		case "http.response.status_code", "http.status_code":
			if s.Kind == 2 && len(kv.value) == 3 && kv.value[0] == '5' {
				s.Failed = true
			}
		}
	}
	if s.Kind == 2 { // a server's
		s.Route = s.Name
		if route != "" {
			s.Route = clip(method + " " + route)
		}
	}
	s.Attrs = object(append(slices.Clip(o.attrs), res.attrs...))
	if len(o.events) > 0 {
		s.Events = append(append([]byte{'['}, bytes.Join(o.events, []byte(","))...), ']')
	}
	d.spans = append(d.spans, s)
}
