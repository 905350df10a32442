package slogship

import "time"

const (
	// keptBlocks is how many empty blocks wait for their next use in any case:
	// fewer would leave a full batch to the garbage collector. What a
	// burst took is kept beside them for the next one, for a new block costs its
	// records 80 ns each (page faults, clearing). The first batch after
	// trimInterval gives back what was of no use since the one before it, and
	// with it the memory of an outage.
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
