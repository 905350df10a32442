package slogship

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Producers, waiters, a reader of the books and one who discards, all at once,
// around a consumer that reads what is in flight without the lock, as the
// sender does. Nothing is overwritten while it is in flight, nobody waits for
// ever, and what comes out is in order.
func TestRingIsSharedSafely(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		s    settings
	}{
		{"roomy", queueSettings(1<<20, 1<<28, 200, 1<<16)},
		{"narrow in records", queueSettings(64, 1<<20, 16, 1<<14)},
		{"narrow in bytes", queueSettings(1<<20, 40_000, 1<<10, 10_000)},
		{"one by one", queueSettings(1000, 1<<20, 1, 1<<14)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.s.FlushInterval = 100 * time.Microsecond
			shareRing(t, newPending(c.s))
		})
	}
}

func shareRing(t *testing.T, p *pending) {
	const producers = 8
	each := 2000
	if raceDetector {
		each = 400
	}
	var producing, watching sync.WaitGroup
	var logged atomic.Int64
	for g := range producers {
		producing.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 2))
			for n := range each {
				p.push(ringRecord(rnd, g, n), rnd.IntN(50) == 0)
				logged.Add(1)
				if rnd.IntN(100) == 0 {
					if w := p.wait(); w != nil {
						select {
						case <-w.done:
						case <-time.After(time.Duration(rnd.IntN(5)) * time.Millisecond):
						}
						e := p.giveUp(w)
						if total := e.Dropped.Total() + e.Unsent; total < 0 || total > int64(producers*each) {
							t.Errorf("a waiter lost or awaits %d", total)
						}
					}
				}
			}
		})
	}
	end := make(chan struct{})
	watching.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-end:
				return
			case <-time.After(50 * time.Microsecond):
			}
			if s := p.stats(); s.Accepted != s.Delivered+s.Dropped.Total()+s.Pending+s.InFlight {
				t.Errorf("the books do not balance: %+v", s)
			}
			if n%100 == 99 {
				p.discard()
			}
		}
	})

	consumed := make(chan ringConsumer)
	closed := make(chan struct{})
	go func() { consumed <- consumeRing(t, p, closed) }()

	producing.Wait()
	close(end)
	watching.Wait()
	if w := p.wait(); w != nil { // nobody pushes or discards any more: this must be enough
		select {
		case <-w.done:
		case <-time.After(time.Minute):
			t.Error("the last records were never taken")
		}
	}
	p.close()
	close(closed)
	c := <-consumed

	s := p.stats()
	if s.Accepted != int64(producers*each) || s.Pending != 0 || s.InFlight != 0 || s.Delivered != int64(len(c.delivered)) ||
		s.Accepted != s.Delivered+s.Dropped.Total() || s.Dropped.Rejected != c.rejected {
		t.Errorf("at the end: %+v; %d were delivered, %d rejected", s, len(c.delivered), c.rejected)
	}
	if p.bytes != 0 || p.held > blockBytes+1024 || len(p.waiters) != 0 {
		t.Errorf("at the end %d bytes are pending, %d held, %d waiters", p.bytes, p.held, len(p.waiters))
	}
}

// ringRecord is a record that says where it comes from, and is recognized when
// a byte of it is wrong.
func ringRecord(rnd *rand.Rand, g, n int) []byte {
	size := 40 + rnd.IntN(100)
	switch rnd.IntN(60) {
	case 0:
		size = ownBlockBytes + rnd.IntN(2000)
	case 1:
		size = ownBlockBytes / 2
	}
	rec := fmt.Appendf(make([]byte, 0, size), "%016d %02d %06d %06d ", 0, g, n, size)
	for len(rec) < size {
		rec = append(rec, byte('a'+(g+n)%26))
	}
	return rec
}

// ringConsumer is what a consumer remembers.
type ringConsumer struct {
	delivered map[[2]int]bool
	deferred  map[[2]int]bool
	newest    map[int]int // by producer: the newest one delivered, deferred ones left aside
	rejected  int64
}

// read reads a piece as the sender does, and returns what records are in it.
func (c *ringConsumer) read(t *testing.T, pc piece) (all [][2]int) {
	var last uint64
	for _, s := range pc.spans {
		if len(dataOf(s)) != s.bytes() {
			t.Errorf("%d bytes, want %d", len(dataOf(s)), s.bytes())
		}
		for i := s.from; i < s.to; i++ {
			rec := s.b.record(i)
			g, _ := strconv.Atoi(string(rec[17:19]))
			n, _ := strconv.Atoi(string(rec[20:26]))
			size, _ := strconv.Atoi(string(rec[27:33]))
			if seq := s.b.seq(i); len(all) > 0 && seq <= last {
				t.Errorf("sequence number %d after %d", seq, last)
			}
			last = s.b.seq(i)
			if size != len(rec) || len(bytes.Trim(rec[34:], string(rune('a'+(g+n)%26)))) > 0 {
				t.Errorf("a record of %d bytes is %d long: %.80q", size, len(rec), rec)
			}
			all = append(all, [2]int{g, n})
		}
	}
	return all
}

func (c *ringConsumer) deliver(t *testing.T, pc piece) {
	for _, r := range c.read(t, pc) {
		if c.delivered[r] {
			t.Errorf("record %v was delivered twice", r)
		}
		c.delivered[r] = true
		if c.deferred[r] {
			continue
		}
		if newest, ok := c.newest[r[0]]; ok && newest >= r[1] {
			t.Errorf("record %v was delivered after %d", r, newest)
		}
		c.newest[r[0]] = r[1]
	}
}

// consumeRing is a batcher: it waits as that does, and its backend answers by
// chance. Once closed it takes what is left.
func consumeRing(t *testing.T, p *pending, closed chan struct{}) ringConsumer {
	rnd := rand.New(rand.NewPCG(3, 3))
	c := ringConsumer{delivered: map[[2]int]bool{}, deferred: map[[2]int]bool{}, newest: map[int]int{}}
	for {
		wait, held := p.due(time.Now())
		if !held || wait > 0 {
			var expired <-chan time.Time
			if held {
				expired = time.After(wait)
			}
			select {
			case <-p.wake:
			case <-expired:
			case <-closed:
				if !held {
					return c
				}
			}
			continue
		}
		pc := p.swap()
		if pc.records == 0 {
			continue // discarded meanwhile
		}
		before := c.read(t, pc)
		if rnd.IntN(3) == 0 {
			time.Sleep(time.Duration(rnd.IntN(100)) * time.Microsecond)
		}
		if after := c.read(t, pc); !slices.Equal(after, before) {
			t.Error("what is in flight was overwritten")
		}
		front, back := pc.split(rnd.IntN(pc.records + 1))
		switch rnd.IntN(6) {
		case 0: // a failed attempt
			p.restore(pc)
		case 1: // half of it is accepted, the rest not answered
			c.deliver(t, front)
			p.settle(front, 0, rejected)
			p.restore(back)
		case 2: // half of it is accepted, the rest refused
			c.deliver(t, front)
			p.settle(front, 0, rejected)
			c.rejected += int64(back.records)
			p.settle(back, back.records, rejected)
		case 3: // half of it is wanted again later
			for _, r := range c.read(t, front) {
				c.deferred[r] = true
			}
			again := p.compact(front)
			c.deliver(t, back)
			p.settle(back, 0, rejected)
			p.restore(again)
		default:
			c.deliver(t, pc)
			p.settle(pc, 0, rejected)
		}
	}
}
