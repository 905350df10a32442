package slogshiptest

import (
	"encoding/json"
	"net/http"
	"time"
)

// axiom is Axiom's ingest endpoint
// (https://axiom.co/docs/restapi/endpoints/ingestIntoDataset, and ingestToDataset
// for edge deployments): the answer counts what was ingested and what failed. Limits are those of
// https://axiom.co/docs/restapi/api-limits; the status 430, which is Axiom's own,
// is in its client (https://github.com/axiomhq/axiom-go/blob/v0.25.0/axiom/limit.go).
func axiom() *spec {
	f := fields{id: "event_id", time: "_time", level: "level", message: "message", source: "source"}
	return &spec{
		name: "Axiom", path: "/v1/datasets/" + sourceName + "/ingest",
		other:  func(path string) bool { return path == "/v1/ingest/"+sourceName },
		header: "Authorization", scheme: "Bearer ", missing: 401, wrong: 403,
		types:     []string{"application/x-ndjson"},
		encodings: []string{"", "identity", "gzip", "zstd"},
		maxBytes:  maxBody,
		parse:     parseLines("invalid JSON"),
		broken:    http.StatusBadRequest,
		record:    f.record,
		idOf:      f.idOf,
		settle: func(r *Receiver, events []event, verdicts []verdict) answer {
			type failure struct {
				Timestamp time.Time `json:"timestamp"`
				Error     string    `json:"error"`
			}
			var body struct {
				Ingested       int       `json:"ingested"`
				Failed         int       `json:"failed"`
				Failures       []failure `json:"failures"`
				ProcessedBytes int       `json:"processedBytes"`
			}
			body.Failed, _ = r.takeGood(events, verdicts)
			body.Ingested = len(events) - body.Failed
			body.Failures = []failure{}
			for i, v := range verdicts {
				body.ProcessedBytes += len(events[i].raw)
				if v.status != 0 {
					body.Failures = append(body.Failures, failure{events[i].arrival, v.why})
				}
			}
			text, _ := json.Marshal(body)
			a := jsonAnswer(http.StatusOK, string(text))
			a.taken = true
			return a
		},
		failures: []Failure{
			jsonFailure(400, `{"code":400,"message":"invalid request body"}`),
			jsonFailure(401, `{"code":401,"message":"Unauthorized"}`),
			jsonFailure(403, `{"code":403,"message":"Forbidden"}`),
			jsonFailure(404, `{"code":404,"message":"dataset not found"}`),
			withHeader(jsonFailure(429, `{"message":"rate limit exceeded"}`),
				"X-RateLimit-Scope", "organization", "X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "4102444800"),
			withHeader(jsonFailure(430, `{"message":"ingest limit exceeded"}`),
				"X-IngestLimit-Limit", "500", "X-IngestLimit-Remaining", "0", "X-IngestLimit-Reset", "4102444800"),
			jsonFailure(500, `{"code":500,"message":"internal server error"}`),
		},
	}
}
