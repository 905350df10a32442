package slogship

import (
	"math"
	"sync"
	"time"
)

// pending is the bounded queue between Handle and the batcher, and the books
// of all that is held.
//
//	queue   [ span | span | span ]      oldest first
//	            \      \      \
//	blocks   [ b0 ] [  b1  ] [ b2 ... ] producers write into the newest one
//
// Whenever mu is free:
//   - records and bytes are the sums over queue and aside, within maxRecords and
//     maxBytes; a quarter of these is what aside may have, and it is the first to go;
//   - held is what the blocks of these records and of those in flight cost,
//     within maxHeld as far as dropping pending records can help; free blocks
//     are kept in what that leaves;
//   - sequence numbers rise along queue, and all in flight are below them,
//     except for records that a per-record answer deferred, and what a body had no
//     room for while others were under way;
//   - accepted = delivered + dropped + records + inFlight + spooled (the balance);
//   - a block is recycled as soon as none of its records is held.
//
// Nothing here depends on the number of records held: push, overflow and
// length are O(1), swap and restore move spans, one for each block. Nor does a
// producer wait for the allocator as long as it is the only one: who takes the
// last free block makes the next one, after it let go of the lock.
type pending struct {
	maxRecords, maxBytes     int
	maxHeld                  int
	batchRecords, batchBytes int // a full batch, as it is estimated to be once it is encoded
	interval                 time.Duration
	block                    bool // Options.OnFull

	overflowed func(told chan<- struct{}) // calls tellOverflow, in a goroutine of its own
	dropped    func(pc piece, why reason) // calls OnDrop; nil if there is none

	stop chan struct{} // cap 0, closed by close, under mu: who sees closed finds it closed
	wake chan struct{} // cap 1, never closed; a token means "look again", and is left only for a batcher asleep

	mu sync.Mutex // guards what follows; never held across I/O or a wait

	// What each push changes is together, in few cache lines: these are what
	// one processor waits for when another one had the lock before.
	accepted       int64
	records, bytes int
	next           uint64 // the sequence number of the next record

	// The newest batch, as long as it is not full: how much it has, and when
	// its first record came. Records before it make full batches or come from
	// failed ones. They need no age, because they are due anyway.
	partial, partialBytes int
	extra                 int    // bytes that a record has more once it is encoded, lately
	open                  *block // producers append to it; nil before the first record
	asleep                sleep
	alarm                 alarm
	closed                bool // intake has ended: Shutdown was called
	ended                 bool // Shutdown gave up: nothing is held any more, and late answers change nothing
	queue                 spans
	born                  time.Time

	aside aside

	spooling
	losses losses

	free        freeBlocks
	held        int
	inFlight    int       // records in flight
	flying      time.Time // when the oldest record of the batch in flight was logged, be it settled or not
	urgentBelow uint64    // records below this sequence number do not wait for the interval

	inFlightBytes int
	turns         []*turn // calls of Handle that wait for room, in the order in which they came; with block only
	marked        bool    // somebody has a Mark: settled is kept
	settled       settled

	delivered int64
	lost      [reasons]int64
	peekedAt  int64 // of lost[overflow], when peek was called last
	cut       int64
	growth    growth
	waiters   []*waiter
	delivery  delivery
	abandoned LossError // what was held when ended was set
	leftover  piece     // of that, what was pending; with dropped only

	toldOverflow int64         // of lost[overflow], those that OnError was told of
	untoldAside  int64         // of lost[overflow], those that were set aside, and OnError was not told of
	told         chan struct{} // closed by the last tellOverflow at its end; nil if there was none
}

// sleep is what the batcher waits for, which tells a producer whether to wake it.
type sleep uint8

const (
	awake     sleep = iota // sending or backing off: it looks again by itself
	idle                   // nothing is pending: any record wakes it
	lingering              // a partial batch waits for its interval: a full batch or an urgent record wakes it
)

// slackBytes is what blocks may cost beyond the records in them: marks, the
// rest at the end of a page, and records at its front that are gone already.
// With the defaults that is enough, and MaxPendingBytes is reached first.
const slackBytes = 4 << 20

func newPending(s settings) *pending {
	p := &pending{
		maxRecords:   s.MaxPending,
		maxBytes:     s.MaxPendingBytes,
		maxHeld:      addSaturated(s.MaxPendingBytes, slackBytes),
		batchRecords: s.BatchRecords,
		batchBytes:   max((s.BatchBytes-s.frame)/64*63, 1), // what does not fit after all waits for the next
		extra:        firstGrowth,
		interval:     s.FlushInterval,
		block:        s.OnFull == Block && s.Spool.Dir == "", // a disk takes what memory has no room for
		stop:         make(chan struct{}),
		wake:         make(chan struct{}, 1),
	}
	for range s.Requests {
		p.maxHeld = addSaturated(p.maxHeld, max(s.BatchBytes, s.MaxRecordBytes))
	}
	p.overflowed = func(told chan<- struct{}) { close(told) } // the batcher knows better
	return p
}

// addSaturated is a + b, or the greatest int where that is greater: bounds may
// be as good as infinite.
func addSaturated(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// lock is mu.Lock. Producers hold mu for some 50 ns; a mutex that is taken waits in
// turns of ten times that, or, where more goroutines are ready than there are
// processors, puts the goroutine to sleep at once: the batcher then waits for a turn
// after all of them.
func (p *pending) lock() {
	const turns = 100 // of a few ns; longer waits are those for a goroutine that was interrupted
	for range turns {
		if p.mu.TryLock() {
			return
		}
	}
	p.mu.Lock()
}

// wakeLocked leaves a token for a batcher that sleeps.
func (p *pending) wakeLocked() {
	p.asleep = awake
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// close ends the intake.
func (p *pending) close() {
	p.lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.turnAwayLocked()
		close(p.stop)
	}
}

func (p *pending) isClosed() bool {
	p.lock()
	defer p.mu.Unlock()
	return p.closed
}

// due returns how long the batcher has to wait for the next batch, zero if one
// is due, or false if nothing is pending. The batcher is then noted as asleep,
// and must go to sleep (or ask again).
func (p *pending) due(now time.Time) (time.Duration, bool) {
	p.lock()
	defer p.mu.Unlock()
	p.asleep = awake
	p.free.trim(now)
	if wait, ok := p.dueOnDiskLocked(now); ok {
		return wait, true
	}
	if p.records == 0 {
		p.asleep = idle
		return 0, false
	}
	if p.queue.n == 0 {
		return p.dueAsideLocked(now)
	}
	if p.closed || p.records-p.aside.len() > p.partial || p.queue.front().firstSeq() < p.urgentBelow {
		return 0, true
	}
	if wait := p.born.Add(p.interval).Sub(now); wait > 0 {
		p.asleep = lingering
		return wait, true
	}
	return 0, true
}

// length is the number of records pending and on disk, without those that are set
// aside.
func (p *pending) length() int {
	p.lock()
	defer p.mu.Unlock()
	return p.records - p.aside.len() + int(p.spooled)
}
