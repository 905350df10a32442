package slogshiptest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A tweak changes a request that would be taken into one that may not.
type tweak func(*http.Request)

func header(name, value string) tweak {
	return func(req *http.Request) {
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
}

// target sets path and query.
func target(path, query string) tweak {
	return func(req *http.Request) { req.URL.Path, req.URL.RawQuery = path, query }
}

func method(m string) tweak { return func(req *http.Request) { req.Method = m } }

// newRequest returns a request that r takes if body is a batch.
func newRequest(t testing.TB, r *Receiver, body io.Reader, tweaks ...tweak) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.Header()
	req.Header.Set("Content-Type", "application/json")
	for _, f := range tweaks {
		f(req)
	}
	return req
}

// reply is an answer as far as it could be read.
type reply struct {
	status int
	text   string
	header http.Header
	length int64
	host   string // that it is from
}

// send returns the answer to req.
func send(client *http.Client, req *http.Request) (reply, error) {
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, string(text), resp.Header, resp.ContentLength, resp.Request.URL.Host}, err
}

// post returns the status and the text of the answer to a request.
func post(t testing.TB, r *Receiver, body string, tweaks ...tweak) (int, string) {
	t.Helper()
	got, err := send(r.Client(), newRequest(t, r, strings.NewReader(body), tweaks...))
	if err != nil {
		t.Fatal(err)
	}
	return got.status, got.text
}

// batch is a body with an event for each message. Its time is not in the future
// of a synctest bubble either.
func batch(messages ...string) string {
	events := make([]string, len(messages))
	for i, m := range messages {
		events[i] = fmt.Sprintf(`{"id":"id-%s","timestamp":"1999-01-02T03:04:05.678901Z","message":%q,"metadata":{"level":"info"}}`, m, m)
	}
	return `{"batch":[` + strings.Join(events, ",") + `]}`
}

func messages(records []Record) (all []string) {
	for _, r := range records {
		all = append(all, r.Message)
	}
	return all
}

func wantMessages(t testing.TB, r *Receiver, want ...string) {
	t.Helper()
	if got := messages(r.Records()); !slices.Equal(got, want) {
		t.Errorf("the receiver has %q, want %q", got, want)
	}
}

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

// Only JSON is taken, as one text or in lines.
func TestContentType(t *testing.T) {
	r := NewReceiver()
	for contentType, want := range map[string]int{
		"application/json":                200,
		"application/json; charset=utf-8": 200,
		"Application/JSON":                200,
		"application/cloudevents+json":    200,
		"application/x-ndjson":            200,
		"text/plain":                      415,
		"text/json":                       415,
		"application/jsonlines":           415,
		"application/x-protobuf":          415,
		"":                                415,
		"application/json; =":             415,
	} {
		if got, text := post(t, r, batch("a"), header("Content-Type", contentType)); got != want {
			t.Errorf("%q: %d %s, want %d", contentType, got, text, want)
		}
	}
}

// compressed returns text as new's writer leaves it.
func compressed[W io.WriteCloser](t testing.TB, text string, open func(io.Writer) W) string {
	t.Helper()
	var buf bytes.Buffer
	w := open(&buf)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func zipped(t testing.TB, text string) string { return compressed(t, text, gzip.NewWriter) }

// gzip and deflate are inflated; what is corrupt crashes the server, what it
// does not know is refused.
func TestContentEncoding(t *testing.T) {
	gz := zipped(t, batch("a"))
	z := compressed(t, batch("a"), zlib.NewWriter)
	raw := compressed(t, batch("a"), func(w io.Writer) *flate.Writer {
		f, _ := flate.NewWriter(w, flate.BestSpeed)
		return f
	})
	for name, c := range map[string]struct {
		encoding, body string
		want           int
	}{
		"gzip":              {"gzip", gz, 200},
		"upper case":        {"GZIP", gz, 200},
		"deflate":           {"deflate", z, 200},
		"deflate, headless": {"deflate", raw, 200},
		"identity":          {"identity", batch("a"), 200},
		"no gzip":           {"gzip", batch("a"), 500},
		"cut gzip":          {"gzip", gz[:len(gz)-9], 500},
		"wrong checksum":    {"gzip", gz[:len(gz)-8] + "\x00\x00\x00\x00" + gz[len(gz)-4:], 500},
		"empty gzip":        {"gzip", "", 500},
		"cut deflate":       {"deflate", z[:len(z)-9], 500},
		"zstd":              {"zstd", batch("a"), 415},
		"br":                {"br", batch("a"), 415},
		"twice":             {"gzip, gzip", zipped(t, gz), 415},
		"undeclared":        {"", gz, 400},
	} {
		r := NewReceiver()
		if got, text := post(t, r, c.body, header("Content-Encoding", c.encoding)); got != c.want {
			t.Errorf("%s: %d %s, want %d", name, got, text, c.want)
		} else if taken := r.Len(); taken != 0 != (c.want == 200) {
			t.Errorf("%s: %d events taken", name, taken)
		}
	}
}

// A body may have 12,000,000 bytes, as it comes and inflated. One of that
// length is read, and then found to be no JSON, which takes less time than a
// good one.
func TestBodyLimit(t *testing.T) {
	r := NewReceiver()
	tenth := zipped(t, strings.Repeat("x", maxBody/10)) // gzip's members follow each other
	for n, want := range map[int]int{maxBody: 400, maxBody + 1: 413} {
		text := strings.Repeat("x", n)
		gz := strings.Repeat(tenth, 10) + zipped(t, text[maxBody:])
		if got, _ := post(t, r, text); got != want {
			t.Errorf("%d bytes: %d, want %d", n, got, want)
		}
		if got, _ := post(t, r, gz, header("Content-Encoding", "gzip")); got != want {
			t.Errorf("%d bytes in gzip: %d, want %d", n, got, want)
		}
		stream := struct{ io.Reader }{strings.NewReader(text)} // of a length not told before
		if got, err := send(r.Client(), newRequest(t, r, stream)); err != nil || got.status != want {
			t.Errorf("%d bytes in chunks: %v %v, want %d", n, got, err, want)
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
