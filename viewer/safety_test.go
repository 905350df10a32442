package viewer

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// routes are one address of each kind, of pages, API, ingest and tools.
var routes = []struct{ method, path string }{
	{"GET", "/"},
	{"GET", "/tail"},
	{"GET", "/traces/00000000000000000000000000000001"},
	{"GET", "/static/x/logs.js"},
	{"GET", "/no-such-page"},
	{"GET", "/api/logs"},
	{"GET", "/api/tail"},
	{"GET", "/api/export"},
	{"GET", "/api/status"},
	{"POST", "/api/errors/1/resolve"},
	{"POST", "/logs"},
	{"POST", "/ndjson"},
	{"POST", "/v1/logs"},
	{"POST", "/v1/traces"},
	{"POST", "/mcp"},
	{"GET", "/mcp"},
	{"DELETE", "/mcp"},
}

func (v *Viewer) ask(method, path, host string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader("{}"))
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

// A page that made its own name lead to this machine (DNS rebinding) reaches
// nothing, with or without a token; nor does one that posts here from elsewhere.
func TestStrangers(t *testing.T) {
	open, closed := start(t, nil), start(t, &Options{Token: "secret", Hosts: []string{"logs.example"}})
	for _, r := range routes {
		for _, host := range []string{"evil.example", "evil.example:7777", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""} {
			if w := open.ask(r.method, r.path, host); w.Code != http.StatusMisdirectedRequest {
				t.Errorf("%s %s for %q: %d", r.method, r.path, host, w.Code)
			}
		}
		if w := closed.ask(r.method, r.path, "evil.example", "Authorization", "Bearer secret"); w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s %s for a strange name, with the token: %d", r.method, r.path, w.Code)
		}
		if w := closed.ask(r.method, r.path, "logs.example"); w.Code != http.StatusUnauthorized {
			t.Errorf("%s %s without a token: %d", r.method, r.path, w.Code)
		}
		if w := closed.ask(r.method, r.path, "logs.example", "Cookie", "slogship_viewer=secreT", "X-Api-Key", "secret "); w.Code != http.StatusUnauthorized {
			t.Errorf("%s %s with a wrong token: %d", r.method, r.path, w.Code)
		}
		if r.method == "GET" {
			continue
		}
		for name, header := range map[string][]string{
			"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"}, "another port": {"Origin", "http://localhost:8080"},
			"null": {"Origin", "null"}, "a form": {"Origin", "https://evil.example", "Content-Type", "text/plain"},
		} {
			if w := open.ask(r.method, r.path, "localhost:7777", header...); w.Code != http.StatusForbidden {
				t.Errorf("%s %s from %s: %d", r.method, r.path, name, w.Code)
			}
		}
	}
	if n := open.get(t, "/api/status")["rows"]; n != 0.0 {
		t.Errorf("strangers left %v rows", n)
	}
}

// A token in the address becomes a cookie that scripts and other sites do not get,
// and disappears from the address.
func TestTokenToCookie(t *testing.T) {
	v := start(t, &Options{Token: "secret"})
	w := v.ask("GET", "/tail?token=secret&q=x", "10.0.0.1:7777")
	cookie := w.Header().Get("Set-Cookie")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/tail?q=x" || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Fatalf("%d to %q with %q", w.Code, w.Header().Get("Location"), cookie)
	}
	name, _, _ := strings.Cut(cookie, ";")
	if w := v.ask("GET", "/api/status", "10.0.0.1:7777", "Cookie", name); w.Code != http.StatusOK {
		t.Errorf("with the cookie: %d", w.Code)
	}
}

// No path leads out of the files that belong to the program.
func TestTraversal(t *testing.T) {
	server := httptest.NewServer(start(t, nil))
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{
		"/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2fetc%2fpasswd", "/static/x/..%5c..%5cviewer.go", "/static//etc/passwd",
		"/static/", "/static/x/", "/../viewer.db", "/viewer.db", "/%2e%2e/viewer.db", "/static/x/%00", "/traces/..%2f..%2fviewer.db/x",
	} {
		req, err := http.NewRequest(http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = path // as it is written here
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusOK || bytes.Contains(body, []byte("root:")) || bytes.Contains(body, []byte("SQLite")) {
			t.Errorf("%s: %d %.80q", path, res.StatusCode, body)
		}
		if to := res.Header.Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

// A body that inflates to 256 MB is refused, and costs no such memory.
func TestBombs(t *testing.T) {
	v := start(t, nil)
	// Of members and frames of 1 MB, one after another: to compress so much is slow.
	var gz bytes.Buffer
	g := gzip.NewWriter(&gz)
	zeros := make([]byte, 1<<20)
	g.Write(zeros)
	g.Close()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bombs := map[string][]byte{"gzip": bytes.Repeat(gz.Bytes(), 256), "zstd": bytes.Repeat(z.EncodeAll(zeros, nil), 256)}
	for encoding, body := range bombs {
		for _, path := range []string{"/ndjson", "/logs", "/v1/logs", "/v1/traces"} {
			r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
			r.Host = "localhost"
			r.Header.Set("Content-Encoding", encoding)
			r.Header.Set("Content-Type", "application/json")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := httptest.NewRecorder()
			v.ServeHTTP(w, r)
			runtime.ReadMemStats(&after)
			if w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%s %s: %d", encoding, path, w.Code)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 160<<20 {
				t.Errorf("%s %s: %d MB were allocated", encoding, path, took>>20)
			}
		}
	}
	// Where no encoding is understood, the sender hears it; and what it sends is bounded, too.
	w := v.ask("POST", "/mcp", "localhost", "Content-Encoding", "gzip", "Content-Type", "application/json", "Accept", "application/json, text/event-stream")
	if w.Code < 400 && !strings.Contains(w.Body.String(), "error") {
		t.Errorf("/mcp takes gzip: %d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "/mcp", io.LimitReader(endless{}, 1<<30))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	w = httptest.NewRecorder()
	if v.ServeHTTP(w, r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("/mcp takes an endless body: %d %s", w.Code, w.Body)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// Agents find the tools at /mcp, behind the same guard as all else; any number of
// them leaves nothing behind.
func TestMCP(t *testing.T) {
	v := start(t, &Options{Token: "secret"})
	server := httptest.NewServer(v)
	defer server.Close()
	connect := func(token string) (*mcp.ClientSession, error) {
		client := &http.Client{Transport: withToken(token)}
		return mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(),
			&mcp.StreamableClientTransport{Endpoint: server.URL + "/mcp", HTTPClient: client, DisableStandaloneSSE: true, MaxRetries: -1}, nil)
	}
	if _, err := connect("wrong"); err == nil {
		t.Error("an agent with a wrong token is let in")
	}
	r := httptest.NewRequest(http.MethodPost, "/ndjson?source=api", strings.NewReader(`{"msg":"for the agent"}`))
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer secret")
	v.ServeHTTP(httptest.NewRecorder(), r)
	for range 3 {
		session, err := connect("secret")
		if err != nil {
			t.Fatal(err)
		}
		res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "search_logs", Arguments: map[string]any{"query": "agent"}})
		if err != nil || !strings.Contains(res.Content[0].(*mcp.TextContent).Text, "info api: for the agent") {
			t.Errorf("it says %+v, %v", res, err)
		}
		if id := session.ID(); id != "" {
			t.Errorf("a session %q is kept for it", id)
		}
		session.Close()
	}
}

type withToken string

func (token withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(r)
}
