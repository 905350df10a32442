package slogshiptest

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
)

// otlp is the endpoint of an OpenTelemetry Collector, for JSON and for Protocol
// Buffers (https://opentelemetry.io/docs/specs/otlp/#otlphttp): a 200, with a
// partial success if it leaves records out. Errors are JSON whatever the request
// was. That 400 is said of a body that is too large is the Collector's way.
func otlp() *spec {
	failure := func(status, code int, message string) Failure {
		text, _ := json.Marshal(map[string]any{"code": code, "message": message})
		return jsonFailure(status, string(text))
	}
	return &spec{
		name: "OTLP", path: "/v1/logs",
		types:     []string{"application/json", "application/x-protobuf"},
		encodings: []string{"", "identity", "gzip", "deflate", "zstd"},
		maxBytes:  maxBody,
		parse: func(body []byte) ([]event, bool) {
			if len(body) > 0 && body[0] == '{' { // which is no first byte in Protocol Buffers
				return parseOTLP(body)
			}
			text, ok := otlpJSON(body)
			if !ok {
				return nil, false
			}
			events, ok := parseOTLP(text)
			for i := range events {
				events[i].from.protobuf = true
			}
			return events, ok
		},
		broken: http.StatusBadRequest,
		record: otlpRecord,
		settle: func(r *Receiver, events []event, verdicts []verdict) answer {
			var partial struct {
				Rejected int    `json:"rejectedLogRecords,omitempty"`
				Message  string `json:"errorMessage,omitempty"`
			}
			partial.Rejected, partial.Message = r.takeGood(events, verdicts)
			a := jsonAnswer(http.StatusOK, `{}`)
			a.taken = true
			switch {
			case len(events) > 0 && events[0].from.protobuf:
				a.header.Set("Content-Type", "application/x-protobuf")
				a.body = string(wirePartialSuccess(partial.Rejected, partial.Message))
			case partial.Rejected > 0:
				text, _ := json.Marshal(map[string]any{"partialSuccess": partial})
				a.body = string(text)
			}
			return a
		},
		failures: []Failure{
			failure(400, 3, "invalid request"),
			failure(400, 3, "http: request body too large"),
			failure(401, 16, "missing or empty authorization metadata"),
			withHeader(failure(429, 8, "rate limited"), "Retry-After", "5"),
			failure(500, 13, "internal error"),
			failure(502, 14, "bad gateway"),
			failure(503, 14, "data refused due to high memory usage"),
			failure(504, 14, "gateway timeout"),
		},
	}
}

// parseOTLP takes a request in OTLP's JSON apart. An event is a LogRecord, and
// its context the attributes of the resource.
func parseOTLP(text []byte) (events []event, ok bool) {
	if text = trim(text); !acceptable(text) || text[0] != '{' {
		return nil, false
	}
	for _, resourceLogs := range objectsIn(text, "resourceLogs") {
		from := &origin{}
		for key, value := range members(resourceLogs) {
			if string(key) == "resource" && value[0] == '{' {
				from.context = value
			}
		}
		for _, scopeLogs := range objectsIn(resourceLogs, "scopeLogs") {
			for _, raw := range objectsIn(scopeLogs, "logRecords") {
				e := event{raw: raw, from: from}
				for _, kv := range objectsIn(raw, "attributes") {
					if key, value := keyValue(kv); key == "log.record.uid" {
						e.id, _ = value.(string)
					}
				}
				events = append(events, e)
			}
		}
	}
	return events, true
}

// objectsIn are the objects in the array that an object has under a name.
func objectsIn(object []byte, name string) (all [][]byte) {
	for key, value := range members(object) {
		if string(key) != name || value[0] != '[' {
			continue
		}
		for _, e := range elements(value) {
			if e[0] == '{' {
				all = append(all, e)
			}
		}
	}
	return all
}

// otlpRecord decodes a LogRecord.
func otlpRecord(e event) Record {
	r := e.blank()
	for key, value := range members(e.raw) {
		switch string(key) {
		case "timeUnixNano":
			if t := nanos(textOf(value)); t.UnixNano() > 0 {
				r.Time = t
			}
		case "severityText":
			r.Level = textOf(value)
		case "body":
			r.Message, _ = anyValue(value).(string)
		case "traceId":
			r.Attrs["trace_id"] = textOf(value)
		case "spanId":
			r.Attrs["span_id"] = textOf(value)
		}
	}
	for _, kv := range objectsIn(e.raw, "attributes") {
		if key, value := keyValue(kv); key != "log.record.uid" {
			r.Attrs[key] = value
		}
	}
	if e.from.context != nil {
		r.Context = map[string]any{}
		for _, kv := range objectsIn(e.from.context, "attributes") {
			key, value := keyValue(kv)
			r.Context[key] = value
		}
	}
	return r
}

// keyValue is a KeyValue.
func keyValue(object []byte) (key string, value any) {
	for name, member := range members(object) {
		switch string(name) {
		case "key":
			key = textOf(member)
		case "value":
			value = anyValue(member)
		}
	}
	return key, value
}

// anyValue is what an AnyValue means in Go, with numbers as json.Number.
func anyValue(object []byte) any {
	if object[0] != '{' {
		return nil
	}
	for name, value := range members(object) {
		switch string(name) {
		case "intValue":
			return json.Number(textOf(value))
		case "doubleValue":
			if text := textOf(value); value[0] != '"' || json.Valid([]byte(text)) {
				return json.Number(text)
			}
			return textOf(value) // NaN, and the infinities
		case "arrayValue":
			all := []any{}
			for _, e := range objectsIn(value, "values") {
				all = append(all, anyValue(e))
			}
			return all
		case "kvlistValue":
			m := map[string]any{}
			for _, kv := range objectsIn(value, "values") {
				key, v := keyValue(kv)
				m[key] = v
			}
			return m
		default: // stringValue, boolValue, and bytesValue, which is base64
			return decode(value)
		}
	}
	return nil
}

// wirePartialSuccess is an ExportLogsServiceResponse.
func wirePartialSuccess(rejected int, message string) []byte {
	if rejected == 0 {
		return nil
	}
	inner := binary.AppendUvarint([]byte{1 << 3}, uint64(rejected))
	inner = append(binary.AppendUvarint(append(inner, 2<<3|2), uint64(len(message))), message...)
	return append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(inner))), inner...)
}
