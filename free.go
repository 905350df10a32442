package slogship

import "time"

const (
	// keptBlocks is how many empty blocks are always kept: with fewer, a full
	// batch would go to the garbage collector. Blocks of a burst are kept too,
	// for the next one, because a new block costs each of its records 80 ns
	// (page faults, clearing). Once every trimInterval, blocks that were not
	// used since the last time are released, such as those of an outage.
	keptBlocks   = 16
	trimInterval = 10 * time.Second
)

// freeBlocks are empty blocks, for the records to come. They are guarded by
// pending.mu. Whenever that is free
//   - each of them is blockBytes long and has no records;
//   - there are at most keptBlocks, or as many as spare had room for.
type freeBlocks struct {
	blocks  []*block
	unused  int // the fewest there were since trimmed
	trimmed time.Time
}

// take returns an empty block, or nil if there is none.
func (f *freeBlocks) take() (b *block) {
	last := len(f.blocks) - 1
	if last < 0 {
		return nil
	}
	b, f.blocks[last] = f.blocks[last], nil // the slot outlives what is let go of
	f.blocks = f.blocks[:last]
	f.unused = min(f.unused, last)
	return b
}

// put adds b, whose records are gone, if it has the length for that.
func (f *freeBlocks) put(b *block) {
	if len(b.page) == blockBytes {
		b.reset()
		f.blocks = append(f.blocks, b)
	}
}

// spare lets go of blocks beyond keptBlocks that do not fit in room bytes.
func (f *freeBlocks) spare(room int) {
	f.keep(max(keptBlocks, room/blockBytes))
}

// trim lets go of the blocks that no burst needed for a while.
func (f *freeBlocks) trim(now time.Time) {
	if now.Sub(f.trimmed) < trimInterval {
		return
	}
	f.keep(max(len(f.blocks)-f.unused, keptBlocks))
	f.unused, f.trimmed = len(f.blocks), now
}

// keep keeps at most n.
func (f *freeBlocks) keep(n int) {
	if n < len(f.blocks) {
		clear(f.blocks[n:])
		f.blocks = f.blocks[:n]
	}
}

// openLocked returns the open block, another one if a record of size bytes has
// no room in it, and reports whether that was the last free one.
func (p *pending) openLocked(size int, seq uint64) (b *block, last bool) {
	if p.open != nil && p.open.live == 0 {
		p.open.reset()
	}
	if p.open != nil && p.open.fits(size, seq) {
		return p.open, false
	}
	if p.open = p.free.take(); p.open == nil {
		p.open = newBlock(blockBytes) // another producer is about to add one
	}
	p.held += p.open.cost()
	return p.open, len(p.free.blocks) == 0
}

// stock makes an empty block, if there is none when it is made. That takes as long
// as to take in a hundred records, which under the lock all producers would wait
// for: one call in 10,000 then takes 160 us instead of 45
// (BenchmarkSlowestCalls/ring.growing, p99.9 of one call in 250 that makes one).
func (p *pending) stock() {
	b := newBlock(blockBytes)
	p.lock()
	defer p.mu.Unlock()
	if len(p.free.blocks) == 0 && !p.closed {
		p.free.put(b)
	}
}

// releaseLocked lets go of n records of b, and of b with its last one.
func (p *pending) releaseLocked(b *block, n int) {
	b.live -= n
	if b.live > 0 || b == p.open {
		return
	}
	p.held -= b.cost()
	p.free.put(b)
	p.spareLocked()
}

// spareLocked releases free blocks, so that these and the held ones together
// stay within maxHeld.
func (p *pending) spareLocked() { p.free.spare(p.maxHeld - p.held) }
