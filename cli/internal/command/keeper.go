package command

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship"
)

const (
	defaultSpoolBytes = 1 << 30
	leastSpoolBytes   = 64 << 20

	// What a Handler holds in memory at most, unless its Options say otherwise.
	memoryRecords = 65_536
	memoryBytes   = 32 << 20

	// Between two looks of a keeper so much is taken in: an eighth of what memory
	// holds, in text; captured, and with the attributes of -a, it may be twice that.
	// Records are then enough for the spool not to wait before it writes them.
	keeperRecords = memoryRecords / 4
	keeperBytes   = memoryBytes / 8

	keeperEvery = 5 * time.Millisecond
)

// A keeper has input wait before a record is lost with -spool. A Handler with a spool
// never waits: when memory is full its oldest records go, although they may not be on
// disk yet, as where the disk fails; and so do the oldest on disk, when that is full.
//
// The rule: more than half of memory is used only if all that is in it is with the
// spool, and more than three quarters of the disk are never used.
type keeper struct {
	stats    func() slogship.Stats
	read     *atomic.Int64 // bytes of input
	maxBytes int64         // of the disk

	mu      sync.Mutex // guards what follows; held while waiting, which is what others would do
	records int        // since the last look
	from    int64      // read then
}

// wait waits until the next record can come in, or ctx ends.
func (k *keeper) wait(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.records++; k.records < keeperRecords && k.read.Load()-k.from < keeperBytes {
		return
	}
	k.records, k.from = 0, k.read.Load()
	for !k.roomy(k.stats()) {
		timer := time.NewTimer(keeperEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (k *keeper) roomy(s slogship.Stats) bool {
	if s.SpooledBytes > k.maxBytes/4*3 {
		return false
	}
	return s.Unprotected == 0 || s.Pending+s.InFlight <= memoryRecords/2 && s.PendingBytes <= memoryBytes/2
}
