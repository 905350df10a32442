package slogship

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"time"

	"github.com/slogship/slogship/internal/spool"
)

// spooling is what pending knows of the disk. Where there is one, a record is in one
// of three places:
//
//	disk     [ a b c d e f g h i j k l ]          what was due on disk, settled or not
//	staged   [ c d ]                              read back, the next to be sent
//	queue              [ i j k l m n ]            in memory, as ever
//	fresh                        [ m n ]          of these, what disk was not given yet
//
// As long as delivery works, records go from the queue to the server and are never
// read back. When the queue has no room, its oldest records are evicted: from there
// on only the disk has them (e to h). They are sent before what is in memory, for
// they are older.
//
// disk pulls: it calls give when something is due. The order of locks is pending.mu,
// then that of disk, which is never held across I/O. It is part of pending, and
// guarded by its mu, but for disk, which does not change, and page.
type spooling struct {
	wanted bool         // what came in is to be told to disk, once mu is free
	disk   *spool.Spool // nil: memory only

	fresh     freshRecords
	sizes     []uint32 // of what pushFreshLocked gives
	staged    stagedRecords
	reading   bool      // records that were read are not staged yet
	spooled   int64     // records that only the disk has, or that are staged or being read
	evicted   uint64    // the newest of those that were evicted
	stuck     bool      // there are some that cannot be read now
	stuckTill time.Time // when to try again

	counted spool.Lost     // what disk has lost, as far as it is in the books, or was before this Handler
	untold  [reasons]int64 // of it, what waiters were not told of

	page spool.Page // owned by the batcher's goroutine
	news diskNews
}

// freshRecords are the records that disk was not given yet, oldest first. Their
// blocks are pinned: each of them counts as live once more.
type freshRecords struct {
	spans
	records, bytes int
	known, hurried bool // disk knows that there are some; that there are many
}

// stagedRecords were read back from disk.
type stagedRecords struct {
	spans
	records, bytes int
}

// An origin says how records on disk were captured.
type origin struct {
	prefix  [prefixDigits / 2]byte // of their ids
	version byte                   // of record's layout
}

// hurryBytes of fresh records do not wait for SpoolOptions.Delay, nor does a quarter
// of MaxPending or of MaxPendingBytes: they might have to be dropped before they are on
// disk. With less, a short burst would be written beside its calls, which slows them.
const hurryBytes = 4 << 20

// stuckFor is how long the batcher leaves alone what it could not read from disk.
const stuckFor = time.Second

// spoolTo has p keep its records in disk, whose backlog is the first to be sent.
func (p *pending) spoolTo(disk *spool.Spool) {
	st := disk.Stats()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.disk, p.counted = disk, st.LostBefore
	p.next = disk.Next()
	p.accepted, p.spooled = st.Recovered, st.Recovered
	p.syncDiskLocked()
}

// noteFreshLocked notes the newest record, of size bytes, in b. It reports whether
// disk has to be told.
func (p *pending) noteFreshLocked(b *block, size int) (tell bool) {
	f := &p.fresh
	b.live++
	f.pushRecord(b)
	f.records++
	f.bytes += size
	if f.known && (f.hurried || f.bytes < min(hurryBytes, p.maxBytes/4) && f.records < max(p.maxRecords/4, 1)) {
		return false
	}
	f.hurried = f.known // the first time it is told that there is something
	f.known = true
	return true
}

// tellDisk tells disk that there are fresh records.
func (p *pending) tellDisk() {
	p.mu.Lock()
	hurried := p.fresh.hurried
	p.mu.Unlock()
	if hurried {
		p.disk.Hurry()
	}
	p.disk.Notify()
}

// give gives take what is fresh, without what is settled already. disk calls it, on
// its own goroutine.
func (p *pending) give(take func(spool.Span) bool) {
	p.mu.Lock()
	defer p.unlock()
	p.fresh.known, p.fresh.hurried = false, false
	var sizes []uint32
	for p.fresh.n > 0 {
		s := *p.fresh.front()
		s.b.live += s.len()
		p.mu.Unlock()
		given, ok := p.giveSpan(s, take, &sizes)
		p.mu.Lock()
		p.popFreshLocked(given)
		p.unpinLocked(s)
		if !ok {
			p.fresh.known = true // disk asks again by itself
			break
		}
	}
	p.syncDiskLocked()
}

// giveSpan gives take the records of s, and returns the last sequence number that
// need not be given again.
func (p *pending) giveSpan(s span, take func(spool.Span) bool, sizes *[]uint32) (given uint64, ok bool) {
	first, last := s.firstSeq(), s.b.seq(s.to-1)
	for at := max(first, p.disk.Next()); at <= last; {
		lo, n := p.disk.Unsettled(at, last)
		if n == 0 {
			break
		}
		from := s.from + int(lo-first)
		part := span{s.b, from, from + int(n)}
		*sizes = (*sizes)[:0]
		for i := part.from; i < part.to; i++ {
			*sizes = append(*sizes, uint32(s.b.end(i)-s.b.start(i)))
		}
		if !take(spool.Span{First: lo, Data: s.b.page[s.b.start(part.from):s.b.start(part.to)], Sizes: *sizes}) {
			return lo - 1, false
		}
		at = lo + n
	}
	return last, true
}

// popFreshLocked takes the records up to a sequence number out of fresh.
func (p *pending) popFreshLocked(through uint64) {
	for f := &p.fresh; f.n > 0 && f.front().firstSeq() <= through; {
		s := f.front()
		n := s.below(through + 1)
		p.cutFreshLocked(0, n)
	}
}

// unwrittenLocked counts the fresh records that are not on disk. give writes some
// before it takes them out of fresh.
func (p *pending) unwrittenLocked() int {
	n := p.fresh.records
	written := p.disk.Written()
	for i := range p.fresh.n {
		s := p.fresh.at(i)
		if s.firstSeq() > written {
			break
		}
		n -= s.below(written + 1)
	}
	return n
}

// cutFreshLocked takes the first n records of the i-th span out of fresh.
func (p *pending) cutFreshLocked(i, n int) {
	f := &p.fresh
	s := f.at(i)
	gone := span{s.b, s.from, s.from + n}
	f.records -= n
	f.bytes -= gone.bytes()
	if s.from += n; s.from == s.to {
		for ; i > 0; i-- {
			*f.at(i) = *f.at(i - 1)
		}
		f.popFront()
	}
	p.unpinLocked(gone)
}

func (p *pending) unpinLocked(s span) {
	if !p.ended {
		p.releaseLocked(s.b, s.len())
	}
}

// forgetFreshLocked takes s, which is lost, out of fresh if it begins a span there;
// if it does not, give leaves it out. Before it is at most what is in flight.
func (p *pending) forgetFreshLocked(s span) {
	f := &p.fresh
	for i := range f.n {
		if t := f.at(i); t.b == s.b && t.from <= s.from && s.from < t.to {
			if t.from == s.from {
				p.cutFreshLocked(i, min(s.len(), t.len()))
			}
			return
		}
	}
}

// evictableLocked is how many records to evict where n of s have to go: all that disk
// has of it, within a quarter of MaxPending, because one call costs as much as another.
func (p *pending) evictableLocked(s *span, n int) int {
	most := min(s.len(), max(n, p.maxRecords/4))
	if f := &p.fresh; f.n > 0 && f.front().firstSeq() <= s.b.seq(s.to-1) {
		p.pushFreshLocked(s.b.seq(s.from + most - 1))
		if f.n > 0 {
			most = min(most, s.below(f.front().firstSeq()))
		}
	}
	return max(n, most)
}

// pushFreshLocked gives disk what is fresh up to a sequence number, as far as disk has
// room. A burst that fills memory before disk pulls would be lost otherwise. It copies,
// and waits for nothing.
func (p *pending) pushFreshLocked(through uint64) {
	take := func(s spool.Span) bool {
		_, err := p.disk.Append(s)
		return err == nil
	}
	for ok := true; ok && p.fresh.n > 0 && p.fresh.front().firstSeq() <= through; {
		s := *p.fresh.front()
		s.to = s.from + s.below(through+1)
		var given uint64
		given, ok = p.giveSpan(s, take, &p.sizes)
		p.popFreshLocked(max(given, min(p.disk.Next()-1, through)))
	}
}

// evictLocked lets go of the oldest records. Those that disk has are in no other
// place now; the others are lost, for want of room.
func (p *pending) evictLocked(s span) {
	if p.leaveLocked(s, overflow) && p.alarm == calm {
		p.alarm = breached
	}
}

// leaveLocked leaves the records of s to the disk, and drops those that it does not
// have.
func (p *pending) leaveLocked(s span, why reason) (lost bool) {
	p.pushFreshLocked(s.b.seq(s.to - 1))
	s.runs(func(s span, lo, hi uint64) {
		from, to := p.disk.Release(lo, hi)
		if to < from {
			from, to = hi+1, hi
		}
		early := span{s.b, s.from, s.from + int(from-lo)} // its segment was dropped, for want of room on disk
		kept := span{s.b, early.to, early.to + int(to+1-from)}
		late := span{s.b, kept.to, s.to} // not given yet
		for _, s := range []span{early, late} {
			if s.len() > 0 {
				lost = true
				p.forgetFreshLocked(s)
				p.settleLocked(s, s.len(), why)
			}
		}
		if kept.len() > 0 {
			p.evicted = max(p.evicted, to)
			p.spooled += int64(kept.len())
			for _, w := range p.waiters {
				w.onDisk += int64(kept.below(w.limit))
			}
			p.releaseLocked(kept.b, kept.len())
		}
	})
	return lost
}

// leaveOnDiskLocked leaves all that is held to the disk, at the end of Shutdown. What
// is in flight still, in a transport that does not return, is there if all is.
func (p *pending) leaveOnDiskLocked() {
	all := p.disk.Written()+1 >= p.next
	for p.queue.n > 0 {
		s := p.queue.popFront()
		p.leaveLocked(s, shutdown)
	}
	for _, s := range slices.Concat(p.aside.poison, p.aside.accused, p.aside.suspects) {
		p.leaveLocked(s.spans[0], shutdown)
	}
	for p.staged.n > 0 { // its segment may have been dropped, or be still to be written
		s := p.staged.popFront()
		p.spooled -= int64(s.len())
		for _, w := range p.waiters {
			w.onDisk -= int64(s.below(w.limit))
		}
		p.leaveLocked(s, shutdown)
	}
	p.records, p.bytes, p.aside = 0, 0, aside{}
	p.staged.records, p.staged.bytes = 0, 0
	if all {
		p.spooled += int64(p.inFlight)
		p.inFlight, p.inFlightBytes = 0, 0
	}
}

// runs calls f for each part of s whose sequence numbers have no gap: records of
// another block may have been between them.
func (s span) runs(f func(s span, lo, hi uint64)) {
	for s.len() > 0 {
		lo, hi := s.firstSeq(), s.b.seq(s.to-1)
		part := s
		if hi-lo != uint64(s.len()-1) {
			part.to = part.from + 1
			for hi = lo; part.to < s.to && s.b.seq(part.to) == hi+1; hi++ {
				part.to++
			}
		}
		f(part, lo, hi)
		s.from = part.to
	}
}

// settleOnDiskLocked tells disk that it need not keep the records of s.
func (p *pending) settleOnDiskLocked(s span) {
	s.runs(func(_ span, lo, hi uint64) { p.disk.Settle(lo, hi) })
	if p.records+p.inFlight == 0 {
		p.popFreshLocked(math.MaxUint64 - 1)
	}
}

// refill stages records until there is a full batch of them, or no more on disk that
// come before those in memory. It is called by the batcher's goroutine, and reads
// without the lock.
func (p *pending) refill() {
	if p.disk == nil {
		return
	}
	for waited := false; p.wantsPage(); {
		err := p.disk.Read(&p.page)
		var b *block
		if err == nil {
			b = blockOf(&p.page)
		}
		p.mu.Lock()
		p.reading = false
		if b != nil {
			p.stuck, waited = false, false
			p.held += b.cost()
			p.staged.pushBack(span{b, 0, b.n})
			p.staged.records += b.n
			p.staged.bytes += b.used
		}
		p.syncDiskLocked()
		evicted := p.evicted
		p.unlock()
		if b != nil {
			continue
		}
		if errors.Is(err, io.EOF) && !waited { // what is older has to be written again first
			waited = true
			ctx, cancel := context.WithTimeout(context.Background(), stuckFor)
			err = p.disk.WaitWritten(ctx, evicted)
			cancel()
			if err == nil {
				continue
			}
		}
		p.mu.Lock()
		p.stuck, p.stuckTill = true, time.Now().Add(stuckFor)
		p.mu.Unlock()
		return
	}
}

// wantsPage reports whether refill has to read, and notes that it does.
func (p *pending) wantsPage() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = !p.ended && p.spooled > int64(p.staged.records) && !p.staged.full(p) &&
		(!p.stuck || !time.Now().Before(p.stuckTill)) &&
		(p.queue.n == 0 || p.disk.First() < p.queue.front().firstSeq())
	return p.reading
}

// blockOf is a copy of a page.
func blockOf(page *spool.Page) *block {
	b := newBlock(len(page.Data) + markBytes*len(page.Sizes))
	b.origin = &origin{prefix: page.Prefix, version: page.Version}
	data := page.Data
	for i, size := range page.Sizes {
		b.add(data[:size], page.First+uint64(i))
		data = data[size:]
	}
	return b
}

// full reports whether a full batch is staged.
func (s *stagedRecords) full(p *pending) bool {
	return s.records >= p.batchRecords || s.bytes+s.records*p.extra >= p.batchBytes
}

// stagedNextLocked reports whether staged has the oldest records.
func (p *pending) stagedNextLocked() bool {
	return p.staged.n > 0 && (p.queue.n == 0 || p.staged.front().firstSeq() < p.queue.front().firstSeq())
}

// nextOnDiskLocked is the lowest sequence number that comes after what is at the
// front of the queue, and is on disk only.
func (p *pending) nextOnDiskLocked() uint64 {
	if p.staged.n > 0 {
		return p.staged.front().firstSeq()
	}
	if first := p.disk.First(); p.spooled > 0 && p.queue.n > 0 && first > p.queue.front().firstSeq() {
		return first
	}
	return math.MaxUint64 // or the disk fails, and memory goes on
}

// swapStagedLocked takes a batch of what is staged.
func (p *pending) swapStagedLocked() (batch piece) {
	below := uint64(math.MaxUint64)
	if p.queue.n > 0 {
		below = p.queue.front().firstSeq()
	}
	batch = p.cutBatchLocked(&p.staged.spans, below, p.batchBytes)
	p.staged.records -= batch.records
	p.staged.bytes -= batch.bytes
	p.spooled -= int64(batch.records)
	p.inFlight += batch.records
	p.inFlightBytes += batch.bytes
	for _, w := range p.waiters {
		w.onDisk -= int64(batch.below(w.limit))
	}
	return batch
}

// stageAgainLocked puts records back that were read from disk: there they need no
// room in the queue.
func (p *pending) stageAgainLocked(s span) {
	p.inFlight -= s.len()
	p.inFlightBytes -= s.bytes()
	p.spooled += int64(s.len())
	p.staged.records += s.len()
	p.staged.bytes += s.bytes()
	for _, w := range p.waiters {
		w.onDisk += int64(s.below(w.limit))
	}
	q := &p.staged.spans
	if q.n > 0 {
		if f := q.front(); f.b == s.b && f.from == s.to {
			f.from = s.from
			return
		}
	}
	q.pushFront(s)
	for i := 1; i < q.n && q.at(i).firstSeq() < s.firstSeq(); i++ { // came back before it
		*q.at(i - 1), *q.at(i) = *q.at(i), s
	}
}

// dueOnDiskLocked is due where there are records on disk; it reports false if they
// say nothing.
func (p *pending) dueOnDiskLocked(now time.Time) (time.Duration, bool) {
	switch {
	case p.spooled == 0:
		return 0, false
	case p.staged.n > 0 || !p.stuck || !now.Before(p.stuckTill):
		return 0, true
	case p.records == 0:
		p.asleep = idle
		return p.stuckTill.Sub(now), true
	}
	return 0, false
}
