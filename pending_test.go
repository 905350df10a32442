package slogship

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// queueSettings are settings as New resolves them, of the bounds alone.
func queueSettings(maxRecords, maxBytes, batchRecords, batchBytes int) settings {
	return settings{Options: Options{
		MaxPending: maxRecords, MaxPendingBytes: maxBytes, MaxRecordBytes: maxBytes,
		BatchRecords: batchRecords, BatchBytes: batchBytes, FlushInterval: time.Second, Requests: 1,
	}}
}

// Whatever happens to the ring, in whatever order, it holds what a plain slice
// would: the same records in the same order, byte for byte, within the bounds,
// with the same books.
func TestRingIsASlice(t *testing.T) {
	t.Parallel()
	seeds := uint64(20)
	if raceDetector {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			script := make([]byte, 3000)
			for i := range script {
				script[i] = byte(rnd.Uint32())
			}
			playRing(t, script)
		})
	}
}

func FuzzRingIsASlice(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{10, 100, 1000} {
		script := make([]byte, n)
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 5000 { // longer ones find nothing else, slowly
			playRing(t, script)
		}
	})
}

// A producer that takes the last free block makes the next one, but not after the
// end.
func TestRingStocksBlocks(t *testing.T) {
	p := newPending(queueSettings(1<<20, 64<<20, 1<<20, 1<<20))
	blocks := map[*block]bool{}
	for len(blocks) < 10 {
		p.push(make([]byte, 1000), false)
		blocks[p.open] = true
		if n := len(p.free.blocks); n != 1 {
			t.Fatalf("beside %d blocks in use %d are free, want 1", len(blocks), n)
		}
	}
	p.close()
	p.abandon()
	p.stock()
	if len(p.free.blocks) != 0 || p.open != nil || p.held != 0 {
		t.Errorf("after the end %d blocks are kept", len(p.free.blocks))
	}
}

// What a burst took is kept for the next one, within the bound, and given back
// when none came for a while.
func TestRingKeepsWhatABurstTook(t *testing.T) {
	const size = 16 << 20
	p := newPending(queueSettings(1<<20, size, 1<<20, size))
	now := time.Now()
	burst := func(bytes int) {
		for n := 0; n < bytes; n += 1000 {
			p.push(make([]byte, 1000), false)
		}
		p.discard()
		now = now.Add(time.Second)
		p.due(now)
	}
	want := func(step string, least, most int) {
		t.Helper()
		if n := len(p.free.blocks) * blockBytes; n < least || n > most {
			t.Errorf("%s: %d bytes wait for their next use, want %d to %d", step, n, least, most)
		}
	}
	burst(size / 2)
	first := p.free.blocks[0]
	for range 30 {
		burst(size / 2)
		want("bursts", size/2, size/2+size/4)
	}
	if !slices.Contains(append(p.free.blocks, p.open), first) {
		t.Error("blocks were made for a burst though there were some")
	}
	for range 30 {
		burst(1000)
	}
	want("no burst", keptBlocks*blockBytes, keptBlocks*blockBytes)

	burst(size)
	for range 2 * size / (1 << 20) { // in blocks of their own, which are not kept
		p.push(make([]byte, 1<<20), false)
		if n := p.held + len(p.free.blocks)*blockBytes; n > p.maxHeld+keptBlocks*blockBytes {
			t.Fatalf("with long records, blocks of %d bytes are held or kept, want at most %d", n, p.maxHeld+keptBlocks*blockBytes)
		}
	}
}

// Bounds that are as good as none do not overflow.
func TestRingWithoutBounds(t *testing.T) {
	p := newPending(queueSettings(math.MaxInt, math.MaxInt, math.MaxInt/2, math.MaxInt/2))
	for range 1000 {
		p.push(make([]byte, 300), false)
	}
	if n := p.swap(); n.records != 1000 {
		t.Errorf("of 1000 records %d are left", n.records)
	}
}

// What records came to lately says when a batch is full.
func TestRingEstimatesWhatIsEncoded(t *testing.T) {
	p := newPending(queueSettings(1<<20, 64<<20, 1<<20, 64_000))
	rec := make([]byte, 100)
	full := func() (n int) { // records until a batch is full
		p.due(time.Now())
		for p.due(time.Now()); len(p.wake) == 0; n++ {
			p.push(rec, false)
			if n == 0 {
				<-p.wake // it was idle
				p.due(time.Now())
			}
		}
		<-p.wake
		if batch := p.swap(); batch.records < n-1 || batch.records > n {
			t.Errorf("a batch has %d records, was full with %d", batch.records, n)
		}
		p.discard()
		return n
	}
	const room = 63_000
	if n := full(); n != (room+100+firstGrowth-1)/(100+firstGrowth) && n != room/(100+firstGrowth)+1 {
		t.Errorf("the first batch is full with %d records", n)
	}
	for _, extra := range []int{150, 0, 50} {
		var pc piece
		pc.records, pc.bytes = 1000, 100_000
		for range 20 {
			p.noteEncoded(pc, pc.bytes+1000*extra, nil)
		}
		if n, want := full(), room/(100+extra); n < want || n > want+1 {
			t.Errorf("with %d bytes more a batch is full with %d records, want %d", extra, n, want)
		}
	}
	p.noteEncoded(piece{records: 1000, bytes: 100_000}, 1000, nil) // shorter than captured
	if p.extra < 0 {
		t.Errorf("a record has %d bytes more", p.extra)
	}
}
