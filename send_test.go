package slogship

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wantHeader wants the first request to have exactly these values.
func (tr *trial) wantHeader(name string, values ...string) {
	tr.t.Helper()
	if got := tr.got()[0].header.Values(name); !slices.Equal(got, values) {
		tr.t.Errorf("%s is %q, want %q", name, got, values)
	}
}

func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{Compression: None, Header: http.Header{
			"x-api-key":        {"k"}, // not in canonical form
			"X-Twice":          {"1", "2"},
			"Content-Type":     {"text/plain"},
			"content-type":     {"text/plain"},
			"Content-Encoding": {"br"},
			"Content-Length":   {"7"},
			"Host":             {"tenant.test"},
		}})
		tr.say("a")
		time.Sleep(time.Minute)
		r := tr.got()[0]
		if r.url != testEndpoint || r.host != "tenant.test" || r.length != int64(len(r.raw)) {
			t.Errorf("POST %s, Host %s, %d bytes of %d", r.url, r.host, r.length, len(r.raw))
		}
		tr.wantHeader("X-Api-Key", "k")
		tr.wantHeader("X-Twice", "1", "2")
		tr.wantHeader("Content-Type", "application/json")
		tr.wantHeader("Content-Encoding")
		tr.wantHeader("User-Agent", userAgent)
		tr.wantHeader("Authorization")
		if !strings.HasPrefix(userAgent, "slogship/") {
			t.Errorf("User-Agent %q", userAgent)
		}
	})
}

// A space in the query, which net/url lets pass, does not end the request line.
func TestSpaceInQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := startAt(t, "http://logs.test/?query=INSERT INTO logs&a=b+c", always(status(200)), Options{})
		tr.say("a")
		time.Sleep(time.Minute)
		if got, want := tr.got()[0].url, "http://logs.test/?query=INSERT%20INTO%20logs&a=b+c"; got != want {
			t.Errorf("POST %s, want %s", got, want)
		}
	})
}

// A Format's own header is sent; the user's wins over it, but neither says
// what the body is.
func TestFormatHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeFormat{layout: func(l *Layout) {
			l.ContentType = "application/x-fake"
			l.Header = http.Header{"X-Tenant": {"theirs"}, "X-Other": {"o"}, "Content-Encoding": {"br"}, "Content-Type": {"text/plain"}}
		}}
		tr := start(t, always(status(200)), Options{Format: f, Header: http.Header{"X-Tenant": {"mine"}, "User-Agent": {"me/1"}}})
		tr.say("a")
		time.Sleep(time.Minute)
		tr.wantHeader("X-Tenant", "mine")
		tr.wantHeader("X-Other", "o")
		tr.wantHeader("User-Agent", "me/1")
		tr.wantHeader("Content-Type", "application/x-fake")
		tr.wantHeader("Content-Encoding", "gzip")
	})
}

// User info becomes basic authentication, unless the header has another one.
// It stays out of the URL.
func TestUserInfo(t *testing.T) {
	for _, c := range []struct {
		user   *url.Userinfo
		header http.Header
		want   string
	}{
		{url.UserPassword("me", "p:w@d"), nil, "Basic bWU6cDp3QGQ="},
		{url.User("me"), nil, "Basic bWU6"},
		{url.UserPassword("me", "pw"), http.Header{"authorization": {"Bearer t"}}, "Bearer t"},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := url.URL{Scheme: "http", User: c.user, Host: "logs.test", Path: "/logs", RawQuery: "a=b", Fragment: "f"}
			tr := startAt(t, u.String(), always(status(200)), Options{Header: c.header})
			tr.say("a")
			time.Sleep(time.Minute)
			tr.wantHeader("Authorization", c.want)
			if sent := tr.got()[0].url; sent != "http://logs.test/logs?a=b" {
				t.Errorf("POST %s", sent)
			}
		})
	}
}

// What is in Options.Header at the call of New counts.
func TestHeaderIsCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.Header{"X-Key": {"1"}}
		tr := start(t, always(status(200)), Options{Header: h})
		h["X-Key"][0] = "2"
		h.Set("X-New", "3")
		tr.say("a")
		time.Sleep(time.Minute)
		tr.wantHeader("X-Key", "1")
		tr.wantHeader("X-New")
	})
}

// Bodies are compressed as asked for, unless that saves nothing. The books
// know both lengths.
func TestCompression(t *testing.T) {
	random := make([]byte, 3000)
	for i := range random {
		random[i] = " !#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"[rand.IntN(90)]
	}
	zstd := fakeFormat{layout: func(l *Layout) { l.Zstd = true }}
	for _, c := range []struct {
		name    string
		o       Options
		message string
		want    []string
	}{
		{"gzip is the default", Options{}, strings.Repeat("long ", 100), []string{"gzip"}},
		{"gzip of a short text saves nothing", Options{Format: fakeFormat{
			event: func(dst []byte, _ *Event) []byte { return append(dst, "{}"...) },
		}}, "", nil},
		{"none", Options{Compression: None}, strings.Repeat("long ", 100), nil},
		{"zstd", Options{Compression: Zstd, Format: zstd}, strings.Repeat("long ", 100), []string{"zstd"}},
		{"zstd of noise saves nothing", Options{Compression: Zstd, Format: fakeFormat{
			layout: zstd.layout,
			event:  func(dst []byte, _ *Event) []byte { return append(append(append(dst, '"'), random...), '"') },
		}}, "", nil},
		{"a server that cannot inflate gzip", Options{Format: fakeFormat{layout: func(l *Layout) { l.NoGzip = true }}}, strings.Repeat("long ", 100), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.o.FlushInterval = time.Hour
				tr := start(t, script(status(503), status(200)), c.o)
				tr.say(c.message)
				time.Sleep(2 * time.Hour)
				r := tr.got()[0]
				tr.wantHeader("Content-Encoding", c.want...)
				if compressed := len(r.raw) < len(r.body); compressed != (c.want != nil) {
					t.Errorf("%d bytes sent for %d", len(r.raw), len(r.body))
				}
				if r.length != int64(len(r.raw)) {
					t.Errorf("Content-Length %d, %d bytes sent", r.length, len(r.raw))
				}
				if s := tr.Stats(); s.BytesEncoded != 2*int64(len(r.body)) || s.BytesSent != 2*int64(len(r.raw)) {
					t.Errorf("books say %d and %d bytes, want twice %d and %d", s.BytesEncoded, s.BytesSent, len(r.body), len(r.raw))
				}
			})
		})
	}
}

// A head may depend on what follows it.
func TestAppendHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeFormat{layout: func(l *Layout) {
			l.Separator = " ,\n"
			l.AppendHead = func(dst []byte, events, size int) []byte {
				return fmt.Appendf(dst, `{"events":%d,"size":%d,"batch":[`, events, size)
			}
		}}
		tr := start(t, always(status(200)), Options{Format: f})
		tr.say("a", "b", "c")
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b", "c")
		body := string(tr.got()[0].body)
		_, events, _ := strings.Cut(body, `"batch":[`)
		events = strings.TrimSuffix(events, "]}")
		if want := fmt.Sprintf(`{"events":3,"size":%d,`, len(events)); !strings.HasPrefix(body, want) {
			t.Errorf("%s\nwant %s", body, want)
		}
	})
}

// Panics of what is not ours, on the way to the server, are failed attempts.
func TestSendingPanics(t *testing.T) {
	panics := 2
	mayPanic := func() {
		if panics--; panics >= 0 {
			panic(errors.New("boom\nboom"))
		}
	}
	for name, c := range map[string]struct {
		o       Options
		answer  func(*request) answered
		retries int64
	}{
		"RoundTripper": {Options{}, func(*request) answered { mayPanic(); return status(200) }, 2},
		"AppendHead": {Options{Format: fakeFormat{layout: func(l *Layout) {
			head := l.Head
			l.AppendHead = func(dst []byte, events, _ int) []byte {
				if events == 2 { // New asks for its length with more
					mayPanic()
				}
				return append(dst, head...)
			}
		}}}, always(status(200)), 0}, // no request was made before
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				panics = 2
				tr := start(t, c.answer, c.o)
				tr.say("a", "b")
				time.Sleep(time.Minute)
				tr.wantTaken("a", "b")
				tr.wantBooks(2, Dropped{}, 0)
				tr.wantReports("slogship: panic while sending to http://logs.test/logs: boom boom", "")
				if s := tr.Stats(); s.Retries != c.retries {
					t.Errorf("%d retries, want %d", s.Retries, c.retries)
				}
			})
		})
	}
}

// A record over which the Format panics is lost, and no other.
func TestAppendEventPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeFormat{event: func(dst []byte, e *Event) []byte {
			if e.Message == "bad" {
				panic("boom")
			}
			return logflare{}.AppendEvent(dst, e)
		}}
		tr := start(t, always(status(200)), Options{Format: f})
		tr.say("a", "bad", "b")
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b")
		tr.wantBooks(2, Dropped{Rejected: 1}, 0)
	})
}
