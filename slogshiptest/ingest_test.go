package slogshiptest

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// The three paths take the same; no other path, and no other method, does.
func TestPaths(t *testing.T) {
	r := NewReceiver()
	query := "source=" + r.source
	for path, want := range map[string]int{"/logs": 200, "/api/logs": 200, "/api/events": 200, "/": 404, "/logs/": 404, "/health": 404} {
		if got, text := post(t, r, batch("a"), target(path, query)); got != want {
			t.Errorf("POST %s: %d %s, want %d", path, got, text, want)
		}
	}
	if got, _ := post(t, r, "", method("GET")); got != 404 {
		t.Errorf("GET /logs: %d, want 404", got)
	}
}

// An acknowledgement reads as Logflare's.
func TestAcknowledgement(t *testing.T) {
	r := NewReceiver()
	status, text := post(t, r, batch("a", "b"))
	if status != 200 || text != `{"message":"Logged!"}` {
		t.Errorf("%d %s", status, text)
	}
	wantMessages(t, r, "a", "b")
}

// Bearer goes before X-API-KEY, and that before the query: the first that is
// there decides.
func TestCredentials(t *testing.T) {
	r := NewReceiver()
	source := "source=" + r.source
	bearer := func(v string) tweak { return header("Authorization", v) }
	apiKey := func(v string) tweak { return header("X-API-KEY", v) }
	query := func(v string) tweak { return target("/logs", source+"&api_key="+v) }
	for name, c := range map[string]struct {
		tweaks []tweak
		want   int
	}{
		"bearer":                {[]tweak{bearer("Bearer " + r.key)}, 200},
		"header":                {[]tweak{bearer(""), apiKey(r.key)}, 200},
		"query":                 {[]tweak{bearer(""), query(r.key)}, 200},
		"none":                  {[]tweak{bearer("")}, 401},
		"wrong bearer":          {[]tweak{bearer("Bearer no")}, 401},
		"wrong bearer wins":     {[]tweak{bearer("Bearer no"), apiKey(r.key), query(r.key)}, 401},
		"wrong header wins":     {[]tweak{bearer(""), apiKey("no"), query(r.key)}, 401},
		"right bearer wins":     {[]tweak{apiKey("no"), query("no")}, 200},
		"basic is not a bearer": {[]tweak{bearer("Basic eDp5"), apiKey(r.key)}, 200},
		"wrong query":           {[]tweak{bearer(""), query("no")}, 401},
	} {
		status, text := post(t, r, batch("a"), c.tweaks...)
		if status != c.want || status == 401 && text != `{"error":"Unauthorized"}` {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.want)
		}
	}
}

// untouchable is a body that must not be read.
type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// A stranger's body is not read, nor one that the server could not inflate.
func TestRefusedUnread(t *testing.T) {
	r := NewReceiver()
	for want, f := range map[int]tweak{401: header("Authorization", "Bearer no"), 415: header("Content-Encoding", "zstd")} {
		got, err := send(r.Client(), newRequest(t, r, untouchable{t}, f))
		if err != nil || got.status != want {
			t.Errorf("%v %v, want %d", got, err, want)
		}
	}
	if q := r.Requests(); len(q) != 2 || q[0].Body != nil || q[1].Body != nil {
		t.Errorf("requests with bodies: %v", q)
	}
}

// A source is found by name, then by UUID, then by header; what does not name
// the receiver's own is unauthorized.
func TestSource(t *testing.T) {
	r := NewReceiver()
	other := newUUID()
	query := func(q string) tweak { return target("/logs", q) }
	for name, c := range map[string]struct {
		want int
		body string
		tw   []tweak
	}{
		"upper case":              {200, batch("a"), []tweak{query("source=" + strings.ToUpper(r.source))}},
		"collection":              {200, batch("a"), []tweak{query("collection=" + r.source)}},
		"name":                    {200, batch("a"), []tweak{query("source_name=" + sourceName)}},
		"collection name":         {200, batch("a"), []tweak{query("collection_name=" + sourceName)}},
		"name wins":               {200, batch("a"), []tweak{query("source_name=" + sourceName + "&source=" + other)}},
		"wrong name wins":         {401, batch("a"), []tweak{query("source_name=x&source=" + r.source)}},
		"header":                  {200, batch("a"), []tweak{query(""), header("X-Source", r.source)}},
		"collection header":       {200, batch("a"), []tweak{query(""), header("X-Collection", r.source)}},
		"query wins over header":  {401, batch("a"), []tweak{query("source=" + other), header("X-Source", r.source)}},
		"none":                    {401, batch("a"), []tweak{query("")}},
		"unknown":                 {401, batch("a"), []tweak{query("source=" + other)}},
		"no UUID":                 {401, batch("a"), []tweak{query("source=" + sourceName)}},
		"body overrides":          {401, `{"message":"a","source":"elsewhere"}`, nil},
		"body overrides to good":  {200, `{"batch":[],"source":"` + r.source + `"}`, []tweak{query("source=" + other)}},
		"name in body":            {401, `{"batch":[],"source_name":"x"}`, nil},
		"not even a string":       {401, `{"message":"a","source":{"x":1}}`, nil},
		"in an event is harmless": {200, `{"batch":[{"source":"elsewhere"}]}`, nil},
	} {
		if got, text := post(t, r, c.body, c.tw...); got != c.want {
			t.Errorf("%s: %d %s, want %d", name, got, text, c.want)
		}
	}
}

// GET /health tells how it stands, and is no request.
func TestHealth(t *testing.T) {
	s := NewServer(t)
	base := strings.TrimSuffix(s.URL, "/logs?source="+s.source)
	get := func() int {
		resp, err := http.Get(base + "/health")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := get(); got != 200 {
		t.Errorf("%d, want 200", got)
	}
	s.Fail(Failure{Status: 502, Requests: 1})
	if got := get(); got != 503 {
		t.Errorf("with a failure queued: %d, want 503", got)
	}
	s.Recover()
	if got := get(); got != 200 || len(s.Requests()) != 0 {
		t.Errorf("%d, want 200; %d requests, want 0", got, len(s.Requests()))
	}
}
