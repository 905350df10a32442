package spool

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// buffer is what was appended and is not yet written. Guarded by Spool.mu.
type buffer struct {
	next   uint64   // the lowest sequence number to come
	open   *frame   // the newest records; nil if there are none
	queue  []*frame // sealed, oldest first
	out    *frame   // the one that is being written, older than these
	bytes  int      // of the records in both
	since  time.Time
	free   []*frame
	hurry  bool
	source time.Time // since when Source has records; zero: it has none
}

// Append takes records in, and copies them: it waits for nothing. It
// reports how many it took; fewer than all come with an error, ErrFull where the
// rest has to wait. Sequence numbers rise from call to call; what is left
// out on the way is not the spool's to keep.
func (s *Spool) Append(p Span) (int, error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return 0, ErrClosed
	}
	idle := !s.hasBufferedLocked()
	was := s.buffer.bytes
	n, err := s.appendLocked(p)
	now := s.buffer.bytes
	due := idle && n > 0 || was < eagerBytes && now >= eagerBytes || s.wantWritten > s.written
	s.mu.Unlock()
	if due {
		s.wakeUp()
	}
	return n, err
}

// appendRest is appendLocked for what Source gives, but for what was appended since
// Source began. It returns what it did not take.
func (s *Spool) appendRest(p Span) (Span, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p = p.from(s.buffer.next)
	n, err := s.appendLocked(p)
	return p.from(p.First + uint64(n)), err
}

// from is p without the records before a sequence number.
func (p Span) from(seq uint64) Span {
	for len(p.Sizes) > 0 && p.First < seq {
		p = Span{First: p.First + 1, Data: p.Data[p.Sizes[0]:], Sizes: p.Sizes[1:]}
	}
	return p
}

func (s *Spool) appendLocked(p Span) (int, error) {
	b := &s.buffer
	if len(p.Sizes) == 0 {
		return 0, nil
	}
	if p.First < b.next || p.First+uint64(len(p.Sizes)) > maxSeq {
		return 0, fmt.Errorf("%w: %d after %d", ErrOrder, p.First, b.next-1)
	}
	taken := 0
	for len(p.Sizes) > 0 {
		if b.bytes >= s.opts.bufferBytes {
			return taken, ErrFull
		}
		size := int(p.Sizes[0])
		if int64(size) > s.opts.maxRecord() {
			return taken, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, s.opts.maxRecord())
		}
		if f := b.open; f != nil && (p.First != f.last()+1 || f.data+size > framePayload) {
			s.sealLocked()
		}
		if !s.hasBufferedLocked() {
			b.since = time.Now()
		}
		if b.open == nil {
			b.open = s.frameLocked(size)
		}
		n, bytes := b.open.take(p)
		b.bytes += bytes
		b.next = p.First + uint64(n)
		p = Span{First: b.next, Data: p.Data[bytes:], Sizes: p.Sizes[n:]}
		taken += n
		s.stats.Appended += int64(n)
	}
	return taken, nil
}

// sealLocked closes the open frame.
func (s *Spool) sealLocked() {
	b := &s.buffer
	if b.open == nil {
		return
	}
	b.open.seal(s.opts.Version, s.prefix)
	b.queue = append(b.queue, b.open)
	b.open = nil
}

// frameLocked returns an empty frame in which a record of size bytes has room.
func (s *Spool) frameLocked(size int) *frame {
	free := s.buffer.free
	if size > framePayload || len(free) == 0 {
		return newFrame(max(size, framePayload))
	}
	f := free[len(free)-1]
	s.buffer.free = free[:len(free)-1]
	return f
}

// recycleLocked keeps the memory of f for the next use.
func (s *Spool) recycleLocked(f *frame) {
	if !f.pooled() || len(s.buffer.free) >= freeFrames {
		return
	}
	f.reset()
	s.buffer.free = append(s.buffer.free, f)
}

// popLocked returns the oldest frame that has records up to through, nil if
// there is none.
func (s *Spool) popLocked(through uint64) *frame {
	b := &s.buffer
	if len(b.queue) == 0 {
		if b.open == nil || b.open.first > through {
			return nil
		}
		s.sealLocked()
	}
	f := b.queue[0]
	if f.first > through {
		return nil
	}
	b.queue[0] = nil
	b.queue = b.queue[1:]
	b.bytes -= f.data
	return f
}

// pushLocked puts frames back in their place, which is near the front.
func (s *Spool) pushLocked(frames ...*frame) {
	b := &s.buffer
	if len(frames) == 0 {
		return
	}
	if !s.hasBufferedLocked() {
		b.since = time.Now()
	}
	i := 0
	for i < len(b.queue) && b.queue[i].first < frames[0].first {
		i++
	}
	b.queue = slices.Insert(b.queue, i, frames...)
	for _, f := range frames {
		b.bytes += f.data
	}
}

// Notify says that Source has records. It is cheap where that is known already.
func (s *Spool) Notify() {
	s.mu.Lock()
	due := s.buffer.source.IsZero() && !s.ended
	if due {
		s.buffer.source = time.Now()
	}
	s.mu.Unlock()
	if due {
		s.wakeUp()
	}
}

// Hurry makes the spool write the records that wait without delay, and returns at once.
// It is for a caller whose memory becomes full.
func (s *Spool) Hurry() {
	s.mu.Lock()
	was := s.buffer.hurry
	s.buffer.hurry = true
	s.mu.Unlock()
	if !was {
		s.wakeUp()
	}
}

// Release says that the caller lets go of its own copies of the records lo to
// hi, which are not settled: from here on only the disk has them, and Read
// returns them, also if it did before. It reports which of them the spool has: from
// to to, none if to is below from. The others were never appended, or their segment
// has been dropped: nobody has these any more, and the caller counts them. They are
// settled.
func (s *Spool) Release(lo, hi uint64) (from, to uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to = max(lo, s.gone+1), min(hi, s.buffer.next-1)
	s.settled.add(max(lo, s.buffer.next), hi)
	if hi < lo || to < from {
		return 1, 0
	}
	s.only.add(from, to)
	s.spooled += int64(to - from + 1)
	s.rewind = min(s.rewind, from)
	return from, to
}

// First is the lowest sequence number that Read may return next; 0 if only the disk
// has none.
func (s *Spool) First() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.only) == 0 {
		return 0
	}
	return s.only[0].lo
}

// Above counts the records from seq on, all of this Open, that only the disk has.
func (s *Spool) Above(seq uint64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.only.count(seq, maxSeq))
}

// Unsettled finds the first run of records within lo to hi that are not settled; n is
// 0 if there is none.
func (s *Spool) Unsettled(lo, hi uint64) (first, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settled.next(lo, hi)
}

// Settle says that the records from lo to hi are settled: they were delivered, or
// dropped and counted. The caller settles every sequence number that it uses, records
// that it never appended too, so that what is settled stays a prefix and few ranges; 64
// ranges outlive a crash.
func (s *Spool) Settle(lo, hi uint64) {
	s.mu.Lock()
	hi = min(hi, maxSeq-1)
	s.settled.add(lo, hi)
	s.only.remove(lo, hi)
	dirty := s.dirtyLocked()
	if len(s.segments) > 1 && s.segments[0].last <= s.settled.through {
		dirty = true // run removes it
	}
	s.mu.Unlock()
	if dirty {
		s.wakeUp()
	}
}

// dirtyLocked notes that ACK has to be written, and reports whether that is new.
// While there is no segment nothing depends on ACK.
func (s *Spool) dirtyLocked() bool {
	if len(s.segments) == 0 || !s.dirty.IsZero() {
		return false
	}
	s.dirty = time.Now()
	return true
}

// Written is the sequence number up to which every record is written or
// settled; Durable that up to which it is durable or settled.
func (s *Spool) Written() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

// Durable is the sequence number up to which every record is durable or settled.
func (s *Spool) Durable() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.durable
}

// WaitWritten makes the spool write the records up to seq without delay, and waits
// until they are written. While the disk fails, it returns an error at once.
func (s *Spool) WaitWritten(ctx context.Context, seq uint64) error {
	return s.wait(ctx, func() bool {
		s.wantWritten = max(s.wantWritten, seq)
		return s.settled.open(s.written+1, seq) == 0
	})
}

// WaitDurable is like WaitWritten, and waits for their sync. Concurrent callers
// share one.
func (s *Spool) WaitDurable(ctx context.Context, seq uint64) error {
	return s.wait(ctx, func() bool {
		s.wantWritten, s.wantDurable = max(s.wantWritten, seq), max(s.wantDurable, seq)
		return s.settled.open(s.durable+1, seq) == 0
	})
}

// Sync waits until everything that was appended is durable.
func (s *Spool) Sync(ctx context.Context) error {
	return s.WaitDurable(ctx, s.Next()-1)
}

// WaitRoom waits until Append can take records again.
func (s *Spool) WaitRoom(ctx context.Context) error {
	return s.wait(ctx, func() bool { return s.buffer.bytes < s.opts.bufferBytes })
}

// wait waits until ok, which is called under mu, returns true.
func (s *Spool) wait(ctx context.Context, ok func() bool) error {
	for first := true; ; first = false {
		s.mu.Lock()
		var err error
		switch {
		case ok():
			s.mu.Unlock()
			return nil
		case s.ended:
			err = ErrClosed
		case s.refusing:
			err = s.failing
		}
		if err != nil {
			s.mu.Unlock()
			return err
		}
		s.waiters++
		advance := s.advance
		s.mu.Unlock()
		if first {
			s.wakeUp()
		}
		select {
		case <-advance:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
