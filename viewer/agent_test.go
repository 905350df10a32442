package viewer

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/agent"
)

// What the agent reports, and what the application logs, are of one run: with the
// viewer's own handler, and with slogship's ids.
func TestAgentAndRuns(t *testing.T) {
	v := start(t, nil)
	log := slog.New(v.Handler(&HandlerOptions{Source: "mine"}))
	a := agent.Start(log.Handler(), nil)
	log.Error("it broke", "error", fmt.Errorf("%w", http.ErrNoCookie))
	time.Sleep(2 * time.Millisecond) // an interval that is not zero
	a.Stop()
	runs := list(v.get(t, "/api/runs"), "runs")
	if len(runs) != 1 {
		t.Fatalf("the runs are %v", runs)
	}
	run := runs[0].(map[string]any)
	if run["source"] != "mine" || run["sampled"] == 0.0 || run["levels"].(map[string]any)["error"] != 1.0 {
		t.Errorf("the run is %v", run)
	}
	one := v.get(t, "/api/runs/"+run["id"].(string))
	if len(list(one, "errors")) != 1 || len(list(one["process"].(map[string]any), "points")) != 1 {
		t.Errorf("the run is %v", one)
	}
	processes := list(v.get(t, "/api/processes", "last", "15m"), "processes")
	if len(processes) != 1 {
		t.Fatalf("the processes are %v", processes)
	}
	point := list(processes[0].(map[string]any), "points")[0].(map[string]any)
	if point["memory"].(float64) < 1e6 || point["goroutines"].(float64) < 2 {
		t.Errorf("it was %v", point)
	}
	if l := list(v.get(t, "/api/logs"), "records"); len(l) != 1 {
		t.Errorf("a report is among the records: %v", l)
	}

	// Another handler of the same viewer is of the same run, another viewer's is not.
	slog.New(v.Handler(&HandlerOptions{Source: "mine"})).Info("m")
	if n := len(list(v.get(t, "/api/runs", "source", "mine"), "runs")); n != 1 {
		t.Errorf("%d runs", n)
	}
	const id = "c0ffeec0ffeec0ffeec0ffeec0ffeec00000000000000001"
	v.do("POST", "/logs?source=shipped", `{"batch":[{"id":"`+id+`","message":"m","metadata":{"level":"INFO"}}]}`)
	if l := list(v.get(t, "/api/runs", "source", "shipped"), "runs"); len(l) != 1 || l[0].(map[string]any)["name"] != id[:32] {
		t.Errorf("slogship's runs are %v", l)
	}
	// An explicit name is believed before the id.
	v.do("POST", "/logs?source=named", `{"batch":[{"id":"`+id[:47]+`2","message":"m","metadata":{"service.instance.id":"pod-7"}}]}`)
	v.do("POST", "/ndjson?source=named", `{"msg":"m","service.instance.id":"pod-8"}`)
	if l := list(v.get(t, "/api/runs", "source", "named"), "runs"); len(l) != 2 {
		t.Errorf("the named runs are %v", l)
	}
}

// OpenTelemetry's service.instance.id names the run of logs and of spans.
func TestRunsByOTLP(t *testing.T) {
	v := start(t, nil)
	now := time.Now().UnixNano()
	resource := `"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}},{"key":"service.instance.id","value":{"stringValue":"pod-1"}}]}`
	for path, body := range map[string]string{
		"/v1/logs": fmt.Sprintf(`{"resourceLogs":[{%s,"scopeLogs":[{"logRecords":[{"timeUnixNano":"%d","severityNumber":17,"body":{"stringValue":"it broke"},
			"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"}]}]}]}`, resource, now),
		"/v1/traces": fmt.Sprintf(`{"resourceSpans":[{%s,"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",
			"name":"GET /","kind":2,"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}]}]}]}`, resource, now, now+5e6),
	} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if v.ServeHTTP(w, r); w.Code != 200 {
			t.Fatal(w.Body)
		}
	}
	runs := list(v.get(t, "/api/runs"), "runs")
	if len(runs) != 1 || runs[0].(map[string]any)["name"] != "pod-1" || runs[0].(map[string]any)["requests"] != 1.0 || runs[0].(map[string]any)["levels"].(map[string]any)["error"] != 1.0 {
		t.Fatalf("the runs are %v", runs)
	}
	id := runs[0].(map[string]any)["id"].(string)
	if w := v.do("POST", "/api/runs/"+id+"/pin", ""); w.Code != 200 || len(list(v.get(t, "/api/runs", "pinned", "1"), "runs")) != 1 {
		t.Errorf("pin: %d %s", w.Code, w.Body)
	}
	if w := v.do("POST", "/api/runs/"+id+"/unpin", ""); w.Code != 200 || len(list(v.get(t, "/api/runs", "pinned", "1"), "runs")) != 0 {
		t.Errorf("unpin: %d %s", w.Code, w.Body)
	}
	for target, want := range map[string]int{
		"/api/runs/9": 404, "/api/runs/x": 404, "/api/runs/-1": 404, "/api/runs?before=x": 400, "/api/processes?last=soon": 400,
	} {
		if w := v.do("GET", target, ""); w.Code != want {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	if w := v.do("POST", "/api/runs/999/pin", ""); w.Code != 409 {
		t.Errorf("a run that is not there is pinned: %d %s", w.Code, w.Body)
	}
}

// The histogram says what was lost in its time by its sources.
func TestLossesInHistogram(t *testing.T) {
	v := start(t, nil)
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339Nano) }
	v.do("POST", "/logs?source=api", fmt.Sprintf(`{"batch":[{"timestamp":%q,"message":"slogship: records lost","metadata":{"level":"WARN","lost":12,"dropped":{"overflow":12},
		"from":%q,"to":%q}}]}`, at(-time.Minute), at(-3*time.Minute), at(-2*time.Minute)))
	for q, want := range map[string]int{"": 1, "source:api": 1, "source:web": 0, "-source:api": 0, "last:10m": 1, "last:90s": 0} {
		if l := list(v.get(t, "/api/histogram", "q", q), "losses"); len(l) != want {
			t.Errorf("%s: %v", q, l)
		}
	}
	if l := list(v.get(t, "/api/logs", "q", `template:"slogship: records lost"`), "records"); len(l) != 1 {
		t.Errorf("the record is not found: %v", l)
	}
}
