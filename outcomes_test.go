package slogship

import (
	"testing"
	"time"
)

// The other one in a toss over a record that an answer says failed is any of the
// request but itself, each with the same chance.
func TestNeighbourIsAnyOther(t *testing.T) {
	for n := 2; n < 6; n++ {
		for i := range n {
			seen := map[int]bool{}
			for picked := range n - 1 {
				for other := range n {
					outcomes := make([]Outcome, n)
					for k := range outcomes {
						outcomes[k] = Failed
					}
					if outcomes[other] = Taken; other == i {
						continue
					}
					j := hear(t, 0).judge
					j.pick = func(most int) int {
						if most != n-1 {
							t.Fatalf("one of %d is picked, want %d", most, n-1)
						}
						return picked
					}
					if j.fails(7, i, outcomes); j.deferred[7].lost == 1 {
						seen[other] = true
					}
				}
			}
			if len(seen) != n-1 {
				t.Errorf("record %d of %d is compared with %v", i, n, seen)
			}
		}
	}
}

// Losses count once in MaxBackoff, those of a record that is settled are forgotten,
// and those of records that have gone take no memory.
func TestFailuresAreForgotten(t *testing.T) {
	h := hear(t, 2)
	answer := func(first Outcome) {
		h.begin(h.now)
		h.acknowledge(h.cut(2), Verdict{Action: Accept, Outcomes: []Outcome{first, Taken}})
		h.restore()
		h.p.push(make([]byte, 100), false)
	}
	lost := func() int { return h.deferred[0].lost }
	answer(Failed)
	h.now = h.now.Add(h.maxBackoff - 1)
	answer(Failed)
	if lost() != 1 {
		t.Errorf("the record has lost %d tosses within MaxBackoff, want 1", lost())
	}
	h.now = h.now.Add(time.Second)
	answer(Failed)
	answer(Resend)
	if lost() != 2 {
		t.Errorf("the record has lost %d tosses, want 2", lost())
	}
	answer(Taken)
	if len(h.deferred) != 0 {
		t.Errorf("of settled records there is %v", h.deferred)
	}

	h = hear(t, 2)
	for range guiltyAfter {
		answer(Failed)
		h.now = h.now.Add(h.maxBackoff)
	}
	if s := h.p.stats(); s.Dropped != (Dropped{Rejected: 1}) || len(h.deferred) != 0 {
		t.Errorf("dropped %v, of the record there is %v", s.Dropped, h.deferred)
	}

	most := h.p.maxRecords / asideShare
	for seq := range uint64(3 * most) {
		h.fails(seq, 0, []Outcome{Failed, Taken})
	}
	if n := len(h.deferred); n > most {
		t.Errorf("of %d records there is something, want %d at most", n, most)
	}
}
