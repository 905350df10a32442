package slogship

import "slices"

// settle closes the books on a piece in flight: its first failed records are
// dropped for why, the others delivered. Where a server does not say which
// records it refused, which of them count as the first is arbitrary.
func (p *pending) settle(pc piece, failed int, why reason) {
	p.lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	for _, s := range pc.spans {
		n := min(failed, s.len())
		failed -= n
		p.inFlight -= s.len()
		p.inFlightBytes -= s.bytes()
		p.settleLocked(s, n, why)
	}
	p.admitLocked()
}

// settleLocked closes the books on the records of s: the first failed of them
// dropped for why, the others delivered.
func (p *pending) settleLocked(s span, failed int, why reason) {
	p.lost[why] += int64(failed)
	p.delivered += int64(s.len() - failed)
	p.cut += int64(s.cuts())
	if failed > 0 {
		p.losses.note()
	}
	// Backwards, for a waiter that is done is taken out.
	for i := len(p.waiters) - 1; i >= 0; i-- {
		w := p.waiters[i]
		n := s.below(w.limit)
		w.lost[why] += int64(min(n, failed))
		if w.left -= int64(n); w.left <= 0 && n > 0 {
			close(w.done)
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
		}
	}
	if p.marked && why != shutdown {
		p.noteSettledLocked(s)
	}
	if p.disk != nil {
		p.settleOnDiskLocked(s)
	}
	p.releaseLocked(s.b, s.len())
}

// discard empties the queue and returns how many records it held.
func (p *pending) discard() int {
	onDisk := p.discardOnDisk()
	p.lock()
	defer p.mu.Unlock()
	if p.closed {
		p.wakeLocked() // Shutdown has nothing more to wait for
	}
	n := onDisk + p.dropQueueLocked(discarded)
	p.admitLocked()
	return n
}

func (p *pending) dropQueueLocked(why reason) int {
	n := p.records
	for p.queue.n > 0 {
		s := p.queue.popFront()
		p.settleLocked(s, s.len(), why)
	}
	for _, s := range slices.Concat(p.aside.poison, p.aside.accused, p.aside.suspects) {
		p.settleLocked(s.spans[0], 1, why)
	}
	p.aside = aside{due: p.aside.due}
	p.records, p.bytes, p.partial, p.partialBytes = 0, 0, 0, 0
	return n
}
