package slogship

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A wide trial is a backend that is asked several things at once.
type wide struct {
	t      *testing.T
	answer func(r *request) answered

	mu         sync.Mutex
	open, most int
	requests   int
	taken      map[string]int // by message, how often
	order      []string
	ids        map[string]string
}

func startWide(t *testing.T, answer func(r *request) answered, o Options) (*wide, *Handler) {
	w := &wide{t: t, answer: answer, taken: map[string]int{}, ids: map[string]string{}}
	o.Client = &http.Client{Transport: transportFunc(w.roundTrip)}
	o.Compression = None
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	h, err := New(testEndpoint, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Shutdown(cancelled(t))
		if s := h.Stats(); s.Accepted != s.Delivered+s.Dropped.Total() {
			t.Errorf("in the end: %+v", s)
		}
	})
	return w, h
}

func (w *wide) roundTrip(req *http.Request) (*http.Response, error) {
	r := readRequest(w.t, req)
	w.mu.Lock()
	r.n = w.requests
	w.requests++
	w.open++
	w.most = max(w.most, w.open)
	for i, m := range r.messages {
		if id, ok := w.ids[m]; ok && id != r.ids[i] {
			w.t.Errorf("%q was sent as %s and as %s", m, id, r.ids[i])
		}
		w.ids[m] = r.ids[i]
	}
	a := w.answer(r)
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.open--
		w.mu.Unlock()
	}()
	if a.takes > 0 {
		select {
		case <-time.After(a.takes):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.status == http.StatusOK {
		w.mu.Lock()
		for _, m := range r.messages {
			w.taken[m]++
			w.order = append(w.order, m)
		}
		w.mu.Unlock()
	}
	return a.response(req), nil
}

func numbered(h *Handler, from, to int) {
	for i := from; i < to; i++ {
		logTo(h, fmt.Sprint(i))
	}
}

// A backlog leaves in several requests at once, full ones; what is not full waits.
func TestSeveralRequestsAtOnce(t *testing.T) {
	for _, requests := range []int{1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			w, h := startWide(t, func(*request) answered { return status(200).after(100 * time.Millisecond) },
				Options{BatchRecords: 10, Requests: requests, MaxPending: 1000})
			began := time.Now()
			numbered(h, 0, 405)
			if err := h.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			// The first request begins before there is a backlog.
			rounds := 1 + (400-10+10*requests-1)/(10*requests) + 1
			if took := time.Since(began); w.most != requests || len(w.taken) != 405 || took > time.Duration(rounds)*100*time.Millisecond {
				t.Errorf("with %d requests at once, of which there were %d, %d records took %v, want %d rounds", requests, w.most, len(w.taken), took, rounds)
			}
			if s := h.Stats(); s.Batches != 41 || s.Retries != 0 || w.requests != 41 {
				t.Errorf("%d requests, %+v", w.requests, s)
			}
			if byNumber := slices.IsSortedFunc(w.order, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }); requests == 1 && !byNumber {
				t.Error("the order was not kept")
			}
		})
	}
}

// What one of several requests has brought back goes back in front, in order; what
// the others delivered is delivered.
func TestOneOfSeveralRequestsFails(t *testing.T) {
	for _, failure := range []answered{status(503), status(401), status(500), status(429), {err: errors.New("reset")}, status(413), status(400)} {
		for failing := range 3 {
			synctest.Test(t, func(t *testing.T) {
				failed := false
				w, h := startWide(t, func(r *request) answered {
					if !failed && r.has(fmt.Sprint(15+10*failing)) && len(r.messages) > 1 {
						failed = true
						return failure.after(time.Second)
					}
					return status(200).after(time.Second)
				}, Options{BatchRecords: 10, Requests: 3, MaxPending: 1000})
				numbered(h, 0, 40)
				time.Sleep(time.Hour)
				synctest.Wait()
				if len(w.taken) != 40 || w.most < 2 {
					t.Errorf("%v of request %d: %d records were taken, %d requests at once", failure, failing, len(w.taken), w.most)
				}
				for m, n := range w.taken {
					if n != 1 {
						t.Errorf("%v of request %d: %q was taken %d times", failure, failing, m, n)
					}
				}
				if s := h.Stats(); s.Delivered != 40 || s.Dropped != (Dropped{}) {
					t.Errorf("%v of request %d: %+v", failure, failing, s)
				}
			})
		}
	}
}

// What bodies have no room for, because records became longer than expected, is sent
// all the same.
func TestSeveralBatchesAreMisjudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := startWide(t, func(r *request) answered {
			if len(r.body) > 3000 {
				t.Errorf("a body has %d bytes", len(r.body))
			}
			return status(200).after(time.Second)
		}, Options{BatchBytes: 3000, Requests: 3, MaxPending: 1000})
		logTo(h, "first")
		time.Sleep(1500 * time.Millisecond)
		for i := range 100 {
			slog.New(h).Info(fmt.Sprint(i), "control", strings.Repeat("\x01", 50))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		for m, n := range w.taken {
			if n != 1 {
				t.Errorf("%q was taken %d times", m, n)
			}
		}
		if s := h.Stats(); len(w.taken) != 101 || s.Delivered != 101 || w.most != 3 {
			t.Errorf("%d records were taken, %d requests at once; %+v", len(w.taken), w.most, s)
		}
	})
}

// Bad records in several of the pieces are found, and only they are dropped.
func TestBadRecordsInSeveralRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := startWide(t, func(r *request) answered {
			if r.bad() {
				return status(400)
			}
			return status(200)
		}, Options{BatchRecords: 20, Requests: 4, MaxPending: 1000})
		for i := range 200 {
			if i%37 == 5 {
				logTo(h, fmt.Sprint("bad ", i))
			} else {
				logTo(h, fmt.Sprint(i))
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := h.Stats(); s.Delivered != 194 || s.Dropped != (Dropped{Rejected: 6}) {
			t.Errorf("%+v after %d requests", s, w.requests)
		}
	})
}

// A transport that panics in one of several requests, or ends its goroutine, fails
// that one.
func TestOneOfSeveralRequestsPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panics := 3
		w, h := startWide(t, func(r *request) answered {
			if r.has("25") && panics > 0 {
				panics--
				panic("no")
			}
			return status(200).after(time.Second)
		}, Options{BatchRecords: 10, Requests: 3, MaxPending: 1000, OnError: func(err error) {
			if !strings.Contains(err.Error(), "panic") && !errors.Is(err, ErrRecovered) {
				t.Error(err)
			}
		}})
		w.answer = unlocked(w, w.answer)
		numbered(h, 0, 40)
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := h.Stats(); s.Delivered != 40 || panics != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// unlocked has answer let go of the lock if it panics.
func unlocked(w *wide, answer func(*request) answered) func(*request) answered {
	return func(r *request) answered {
		defer func() {
			if v := recover(); v != nil {
				w.open--
				w.mu.Unlock()
				panic(v)
			}
		}()
		return answer(r)
	}
}

// Shutdown in the middle of several requests ends them all.
func TestShutdownEndsSeveralRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := startWide(t, func(*request) answered { return status(200).after(time.Hour) },
			Options{BatchRecords: 10, Requests: 3, MaxPending: 1000, RequestTimeout: 2 * time.Hour})
		numbered(h, 0, 10)
		synctest.Wait()
		numbered(h, 10, 100)
		time.Sleep(90 * time.Minute)
		err := h.Close()
		synctest.Wait()
		if !errors.Is(err, ErrUnsent) || w.most != 3 || w.open != 0 {
			t.Errorf("%v, %d requests at once, %d are open", err, w.most, w.open)
		}
		if s := h.Stats(); s.Delivered != 30 || s.Dropped.Shutdown != 70 {
			t.Errorf("%+v", s)
		}
	})
}

// Whatever several requests are answered, each record has been delivered once, or
// dropped for a reason, in the end.
func TestChaosOfSeveralRequests(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng, theirs := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			const n, quiet = 400, 2 * time.Hour
			began := time.Now()
			w, h := startWide(t, func(r *request) answered {
				if time.Since(began) > quiet || theirs.IntN(3) > 0 {
					return status(200).after(time.Duration(theirs.Int64N(2e9)))
				}
				return chaos(theirs, r, false)
			}, Options{
				BatchRecords: 1 + rng.IntN(30), Requests: 1 + rng.IntN(5), MaxPending: 100_000, MaxBackoff: time.Minute, BatchBytes: 1000 + rng.IntN(10_000),
				Format: fakeFormat{read: func(a Answer) Verdict {
					if a.Header.Get("Outcomes") != "" {
						return outcomes(a)
					}
					return Verdict{}
				}},
			})
			for i := range n {
				if rng.IntN(50) == 0 {
					time.Sleep(time.Duration(rng.Int64N(1e10)))
				}
				logTo(h, fmt.Sprint(i))
			}
			time.Sleep(quiet + 3*time.Hour)
			synctest.Wait()
			s := h.Stats()
			if s.Delivered+s.Dropped.Total() != n || s.Pending+s.InFlight != 0 || s.Dropped.Overflow > 0 {
				t.Fatalf("seed %d: %+v", seed, s)
			}
			if w.requests == 0 {
				t.Error("no requests")
			}
		})
	}
}
