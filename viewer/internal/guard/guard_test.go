package guard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func serve(g *Guard, method, target, host string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, http.NoBody)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

var inside = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("inside")) })

// A request that names another host is refused: that is what DNS rebinding sends.
func TestHost(t *testing.T) {
	open, closed := New(inside, []string{"logs.example"}, ""), New(inside, nil, "secret")
	for host, want := range map[string]int{
		"localhost:7777": 200, "LOCALHOST": 200, "127.0.0.1:7777": 200, "[::1]:7777": 200, "127.8.9.1": 200, "logs.example": 200, "Logs.Example:80": 200,
		"evil.example": 421, "localhost.evil.example": 421, "10.0.0.1": 421, "": 421, "127.0.0.1.evil.example:7777": 421, "0.0.0.0": 421,
	} {
		if w := serve(open, "GET", "/", host); w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
	if w := serve(closed, "GET", "/", "10.0.0.1:80", "Authorization", "Bearer secret"); w.Code != 200 {
		t.Errorf("an address with the token: %d", w.Code)
	}
	if w := serve(closed, "GET", "/", "evil.example", "Authorization", "Bearer secret"); w.Code != 421 {
		t.Errorf("a strange name with the token: %d", w.Code)
	}
}

// What changes something must not come from a page of another origin.
func TestCrossOrigin(t *testing.T) {
	g := New(inside, nil, "")
	for _, c := range []struct {
		method string
		header []string
		want   int
	}{
		{"POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"POST", []string{"Origin", "http://evil.example"}, 403},
		{"POST", []string{"Origin", "http://localhost:1"}, 403},
		{"POST", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"POST", nil, 200}, // not a browser
		{"GET", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		if w := serve(g, c.method, "/", "localhost", c.header...); w.Code != c.want {
			t.Errorf("%s %v: %d, want %d", c.method, c.header, w.Code, c.want)
		}
	}
}

// The token opens: once in the address, then as a cookie; or in a header.
func TestToken(t *testing.T) {
	g := New(inside, nil, "secret")
	for name, c := range map[string]struct {
		method, target string
		header         []string
		want           int
	}{
		"none":           {"GET", "/", nil, 401},
		"wrong":          {"GET", "/?token=secreT", nil, 401},
		"empty":          {"GET", "/?token=", []string{"Authorization", "Bearer "}, 401},
		"address":        {"GET", "/?token=secret", nil, 303},
		"post":           {"POST", "/logs?token=secret", nil, 200},
		"bearer":         {"POST", "/logs", []string{"Authorization", "Bearer secret"}, 200},
		"key":            {"POST", "/logs", []string{"X-API-KEY", "secret"}, 200},
		"cookie":         {"GET", "/", []string{"Cookie", Cookie + "=secret"}, 200},
		"another cookie": {"GET", "/", []string{"Cookie", Cookie + "=x"}, 401},
	} {
		w := serve(g, c.method, c.target, "localhost", c.header...)
		if w.Code != c.want || c.want != 200 && strings.Contains(w.Body.String(), "inside") {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
	}
	w := serve(g, "GET", "//evil.example/%2e%2e?token=secret&q=a+b", "localhost")
	cookie := w.Header().Get("Set-Cookie")
	if to := w.Header().Get("Location"); to != "/evil.example/%2e%2e?q=a+b" {
		t.Errorf("sent to %q", to)
	}
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Errorf("the cookie is %q", cookie)
	}
}

// Every answer says that no script but ours may run.
func TestPolicy(t *testing.T) {
	for _, w := range []*httptest.ResponseRecorder{serve(New(inside, nil, ""), "GET", "/", "localhost"), serve(New(inside, nil, ""), "GET", "/", "evil")} {
		p := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(p, "default-src 'none'") || strings.Contains(p, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the policy is %q", p)
		}
	}
}
