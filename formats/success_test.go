package formats_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/slogship/slogship"
)

// everyFormat is each format once.
func everyFormat() map[string]slogship.Format {
	all := map[string]slogship.Format{"logflare": slogship.Logflare()}
	for _, s := range subjects() {
		all[s.name] = s.format
	}
	for _, f := range encoded {
		all[f.name] = f.format
	}
	return all
}

// takes reports whether an answer acknowledges all records: the format says so, or
// leaves it to the status, for which the root package knows web pages.
func takes(f slogship.Format, status int, contentType, body string) bool {
	v := f.ReadAnswer(slogship.Answer{
		Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body), Records: 2,
	})
	if v.Action == slogship.ByStatus && status/100 == 2 {
		return true
	}
	return v.Action == slogship.Accept && v.Refused == 0 && v.Outcomes == nil
}

// Each format knows the documented success of its backend, takes an empty body for
// one, and nothing else that another server answers.
func TestSuccess(t *testing.T) {
	const strange = `{"message":"service unavailable"}`
	generic := func(name string) bool {
		return name == "json" || name == "json_field" || name == "ndjson"
	}
	own := map[string]struct {
		status int
		body   string
	}{
		"logflare":      {200, `{"message":"Logged!"}`},
		"axiom":         {200, `{"ingested":2,"failed":0,"failures":[],"processedBytes":1}`},
		"betterstack":   {202, ``},
		"datadog":       {202, `{}`},
		"newrelic":      {202, `{"requestId":"f0e7bfff-001a-b000-0000-01682bcf4565"}`},
		"seq":           {201, `{"MinimumLevelAccepted":null}`},
		"splunk":        {200, `{"text":"Success","code":0}`},
		"otlp_json":     {200, `{"partialSuccess":{}}`},
		"otlp_protobuf": {200, "\x0a\x00"},
	}
	for name, f := range everyFormat() {
		if c, ok := own[name]; ok && !takes(f, c.status, "application/json", c.body) {
			t.Errorf("%s refuses its own %d %s", name, c.status, c.body)
		}
		for _, status := range []int{200, 201, 202, 204, 299} {
			if !takes(f, status, "text/plain", " \n") {
				t.Errorf("%s refuses an empty %d", name, status)
			}
		}
		for _, body := range []string{strange, "ok", `["a"]`, `"a"`, "null", "Welcome to nginx!", "{", "\x00\x01"} {
			if got := takes(f, 200, "text/plain", body); got != generic(name) {
				t.Errorf("%s: 200 %q acknowledges: %v", name, body, got)
			}
		}
		if generic(name) {
			continue
		}
		for _, page := range []struct{ contentType, body string }{
			{"", "<html>"}, {"", "\ufeff\n <!DOCTYPE html>"}, {"text/html; charset=utf-8", "Sign in"}, {"", "<?xml version='1.0'?>"},
		} {
			for _, status := range []int{200, 201, 202} {
				v := f.ReadAnswer(slogship.Answer{
					Status: status, Header: http.Header{"Content-Type": {page.contentType}}, Body: []byte(page.body), Records: 2,
				})
				if v.Action != slogship.Hold || !strings.Contains(v.Reason, "web page") || v.Hint == "" {
					t.Errorf("%s: %d %q: %+v", name, status, page.body, v)
				}
			}
		}
	}
}

// A wrong set-up is told with the way out: the path that the format is meant for,
// the credentials that it wants.
func TestHints(t *testing.T) {
	for name, want := range map[string][2]string{ // for 404, for 401
		"logflare":      {"/logs?source=", "X-API-KEY"},
		"axiom":         {"/v1/datasets/", "Bearer"},
		"betterstack":   {"$INGESTING_HOST", "Bearer"},
		"clickhouse":    {"FORMAT JSONEachRow", "X-ClickHouse-Key"},
		"datadog":       {"/api/v2/logs", "DD-API-KEY"},
		"elasticsearch": {"/_bulk", "ApiKey"},
		"honeycomb":     {"/1/batch/", "X-Honeycomb-Team"},
		"loki":          {"/loki/api/v1/push", "LokiOptions.Tenant"},
		"newrelic":      {"/log/v1", "Api-Key"},
		"otlp_json":     {"/v1/logs", "Options.Header"},
		"otlp_protobuf": {"/v1/logs", "Options.Header"},
		"seq":           {"/ingest/clef", "X-Seq-ApiKey"},
		"splunk":        {"/services/collector/event", "Splunk "},
		"victorialogs":  {"/insert/jsonline", ""},
	} {
		f, ok := everyFormat()[name]
		if !ok {
			t.Errorf("no format %q", name)
			continue
		}
		for i, status := range []int{404, 401} {
			v := f.ReadAnswer(slogship.Answer{Status: status, Body: []byte("no"), Records: 1})
			if !strings.Contains(v.Hint, want[i]) || v.Action != slogship.ByStatus {
				t.Errorf("%s: %d: %+v, want the hint %q", name, status, v, want[i])
			}
		}
		if v := f.ReadAnswer(slogship.Answer{Status: 503, Body: []byte("no"), Records: 1}); v.Hint != "" {
			t.Errorf("%s: 503 has the hint %q", name, v.Hint)
		}
	}
}

// hostile are bodies that cost a careless reader many times their length.
func hostile(size int) map[string]string {
	fill := func(before, unit, after string) string {
		return before + strings.Repeat(unit, max(0, size-len(before)-len(after))/len(unit)) + after
	}
	return map[string]string{
		"small objects":       fill("[", "{},", "{}]"),
		"small items":         fill(`{"errors":false,"items":[`, "{},", "{}]}"),
		"items with errors":   fill(`{"errors":true,"items":[`, `{"create":{"status":400,"error":{"type":"a","reason":"b"}}},`, "{}]}"),
		"small messages":      fill(`{"message":[`, `"",`, `""]}`),
		"objects as messages": fill(`{"message":[`, `{},`, `{}]}`),
		"numbers":             fill(`{"message":[`, `1,`, `1]}`),
		"failures":            fill(`{"ingested":1,"failed":1,"failures":[`, `{"error":"a"},`, `{}]}`),
		"deep lists":          fill(`{"message":`, "[", ""),
		"deep objects":        fill("", `{"error":`, ""),
		"deep items":          fill(`{"items":[`, `{"create":`, ""),
		"members":             fill("{", `"a":1,`, `"b":1}`),
		"a long text":         fill(`{"message":"`, "x", `"}`),
		"escapes":             fill(`{"message":"`, `\u0041`, `"}`),
		"nested errors":       fill(`{"error":"`, `\"`, `"}`),
		"empty fields":        fill("", "\x0a\x00", ""),
		"a page":              fill("<html>", "<b>", ""),
		"like errors":         fill("", "1 errors like: has timestamp too old; ", ""),
		"ignored":             fill("total ignored: ", "1 out of ", ""),
		"spaces":              fill("{", " ", "}"),
	}
}

// No body of an answer costs much more memory than its length, whatever the format
// and the status: what is counted is all that is allocated, garbage included. The
// bodies are as long as the longest that is read after a request of 1,000 records.
func TestHostileAnswersCostLittle(t *testing.T) {
	const records = 1_000
	for name, f := range everyFormat() {
		size := min(64<<10+f.Layout().AnswerBytes*records, 8<<20)
		most, worst := 0, ""
		for kind, body := range hostile(size) {
			for _, status := range []int{200, 400, 406} {
				a := slogship.Answer{Status: status, Header: http.Header{}, Body: []byte(body), Records: records, Cut: true}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				v := f.ReadAnswer(a)
				runtime.ReadMemStats(&after)
				allocated := int(after.TotalAlloc - before.TotalAlloc)
				if allocated > most {
					most, worst = allocated, fmt.Sprintf("%d, %s", status, kind)
				}
				if v.Refused < 0 || v.Outcomes != nil && len(v.Outcomes) != records {
					t.Errorf("%s: %d, %s: %d refused, %d outcomes", name, status, kind, v.Refused, len(v.Outcomes))
				}
			}
		}
		t.Logf("%-20s %5d KiB for %4d KiB: %s", name, most>>10, size>>10, worst)
		if limit := 8*size + 4<<20; most > limit && !raceEnabled {
			t.Errorf("%s allocates %d bytes for an answer of %d, want at most %d: %s", name, most, size, limit, worst)
		}
	}
}
