package slogship

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fails500 answers 500 to every request with a bad record in it.
func fails500(r *request) answered {
	if r.bad() {
		return status(500)
	}
	return status(200)
}

// sayNumbered logs n records; those in bad are bad. It returns the good ones.
func (tr *trial) sayNumbered(n int, bad ...int) (good []string) {
	for i := range n {
		if slices.Contains(bad, i) {
			tr.say(fmt.Sprint("bad", i))
			continue
		}
		good = append(good, fmt.Sprint(i))
		tr.say(fmt.Sprint(i))
	}
	return good
}

// A record that makes the server answer 500 is found and set aside, wherever it
// stands, and however many others there are: those arrive, in order, after three
// back-offs. It is dropped once enough others were taken beside it.
func TestBadRecordMakesServerFail(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		bad   []int
		batch int
	}{
		{"first", 10, []int{0}, 0},
		{"middle", 10, []int{5}, 0},
		{"last", 10, []int{9}, 0},
		{"first of two", 2, []int{0}, 0},
		{"last of two", 2, []int{1}, 0},
		{"first of many", 1000, []int{0}, 0},
		{"middle of many", 1000, []int{501}, 0},
		{"last of many", 1000, []int{999}, 0},
		{"first of a later batch", 40, []int{20}, 20},
		{"two in a row", 10, []int{3, 4}, 0},
		{"first two", 10, []int{0, 1}, 0},
		{"ten in a row", 30, []int{5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 0},
		{"the first ten", 30, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 0},
		{"here and there", 100, []int{0, 10, 11, 50, 98}, 0},
		{"one by one", 10, []int{0, 4}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, fails500, Options{BatchRecords: c.batch})
				good := tr.sayNumbered(c.n, c.bad...)
				if len(c.bad) == 1 {
					time.Sleep(5 * time.Second) // FlushInterval and three back-offs
				} else {
					time.Sleep(time.Hour)
				}
				tr.wantTaken(good...)
				tr.wantBooks(int64(len(good)), Dropped{}, int64(len(c.bad)))
				for i := range 500 {
					tr.say(fmt.Sprint("more", i))
					time.Sleep(5 * time.Second)
				}
				tr.wantBooks(int64(len(good))+500, Dropped{Rejected: int64(len(c.bad))}, 0)
				if reports := tr.reports(); len(reports) == 0 || !strings.Contains(reports[0].Error(), "500") {
					t.Errorf("OnError was told %q", reports)
				}
				tr.wantOneID()
			})
		})
	}
}

// The batch is sent whole three times over. When it fails for the fourth time, one
// record of it is tried, and the next.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(500)), Options{})
		tr.sayNumbered(100)
		time.Sleep(10 * time.Minute)
		var sent []string
		for _, r := range tr.got()[:8] {
			sent = append(sent, fmt.Sprint(r.messages[0], "+", len(r.messages)-1))
		}
		want := []string{"0+99", "0+99", "0+99", "0+99", "0+0", "1+0", "0+0", "2+0"}
		if !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
		n := len(tr.got())
		tr.answerWith(always(status(200)))
		time.Sleep(defaultMaxBackoff)
		tr.wantRequests(n + 2) // the oldest, and the rest
	})
}

// What gets a 500 is lost by none but a fair toss, thirty times: the suspect goes
// before or after the other one as the coin decides.
func TestTosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{})
		tr.say("bad", "good")
		time.Sleep(time.Minute)
		n := len(tr.got())
		alone, before, after := 0, 0, 0
		for i := 0; tr.Stats().Dropped.Rejected == 0; i++ {
			tr.say(fmt.Sprint(i))
			time.Sleep(slowTosses + time.Second)
		}
		requests := tr.got()[n:]
		for i, r := range requests {
			switch {
			case !r.has("bad"):
			case i > 0 && requests[i-1].at == r.at:
				after++
			case i+1 < len(requests) && requests[i+1].at == r.at:
				before++
			default:
				alone++
			}
		}
		if before+after != 30 || before < 3 || after < 3 {
			t.Errorf("the bad record was sent %d times before and %d times after another one, %d times alone", before, after, alone)
		}
		tr.wantReports("500", "", "500 Internal Server Error")
	})
}

// A server that fails every second request fails over every record, and over none.
func TestInnocentIsAcquitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(r *request) answered {
			if r.at > time.Minute && r.n%2 == 0 {
				return status(500)
			}
			if r.at < time.Minute && r.has("odd") {
				return status(500)
			}
			return status(200)
		}, Options{})
		tr.say("odd", "a", "b")
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b")
		for i := range 100 {
			tr.say(fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		tr.wantBooks(103, Dropped{}, 0)
	})
}

// An outage in which the server answers 500, however long, drops nothing and
// keeps the order, whatever is logged meanwhile and whenever it ends.
func TestLongOutageOf500(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			outage := time.Second + rand.N(30*time.Minute)
			tr := start(t, func(r *request) answered {
				if r.at < outage {
					return status(500)
				}
				return status(200)
			}, Options{BatchRecords: 1 + rng.IntN(300), Compression: None})
			var all []string
			for i := range 200 {
				if rng.IntN(10) == 0 {
					time.Sleep(rand.N(outage / 10))
				}
				all = append(all, fmt.Sprint(i))
				tr.say(all[i])
			}
			time.Sleep(outage + time.Hour)
			tr.wantTaken(all...)
			tr.wantBooks(200, Dropped{}, 0)
			tr.wantReports("500", "")
		})
	}
}

// During an outage the test of neighbours costs a few small requests for each
// back-off, and not more the longer it lasts.
func TestOutageOf500IsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(500)), Options{})
		tr.sayNumbered(1000)
		time.Sleep(2 * time.Hour)
		before := len(tr.got())
		time.Sleep(time.Hour)
		// A back-off is 15 s on average: 240 attempts, give or take 50.
		if n := len(tr.got()) - before; n > 3*340 {
			t.Errorf("%d requests in the third hour", n)
		}
	})
}

// An outage that ends with a bad record at the front: the good ones behind it
// are taken in order all the same.
func TestBadRecordAfterOutage(t *testing.T) {
	for seed := range 20 {
		synctest.Test(t, func(t *testing.T) {
			outage := 10*time.Minute + rand.N(10*time.Minute)
			tr := start(t, func(r *request) answered {
				if r.at < outage {
					return status(500)
				}
				return fails500(r)
			}, Options{Compression: None})
			good := tr.sayNumbered(100, 0, 7+seed)
			time.Sleep(outage + time.Hour)
			tr.wantTaken(good...)
			tr.wantBooks(98, Dropped{}, 2)
		})
	}
}

// With nothing else to send nothing is judged: a record that fails alone is kept, and
// tried again and again.
func TestLoneRecordIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{})
		tr.say("bad")
		time.Sleep(3 * time.Hour)
		tr.wantBooks(0, Dropped{}, 1)
		tr.say("good")
		time.Sleep(time.Hour)
		tr.wantBooks(1, Dropped{}, 1)
		n := len(tr.got())
		time.Sleep(time.Hour)
		if n := len(tr.got()) - n; n < 120 || n > 480 {
			t.Errorf("%d requests within an hour, want one in 15 s on average", n)
		}
		tr.wantReports("500", "")
		tr.answerWith(always(status(200)))
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		tr.wantTaken("good", "bad")
	})
}

// What is set aside is pending: Flush waits for it, Discard drops it, and Shutdown
// tries it once.
func TestSuspectsArePending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aside := func(bad ...string) *trial {
			tr := start(t, fails500, Options{})
			tr.say(append(bad, "good")...)
			time.Sleep(time.Hour)
			tr.wantTaken("good")
			tr.wantBooks(1, Dropped{}, int64(len(bad)))
			return tr
		}
		tr := aside("bad")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tr.Flush(ctx); !errors.Is(err, ErrUnsent) {
			t.Errorf("Flush: %v", err)
		}
		if n := tr.Discard(); n != 1 {
			t.Errorf("Discard: %d", n)
		}
		tr.wantBooks(1, Dropped{Discarded: 1}, 0)

		tr = aside("bad0", "bad1", "bad2")
		n := len(tr.got())
		began := time.Now()
		if err := tr.Close(); !errors.Is(err, ErrUnsent) || time.Since(began) > time.Second {
			t.Errorf("Close after %v: %v", time.Since(began), err)
		}
		tr.wantRequests(n + 3)
		tr.wantBooks(1, Dropped{Shutdown: 3}, 0)

		tr = aside("bad0", "bad1", "bad2")
		tr.answerWith(always(status(200)))
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		tr.wantBooks(4, Dropped{}, 0)
	})
}

// A record that per-record answers defer again and again with 5xx is judged by its
// neighbours, one of each request; one that is deferred for another reason never is.
func TestFailedOutcomeIsJudged(t *testing.T) {
	for _, c := range []struct {
		outcome Outcome
		want    Dropped
		held    int64
	}{{Failed, Dropped{Rejected: 1}, 0}, {Resend, Dropped{}, 1}} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(200)), Options{Format: fakeFormat{read: func(a Answer) Verdict {
				v := Verdict{Action: Accept, Outcomes: make([]Outcome, a.Records)}
				v.Outcomes[0] = c.outcome // the bad one is the oldest
				return v
			}}})
			tr.say("bad")
			for range 9 * 60 {
				tr.say("good")
				time.Sleep(time.Second)
			}
			tr.core.batcher.p.length()
			if s := tr.Stats(); s.Dropped != (Dropped{}) {
				t.Errorf("after nine minutes %v", s.Dropped)
			}
			for range 30 * 60 {
				tr.say("good")
				time.Sleep(time.Second)
			}
			if s := tr.Stats(); s.Dropped.Total() > 0 != (c.outcome == Failed) {
				t.Errorf("after an hour %v", s.Dropped)
			}
		})
	}
}

// That a record was once to blame says nothing about the next outage, even if
// only a single record, logged later, is held in it.
func TestLaterOutageIsNoProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{BatchRecords: 1000})
		tr.sayNumbered(10, 9)
		time.Sleep(time.Hour)
		tr.wantBooks(9, Dropped{}, 1)
		tr.answerWith(always(status(500)))
		tr.say("innocent")
		time.Sleep(3 * time.Hour)
		tr.wantBooks(9, Dropped{}, 2)
		tr.answerWith(always(status(200)))
		time.Sleep(time.Hour)
		tr.wantBooks(11, Dropped{}, 0)
	})
}

// A 500 that says when to come again is obeyed: no neighbour is tried at once.
func TestRetryAfterOf500IsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(500).with("Retry-After", "60")), Options{})
		tr.sayNumbered(4)
		time.Sleep(24 * time.Hour)
		requests := tr.got()
		for i := range len(requests) - 1 {
			if gap := requests[i+1].at - requests[i].at; gap < time.Minute {
				t.Fatalf("request %d came %v after the one before, want a minute", i+1, gap)
			}
		}
		tr.wantBooks(0, Dropped{}, 4)
	})
}

// The neighbour that is tried may be refused for reasons of its own: nothing
// is lost or doubled by that.
func TestNeighbourHasTroublesOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  answered
		dropped Dropped
	}{
		{"bad request", status(400), Dropped{Rejected: 1}},
		{"too large", status(413), Dropped{TooLarge: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, func(r *request) answered {
					switch {
					case r.has("front"):
						return status(500)
					case r.has("odd"):
						return c.answer
					}
					return status(200)
				}, Options{})
				tr.say("front", "odd", "a", "b")
				time.Sleep(time.Hour)
				tr.wantTaken("a", "b")
				tr.wantBooks(2, c.dropped, 1)
			})
		})
	}
}
