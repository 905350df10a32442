package slogshiptest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// datadog is the logs intake
// (https://docs.datadoghq.com/api/latest/logs/send-logs/, where its statuses and
// limits are): it takes all of a body or nothing.
func datadog() *spec {
	f := fields{
		id: "event_id", time: "timestamp", level: "status", message: "message", source: "source_location",
		own: []string{"ddsource", "ddtags", "hostname", "service"},
	}
	failure := func(status int, detail string) Failure {
		return jsonFailure(status, datadogErrors(status, detail))
	}
	success := jsonAnswer(http.StatusAccepted, `{}`)
	return &spec{
		name: "Datadog", path: "/api/v2/logs",
		header: "DD-API-KEY", missing: 401, wrong: 403,
		types:     []string{"application/json"},
		encodings: []string{"", "identity", "gzip", "deflate"},
		maxBytes:  5_000_000,
		maxEvents: 1_000,
		parse:     parseArray,
		broken:    http.StatusBadRequest,
		record:    f.record,
		idOf:      f.idOf,
		settle: settleWhole(success, func(why string) answer {
			return jsonAnswer(http.StatusBadRequest, datadogErrors(http.StatusBadRequest, why))
		}),
		failures: []Failure{
			failure(400, "Bad request (likely an issue in the payload formatting)"),
			failure(401, "Unauthorized (likely a missing API Key)"),
			failure(403, "Permission issue (likely using an invalid API Key)"),
			failure(408, "Request Timeout"),
			failure(413, "Payload too large (batch is above 5MB uncompressed)"),
			failure(429, "Too Many Requests"),
			failure(500, "Internal Server Error"),
			failure(503, "Service Unavailable"),
		},
	}
}

// datadogErrors is the body of an answer that is an error.
func datadogErrors(status int, detail string) string {
	type item struct {
		Status string `json:"status"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
	text, _ := json.Marshal(map[string][]item{"errors": {{strconv.Itoa(status), http.StatusText(status), detail}}})
	return string(text)
}
