package slogshiptest

import (
	"cmp"
	"encoding/json"
	"net/http"
)

// honeycomb is the batch endpoint
// (https://docs.honeycomb.io/api/events/create-events): a 200 with a status for
// each event, or an error for all of them; 413 and 500 are in
// https://docs.honeycomb.io/api/errors, 429, which comes without Retry-After, in
// https://docs.honeycomb.io/api/rate-limit. The bound of a body is that of
// Honeycomb's own libhoney-go.
func honeycomb() *spec {
	f := fields{inside: "data", id: ".event_id", time: "time", level: ".level", message: ".message", source: ".source"}
	return &spec{
		name: "Honeycomb", path: "/1/batch/" + sourceName,
		header: "X-Honeycomb-Team", missing: 401, wrong: 401,
		types:     []string{"application/json"},
		encodings: []string{"", "identity", "gzip", "zstd"},
		maxBytes:  5_000_000,
		parse:     parseArray,
		broken:    http.StatusBadRequest,
		record:    f.record,
		idOf:      f.idOf,
		byItem:    true,
		settle: func(r *Receiver, events []event, verdicts []verdict) answer {
			type item struct {
				Status int    `json:"status"`
				Error  string `json:"error,omitempty"`
			}
			r.takeGood(events, verdicts)
			items := make([]item, len(events))
			for i, v := range verdicts {
				items[i].Status = cmp.Or(v.status, http.StatusAccepted)
				if v.status != 0 {
					items[i].Error = cmp.Or(v.why, http.StatusText(v.status))
				}
			}
			text, _ := json.Marshal(items)
			a := jsonAnswer(http.StatusOK, string(text))
			a.taken = true
			return a
		},
		failures: []Failure{
			jsonFailure(400, `{"error":"Request body is malformed and cannot be read"}`),
			jsonFailure(400, `{"error":"Request body is too large"}`),
			jsonFailure(401, `{"error":"unknown API key - check your credentials"}`),
			jsonFailure(403, `{"error":"Event dropped due to administrative throttling"}`),
			jsonFailure(404, `{"status":404,"type":"https://api.honeycomb.io/problems/not-found","title":"The requested resource cannot be found.","error":"Dataset not found","detail":"Dataset not found"}`),
			jsonFailure(413, `{"error":"request body is too large"}`),
			withHeader(jsonFailure(429, `{"status":429,"type":"https://api.honeycomb.io/problems/rate-limited","title":"You have exceeded your rate limit.","error":"You have exceeded your rate limit."}`),
				"RateLimit", "limit=100, remaining=0, reset=54", "RateLimit-Policy", "100;w=60"),
			jsonFailure(500, `{"error":"internal server error"}`),
		},
	}
}
