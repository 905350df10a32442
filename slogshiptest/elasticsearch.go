package slogshiptest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
)

// elasticsearch is the _bulk endpoint
// (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk):
// a 200 with an item for each record, 201 for one that is created, 409 for an id
// that is there already. What is refused before is in
// https://www.elastic.co/docs/troubleshoot/elasticsearch/rejected-requests (429)
// and https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth
// (401, 403). 10 MiB is what the smaller instances of Amazon OpenSearch Service
// take (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/limits.html),
// with the 413 that is quoted in
// https://repost.aws/questions/QUa7261SUURa2k45nv4w1ixQ.
func elasticsearch() *spec {
	f := fields{time: "@timestamp", level: "log.level", message: "message", source: "log.origin"}
	failure := func(status int, kind, reason string) Failure {
		object := map[string]any{"type": kind, "reason": reason}
		text, _ := json.Marshal(map[string]any{
			"error": map[string]any{"root_cause": []any{object}, "type": kind, "reason": reason}, "status": status,
		})
		return jsonFailure(status, string(text))
	}
	return &spec{
		name: "Elasticsearch", path: "/_bulk",
		other:  func(path string) bool { return strings.HasSuffix(path, "/_bulk") && strings.Count(path, "/") == 2 },
		header: "Authorization", scheme: "ApiKey ", missing: 401, wrong: 401,
		types:     []string{"application/x-ndjson", "application/json"},
		encodings: zippedEncodings,
		maxBytes:  10 << 20,
		parse:     parseBulk,
		broken:    http.StatusBadRequest,
		record:    f.record,
		settle:    settleBulk,
		byItem:    true,
		failures: []Failure{
			failure(400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]"),
			failure(401, "security_exception", "missing authentication credentials for REST request [/_bulk]"),
			failure(403, "security_exception", "action [indices:data/write/bulk] is unauthorized for API key"),
			{Status: 413, Body: `{"Message":"Request size exceeded 10485760 bytes"}`},
			failure(429, "es_rejected_execution_exception", "rejected execution of coordinating operation"),
			failure(503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"),
		},
	}
}

// parseBulk takes the pairs of lines apart that are an action and a document.
func parseBulk(text []byte) ([]event, bool) {
	if !bytes.HasSuffix(text, []byte("\n")) {
		return nil, false
	}
	lines := bytes.Split(text[:len(text)-1], []byte("\n"))
	if len(lines)%2 != 0 {
		return nil, false
	}
	var events []event
	for i := 0; i < len(lines); i += 2 {
		action, document := trim(lines[i]), trim(lines[i+1])
		id, ok := idOfAction(action)
		if !ok {
			return nil, false
		}
		e := event{raw: document, id: id}
		if !acceptable(document) || document[0] != '{' {
			e.bad = "failed to parse"
		}
		events = append(events, e)
	}
	return events, true
}

// idOfAction is the _id of a create action, "" if it has none.
func idOfAction(action []byte) (id string, ok bool) {
	if !acceptable(action) || action[0] != '{' {
		return "", false
	}
	for key, value := range members(action) {
		if string(key) != "create" || value[0] != '{' {
			return "", false // a log is not to be overwritten
		}
		for key, value := range members(value) {
			if string(key) == "_id" {
				id = textOf(value)
			}
		}
		ok = true
	}
	return id, ok
}

// settleBulk answers with an item for each event.
func settleBulk(r *Receiver, events []event, verdicts []verdict) answer {
	type failure struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
	}
	type item struct {
		Index  string   `json:"_index"`
		ID     string   `json:"_id"`
		Result string   `json:"result,omitempty"`
		Status int      `json:"status"`
		Error  *failure `json:"error,omitempty"`
	}
	bad, _ := r.takeGood(events, verdicts)
	items := make([]map[string]item, len(events))
	for i, v := range verdicts {
		m := item{Index: "logs", ID: events[i].id, Result: "created", Status: http.StatusCreated}
		if v.known {
			bad++
			v.status = http.StatusConflict
		}
		if v.status != 0 {
			f := bulkError(v)
			m.Result, m.Status, m.Error = "", v.status, &failure{f[0], f[1]}
		}
		items[i] = map[string]item{"create": m}
	}
	text, _ := json.Marshal(map[string]any{"took": 1, "errors": bad > 0, "items": items})
	a := jsonAnswer(http.StatusOK, string(text))
	a.taken = true
	return a
}

// bulkError is the type and the reason that Elasticsearch gives with a status.
func bulkError(v verdict) [2]string {
	switch v.status {
	case http.StatusConflict:
		return [2]string{"version_conflict_engine_exception", "version conflict, document already exists"}
	case http.StatusTooManyRequests:
		return [2]string{"es_rejected_execution_exception", "rejected execution of primary operation"}
	case http.StatusServiceUnavailable:
		return [2]string{"unavailable_shards_exception", "primary shard is not active"}
	case http.StatusForbidden:
		return [2]string{"security_exception", "action [indices:data/write/bulk] is unauthorized for API key"}
	case http.StatusNotFound:
		return [2]string{"index_not_found_exception", "no such index [logs]"}
	}
	return [2]string{"document_parsing_exception", cmp.Or(v.why, "failed to parse")}
}
