package slogship

import "time"

// bodies makes request bodies, one of them ahead: after a request was sent, the next
// batch is encoded, if it is full, while the batcher waits for the answer.
//
//	under way   [ body ]            made by encoders[0]
//	pending     [ full batch | ...  -> ready, made by encoders[1]
//
// A body made ahead has no effect until it is used: its records stay pending, and may
// be dropped or become part of another batch. It is used if the next body has exactly
// these records. bodies is owned by the batcher's goroutine.
type bodies struct {
	p        *pending
	encoders []*encoder
	ready    *body // of the records made
	madeAt   time.Time
	report   *lossReport // goes into the next body
	made     noted       // in it, or lost
}

// noted says which records were in a piece, because its blocks may have been reused
// since.
type noted struct {
	piece
	firsts []uint64 // the sequence number of the first record of each span
}

func note(pc piece) noted {
	n := noted{piece: pc}
	for _, s := range pc.spans {
		n.firsts = append(n.firsts, s.firstSeq())
	}
	return n
}

// newBodies returns bodies with encoders for so many requests at once.
func newBodies(p *pending, w *wording, requests int) *bodies {
	b := &bodies{p: p}
	for range max(requests, 2) {
		b.encoders = append(b.encoders, newEncoder(w))
	}
	return b
}

// lend appends the encoders to dst. The bodies that they made are not valid any more.
func (b *bodies) lend(dst []*encoder) []*encoder {
	b.ready = nil
	return append(dst, b.encoders...)
}

// of returns a body of the records at the front of pc, as many as there is room for.
// The body is valid until the next call.
func (b *bodies) of(pc piece, room int) *body {
	if b.report != nil {
		return b.encoders[0].encodeWith(pc, room, b.report)
	}
	if body := b.ready; body != nil && body.encoded <= room && b.made.isFrontOf(pc) && b.fresh() {
		_, body.rest = pc.split(b.made.records)
		b.encoders[0], b.encoders[1] = b.encoders[1], b.encoders[0]
		b.ready = nil
		return body
	}
	return b.encoders[0].encode(pc, room)
}

// fresh reports whether the body made ahead may still be sent. With a MaxAge, records
// may have become too old since.
func (b *bodies) fresh() bool {
	return b.encoders[0].maxAge == 0 || time.Since(b.madeAt) < b.encoders[0].maxAge/64
}

// makeAhead makes the next body, if a full batch is pending.
func (b *bodies) makeAhead() {
	pc := b.p.peek()
	if pc.records == 0 {
		return
	}
	defer b.p.unpin(pc)
	if b.ready != nil && b.made.isFrontOf(pc) {
		return
	}
	b.ready, b.madeAt = nil, time.Now()
	defer func() { _ = recover() }() // the Format panicked: it will do so again when the body is needed
	body := b.encoders[1].encode(pc, b.encoders[1].room)
	if body.taken.records > 0 {
		front, _ := pc.split(pc.records - body.rest.records)
		b.made, b.ready = note(front), body
	}
}

// isFrontOf reports whether pc begins with the records that were noted.
func (n noted) isFrontOf(pc piece) bool {
	if n.records > pc.records {
		return false
	}
	front, _ := pc.split(n.records)
	i, at := 0, 0 // the span, and the record in it
	for _, s := range front.spans {
		for s.len() > 0 {
			want := n.spans[i]
			if s.b != want.b || s.from != want.from+at || want.firstSeq() != n.firsts[i] {
				return false
			}
			k := min(s.len(), want.len()-at)
			s.from += k
			if at += k; at == want.len() {
				i, at = i+1, 0
			}
		}
	}
	return true
}

// peek returns the next full batch, if there is one, and leaves it pending. The memory
// of its records is not reused until unpin, even if they are dropped. While records are
// dropped for overflow, peek returns nothing, because the batch would lose its oldest
// records.
func (p *pending) peek() (batch piece) {
	p.lock()
	defer p.mu.Unlock()
	lost := p.lost[overflow] - p.peekedAt
	p.peekedAt += lost
	if p.spooled > 0 || p.records <= p.partial || lost > 0 {
		return piece{}
	}
	for i := range p.queue.n {
		s := *p.queue.at(i)
		front, rest := s.cut(p.batchRecords-batch.records, p.batchBytes-batch.bytes-batch.records*p.extra, p.extra)
		if front.len() == 0 {
			break
		}
		front.b.live += front.len()
		batch.add(front)
		if rest.len() > 0 {
			break
		}
	}
	return batch
}

// unpin releases the memory of the batch that peek returned.
func (p *pending) unpin(pc piece) {
	p.lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	for _, s := range pc.spans {
		p.releaseLocked(s.b, s.len())
	}
}
