package slogship

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// redirect answers the first request with a redirect, and any other with 200.
func redirect(code int, location string) func(*request) answered {
	return script(status(code).with("Location", location), status(200))
}

// Only 307 and 308 to the same server are followed, with everything that the
// first request had.
func TestRedirectIsFollowed(t *testing.T) {
	for _, code := range []int{307, 308} {
		for _, location := range []string{"/else?x=1", "http://logs.test/else?x=1", "http://LOGS.test:80/else?x=1", "//logs.test/else?x=1"} {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, redirect(code, location), Options{Header: http.Header{"Authorization": {"Bearer t"}, "X-Key": {"k"}}})
				tr.say("a", strings.Repeat("b", 1000))
				time.Sleep(time.Second)
				synctest.Wait()
				tr.wantRequests(2)
				first, second := tr.got()[0], tr.got()[1]
				if !strings.HasSuffix(second.url, "/else?x=1") || !slices.Equal(first.raw, second.raw) || second.length != first.length {
					t.Errorf("%d to %s: %d bytes to %s, want %d", code, location, second.length, second.url, first.length)
				}
				for _, name := range []string{"Authorization", "X-Key", "Content-Type", "Content-Encoding", "User-Agent"} {
					if first.header.Get(name) == "" || second.header.Get(name) != first.header.Get(name) {
						t.Errorf("%d to %s: %s is %q, then %q", code, location, name, first.header.Get(name), second.header.Get(name))
					}
				}
				if ref := second.header.Get("Referer"); ref != "" {
					t.Errorf("the query is in the Referer %q", ref)
				}
				tr.wantBooks(2, Dropped{}, 0)
				tr.wantReports()
			})
		}
	}
}

// Any other redirect is a wrong set-up: nobody else gets a request, let alone
// credentials, and nothing is dropped.
func TestRedirectIsRefused(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{
			"http://evil.test/logs", "https://logs.test/logs", "http://logs.test:8080/logs", "http://logs.test.evil.test/",
			"//evil.test/logs", "http://logs.test@evil.test/", "ftp://logs.test/logs", "/else", "",
		} {
			if location == "/else" && code >= 307 {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, redirect(code, location), Options{
					Header:     http.Header{"Authorization": {"Bearer t"}},
					MaxBackoff: time.Minute,
				})
				tr.say("a")
				time.Sleep(time.Minute)
				tr.wantRequests(1)
				tr.wantBooks(0, Dropped{}, 1)
				want := fmt.Sprintf("slogship: POST http://logs.test/logs: %d", code)
				if location != "" {
					want = "not following a redirect to "
				}
				tr.wantReports(want)
			})
		}
	}
}

// A server that sends its clients in circles is not followed for long.
func TestRedirectLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(307).with("Location", "/logs")), Options{})
		tr.say("a")
		time.Sleep(2 * time.Second)
		tr.wantRequests(maxRedirects)
		tr.wantBooks(0, Dropped{}, 1)
	})
}

// The user's own CheckRedirect is asked too, and the user's Client is left as
// it was.
func TestClientIsCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			asked++
			return errors.New("not with me")
		}}
		tr := start(t, redirect(307, "/else"), Options{Client: client})
		transport, check := client.Transport, fmt.Sprintf("%p", client.CheckRedirect)
		tr.say("a")
		time.Sleep(time.Second)
		synctest.Wait()
		tr.wantRequests(1)
		tr.wantReports("not with me")
		if asked != 1 || client.Timeout != 0 || client.Transport != transport || fmt.Sprintf("%p", client.CheckRedirect) != check {
			t.Errorf("asked %d times, client is %+v", asked, client)
		}
	})
}

// The shorter one of RequestTimeout and the Client's own bounds an attempt, the
// reading of the answer included.
func TestRequestTimeout(t *testing.T) {
	for _, c := range []struct{ ours, theirs, want time.Duration }{
		{0, 0, defaultRequestTimeout},
		{3 * time.Second, 0, 3 * time.Second},
		{3 * time.Second, 2 * time.Second, 2 * time.Second},
		{3 * time.Second, time.Minute, 3 * time.Second},
	} {
		for _, a := range []answered{{status: 200, takes: time.Hour}, {status: 200, hangs: true}} {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, always(a), Options{Client: &http.Client{Timeout: c.theirs}, RequestTimeout: c.ours})
				tr.say("a")
				time.Sleep(time.Second + c.want - 1)
				synctest.Wait()
				if s := tr.Stats(); s.InFlight != 1 {
					t.Fatalf("RequestTimeout %v, Client.Timeout %v: ended too early", c.ours, c.theirs)
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if s := tr.Stats(); s.InFlight != 0 || s.Pending != 1 || !errors.Is(s.LastError, context.DeadlineExceeded) && a.takes > 0 {
					t.Errorf("RequestTimeout %v, Client.Timeout %v: %+v", c.ours, c.theirs, s)
				}
			})
		}
	}
}
