package slogship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// startAtOnce begins a trial with batches of ten records, four requests at once.
func startAtOnce(t *testing.T, answers func(*request) answered, o Options) *trial {
	t.Helper()
	o.Requests = 4
	if o.BatchRecords == 0 {
		o.BatchRecords = 10
	}
	return start(t, answers, o)
}

// wantAll wants each message to be taken once, in whatever order.
func (tr *trial) wantAll(messages ...string) {
	tr.t.Helper()
	got, want := tr.acknowledged(), slices.Clone(messages)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		tr.t.Fatalf("the backend took %q, want %q, in whatever order", got, want)
	}
}

// wantMost wants so many requests to have been under way at once, and not more.
func (tr *trial) wantMost(n int) {
	tr.t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.most != n {
		tr.t.Errorf("%d requests were under way at once, want %d", tr.most, n)
	}
}

// hasFirst reports whether the request has record n as its first.
func (r *request) hasFirst(n int) bool {
	return len(r.messages) > 0 && r.messages[0] == fmt.Sprint(n)
}

// Four requests at once deliver four times as much as one.
func TestRequestsAtOnce(t *testing.T) {
	for requests, want := range map[int]time.Duration{0: 2000 * time.Millisecond, 1: 2000 * time.Millisecond, 4: 500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(200).after(100*time.Millisecond)), Options{Requests: requests, BatchRecords: 10})
			all := tr.sayNumbered(200)
			if err := tr.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(tr.began); took != want {
				t.Errorf("with Requests %d 200 records took %v, want %v", requests, took, want)
			}
			tr.wantMost(max(requests, 1))
			tr.wantRequests(20)
			tr.wantAll(all...)
			tr.wantOneID()
			tr.wantReports()
		})
	}
}

// With one request at a time the order is kept, whatever the answers take; with four
// a request overtakes three others at most, however slow one of these is.
func TestOrderOfRequestsAtOnce(t *testing.T) {
	slowly := func(r *request) answered {
		if r.n%8 == 0 {
			return status(200).after(5 * time.Second)
		}
		return status(200).after(10 * time.Millisecond)
	}
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, slowly, Options{BatchRecords: 10, MaxPending: 1000})
		all := tr.sayNumbered(300)
		time.Sleep(time.Minute)
		tr.wantTaken(all...)
	})
	synctest.Test(t, func(t *testing.T) {
		tr := startAtOnce(t, slowly, Options{MaxPending: 1000})
		all := tr.sayNumbered(300)
		time.Sleep(time.Minute)
		tr.wantAll(all...)
		farthest := 0
		for i, m := range tr.acknowledged() {
			n := 0
			fmt.Sscan(m, &n)
			farthest = max(farthest, n-i)
		}
		if farthest < 10 || farthest > 30 {
			t.Errorf("a record came %d places before its turn, want 30 at most, which are three requests", farthest)
		}
	})
}

// Records wait for FlushInterval to fill a batch, as with one request at a time; and
// a batch that is full, or due, does not wait for one that is under way.
func TestFlushIntervalWhileOthersAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := startAtOnce(t, always(status(200).after(10*time.Second)), Options{})
		sentAt := func() (at []time.Duration) {
			synctest.Wait()
			for _, r := range tr.got() {
				at = append(at, r.at)
			}
			return at
		}
		tr.say("a")
		time.Sleep(1500 * time.Millisecond) // a is under way since 1 s
		tr.say("b")
		time.Sleep(500 * time.Millisecond)
		tr.sayNumbered(9) // which makes ten at 2 s
		time.Sleep(500 * time.Millisecond)
		tr.say("c")
		time.Sleep(5 * time.Second)
		want := []time.Duration{time.Second, 2 * time.Second, 3500 * time.Millisecond}
		if got := sentAt(); !slices.Equal(got, want) {
			t.Errorf("requests left at %v, want %v", got, want)
		}
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b", "0", "1", "2", "3", "4", "5", "6", "7", "8", "c")
	})
}

// Flush, a record of FlushLevel and Shutdown send what waits for its interval while
// a request is under way.
func TestUrgentWhileOthersAreUnderWay(t *testing.T) {
	for name, urge := range map[string]func(*trial){
		"Flush":      func(tr *trial) { go tr.Flush(context.Background()) },
		"Shutdown":   func(tr *trial) { go tr.Shutdown(context.Background()) },
		"FlushLevel": func(tr *trial) { tr.log.Error("c") },
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := startAtOnce(t, always(status(200).after(10*time.Second)), Options{FlushInterval: time.Minute, FlushLevel: slog.LevelError})
			tr.sayNumbered(10)
			synctest.Wait()
			tr.say("b")
			synctest.Wait()
			tr.wantRequests(1)
			urge(tr)
			synctest.Wait()
			if got := tr.got(); len(got) != 2 || !got[1].has("b") {
				t.Errorf("after %s there are %d requests, want 2, the other one with b", name, len(got))
			}
			time.Sleep(time.Minute)
		})
	}
}

// Of four requests, the one that is not taken goes back, in front; then there is one
// request at a time, until one is taken.
func TestPieceGoesBack(t *testing.T) {
	for name, fault := range map[string]answered{
		"503":            status(503),
		"500":            status(500),
		"404":            status(404),
		"no answer":      {err: errors.New("connection refused")},
		"cut-off answer": {status: 200, body: "{", cut: true},
		"Retry-After":    status(429).with("Retry-After", "20"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failed := 0
				tr := startAtOnce(t, func(r *request) answered {
					if r.has("13") && failed < 2 {
						failed++
						return fault.after(time.Second)
					}
					return status(200).after(2 * time.Second)
				}, Options{MaxPending: 200})
				all := tr.sayNumbered(100)
				time.Sleep(1500 * time.Millisecond)
				if s := tr.Stats(); s.InFlight != 40 || s.Pending != 60 {
					t.Errorf("with one of four answered, in flight are %d and pending %d, want 40 and 60", s.InFlight, s.Pending)
				}
				time.Sleep(time.Second)
				if s := tr.Stats(); s.InFlight != 0 && s.Delivered != 30 && name != "500" {
					t.Errorf("with four answered, in flight are %d and delivered %d, want 0 and 30", s.InFlight, s.Delivered)
				}
				time.Sleep(time.Hour)
				tr.wantAll(all...)
				tr.wantOneID()
				tr.wantBooks(100, Dropped{}, 0)
				if requests := tr.got(); !requests[4].hasFirst(10) || !requests[5].hasFirst(10) || requests[5].at == requests[4].at ||
					name == "Retry-After" && requests[4].at < 21*time.Second || name == "404" && requests[4].at < defaultMaxBackoff {
					t.Errorf("after the four, %q at %v and %q at %v were sent", requests[4].messages, requests[4].at, requests[5].messages, requests[5].at)
				}
				tr.wantMost(4)
				tr.wantReports(fault.reason(), "")
				if s := tr.Stats(); s.Retries != 2 {
					t.Errorf("%d retries, want 2", s.Retries)
				}
			})
		})
	}
}

// reason is a part of what OnError is told of a.
func (a answered) reason() string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case a.cut:
		return "cut off"
	}
	return fmt.Sprint(a.status)
}

// Whatever is wrong with all requests, all records are kept, and in order. There is
// one request at a time until one is taken.
func TestAllRequestsFail(t *testing.T) {
	for _, code := range []int{503, 500, 401, 400, 413} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := startAtOnce(t, script(append(times(4, status(code).after(time.Second)), status(code))...), Options{MaxPending: 200})
				all := tr.sayNumbered(100)
				time.Sleep(time.Hour)
				tr.wantBooks(0, Dropped{}, 100)
				tr.wantMost(4)
				tr.mu.Lock()
				tr.atOnce, tr.most = 1, 0
				tr.mu.Unlock()
				time.Sleep(time.Hour)
				if n := len(tr.reports()); n != 1 {
					t.Errorf("OnError was told %q, want one error", tr.reports())
				}
				tr.mu.Lock()
				tr.atOnce, tr.answer = 4, always(status(200))
				tr.mu.Unlock()
				time.Sleep(time.Hour)
				tr.wantAll(all...)
				tr.wantOneID()
			})
		})
	}
}

// A bad record in the middle of four requests is found, by one request at a time, and
// is the only one that is dropped; the other three are delivered already.
func TestBadRecordInOneOfFour(t *testing.T) {
	for _, c := range []struct {
		code int
		bad  []int
		want Dropped
		most int // requests
	}{
		{400, []int{15}, Dropped{Rejected: 1}, 20},
		{422, []int{0, 39}, Dropped{Rejected: 2}, 40},
		{413, []int{15}, Dropped{TooLarge: 1}, 45},
		{400, []int{5, 15, 25, 35}, Dropped{Rejected: 4}, 60},
	} {
		t.Run(fmt.Sprint(c.code, c.bad), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := startAtOnce(t, func(r *request) answered {
					if r.bad() {
						return status(c.code).after(time.Second)
					}
					return status(200).after(time.Second)
				}, Options{MaxPending: 200})
				good := tr.sayNumbered(100, c.bad...)
				time.Sleep(time.Hour)
				tr.wantAll(good...)
				tr.wantBooks(int64(len(good)), c.want, 0)
				tr.wantOneID()
				tr.wantMost(4)
				if n := len(tr.got()); n > c.most {
					t.Errorf("%d requests for 100 records with %d bad ones, want %d at most", n, len(c.bad), c.most)
				}
			})
		})
	}
}

// A size that was refused holds for the requests at once to come.
func TestSizesOfRequestsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := startAtOnce(t, func(r *request) answered {
			if len(r.body) > 3000 {
				return status(413).after(time.Second)
			}
			return status(200).after(time.Second)
		}, Options{BatchRecords: 100, BatchBytes: 8000, MaxPending: 5000})
		var all []string
		for i := range 1000 {
			all = append(all, fmt.Sprintf("%03d%s", i, strings.Repeat("x", 100)))
		}
		tr.say(all...)
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.wantAll(all...)
		tr.wantMost(4)
		refused := 0
		for _, r := range tr.got() {
			if len(r.body) > 3000 {
				refused++
			}
		}
		if n := len(tr.got()); refused > 12 || n > 130 || time.Since(tr.began) > time.Duration(n)*time.Second/2 {
			t.Errorf("%d requests, of which %d were too large, took %v", n, refused, time.Since(tr.began))
		}
	})
}

// Per-record answers settle what they name; what is to be sent again goes back.
func TestOutcomesOfRequestsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		var tr *trial
		format := fakeFormat{read: func(a Answer) Verdict {
			v := Verdict{Action: Accept, Outcomes: make([]Outcome, a.Records)}
			for i, m := range strings.Split(a.Header.Get("Messages"), ",") {
				asked[m]++
				switch {
				case m == "bad7":
					v.Outcomes[i] = Refused
				case m == "18" && asked[m] < 3:
					v.Outcomes[i] = Resend
				}
			}
			return v
		}}
		tr = startAtOnce(t, func(r *request) answered {
			return status(200).after(time.Second).with("Messages", strings.Join(r.messages, ","))
		}, Options{Format: format, MaxPending: 200})
		tr.sayNumbered(100, 7)
		time.Sleep(time.Hour)
		tr.wantBooks(99, Dropped{Rejected: 1}, 0)
		for m, n := range asked {
			if want := map[string]int{"18": 3}[m]; n != max(want, 1) {
				t.Errorf("%q was sent %d times", m, n)
			}
		}
		tr.wantMost(4)
		if told := tr.reports(); len(told) < 2 || !errors.Is(told[len(told)-1], ErrRecovered) ||
			!strings.Contains(told[0].Error(), "1 record not accepted") {
			t.Errorf("OnError was told %q", told)
		}
		var at []time.Duration
		for _, r := range tr.got() {
			if r.has("18") {
				at = append(at, r.at)
			}
		}
		if at[1] <= at[0]+time.Second || at[2] <= at[1]+time.Second {
			t.Errorf("what is to be sent again was sent at %v, want back-offs between", at)
		}
	})
}

// What an answer says of the whole request and for ever (Logflare's 406) is settled,
// and stops nobody.
func TestRejectedRequestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		format := fakeFormat{read: func(a Answer) Verdict {
			if a.Status == 406 {
				return Verdict{Action: Reject}
			}
			return Verdict{}
		}}
		tr := startAtOnce(t, func(r *request) answered {
			if r.has("11") {
				return status(406).after(500 * time.Millisecond)
			}
			return status(200).after(time.Second)
		}, Options{Format: format})
		tr.sayNumbered(40)
		time.Sleep(1500 * time.Millisecond)
		tr.wantBooks(30, Dropped{Rejected: 10}, 0)
		tr.wantRequests(4)
		tr.wantReports("406", "") // as one after the other
	})
}

// What a body has no room for goes with the next, before what comes later.
func TestRestOfABodyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		format := fakeFormat{event: func(dst []byte, e *Event) []byte { // ten times as long as they were expected to be
			return append(logflare{}.AppendEvent(dst, e), strings.Repeat(" ", 2000)...)
		}}
		tr := startAtOnce(t, always(status(200).after(time.Second)), Options{Format: format, BatchRecords: 20, BatchBytes: 10_000, MaxPending: 1000})
		all := tr.sayNumbered(400)
		time.Sleep(30 * time.Minute)
		tr.wantAll(all...)
		tr.wantOneID()
		tr.wantBooks(400, Dropped{}, 0)
		for _, r := range tr.got() {
			if len(r.body) > 10_000 {
				t.Errorf("a body of %d bytes", len(r.body))
			}
		}
		if s := tr.Stats(); s.Retries != 0 {
			t.Errorf("%d retries, want none", s.Retries)
		}
	})
}

// A panic in one of four requests, or the end of its goroutine, has its records go
// back, and no others.
func TestPanicInOneOfFour(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		for where, breaks := range map[string]func(o *Options, tr **trial, once func(bool)){
			"AppendHead": func(o *Options, _ **trial, once func(bool)) {
				o.Format = fakeFormat{layout: func(l *Layout) {
					head := l.Head
					l.AppendHead = func(dst []byte, events, size int) []byte {
						once(events == 7)
						return append(dst, head...)
					}
				}}
			},
			"transport": func(_ *Options, tr **trial, once func(bool)) {
				(*tr).answerWith(func(r *request) answered {
					once(len(r.messages) == 7)
					return status(200).after(time.Second)
				})
			},
			"ReadAnswer": func(o *Options, _ **trial, once func(bool)) {
				o.Format = fakeFormat{read: func(a Answer) Verdict {
					once(a.Records == 7)
					return Verdict{}
				}}
			},
		} {
			t.Run(where+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					times := 0
					once := func(now bool) {
						if now {
							if times++; times == 1 {
								end()
							}
						}
					}
					o := Options{MaxPending: 200}
					var tr *trial
					if where != "transport" {
						breaks(&o, nil, once)
					}
					tr = startAtOnce(t, always(status(200).after(time.Second)), o)
					if where == "transport" {
						breaks(nil, &tr, once)
					}
					all := tr.sayNumbered(37) // three batches, and seven records
					if err := tr.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
					if where != "ReadAnswer" { // which comes after the server took them
						tr.wantAll(all...)
					}
					tr.wantBooks(37, Dropped{}, 0)
					tr.wantRequests(map[string]int{"AppendHead": 4, "transport": 5, "ReadAnswer": 5}[where])
					time.Sleep(time.Minute) // by then net/http has noticed that its goroutine is gone
					if name == "panic" {
						tr.wantReports("boom", "")
					} else {
						tr.wantReports("Goexit", "")
					}
				})
			})
		}
	}
}

// Shutdown's context ends in the middle of four requests: what is held is dropped and
// counted, a late answer changes nothing, and no goroutine is left.
func TestShutdownInTheMiddleOfFour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := startAtOnce(t, func(r *request) answered {
			if r.has("11") {
				return status(200)
			}
			return status(200).after(8 * time.Second)
		}, Options{MaxPending: 200})
		tr.sayNumbered(100)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := tr.Shutdown(ctx)
		if !errors.Is(err, ErrUnsent) || !errors.Is(err, context.DeadlineExceeded) || time.Since(tr.began) != 4*time.Second {
			t.Errorf("after %v Shutdown returned %v", time.Since(tr.began), err)
		}
		tr.wantBooks(10, Dropped{Shutdown: 90}, 0)
		synctest.Wait()
		select {
		case <-tr.core.batcher.done:
		default:
			t.Error("the batcher's goroutine is left")
		}
	}) // which fails if another one is
}

// Shutdown sends what is held four requests at once, also if four are under way.
func TestShutdownSendsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := startAtOnce(t, always(status(200).after(time.Second)), Options{MaxPending: 200})
		all := tr.sayNumbered(95)
		time.Sleep(500 * time.Millisecond)
		if err := tr.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(tr.began); took != 3*time.Second {
			t.Errorf("ten requests of a second took %v, want 3s", took)
		}
		tr.wantAll(all...)
	})
}

// Discard leaves what is under way alone.
func TestDiscardInTheMiddleOfFour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := startAtOnce(t, script(append(times(4, status(503).after(time.Second)), status(200))...), Options{MaxPending: 200})
		all := tr.sayNumbered(100)
		time.Sleep(500 * time.Millisecond)
		if n := tr.Discard(); n != 60 {
			t.Errorf("discarded %d, want 60", n)
		}
		tr.wantBooks(0, Dropped{Discarded: 60}, 40)
		time.Sleep(time.Minute)
		tr.wantAll(all[:40]...)
	})
}

// What goes back and finds no room is dropped as overflow, the oldest first.
func TestOverflowAfterFourFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := startAtOnce(t, script(append(times(4, status(503).after(time.Second)), status(200))...), Options{MaxPending: 80})
		all := tr.sayNumbered(40)
		time.Sleep(500 * time.Millisecond)
		for i := 40; i < 110; i++ {
			all = append(all, fmt.Sprint(i))
			tr.say(fmt.Sprint(i))
		}
		time.Sleep(time.Minute)
		tr.wantAll(all[30:]...)
		tr.wantBooks(80, Dropped{Overflow: 30}, 0)
	})
}

// Each answer is shown without the secrets of its own request, also if a transport
// puts another token into each.
func TestSecretsOfRequestsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := startAtOnce(t, always(status(200)), Options{})
		var requests atomic.Int64
		tr.core.batcher.sender.client.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			n := requests.Add(1)
			token := fmt.Sprintf("t0ken-%d-of-the-transport", n)
			r.Header.Set("Authorization", "Bearer "+token)
			select {
			case <-time.After(time.Duration(n) * time.Second):
			case <-r.Context().Done(): // the end of the trial
				return nil, r.Context().Err()
			}
			return answered{status: 401, body: "who is " + token}.response(r), nil
		})
		tr.sayNumbered(40)
		time.Sleep(15 * time.Second)
		if told := fmt.Sprint(tr.reports()); !strings.Contains(told, "who is") || strings.Contains(told, "t0ken") {
			t.Errorf("OnError was told %s", told)
		}
	})
}

// The connections of as many requests as there are at once are kept.
func TestConnectionsAreKept(t *testing.T) {
	for requests, want := range map[int]int{0: http.DefaultMaxIdleConnsPerHost, 8: 8, 1000: maxRequests} {
		h, err := New(testEndpoint, &Options{Requests: requests})
		if err != nil {
			t.Fatal(err)
		}
		tr, ok := h.core.batcher.sender.client.HTTPClient.Transport.(*http.Transport)
		if !ok || tr.MaxIdleConnsPerHost != want {
			t.Errorf("with Requests %d, %+v", requests, tr)
		}
		if err := h.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
