package slogship

import (
	"testing"
	"testing/synctest"
	"time"
)

// At most a quarter of what may be pending is set aside, and that is the first to
// go on overflow: the oldest records stay.
func TestSuspectsGoFirst(t *testing.T) {
	p := newPending(queueSettings(40, 1<<20, 10, 1<<20))
	push := func(n int) {
		for range n {
			p.push([]byte("record"), false)
		}
	}
	want := func(step string, records, aside int, overflow int64) {
		t.Helper()
		s := p.stats()
		if s.Pending != int64(records) || p.suspects() != aside || s.Dropped != (Dropped{Overflow: overflow}) || s.InFlight != 0 {
			t.Errorf("%s: %d records, %d of them aside, dropped %v; want %d, %d, overflow %d",
				step, s.Pending, p.suspects(), s.Dropped, records, aside, overflow)
		}
	}
	for range 12 {
		push(1)
		p.setAside(p.swap())
	}
	want("set aside", 10, 10, 2)
	push(30)
	want("full", 40, 10, 2)
	push(4)
	want("overflow", 40, 6, 6)
	push(10)
	want("more of it", 40, 0, 16)
	if first := p.swap().firstSeq(); first != 16 {
		t.Errorf("the oldest record is %d, want 16", first)
	}
}

// Suspects that have lost a toss come before others, and poison every second time,
// but not within ten seconds.
func TestOrderOfSuspects(t *testing.T) {
	p := newPending(queueSettings(1000, 1<<20, 1, 1<<20))
	now := time.Now()
	for _, s := range []suspect{{lost: 0}, {lost: poisonAfter}, {lost: 1}, {lost: poisonAfter, next: now.Add(slowTosses)}} {
		p.push([]byte("record"), false)
		s.piece = p.swap()
		p.putAside(s, true)
	}
	for i, want := range []uint64{1, 2, 0} {
		if s, ok := p.takeAside(now); !ok || s.firstSeq() != want {
			t.Errorf("suspect %d is %d, want %d", i, s.firstSeq(), want)
		}
	}
	if _, ok := p.takeAside(now); ok {
		t.Error("a suspect is tried too early")
	}
	if _, ok := p.takeAside(now.Add(slowTosses)); !ok {
		t.Error("a suspect is not tried in time")
	}
}

// A suspect that is tried is the oldest record in flight.
func TestOldestIsASuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{})
		tr.say("bad", "good")
		logged := time.Now()
		time.Sleep(time.Hour)
		tr.say("later")
		time.Sleep(time.Hour)
		tr.wantTaken("good", "later")
		tr.answerWith(func(*request) answered {
			if got := tr.Stats().Oldest; !got.Equal(logged) {
				t.Errorf("the oldest record was logged at %v, want %v", got, logged)
			}
			return status(200)
		})
		time.Sleep(time.Hour)
		tr.wantBooks(3, Dropped{}, 0)
	})
}

// The back-off of suspects with nothing else to send ends with the first one that is
// settled.
func TestSuspectsBackOffEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, fails500, Options{})
		tr.say("bad", "bad too", "good")
		time.Sleep(3 * time.Hour)
		tr.wantBooks(1, Dropped{}, 2)
		before := tr.core.batcher.aside
		tr.answerWith(func(r *request) answered {
			if r.has("bad") {
				return status(500)
			}
			return status(200)
		})
		for tr.Stats().Delivered == 1 {
			time.Sleep(time.Second)
		}
		if after := tr.core.batcher.aside; before < 100 || after > 5 {
			t.Errorf("the suspects backed off %d times, then %d", before, after)
		}
	})
}

// What is set aside when Shutdown gives up is told to OnDrop, whatever it has lost.
func TestSuspectsAreLeftOver(t *testing.T) {
	p := newPending(queueSettings(1000, 1<<20, 1, 1<<20))
	p.dropped = func(piece, reason) {}
	for _, s := range []suspect{{lost: 0}, {lost: poisonAfter}, {lost: 1}} {
		p.push([]byte("record"), false)
		s.piece = p.swap()
		p.putAside(s, true)
	}
	if e := p.abandon(); e.Unsent != 3 || p.abandonedPiece().records != 3 {
		t.Errorf("of %d records %d are told", e.Unsent, p.abandonedPiece().records)
	}
}
