package slogship

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The secrets of these tests. What is not alphanumeric takes different forms in
// URLs, JSON and HTML.
const (
	secretToken  = `t0ken/~~~~~with+odd="chars"&<more>`
	secretKey    = "s3cr3t-api-key"
	secretUser   = "us3rname"
	secretPass   = "p:ss/w@rd?#"
	secretQuery  = "qu3ry value/+&"
	secretCookie = "c00kievalue"
)

var (
	secretEndpoint = (&url.URL{
		Scheme: "http", User: url.UserPassword(secretUser, secretPass), Host: "logs.test", Path: "/logs",
		RawQuery: url.Values{"source": {"s0urceid"}, "key": {secretQuery}}.Encode(),
	}).String()
	secretHeader = http.Header{
		"X-Api-Key":     {secretKey},
		"Cookie":        {"session=" + secretCookie + "; theme=dark"},
		"X-Token":       {"Token " + secretToken},
		"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("b4sicuser:b4sicpassword"))},
	}
	allSecrets = []string{
		secretToken, secretKey, secretUser, secretPass, secretQuery, secretCookie,
		"s0urceid", "b4sicuser", "b4sicpassword", "b4sicuser:b4sicpassword",
	}
)

// wantNoSecret undoes whatever a server may have done to a secret, and fails if
// one is to be found in text.
func wantNoSecret(t *testing.T, text string) {
	t.Helper()
	for range 3 {
		lower := strings.ToLower(text)
		for _, s := range allSecrets {
			for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte(s))} {
				if strings.Contains(lower, strings.ToLower(strings.TrimRight(form, "="))) {
					t.Fatalf("the secret %q is in %q", s, text)
				}
			}
		}
		text = html.UnescapeString(strings.NewReplacer(`\/`, `/`, `\"`, `"`, `\u0026`, "&", `\u003c`, "<", `\u003e`, ">", `\u002f`, "/", `\u002b`, "+").Replace(text))
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
	}
}

// No secret is in anything that slogship says, whatever a server or a transport
// puts into its answers.
func TestNoSecretIsTold(t *testing.T) {
	for _, secret := range allSecrets {
		text := "it is " + secret + ", you know"
		synctest.Test(t, func(t *testing.T) {
			panics := fakeFormat{read: func(a Answer) Verdict {
				switch a.Status {
				case 299:
					panic(text)
				case 298:
					return Verdict{Action: Reject, Reason: text}
				}
				return Verdict{}
			}}
			answers := []answered{
				{status: 503, body: text},
				{status: 401, body: `{"error":` + string(AppendString(nil, text)) + `}`},
				{status: 429, body: `{"error":{"message":"` + text + `"}}`},
				{status: 302, header: http.Header{"Location": {"http://x.test/" + url.PathEscape(text) + "?a=" + url.QueryEscape(text)}}},
				{status: 302, header: http.Header{"Location": {"http://" + text + "/%zz"}}},
				{err: errors.New("transport: " + text)},
				{err: &url.Error{Op: "Post", URL: text, Err: fmt.Errorf("dialing: %w", errors.New(text))}},
				{status: 299},
				{status: 298},
			}
			seen := map[string]bool{}
			var tr *trial
			tr = startAt(t, secretEndpoint, func(r *request) answered {
				if err := tr.Stats().LastError; err != nil {
					seen[err.Error()] = true
					wantNoSecret(t, fmt.Sprintf("%v %+v %#v %v", err, err, err, errors.Unwrap(err)))
				}
				return script(append(answers, status(200))...)(r)
			}, Options{Header: secretHeader, Format: panics, MaxBackoff: time.Second})
			for range answers {
				tr.say("a") // more than one, for some are rejected
				time.Sleep(10 * time.Second)
			}
			if len(seen) < len(answers) {
				t.Errorf("%d errors seen, want %d: %q", len(seen), len(answers), slices.Collect(maps.Keys(seen)))
			}
			for _, err := range tr.reports() {
				wantNoSecret(t, err.Error())
			}
			tr.answerWith(always(answered{status: 503, body: text}))
			tr.say("c")
			ctx := cancelled(t)
			wantNoSecret(t, fmt.Sprint(tr.Flush(ctx), tr.Stats(), tr.Shutdown(ctx)))
		})
	}
}

// What the handler says of itself is scheme, host and path.
func TestStringHasNoSecret(t *testing.T) {
	h, err := New(secretEndpoint, &Options{Header: secretHeader})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	const want = "http://logs.test/logs"
	for _, verb := range []string{"%v", "%s", "%+v", "%#v"} {
		if got := fmt.Sprintf(verb, h); got != want {
			t.Errorf("%s prints %q, want %q", verb, got, want)
		}
	}
	if got := fmt.Sprint(h.WithGroup("g")); got != want {
		t.Errorf("a derived handler prints %q", got)
	}
}

// The default OnError writes one line to standard error when delivery begins to
// fail, and one when it works again.
func TestDefaultOnError(t *testing.T) {
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = w
	synctest.Test(t, func(t *testing.T) {
		tr := &trial{t: t, began: time.Now(), answer: script(append(
			times(4, answered{status: 503, body: "two\nlines of " + secretKey}), status(200))...)}
		h, err := New(secretEndpoint, &Options{Header: secretHeader, Client: &http.Client{Transport: tr}})
		if err != nil {
			t.Fatal(err)
		}
		tr.Handler = h
		t.Cleanup(tr.end)
		tr.say("a")
		time.Sleep(time.Minute)
	})
	w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 3 || lines[2] != "" ||
		lines[0] != "slogship: POST http://logs.test/logs: 503 Service Unavailable: two lines of [redacted]" ||
		!strings.HasPrefix(lines[1], "slogship: delivery recovered: http://logs.test/logs accepts records again after ") {
		t.Errorf("standard error got %q", text)
	}
}
