package slogship

import "time"

// Where pending's blocks come from, and where they go: the open one, in which
// the next record has its place, and the free ones, which are empty.
//
//	made in advance -> free -> open -> full of records -> free, or let go of

// openLocked returns the open block, a new one if a record of size bytes has
// no room in it.
func (p *pending) openLocked(size int, seq uint64) (b *block, opened bool) {
	if p.open != nil && p.open.live == 0 {
		p.open.reset()
	}
	if p.open != nil && p.open.fits(size, seq) {
		return p.open, false
	}
	if last := len(p.free) - 1; last >= 0 {
		p.open, p.free[last] = p.free[last], nil // the slot outlives what is let go of
		p.free = p.free[:last]
	} else {
		p.open = newBlock(blockBytes)
	}
	p.unused = min(p.unused, len(p.free))
	p.held += p.open.cost()
	return p.open, true
}

// enoughLocked is how many empty blocks are made in advance: as many as are in
// use, for the more these are the more come, up to maxStock.
func (p *pending) enoughLocked() int { return min(p.held/blockBytes, maxStock) }

// checkStockLocked reports whether restock is due, and whether even that would be
// too late, for the next block would have to be made under the lock.
func (p *pending) checkStockLocked() (refill, late bool) {
	refill = !p.stocking && len(p.free) <= p.enoughLocked()/4
	if refill {
		p.stocking = true
		p.stockers.Add(1)
	}
	return refill, len(p.free) == 0
}

// stock makes an empty block in advance, if there is none when it is made. With
// fresh memory that takes as long as to take in a hundred records.
func (p *pending) stock() {
	b := newBlock(blockBytes)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 && !p.closed {
		p.free = append(p.free, b)
	}
}

// fillStock makes empty blocks in advance until there are enough.
func (p *pending) fillStock() {
	for p.addFree(newBlock(blockBytes)) {
	}
}

// addFree adds a block for fillStock, and reports whether there are too few yet.
func (p *pending) addFree(b *block) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < p.enoughLocked() && !p.closed {
		p.free = append(p.free, b)
	}
	p.stocking = len(p.free) < p.enoughLocked() && !p.closed
	return p.stocking
}

// releaseLocked lets go of n records of b, and of b with its last one.
func (p *pending) releaseLocked(b *block, n int) {
	b.live -= n
	if b.live > 0 || b == p.open {
		return
	}
	p.held -= b.cost()
	if len(b.page) == blockBytes {
		b.reset()
		p.free = append(p.free, b)
		p.spareLocked()
	}
}

// spareLocked lets go of free blocks that are too much beside what is held.
func (p *pending) spareLocked() {
	for n := len(p.free); n > freeBlocks && p.held > p.maxHeld-n*blockBytes; n-- {
		p.free[n-1] = nil
		p.free = p.free[:n-1]
	}
}

// trimLocked lets go of the free blocks that no burst needed for a while.
func (p *pending) trimLocked(now time.Time) {
	if now.Sub(p.trimmed) < trimInterval {
		return
	}
	n := max(len(p.free)-p.unused, min(len(p.free), freeBlocks))
	clear(p.free[n:])
	p.free, p.unused, p.trimmed = p.free[:n], n, now
}
