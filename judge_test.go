package slogship

import (
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

// A record that makes the server answer 500 is found and dropped, wherever it
// stands, and however many others there are. All others arrive, in order.
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
				time.Sleep(time.Hour)
				tr.wantTaken(good...)
				tr.wantBooks(int64(len(good)), Dropped{Rejected: int64(len(c.bad))}, 0)
				if reports := tr.reports(); len(reports) == 0 || !strings.Contains(reports[0].Error(), "500") {
					t.Errorf("OnError was told %q", reports)
				}
			})
		})
	}
}

// The batch is sent whole five times over, and then in halves.
func TestSame500FiveTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(500)), Options{})
		tr.sayNumbered(100)
		time.Sleep(10 * time.Minute)
		var sizes []int
		for _, r := range tr.got() {
			sizes = append(sizes, len(r.messages))
		}
		if want := []int{100, 100, 100, 100, 100, 50, 25, 12, 6, 3, 1}; !slices.Equal(sizes[:len(want)], want) {
			t.Errorf("batches of %v", sizes)
		}
		tr.answerWith(always(status(200)))
		time.Sleep(10 * time.Minute)
		// Once the server works again batches grow as fast as they shrank.
		var grown []int
		for _, r := range tr.got()[len(sizes):] {
			if slices.Contains(tr.acknowledged(), r.messages[0]) {
				grown = append(grown, len(r.messages))
			}
		}
		if want := []int{1, 2, 4, 8, 16, 32, 37}; !slices.Equal(grown, want) {
			t.Errorf("after the outage batches of %v, want %v", grown, want)
		}
	})
}

// A record must fail alone three times before its neighbour is tried, and once
// more after that was taken.
func TestNeighbourIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{})
		tr.say("bad", "good")
		time.Sleep(time.Hour)
		var sent []string
		for _, r := range tr.got() {
			sent = append(sent, strings.Join(r.messages, " "))
		}
		want := append(slices.Repeat([]string{"bad good"}, patience), "bad", "bad", "bad", "good", "bad")
		if !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
		r := tr.got()
		if first := len(r) - 3; r[first].at != r[len(r)-1].at {
			t.Errorf("the test took from %v to %v, want one attempt", r[first].at, r[len(r)-1].at)
		}
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
			tr.wantBooks(98, Dropped{Rejected: 2}, 0)
		})
	}
}

// A record that is alone is kept: whether it or the server is to blame shows
// as soon as there is another one.
func TestLoneRecordIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{})
		tr.say("bad")
		time.Sleep(3 * time.Hour)
		tr.wantBooks(0, Dropped{}, 1)
		tr.say("good")
		time.Sleep(time.Hour)
		tr.wantBooks(1, Dropped{Rejected: 1}, 0)
		tr.say("more")
		time.Sleep(time.Minute)
		tr.wantReports("500", "")
	})
}

// That a record was once to blame says nothing about the next outage, even if
// only a single record, logged later, is held in it.
func TestLaterOutageIsNoProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{BatchRecords: 1000})
		tr.sayNumbered(10, 9)
		time.Sleep(time.Hour)
		tr.wantBooks(9, Dropped{Rejected: 1}, 0)
		tr.answerWith(always(status(500)))
		tr.say("innocent")
		time.Sleep(3 * time.Hour)
		tr.wantBooks(9, Dropped{Rejected: 1}, 1)
		tr.answerWith(always(status(200)))
		time.Sleep(time.Hour)
		tr.wantBooks(10, Dropped{Rejected: 1}, 0)
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
		{"bad request", status(400), Dropped{Rejected: 2}},
		{"too large", status(413), Dropped{Rejected: 1, TooLarge: 1}},
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
				tr.wantBooks(2, c.dropped, 0)
			})
		})
	}
}
