package slogshiptest

import "net/http"

// newRelic is the Log API
// (https://docs.newrelic.com/docs/logs/log-api/introduction-log-api/): it answers
// 202 before it looks at the events, and drops what it does not like. Its limits,
// and the 429 with a Retry-After, are on that page; 202 and 403 are in
// https://docs.newrelic.com/docs/logs/troubleshooting/no-log-data-appears-ui/, and
// the other statuses those of its sister, the Metric API
// (https://docs.newrelic.com/docs/data-apis/ingest-apis/metric-api/report-metrics-metric-api/).
func newRelic() *spec {
	f := fields{inside: "attributes", id: ".event_id", time: "timestamp", level: ".level", message: "message", source: ".source"}
	return &spec{
		name: "NewRelic", path: "/log/v1",
		header: "Api-Key", missing: 403, wrong: 403,
		types:     []string{"application/json"},
		encodings: zippedEncodings,
		maxBytes:  1_000_000,
		parse:     parseNewRelic,
		broken:    http.StatusBadRequest,
		record:    f.record,
		idOf:      f.idOf,
		settle: func(r *Receiver, events []event, verdicts []verdict) answer {
			r.takeGood(events, verdicts)
			a := jsonAnswer(http.StatusAccepted, `{"requestId":"f0e7bfff-001a-b000-0000-01682bcf4565"}`)
			a.taken = true
			return a
		},
		failures: []Failure{
			{Status: 400},
			{Status: 403},
			{Status: 408},
			{Status: 413},
			{Status: 415},
			{Status: 429, RetryAfter: "27"},
			{Status: 500},
			{Status: 503},
		},
	}
}

// parseNewRelic takes [{"common":{...},"logs":[...]},...] apart.
func parseNewRelic(text []byte) ([]event, bool) {
	blocks, ok := parseArray(text)
	var events []event
	for _, b := range blocks {
		for key, value := range members(b.raw) {
			if string(key) != "logs" {
				continue
			}
			logs, good := parseArray(value)
			events, ok = append(events, logs...), ok && good
		}
	}
	return events, ok
}
