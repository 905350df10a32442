package slogship

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// A hearing is a judge without a batcher and HTTP. Records are 100 bytes long; what is
// told apart is their sequence numbers.
type hearing struct {
	judge
	t    *testing.T
	room int // records that a body has room for; 0 is any number
	sent []string
	now  time.Time
}

// hear returns a hearing over n records, of which those in bad are set aside already.
func hear(t *testing.T, n int, bad ...uint64) *hearing {
	t.Helper()
	p := newPending(queueSettings(10_000, 10_000_000, 1000, 10_000_000))
	h := &hearing{t: t, judge: newJudge(p, time.Minute), now: time.Unix(1e9, 0)}
	for range n {
		p.push(make([]byte, 100), false)
	}
	if len(bad) > 0 {
		batch := p.swap()
		var rest piece
		for i := range n {
			one, _ := batch.pick(i)
			if slices.Contains(bad, uint64(i)) {
				p.setAside(one)
			} else {
				rest = join(rest, one)
			}
		}
		p.restore(rest)
	}
	return h
}

// attempt makes one attempt, in which the server answers status for a piece.
func (h *hearing) attempt(status func(pc piece) int) (end ending, rest bool) {
	h.t.Helper()
	h.sent = nil
	if !h.begin(h.now) {
		h.t.Fatal("there is nothing to send")
	}
	for {
		pc, _, ok := h.next()
		if !ok {
			break
		}
		room := math.MaxInt
		if h.room > 0 {
			room = h.room * 100
		}
		b := simEncode(pc, min(room, h.sizes.limit()))
		pc = h.encoded(b)
		h.sent = append(h.sent, fmt.Sprint(pc.firstSeq(), "+", pc.records-1))
		code := status(pc)
		h.answered(pc, ruling{Verdict: Verdict{Action: byStatus(code)}, size: b.encoded, crashed: code == 500})
	}
	end, rest = h.finish()
	if s := h.p.stats(); s.InFlight != 0 {
		h.t.Errorf("after an attempt %d records are in flight", s.InFlight)
	}
	return end, rest
}

func (h *hearing) wantSent(want ...string) {
	h.t.Helper()
	if !slices.Equal(h.sent, want) {
		h.t.Errorf("sent %q, want %q", h.sent, want)
	}
}

func has(pc piece, bad ...uint64) (found bool) {
	each(pc, func(seq uint64) { found = found || slices.Contains(bad, seq) })
	return found
}

// failing answers status to what has a bad record.
func failing(status int, bad ...uint64) func(piece) int {
	return func(pc piece) int {
		if has(pc, bad...) {
			return status
		}
		return 200
	}
}

// What a body has no room for, at the end of a batch, waits in pending for more; in
// the middle of one it goes next.
func TestRestOfABodyWaitsForMore(t *testing.T) {
	h := hear(t, 10)
	h.room = 7
	if end, rest := h.attempt(failing(400)); end != done || rest || h.p.length() != 3 {
		t.Errorf("the end is %d, %d records are pending", end, h.p.length())
	}
	h.wantSent("0+6")

	h = hear(t, 10)
	h.room, h.gap = 7, 9
	if end, _ := h.attempt(failing(400)); end != done || h.p.length() != 0 {
		t.Errorf("the end is %d, %d records are pending", end, h.p.length())
	}
	h.wantSent("0+6", "7+2")
}

// Where there is little to send it is divided into four tosses for each suspect. Where
// a full batch waits it is not, and one request in eight is a toss.
func TestLittleIsDividedForTosses(t *testing.T) {
	h := hear(t, 18, 0, 1)
	h.coin = func() bool { return false }
	h.attempt(failing(500, 0, 1))
	h.wantSent("2+1", "0+0", "4+1", "0+0", "6+1", "0+0", "8+1", "0+0", "10+1", "0+0", "12+1", "0+0", "14+1", "0+0", "16+1", "0+0")
	if s := h.p.aside.accused; len(s) != 1 || s[0].lost != 8 {
		t.Errorf("the suspects that have lost are %+v, want one that has lost 8 tosses", s)
	}

	h = hear(t, 1000, 0)
	for range 2000 {
		h.p.push(make([]byte, 100), false)
	}
	h.coin = func() bool { return false }
	h.attempt(failing(500, 0))
	h.wantSent("1+999", "0+0")
	h.sizes.good, h.sizes.bad, h.sizes.at = 10_000, 11_000, h.now
	h.attempt(failing(500, 0))
	h.wantSent("1001+99", "0+0", "1101+99", "1201+99", "1301+99", "1401+99", "1501+99", "1601+99", "1701+99", "0+0", "1801+99", "1901+99")
}

// After seventeen records in a row that were refused alone, one of them from further
// back, the attempt pauses, and nothing is dropped: the server may refuse everything.
func TestManyRefusalsPause(t *testing.T) {
	h := hear(t, 100)
	taken := 0
	h.pick = func(n int) int { return n / 2 }
	end, rest := h.attempt(func(pc piece) int {
		if pc.records == 1 && pc.firstSeq() == 0 {
			taken++
			return 200
		}
		return 400
	})
	alone := 0
	for _, s := range h.sent {
		if s[len(s)-2:] == "+0" {
			alone++
		}
	}
	if s := h.p.stats(); end != paused || !rest || taken != 1 || alone != 1+vainAlone+1 || s.Delivered != 1 || s.Pending != 99 {
		t.Errorf("the end is %d, %d records were taken, %d refused alone; %v", end, taken, alone-1, s)
	}
	if last := h.sent[len(h.sent)-1]; last <= "50" {
		t.Errorf("the last one that was tried is %s", last)
	}
}

// A record that fails alone, once, while others are taken, is tried once more before
// it is set aside; it is where it fails again.
func TestRecordFailsAloneTwice(t *testing.T) {
	for fails, want := range []int{0, 0, 1} {
		h := hear(t, 10)
		h.crashes, h.ever = patience, true
		h.attempt(func(pc piece) int {
			if has(pc, 5) && (pc.records > 1 || fails > 0) {
				if pc.records == 1 {
					fails--
				}
				return 500
			}
			return 200
		})
		if n := h.p.suspects(); n != want || h.p.length() != 0 || h.gap != 0 {
			t.Errorf("%d records are set aside, want %d; %d are pending, the distance is %d", n, want, h.p.length(), h.gap)
		}
	}
}

// A search for refused records goes on after so many 500s in a row, at most; half as
// many before a record was taken.
func TestSearchStumbles(t *testing.T) {
	for _, c := range []struct {
		taken bool
		most  int
	}{{false, stumblesAtMost / 2}, {true, stumblesAtMost}} {
		for fails := c.most; fails <= c.most+1; fails++ {
			h := hear(t, 16)
			began, left := false, fails
			end, _ := h.attempt(func(pc piece) int {
				switch {
				case has(pc, 9) && (pc.records == 16 || c.taken && !began):
					return 400
				case c.taken && !began:
					began = true // the first one that is taken
					return 200
				case left > 0:
					left--
					return 500
				}
				return failing(400, 9)(pc)
			})
			want, delivered := done, int64(15)
			if fails > c.most {
				want, delivered = crash, 0
				if c.taken {
					delivered = 8
				}
			}
			if s := h.p.stats(); end != want || s.Delivered != delivered {
				t.Errorf("taken before %v, %d 500s: the end is %d, want %d; %v", c.taken, fails, end, want, s)
			}
		}
	}
}

// A record that is taken in the middle of a search lets it stumble as often again.
func TestSearchStumblesAnew(t *testing.T) {
	h := hear(t, 16)
	left := 0
	end, _ := h.attempt(func(pc piece) int {
		if left > 0 {
			left--
			return 500
		}
		code := failing(400, 9)(pc)
		if code == 200 {
			left = stumblesAtMost
		}
		return code
	})
	if s := h.p.stats(); end != done || s.Delivered != 15 || s.Dropped != (Dropped{Rejected: 1}) {
		t.Errorf("the end is %d; %v", end, s)
	}
}

// Extra requests count from one back-off to the next, also if several attempts go
// well between them; one without any begins anew.
func TestExtraRequestsAdd(t *testing.T) {
	h := hear(t, 300)
	before := 0
	for i := range 3 {
		h.p.batchRecords = 16
		h.attempt(failing(400, uint64(i)*16+3))
		if h.extra < before+4 {
			t.Errorf("after %d attempts %d extra requests count, %d before", i+1, h.extra, before)
		}
		before = h.extra
		h.gap = 0
	}
	h.attempt(failing(400))
	if len(h.sent) != 1 || h.extra != 0 {
		t.Errorf("after %q %d extra requests count", h.sent, h.extra)
	}
	h.p.batchRecords, h.gap, h.since = 100, 5, 0
	h.attempt(failing(400))
	if n := len(h.sent); n < 5 || h.extra != n-1 {
		t.Errorf("of %d requests %d count as extra", n, h.extra)
	}
	h.gap, h.extra, h.p.batchRecords = 0, extraRequests-3, 16
	if end, _ := h.attempt(failing(400, 166)); end != paused || len(h.sent) != 1+3 || h.extra != 0 {
		t.Errorf("the end is %d after %q, %d extra requests count", end, h.sent, h.extra)
	}
}

// After an attempt that ended with a 500, and nothing taken, nothing is known of any
// record: once the oldest is taken all the rest is sent, and patience begins anew.
func TestSearchEndsWithTheOutage(t *testing.T) {
	h := hear(t, 16)
	h.crashes = patience
	if end, _ := h.attempt(func(piece) int { return 500 }); end != crash {
		t.Fatalf("the end is %d", end)
	}
	h.wantSent("0+15", "0+0", "1+0")
	h.p.push(make([]byte, 100), false)
	h.attempt(failing(503, 16))
	h.wantSent("0+0", "1+15")
	h.attempt(func(piece) int { return 500 })
	h.wantSent("1+15")
}

// As long as there is poison, one attempt that a 500 ended is enough: the next one begins
// with single records.
func TestPoisonEndsPatience(t *testing.T) {
	for _, poison := range []time.Duration{0, time.Second} {
		h := hear(t, 16)
		h.poison = h.now.Add(poison)
		h.crashes = 1
		h.attempt(func(piece) int { return 500 })
		if poison > 0 {
			h.wantSent("0+0", "2+0")
		} else {
			h.wantSent("0+15")
		}
	}
}

// After a bad record was found, what comes after it is sent in pieces as long as the
// distance between bad ones.
func TestSearchGoesOnAfterABadRecord(t *testing.T) {
	h := hear(t, 16)
	h.attempt(failing(400, 2))
	h.wantSent("0+15", "0+7", "0+3", "0+1", "2+1", "2+0", "3+5", "9+5", "15+0")

	h = hear(t, 16) // the first one: nothing was taken before it, and the distance is unknown
	h.attempt(failing(400, 0))
	h.wantSent("0+15", "0+7", "0+3", "0+1", "0+0", "1+0", "2+13")
}

// When all before a window was taken, nothing is suspected any more, also if some of
// it was deferred: several requests may be under way again.
func TestWindowEnds(t *testing.T) {
	h := hear(t, 8)
	bad := true
	h.attempt(func(pc piece) int {
		if bad {
			bad = false
			return 400
		}
		return 200
	})
	h.wantSent("0+7", "0+3", "4+3")
	if !h.plain() {
		t.Errorf("something is still suspected: window %d, gap %d, %d set aside", h.window, h.gap, h.p.suspects())
	}
}

// Poison has ten seconds between two tosses; a suspect that has lost fewer has not.
func TestPoisonIsTossedSlowly(t *testing.T) {
	for lost, want := range map[int]int{poisonAfter - 3: 3 + 5, poisonAfter - 1: 1 + 5} {
		h := hear(t, 1, 0)
		s, _ := h.p.takeAside(h.now)
		s.lost = lost
		h.p.putAside(s, true)
		tosses := 0
		for range 60 {
			h.p.push(make([]byte, 100), false)
			h.attempt(failing(500, 0))
			if slices.Contains(h.sent, "0+0") {
				tosses++
			}
			h.now = h.now.Add(time.Second)
		}
		if tosses != want {
			t.Errorf("of a suspect that has lost %d there were %d tosses in a minute, want %d", lost, tosses, want)
		}
	}
}

// However many suspects there are, an attempt has thirty-two tosses at most.
func TestTossesOfAnAttempt(t *testing.T) {
	var bad []uint64
	for seq := range uint64(20) {
		bad = append(bad, seq)
	}
	h := hear(t, 1000, bad...)
	h.attempt(failing(500, bad...))
	tosses := 0
	for _, sent := range h.sent {
		if strings.HasSuffix(sent, "+0") {
			tosses++
		}
	}
	if tosses != maxTosses {
		t.Errorf("%d tosses, want %d", tosses, maxTosses)
	}
}

// After a whole batch without a bad record, bad ones count as rare again.
func TestDistanceIsForgotten(t *testing.T) {
	for n, plain := range map[int]bool{999: false, 1000: true} {
		h := hear(t, n)
		h.gap = 5
		h.attempt(failing(400))
		if len(h.sent) < 5 || h.plain() != plain {
			t.Errorf("after %d good ones, in %d pieces, the distance is %d", n, len(h.sent), h.gap)
		}
	}
}

// With nothing else to send one toss shows that nothing is taken, and one request that
// the server is in trouble, or the configuration wrong. All suspects are kept.
func TestSuspectsAloneEndSoon(t *testing.T) {
	bad := []uint64{0, 1, 2, 3, 4, 5, 6, 7}
	for code, want := range map[int]struct {
		end      ending
		requests int
	}{500: {done, 2}, 503: {gaveUp, 1}, 401: {wrongSet, 1}, 200: {done, 8}} {
		h := hear(t, len(bad), bad...)
		end, _ := h.attempt(func(piece) int { return code })
		left := len(bad)
		if code == 200 {
			left = 0
		}
		if end != want.end || len(h.sent) != want.requests || h.p.suspects() != left {
			t.Errorf("%d: the end is %d after %q, %d suspects are left", code, end, h.sent, h.p.suspects())
		}
	}
}
