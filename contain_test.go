package slogship

import (
	"runtime"
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
