package slogship

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// filledBlock is a block with as many records as fit, of random sizes and with
// gaps between their sequence numbers, and what is in it.
func filledBlock(rnd *rand.Rand, maxSize int) (b *block, recs [][]byte, seqs []uint64) {
	b = newBlock(blockBytes)
	seq := rnd.Uint64() >> 1
	for {
		rec := bytes.Repeat([]byte{byte('a' + len(recs)%26)}, rnd.IntN(maxSize))
		if !b.fits(len(rec), seq) {
			return b, recs, seqs
		}
		b.add(rec, seq)
		recs, seqs = append(recs, rec), append(seqs, seq)
		seq += 1 + rnd.Uint64N(1000)
	}
}

// Records and marks meet in the middle of a page and do not overlap, whatever
// their sizes.
func TestBlockHoldsRecordsAndTheirMarks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, maxSize := range []int{1, 2, 10, 300, ownBlockBytes} {
		b, recs, seqs := filledBlock(rnd, maxSize)
		if free := len(b.page) - b.used - markBytes*b.n; free < 0 || free >= markBytes+maxSize {
			t.Errorf("records up to %d bytes leave %d bytes of a page unused", maxSize, free)
		}
		whole := span{b, 0, b.n}
		if !bytes.Equal(dataOf(whole), bytes.Join(recs, nil)) || whole.bytes() != b.used || b.live != len(recs) {
			t.Errorf("records up to %d bytes: the block holds something else", maxSize)
		}
		for i, rec := range recs {
			one := span{b, i, i + 1}
			if !bytes.Equal(dataOf(one), rec) || one.firstSeq() != seqs[i] {
				t.Fatalf("record %d is %d: %q, want %d: %q", i, one.firstSeq(), dataOf(one), seqs[i], rec)
			}
		}
	}
}

// A mark has 32 bits for the distance of sequence numbers: a record further
// away needs another block, unless it is the first.
func TestBlockTakesSequenceNumbersThatItCanTell(t *testing.T) {
	b := newBlock(blockBytes)
	const base = 1 << 40
	if !b.fits(1, base) {
		t.Error("an empty block does not take any sequence number")
	}
	b.add([]byte("a"), base)
	if !b.fits(1, base+math.MaxUint32) {
		t.Error("the last sequence number does not fit")
	}
	if b.fits(1, base+math.MaxUint32+1) {
		t.Error("a sequence number fits that has no room in a mark")
	}
	b.add([]byte("b"), base+math.MaxUint32)
	if got := b.seq(1); got != base+math.MaxUint32 {
		t.Errorf("the sequence number is %d", got)
	}
	b.reset()
	if !b.fits(1, 3) {
		t.Error("an empty block does not take any sequence number")
	}
}

// A page is as long as what the allocator gives for it: nothing is paid for and
// not used.
func TestBlockUsesAllOfItsMemory(t *testing.T) {
	for _, size := range []int{1, 100, ownBlockBytes + markBytes, 33 << 10, blockBytes, 1<<20 + 1} {
		b := newBlock(size)
		if len(b.page) < size || len(b.page) != cap(b.page) {
			t.Errorf("a block for %d bytes has a page of %d, capacity %d", size, len(b.page), cap(b.page))
		}
	}
	if n := len(newBlock(blockBytes).page); n != blockBytes {
		t.Errorf("a shared block has %d bytes, and would never be used again", n)
	}
}

// What a span finds by halving is what going from record to record finds.
func TestSpanFindsByHalving(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		b, recs, seqs := filledBlock(rnd, 1+rnd.IntN(ownBlockBytes))
		for range 50 {
			from := rnd.IntN(b.n)
			s := span{b, from, from + 1 + rnd.IntN(b.n-from)}
			recs, seqs := recs[s.from:s.to], seqs[s.from:s.to]

			limit := seqs[0] + rnd.Uint64N(seqs[len(seqs)-1]-seqs[0]+2)
			below := len(slices.DeleteFunc(slices.Clone(seqs), func(seq uint64) bool { return seq >= limit }))
			if got := s.below(limit); got != below {
				t.Fatalf("%d of %v are below %d, want %d", got, seqs, limit, below)
			}

			size := rnd.IntN(s.bytes()+200) - 50
			if rnd.IntN(2) == 0 { // what some records have exactly
				size = (span{b, s.from, s.from + rnd.IntN(s.len()+1)}).bytes()
			}
			reach := 0
			for sum := 0; sum < size && reach < len(recs); reach++ {
				sum += len(recs[reach])
			}
			if got := s.reach(size); got != reach {
				t.Fatalf("%d records have %d bytes, want %d", got, size, reach)
			}

			maxRecords := rnd.IntN(len(recs)+3) - 1
			n, extra := 0, max(rnd.IntN(40)-20, 0)
			size += extra * rnd.IntN(len(recs)+1)
			for sum := 0; n < len(recs) && n < maxRecords && sum+len(recs[n])+extra <= size; n++ {
				sum += len(recs[n]) + extra
			}
			front, rest := s.cut(maxRecords, size, extra)
			if want := (span{b, s.from, s.from + n}); front != want || rest != (span{b, s.from + n, s.to}) {
				t.Fatalf("cut of %v to %d records and %d bytes is %v and %v, want %v first",
					s, maxRecords, size, front, rest, want)
			}
		}
	}
}

// spans is a slice with two cheap ends, also where its ring wraps around.
func TestSpansIsAQueueWithTwoEnds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	var q spans
	var want []span
	for step := range 20_000 {
		s := span{from: step}
		// It grows and shrinks by turns.
		switch rnd.IntN(2 + 2*(step/200%2)) {
		case 0:
			q.pushBack(s)
			want = append(want, s)
		case 1:
			q.pushFront(s)
			want = slices.Insert(want, 0, s)
		default:
			if len(want) == 0 {
				continue
			}
			if got := q.popFront(); got != want[0] {
				t.Fatalf("step %d: popped %v, want %v", step, got, want[0])
			}
			want = want[1:]
		}
		if q.n != len(want) {
			t.Fatalf("step %d: %d spans, want %d", step, q.n, len(want))
		}
		if len(want) > 0 && (*q.front() != want[0] || *q.back() != want[len(want)-1]) {
			t.Fatalf("step %d: ends at %v and %v, want %v and %v", step, *q.front(), *q.back(), want[0], want[len(want)-1])
		}
		for i := range want {
			if step%50 == 0 && *q.at(i) != want[i] {
				t.Fatalf("step %d: %v at %d, want %v", step, *q.at(i), i, want[i])
			}
		}
	}
}

// A queue lets go of the blocks that left it: one forgotten span would keep a
// block of any size.
func TestSpansForgetsWhatIsPopped(t *testing.T) {
	var q spans
	for range 40 {
		q.pushBack(span{b: newBlock(1)})
	}
	for q.n > 0 {
		q.popFront()
	}
	for i, s := range q.ring {
		if s.b != nil {
			t.Errorf("slot %d still has its block", i)
		}
	}
}

// dataOf is the records of s, back to back.
func dataOf(s span) (data []byte) {
	for i := s.from; i < s.to; i++ {
		data = append(data, s.b.record(i)...)
	}
	return data
}
