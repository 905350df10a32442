package slogship

import "time"

// push takes in one captured record, drops the oldest ones where it finds no
// room, and wakes the batcher where that is due.
func (p *pending) push(rec []byte, urgent bool) { p.put(rec, urgent, true) }

// put is push. Unless it may wake the batcher, the record waits for what does.
func (p *pending) put(rec []byte, urgent, wake bool) {
	own := p.ownBlock(rec)
	if !p.mu.TryLock() { // the compiler inlines this one, and not lock
		p.lock()
	}
	if p.refusedLocked(rec) {
		p.mu.Unlock()
		return
	}
	if p.block && !p.roomLocked(rec) { // net/http's own words are not worth a wait
		p.accepted++
		p.lost[overflow]++
		p.mu.Unlock()
		return
	}
	for p.records >= p.maxRecords || p.bytes > p.maxBytes-len(rec) {
		if !p.dropOldestLocked() {
			p.shrinkLocked(p.maxRecords-1, p.maxBytes-len(rec))
		}
	}
	last := p.takeLocked(rec, own, urgent, wake)
	if p.held > p.maxHeld && !p.block {
		p.shrinkHeldLocked()
	}
	wanted := p.wanted
	p.wanted = false
	p.unlock()
	if wanted {
		p.tellDisk()
	}
	if last {
		p.stock()
	}
}

// ownBlock returns a block for a long record, which stands between two spans of the
// open one, or nil.
func (p *pending) ownBlock(rec []byte) *block {
	if len(rec) > ownBlockBytes && len(rec) <= p.maxBytes {
		return newBlock(len(rec) + markBytes)
	}
	return nil
}

// refusedLocked reports whether rec cannot be taken in, and counts it then.
func (p *pending) refusedLocked(rec []byte) bool {
	switch {
	case p.closed:
		p.lost[closed]++
	case len(rec) > p.maxBytes:
		p.lost[tooLarge]++
	default:
		return false
	}
	p.accepted++
	return true
}

// takeLocked takes in a record for which there is room, in own if it has a block of
// its own. It reports whether it took the last free block.
func (p *pending) takeLocked(rec []byte, own *block, urgent, wake bool) (last bool) {
	p.accepted++
	seq := p.next
	p.next++
	b := p.open
	switch {
	case own != nil:
		b = own
		p.held += own.cost()
		p.spareLocked()
	case b == nil || b.live == 0 || !b.fits(len(rec), seq):
		b, last = p.openLocked(len(rec), seq)
	}
	b.add(rec, seq)
	p.queue.pushRecord(b)
	p.records++
	p.bytes += len(rec)
	if p.disk != nil && p.noteFreshLocked(b, len(rec)) {
		p.wanted = true
	}
	full := p.countLocked(len(rec))
	if urgent {
		p.urgentBelow = p.next
	}
	if wake && (p.asleep == idle || p.asleep == lingering && (full || urgent)) {
		p.wakeLocked()
	}
	return last
}

// countLocked adds a record of size bytes to the newest batch and reports
// whether a batch became full.
func (p *pending) countLocked(size int) (full bool) {
	size += p.extra
	if p.partial > 0 && p.partialBytes+p.partial*p.extra+size > p.batchBytes {
		p.partial, p.partialBytes, full = 0, 0, true // without this one, which begins the next
	}
	p.partial++
	p.partialBytes += size - p.extra
	if p.partial >= p.batchRecords || p.partialBytes+p.partial*p.extra >= p.batchBytes {
		p.partial, p.partialBytes = 0, 0
		return true
	}
	if p.partial == 1 {
		p.born = time.Now()
	}
	return full
}

// shrinkLocked drops the oldest records until at most maxRecords and maxBytes
// are left. It divides no more than one span.
func (p *pending) shrinkLocked(maxRecords, maxBytes int) {
	for p.records > maxRecords || p.bytes > maxBytes {
		if p.aside.len() > 0 {
			p.dropAsideLocked()
			continue
		}
		s := p.queue.front()
		n := p.records - maxRecords
		if p.bytes > maxBytes {
			n = max(n, s.reach(p.bytes-maxBytes))
		}
		n = min(n, s.len())
		if p.disk != nil {
			n = p.evictableLocked(s, n)
		}
		p.dropFrontLocked(n)
	}
}

// dropOldestLocked drops the oldest record, if that concerns the books only and another
// one of its span is left; otherwise it reports false. It comes to what dropFrontLocked
// does, in half the time, which each call pays where the queue is full.
func (p *pending) dropOldestLocked() bool {
	if p.aside.len() > 0 || p.disk != nil || len(p.waiters) > 0 || p.marked || p.losses.kept {
		return false
	}
	s := p.queue.front()
	b := s.b
	if s.len() < 2 || b.cut != nil {
		return false
	}
	p.records--
	p.bytes -= b.end(s.from) - b.start(s.from)
	s.from++
	b.live--
	p.lost[overflow]++
	p.alarmLocked()
	p.trimPartialLocked()
	return true
}

// shrinkHeldLocked drops the oldest records, whole spans of them, until what is
// held costs no more than maxHeld, or there is no block left to win by that.
func (p *pending) shrinkHeldLocked() {
	for p.held > p.maxHeld && p.aside.len() > 0 {
		p.dropAsideLocked()
	}
	for p.held > p.maxHeld && p.queue.n > 1 && p.queue.front().b != p.open {
		p.dropFrontLocked(p.queue.front().len())
	}
}

// dropFrontLocked drops the n oldest records, all of one span.
func (p *pending) dropFrontLocked(n int) {
	s := p.queue.front()
	oldest := span{s.b, s.from, s.from + n}
	p.records -= n
	p.bytes -= oldest.bytes()
	if s.from += n; s.from == s.to {
		p.queue.popFront()
	}
	if p.disk != nil {
		p.evictLocked(oldest)
	} else {
		p.settleLocked(oldest, n, overflow)
		p.alarmLocked()
	}
	p.trimPartialLocked()
}

// trimPartialLocked keeps the partial batch within what is pending.
func (p *pending) trimPartialLocked() {
	p.partial = min(p.partial, p.records-p.aside.len())
	p.partialBytes = min(p.partialBytes, p.bytes-p.aside.bytes)
}
