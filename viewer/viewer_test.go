package viewer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

func start(t *testing.T, opts *Options) *Viewer {
	t.Helper()
	v, err := New(t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func (v *Viewer) do(method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost:7777"
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

// get asks the API, and returns its answer as plain data.
func (v *Viewer) get(t *testing.T, path string, params ...string) map[string]any {
	t.Helper()
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	w := v.do("GET", path+"?"+q.Encode(), "")
	var m map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != 200 {
		t.Fatalf("%s %v: %d %s", path, params, w.Code, w.Body)
	}
	return m
}

func list(m map[string]any, key string) []any { l, _ := m[key].([]any); return l }

// What is posted is found by queries, page by page, with its neighbours, counted,
// and exported.
func TestPostAndAsk(t *testing.T) {
	v := start(t, nil)
	now := time.Now()
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, `{"time":%q,"level":%q,"msg":"request %d served","n":%d,"user":{"id":%d}}`+"\n",
			now.Add(time.Duration(i-300)*time.Second).Format(time.RFC3339Nano), []string{"INFO", "ERROR"}[i%2], i, i, i%10)
	}
	if w := v.do("POST", "/ndjson?source=api", lines.String()); w.Code != 200 {
		t.Fatal(w.Body)
	}
	for q, want := range map[string]int{
		"": 300, "level>=error": 150, "user.id=3": 30, "n>=290": 10, "served -level:info": 150, "source:web": 0, `"request 7 served"`: 1,
		`template:"request <*> served"`: 300, "last:100s": 99,
	} {
		n, cursor := 0, ""
		for {
			page := v.get(t, "/api/logs", "q", q, "limit", "40", "cursor", cursor)
			n += len(list(page, "records"))
			cursor, _ = page["next"].(string)
			if cursor == "" {
				break
			}
		}
		if n != want && (q != "last:100s" || n < 90 || n > 100) {
			t.Errorf("%s: %d records, want %d", q, n, want)
		}
	}
	first := list(v.get(t, "/api/logs", "q", "n=100"), "records")[0].(map[string]any)
	around := v.get(t, "/api/logs/"+first["id"].(string))
	if len(list(around, "before")) != 10 || len(list(around, "after")) != 10 || around["record"].(map[string]any)["msg"] != "request 100 served" {
		t.Errorf("around it: %v", around)
	}
	if h := v.get(t, "/api/histogram", "q", "level>=error"); h["exact"] != true || h["sources"].(map[string]any)["api"] != 150.0 {
		t.Errorf("the histogram is %v", h)
	}
	if l := list(v.get(t, "/api/errors"), "groups"); len(l) != 1 || l[0].(map[string]any)["n"] != 150.0 {
		t.Errorf("errors are %v", l)
	}
	if n := strings.Count(v.do("GET", "/api/export?q=level:error", "").Body.String(), "\n"); n != 150 {
		t.Errorf("%d lines were exported", n)
	}
	if n := strings.Count(v.do("GET", "/api/export?format=csv", "").Body.String(), "\n"); n != 301 {
		t.Errorf("%d lines of CSV", n)
	}
}

// A question that is not understood is a 400 that says where; what is not there, a 404.
func TestWrongQuestions(t *testing.T) {
	v := start(t, nil)
	w := v.do("GET", "/api/logs?q=a+level:loud", "")
	if w.Code != 400 || !strings.Contains(w.Body.String(), `"pos":8,"end":12`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for target, want := range map[string]int{
		"/api/logs?limit=0": 400, "/api/logs?cursor=x": 400, "/api/logs/7": 404, "/api/logs/x": 404, "/api/traces/7": 404, "/nothing": 404,
		"/api/traces?last=soon": 400, "/api/traces?min=x": 400, "/api/export?format=xml": 400, "/api/tail?q=%22": 400,
	} {
		if w := v.do("GET", target, ""); w.Code != want {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

// The live tail sends what is committed and matches, soon, and ends with its request.
func TestTail(t *testing.T) {
	v := start(t, nil)
	server := httptest.NewServer(v)
	defer server.Close()
	res, err := http.Get(server.URL + "/api/tail?q=level:warn")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	in := bufio.NewScanner(res.Body)
	next := func() string {
		for in.Scan() {
			if data, ok := strings.CutPrefix(in.Text(), "data: "); ok {
				return data
			}
		}
		return ""
	}
	if hello := next(); hello != "{}" {
		t.Fatalf("the first event is %q", hello)
	}
	v.do("POST", "/ndjson", "{\"msg\":\"no\"}\n{\"msg\":\"yes\",\"level\":\"warn\"}")
	if got := next(); !strings.Contains(got, `"yes"`) || strings.Contains(got, `"no"`) {
		t.Errorf("the tail says %s", got)
	}
}

// The handler keeps slog's rules, and what it took is there when Handle returns.
func TestHandler(t *testing.T) {
	v := start(t, nil)
	results := func() (all []map[string]any) {
		for _, r := range list(v.get(t, "/api/logs", "order", "asc", "limit", "1000"), "records") {
			r := r.(map[string]any)
			m, _ := r["attrs"].(map[string]any)
			if m == nil {
				m = map[string]any{}
			}
			m[slog.LevelKey], m[slog.MessageKey], m[slog.TimeKey] = r["level"], r["msg"], r["time"]
			all = append(all, m)
		}
		return all
	}
	seen := 0
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		if strings.Contains(t.Name(), "zero-time") {
			t.Skip("a record without a time gets one: it has a place among the others")
		}
		seen = len(results())
		return v.Handler(nil)
	}, func(t *testing.T) map[string]any {
		all := results()
		if len(all) != seen+1 {
			t.Fatalf("%d records came", len(all)-seen)
		}
		return all[len(all)-1]
	})
	slog.New(v.Handler(&HandlerOptions{Source: "mine"})).Info("hello", "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736")
	if l := list(v.get(t, "/api/logs", "q", "source:mine trace:4bf92f3577b34da6a3ce929d0e0e4736"), "records"); len(l) != 1 {
		t.Errorf("found %v", l)
	}
}

// Traces come by OTLP, and are listed, shown with their logs, and summed up.
func TestOTLPTraces(t *testing.T) {
	v := start(t, nil)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	now := time.Now().UnixNano()
	r := httptest.NewRequest(http.MethodPost, "/v1/traces", strings.NewReader(fmt.Sprintf(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":%q,"spanId":"00f067aa0ba902b7",
		"name":"GET /","kind":2,"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}]}]}]}`, trace, now, now+5e6)))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if v.ServeHTTP(w, r); w.Code != 200 {
		t.Fatal(w.Body)
	}
	v.do("POST", "/ndjson", `{"msg":"within","trace_id":"`+trace+`"}`)
	if l := list(v.get(t, "/api/traces", "name", "get", "last", "1h"), "traces"); len(l) != 1 {
		t.Errorf("traces are %v", l)
	}
	one := v.get(t, "/api/traces/"+trace)
	if len(list(one, "spans")) != 1 || len(list(one, "logs")) != 1 {
		t.Errorf("the trace is %v", one)
	}
	if l := list(v.get(t, "/api/routes"), "routes"); len(l) != 1 {
		t.Errorf("routes are %v", l)
	}
}

// Every route asks for the host and the token, ingest among them.
func TestGuarded(t *testing.T) {
	v := start(t, &Options{Token: "secret"})
	for _, target := range []string{"/", "/api/logs", "/api/tail", "/static/logs.js", "/status"} {
		if w := v.do("GET", target, ""); w.Code != 401 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if w := v.do("POST", "/ndjson", `{"msg":"x"}`); w.Code != 401 {
		t.Errorf("ingest: %d", w.Code)
	}
}

// Options that make no sense are errors that name them.
func TestOptions(t *testing.T) {
	if _, err := New(t.TempDir(), &Options{MaxAge: -1}); err == nil || !strings.Contains(err.Error(), "Options.MaxAge is -1") {
		t.Errorf("the error is %v", err)
	}
	if _, err := New("", nil); err == nil {
		t.Error("no directory is no error")
	}
}
