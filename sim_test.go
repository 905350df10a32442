package slogship

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// A simulation runs the real batcher, judge and pending against a server that is
// a function of time, in fake time: a request takes 5 ms. There is no HTTP in it,
// and a record is eight bytes; what is told apart is its sequence number.
type simulation struct {
	rate    int           // records a second
	lasts   time.Duration // as long as records are logged
	options Options
	poison  func(seq uint64) bool
	server  func(s *simulation, bad bool) int // the status code

	rng      *rand.Rand
	now      time.Duration
	requests int
	b        *batcher
	at       []time.Duration // when each record was taken; -1: not
	newest   int64           // of the records taken
	late     int             // records taken after a newer one
	doubled  int
	recent   []time.Duration // of requests in a row, without a pause
	sizes    []int           // of all requests, if they are kept
	times    []time.Duration
	keep     bool
}

const (
	simLatency = 5 * time.Millisecond
	simSettles = 3 * time.Hour // for what is held at the end
)

// simulated is what came of it.
type simulated struct {
	good, goodDelivered, goodLost, goodInAMinute int
	bad, badRejected, badHeld                    int
	late                                         int
	requests                                     int
	stats                                        Stats
}

func (r simulated) share(n int) float64 { return 100 * float64(n) / float64(max(r.good, 1)) }

func (s *simulation) run(t *testing.T, seed uint64) (r simulated) {
	synctest.Test(t, func(t *testing.T) {
		s.rng = rand.New(rand.NewPCG(seed, 77))
		o, err := s.options.resolve()
		if err != nil {
			t.Fatal(err)
		}
		o.OnError = func(error) {}
		u, err := url.Parse("http://sim.test/")
		if err != nil {
			t.Fatal(err)
		}
		p := newPending(o)
		s.b = newBatcher(p, newSender(u, "sim", p, o), o)
		s.b.encode, s.b.post = simEncode, s.post
		rng := rand.New(rand.NewPCG(seed, 78))
		s.b.judge.coin = func() bool { return rng.IntN(2) == 0 }
		s.b.judge.pick = rng.IntN
		began := time.Now()
		s.newest = -1
		go s.b.run()

		n := int(s.lasts.Seconds() * float64(s.rate))
		s.at = make([]time.Duration, n)
		for i := range s.at {
			s.at[i] = -1
		}
		tick := max(time.Second/time.Duration(s.rate), 10*time.Millisecond)
		each := max(1, int(tick.Seconds()*float64(s.rate)+0.5))
		rec := make([]byte, 8)
		logged := make([]time.Duration, n)
		var final Stats
		for i := 0; i < n; {
			for range min(each, n-i) {
				logged[i] = time.Since(began)
				p.push(rec, false)
				i++
			}
			time.Sleep(tick)
		}
		time.Sleep(simSettles)
		final = p.stats()
		if final.Accepted != final.Delivered+final.Dropped.Total()+final.Pending+final.InFlight {
			t.Errorf("the balance is broken: %+v", final)
		}
		s.b.cancel()
		s.b.drain(cancelled(t))
		<-s.b.done
		p.abandon()

		r = simulated{late: s.late, requests: s.requests, stats: final}
		for i, at := range s.at {
			if s.poison != nil && s.poison(uint64(i)) {
				r.bad++
				continue
			}
			r.good++
			if at >= 0 {
				r.goodDelivered++
				if at-logged[i] <= time.Minute {
					r.goodInAMinute++
				}
			}
		}
		r.badRejected = int(final.Dropped.Rejected)
		r.badHeld = int(final.Pending)
		r.goodLost = r.good - r.goodDelivered - int(final.Dropped.Overflow)
		if s.doubled > 0 {
			t.Errorf("%d records were taken twice", s.doubled)
		}
	})
	return r
}

// simEncode makes bodies of as many bytes as the records have.
func simEncode(pc piece, room int) *body {
	n := 1
	for n < pc.records && (n+1)*pc.bytes/pc.records <= room {
		n++
	}
	b := new(body)
	b.taken, b.rest = pc.split(n)
	b.encoded = b.taken.bytes
	return b
}

// post is the server.
func (s *simulation) post(body *body) reply {
	pc := body.taken
	if s.keep {
		s.sizes = append(s.sizes, pc.records)
		s.times = append(s.times, time.Since(simBegan()))
	}
	s.requests++
	time.Sleep(simLatency)
	s.now = time.Since(simBegan())
	bad := false
	if s.poison != nil {
		s.each(pc, func(seq uint64) { bad = bad || s.poison(seq) })
	}
	status := s.server(s, bad)
	if status == http.StatusOK {
		s.each(pc, func(seq uint64) {
			if s.at[seq] >= 0 {
				s.doubled++
			}
			s.at[seq] = s.now
			if int64(seq) < s.newest {
				s.late++
			}
			s.newest = max(s.newest, int64(seq))
		})
	}
	return reply{status: status}
}

func (s *simulation) each(pc piece, f func(seq uint64)) {
	for _, sp := range pc.spans {
		for i := sp.from; i < sp.to; i++ {
			f(sp.b.seq(i))
		}
	}
}

// simBegan is when any bubble begins.
func simBegan() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// random fails with probability p.
func random(p float64) func(*simulation) bool {
	return func(s *simulation) bool { return s.rng.Float64() < p }
}

func everySecond(s *simulation) bool { return s.requests%2 == 0 }

// minutes fails in 30 % of all minutes.
func minutes(s *simulation) bool {
	return rand.New(rand.NewPCG(uint64(s.now/time.Minute), 5)).IntN(10) < 3
}

func outage(d time.Duration) func(*simulation) bool {
	return func(s *simulation) bool { return s.now < d }
}

func never(*simulation) bool { return false }

// faulty is a server that answers fault where fails says so, and code where a
// record is bad.
func faulty(fails func(*simulation) bool, fault, code int) func(*simulation, bool) int {
	return func(s *simulation, bad bool) int {
		switch {
		case fails(s):
			return fault
		case bad:
			return code
		}
		return http.StatusOK
	}
}

func oneIn(n uint64) func(uint64) bool {
	return func(seq uint64) bool { return (seq*2654435761+n/2)>>3%n == 0 }
}

func only(bad uint64) func(uint64) bool { return func(seq uint64) bool { return seq == bad } }

// simTime is how long simulations log: a CI test can afford minutes.
func simTime(short time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv("SLOGSHIP_SIMULATE")); err == nil {
		return d
	}
	return short
}

// TestSimulation is the table of what must hold where the server fails, or
// refuses, at random or for what is in a record.
func TestSimulation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		fails     func(*simulation) bool
		poison    func(uint64) bool
		code      int
		lasts     time.Duration
		late      float64 // percent at most
		minute    float64 // percent within a minute at least
		minAt1000 float64
		same      bool // compare with 503
		rates     []int
	}{
		{name: "1/3", fails: random(1. / 3), late: 5, same: true},
		{name: "1/2", fails: random(1. / 2), late: 15, same: true},
		{name: "2/3", fails: random(2. / 3), late: 100, same: true},
		{name: "every second", fails: everySecond, late: 100, same: true},
		{name: "30 % of minutes", fails: minutes, late: 100, same: true},
		{name: "10 minutes", fails: outage(10 * time.Minute), lasts: 12 * time.Minute, same: true},
		{name: "an hour", fails: outage(time.Hour), lasts: 62 * time.Minute, same: true},
		{name: "one", fails: never, poison: only(20), code: 500, late: 0, minute: 99},
		{name: "1 in 1,000", fails: never, poison: oneIn(1000), code: 500, late: 1, minute: 99, minAt1000: 99},
		{name: "1 in 50", fails: never, poison: oneIn(50), code: 500, late: 1, minute: 90, minAt1000: 70},
		{name: "1 in 1,000 and 1/3", fails: random(1. / 3), poison: oneIn(1000), code: 500, late: 100, minute: 95, minAt1000: 95},
		{name: "one, 400", fails: never, poison: only(20), code: 400, late: 0, minute: 99},
		{name: "1 in 1,000, 400", fails: never, poison: oneIn(1000), code: 400, late: 0, minute: 99, minAt1000: 99},
		{name: "1 in 50, 400", fails: never, poison: oneIn(50), code: 400, late: 0, minute: 90, minAt1000: 70},
		{name: "1 in 1,000, 400, and 1/3", fails: random(1. / 3), poison: oneIn(1000), code: 400, late: 100, minute: 95, minAt1000: 95},
	} {
		for _, rate := range []int{1, 100, 1000} {
			if c.poison != nil && rate == 1 && c.minute != 99 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", c.name, rate), func(t *testing.T) {
				lasts := c.lasts
				if lasts == 0 {
					lasts = simTime(20 * time.Minute)
					if rate == 1 {
						lasts = simTime(2 * time.Hour)
					}
				}
				run := func(fault int) simulated {
					s := &simulation{rate: rate, lasts: lasts, poison: c.poison, server: faulty(c.fails, fault, c.code)}
					return s.run(t, 1)
				}
				r := run(500)
				t.Logf("%-26s %5d/s: delivered %6.2f %%, in a minute %6.2f %%, late %5.2f %%, lost %d; bad %d: rejected %d, held %d; overflow %d; %d requests",
					c.name, rate, r.share(r.goodDelivered), r.share(r.goodInAMinute), r.share(r.late), r.goodLost,
					r.bad, r.badRejected, r.badHeld, r.stats.Dropped.Overflow, r.requests)
				if c.same {
					other := run(503)
					t.Logf("%-26s %5d/s: delivered %6.2f %%, in a minute %6.2f %% with 503; %d requests", c.name, rate,
						other.share(other.goodDelivered), other.share(other.goodInAMinute), other.requests)
				}
			})
		}
	}
}
