package formats_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// The index is that of the record's day in UTC, whatever was logged before.
func TestElasticsearchIndex(t *testing.T) {
	day := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	times := []time.Time{
		day("2026-03-04T23:59:59.999999999Z"), day("2026-03-05T00:00:00Z"), day("2026-03-04T12:00:00Z"),
		day("2026-03-06T01:00:00+03:00"), day("1969-12-31T23:59:59Z"), day("1970-01-01T00:00:00Z"), day("1960-02-29T00:00:00Z"),
	}
	for _, c := range []struct {
		index string
		want  []string
	}{
		{"", nil},
		{"logs", []string{"logs", "logs", "logs", "logs", "logs", "logs", "logs"}},
		{"logs-{2006.01.02}", []string{"logs-2026.03.04", "logs-2026.03.05", "logs-2026.03.04", "logs-2026.03.05", "logs-1969.12.31", "logs-1970.01.01", "logs-1960.02.29"}},
		{"{2006.01}-x", []string{"2026.03-x", "2026.03-x", "2026.03-x", "2026.03-x", "1969.12-x", "1970.01-x", "1960.02-x"}},
		{"logs-{2006.01.02.15}", []string{"logs-2026.03.04.23", "logs-2026.03.05.00", "logs-2026.03.04.12", "logs-2026.03.05.22", "logs-1969.12.31.23", "logs-1970.01.01.00", "logs-1960.02.29.00"}},
	} {
		f := formats.Elasticsearch(formats.ElasticsearchOptions{Index: c.index})
		for round := range 2 { // the second one knows a day already
			var b backend
			h := ship(t, f, &b, slogship.Options{})
			for _, at := range times {
				h.Handle(context.Background(), slog.NewRecord(at, slog.LevelInfo, "m", 0))
			}
			h.Close()
			var got []string
			for i, line := range lines(t, b.got()[0].body) {
				if i%2 == 1 {
					continue
				}
				action := line["create"].(object)
				if index, ok := action["_index"]; ok {
					got = append(got, index.(string))
				} else if len(action) != 1 {
					t.Errorf("action %v, want an id alone", action)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("index %q, round %d: %v, want %v", c.index, round, got, c.want)
			}
		}
	}
}

// Nor is the day before 1970 that of its first day.
func TestElasticsearchIndexOf1969(t *testing.T) {
	f := formats.Elasticsearch(formats.ElasticsearchOptions{Index: "{2006.01.02}"})
	for _, want := range []string{"1969.12.31", "1970.01.01", "1969.12.31"} {
		at, _ := time.Parse("2006.01.02 15", want+" 12")
		got := shippedText(t, f, slogship.Options{}, slog.NewRecord(at, slog.LevelInfo, "m", 0))
		if !strings.HasPrefix(got, `{"create":{"_index":"`+want+`"`) {
			t.Errorf("index of %v is that of %s", at, got)
		}
	}
}

// Elasticsearch's answer has an item for each record.
func TestElasticsearchAnswers(t *testing.T) {
	bulk := func(items string) response {
		return response{status: 200, body: `{"took":30,"errors":true,"items":[` + items + `]}`}
	}
	const (
		created  = `{"create":{"_index":"logs","_id":"x","status":201,"result":"created"}}`
		updated  = `{"index":{"_index":"logs","_id":"x","status":200}}`
		conflict = `{"create":{"_id":"x","status":409,"error":{"type":"version_conflict_engine_exception","reason":"[x]: version conflict"}}}`
		busy     = `{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected execution"}}}`
		bad      = `{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"failed to parse field [n]","caused_by":{"type":"x","reason":"For input string"}}}}`
		broken   = `{"create":{"status":503,"error":{"type":"unavailable_shards_exception","reason":"primary shard is not active"}}}`
		failed   = `{"create":{"status":500,"error":"out of order"}}`
		noRight  = `{"create":{"status":403,"error":{"type":"security_exception","reason":"action is unauthorized"}}}`
		noIndex  = `{"create":{"status":404,"error":{"type":"index_not_found_exception","reason":"no such index [logs]"}}}`
		strange  = `{"delete":{"status":200}}`
	)
	testAnswers(t, subjectNamed(t, "elasticsearch"), []answerCase{
		{name: "created", answer: response{status: 200, body: bulkHealthy(4)}, taken: 4},
		{name: "sent twice", answer: bulk(conflict + "," + created + "," + conflict + "," + updated), taken: 4},
		{
			name: "one is bad", answer: bulk(created + "," + bad + "," + created + "," + created), taken: 3, rejected: 1,
			report: "1 record not accepted: document_parsing_exception: failed to parse field [n]: For input string",
		},
		{
			name: "some not now", answer: bulk(busy + "," + created + "," + broken + "," + failed), taken: 4, again: []int{0, 2, 3},
			report: "3 records not accepted: es_rejected_execution_exception: rejected execution; unavailable_shards_exception: primary shard is not active; out of order",
		},
		{name: "of each kind", answer: bulk(bad + "," + busy + "," + conflict + "," + noIndex), taken: 2, rejected: 2, again: []int{1}, report: "index_not_found_exception"},
		{name: "no right to any", answer: bulk(noRight + "," + noRight + "," + noRight + "," + noRight), taken: 4, again: all, held: true, report: "security_exception: action is unauthorized"},
		{name: "no index for any", answer: bulk(noIndex + "," + noIndex + "," + noIndex + "," + noIndex), taken: 4, again: all, held: true, report: "no such index [logs]"},
		{name: "no right to some", answer: bulk(noRight + "," + created + "," + noRight + "," + noRight), taken: 1, rejected: 3, report: "security_exception"},
		{name: "an item of another kind", answer: bulk(created + "," + strange + "," + created + "," + created), taken: 3, rejected: 1, report: "1 record not accepted: no status"},
		{name: "items without a status", answer: response{status: 200, body: `{"errors":false,"items":[{"create":{}},{"create":{}},{"create":{}},{"create":{}}]}`}, taken: 4},

		// Sent in halves, in which each record has its item.
		{name: "too few items", answer: bulk(created), taken: 4, again: all, asked: 3, report: "not one item for each record"},
		{name: "no item", answer: response{status: 200, body: `{"errors":false,"items":[]}`}, taken: 4, again: all, asked: 3, report: "the answer has no item for any record: the server has perhaps read none (Elasticsearch takes records at /_bulk, or at /INDEX/_bulk; a server that does not inflate gzip needs Compression: slogship.None)"},
		{name: "too many items", answer: bulk(created + "," + created + "," + created + "," + created + "," + created), taken: 4, again: all, asked: 3, report: "not one item for each record"},
		{name: "no item for one alone", answer: response{status: 200, body: `{"errors":false,"items":[]}`}, records: 1, taken: 1, again: []int{0}, report: "no item for any record"},
		{name: "errors without items", answer: response{status: 200, body: `{"errors":true}`}, taken: 4, again: all, asked: 3, report: "no item for any record"},
		{name: "items of another kind", answer: response{status: 200, body: `{"errors":false,"items":[1,2,3,4]}`}, taken: 4, again: all, held: true, report: "this is not an answer of _bulk"},
		{name: "items twice", answer: response{status: 200, body: `{"errors":false,"items":[{"create":{}}],"items":[{"create":{}},{"create":{}},{"create":{}},{"create":{}}]}`}, taken: 4},
		{name: "no list of items", answer: response{status: 200, body: `{"items":null,"errors":false}`}, taken: 4},
		{name: "cut off", answer: response{status: 200, body: `{"errors":true,"items":[` + created + `,`}, taken: 4, again: all, asked: 3, report: "the answer is cut off"},

		{name: "filtered", answer: response{status: 200, body: `{"errors":false}`}, taken: 4},
		{name: "without errors", answer: response{status: 200, body: `{}`}, taken: 4, again: all, held: true, report: "this is not an answer of _bulk"},
		{name: "a proxy's", answer: response{status: 200, body: `{"message":"service unavailable"}`}, taken: 4, again: all, held: true, report: "this is not an answer of _bulk"},
		{name: "empty", answer: response{status: 200}, taken: 4},
		{name: "a page", answer: response{status: 200, body: `<html>welcome</html>`}, taken: 4, again: all, held: true, report: "this is a web page, not an answer of _bulk"},
		{name: "an array", answer: response{status: 200, body: `[]`}, taken: 4, again: all, held: true, report: "this is not an answer of _bulk"},

		{name: "an error for all", answer: response{status: 200, body: `{"errors":false,"error":"cannot parse line 3"}`}, taken: 4, again: all, asked: 3, report: "cannot parse line 3"},
		{name: "an error for one alone", answer: response{status: 200, body: `{"errors":false,"error":true}`}, records: 1, taken: 1, again: []int{0}, report: "true"},
		{name: "busy, with 200", answer: response{status: 200, body: `{"errors":false,"status":503,"error":{"type":"x","reason":"no master"}}`}, taken: 4, again: all, report: "x: no master"},
		{name: "no right, with 200", answer: response{status: 200, body: `{"status":401,"error":"who are you"}`}, taken: 4, again: all, held: true, report: "who are you"},
		{name: "too large, with 200", answer: response{status: 200, body: `{"status":413,"error":"too large"}`}, taken: 4, again: all, asked: 3},
		{name: "an empty error", answer: response{status: 200, body: `{"error":"","errors":false,"items":[` + created + `,` + created + `,` + created + `,` + created + `]}`}, taken: 4},
		{name: "no error", answer: response{status: 200, body: `{"error":null,"errors":false}`}, taken: 4},
	})
}

// A server that leaves refused records out of its answer without a word loses
// nothing but these: the others are stored once, however often they were sent.
func TestElasticsearchMissingItems(t *testing.T) {
	const records = 40
	bad := map[string]bool{"record 3": true, "record 17": true, "record 18": true}
	synctest.Test(t, func(t *testing.T) {
		s := subjectNamed(t, "elasticsearch")
		stored := map[string]string{} // by id
		b := &backend{answer: func(_ int, r request) response {
			all := lines(t, r.body)
			var items []string
			for i := 0; i < len(all); i += 2 {
				id, message := all[i]["create"].(object)["_id"].(string), all[i+1]["message"].(string)
				_, there := stored[id]
				switch {
				case bad[message]:
				case there:
					items = append(items, `{"create":{"status":409,"error":{"type":"version_conflict_engine_exception"}}}`)
				default:
					stored[id] = message
					items = append(items, `{"create":{"status":201}}`)
				}
			}
			return response{status: 200, body: `{"errors":false,"items":[` + strings.Join(items, ",") + `]}`}
		}}
		h := ship(t, s.format, b, slogship.Options{})
		for i := range records {
			h.Handle(context.Background(), record(slog.LevelInfo, fmt.Sprintf("record %d", i)))
		}
		h.Flush(contextFor(t, time.Hour))
		h.Close()
		if got := h.Stats(); got.Delivered != int64(records-len(bad)) || got.Dropped.Rejected != int64(len(bad)) {
			t.Errorf("%+v, want all but %d delivered", got, len(bad))
		}
		if len(stored) != records-len(bad) {
			t.Errorf("%d documents, want %d", len(stored), records-len(bad))
		}
	})
}
