package slogship

import "github.com/slogship/slogship/internal/spool"

// syncDiskLocked counts what disk has lost meanwhile, and returns its books.
func (p *pending) syncDiskLocked() spool.Stats {
	st := p.disk.Stats()
	dropped := st.Lost.Dropped - p.counted.Dropped
	unreadable := st.Lost.Corrupt + st.Lost.Torn - p.counted.Corrupt - p.counted.Torn
	p.counted = st.Lost
	if dropped > 0 && p.alarm == calm && !p.ended {
		p.alarm = breached
	}
	p.loseOnDiskLocked(overflow, dropped)
	p.loseOnDiskLocked(corrupt, unreadable)
	p.recountLocked()
	return st
}

// loseOnDiskLocked counts n records as dropped that only the disk had.
func (p *pending) loseOnDiskLocked(why reason, n int64) {
	if n == 0 {
		return
	}
	p.spooled -= n
	p.lost[why] += n
	p.untold[why] += n
	p.losses.note()
}

// recountLocked tells calls of Flush which of their records were lost on disk: those
// that they had there and that are there no more. What is being read is in no place
// where it can be counted; then it is done later.
func (p *pending) recountLocked() {
	if p.reading || p.untold == [reasons]int64{} {
		return
	}
	for i := len(p.waiters) - 1; i >= 0; i-- {
		w := p.waiters[i]
		lost := w.onDisk - (p.spooled - p.onDiskAboveLocked(w.limit))
		for why, n := range p.untold {
			n = max(min(n, lost), 0)
			lost -= n
			w.lost[why] += n
			w.onDisk -= n
			w.left -= n
		}
		if w.left <= 0 {
			close(w.done)
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
		}
	}
	p.untold = [reasons]int64{}
}

// onDiskAboveLocked counts the records on disk from a sequence number on.
func (p *pending) onDiskAboveLocked(limit uint64) int64 {
	n := p.disk.Above(limit)
	for i := range p.staged.n {
		s := p.staged.at(i)
		n += int64(s.len() - s.below(limit))
	}
	return n
}

// discardOnDisk drops what only the disk has, and returns how many records that was.
func (p *pending) discardOnDisk() int {
	if p.disk == nil {
		return 0
	}
	n := p.disk.Discard()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return 0
	}
	p.loseOnDiskLocked(discarded, n)
	p.recountLocked()
	for p.staged.n > 0 {
		s := p.staged.popFront()
		p.spooled -= int64(s.len())
		n += int64(s.len())
		for _, w := range p.waiters {
			w.onDisk -= int64(s.below(w.limit))
		}
		p.settleLocked(s, s.len(), discarded)
	}
	p.staged.records, p.staged.bytes = 0, 0
	return int(n)
}

// protectedLocked is how many of the records that are held, below a sequence number,
// are on disk up to the sequence number through, with onDisk of them there only.
// What is in flight is older than what is pending: of it all count, or none.
func (p *pending) protectedLocked(limit, through uint64, onDisk int64) (n int64) {
	n = max(onDisk-p.disk.Above(through+1), 0)
	limit = min(limit, through+1)
	for i := range p.queue.n {
		s := p.queue.at(i)
		if s.firstSeq() >= limit {
			break
		}
		n += int64(s.below(limit))
	}
	oldest := p.next
	if p.queue.n > 0 {
		oldest = p.queue.front().firstSeq()
	}
	if oldest <= through+1 {
		n += int64(p.inFlight + p.aside.len())
	}
	return n
}
