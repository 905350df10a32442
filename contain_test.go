package slogship

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// runtime.Goexit, which testing's FailNow calls, ends neither delivery nor Shutdown,
// wherever the user's code calls it.
func TestGoexitIsContained(t *testing.T) {
	t.Run("OnError", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			tr := start(t, script(status(503), status(200), status(401), status(200)), Options{OnError: func(error) {
				calls++
				runtime.Goexit()
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
	})
	t.Run("Transport", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, func(r *request) answered {
				if r.n < 3 {
					runtime.Goexit()
				}
				return status(200)
			}, Options{})
			tr.say("a", "b")
			time.Sleep(time.Hour)
			tr.wantRequests(4)
			tr.wantBooks(2, Dropped{}, 0)
			if s := tr.Stats(); s.Retries != 3 {
				t.Errorf("%d retries, want 3", s.Retries)
			}
			tr.wantReports("slogship: POST http://logs.test/logs: the transport ended its goroutine (runtime.Goexit)", "")
			tr.wantOneID()
		})
	})
	t.Run("ReadAnswer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			tr := start(t, always(status(200)), Options{Format: fakeFormat{read: func(Answer) Verdict {
				if n++; n < 3 {
					runtime.Goexit()
				}
				return Verdict{}
			}}})
			tr.say("a")
			time.Sleep(time.Hour)
			tr.wantRequests(3)
			tr.wantBooks(1, Dropped{}, 0)
			tr.wantReports("ReadAnswer ended its goroutine (runtime.Goexit)", "")
		})
	})
}

// A Format that ends its goroutine over a record loses that record, and no other.
func TestGoexitInAppendEvent(t *testing.T) {
	quits := fakeFormat{event: func(dst []byte, e *Event) []byte {
		if strings.HasPrefix(e.Message, "quit") {
			runtime.Goexit()
		}
		return logflare{}.AppendEvent(dst, e)
	}}
	for _, requests := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(200)), Options{Format: quits, Requests: requests})
			tr.say("quit 1", "a", "quit 2", "quit 3", "b", "quit 4")
			time.Sleep(time.Minute)
			tr.wantTaken("a", "b")
			tr.wantBooks(2, Dropped{Rejected: 4}, 0)
			tr.say("quit 5")
			time.Sleep(time.Minute)
			tr.wantBooks(2, Dropped{Rejected: 5}, 0)
		})
	}
}

// If it ends it over a head, that is reported, and what is held is kept.
func TestGoexitInAppendHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var quits atomic.Bool
		tr := start(t, always(status(200)), Options{Format: fakeFormat{layout: func(l *Layout) {
			l.AppendHead = func(dst []byte, _, _ int) []byte {
				if quits.Load() {
					runtime.Goexit()
				}
				return append(dst, l.Head...)
			}
		}}})
		quits.Store(true)
		tr.say("a")
		time.Sleep(time.Minute)
		tr.wantBooks(0, Dropped{}, 1)
		quits.Store(false)
		time.Sleep(time.Minute)
		tr.wantTaken("a")
		tr.wantReports("AppendHead of slogship.fakeFormat ended its goroutine (runtime.Goexit)", "")
	})
}
