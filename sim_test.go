package slogship

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A simulation runs the real batcher, judge and pending against a server that is
// a function of time, in fake time: a request takes 5 ms. There is no HTTP in it,
// and a record is eight bytes; what is told apart is its sequence number.
type simulation struct {
	rate   int           // records a second
	lasts  time.Duration // as long as records are logged
	poison func(seq uint64) bool
	server func(s *simulation, bad bool) int // the status code
	atOnce int                               // requests

	mu sync.Mutex // guards what follows

	rng  *rand.Rand
	now  time.Duration
	seen []uint64 // a bit for each record that was taken
	simulated
	newest int64 // of the records taken
	rounds []int // requests of each round; a pause ends it
}

// simulated is what came of it.
type simulated struct {
	good, bad int
	delivered int // good records
	prompt    int // of these, within a minute
	late      int // of these, after a newer one
	doubled   int
	heldGood  int
	longest   time.Duration // from the call to the answer, of a good record
	ended     time.Duration
	requests  int
	stats     Stats
}

const (
	simLatency = 5 * time.Millisecond
	simSettles = 3 * time.Hour // for what is held at the end
)

// lost is how many good records were rejected, or more where bad ones overflowed.
func (r simulated) lost() int {
	return r.good - r.delivered - r.heldGood - int(r.stats.Dropped.Overflow)
}

func (r simulated) share(n int) float64 { return 100 * float64(n) / float64(max(r.good, 1)) }

func (r simulated) String() string {
	return fmt.Sprintf("delivered %6.2f %%, in a minute %6.2f %%, late %5.2f %%, good ones lost %d; "+
		"bad %d, rejected %d, held %d; overflow %d; %d requests",
		r.share(r.delivered), r.share(r.prompt), r.share(r.late), max(r.lost(), 0),
		r.bad, r.stats.Dropped.Rejected, r.stats.Pending, r.stats.Dropped.Overflow, r.requests)
}

func (s *simulation) isBad(seq uint64) bool { return s.poison != nil && s.poison(seq) }

// logged is when a record was.
func (s *simulation) logged(seq uint64) time.Duration {
	return time.Duration(float64(seq) / float64(s.rate) * float64(time.Second))
}

func (s *simulation) run(t *testing.T, seed uint64) simulated {
	synctest.Test(t, func(t *testing.T) {
		s.rng = rand.New(rand.NewPCG(seed, 77))
		o, err := Options{OnError: func(error) {}, Requests: s.atOnce}.resolve()
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse("http://sim.test/")
		if err != nil {
			t.Fatal(err)
		}
		p := newPending(o)
		b := newBatcher(p, newSender(u, "sim", p, o), o)
		b.encode, b.post = simEncode, s.post
		b.encodeBy, b.postBody = func(_ *encoder, pc piece, room int) *body { return simEncode(pc, room) }, s.post
		rng := rand.New(rand.NewPCG(seed, 78))
		b.judge.coin = func() bool { return rng.IntN(2) == 0 }
		b.judge.pick = rng.IntN
		s.newest = -1
		n := int(s.lasts.Seconds() * float64(s.rate))
		s.seen = make([]uint64, n/64+1)
		go b.run()

		tick := max(time.Second/time.Duration(s.rate), 10*time.Millisecond)
		each := max(1, int(tick.Seconds()*float64(s.rate)+0.5))
		rec := make([]byte, 8)
		for i := 0; i < n; {
			for range min(each, n-i) {
				p.push(rec, false)
				i++
			}
			time.Sleep(tick)
		}
		time.Sleep(simSettles)
		for seq := range uint64(n) {
			if s.isBad(seq) {
				s.bad++
			} else {
				s.good++
			}
		}
		s.stats = p.stats()
		if st := s.stats; st.Accepted != st.Delivered+st.Dropped.Total()+st.Pending+st.InFlight {
			t.Errorf("the balance is broken: %+v", st)
		}
		for _, queue := range [][]suspect{p.aside.accused, p.aside.suspects, p.aside.poison} {
			for _, suspect := range queue {
				if !s.isBad(suspect.firstSeq()) {
					s.heldGood++
				}
			}
		}
		if s.doubled > 0 {
			t.Errorf("%d records were taken twice", s.doubled)
		}
		p.abandon()
		b.drain(cancelled(t))
		<-b.done
		b.cancel()
	})
	return s.simulated
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := simNow(); now > s.now || s.rounds == nil {
		s.rounds = append(s.rounds, 0)
	}
	s.rounds[len(s.rounds)-1]++
	s.requests++
	s.mu.Unlock()
	time.Sleep(simLatency)
	s.mu.Lock()
	s.now = simNow()
	bad := false
	each(pc, func(seq uint64) { bad = bad || s.isBad(seq) })
	status := s.server(s, bad)
	if status == http.StatusOK {
		each(pc, s.take)
		s.ended = s.now
	}
	return reply{status: status}
}

func (s *simulation) take(seq uint64) {
	if s.seen[seq/64]&(1<<(seq%64)) != 0 {
		s.doubled++
	}
	s.seen[seq/64] |= 1 << (seq % 64)
	s.delivered++
	waited := s.now - s.logged(seq)
	s.longest = max(s.longest, waited)
	if waited <= time.Minute {
		s.prompt++
	}
	if int64(seq) < s.newest {
		s.late++
	}
	s.newest = max(s.newest, int64(seq))
}

func each(pc piece, f func(seq uint64)) {
	for _, sp := range pc.spans {
		for i := sp.from; i < sp.to; i++ {
			f(sp.b.seq(i))
		}
	}
}

// simNow is the time since any bubble began.
func simNow() time.Duration { return time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) }

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

// faulty is a server that answers fault where fails says so, and code where a
// record is bad.
func faulty(fails func(*simulation) bool, fault, code int) func(*simulation, bool) int {
	return func(s *simulation, bad bool) int {
		switch {
		case fails != nil && fails(s):
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

// simTime is how long simulations log. A CI test can afford minutes;
//
//	SLOGSHIP_SIMULATE=24h go test -run TestSimulation -v -timeout 0 .
//
// takes a day.
func simTime(short time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv("SLOGSHIP_SIMULATE")); err == nil {
		return d
	}
	return short
}

// What must hold where a server fails, or refuses, at random or for what is in a
// record: no good one is dropped; they are delivered as where the same faults are
// 503, or most of them within a minute; few are late, which is after a newer one.
func TestSimulation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fails  func(*simulation) bool
		poison func(uint64) bool
		code   int // for poison
		lasts  time.Duration
		gaps   int             // outages, after each of which luck decides when it is noticed
		late   float64         // percent at most
		prompt map[int]float64 // percent at least, by rate
	}{
		{name: "1/3", fails: random(1. / 3), late: 5},
		{name: "1/2", fails: random(1. / 2), late: 15},
		{name: "2/3", fails: random(2. / 3), late: 30},
		{name: "every second", fails: everySecond, late: 5},
		{name: "30 % of minutes", fails: minutes, gaps: 3, late: 5},
		{name: "10 minutes", fails: outage(10 * time.Minute), gaps: 1, lasts: 12 * time.Minute},
		{name: "an hour", fails: outage(time.Hour), gaps: 1, lasts: time.Hour + 2*time.Minute},
		{name: "a day", fails: outage(24 * time.Hour), gaps: 1, lasts: 24*time.Hour + 2*time.Minute},
		{name: "one 500", poison: only(20), code: 500, prompt: map[int]float64{1: 100, 100: 100, 1000: 100}},
		{name: "1 in 1,000 500", poison: oneIn(1000), code: 500, late: 1, prompt: map[int]float64{100: 99, 1000: 99}},
		{name: "1 in 50 500", poison: oneIn(50), code: 500, late: 1, prompt: map[int]float64{100: 90, 1000: 70}},
		{name: "1 in 1,000 500, and 1/3", fails: random(1. / 3), poison: oneIn(1000), code: 500, late: 10, prompt: map[int]float64{100: 95, 1000: 95}},
		{name: "one 400", poison: only(20), code: 400, prompt: map[int]float64{1: 100, 100: 100, 1000: 100}},
		{name: "1 in 1,000 400", poison: oneIn(1000), code: 400, prompt: map[int]float64{100: 99, 1000: 99}},
		{name: "1 in 50 400", poison: oneIn(50), code: 400, prompt: map[int]float64{100: 90, 1000: 70}},
		{name: "1 in 1,000 400, and 1/3", fails: random(1. / 3), poison: oneIn(1000), code: 400, late: 1, prompt: map[int]float64{100: 95, 1000: 95}},
	} {
		for _, rate := range []int{1, 100, 1000} {
			long := c.lasts > time.Hour && rate == 1000 || c.lasts > 24*time.Hour && rate > 1
			if c.prompt != nil && c.prompt[rate] == 0 || rate == 1000 && raceDetector || long && simTime(0) == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", c.name, rate), func(t *testing.T) {
				lasts := c.lasts
				switch {
				case lasts > 0:
				case rate == 1:
					lasts = simTime(time.Hour)
				default:
					lasts = simTime(6 * time.Minute)
				}
				run := func(fault int) (*simulation, simulated) {
					s := &simulation{rate: rate, lasts: lasts, poison: c.poison, server: faulty(c.fails, fault, c.code)}
					return s, s.run(t, 1)
				}
				s, r := run(http.StatusInternalServerError)
				t.Logf("%-23s %5d/s: %v", c.name, rate, r)
				if r.lost() > 0 {
					t.Errorf("%d good records were lost", r.lost())
				}
				if late := r.share(r.late); late > c.late {
					t.Errorf("%.2f %% are late, want %.2f %% at most", late, c.late)
				}
				if got, want := r.share(r.prompt), c.prompt[rate]; got < want {
					t.Errorf("%.2f %% were delivered within a minute, want %.2f %%", got, want)
				}
				if c.poison == nil {
					_, other := run(http.StatusServiceUnavailable)
					t.Logf("%-23s %5d/s: %v, if it were 503", "", rate, other)
					luck := 100 * float64(c.gaps) * defaultMaxBackoff.Seconds() / lasts.Seconds()
					if got, want := r.share(r.delivered), other.share(other.delivered)-2-luck; got < want {
						t.Errorf("%.2f %% were delivered, want %.2f %%", got, want)
					}
				}
				if c.lasts > 0 { // the last rounds are after the outage
					for i, n := range s.rounds[patience+1 : len(s.rounds)/4] {
						if n > 2 {
							t.Errorf("round %d of the outage has %d requests, want 2 at most", patience+1+i, n)
						}
					}
				}
				if c.prompt[1] > 0 && c.code == http.StatusInternalServerError {
					if most := 6 * time.Second; r.longest > most { // FlushInterval and three back-offs
						t.Errorf("a good record waited for %v, want %v at most", r.longest, most)
					}
					if r.stats.Dropped.Rejected != 1 {
						t.Error("the bad one was not dropped in the end")
					}
				}
			})
		}
	}
}

// With four requests at once, too, no good record is lost or sent again once it was
// taken, and the bad ones are found, where a server fails at random as well.
func TestSimulationAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fails  func(*simulation) bool
		poison func(uint64) bool
		code   int
		prompt float64 // percent at least
	}{
		{name: "all well", prompt: 100},
		{name: "1/3", fails: random(1. / 3)},
		{name: "10 minutes", fails: outage(10 * time.Minute)},
		{name: "1 in 1,000 500", poison: oneIn(1000), code: 500, prompt: 99},
		{name: "1 in 1,000 400, and 1/3", fails: random(1. / 3), poison: oneIn(1000), code: 400, prompt: 95},
		{name: "1 in 50 400", poison: oneIn(50), code: 400, prompt: 90},
	} {
		t.Run(c.name, func(t *testing.T) {
			if raceDetector && c.poison != nil {
				t.Skip("takes long")
			}
			s := &simulation{
				rate: 100, lasts: simTime(12 * time.Minute), atOnce: 4,
				poison: c.poison, server: faulty(c.fails, http.StatusInternalServerError, c.code),
			}
			r := s.run(t, 1)
			t.Logf("%-23s %v", c.name, r)
			if r.lost() > 0 {
				t.Errorf("%d good records were lost", r.lost())
			}
			if got := r.share(r.prompt); got < c.prompt {
				t.Errorf("%.2f %% were delivered within a minute, want %.2f %%", got, c.prompt)
			}
		})
	}
}

// Bad records among ten thousand: all good ones are delivered, and only the bad ones
// are rejected, within so many requests and so much time.
func TestIsolationIsCheap(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 10, 50, 200} {
		for seed := range uint64(5) {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			bad := map[uint64]bool{}
			for len(bad) < n {
				bad[rng.Uint64N(10_000)] = true
			}
			s := &simulation{
				rate: 1_000_000, lasts: 10 * time.Millisecond,
				poison: func(seq uint64) bool { return bad[seq] },
				server: faulty(nil, 0, http.StatusBadRequest),
			}
			r := s.run(t, seed)
			t.Logf("%3d bad: %4d requests, %.1f each, %v", n, r.requests, float64(r.requests)/float64(n), r.ended.Round(time.Millisecond))
			if r.delivered != 10_000-n || r.stats.Dropped != (Dropped{Rejected: int64(n)}) || r.late > 0 {
				t.Errorf("%v", r)
			}
			if r.requests >= 40*n || r.ended > time.Minute {
				t.Errorf("%d requests for %d bad records in %v", r.requests, n, r.ended)
			}
		}
	}
}
