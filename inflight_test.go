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

// A server for which nothing is small enough, not even a record of a few hundred
// bytes, is set up wrongly: everything is kept, and it is asked little.
func TestEverythingIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(413)), Options{})
		all := tr.sayNumbered(200)
		time.Sleep(time.Second)
		synctest.Wait()
		tr.wantRequests(10) // 200, ... 1, and two more
		tr.wantReports("413 Request Entity Too Large: nothing was taken, nor ever was; records waiting: 200")
		time.Sleep(time.Hour)
		tr.wantBooks(0, Dropped{}, 200)
		if n := len(tr.got()); n > 10+120*3 {
			t.Errorf("%d requests within an hour, want 3 in each 30 s", n)
		}
		time.Sleep(time.Second) // between two attempts: one that sees both answers would blame its oldest record
		tr.answerWith(always(status(200)))
		time.Sleep(time.Minute)
		tr.wantTaken(all...)
	})
}

// A single record that is too large by any measure is dropped even if there is
// no other one to compare it with.
func TestLoneTooLargeRecord(t *testing.T) {
	for _, c := range []struct {
		size int
		want Dropped
		held int64
	}{{100, Dropped{}, 1}, {smallRecord, Dropped{TooLarge: 1}, 0}} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(413)), Options{})
			tr.say(strings.Repeat("x", c.size))
			time.Sleep(time.Hour)
			tr.wantBooks(0, c.want, c.held)
		})
	}
}

// The size that a server took is remembered, and tried upwards again now and then.
func TestSizeIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := 4 << 10
		tr := start(t, func(r *request) answered {
			if len(r.body) > limit {
				return status(413)
			}
			return status(200)
		}, Options{})
		all := tr.sayNumbered(5000)
		time.Sleep(time.Minute)
		tr.wantTaken(all...)
		var sent, refused int
		for _, r := range tr.got() {
			sent += len(r.body)
			if len(r.body) > limit {
				refused++
			}
		}
		if useful := 5000 * len(tr.got()[0].body) / len(tr.got()[0].messages); sent > 4*useful || refused > 20 {
			t.Errorf("sent %d bytes for %d; %d requests were refused", sent, useful, refused)
		}
		n := len(tr.got())
		tr.sayNumbered(5000)
		time.Sleep(time.Minute)
		for _, r := range tr.got()[n:] {
			if len(r.body) > limit {
				t.Errorf("a body of %d bytes, although %d are too many", len(r.body), limit)
			}
		}
		limit = 1 << 30
		time.Sleep(probeLarger)
		tr.sayNumbered(5000)
		time.Sleep(time.Minute)
		n = len(tr.got())
		tr.sayNumbered(2000)
		time.Sleep(time.Minute)
		tr.wantRequests(n + 1)
		tr.wantBooks(17000, Dropped{}, 0)
		tr.wantReports()
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
		{400, 2, []int{0}},
		{400, 2, []int{1}},
		{400, 10, []int{0}},
		{422, 10, []int{5}},
		{409, 10, []int{9}},
		{418, 10, []int{4, 5}},
		{499, 10, []int{0, 9}},
		{400, 10, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{400, 10, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}},
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
				if n := len(tr.got()); n >= 40*len(c.bad) {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

// However many records are bad, all good ones arrive, in order, and only the bad
// ones are dropped. After a hundred extra requests there is a pause each time.
func TestIsolationIsBounded(t *testing.T) {
	for _, every := range []int{2, 3, 5, 20, 50} {
		synctest.Test(t, func(t *testing.T) {
			var bad []int
			for i := 1; i < 1000; i += every {
				bad = append(bad, i)
			}
			tr := start(t, fails400(400), Options{})
			good := tr.sayNumbered(1000, bad...)
			time.Sleep(time.Minute)
			tr.wantTaken(good...)
			tr.wantBooks(int64(len(good)), Dropped{Rejected: int64(len(bad))}, 0)
			requests, row, most := tr.got(), 0, 0
			for i, r := range requests {
				if i == 0 || r.at != requests[i-1].at {
					row = 0
				}
				row++
				most = max(most, row)
			}
			if most > 1+extraRequests || every < 50 && most < 1+extraRequests {
				t.Errorf("every %d: %d requests in a row, want %d", every, most, 1+extraRequests)
			}
			if n := len(requests); n > 14*len(bad) {
				t.Errorf("every %d: %d requests for %d bad records", every, n, len(bad))
			}
		})
	}
}

// A server that refuses everything, on the first day or later, costs no record: each
// attempt tries a few, and the oldest first.
func TestEverythingIsRefused(t *testing.T) {
	for _, before := range []int{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(200)), Options{})
			first := tr.sayNumbered(before)
			time.Sleep(365 * 24 * time.Hour)
			tr.answerWith(always(status(400)))
			want := []string{"400 Bad Request: nothing was taken, nor ever was; records waiting: 1000; they were compressed: Compression: slogship.None is worth a try"}
			if before > 0 {
				want[0] = "nothing was taken this time; other records were, before; records waiting: 1000; they were compressed"
			}
			all := tr.sayNumbered(1000)
			n := len(tr.got())
			time.Sleep(time.Second)
			synctest.Wait()
			if n := len(tr.got()) - n; n > vainRequests {
				t.Errorf("%d requests in the first attempt, want %d at most", n, vainRequests)
			}
			tr.wantReports(want...)
			time.Sleep(time.Hour)
			tr.wantBooks(int64(before), Dropped{}, 1000)
			requests := tr.got()
			for i := len(requests) - 100; i < len(requests); i++ {
				if r := requests[i]; len(r.messages) != 1 || r.at != requests[i-1].at && r.messages[0] != "0" {
					t.Fatalf("after an hour %q are tried", r.messages)
				}
			}
			if n := len(requests) - n; n > 340*(1+othersRefused) {
				t.Errorf("%d requests within an hour", n)
			}
			tr.answerWith(always(status(200)))
			time.Sleep(time.Minute)
			tr.wantTaken(append(first, all...)...)
			tr.wantReports(append(want, "")...)
		})
	}
}

// A bad record that is alone is judged when the next one is taken, and delays it by
// a back-off.
func TestLoneBadRecord(t *testing.T) {
	for _, o := range []Options{{}, {BatchRecords: 1}} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, fails400(400), o)
			tr.say("bad")
			time.Sleep(time.Hour)
			tr.wantBooks(0, Dropped{}, 1)
			tr.say("a", "b")
			time.Sleep(defaultMaxBackoff + time.Second)
			tr.wantTaken("a", "b")
			tr.wantBooks(2, Dropped{Rejected: 1}, 0)
			tr.say("c")
			time.Sleep(time.Minute)
			tr.wantReports("nothing was taken, nor ever was; records waiting: 1", "")
		})
	}
}

// Two hundred bad records in a row, the oldest of all, hide the good ones for a while.
// Up to fifteen do not change the order.
func TestManyBadRecordsInFront(t *testing.T) {
	for _, n := range []int{vainAlone - 1, 200} {
		synctest.Test(t, func(t *testing.T) {
			var bad []int
			for i := range n {
				bad = append(bad, i)
			}
			tr := start(t, fails400(400), Options{})
			good := tr.sayNumbered(5000, bad...)
			time.Sleep(time.Minute)
			tr.wantBooks(int64(len(good)), Dropped{Rejected: int64(n)}, 0)
			if n := len(tr.got()); n > 20*200 {
				t.Errorf("%d requests", n)
			}
			if n < vainAlone {
				tr.wantTaken(good...)
			}
		})
	}
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
