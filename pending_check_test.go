package slogship

import "bytes"

// check compares all there is to compare.
func (m *ringModel) check(step string) {
	m.t.Helper()
	p, s := m.p, m.p.stats()
	inFlight := 0
	if !m.ended {
		for _, f := range m.flight {
			inFlight += len(f.want)
		}
	}
	if s.Accepted != s.Delivered+s.Dropped.Total()+s.Pending+s.InFlight {
		m.t.Errorf("the books do not balance: %+v", s)
	}
	if s.Accepted != m.accepted || s.Delivered != m.delivered || s.Dropped != droppedOf(m.lost) || s.Cut != m.cut {
		m.t.Errorf("accepted %d, delivered %d, cut %d, dropped %v; want %d, %d, %d, %v",
			s.Accepted, s.Delivered, s.Cut, s.Dropped, m.accepted, m.delivered, m.cut, droppedOf(m.lost))
	}
	if s.Pending != int64(len(m.pending)) || s.InFlight != int64(inFlight) || p.length() != len(m.pending) {
		m.t.Errorf("%d pending, %d in flight, want %d, %d", s.Pending, s.InFlight, len(m.pending), inFlight)
	}
	if p.bytes != textBytes(m.pending) || p.bytes > p.maxBytes || p.records > p.maxRecords {
		m.t.Errorf("%d records and %d bytes are pending, want %d bytes, at most %d and %d",
			p.records, p.bytes, textBytes(m.pending), p.maxRecords, p.maxBytes)
	}
	if p.partial != len(m.partial) || p.partialBytes != textBytes(m.partial) {
		m.t.Errorf("the newest batch has %d records and %d bytes, want %d and %d",
			p.partial, p.partialBytes, len(m.partial), textBytes(m.partial))
	}
	if len(m.partial) > 0 && !p.born.Equal(m.born) {
		m.t.Errorf("the newest batch began at %v, want %v", p.born, m.born)
	}
	if p.asleep != m.asleep || (len(p.wake) == 1) != m.token {
		m.t.Errorf("asleep %d with %d tokens, want %d, %v", p.asleep, len(p.wake), m.asleep, m.token)
	}

	live := map[*block]int{}
	queue := piece{}
	for i := range p.queue.n {
		queue.add(*p.queue.at(i))
		if i > 0 && adjacent(*p.queue.at(i - 1), *p.queue.at(i)) {
			m.t.Errorf("two spans of the queue could be one")
		}
	}
	m.checkPiece(queue, m.pending, live)
	for _, f := range m.flight {
		m.checkPiece(f.piece, f.want, live)
	}
	if !m.ended {
		m.checkBlocks(live)
	}
	m.checkWaiters()
	if m.t.Failed() {
		m.t.Logf("after %s", step)
	}
}

func adjacent(a, b span) bool { return a.b == b.b && a.to == b.from }

// checkPiece compares records byte for byte, as the sender reads them.
func (m *ringModel) checkPiece(pc piece, want []modelRecord, live map[*block]int) {
	m.t.Helper()
	var all []byte
	i := 0
	for _, s := range pc.spans {
		live[s.b] += s.len()
		all = append(all, dataOf(s)...)
		for k := s.from; k < s.to; k++ {
			one := span{s.b, k, k + 1}
			if i >= len(want) || one.firstSeq() != want[i].seq || !bytes.Equal(dataOf(one), want[i].text) {
				m.t.Errorf("record %d of %d is %d: %.40q", i, len(want), one.firstSeq(), dataOf(one))
				return
			}
			i++
		}
	}
	if i != len(want) || pc.records != len(want) || pc.bytes != textBytes(want) || len(all) != pc.bytes {
		m.t.Errorf("%d records and %d bytes, want %d and %d", i, len(all), len(want), textBytes(want))
	}
}

// checkBlocks: each block is either in use, and knows how many of its records
// are, or it waits to be used again.
func (m *ringModel) checkBlocks(live map[*block]int) {
	m.t.Helper()
	p := m.p
	held := 0
	if p.open != nil && live[p.open] == 0 {
		live[p.open] = 0
	}
	for b, n := range live {
		if b.live != n {
			m.t.Errorf("a block has %d live records, want %d", b.live, n)
		}
		held += b.cost()
		if len(b.page) == blockBytes {
			m.shared[b] = true
		}
	}
	if p.held != held {
		m.t.Errorf("%d bytes are held, want %d", p.held, held)
	}
	free := map[*block]bool{}
	for _, b := range p.free.blocks {
		_, used := live[b]
		if used || free[b] || b.live != 0 || b.n != 0 || b.used != 0 || len(b.page) != blockBytes {
			m.t.Errorf("a free block is not free: used %v, twice %v, %d live", used, free[b], b.live)
		}
		free[b] = true
	}
	if len(free) > keptBlocks && held+len(free)*blockBytes > p.maxHeld {
		m.t.Errorf("%d blocks are kept for later beside %d bytes held, want %d together", len(free), held, p.maxHeld)
	}
	for b := range m.shared {
		if _, used := live[b]; !used && !free[b] && len(free) < keptBlocks {
			m.t.Errorf("a block was lost")
			delete(m.shared, b)
		}
	}
}

func (m *ringModel) checkWaiters() {
	m.t.Helper()
	waiting := 0
	for _, w := range m.waiters {
		if w.gone {
			continue
		}
		select {
		case <-w.w.done:
			if len(w.seqs) > 0 {
				m.t.Errorf("a waiter is done, but %d of its records are held", len(w.seqs))
			}
		default:
			if len(w.seqs) == 0 {
				m.t.Errorf("a waiter is not done, but none of its records is held")
			}
		}
		if w.w.left != int64(len(w.seqs)) || w.w.lost != w.lost {
			m.t.Errorf("a waiter waits for %d, lost %v, want %d, %v", w.w.left, w.w.lost, len(w.seqs), w.lost)
		}
		if len(w.seqs) > 0 {
			waiting++
		}
	}
	if len(m.p.waiters) != waiting {
		m.t.Errorf("%d waiters are kept, want %d", len(m.p.waiters), waiting)
	}
}
