package slogship

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Shutdown sends what is left, at once, in as many batches as it takes.
func TestShutdownDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{FlushInterval: time.Hour, BatchRecords: 2})
		tr.say("a", "b", "c", "d", "e")
		if err := tr.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		tr.wantTaken("a", "b", "c", "d", "e")
		if passed := time.Since(tr.began); passed != 3*time.Second {
			t.Errorf("Shutdown took %v, want 3 s", passed)
		}
	})
}

func TestShutdownWithNothingHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{})
		if err := tr.Shutdown(cancelled(t)); err != nil {
			t.Error(err)
		}
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		tr.wantRequests(0)
		if passed := time.Since(tr.began); passed != 0 {
			t.Errorf("it took %v", passed)
		}
	})
}

// What is logged after Shutdown, or while it runs, is counted as closed.
func TestLoggingAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{})
		tr.say("a")
		go func() {
			time.Sleep(time.Millisecond)
			tr.say("during")
			tr.log.With("k", "v").Info("during")
		}()
		if err := tr.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := tr.Handle(t.Context(), slog.Record{Message: "after"}); err != nil {
			t.Error(err)
		}
		tr.wantBooks(1, Dropped{Closed: 3}, 0)
		if s := tr.Stats(); s.Accepted != 4 {
			t.Errorf("accepted %d, want 4", s.Accepted)
		}
		if n := tr.Discard(); n != 0 {
			t.Errorf("Discard: %d", n)
		}
	})
}

// Shutdown cuts a back-off short: one attempt at once, and then from MinBackoff.
func TestShutdownCutsBackOffShort(t *testing.T) {
	for _, failure := range []answered{status(503), status(429), {err: errors.New("boom")}} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(failure), Options{MinBackoff: time.Second, MaxBackoff: 24 * time.Hour})
			tr.say("a")
			time.Sleep(100 * time.Hour)
			before, now := len(tr.got()), time.Since(tr.began)
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			tr.answerWith(func(r *request) answered {
				if r.n < before+4 {
					return failure
				}
				return status(200)
			})
			if err := tr.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			r := tr.got()[before:]
			if len(r) != 5 || r[0].at != now {
				t.Fatalf("%d requests, the first after %v, want 5, the first at once", len(r), r[0].at-now)
			}
			for i := range 4 {
				if wait := r[i+1].at - r[i].at; wait > time.Second<<i {
					t.Errorf("wait %d was %v, want up to %v", i, wait, time.Second<<i)
				}
			}
			tr.wantTaken("a")
		})
	}
}

// A request under way at the call may fail: there is one more attempt at once.
func TestShutdownDuringRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503).after(time.Second), status(200)), Options{MinBackoff: time.Hour, MaxBackoff: time.Hour})
		tr.say("a")
		time.Sleep(1500 * time.Millisecond)
		if err := tr.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if passed := time.Since(tr.began); passed != 2*time.Second {
			t.Errorf("Shutdown returned at %v, want 2 s", passed)
		}
		tr.wantTaken("a")
	})
}

// Shutdown obeys Retry-After, from before the call and from within.
func TestShutdownObeysRetryAfter(t *testing.T) {
	busy := status(503).with("Retry-After", "60")
	for _, c := range []struct {
		name     string
		deadline time.Duration // of Shutdown, called at 11 s; the first request was at 1 s
		answers  []answered
		want     time.Duration // when it returns
		err      bool
		says     string
	}{
		{"in time", time.Hour, []answered{busy, status(200)}, 61 * time.Second, false, ""},
		{"twice", time.Hour, []answered{busy, busy, status(200)}, 121 * time.Second, false, ""},
		{"without a deadline", 0, []answered{busy, status(200)}, 61 * time.Second, false, ""},
		{"beyond the deadline", 49 * time.Second, []answered{busy, status(200)}, 11 * time.Second, true, "1 record unsent; Retry-After asks for another 50 s, which is beyond the deadline; last attempt: 503 "},
		{"the second beyond the deadline", 70 * time.Second, []answered{busy, busy, status(200)}, 61 * time.Second, true, "unsent after 50 s; Retry-After asks for another 1m0s, which is beyond the deadline; last attempt: 503 "},
		{"401 beyond the deadline", time.Minute, []answered{status(503).with("Retry-After", "20"), status(401).with("Retry-After", "90")}, 21 * time.Second, true, "unsent after 10 s; Retry-After asks for another 1m30s, which is beyond the deadline; last attempt: 401 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, script(c.answers...), Options{MaxBackoff: time.Second})
				tr.say("a")
				time.Sleep(11 * time.Second)
				ctx := t.Context()
				if c.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				err := tr.Shutdown(ctx)
				if at := time.Since(tr.began); at != c.want {
					t.Errorf("Shutdown returned at %v, want %v", at, c.want)
				}
				if !c.err {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if !errors.Is(err, ErrUnsent) || !errors.Is(err, context.DeadlineExceeded) || lossOf(t, err).Unsent != 1 {
					t.Errorf("Shutdown: %v", err)
				}
				if !strings.Contains(fmt.Sprint(err), c.says) {
					t.Errorf("Shutdown: %v, want %s", err, c.says)
				}
				tr.wantBooks(0, Dropped{Shutdown: 1}, 0)
			})
		})
	}
}

// A wrong set-up costs a program at its end one request, and no time. Once the
// server has been seen to answer otherwise, Shutdown goes on as after any failure.
func TestShutdownDoesNotWaitForWrongSetup(t *testing.T) {
	for _, c := range []struct {
		name    string
		asleep  time.Duration // between the record and Close
		answers []answered
		took    time.Duration // of Close, at least
		n       int           // requests, at least
		text    string
	}{
		{"wrong token", 0, []answered{{status: 401, body: "no such key"}}, 0, 1, "slogship: 1 record unsent; last attempt: 401 Unauthorized: no such key (Logflare wants Options.Header {\"X-API-KEY\": {apiKey}})"},
		{"wrong path", 0, []answered{status(404).after(300 * time.Millisecond)}, 300 * time.Millisecond, 1, "slogship: 1 record unsent after 300 ms; last attempt: 404 Not Found (Logflare takes events at /logs?source=SOURCE)"},
		{"known since long", time.Hour, []answered{status(401)}, 0, 1, "slogship: 1 record unsent; last attempt: 401 Unauthorized (Logflare wants Options.Header {\"X-API-KEY\": {apiKey}})"},
		{
			"asked during the call", 1500 * time.Millisecond,
			[]answered{status(401).after(time.Second), status(401).after(time.Second)},
			1500 * time.Millisecond, 2, "slogship: 1 record unsent after 1.5 s; last attempt: 401 Unauthorized (Logflare wants Options.Header {\"X-API-KEY\": {apiKey}})",
		},
		{"after a 503", 0, []answered{status(503), status(401)}, closeTimeout, 3, "slogship: 1 record unsent after 5 s; last attempt: 401 Unauthorized (Logflare wants Options.Header {\"X-API-KEY\": {apiKey}})"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, script(c.answers...), Options{})
				tr.say("a")
				time.Sleep(c.asleep)
				before, began := len(tr.got()), time.Now()
				err := tr.Close()
				if took := time.Since(began); took != c.took {
					t.Errorf("Close took %v, want %v", took, c.took)
				}
				if n := len(tr.got()); n < c.n || c.n == 1 && n != before+1 {
					t.Errorf("%d requests, %d before", n, before)
				}
				if !errors.Is(err, ErrUnsent) || fmt.Sprint(err) != c.text {
					t.Errorf("%v\nwant %s", err, c.text)
				}
				if ended := c.took == closeTimeout; errors.Is(err, context.DeadlineExceeded) != ended {
					t.Errorf("%v matches DeadlineExceeded: %v", err, !ended)
				}
				tr.wantBooks(0, Dropped{Shutdown: 1}, 0)
				if again := tr.Shutdown(t.Context()); again != err {
					t.Errorf("called again, Shutdown returned %v", again)
				}
			})
		})
	}
}

// Close's error says why, whatever it is: nobody has to look anywhere else.
func TestCloseSaysWhy(t *testing.T) {
	for want, a := range map[string]answered{
		"slogship: 2 records unsent after 5 s; last attempt: no answer for 5 s":                        status(200).after(time.Hour),
		"slogship: 2 records unsent after 5 s; last attempt: connect: connection refused":              {err: errors.New("connect: connection refused")},
		"slogship: 2 records unsent after 5 s; last attempt: 503 Service Unavailable: come back later": {status: 503, body: "come back later"},
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(a), Options{})
			tr.say("a", "b")
			err := tr.Close()
			if took := time.Since(tr.began); took != closeTimeout || fmt.Sprint(err) != want {
				t.Errorf("after %v: %v\nwant %s", took, err, want)
			}
			if !errors.Is(err, ErrUnsent) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v matches neither ErrUnsent nor DeadlineExceeded", err)
			}
		})
	}
}

// A nil context is forgiven, and does not take the process down later.
func TestShutdownWithoutContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503), status(200)), Options{})
		tr.say("a")
		var done sync.WaitGroup
		for range 2 {
			done.Go(func() {
				if err := tr.Shutdown(nil); err != nil { //nolint:staticcheck // nil is what is tested
					t.Error(err)
				}
			})
		}
		done.Wait()
		tr.wantTaken("a")
	})
}

// Calls that end at the same moment agree on the numbers, and so does a Flush
// that comes while Shutdown waits for a transport to return.
func TestConcurrentClosesAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(*request) answered {
			time.Sleep(time.Hour) // and ignores its context
			return status(200)
		}, Options{})
		tr.say("a", "b", "c")
		var done sync.WaitGroup
		for i := range 20 {
			done.Go(func() {
				if i >= 15 {
					time.Sleep(time.Duration(i-14) * time.Millisecond) // when the first has given up
				}
				if err := tr.Close(); lossOf(t, err).Unsent != 3 || !errors.Is(err, ErrUnsent) {
					t.Errorf("Close %d: %v", i, err)
				}
			})
		}
		done.Go(func() {
			time.Sleep(closeTimeout + stopGrace/2)
			for _, ctx := range []context.Context{cancelled(t), t.Context()} {
				if err := tr.Flush(ctx); lossOf(t, err).Unsent != 3 || !errors.Is(err, ErrUnsent) {
					t.Errorf("Flush: %v", err)
				}
			}
		})
		done.Wait()
		if at := time.Since(tr.began); at != closeTimeout+stopGrace {
			t.Errorf("the last returned after %v", at)
		}
		tr.wantBooks(0, Dropped{Shutdown: 3}, 0)
		time.Sleep(time.Hour)
	})
}

// With nothing held there is nothing to wait for, whatever the server asked.
func TestShutdownWaitsForNoEmptyQueue(t *testing.T) {
	for _, during := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(503).with("Retry-After", "60")), Options{})
			tr.say("a")
			time.Sleep(2 * time.Second)
			if during {
				time.AfterFunc(time.Second, func() { tr.Discard() })
			} else {
				tr.Discard()
			}
			if err := tr.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if at := time.Since(tr.began); at > 3*time.Second {
				t.Errorf("Shutdown returned at %v", at)
			}
			tr.wantBooks(0, Dropped{Discarded: 1}, 0)
		})
	}
}

// Shutdown obeys its context in the middle of a request, of the reading of an
// answer, of a back-off.
func TestShutdownIsCutShort(t *testing.T) {
	for name, a := range map[string]answered{
		"request":  status(200).after(9 * time.Second),
		"answer":   {status: 200, hangs: true},
		"back-off": status(503),
	} {
		for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
			t.Run(fmt.Sprint(name, cause), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tr := start(t, always(a), Options{BatchRecords: 2, MinBackoff: time.Minute, MaxBackoff: time.Minute})
					tr.say("a", "b", "c")
					time.Sleep(time.Second)
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					if cause == context.Canceled {
						ctx, cancel = context.WithCancel(t.Context())
						time.AfterFunc(2*time.Second, cancel)
					}
					defer cancel()
					err := tr.Shutdown(ctx)
					if at := time.Since(tr.began); at != 3*time.Second {
						t.Errorf("Shutdown returned at %v, want 3 s", at)
					}
					if !errors.Is(err, ErrUnsent) || !errors.Is(err, cause) || lossOf(t, err).Unsent != 3 {
						t.Errorf("Shutdown: %v", err)
					}
					tr.wantBooks(0, Dropped{Shutdown: 3}, 0)
					if again := tr.Shutdown(t.Context()); again != err {
						t.Errorf("called again, Shutdown returned %v", again)
					}
					if again := tr.Close(); again != err {
						t.Errorf("Close returned %v", again)
					}
				})
			})
		}
	}
}

// Even with a context that has ended the intake is closed and nothing is left.
func TestShutdownWithEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{})
		tr.say("a", "b")
		err := tr.Shutdown(cancelled(t))
		if !errors.Is(err, ErrUnsent) || !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v", err)
		}
		if passed := time.Since(tr.began); passed != 0 {
			t.Errorf("it took %v", passed)
		}
		tr.wantBooks(0, Dropped{Shutdown: 2}, 0)
	})
}

// A concurrent Shutdown waits for the first, or for its own context.
func TestConcurrentShutdowns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{})
		tr.say("a")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var first error
		var done sync.WaitGroup
		done.Go(func() { first = tr.Shutdown(ctx) })
		synctest.Wait()
		for i := range 5 {
			done.Go(func() {
				mine, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				err := tr.Handler.WithGroup("g").(*Handler).Shutdown(mine)
				if !errors.Is(err, ErrUnsent) || !errors.Is(err, context.DeadlineExceeded) || lossOf(t, err).Unsent != 1 {
					t.Errorf("Shutdown %d: %v", i, err)
				}
				if at := time.Since(tr.began); at != 3*time.Second {
					t.Errorf("Shutdown %d returned at %v", i, at)
				}
				err = tr.Shutdown(t.Context())
				if at := time.Since(tr.began); at != 10*time.Second || err == nil {
					t.Errorf("Shutdown %d returned %v at %v", i, err, at)
				}
			})
		}
		done.Wait()
		if again := tr.Shutdown(cancelled(t)); again != first || !errors.Is(first, ErrUnsent) {
			t.Errorf("first %v, then %v", first, again)
		}
	})
}

// A transport that ignores cancellation does not hang Shutdown. Its late answer
// changes nothing that was reported.
func TestShutdownWithStubbornTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(*request) answered {
			time.Sleep(time.Hour)
			return status(200)
		}, Options{})
		tr.say("a", "b")
		time.Sleep(2 * time.Second)
		tr.say("c")
		err := tr.Close()
		if at := time.Since(tr.began); at != 7*time.Second+stopGrace {
			t.Errorf("Close returned at %v, want 5 s after 2 s", at)
		}
		if !errors.Is(err, ErrUnsent) || !errors.Is(err, context.DeadlineExceeded) || lossOf(t, err).Unsent != 3 {
			t.Errorf("Close: %v", err)
		}
		tr.wantBooks(0, Dropped{Shutdown: 3}, 0)
		time.Sleep(2 * time.Hour)
		tr.wantBooks(0, Dropped{Shutdown: 3}, 0)
		tr.wantRequests(1)
	})
}

// The same in the middle of an isolation: the rest is not sent any more.
func TestShutdownInTheMiddleOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(r *request) answered { return fails400(400)(r).after(time.Second) }, Options{})
		tr.sayNumbered(16, 3)
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		err := tr.Shutdown(ctx)
		if at := time.Since(tr.began); at != 4500*time.Millisecond {
			t.Errorf("Shutdown returned at %v", at)
		}
		tr.wantTaken("0", "1")
		if loss := lossOf(t, err); loss.Unsent != 14 {
			t.Errorf("Shutdown: %v", err)
		}
		tr.wantBooks(2, Dropped{Shutdown: 14}, 0)
		tr.wantReports()
	})
}

// Shutdown leaves neither a goroutine nor a connection behind.
func TestShutdownLeavesNothing(t *testing.T) {
	conns := map[net.Conn]http.ConnState{}
	var mu sync.Mutex
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(`"hang"`)) {
			<-r.Context().Done() // until the client is gone
		}
	}))
	backend.Config.ConnState = func(c net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		conns[c] = s
		if s == http.StateClosed {
			delete(conns, c)
		}
	}
	backend.Start()
	defer backend.Close()
	for _, message := range []string{"a", "hang"} {
		for range 20 {
			h, err := New(backend.URL, &Options{Compression: None, OnError: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			logTo(h, "a")
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			logTo(h, message)
			limit := time.Minute
			if message == "hang" {
				limit = 10 * time.Millisecond // in the middle of the request, mostly
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			if err := h.Shutdown(ctx); (err != nil) != (message == "hang") {
				t.Errorf("Shutdown: %v", err)
			}
			cancel()
		}
	}
	left := func() string {
		mu.Lock()
		defer mu.Unlock()
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if len(conns) > 0 || bytes.Contains(stacks, []byte("slogship.(*batcher)")) || bytes.Contains(stacks, []byte("net/http.(*persistConn)")) {
			return fmt.Sprintf("%d connections, goroutines:\n%s", len(conns), stacks)
		}
		return ""
	}
	for deadline := time.Now().Add(5 * time.Second); left() != ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(left())
		}
	}
}
