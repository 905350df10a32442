package receiver

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// greet answers what a client asks before it sends.
func (s *session) greet(w http.ResponseWriter) {
	if s.proto == Elastic {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"version":{"number":"9.5.0","build_flavor":"default"},"tagline":"You Know, for Search"}`)
	}
}

// answer says, as the peer's backend would, that n records were taken.
func (s *session) answer(w http.ResponseWriter, r *http.Request, body []byte, n int) {
	h := w.Header()
	switch s.proto {
	case Logflare:
		h.Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"message":"Logged!"}`)
	case OTLP:
		h.Set("Content-Type", protobufType) // an empty ExportLogsServiceResponse
	case Axiom:
		h.Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"ingested":%d,"failed":0,"failures":[],"processedBytes":%d,"blocksCreated":0,"walLength":%d}`, n, len(body), n)
	case Loki:
		w.WriteHeader(http.StatusNoContent)
	case Elastic:
		h.Set("X-Elastic-Product", "Elasticsearch")
		h.Set("Content-Type", "application/json")
		writeBulk(w, body, strings.Contains(r.URL.Query().Get("filter_path"), "items.*.status"))
	case Sentry:
		h.Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"id":"6c8d5e8b6f0c4f6c9f4f7f0f8f8f8f8f"}`)
	case Logtail, JSON:
		// 200, no body
	}
}

var bulks = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// writeBulk answers each item of a _bulk request as created: in full, or only
// the fields that a filter_path left.
func writeBulk(w http.ResponseWriter, body []byte, filtered bool) {
	b := bulks.Get().(*bytes.Buffer)
	defer bulks.Put(b)
	b.Reset()
	b.WriteString(`{"took":1,"errors":false,"items":[`)
	for i := range bytes.Count(body, []byte("\n")) / 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		if filtered {
			b.WriteString(`{"create":{"status":201}}`)
		} else {
			fmt.Fprintf(b, `{"create":{"_index":"logs","_id":"%020d","_version":1,"result":"created","_shards":{"total":2,"successful":1,"failed":0},"_seq_no":%d,"_primary_term":1,"status":201}}`, i, i)
		}
	}
	b.WriteString(`]}`)
	_, _ = w.Write(b.Bytes())
}
