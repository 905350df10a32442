package slogship

import (
	"math"
	"slices"
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

// push takes in one captured record, drops the oldest ones where it finds no
// room, and wakes the batcher where that is due.
func (p *pending) push(rec []byte, urgent bool) { p.put(rec, urgent, true) }

// put is push. Unless it may wake the batcher, the record waits for what does.
func (p *pending) put(rec []byte, urgent, wake bool) {
	own := p.ownBlock(rec)
	p.lock()
	if p.refusedLocked(rec) {
		p.mu.Unlock()
		return
	}
	if p.block && !p.roomLocked(rec) { // net/http's own words are not worth a wait
		p.accepted++
		p.lost[overflow]++
		p.mu.Unlock()
		return
	}
	p.shrinkLocked(p.maxRecords-1, p.maxBytes-len(rec))
	last := p.takeLocked(rec, own, urgent, wake)
	if p.held > p.maxHeld && !p.block {
		p.shrinkHeldLocked()
	}
	wanted := p.wanted
	p.wanted = false
	p.unlock()
	if wanted {
		p.tellDisk()
	}
	if last {
		p.stock()
	}
}

// ownBlock returns a block for a long record, which stands between two spans of the
// open one, or nil.
func (p *pending) ownBlock(rec []byte) *block {
	if len(rec) > ownBlockBytes && len(rec) <= p.maxBytes {
		return newBlock(len(rec) + markBytes)
	}
	return nil
}

// refusedLocked reports whether rec cannot be taken in, and counts it then.
func (p *pending) refusedLocked(rec []byte) bool {
	switch {
	case p.closed:
		p.lost[closed]++
	case len(rec) > p.maxBytes:
		p.lost[tooLarge]++
	default:
		return false
	}
	p.accepted++
	return true
}

// takeLocked takes in a record for which there is room, in own if it has a block of
// its own. It reports whether it took the last free block.
func (p *pending) takeLocked(rec []byte, own *block, urgent, wake bool) (last bool) {
	p.accepted++
	seq := p.next
	p.next++
	b := own
	if own != nil {
		p.held += own.cost()
		p.spareLocked()
	} else {
		b, last = p.openLocked(len(rec), seq)
	}
	b.add(rec, seq)
	p.queue.pushRecord(b)
	p.records++
	p.bytes += len(rec)
	if p.disk != nil && p.noteFreshLocked(b, len(rec)) {
		p.wanted = true
	}
	full := p.countLocked(len(rec))
	if urgent {
		p.urgentBelow = p.next
	}
	if wake && (p.asleep == idle || p.asleep == lingering && (full || urgent)) {
		p.wakeLocked()
	}
	return last
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

// countLocked adds a record of size bytes to the newest batch and reports
// whether a batch became full.
func (p *pending) countLocked(size int) (full bool) {
	size += p.extra
	if p.partial > 0 && p.partialBytes+p.partial*p.extra+size > p.batchBytes {
		p.partial, p.partialBytes, full = 0, 0, true // without this one, which begins the next
	}
	p.partial++
	p.partialBytes += size - p.extra
	if p.partial >= p.batchRecords || p.partialBytes+p.partial*p.extra >= p.batchBytes {
		p.partial, p.partialBytes = 0, 0
		return true
	}
	if p.partial == 1 {
		p.born = time.Now()
	}
	return full
}

// wakeLocked leaves a token for a batcher that sleeps.
func (p *pending) wakeLocked() {
	p.asleep = awake
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// shrinkLocked drops the oldest records until at most maxRecords and maxBytes
// are left. It divides no more than one span.
func (p *pending) shrinkLocked(maxRecords, maxBytes int) {
	for p.records > maxRecords || p.bytes > maxBytes {
		if p.aside.len() > 0 {
			p.dropAsideLocked()
			continue
		}
		s := p.queue.front()
		n := min(s.len(), max(p.records-maxRecords, s.reach(p.bytes-maxBytes)))
		if p.disk != nil {
			n = p.evictableLocked(s, n)
		}
		p.dropFrontLocked(n)
	}
}

// shrinkHeldLocked drops the oldest records, whole spans of them, until what is
// held costs no more than maxHeld, or there is no block left to win by that.
func (p *pending) shrinkHeldLocked() {
	for p.held > p.maxHeld && p.aside.len() > 0 {
		p.dropAsideLocked()
	}
	for p.held > p.maxHeld && p.queue.n > 1 && p.queue.front().b != p.open {
		p.dropFrontLocked(p.queue.front().len())
	}
}

// dropFrontLocked drops the n oldest records, all of one span.
func (p *pending) dropFrontLocked(n int) {
	s := p.queue.front()
	oldest := span{s.b, s.from, s.from + n}
	p.records -= n
	p.bytes -= oldest.bytes()
	if s.from += n; s.from == s.to {
		p.queue.popFront()
	}
	if p.disk != nil {
		p.evictLocked(oldest)
	} else {
		p.settleLocked(oldest, n, overflow)
		p.alarmLocked()
	}
	p.trimPartialLocked()
}

// trimPartialLocked keeps the partial batch within what is pending.
func (p *pending) trimPartialLocked() {
	p.partial = min(p.partial, p.records-p.aside.len())
	p.partialBytes = min(p.partialBytes, p.bytes-p.aside.bytes)
}

// settleLocked closes the books on the records of s: the first failed of them
// dropped for why, the others delivered.
func (p *pending) settleLocked(s span, failed int, why reason) {
	p.lost[why] += int64(failed)
	p.delivered += int64(s.len() - failed)
	p.cut += int64(s.cuts())
	if failed > 0 {
		p.losses.note()
	}
	// Backwards, for a waiter that is done is taken out.
	for i := len(p.waiters) - 1; i >= 0; i-- {
		w := p.waiters[i]
		n := s.below(w.limit)
		w.lost[why] += int64(min(n, failed))
		if w.left -= int64(n); w.left <= 0 && n > 0 {
			close(w.done)
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
		}
	}
	if p.marked && why != shutdown {
		p.noteSettledLocked(s)
	}
	if p.disk != nil {
		p.settleOnDiskLocked(s)
	}
	p.releaseLocked(s.b, s.len())
}

// swap takes a batch from the front: as many records as a full one has, at least
// one. It is empty if nothing is pending but what is set aside.
func (p *pending) swap() (batch piece) { return p.swapBytes(p.batchBytes) }

// take is swap, and how many records are left, and how many suspects.
func (p *pending) take() (batch piece, left, suspects int) {
	p.refill()
	p.lock()
	defer p.mu.Unlock()
	return p.swapLocked(p.batchBytes), p.records - p.aside.len(), p.aside.len()
}

// swapBytes is swap where a full batch has so many bytes.
func (p *pending) swapBytes(size int) (batch piece) {
	p.refill()
	p.lock()
	defer p.mu.Unlock()
	return p.swapLocked(size)
}

func (p *pending) swapLocked(size int) (batch piece) {
	below := uint64(math.MaxUint64)
	if p.disk != nil {
		if p.stagedNextLocked() {
			return p.swapStagedLocked()
		}
		below = p.nextOnDiskLocked()
	}
	batch = p.cutBatchLocked(&p.queue, below, size)
	p.records -= batch.records
	p.bytes -= batch.bytes
	if batch.records > 0 {
		p.noteFlyingLocked(&batch.spans[0])
	}
	p.inFlight += batch.records
	p.inFlightBytes += batch.bytes
	p.trimPartialLocked()
	return batch
}

// cutBatchLocked cuts a batch of at most size bytes off the front of queue, of
// records with a sequence number below a limit. The first one is.
func (p *pending) cutBatchLocked(queue *spans, below uint64, size int) (batch piece) {
	for queue.n > 0 {
		s := queue.front()
		most := p.batchRecords - batch.records
		if s.b.seq(s.to-1) >= below {
			most = min(most, s.below(below))
		}
		front, rest := s.cut(most, size-batch.bytes-batch.records*p.extra, p.extra)
		if front.len() == 0 && batch.records == 0 {
			front, rest = s.cut(1, math.MaxInt, 0) // alone too large for a batch: it goes alone
		}
		if front.len() == 0 {
			break
		}
		batch.add(front)
		if rest.len() > 0 {
			*s = rest
			break
		}
		queue.popFront()
	}
	return batch
}

// restore puts a piece back in front of what is pending. If the bounds are then
// exceeded the oldest go, as if it had never left.
func (p *pending) restore(pc piece) {
	if pc.records == 0 {
		return
	}
	p.lock()
	defer p.unlock()
	if p.ended {
		return
	}
	for i := len(pc.spans) - 1; i >= 0; i-- {
		if s := pc.spans[i]; s.b.origin != nil {
			p.stageAgainLocked(s)
		} else {
			p.unshiftLocked(s)
		}
	}
	p.shrinkLocked(p.maxRecords, p.maxBytes)
}

func (p *pending) unshiftLocked(s span) {
	p.inFlight -= s.len()
	p.inFlightBytes -= s.bytes()
	p.records += s.len()
	p.bytes += s.bytes()
	if p.queue.n > 0 {
		if f := p.queue.front(); f.b == s.b && f.from == s.to {
			f.from = s.from
			return
		}
	}
	p.queue.pushFront(s)
	for i := 1; i < p.queue.n && p.queue.at(i).firstSeq() < s.firstSeq(); i++ { // came back before it
		*p.queue.at(i - 1), *p.queue.at(i) = *p.queue.at(i), s
	}
}

// settle closes the books on a piece in flight: its first failed records are
// dropped for why, the others delivered. Where a server does not say which
// records it refused, which of them count as the first is arbitrary.
func (p *pending) settle(pc piece, failed int, why reason) {
	p.lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	for _, s := range pc.spans {
		n := min(failed, s.len())
		failed -= n
		p.inFlight -= s.len()
		p.inFlightBytes -= s.bytes()
		p.settleLocked(s, n, why)
	}
	p.admitLocked()
}

// discard empties the queue and returns how many records it held.
func (p *pending) discard() int {
	onDisk := p.discardOnDisk()
	p.lock()
	defer p.mu.Unlock()
	if p.closed {
		p.wakeLocked() // Shutdown has nothing more to wait for
	}
	n := onDisk + p.dropQueueLocked(discarded)
	p.admitLocked()
	return n
}

func (p *pending) dropQueueLocked(why reason) int {
	n := p.records
	for p.queue.n > 0 {
		s := p.queue.popFront()
		p.settleLocked(s, s.len(), why)
	}
	for _, s := range slices.Concat(p.aside.poison, p.aside.accused, p.aside.suspects) {
		p.settleLocked(s.spans[0], 1, why)
	}
	p.aside = aside{due: p.aside.due}
	p.records, p.bytes, p.partial, p.partialBytes = 0, 0, 0, 0
	return n
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

// compact copies deferred records into a block of their own, so that a few of
// them do not keep the memory of a whole batch. It copies without the lock:
// what is in flight is the batcher's, and nobody else knows the new block.
func (p *pending) compact(pc piece) (out piece) {
	var b *block
	cost := 0
	for _, s := range pc.spans {
		for i := s.from; i < s.to; i++ {
			rec, seq := s.b.record(i), s.b.seq(i)
			if b == nil || !b.fits(len(rec), seq) || b.origin != s.b.origin {
				b = newBlock(pc.bytes - out.bytes + markBytes*(pc.records-out.records))
				b.origin = s.b.origin
				cost += b.cost()
				out.spans = append(out.spans, span{b: b})
			}
			b.add(rec, seq)
			out.spans[len(out.spans)-1].to = b.n
			out.records++
			out.bytes += len(rec)
		}
	}
	p.lock()
	defer p.mu.Unlock()
	if p.ended {
		return out
	}
	p.held += cost
	for _, s := range pc.spans {
		p.releaseLocked(s.b, s.len())
	}
	p.spareLocked()
	return out
}

// length is the number of records pending and on disk, without those that are set
// aside.
func (p *pending) length() int {
	p.lock()
	defer p.mu.Unlock()
	return p.records - p.aside.len() + int(p.spooled)
}
