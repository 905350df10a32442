package slogship

import "math"

// swap takes a batch from the front: as many records as a full one has, at least
// one. It is empty if nothing is pending but what is set aside.
func (p *pending) swap() (batch piece) { return p.swapBytes(p.batchBytes) }

// take is swap, and how many records are left, and how many suspects.
func (p *pending) take() (batch piece, left, suspects int) {
	p.refill()
	p.lock()
	defer p.mu.Unlock()
	return p.swapLocked(p.batchBytes), p.records - p.aside.len(), p.aside.len()
}

// swapBytes is swap where a full batch has so many bytes.
func (p *pending) swapBytes(size int) (batch piece) {
	p.refill()
	p.lock()
	defer p.mu.Unlock()
	return p.swapLocked(size)
}

func (p *pending) swapLocked(size int) (batch piece) {
	below := uint64(math.MaxUint64)
	if p.disk != nil {
		if p.stagedNextLocked() {
			return p.swapStagedLocked()
		}
		below = p.nextOnDiskLocked()
	}
	batch = p.cutBatchLocked(&p.queue, below, size)
	p.records -= batch.records
	p.bytes -= batch.bytes
	if batch.records > 0 {
		p.noteFlyingLocked(&batch.spans[0])
	}
	p.inFlight += batch.records
	p.inFlightBytes += batch.bytes
	p.trimPartialLocked()
	return batch
}

// cutBatchLocked cuts a batch of at most size bytes off the front of queue, of
// records with a sequence number below a limit. The first one is.
func (p *pending) cutBatchLocked(queue *spans, below uint64, size int) (batch piece) {
	for queue.n > 0 {
		s := queue.front()
		most := p.batchRecords - batch.records
		if s.b.seq(s.to-1) >= below {
			most = min(most, s.below(below))
		}
		front, rest := s.cut(most, size-batch.bytes-batch.records*p.extra, p.extra)
		if front.len() == 0 && batch.records == 0 {
			front, rest = s.cut(1, math.MaxInt, 0) // alone too large for a batch: it goes alone
		}
		if front.len() == 0 {
			break
		}
		batch.add(front)
		if rest.len() > 0 {
			*s = rest
			break
		}
		queue.popFront()
	}
	return batch
}

// restore puts a piece back in front of what is pending. If the bounds are then
// exceeded the oldest go, as if it had never left.
func (p *pending) restore(pc piece) {
	if pc.records == 0 {
		return
	}
	p.lock()
	defer p.unlock()
	if p.ended {
		return
	}
	for i := len(pc.spans) - 1; i >= 0; i-- {
		if s := pc.spans[i]; s.b.origin != nil {
			p.stageAgainLocked(s)
		} else {
			p.unshiftLocked(s)
		}
	}
	p.shrinkLocked(p.maxRecords, p.maxBytes)
}

func (p *pending) unshiftLocked(s span) {
	p.inFlight -= s.len()
	p.inFlightBytes -= s.bytes()
	p.records += s.len()
	p.bytes += s.bytes()
	if p.queue.n > 0 {
		if f := p.queue.front(); f.b == s.b && f.from == s.to {
			f.from = s.from
			return
		}
	}
	p.queue.pushFront(s)
	for i := 1; i < p.queue.n && p.queue.at(i).firstSeq() < s.firstSeq(); i++ { // came back before it
		*p.queue.at(i - 1), *p.queue.at(i) = *p.queue.at(i), s
	}
}

// compact copies deferred records into a block of their own, so that a few of
// them do not keep the memory of a whole batch. It copies without the lock:
// what is in flight is the batcher's, and nobody else knows the new block.
func (p *pending) compact(pc piece) (out piece) {
	var b *block
	cost := 0
	for _, s := range pc.spans {
		for i := s.from; i < s.to; i++ {
			rec, seq := s.b.record(i), s.b.seq(i)
			if b == nil || !b.fits(len(rec), seq) || b.origin != s.b.origin {
				b = newBlock(pc.bytes - out.bytes + markBytes*(pc.records-out.records))
				b.origin = s.b.origin
				cost += b.cost()
				out.spans = append(out.spans, span{b: b})
			}
			b.add(rec, seq)
			out.spans[len(out.spans)-1].to = b.n
			out.records++
			out.bytes += len(rec)
		}
	}
	p.lock()
	defer p.mu.Unlock()
	if p.ended {
		return out
	}
	p.held += cost
	for _, s := range pc.spans {
		p.releaseLocked(s.b, s.len())
	}
	p.spareLocked()
	return out
}
