package slogship

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// One report when delivery begins to fail, whatever else goes wrong until it
// works again; one when it does; and so on.
func TestOnErrorOncePerOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(
			status(503), status(401), answered{err: errors.New("boom")}, status(429), status(200), status(200),
			status(404), status(503), status(200),
		), Options{})
		for range 3 {
			tr.say("a")
			time.Sleep(5 * time.Minute)
		}
		tr.wantReports("503 Service Unavailable", "", "404 Not Found", "")
		// The body is the name of the status, as net/http.Error's mostly is, and not told twice.
		if got, want := tr.reports()[0].Error(), "slogship: POST http://logs.test/logs: 503 Service Unavailable"; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		since := tr.got()[4].at - tr.got()[0].at
		if got, want := tr.reports()[1].Error(), fmt.Sprintf("slogship: delivery recovered: http://logs.test/logs accepts records again after %v", since.Round(time.Millisecond)); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
}

// The last error and its beginning are in Stats as long as delivery fails.
func TestLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(401), answered{status: 403, body: "no"}, status(200)), Options{})
		tr.say("a")
		time.Sleep(40 * time.Second)
		s := tr.Stats()
		if s.LastError == nil || s.LastError.Error() != "slogship: POST http://logs.test/logs: 403 Forbidden: no ("+logflareCredentials+")" {
			t.Errorf("last error %v", s.LastError)
		}
		if since := s.FailingSince.Sub(tr.began); since != time.Second {
			t.Errorf("failing since %v, want 1 s", since)
		}
		time.Sleep(time.Minute)
		if s := tr.Stats(); s.LastError != nil || !s.FailingSince.IsZero() {
			t.Errorf("failing since %v: %v", s.FailingSince, s.LastError)
		}
	})
}

// OnError is called without a lock: it may log, and ask for anything that does
// not wait. What it logs is delivered like any record.
func TestOnErrorMayLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr *trial
		tr = start(t, script(append(times(3, status(503)), status(200))...), Options{OnError: func(err error) {
			tr.log.Warn("told", "err", err)
			tr.log.With("k", "v").WithGroup("g").Warn("told")
			if !tr.Enabled(t.Context(), slog.LevelError) {
				t.Error("not Enabled in OnError")
			}
			tr.balanced()
			_ = tr.String()
		}})
		tr.say("a")
		time.Sleep(time.Hour)
		tr.wantTaken("a", "told", "told", "told", "told")
		tr.wantBooks(5, Dropped{}, 0)
	})
}

// A panic in OnError is contained.
func TestOnErrorPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		tr := start(t, script(status(503), status(200), status(401), status(200)), Options{OnError: func(err error) {
			calls++
			panic(err)
		}})
		for range 2 {
			tr.say("a")
			time.Sleep(time.Hour)
		}
		synctest.Wait()
		if calls != 4 {
			t.Errorf("OnError was called %d times, want 4", calls)
		}
		tr.wantBooks(2, Dropped{}, 0)
	})
}

// A slow OnError holds up nobody who logs.
func TestSlowOnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{OnError: func(error) { time.Sleep(time.Hour) }})
		tr.say("a")
		time.Sleep(2 * time.Second)
		before := time.Now()
		tr.say("b", "c")
		tr.balanced()
		tr.Discard()
		if passed := time.Since(before); passed != 0 {
			t.Errorf("logging took %v", passed)
		}
		time.Sleep(2 * time.Hour)
	})
}

// Shutdown's own cancelling of a request is no failure of the delivery.
func TestShutdownIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Minute)), Options{RequestTimeout: time.Hour})
		tr.say("a")
		time.Sleep(2 * time.Second)
		tr.Shutdown(cancelled(t))
		tr.wantReports()
		if err := tr.Stats().LastError; err != nil {
			t.Error(err)
		}
	})
}
