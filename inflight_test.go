package slogship

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A server that takes less than a batch gets it in pieces, in order. That is
// negotiation, not failure: nothing is dropped, nothing reported.
func TestTooLargeIsHalved(t *testing.T) {
	for _, most := range []int{1, 2, 3, 7, 31} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, func(r *request) answered {
				if len(r.messages) > most {
					return status(413)
				}
				return status(200)
			}, Options{})
			all := tr.sayNumbered(32)
			time.Sleep(time.Minute)
			tr.wantTaken(all...)
			tr.wantBooks(32, Dropped{}, 0)
			tr.wantReports()
			if s := tr.Stats(); s.LastError != nil || s.Retries != int64(len(tr.got())-1) {
				t.Errorf("after %d requests: %+v", len(tr.got()), s)
			}
		})
	}
}

// A record that is too large even alone is dropped as such, and only that.
func TestTooLargeRecord(t *testing.T) {
	for _, bad := range [][]int{{0}, {9}, {19}, {0, 1}, {3, 11, 12}} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, func(r *request) answered {
				if r.bad() {
					return status(413)
				}
				return status(200)
			}, Options{})
			good := tr.sayNumbered(20, bad...)
			time.Sleep(time.Minute)
			tr.wantTaken(good...)
			tr.wantBooks(int64(len(good)), Dropped{TooLarge: int64(len(bad))}, 0)
			tr.wantReports("413 Request Entity Too Large")
		})
	}
}

// A server for which nothing is small enough is not hammered.
func TestEverythingIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(413)), Options{MinBackoff: time.Minute, MaxBackoff: time.Minute})
		tr.sayNumbered(200)
		time.Sleep(time.Second)
		synctest.Wait()
		tr.wantRequests(hopelessRequests)
		if s := tr.Stats(); s.Pending+s.Dropped.TooLarge != 200 || s.Pending == 0 {
			t.Errorf("%+v", s)
		}
		tr.wantReports("413")
		time.Sleep(time.Hour)
		tr.wantBooks(0, Dropped{TooLarge: 200}, 0)
	})
}

// What was refused before a 413 is reported, although a 413 itself is not.
func TestTooLargeHidesNoComplaint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(r *request) answered {
			switch {
			case len(r.messages) > 2:
				return status(413)
			case r.has("a"):
				return answered{status: 406, body: `{"message":["odd"]}`}
			}
			return status(200)
		}, Options{})
		tr.sayNumbered(3)
		tr.say("a", "b", "c", "d", "e")
		time.Sleep(time.Minute)
		tr.wantBooks(7, Dropped{Rejected: 1}, 0)
		tr.wantReports("406 Not Acceptable: 1 record not accepted: odd")
	})
}

// fails400 answers with that code to every request with a bad record in it.
func fails400(code int) func(*request) answered {
	return func(r *request) answered {
		if r.bad() {
			return status(code)
		}
		return status(200)
	}
}

// Bad records are found among good ones, and only they are dropped.
func TestBadRecordsAreIsolated(t *testing.T) {
	for _, c := range []struct {
		code, n int
		bad     []int
	}{
		{400, 1, []int{0}},
		{400, 10, []int{0}},
		{422, 10, []int{5}},
		{409, 10, []int{9}},
		{418, 10, []int{4, 5}},
		{499, 10, []int{0, 9}},
		{400, 10, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{400, 5000, []int{0}},
		{400, 5000, []int{2500}},
		{400, 5000, []int{4999}},
		{400, 5000, []int{17, 3000, 3001}},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, fails400(c.code), Options{BatchRecords: 5000})
				good := tr.sayNumbered(c.n, c.bad...)
				time.Sleep(time.Minute)
				tr.wantTaken(good...)
				tr.wantBooks(int64(len(good)), Dropped{Rejected: int64(len(c.bad))}, 0)
				tr.wantReports(fmt.Sprint(c.code))
				if n := len(tr.got()); n > 1+isolateRequests {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

// With too many bad records good ones go with them: what cannot be divided any
// more within a hundred requests is dropped. Each record is settled all the same.
func TestIsolationIsBounded(t *testing.T) {
	for _, every := range []int{2, 5, 20, 50} {
		synctest.Test(t, func(t *testing.T) {
			var bad []int
			for i := 1; i < 1000; i += every {
				bad = append(bad, i)
			}
			tr := start(t, fails400(400), Options{})
			good := tr.sayNumbered(1000, bad...)
			time.Sleep(time.Minute)
			s := tr.Stats()
			if n := len(tr.got()); n != 1+isolateRequests {
				t.Errorf("every %d: %d requests, want %d", every, n, 1+isolateRequests)
			}
			if s.Delivered == 0 || s.Delivered+s.Dropped.Rejected != 1000 || s.Dropped.Rejected < int64(len(bad)) {
				t.Errorf("every %d: delivered %d, rejected %d", every, s.Delivered, s.Dropped.Rejected)
			}
			taken := tr.acknowledged()
			if !slices.IsSortedFunc(taken, func(a, b string) int { return slices.Index(good, a) - slices.Index(good, b) }) {
				t.Errorf("every %d: taken out of order", every)
			}
		})
	}
}

// A server that accepts nothing at all is asked thirty times.
func TestHopelessIsolation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(400)), Options{})
		tr.sayNumbered(1000)
		time.Sleep(time.Hour)
		tr.wantRequests(1 + hopelessRequests)
		tr.wantBooks(0, Dropped{Rejected: 1000}, 0)
		tr.wantReports("400 Bad Request")
	})
}

// An outage in the middle of an isolation loses nothing.
func TestIsolationIsInterrupted(t *testing.T) {
	for n := 1; n < 12; n++ {
		for _, other := range []answered{status(503), status(401), {status: 200, cut: true}, status(413)} {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, func(r *request) answered {
					if r.n == n && !(other.status == 413 && len(r.messages) == 1) {
						return other
					}
					return fails400(400)(r)
				}, Options{})
				good := tr.sayNumbered(50, 20)
				time.Sleep(time.Hour)
				tr.wantTaken(good...)
				tr.wantBooks(49, Dropped{Rejected: 1}, 0)
			})
		}
	}
}

// Whatever a server answers, in whatever order: once it works again each
// record has been delivered or dropped for a reason; in order, under one id.
func TestChaos(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng, theirs := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			const n, quiet = 200, 2 * time.Hour
			deferring := seed%2 == 0 // the one thing that changes the order
			tr := start(t, func(r *request) answered {
				if r.at > quiet {
					return status(200)
				}
				return chaos(theirs, r, deferring)
			}, Options{
				BatchRecords: 1 + rng.IntN(50),
				Compression:  []Compression{Gzip, None}[rng.IntN(2)],
				MaxBackoff:   time.Minute,
				Format: fakeFormat{read: func(a Answer) Verdict {
					if a.Header.Get("Outcomes") != "" {
						return outcomes(a)
					}
					return Verdict{}
				}},
			})
			for i := range n {
				if rng.IntN(5) == 0 {
					time.Sleep(time.Duration(rng.Int64N(1e10)))
				}
				tr.say(fmt.Sprint(i))
			}
			time.Sleep(quiet + time.Hour)
			tr.say(fmt.Sprint(n))
			time.Sleep(time.Minute)
			s := tr.Stats()
			if s.Delivered+s.Dropped.Total() != n+1 || s.Pending+s.InFlight != 0 || s.LastError != nil || !s.FailingSince.IsZero() {
				t.Fatalf("seed %d: %+v", seed, s)
			}
			tr.wantOneID()
			if taken := tr.acknowledged(); !deferring && !slices.IsSortedFunc(taken, func(a, b string) int {
				return cmp.Or(len(a)-len(b), strings.Compare(a, b))
			}) {
				t.Errorf("seed %d: taken out of order: %q", seed, taken)
			}
			if d := (Dropped{Rejected: s.Dropped.Rejected, TooLarge: s.Dropped.TooLarge}); s.Dropped != d {
				t.Errorf("seed %d: dropped %v", seed, s.Dropped)
			}
		})
	}
}

// chaos is a random answer. That of a single record may be final.
func chaos(rng *rand.Rand, r *request, deferring bool) answered {
	switch rng.IntN(12) {
	case 0:
		return status(503).with("Retry-After", fmt.Sprint(rng.IntN(20)))
	case 1:
		return answered{err: errors.New("boom")}
	case 2:
		return status(200).after(time.Duration(rng.Int64N(2e10)))
	case 3:
		return answered{status: 200, cut: true}
	case 4:
		return status(413)
	case 5:
		return status(400)
	case 6:
		return status(401)
	case 7:
		return status(429)
	case 8:
		body := make([]byte, len(r.messages))
		for i := range body {
			body[i] = "ttttrl"[rng.IntN(6)]
			if !deferring && body[i] == 'l' {
				body[i] = 't'
			}
		}
		return answered{status: 200, body: string(body)}.with("Outcomes", "1")
	}
	return status(200)
}
