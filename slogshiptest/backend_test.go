package slogshiptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A sample is a body that a backend takes, with the messages a and b.
type sample struct {
	backend           Backend
	contentType, body string
	status            int
	answer            string // what the answer says
}

func samples() []sample {
	return []sample{
		{Axiom, "application/x-ndjson", `{"_time":"2026-01-02T03:04:05.5Z","level":"info","message":"a","event_id":"1"}` + "\n" + `{"message":"b","event_id":"2"}`, 200, `"ingested":2,"failed":0,"failures":[]`},
		{BetterStack, "application/json", `[{"dt":"2026-01-02T03:04:05.5Z","level":"info","message":"a","event_id":"1"},{"message":"b","event_id":"2"}]`, 202, ``},
		{BetterStack, "application/x-ndjson", `{"dt":"2026-01-02T03:04:05.5Z","level":"info","message":"a"}` + "\n" + `{"message":"b"}` + "\n", 202, ``},
		{Datadog, "application/json; charset=utf-8", `[{"timestamp":1767323045500,"status":"info","message":"a","event_id":"1","service":"x","ddtags":"y"},{"message":"b"}]`, 202, `{}`},
		{Elasticsearch, "application/x-ndjson", `{"create":{"_id":"1"}}` + "\n" + `{"@timestamp":"2026-01-02T03:04:05.5Z","log.level":"info","message":"a"}` + "\n" + `{"create":{}}` + "\n" + `{"message":"b"}` + "\n", 200, `"errors":false,"items":[{"create":{"_index":"logs","_id":"1","result":"created","status":201}}`},
		{Honeycomb, "application/json", `[{"time":"2026-01-02T03:04:05.5Z","data":{"level":"info","message":"a","event_id":"1"}},{"data":{"message":"b"}}]`, 200, `[{"status":202},{"status":202}]`},
		{Loki, "application/json", `{"streams":[{"stream":{"app":"x"},"values":[["1767323045500000000","a",{"detected_level":"info","event_id":"1"}],["1767323045500000001","b"]]}]}`, 204, ``},
		{NewRelic, "application/json", `[{"common":{"attributes":{"x":"y"}},"logs":[{"timestamp":1767323045500,"message":"a","attributes":{"level":"info","event_id":"1"}},{"message":"b"}]}]`, 202, `requestId`},
		{OTLP, "application/json", `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"x"}}]},"scopeLogs":[{"logRecords":[` +
			`{"timeUnixNano":"1767323045500000000","severityText":"info","body":{"stringValue":"a"},"attributes":[{"key":"log.record.uid","value":{"stringValue":"1"}}]},{"body":{"stringValue":"b"}}]}]}]}`, 200, `{}`},
		{Seq, "application/vnd.serilog.clef", `{"@t":"2026-01-02T03:04:05.5Z","@l":"info","@m":"a","event_id":"1"}` + "\n" + `{"@m":"b"}`, 201, `MinimumLevelAccepted`},
		{Splunk, "text/plain", `{"time":1767323045.500000000,"event":{"level":"info","message":"a","event_id":"1"}}{"event":{"message":"b"}}`, 200, `{"text":"Success","code":0}`},
		{VictoriaLogs, "application/stream+json", `{"_time":"2026-01-02T03:04:05.5Z","level":"info","_msg":"a","event_id":"1"}` + "\n" + `{"_msg":"b"}`, 200, ``},
	}
}

// overSamples runs f for each sample.
func overSamples(t *testing.T, f func(t *testing.T, s sample)) {
	for i, s := range samples() {
		t.Run(fmt.Sprint(i, s.backend), func(t *testing.T) { f(t, s) })
	}
}

// ask posts a body and returns the status and text of the answer.
func ask(t *testing.T, r *Receiver, s sample, body string, tweaks ...tweak) (int, string) {
	t.Helper()
	return post(t, r, body, append([]tweak{header("Content-Type", s.contentType)}, tweaks...)...)
}

// A backend takes what it documents, and answers as it documents.
func TestBackendTakes(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 500000000, time.UTC)
	overSamples(t, func(t *testing.T, s sample) {
		r := NewReceiver(s.backend)
		status, text := ask(t, r, s, s.body)
		if status != s.status || !strings.Contains(text, s.answer) || (s.answer == "") != (text == "") {
			t.Errorf("%d %s, want %d %s", status, text, s.status, s.answer)
		}
		wantMessages(t, r, "a", "b")
		first := r.Records()[0]
		if !first.Time.Equal(at) || first.Level != "info" || first.ID != "1" && s.contentType != "application/x-ndjson" || len(first.Attrs) != 0 {
			t.Errorf("the first record is %+v", first)
		}
		if got := r.Requests()[0]; len(got.Records()) != 2 || string(got.Text()) != s.body {
			t.Errorf("the request has %d records", len(got.Records()))
		}
		if got := s.backend.String(); !strings.Contains(strings.ToLower(t.Name()), strings.ToLower(got)) || got == "" {
			t.Errorf("the backend is called %q", got)
		}
	})
}

// What is sent to the wrong place, in the wrong way or by a stranger is taken by
// none.
func TestBackendRefuses(t *testing.T) {
	overSamples(t, func(t *testing.T, s sample) {
		r := NewReceiver(s.backend)
		spec := s.backend.spec()
		for name, c := range map[string]struct {
			want  int
			tweak tweak
		}{
			"path":     {404, target("/elsewhere", "")},
			"method":   {405, method(http.MethodPut)},
			"encoding": {415, header("Content-Encoding", "br")},
			"type":     {415, header("Content-Type", "application/octet-stream")},
			"stranger": {spec.missing, header(spec.header, "")},
			"another":  {spec.wrong, header(spec.header, spec.scheme+"x")},
		} {
			switch {
			case name == "type" && spec.types == nil, c.want == 0:
				continue
			}
			if status, _ := ask(t, r, s, s.body, c.tweak); status != c.want {
				t.Errorf("%s: %d, want %d", name, status, c.want)
			}
		}
		if status, _ := ask(t, r, s, s.body+strings.Repeat(" ", spec.maxBytes+1-len(s.body))); status != http.StatusRequestEntityTooLarge {
			t.Errorf("too large: %d, want 413", status)
		}
		wantMessages(t, r)
	})
}

// Loki says how many entries it refused.
func TestLokiCountsRefusals(t *testing.T) {
	for n, want := range []string{"", "entry for stream", "2 errors like: entry", "3 errors like: entry"} {
		r := NewReceiver(Loki)
		left := n
		r.RejectRecords(func(Record) string {
			if left--; left >= 0 {
				return "no"
			}
			return ""
		})
		body := `{"streams":[{"stream":{"a":"b"},"values":[["1","a"],["2","b"],["3","c"],["4","d"]]}]}`
		status, text := ask(t, r, sample{contentType: "application/json"}, body)
		if (status == 204) != (n == 0) || !strings.HasPrefix(text, want) || r.Len() != 4-n {
			t.Errorf("%d refused: %d %s, and %d records", n, status, text, r.Len())
		}
	}
}

// A body that is no good as a whole is taken by none.
func TestBackendRefusesBadBodies(t *testing.T) {
	for b, bodies := range map[Backend][]string{
		BetterStack:   {``, `[1]`, `[{}`, "{}\n{", `"x"`},
		Datadog:       {``, `{}`, `[1]`, `[{}`, `[` + strings.Repeat(`{},`, 1000) + `{}]`},
		Elasticsearch: {``, `{"create":{}}`, "{\"create\":{}}\n", "{\"create\":{}}\n{}", "{\"index\":{}}\n{}\n", "{}\n{}\n", "x\n{}\n"},
		Honeycomb:     {``, `{}`, `[1]`},
		Loki: {
			``, `[]`, `{"streams":{}}`, `{"streams":[1]}`, `{"streams":[{"values":[["1","a"]]}]}`, `{"streams":[{"stream":{},"values":[["1","a"]]}]}`,
			`{"streams":[{"stream":{"a":"b"},"values":[["x","a"]]}]}`, `{"streams":[{"stream":{"a":"b"},"values":[["1","a",{"n":1}]]}]}`,
			`{"streams":[{"stream":{"a":"b"},"values":[["1"]]}]}`, `{"streams":[{"stream":{"a":"b"},"values":[[1,"a"]]}]}`,
		},
		NewRelic: {``, `{}`, `[1]`, `[{"logs":[1]}]`},
		OTLP:     {`{`, "\x0a\xff", "\x0a\x02\x12", "\x07", "\x0d\x00"},
		Seq:      {"{\"@m\":\"a\"}\nx", `[]`},
		Splunk:   {``, `x`, `[]`, `{}`, `{"event":null}`, `{"event":" "}`, `{"event":false}`},
	} {
		r := NewReceiver(b)
		s := sample{contentType: "application/json"}
		if types := b.spec().types; types != nil {
			s.contentType = types[len(types)-1]
		}
		for _, body := range bodies {
			if status, text := ask(t, r, s, body); status/100 != 4 {
				t.Errorf("%v: %.60q got %d %s", b, body, status, text)
			}
		}
		wantMessages(t, r)
	}
}

// Elasticsearch serves an index of its own path, and knows an id.
func TestElasticsearchKnowsIDs(t *testing.T) {
	r := NewReceiver(Elasticsearch)
	s := sample{contentType: "application/x-ndjson"}
	body := "{\"create\":{\"_id\":\"1\"}}\n{\"message\":\"a\"}\n"
	for i, want := range []string{`"status":201`, `"status":409,"error":{"type":"version_conflict_engine_exception"`} {
		status, text := ask(t, r, s, body, target("/logs-app/_bulk", ""))
		if status != 200 || !strings.Contains(text, want) || strings.Contains(text, `"errors":true`) != (i == 1) {
			t.Errorf("%d: %d %s, want %s", i, status, text, want)
		}
	}
	wantMessages(t, r, "a")
	if r.Duplicates() != 1 {
		t.Errorf("%d duplicates, want 1", r.Duplicates())
	}
}

// Axiom's edge deployments have a path of their own.
func TestAxiomServesEdges(t *testing.T) {
	r := NewReceiver(Axiom)
	s := sample{contentType: "application/x-ndjson"}
	if status, text := ask(t, r, s, `{"message":"a"}`, target("/v1/ingest/slogshiptest", "")); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	wantMessages(t, r, "a")
}

// Splunk takes what is in front of the first event that it cannot read.
func TestSplunkTakesWhatIsInFront(t *testing.T) {
	for body, want := range map[string]string{
		`{"event":"a"}{"event":"b"} x {"event":"c"}`:        `{"text":"Invalid data format","code":6,"invalid-event-number":2}`,
		`{"event":"a"}{"event":"b"}{"event":""}`:            `{"text":"Event field cannot be blank","code":13,"invalid-event-number":2}`,
		`{"event":"a"}{"event":"b"}{"time":1}{"event":"d"}`: `{"text":"Event field is required","code":12,"invalid-event-number":2}`,
	} {
		r := NewReceiver(Splunk)
		if status, text := ask(t, r, sample{}, body); status != 400 || text != want {
			t.Errorf("%s: %d %s, want %s", body, status, text, want)
		}
		if r.Len() != 2 {
			t.Errorf("%s: %d records, want 2", body, r.Len())
		}
	}
}

// VictoriaLogs skips what it cannot read, and lines that are too long.
func TestVictoriaLogsSkips(t *testing.T) {
	r := NewReceiver(VictoriaLogs)
	s := sample{contentType: "application/stream+json"}
	long := `{"_msg":"` + strings.Repeat("x", 256<<10) + `"}`
	if status, text := ask(t, r, s, "{\"_msg\":\"a\"}\nx\n"+long+"\n{\"_msg\":\"b\"}\n"); status != 200 || text != "" {
		t.Errorf("%d %s, want 200", status, text)
	}
	wantMessages(t, r, "a", "b")
	if status, text := ask(t, r, s, "x\n"+long); status != 400 || !strings.Contains(text, "cannot parse json") {
		t.Errorf("%d %s, want 400", status, text)
	}
}

// A status stands for the backend's own words, unless others are given.
func TestFailSpeaksAsTheBackend(t *testing.T) {
	r := NewReceiver(Splunk)
	for _, c := range []struct {
		failure Failure
		want    string
	}{
		{Failure{Requests: 1, Status: 503}, `{"text":"Server is busy","code":9}`},
		{Failure{Requests: 1, Status: 503, Body: "proxy"}, "proxy"},
		{Failure{Requests: 1, Status: 502}, "Bad Gateway"},
	} {
		r.Fail(c.failure)
		if status, text := ask(t, r, sample{}, `{"event":"a"}`); status != c.failure.Status || text != c.want {
			t.Errorf("%d %s, want %s", status, text, c.want)
		}
	}
	r = NewReceiver(NewRelic)
	r.Fail(Failure{Requests: 2, Status: 429})
	r.Fail(Failure{Requests: 1, Status: 429, RetryAfter: "3"})
	for _, want := range []string{"27", "27", "3"} {
		got, err := send(r.Client(), newRequest(t, r, strings.NewReader("[]")))
		if err != nil || got.header.Get("Retry-After") != want {
			t.Errorf("%v %v, want Retry-After %s", got, err, want)
		}
	}
	r.FailBatchesOn(func(Record) int { return http.StatusRequestEntityTooLarge })
	if status, _ := post(t, r, `[{"logs":[{"message":"a"}]}]`); status != 413 {
		t.Errorf("%d, want 413", status)
	}
}

// Each documented failure is one that Fail takes, and the caller's own.
func TestFailures(t *testing.T) {
	for b := Logflare; b <= VictoriaLogs; b++ {
		all := b.Failures()
		if (len(all) == 0) != (b == Logflare) {
			t.Errorf("%v has %d failures", b, len(all))
		}
		r := NewReceiver(b)
		for i, f := range all {
			if f.Requests != 1 || f.Status < 400 {
				t.Errorf("%v: %+v", b, f)
			}
			if ct := f.Header.Get("Content-Type"); ct == "application/json" && !json.Valid([]byte(f.Body)) {
				t.Errorf("%v: no JSON: %s", b, f.Body)
			}
			r.Fail(f)
			if f.Header != nil {
				all[i].Header.Set("X", "y")
			}
		}
		for _, f := range b.Failures() {
			if f.Header.Get("X") != "" {
				t.Errorf("%v: a caller's header is in %+v", b, f)
			}
		}
	}
}

// A mistake is told where it is made.
func TestBackendMistakes(t *testing.T) {
	for name, f := range map[string]func(){
		"two backends":         func() { NewReceiver(Splunk, Seq) },
		"no such backend":      func() { NewReceiver(VictoriaLogs + 1) },
		"AnswerRecords":        func() { NewReceiver(Splunk).AnswerRecords(nil) },
		"Logflare's AnswerAll": func() { NewReceiver().AnswerRecords(nil) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "slogshiptest: ") {
					t.Errorf("%s: %q, want a panic", name, text)
				}
			}()
			f()
		}()
	}
}

// A Server is a backend as well.
func TestServerIsBackend(t *testing.T) {
	s := NewServer(t, Datadog)
	if !strings.HasSuffix(s.URL, "/api/v2/logs") {
		t.Errorf("it takes records at %s", s.URL)
	}
	got, err := send(http.DefaultClient, newRequest(t, s.Receiver, strings.NewReader(`[{"message":"a"}]`)))
	if err != nil || got.status != 202 {
		t.Errorf("%v %v", got, err)
	}
	wantMessages(t, s.Receiver, "a")
}

// No body breaks a backend: it is taken or refused.
func FuzzBackendBodies(f *testing.F) {
	for _, s := range samples() {
		f.Add(uint8(s.backend), []byte(s.body))
	}
	f.Add(uint8(OTLP), []byte("\x0a\x2c\x0a\x0b\x0a\x09\x0a\x01k\x12\x04\x0a\x02vv\x12\x1d\x12\x1b\x09\x00\x01\x02\x03\x04\x05\x06\x07\x1a\x04INFO\x2a\x03\x0a\x01m\x52\x04abcd"))
	f.Fuzz(func(t *testing.T, b uint8, body []byte) {
		backend := 1 + Backend(b)%VictoriaLogs
		r := NewReceiver(backend)
		spec := backend.spec()
		contentType := "application/json"
		if spec.types != nil {
			contentType = spec.types[len(spec.types)-1]
		}
		status, text := post(t, r, string(body), header("Content-Type", contentType))
		if status/100 != 2 && status/100 != 4 {
			t.Errorf("%v: %d %s", backend, status, text)
		}
		r.Records()
		r.Requests()[0].Records()
	})
}
