package slogship

import (
	"net/http"
	"strings"
	"testing"
)

// New shows no secret in what it says of an endpoint, and takes none for a host.
func TestEndpointsWithSecrets(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://user:pw%40host/":            "http://[redacted]",
		"https://hec:token:8088/":           "https://[redacted]",
		"https://hec:token:8088":            "https://[redacted]",
		"http://logs.test:port/?k=us3rname": "http://[redacted]",
		"http://logs.test/%zz?k=us3rname":   "http://logs.test/%zz",
		"foo?key=us3rname":                  "foo",
	} {
		h, err := New(endpoint, nil)
		if err == nil {
			h.Close()
			t.Errorf("New(%q) is no error", endpoint)
			continue
		}
		if got := err.Error(); got != `slogship: endpoint "`+want+`" is not an absolute http(s) URL` {
			t.Errorf("New(%q): %s", endpoint, got)
		}
	}
	for endpoint, want := range map[string]string{
		"http://user/pw@host/":       "http://user",
		"http://user:pw@host:80/p?q": "http://host:80/p",
		"http://[::1]:80/p":          "http://[::1]:80/p",
	} {
		h, err := New(endpoint, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if h.String() != want {
			t.Errorf("%q is called %q, want %q", endpoint, h, want)
		}
		h.Close()
	}
}

// An empty credential is an unset variable.
func TestEmptyHeader(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"X-API-KEY", "", `the value of "X-API-KEY" is empty`},
		{"x-api-key", " \t", "is empty"},
		{"Authorization", "Bearer ", `the value of "Authorization" ends after its scheme`},
		{"authorization", "Splunk\t", "ends after its scheme"},
		{"Authorization", "Bearer", ""},
		{"Authorization", "t0ken", ""},
		{"Authorization", "Bearer t0ken ", ""},
		{"X-Other", "Bearer ", ""},
		{"User-Agent", "", ""},
	} {
		h, err := New("http://logs.test", &Options{Header: http.Header{c.name: {c.value}}})
		if err == nil {
			h.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q: %v", c.name, c.value, err)
		}
	}
	if h, err := New("http://logs.test", &Options{Header: http.Header{"X-A": {"a", ""}}}); err == nil {
		h.Close()
		t.Error("a second value may be empty")
	}
}
