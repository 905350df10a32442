package slogship

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tokens is a transport that authorizes requests itself.
type tokens struct {
	next http.RoundTripper
	mine bool // the request is changed in place
}

func (rt tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	if !rt.mine {
		r = r.Clone(r.Context())
	}
	r.Header.Set("Authorization", "Bearer l4ter-token")
	return rt.next.RoundTrip(r)
}

// What a transport puts into a request is a secret, also if only the answer's Request
// has it, and in a line of net/http that comes later.
func TestSecretsOfATransport(t *testing.T) {
	for _, mine := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			bodies := []string{"who is l4ter-token?", "not L4TER%2DTOKEN"}
			var told []string
			n := 0
			h, err := New("http://logs.test", &Options{
				Client: &http.Client{Transport: tokens{mine: mine, next: roundTrip(func(r *http.Request) (*http.Response, error) {
					if n++; n > len(bodies) {
						return nil, errors.New("no way for l4ter-token")
					}
					return answered{status: 403, body: bodies[n-1]}.response(r), nil
				})}},
				MinBackoff: time.Second, MaxBackoff: time.Second,
				OnError: func(err error) { told = append(told, err.Error()) },
			})
			if err != nil {
				t.Fatal(err)
			}
			slog.New(h).Info("a")
			for range 5 {
				time.Sleep(time.Second)
				synctest.Wait()
				if err := h.Stats().LastError; err != nil {
					told = append(told, err.Error())
				}
			}
			h.Shutdown(cancelled(t))
			if all := strings.ToLower(strings.Join(told, "\n")); strings.Contains(all, "l4ter") || strings.Count(all, "[redacted]") < 3 || !strings.Contains(all, "no way") {
				t.Error(all)
			}
			if got := h.core.batcher.sender.words("l4ter-token"); got != "[redacted]" {
				t.Errorf("a later text is %q", got)
			}
		})
	}
}

// A proxy that refuses, and shows the credentials that it was given.
func TestSecretsOfAProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r, err := http.ReadRequest(bufio.NewReader(c))
			if err == nil {
				fmt.Fprintf(c, "HTTP/1.1 407 no, %s, %s\r\n\r\n", r.Header.Get("Proxy-Authorization"), r.Header.Get("X-Proxy"))
			}
			c.Close()
		}
	}()
	for _, more := range []bool{false, true} {
		transport := &http.Transport{
			Proxy:              http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("pr0xyuser", "pr0xypass"), Host: l.Addr().String()}),
			ProxyConnectHeader: http.Header{"X-Proxy": {"pr0xyheader"}},
		}
		if more {
			transport.GetProxyConnectHeader = func(context.Context, *url.URL, string) (http.Header, error) {
				return http.Header{"X-Proxy": {"pr0xymore"}}, nil
			}
		}
		told := make(chan error, 10)
		h, err := New("https://logs.test/logs", &Options{
			Client: &http.Client{Transport: transport}, FlushInterval: time.Millisecond, OnError: func(err error) { told <- err },
		})
		if err != nil {
			t.Fatal(err)
		}
		slog.New(h).Info("a")
		text := strings.ToLower((<-told).Error())
		if strings.Contains(text, "pr0xy") || strings.Contains(text, "chiwehl1") || !strings.Contains(text, "[redacted]") {
			t.Error(text)
		}
		h.Shutdown(cancelled(t))
	}
}

// The first thing that is known of a transport's token may be its error, and a later
// line may have it.
func TestSecretsOfATransportThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		h, err := New("http://logs.test", &Options{
			Client: &http.Client{Transport: tokens{mine: true, next: roundTrip(func(*http.Request) (*http.Response, error) {
				return nil, errors.New("no way for l4ter-token")
			})}},
			OnError: func(err error) { told = append(told, err.Error()) },
		})
		if err != nil {
			t.Fatal(err)
		}
		slog.New(h).Info("a")
		time.Sleep(time.Minute)
		h.Shutdown(cancelled(t))
		if len(told) != 1 || strings.Contains(told[0], "l4ter") || !strings.Contains(told[0], "no way for [redacted]") {
			t.Errorf("OnError was told %q", told)
		}
		if got := h.core.batcher.sender.words("l4ter-token"); got != "[redacted]" {
			t.Errorf("a later text is %q", got)
		}
	})
}
