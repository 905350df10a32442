package slogship

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// What is between two marks is settled once all of it is delivered or dropped, and
// not before.
func TestSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503), status(200)), Options{BatchRecords: 2})
		from := tr.Mark()
		tr.say("a", "b")
		middle := tr.Mark()
		tr.say("c")
		to := tr.Mark()
		want := func(ab, c bool) {
			t.Helper()
			if tr.Settled(from, middle) != ab || tr.Settled(middle, to) != c || tr.Settled(from, to) != (ab && c) {
				t.Errorf("settled: %t, %t, both %t; want %t, %t", tr.Settled(from, middle), tr.Settled(middle, to), tr.Settled(from, to), ab, c)
			}
		}
		synctest.Wait()
		want(false, false)
		if !tr.Settled(middle, middle) {
			t.Error("nothing is not settled")
		}
		for !tr.Settled(from, middle) {
			time.Sleep(time.Millisecond)
		}
		tr.wantTaken("a", "b")
		want(true, false)
		tr.Flush(t.Context())
		want(true, true)
		tr.say("d")
		if tr.Settled(from, tr.Mark()) {
			t.Error("what follows counts as settled, too")
		}
	})
}

// A record that the server defers is settled after its neighbours.
func TestSettledDeferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deferB := true
		f := answering(func(a Answer) Verdict {
			v := Verdict{Action: Accept, Outcomes: make([]Outcome, a.Records)}
			if deferB && a.Records > 1 {
				v.Outcomes[1] = Resend
			}
			return v
		})
		tr := start(t, always(status(200)), Options{Format: f})
		var marks []Mark
		for i := range 4 {
			marks = append(marks, tr.Mark())
			tr.say(fmt.Sprint(i))
		}
		marks = append(marks, tr.Mark())
		time.Sleep(1001 * time.Millisecond)
		tr.wantRequests(1)
		for i := range 4 {
			if got := tr.Settled(marks[i], marks[i+1]); got != (i != 1) {
				t.Errorf("settled(%d) is %t", i, got)
			}
		}
		if tr.Settled(marks[0], marks[4]) || tr.Settled(marks[1], marks[4]) || !tr.Settled(marks[2], marks[4]) {
			t.Error("a range with the deferred record is settled, or one without it is not")
		}
		deferB = false
		tr.Flush(t.Context())
		if !tr.Settled(marks[0], marks[4]) {
			t.Error("not all is settled in the end")
		}
	})
}

// What is dropped is settled, unless Shutdown left it: that has to be sent again.
func TestSettledDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{MaxPending: 2})
		tr.say("before")
		from := tr.Mark()
		tr.say("a")
		a := tr.Mark()
		tr.say("b", "c")
		to := tr.Mark()
		if !tr.Settled(from, a) || tr.Settled(a, to) {
			t.Errorf("overflow: %t, %t", tr.Settled(from, a), tr.Settled(a, to))
		}
		tr.Discard()
		if !tr.Settled(a, to) {
			t.Error("what Discard dropped is not settled")
		}
		tr.say("d", "e")
		synctest.Wait()
		end := tr.Mark()
		if err := tr.Shutdown(cancelled(t)); !errors.Is(err, ErrUnsent) {
			t.Fatal(err)
		}
		if tr.Settled(to, end) {
			t.Error("what Shutdown left counts as settled")
		}
		if !tr.Settled(from, to) {
			t.Error("what was settled is not any more")
		}
	})
}

// The set of ranges is the same as one of single numbers.
func TestSettledRanges(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		const n = 60
		s := settled{below: 5}
		is := [n]bool{0: true, 1: true, 2: true, 3: true, 4: true}
		for range 40 {
			from := r.IntN(n)
			if is[from] {
				continue
			}
			to := from + 1
			for to < n && !is[to] && r.IntN(3) > 0 {
				to++
			}
			s.add(uint64(from), uint64(to))
			for i := from; i < to; i++ {
				is[i] = true
			}
			for from := range n {
				all := true
				for to := from; to <= n; to++ {
					if to > from {
						all = all && is[to-1]
					}
					if s.has(uint64(from), uint64(to)) != all {
						t.Fatalf("seed %d: has(%d, %d) is %t: %+v", seed, from, to, !all, s)
					}
				}
			}
			for i := 1; i < len(s.ranges); i++ {
				if s.ranges[i-1].to >= s.ranges[i].from {
					t.Fatalf("ranges touch: %+v", s)
				}
			}
		}
	}
}

// Long records are in blocks of their own, between those of the open block.
func TestSettledLongRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503), status(200)), Options{BatchRecords: 3})
		from := tr.Mark()
		long := fmt.Sprintf("%020000d", 1)
		tr.say("a", long, "b", long, "c", long, "d")
		to := tr.Mark()
		tr.Flush(t.Context())
		if !tr.Settled(from, to) || len(tr.core.pending.settled.ranges) > 0 {
			t.Errorf("not settled: %+v", tr.core.pending.settled)
		}
	})
}

// answering is Logflare's format with another reading of answers.
func answering(read func(Answer) Verdict) Format { return answeringFormat{Logflare(), read} }

type answeringFormat struct {
	Format
	read func(Answer) Verdict
}

func (f answeringFormat) ReadAnswer(a Answer) Verdict { return f.read(a) }

func BenchmarkSettled(b *testing.B) {
	h := shipTo(b, hanging, Options{})
	from := h.Mark()
	for range 1000 {
		logTo(h, "a")
	}
	to := h.Mark()
	for b.Loop() {
		h.Settled(from, to)
	}
}

// A run of records may have gaps: what is in them is not settled with it.
func TestSettledGap(t *testing.T) {
	p := &pending{marked: true}
	b := newBlock(blockBytes)
	for _, seq := range []uint64{1, 2, 4} {
		b.add([]byte("x"), seq)
	}
	p.noteSettledLocked(span{b, 0, 3})
	for seq, want := range []bool{1: true, 2: true, 3: false, 4: true, 5: false} {
		if got := p.settled.has(uint64(seq), uint64(seq)+1); got != want {
			t.Errorf("settled(%d) is %t", seq, got)
		}
	}
}

// What is durable on disk is Durable before it is settled, and not before it is
// synced; so is what Shutdown leaves there. Without a spool only what is settled is.
func TestDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{Spool: SpoolOptions{Dir: t.TempDir(), Delay: time.Second}})
		from := tr.Mark()
		tr.say("a", "b")
		middle := tr.Mark()
		if tr.Durable(from, middle) || !tr.Durable(from, from) {
			t.Error("durable before it is written")
		}
		time.Sleep(1500 * time.Millisecond)
		if n := tr.Stats().Written; n != 2 || tr.Durable(from, middle) {
			t.Errorf("%d records are written, and durable before they are synced", n)
		}
		time.Sleep(time.Minute)
		tr.say("c")
		to := tr.Mark()
		if !tr.Durable(from, middle) || tr.Durable(middle, to) || tr.Durable(from, to) || tr.Settled(from, middle) {
			t.Errorf("durable: %t, %t; settled: %t", tr.Durable(from, middle), tr.Durable(middle, to), tr.Settled(from, middle))
		}
		tr.Close()
		if !tr.Durable(from, to) || tr.Settled(from, to) {
			t.Errorf("after Shutdown: durable %t, settled %t", tr.Durable(from, to), tr.Settled(from, to))
		}

		tr = start(t, script(status(503), status(200)), Options{})
		from = tr.Mark()
		tr.say("a")
		to = tr.Mark()
		if tr.Durable(from, to) {
			t.Error("durable without a disk")
		}
		tr.Flush(t.Context())
		if !tr.Durable(from, to) {
			t.Error("delivered, and not durable")
		}
	})
}
