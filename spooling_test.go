package slogship

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship/internal/record"
)

// seqsOf is the sequence numbers of a batch.
func seqsOf(pc piece) (seqs []uint64) {
	for _, s := range pc.spans {
		for i := s.from; i < s.to; i++ {
			seqs = append(seqs, s.b.seq(i))
		}
	}
	return seqs
}

func seqsFrom(lo, hi uint64) (seqs []uint64) {
	for ; lo <= hi; lo++ {
		seqs = append(seqs, lo)
	}
	return seqs
}

// onDisk is a queue without a batcher, whose records go to dir.
func onDisk(t *testing.T, dir string) *pending {
	t.Helper()
	p := newPending(queueSettings(100, 1<<20, 20, 1<<20))
	if _, err := p.openSpool(SpoolOptions{Dir: dir, Delay: time.Second}); err != nil {
		t.Fatal(err)
	}
	return p
}

// wantBatches takes batches, and has them delivered.
func (p *pending) wantBatches(t *testing.T, want ...[]uint64) {
	t.Helper()
	for _, want := range want {
		batch := p.swap()
		if got := seqsOf(batch); !slices.Equal(got, want) {
			t.Fatalf("a batch is %d, want %d", got, want)
		}
		p.settle(batch, 0, 0)
	}
}

func pushMany(p *pending, n int) {
	for range n {
		p.push(anyRecord, false)
	}
}

// anyRecord is a captured record.
var anyRecord = func() []byte {
	r := slog.NewRecord(recordTime, slog.LevelInfo, "any", 0)
	return slices.Clone(record.New(record.Options{}).Capture(context.Background(), &r).Bytes)
}()

// Several batches that were under way at once come back, in any order: one that was read
// from disk, one from memory, and one from disk that is newer than that. A batch is cut
// where the next record is in the other place, so that they are sent in order again.
func TestSpoolOrderOfPlaces(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			before := onDisk(t, dir)
			pushMany(before, 10)
			if err := before.disk.Close(); err != nil {
				t.Fatal(err)
			}

			p := onDisk(t, dir)
			pushMany(p, 10)
			batches := []piece{p.swap(), p.swap()}
			pushMany(p, 101) // 25 of them have no room in memory
			batches = append(batches, p.swap())
			for i, want := range [][]uint64{seqsFrom(1, 10), seqsFrom(11, 20), seqsFrom(21, 40)} {
				if got := seqsOf(batches[i]); !slices.Equal(got, want) {
					t.Fatalf("batch %d is %d, want %d", i, got, want)
				}
			}
			for _, i := range order {
				p.restore(batches[i])
			}
			p.wantBatches(t, seqsFrom(1, 10), seqsFrom(11, 20), seqsFrom(21, 40), seqsFrom(41, 45), seqsFrom(46, 65))
			if s := p.stats(); s.Delivered != 65 || s.Spooled != 0 || s.Accepted != s.Delivered+s.Pending {
				t.Fatalf("%+v", s)
			}
			if err := p.disk.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A batch from memory comes back, while records that came after it are on disk only,
// and are not read yet.
func TestSpoolOrderBeforeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onDisk(t, t.TempDir())
		pushMany(p, 10)
		batch := p.swap()
		pushMany(p, 101)
		p.restore(batch)
		p.wantBatches(t, seqsFrom(1, 10), seqsFrom(11, 30), seqsFrom(31, 35), seqsFrom(36, 55))
		if err := p.disk.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Blocks that cost more than they may are left to the disk, whether it has pulled what is
// in them or not.
func TestSpoolTakesBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onDisk(t, t.TempDir())
		p.maxRecords, p.maxHeld = 1<<20, 2*blockBytes
		pushMany(p, 2000)
		if s := p.stats(); s.Dropped.Total() != 0 || s.Spooled == 0 || s.Pending+s.Spooled != 2000 {
			t.Fatalf("%+v", s)
		}
		if err := p.disk.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
