package slogshiptest

import (
	"encoding/json"
	"net/http"
)

// seq is the ingestion endpoint for CLEF (https://datalust.co/docs/posting-raw-events):
// it takes all of a body or nothing. The answers are those of the page's section
// on responses; the bounds are those of Seq's own forwarder.
func seq() *spec {
	f := fields{id: "event_id", time: "@t", level: "@l", message: "@m", source: "source"}
	failure := func(status int, text string) Failure {
		body, _ := json.Marshal(map[string]string{"Error": text})
		return jsonFailure(status, string(body))
	}
	return &spec{
		name: "Seq", path: "/ingest/clef",
		header: "X-Seq-ApiKey", missing: 401, wrong: 401,
		types:     []string{"application/vnd.serilog.clef"},
		encodings: []string{"", "identity"},
		maxBytes:  10 << 20,
		parse:     onlyGood(parseLines("the event is no JSON")),
		broken:    http.StatusBadRequest,
		record:    f.record,
		idOf:      f.idOf,
		settle: settleWhole(jsonAnswer(http.StatusCreated, `{"MinimumLevelAccepted":null}`), func(why string) answer {
			f := failure(http.StatusBadRequest, why)
			return f.answer(nil)
		}),
		failures: []Failure{
			failure(400, "The request body is malformed."),
			failure(401, "Authorization is required."),
			failure(403, "The API key does not have the permission to ingest."),
			failure(413, "The payload is too large."),
			failure(429, "Too many requests."),
			failure(500, "An internal error prevented the events from being ingested."),
			failure(503, "The Seq server is starting up, or free storage has fallen below the threshold."),
		},
	}
}
