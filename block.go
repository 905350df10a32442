package slogship

import (
	"encoding/binary"
	"math"
	"sort"
)

const (
	blockBytes = 64 << 10

	// A record longer than this gets a block of its own size, so that at most
	// an eighth of a shared block is left unused at its end.
	ownBlockBytes = blockBytes / 8
)

// A block is a slotted page: captured records back to back from the front, as
// record.Append wrote them, and a mark for each of them from the back.
//
//	[ record 0 | record 1 | record 2 |     free     | mark 2 | mark 1 | mark 0 ]
//
// It never grows or moves: a request reads the records at its front while producers
// append after them, without a lock and without a copy. used, n, live and cut are
// guarded by pending.mu; the holder of a span may read the records and marks of
// that span without it.
type block struct {
	page []byte
	used int    // bytes of records
	n    int    // records
	base uint64 // the sequence number that marks count from
	live int    // records that are pending or in flight
	cut  []bool // which records were shortened when they were encoded; as long as it has to be

	origin *origin // of records that were read from disk; nil: they were captured by this Handler
}

// A mark is where its record ends, and the record's sequence number above
// base, both 32 bits wide.
const markBytes = 8

// newBlock returns a block with room for size bytes of records and marks. The
// allocator rounds size up; append tells how far, so that a page has the
// length that it costs. It also clears the page, even where the memory is fresh
// from the system and zero anyway: the page faults, the most of the cost, come
// here and not one by one under the lock of those who fill the block.
func newBlock(size int) *block {
	page := append([]byte(nil), make([]byte, size)...)
	return &block{page: page[:cap(page)]}
}

// cost is the memory of b: its page, itself, and its spans in the queue.
func (b *block) cost() int { return len(b.page) + 256 }

func (b *block) mark(i int) uint64 {
	return binary.LittleEndian.Uint64(b.page[len(b.page)-markBytes*(i+1):])
}

func (b *block) end(i int) int { return int(uint32(b.mark(i))) }

func (b *block) start(i int) int {
	if i == 0 {
		return 0
	}
	return b.end(i - 1)
}

func (b *block) record(i int) []byte { return b.page[b.start(i):b.end(i)] }

func (b *block) seq(i int) uint64 { return b.base + b.mark(i)>>32 }

// fits reports whether a record of size bytes and sequence number seq has
// room.
func (b *block) fits(size int, seq uint64) bool {
	return b.used+size+markBytes*(b.n+1) <= len(b.page) && (b.n == 0 || seq-b.base <= math.MaxUint32)
}

// add appends a record that fits.
func (b *block) add(rec []byte, seq uint64) {
	if b.n == 0 {
		b.base = seq
	}
	b.used += copy(b.page[b.used:], rec)
	b.n++
	b.live++
	binary.LittleEndian.PutUint64(b.page[len(b.page)-markBytes*b.n:], uint64(b.used)|(seq-b.base)<<32)
}

// noteCut notes that record i was shortened when it was encoded.
func (b *block) noteCut(i int) {
	if i >= len(b.cut) {
		b.cut = append(b.cut, make([]bool, b.n-len(b.cut))...)
	}
	b.cut[i] = true
}

func (b *block) reset() { b.used, b.n, b.cut, b.origin = 0, 0, nil, nil }

// A span is the records from, from+1, ... to-1 of one block, oldest first.
type span struct {
	b        *block
	from, to int
}

func (s span) len() int   { return s.to - s.from }
func (s span) bytes() int { return s.b.start(s.to) - s.b.start(s.from) }

// cuts counts its records that were shortened when they were encoded.
func (s span) cuts() (n int) {
	for i := s.from; i < min(s.to, len(s.b.cut)); i++ {
		if s.b.cut[i] {
			n++
		}
	}
	return n
}

// firstSeq is the sequence number of its oldest record.
func (s span) firstSeq() uint64 { return s.b.seq(s.from) }

// reach is how many records at its front have size bytes together; all of
// them if they have less.
func (s span) reach(size int) int {
	if size <= 0 {
		return 0
	}
	limit := s.b.start(s.from) + size
	if s.b.end(s.from) >= limit { // mostly
		return 1
	}
	return min(s.len(), 1+sort.Search(s.len(), func(i int) bool { return s.b.end(s.from+i) >= limit }))
}

// below counts its records whose sequence number is below limit.
func (s span) below(limit uint64) int {
	return sort.Search(s.len(), func(i int) bool { return s.b.seq(s.from+i) >= limit })
}

// cut splits off the longest front that has at most maxRecords records and, with
// extra for each record, maxBytes bytes; it may be empty.
func (s span) cut(maxRecords, maxBytes, extra int) (front, rest span) {
	n := min(s.len(), max(maxRecords, 0))
	size := func(n int) int { return s.b.start(s.from+n) - s.b.start(s.from) + n*extra }
	if n > 0 && size(n) > maxBytes {
		n = sort.Search(n, func(i int) bool { return size(i+1) > maxBytes })
	}
	return span{s.b, s.from, s.from + n}, span{s.b, s.from + n, s.to}
}

// spans is a double-ended queue of spans, oldest first.
type spans struct {
	ring []span // its length is zero or a power of two
	head int    // index of the oldest
	n    int
}

func (q *spans) at(i int) *span { return &q.ring[(q.head+i)&(len(q.ring)-1)] }
func (q *spans) front() *span   { return q.at(0) }
func (q *spans) back() *span    { return q.at(q.n - 1) }

func (q *spans) pushBack(s span) {
	q.grow()
	q.n++
	*q.back() = s
}

// pushRecord adds the newest record of b.
func (q *spans) pushRecord(b *block) {
	if q.n > 0 {
		if s := q.back(); s.b == b && s.to == b.n-1 {
			s.to = b.n
			return
		}
	}
	q.pushBack(span{b, b.n - 1, b.n})
}

func (q *spans) pushFront(s span) {
	q.grow()
	q.head = (q.head - 1) & (len(q.ring) - 1)
	q.n++
	*q.front() = s
}

func (q *spans) popFront() span {
	s := *q.front()
	*q.front() = span{} // let go of the block
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	return s
}

func (q *spans) grow() {
	if q.n < len(q.ring) {
		return
	}
	ring := make([]span, max(16, 2*len(q.ring)))
	for i := range q.n {
		ring[i] = *q.at(i)
	}
	q.ring, q.head = ring, 0
}
