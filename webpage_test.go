package slogship

import (
	"testing"
	"testing/synctest"
	"time"
)

// A web page acknowledges nothing, in whatever format: it is a wrong set-up, and
// what waits is kept.
func TestWebPageIsHeld(t *testing.T) {
	for name, a := range map[string]answered{
		"HTML":              {status: 200, body: "\r\n <!DOCTYPE html><html>Sign in"},
		"a content type":    answered{status: 200, body: "Sign in"}.with("Content-Type", "Text/HTML; charset=utf-8"),
		"XHTML":             answered{status: 202, body: "Sign in"}.with("Content-Type", "application/xhtml+xml"),
		"XML":               {status: 201, body: `<?xml version="1.0"?>`},
		"a byte order mark": {status: 200, body: "\ufeff<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range []Format{nil, fakeFormat{read: func(Answer) Verdict { return Verdict{} }}} {
				synctest.Test(t, func(t *testing.T) {
					tr := start(t, always(a), Options{Format: f, MaxBackoff: time.Minute})
					tr.say("a", "b")
					time.Sleep(time.Hour)
					tr.wantBooks(0, Dropped{}, 2)
					tr.wantRequests(60)
					tr.wantReports("web page")
					tr.answerWith(always(status(200)))
					time.Sleep(time.Minute)
					tr.wantBooks(2, Dropped{}, 0)
				})
			}
		})
	}
}

// What is no page is a success where the Format has no more to say of it, and
// nothing at all is one in any.
func TestEmptySuccess(t *testing.T) {
	for name, a := range map[string]answered{
		"nothing":          {status: 200},
		"nothing, as HTML": answered{status: 200, body: " \n"}.with("Content-Type", "text/html"),
		"204":              {status: 204},
		"an empty object":  {status: 202, body: "{}\n"},
		"Logflare's":       {status: 200, body: `{"message":"Logged!"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, always(a), Options{})
				tr.say("a")
				time.Sleep(time.Minute)
				tr.wantBooks(1, Dropped{}, 0)
				tr.wantReports()
			})
		})
	}
}

// A redirect that is followed to a sign-in page is not a success either.
func TestRedirectToAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(307).with("Location", "/login"), answered{status: 200, body: "<html>Sign in"}), Options{})
		tr.say("a")
		time.Sleep(10 * time.Second)
		tr.wantRequests(2)
		tr.wantBooks(0, Dropped{}, 1)
		tr.wantReports("200 OK: the answer is a web page")
	})
}

// The default format believes nobody but Logflare.
func TestForeignAnswerIsHeld(t *testing.T) {
	for _, body := range []string{`{"message":"service unavailable"}`, "ok", "[]", `{"status":"ok"}`} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(answered{status: 200, body: body}), Options{})
			tr.say("a")
			time.Sleep(time.Minute)
			tr.wantBooks(0, Dropped{}, 1)
			tr.wantReports("not an answer of Logflare: " + body + " (Logflare takes events at /logs?source=")
		})
	}
}
