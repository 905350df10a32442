package slogshiptest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// splunk is the HTTP Event Collector. Its codes are those of
// https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/10.4/get-data-with-http-event-collector/troubleshoot-http-event-collector.
// Events in front of the first bad one, which is named, are taken; none behind it
// is. 1,000,000 bytes are the bound of Splunk Cloud (max_content_length in
// limits.conf); a Splunk Enterprise takes more.
func splunk() *spec {
	f := fields{inside: "event", id: ".event_id", time: "time", level: ".level", message: ".message", source: ".source"}
	return &spec{
		name: "Splunk", path: "/services/collector/event",
		header: "Authorization", scheme: "Splunk ", missing: 401, wrong: 403,
		encodings: zippedEncodings,
		maxBytes:  1_000_000,
		parse:     parseConcatenated,
		broken:    http.StatusBadRequest,
		record:    f.record,
		idOf:      f.idOf,
		settle: func(r *Receiver, events []event, verdicts []verdict) answer {
			for n, v := range verdicts {
				if v.status != 0 {
					r.takeGood(events[:n], verdicts[:n])
					a := splunkAnswer(http.StatusBadRequest, splunkCode(v.why), cmp.Or(v.why, splunkInvalid), n)
					a.taken = n > 0
					return a
				}
			}
			if len(events) == 0 {
				return splunkAnswer(http.StatusBadRequest, 5, "No data", -1)
			}
			r.takeGood(events, verdicts)
			a := splunkAnswer(http.StatusOK, 0, "Success", -1)
			a.taken = true
			return a
		},
		failures: []Failure{
			splunkFailure(403, 4, "Invalid token"), // what a 403 is, most often
			splunkFailure(403, 1, "Token disabled"),
			splunkFailure(401, 2, "Token is required"),
			splunkFailure(401, 3, "Invalid authorization"),
			splunkFailure(400, 6, splunkInvalid), // what a 400 is, most often
			splunkFailure(400, 5, "No data"),
			splunkFailure(400, 7, "Incorrect index"),
			splunkFailure(500, 8, "Internal server error"),
			splunkFailure(503, 9, "Server is busy"),
			splunkFailure(400, 10, "Data channel is missing"),
			splunkFailure(400, 11, "Invalid data channel"),
			splunkFailure(400, 12, splunkNoEvent),
			splunkFailure(400, 13, splunkBlank),
			splunkFailure(400, 14, "ACK is disabled"),
			splunkFailure(400, 15, "Error in handling indexed fields"),
			splunkFailure(400, 16, "Query string authorization is not enabled"),
			splunkFailure(503, 18, "HEC is unhealthy, queues are full"),
			splunkFailure(503, 19, "HEC is unhealthy, ack service unavailable"),
			splunkFailure(503, 20, "HEC is unhealthy, queues are full, ack service unavailable"),
			splunkFailure(400, 21, "Invalid token"),
			splunkFailure(400, 22, "Token disabled"),
			splunkFailure(503, 23, "Server is shutting down"),
			splunkFailure(429, 26, "HEC queue is at capacity and cannot process any more requests"),
			splunkFailure(429, 27, "HEC ACK channel is at capacity and cannot process any more requests"),
			{Status: 413, Body: "Content-Length is too large"},
		},
	}
}

// What Splunk says of an event.
const (
	splunkInvalid = "Invalid data format"
	splunkNoEvent = "Event field is required"
	splunkBlank   = "Event field cannot be blank"
)

// splunkCode is the code of a text.
func splunkCode(text string) int {
	switch text {
	case splunkNoEvent:
		return 12
	case splunkBlank:
		return 13
	}
	return 6
}

func splunkFailure(status, code int, text string) Failure {
	return jsonFailure(status, splunkAnswer(status, code, text, -1).body)
}

// splunkAnswer names the n-th event, from 0, unless n is negative.
func splunkAnswer(status, code int, text string, n int) answer {
	body := struct {
		Text    string `json:"text"`
		Code    int    `json:"code"`
		Invalid *int   `json:"invalid-event-number,omitempty"`
	}{Text: text, Code: code}
	if n >= 0 {
		body.Invalid = &n
	}
	b, _ := json.Marshal(body)
	return jsonAnswer(status, string(b))
}

// parseConcatenated takes objects apart that stand one after the other. What is
// behind a syntax error is lost.
func parseConcatenated(text []byte) (events []event, ok bool) {
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var raw json.RawMessage
		switch err := d.Decode(&raw); {
		case err == io.EOF:
			return events, true
		case err != nil || !acceptable(raw) || raw[0] != '{':
			return append(events, event{raw: raw, bad: splunkInvalid}), true
		}
		e := event{raw: raw, bad: splunkNoEvent}
		for key, value := range members(raw) {
			if string(key) != "event" {
				continue
			}
			switch {
			case value[0] == 'n' || value[0] == 'f':
				e.bad = splunkInvalid
			case value[0] == '"' && strings.TrimSpace(textOf(value)) == "":
				e.bad = splunkBlank
			default:
				e.bad = ""
			}
		}
		events = append(events, e)
	}
}
