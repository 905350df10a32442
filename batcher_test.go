package slogship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A record waits for FlushInterval, and those that come meanwhile go with it:
// they do not put it off.
func TestRecordWaitsForFlushInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{FlushInterval: 3 * time.Second})
		tr.say("a")
		time.Sleep(2 * time.Second)
		tr.say("b")
		time.Sleep(time.Second - 1)
		tr.wantRequests(0)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		tr.wantRequests(1)
		tr.wantTaken("a", "b")
		if at := tr.got()[0].at; at != 3*time.Second {
			t.Errorf("the batch left after %v, want 3 s", at)
		}
	})
}

func TestFullBatchLeavesAtOnce(t *testing.T) {
	message := strings.Repeat("m", 500)
	for name, o := range map[string]Options{
		"records": {BatchRecords: 3},
		"bytes":   {BatchBytes: 2000}, // three records, but not four
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o.FlushInterval = time.Hour
				tr := start(t, always(status(200)), o)
				tr.say(message, message)
				synctest.Wait()
				tr.wantRequests(0)
				tr.say(message, message)
				synctest.Wait()
				tr.wantRequests(1)
				if r := tr.got()[0]; r.at != 0 || len(r.messages) != 3 {
					t.Errorf("a batch of %d left after %v, want 3 at once", len(r.messages), r.at)
				}
			})
		})
	}
}

// FlushInterval counts from the oldest record that is pending, whatever became
// of those before it.
func TestIntervalCountsFromOldestPending(t *testing.T) {
	const interval = 10 * time.Second
	for _, c := range []struct {
		name string
		do   func(tr *trial) // begins at 0 s
		want []string        // "time: messages" of each request
	}{
		{"a full batch left a remainder", func(tr *trial) {
			tr.say("a", "b", "c", "d")
			time.Sleep(2 * time.Second)
			tr.say("e")
		}, []string{"0s: a b c", "10s: d e"}},
		{"the remainder came late", func(tr *trial) {
			tr.say("a", "b")
			time.Sleep(9 * time.Second)
			tr.say("c", "d")
		}, []string{"9s: a b c", "19s: d"}},
		{"logged during a flight", func(tr *trial) {
			tr.answerWith(always(status(200).after(4 * time.Second)))
			tr.say("a")
			time.Sleep(11 * time.Second)
			tr.say("b")
			time.Sleep(time.Second)
			tr.say("c")
		}, []string{"10s: a", "21s: b c"}},
		{"grew old during a flight", func(tr *trial) {
			tr.answerWith(script(status(200).after(9*time.Second), status(200)))
			tr.say("a", "b", "c")
			time.Sleep(time.Second)
			tr.say("d", "e", "f", "g")
		}, []string{"0s: a b c", "9s: d e f", "11s: g"}},
		{"after Discard", func(tr *trial) {
			tr.say("a")
			time.Sleep(9 * time.Second)
			tr.Discard()
			time.Sleep(8 * time.Second)
			tr.say("b")
		}, []string{"27s: b"}},
		{"Discard left nothing of a full batch", func(tr *trial) {
			tr.answerWith(script(status(200).after(9*time.Second), status(200)))
			tr.say("a", "b", "c", "d", "e", "f", "g")
			time.Sleep(time.Second)
			tr.Discard()
			tr.say("h")
		}, []string{"0s: a b c", "11s: h"}},
		{"after a batch that failed was discarded", func(tr *trial) {
			tr.answerWith(script(status(503), status(200)))
			tr.say("a", "b", "c")
			synctest.Wait()
			tr.Discard()
			time.Sleep(5 * time.Second)
			tr.say("d")
		}, []string{"0s: a b c", "15s: d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, always(status(200)), Options{FlushInterval: interval, BatchRecords: 3})
				c.do(tr)
				time.Sleep(time.Hour)
				var got []string
				for _, r := range tr.got() {
					got = append(got, fmt.Sprintf("%v: %s", r.at, strings.Join(r.messages, " ")))
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

// A record at FlushLevel takes along what was logged before it, and its call
// does not wait for the backend.
func TestFlushLevelWakesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(5*time.Second)), Options{FlushInterval: time.Hour, FlushLevel: slog.LevelError})
		tr.say("a")
		synctest.Wait() // the batcher lingers
		tr.wantRequests(0)
		tr.log.Error("b")
		synctest.Wait()
		tr.wantRequests(1)
		tr.log.Error("c") // during the flight: leaves as soon as that ends
		tr.say("d")
		if passed := time.Since(tr.began); passed != 0 {
			t.Errorf("logging took %v", passed)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		tr.wantRequests(2)
		tr.wantTaken("a", "b")
		time.Sleep(5 * time.Second)
		tr.log.Error("e") // an idle batcher
		synctest.Wait()
		tr.wantRequests(3)
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b", "c", "d", "e")
	})
}

// An idle handler makes no request and does not even tick: a century in the
// bubble takes no time. With a tick each minute it would take some.
func TestIdleHandlerDoesNothing(t *testing.T) {
	began := time.Now() // outside the bubble
	synctest.Test(t, func(t *testing.T) {
		const century = 100 * 365 * 24 * time.Hour
		tr := start(t, script(status(200), status(503), status(401), status(200)), Options{})
		idle := func(requests int) {
			t.Helper()
			time.Sleep(century / 4)
			tr.wantRequests(requests)
		}
		idle(0)
		tr.say("a")
		idle(1)
		tr.say("b") // 503, 401, 200
		idle(4)
		tr.answerWith(always(status(503)))
		tr.say("c")
		time.Sleep(time.Second)
		synctest.Wait() // a back-off has begun
		tr.Discard()
		idle(5)
	})
	if passed := time.Since(began); passed > 10*time.Second {
		t.Errorf("a century took %v: something ticks", passed)
	}
}

// However much is logged, and by however many, one request is under way at a
// time, and each batch keeps within its bounds. (The trial counts.)
func TestOneBatchInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(r *request) answered {
			if r.n%3 == 0 {
				return status(503).after(time.Second)
			}
			return status(200).after(time.Second)
		}, Options{BatchRecords: 10, MaxBackoff: time.Second, FlushLevel: slog.LevelWarn})
		for i := range 20 {
			go func() {
				for j := range 10 {
					tr.say(fmt.Sprint(i, "-", j))
					tr.log.Warn(fmt.Sprint(i, "w", j))
					time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				}
			}()
		}
		time.Sleep(10 * time.Minute)
		tr.wantBooks(400, Dropped{}, 0)
		for _, r := range tr.got() {
			if len(r.messages) > 10 {
				t.Errorf("a batch of %d records, want 10 at most", len(r.messages))
			}
		}
	})
}

// Discard empties the queue between the batcher's look at it and its swap: no
// request was made, so that nothing is known about the server.
func TestEmptyAttemptIsNoRecovery(t *testing.T) {
	o, err := Options{OnError: func(err error) { t.Errorf("OnError was told %v", err) }}.resolve()
	if err != nil {
		t.Fatal(err)
	}
	b := newBatcher(newPending(o), nil, o)
	b.p.noteFailure(errors.New("down"), time.Now())
	b.attempt()
	if b.p.stats().FailingSince.IsZero() {
		t.Error("delivery is said to work")
	}
}

// A transport that logs with the request's context does not feed the handler.
func TestTransportDoesNotFeedItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr *trial
		tr = start(t, func(r *request) answered {
			tr.log.ErrorContext(r.ctx, "about to send")
			tr.log.With("k", "v").WithGroup("g").ErrorContext(r.ctx, "about to send", "k", "v")
			if tr.Enabled(r.ctx, slog.LevelError) {
				t.Error("Enabled under the context of a request")
			}
			if err := tr.Handle(context.WithValue(r.ctx, http.ServerContextKey, 1), slog.Record{Message: "m"}); err != nil {
				t.Error(err)
			}
			return status(200)
		}, Options{FlushLevel: slog.LevelError})
		tr.say("a")
		time.Sleep(time.Hour)
		tr.wantRequests(1)
		if s := tr.Stats(); s.Accepted != 1 || s.Delivered != 1 {
			t.Errorf("accepted %d, delivered %d, want 1", s.Accepted, s.Delivered)
		}
		if !tr.Enabled(t.Context(), slog.LevelError) {
			t.Error("not Enabled under another context")
		}
	})
}
