package slogship

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever says "not now", but for 500, has the batch restored, in front of what was logged
// during the flight, and sent again with the same ids.
func TestFailedBatchIsSentAgain(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for name, a := range map[string]answered{
		"connection refused": {err: refused},
		"some error":         {err: errors.New("boom")},
		"time-out":           {status: 200, takes: time.Hour},
		"answer lost":        {status: 200, cut: true, body: `{"message":`},
		"408":                status(408),
		"425":                status(425),
		"429":                status(429),
		"502":                status(502),
		"503":                status(503),
		"504":                status(504),
		"520":                status(520),
		"503, cut off":       {status: 503, cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if a.takes == 0 {
					a.takes = time.Second
				}
				var tr *trial
				tr = start(t, func(r *request) answered {
					switch r.n {
					case 2:
						if s := tr.Stats(); s.LastError == nil || !s.FailingSince.After(tr.began) {
							t.Errorf("last error %v since %v", s.LastError, s.FailingSince)
						}
						tr.wantBooks(0, Dropped{}, 3)
						fallthrough
					case 0, 1, 3:
						return a
					}
					return status(200)
				}, Options{})
				tr.say("a", "b")
				time.Sleep(1500 * time.Millisecond)
				if s := tr.Stats(); s.InFlight != 2 {
					t.Fatalf("%d records in flight, want 2", s.InFlight)
				}
				tr.say("c")
				time.Sleep(5 * time.Minute)
				tr.wantTaken("a", "b", "c")
				tr.wantBooks(3, Dropped{}, 0)
				requests := tr.got()
				ids := requests[len(requests)-1].ids
				if !slices.Equal(requests[0].ids, ids[:2]) {
					t.Errorf("sent again with ids %q, first with %q", ids, requests[0].ids)
				}
				s := tr.Stats()
				if s.Batches != 1 || s.Retries != int64(len(requests)-1) || s.LastError != nil || !s.FailingSince.IsZero() {
					t.Errorf("after %d requests: %+v", len(requests), s)
				}
				tr.wantReports("slogship: POST http://logs.test/logs: ", "")
			})
		})
	}
}

// A connection error is tried once more at once, and no other is.
func TestQuickRetry(t *testing.T) {
	for _, c := range []struct {
		name  string
		first answered
		want  bool
	}{
		{"reset", answered{err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}, true},
		{"EOF", answered{err: io.EOF}, true},
		{"stale", answered{err: errors.New("http: server closed idle connection")}, true},
		{"reset, late", answered{err: io.EOF, takes: 960 * time.Millisecond}, false},
		{"time-out", answered{err: &net.OpError{Op: "read", Err: context.DeadlineExceeded}}, false},
		{"other", answered{err: errors.New("x509: bad certificate")}, false},
		{"503", status(503), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, script(c.first, status(503)), Options{MinBackoff: time.Hour, MaxBackoff: time.Hour})
				tr.say("a")
				time.Sleep(time.Second + c.first.takes)
				synctest.Wait()
				first := len(tr.got())
				time.Sleep(quickRetryWait)
				synctest.Wait()
				n := len(tr.got())
				if first != 1 || (n == 2) != c.want {
					t.Fatalf("%d requests, then %d; a quick retry is wanted: %v", first, n, c.want)
				}
				s := tr.Stats()
				if s.Retries != int64(n-1) || s.BytesSent != int64(n*len(tr.got()[0].raw)) {
					t.Errorf("after %d requests %d retries and %d bytes", n, s.Retries, s.BytesSent)
				}
				time.Sleep(time.Until(tr.retryAt()) - 1)
				tr.wantRequests(n) // no third one before the back-off ends
			})
		})
	}
}

// The n-th wait is a random time up to MinBackoff * 2^n, and up to MaxBackoff:
// never more, often less.
func TestBackOffHasFullJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const least, most, handlers, attempts = 100 * time.Millisecond, 10 * time.Second, 60, 30
		var waits [attempts][]time.Duration
		for range handlers {
			tr := start(t, always(status(503)), Options{FlushInterval: time.Second, MinBackoff: least, MaxBackoff: most})
			tr.say("a")
			time.Sleep(time.Second + attempts*most)
			requests := tr.got()
			for n := range attempts {
				waits[n] = append(waits[n], requests[n+1].at-requests[n].at)
			}
			tr.Discard()
		}
		for n, w := range waits {
			ceiling := min(most, least<<n)
			slices.Sort(w)
			if w[0] <= 0 || w[len(w)-1] > ceiling {
				t.Errorf("wait %d lasts %v to %v, want up to %v", n, w[0], w[len(w)-1], ceiling)
			}
			// Each fails by chance once in 10^10.
			if w[0] > ceiling*2/5 || w[len(w)-1] < ceiling*3/5 {
				t.Errorf("wait %d lasts %v to %v, want it random up to %v", n, w[0], w[len(w)-1], ceiling)
			}
		}
	})
}

// Neither many failures nor long waits overflow.
func TestBackOffCeiling(t *testing.T) {
	for _, c := range []struct {
		least, most time.Duration
		failures    int
		want        time.Duration
	}{
		{1, 1, 0, 1},
		{1, math.MaxInt64, 62, 1 << 62},
		{1, math.MaxInt64, 63, math.MaxInt64},
		{1<<34 + 1, time.Hour, 30, time.Hour},
		{time.Second, time.Hour, math.MaxInt, time.Hour},
		{time.Second, 3 * time.Second, 1, 2 * time.Second},
		{time.Second, 3 * time.Second, 2, 3 * time.Second},
	} {
		b := &batcher{minBackoff: c.least, maxBackoff: c.most, failures: c.failures}
		if got := b.ceiling(); got != c.want {
			t.Errorf("from %v to %v, after %d failures: %v, want %v", c.least, c.most, c.failures, got, c.want)
		}
	}
}

// Retry-After is a lower bound, up to five minutes.
func TestRetryAfter(t *testing.T) {
	began := time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC) // a bubble's clock begins a second before
	for _, c := range []struct {
		header      string
		least, most time.Duration
	}{
		{"7", 7 * time.Second, 7 * time.Second},
		{" 7 ", 7 * time.Second, 7 * time.Second},
		{"300", 5 * time.Minute, 5 * time.Minute},
		{"301", 5 * time.Minute, 5 * time.Minute},
		{"99999999999999999999999", 5 * time.Minute, 5 * time.Minute},
		{began.Add(42 * time.Second).Format(http.TimeFormat), 42 * time.Second, 42 * time.Second},
		{began.Add(42 * time.Second).Format(time.RFC850), 42 * time.Second, 42 * time.Second},
		{began.Add(time.Hour).Format(http.TimeFormat), 5 * time.Minute, 5 * time.Minute},
		// No lower bound: an ordinary back-off, the first one.
		{began.Add(-time.Hour).Format(http.TimeFormat), 1, time.Second},
		{"", 1, time.Second},
		{"0", 1, time.Second},
		{"-5", 1, time.Second},
		{"soon", 1, time.Second},
	} {
		for _, code := range []int{429, 503, 500, 408} {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, script(status(code).with("Retry-After", c.header), status(200)), Options{MinBackoff: time.Second})
				tr.say("a")
				time.Sleep(time.Hour)
				tr.wantRequests(2)
				r := tr.got()
				if wait := r[1].at - r[0].at; wait < c.least || wait > c.most {
					t.Errorf("%d with Retry-After %q: waited %v, want %v to %v", code, c.header, wait, c.least, c.most)
				}
			})
		}
	}
}

// A Retry-After of zero does not make the batcher spin, nor does a short one
// shorten the back-off.
func TestRetryAfterDoesNotSpin(t *testing.T) {
	for _, header := range []string{"0", "1"} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(503).with("Retry-After", header)), Options{})
			tr.say("a")
			time.Sleep(time.Hour)
			// On average one request in 15 s, that is 240, give or take 50.
			if n := len(tr.got()); n < 120 || n > 400 {
				t.Errorf("Retry-After %s: %d requests in an hour", header, n)
			}
		})
	}
}

// Neither a full ring, nor FlushLevel, nor Flush shortens a back-off.
func TestNothingShortensBackOff(t *testing.T) {
	for name, o := range map[string]Options{
		"back-off":    {MinBackoff: time.Hour, MaxBackoff: time.Hour},
		"Retry-After": {MinBackoff: time.Second, MaxBackoff: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failure := status(503)
				if name == "Retry-After" {
					failure = failure.with("Retry-After", "120")
				}
				o.MaxPending, o.BatchRecords = 20, 5
				o.FlushLevel = slog.LevelError
				tr := start(t, always(failure), o)
				tr.say("a")
				time.Sleep(time.Second)
				synctest.Wait()
				tr.wantRequests(1)
				retryAt := tr.retryAt()
				for range 100 {
					tr.say("full")
					tr.log.Error("urgent")
				}
				ctx, cancel := context.WithDeadline(t.Context(), retryAt.Add(-1))
				defer cancel()
				if err := tr.Flush(ctx); !errors.Is(err, ErrUnsent) {
					t.Errorf("Flush: %v", err)
				}
				tr.wantRequests(1)
				tr.wantBooks(0, Dropped{Overflow: 181}, 20)
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				tr.wantRequests(2)
			})
		})
	}
}

// After a failure MinBackoff is the scale again as soon as something was sent.
func TestSuccessResetsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(append(times(12, status(503)), status(200), status(503), status(200))...), Options{MinBackoff: 10 * time.Millisecond})
		tr.say("a")
		time.Sleep(10 * time.Minute)
		tr.wantRequests(13)
		tr.say("b")
		time.Sleep(time.Second + 10*time.Millisecond)
		synctest.Wait()
		tr.wantTaken("a", "b")
		tr.wantReports("503", "", "503", "")
	})
}

// What overflows while a batch is in flight is the oldest of all: the batch
// itself, once it has failed.
func TestOverflowAfterRestoreDropsOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503).after(time.Second), status(200)), Options{MaxPending: 6, BatchRecords: 3})
		tr.say(strings.Split("a b c", " ")...)
		synctest.Wait()
		tr.say(strings.Split("d e f g h", " ")...)
		if s := tr.Stats(); s.InFlight != 3 || s.Pending != 5 {
			t.Fatalf("%d in flight, %d pending, want 3 and 5", s.InFlight, s.Pending)
		}
		time.Sleep(time.Minute)
		tr.wantTaken("c", "d", "e", "f", "g", "h")
		tr.wantBooks(6, Dropped{Overflow: 2}, 0)
	})
}

// Discard leaves the batch in flight alone; when it fails it is pending again,
// and can be discarded too.
func TestDiscardLeavesFlightAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503).after(2*time.Second), status(200)), Options{})
		tr.say("a", "b")
		time.Sleep(2 * time.Second)
		tr.say("c")
		if n := tr.Discard(); n != 1 {
			t.Errorf("Discard: %d, want 1", n)
		}
		if n := tr.Discard(); n != 0 {
			t.Errorf("Discard of nothing: %d", n)
		}
		tr.wantBooks(0, Dropped{Discarded: 1}, 2)
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b")
		tr.wantBooks(2, Dropped{Discarded: 1}, 0)

		tr.answerWith(always(status(503)))
		tr.say("d")
		time.Sleep(2 * time.Second)
		if n := tr.Discard(); n != 1 {
			t.Errorf("Discard of a restored batch: %d, want 1", n)
		}
		tr.wantBooks(2, Dropped{Discarded: 2}, 0)
	})
}

// A Retry-After that came early in an attempt is obeyed at its end.
func TestEarlierRetryAfterIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(413).with("Retry-After", "60"), status(503), status(200)), Options{})
		tr.say("a", "b")
		time.Sleep(time.Hour)
		if r := tr.got(); r[2].at-r[1].at < time.Minute {
			t.Errorf("waited %v, want a minute", r[2].at-r[1].at)
		}
		tr.wantTaken("a", "b")
	})
}

// What is deferred, and nothing else, has the back-off grow.
func TestDeferredBackOffGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(answered{status: 200, body: "ll"}), Options{Format: fakeFormat{read: outcomes}})
		tr.say("a", "b")
		time.Sleep(time.Hour)
		if n := len(tr.got()); n < 120 || n > 400 { // on average one in 15 s
			t.Errorf("%d requests in an hour", n)
		}
	})
}

// A Retry-After that has passed is nothing to give up for, even if the deadline was
// before it and ctx does not know that yet.
func TestRetryAfterThatHasPassed(t *testing.T) {
	now := time.Now()
	for notBefore, want := range map[time.Duration]bool{-time.Second: false, time.Minute: true} {
		b := batcher{drainCtx: lateContext{t.Context(), now.Add(-time.Minute)}, notBefore: now.Add(notBefore)}
		if got := b.hopeless(); got != want || b.tooLate > 0 != want {
			t.Errorf("%v from now: %v, %v too late", notBefore, got, b.tooLate)
		}
	}
}

// lateContext has a deadline, and does not end.
type lateContext struct {
	context.Context
	deadline time.Time
}

func (c lateContext) Deadline() (time.Time, bool) { return c.deadline, true }
