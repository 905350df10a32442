package slogship

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// overflows are the counts of the errors about overflow that OnError got, and
// their sum.
func (tr *trial) overflows() (counts []int64, sum int64) {
	tr.t.Helper()
	for _, err := range tr.reports() {
		if errors.Is(err, ErrOverflow) {
			loss := lossOf(tr.t, err)
			if loss != (LossError{Dropped: Dropped{Overflow: loss.Dropped.Overflow}}) || errors.Is(err, ErrUnsent) {
				tr.t.Errorf("%v has %+v", err, loss)
			}
			counts = append(counts, loss.Dropped.Overflow)
			sum += loss.Dropped.Overflow
		}
	}
	return counts, sum
}

func (tr *trial) wantOverflows(counts ...int64) {
	tr.t.Helper()
	if got, _ := tr.overflows(); fmt.Sprint(got) != fmt.Sprint(counts) {
		tr.t.Fatalf("overflows of %d were told, want %d; %q", got, counts, tr.reports())
	}
}

// sayMany logs n records.
func (tr *trial) sayMany(n int) {
	for i := range n {
		tr.say(fmt.Sprint(i))
	}
}

// Whatever the batcher is waiting for, an overflow is told when it begins, once
// a minute while it goes on, and then no more. Every loss is told of once.
func TestOverflowIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		answer answered
		text   string
	}{
		"a request that hangs": {status(200).after(10 * time.Hour), "http://logs.test/logs takes records more slowly than they are logged"},
		"a back-off":           {status(503), "delivery fails: 503 Service Unavailable"},
		"a wrong set-up":       {status(401), "delivery fails: 401 Unauthorized"},
		"a slow backend":       {status(200).after(500 * time.Millisecond), "http://logs.test/logs takes records more slowly than they are logged"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, always(c.answer), Options{MaxPending: 4, BatchRecords: 1, RequestTimeout: 24 * time.Hour, MinBackoff: time.Hour, MaxBackoff: time.Hour})
				tr.say("first")
				time.Sleep(100 * time.Millisecond) // the batcher has begun to wait
				for i := range 30 {
					tr.sayMany(100)
					time.Sleep(11 * time.Second)
					synctest.Wait()
					dropped := tr.Stats().Dropped.Overflow
					told, sum := tr.overflows()
					if want := 1 + (i+1)*11/60; len(told) != want || told[0] > 100 || sum > dropped {
						t.Fatalf("after %d s %d of %d are told", (i+1)*11, told, dropped)
					}
				}
				time.Sleep(time.Hour)
				told, sum := tr.overflows()
				if dropped := tr.Stats().Dropped.Overflow; sum != dropped || len(told) != 7 {
					t.Errorf("%d of %d are told", told, dropped)
				}
				for _, err := range tr.reports() {
					if errors.Is(err, ErrOverflow) && !strings.Contains(err.Error(), c.text) {
						t.Errorf("%v, want %s", err, c.text)
					}
				}
				if p := tr.core.pending; p.alarm != calm {
					t.Error("the alarm goes on")
				}
				before := len(told)
				tr.sayMany(100)
				synctest.Wait()
				if got, _ := tr.overflows(); len(got) != before+1 {
					t.Errorf("the next overflow was told in %d", got[before:])
				}
			})
		})
	}
}

// A failed batch that finds no room any more is an overflow as well.
func TestOverflowOfRestoredBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503).after(time.Second)), Options{MaxPending: 4, FlushInterval: time.Second})
		tr.say("a", "b")
		time.Sleep(1500 * time.Millisecond)
		tr.say("c", "d", "e", "f")
		tr.wantOverflows()
		time.Sleep(time.Second)
		synctest.Wait()
		tr.wantOverflows(2)
	})
}

// Shutdown has OnError told of what it was not told yet, before it returns.
func TestShutdownTellsOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(10*time.Millisecond)), Options{MaxPending: 4})
		tr.sayMany(10)
		synctest.Wait()
		_, before := tr.overflows()
		tr.sayMany(10)
		synctest.Wait()
		if told, _ := tr.overflows(); len(told) != 1 {
			t.Fatalf("%d are told within a minute", told)
		}
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		total := tr.Stats().Dropped.Overflow
		tr.wantOverflows(before, total-before)
		if passed := time.Since(tr.began); passed > time.Second {
			t.Errorf("Close took %v", passed)
		}
		if got, want := tr.reports()[1].Error(), fmt.Sprintf("slogship: pending records overflow: %d records dropped, the oldest (%d so far); ", total-before, total); !strings.HasPrefix(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
}

// Nobody who logs waits for OnError, in which no two calls overlap; what it logs
// itself may overflow.
func TestOverflowIsToldByNobodyWhoLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr *trial
		var calls []string
		within := 0
		tr = start(t, script(status(503), status(200)), Options{MaxPending: 4, MinBackoff: time.Second, MaxBackoff: time.Second, OnError: func(err error) {
			if within++; within > 1 {
				t.Error("two calls of OnError overlap")
			}
			defer func() { within-- }()
			calls = append(calls, err.Error())
			tr.sayMany(10)
			time.Sleep(10 * time.Second)
		}})
		before := time.Now()
		tr.sayMany(10)
		if passed := time.Since(before); passed != 0 {
			t.Errorf("logging took %v", passed)
		}
		time.Sleep(10 * time.Minute)
		tr.Shutdown(cancelled(t))
		time.Sleep(time.Minute) // for the last call to end
		synctest.Wait()
		if len(calls) < 3 || !strings.Contains(strings.Join(calls[:2], ""), "overflow") {
			t.Errorf("OnError got %q", calls)
		}
	})
}

// An OnError that does not return holds up delivery, and no Shutdown.
func TestOverflowIsToldForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{MaxPending: 4, OnError: func(error) { time.Sleep(time.Hour) }})
		tr.sayMany(10)
		time.Sleep(time.Minute)
		go func() {
			synctest.Wait()
			if err := tr.Shutdown(cancelled(t)); err != nil { // with nothing held
				t.Errorf("during Close: %v", err)
			}
		}()
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		if passed := time.Since(tr.began); passed != time.Minute+closeTimeout+stopGrace {
			t.Errorf("Close returned at %v", passed)
		}
		time.Sleep(2 * time.Hour)
	})
}

// An OnError that panics, or ends its goroutine as t.Fatal does, is called again
// when there is something new, and stops nothing.
func TestOnErrorEndsItsGoroutine(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				tr := start(t, script(status(503), status(200)), Options{MaxPending: 4, OnError: func(error) {
					calls++
					end()
				}})
				tr.sayMany(10)
				time.Sleep(time.Hour)
				synctest.Wait()
				if calls != 3 && calls != 4 { // overflow, and the rest of it a minute later perhaps, failure, recovery
					t.Errorf("OnError was called %d times", calls)
				}
				tr.wantBooks(4, Dropped{Overflow: 6}, 0)
			})
		})
	}
}

// Records that were set aside are the first to go on overflow, and that is told as
// well.
func TestOverflowOfSuspectsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{MaxPending: 8, BatchRecords: 4})
		for i := range 20 {
			tr.say(fmt.Sprint("bad", i), fmt.Sprint(i))
			time.Sleep(5 * time.Second)
		}
		time.Sleep(2 * time.Minute)
		s := tr.Stats()
		if _, told := tr.overflows(); told != s.Dropped.Overflow || told < 10 {
			t.Errorf("an overflow of %d was told, the books say %v", told, s)
		}
		for _, err := range tr.reports() {
			if text := err.Error(); errors.Is(err, ErrOverflow) && (!strings.Contains(text, "500") || strings.Contains(text, "more slowly") || strings.Contains(text, "oldest")) {
				t.Error(text)
			}
		}
	})
}

// The text says whether records were set aside, or came too fast, or both.
func TestOverflowText(t *testing.T) {
	failing := errors.New("slogship: POST http://logs.test/logs: 503 Service Unavailable")
	for want, e := range map[string]*overflowError{
		"1 record dropped, the oldest; http://logs.test/logs takes records more slowly than they are logged": {total: 1},
		"1 record dropped, the oldest (3 so far); delivery fails: 503 Service Unavailable":                   {total: 3, lastError: failing},
		"1 record dropped, to which the server answers 500 while it takes others; the server is http://logs.test/logs": {
			total: 1, aside: 1,
		},
		"1 record dropped, to which the server answers 500 while it takes others (9 so far); delivery fails: 503 Service Unavailable": {
			total: 9, aside: 1, lastError: failing,
		},
		"5 records dropped, the oldest, and 2 to which the server answers 500 while it takes others; " +
			"http://logs.test/logs takes records more slowly than they are logged": {total: 5, aside: 2},
	} {
		e.endpoint = "http://logs.test/logs"
		if e.loss.Dropped.Overflow = 1; e.aside > 1 {
			e.loss.Dropped.Overflow = 5
		}
		if got := e.Error(); got != "slogship: pending records overflow: "+want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
