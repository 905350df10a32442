package spool

import (
	"errors"
	"fmt"
	"time"
)

// writer is what run alone owns: it is the only one that writes to the
// directory, quarantine aside, so that nobody else waits for a disk. It is
// started by Open and ended by Close.
type writer struct {
	number   uint64     // of the newest segment
	active   *segment   // that frames are appended to; nil: the next frame begins one
	unsynced []*segment // full, and not known to be durable, oldest first
	doomed   []*segment // dropped or settled, and not yet unlinked
	rescues  []rescue   // frames that have to be written again, oldest first
	hand     *frame     // that is being written
	failed   uint64     // the oldest segment whose frames have to be written again; 0: none
	dirDirty bool       // a segment was made, and the directory not synced since

	ordinal      uint64 // of the next record that is written for the first time
	synced       uint64 // the ordinal below which all is durable
	proof        proof  // the same, as ACK says it
	writtenSeq   uint64 // the highest sequence number on disk
	base         uint64 // what ordinal was at Open
	unsyncedData int64  // bytes written since the last sync
	unsyncedAt   time.Time
	retained     []*frame // written, not durable, in memory
	retainedData int

	ack     ackFile
	hasMeta bool
	gen     uint64

	backoff  time.Duration
	retry    time.Time
	closeErr error
}

// rescue is a range of a segment whose sync failed.
type rescue struct {
	seg      *segment
	from, to int64
	seq, ord uint64 // of its first record
}

// run writes what was appended. It is the only goroutine of a spool.
func (s *Spool) run() {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, ended := s.step(time.Now())
		if ended {
			s.w.closeErr = s.finish()
			return
		}
		if next > 0 {
			timer.Reset(next)
		} else {
			timer.Stop()
		}
		select {
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// step does what is due, and says after what time there is more to do: never
// if it is 0.
func (s *Spool) step(now time.Time) (next time.Duration, ended bool) {
	s.mu.Lock()
	ended = s.ended
	failing := s.failing != nil
	s.mu.Unlock()
	if ended {
		return 0, true
	}
	if failing && now.Before(s.w.retry) && !s.removable() {
		return s.w.retry.Sub(now), false
	}
	write, keep := s.work(now)
	if write != nil || keep != nil {
		s.fail(write, keep, now)
		return s.w.backoff, false
	}
	s.recovered()
	return s.nextDue(time.Now()), false
}

// work is one round: remove, write, sync, acknowledge, as far as it is due. Where
// the disk does not take records, write says why; where it does not let go of
// old ones, keep does.
func (s *Spool) work(now time.Time) (write, keep error) {
	keep = s.removeSettled()
	if s.writeDue(now) {
		write = s.flush()
	}
	if write == nil && s.syncDue(now) {
		write = s.syncAll()
	}
	if keep == nil && s.ackDue(now) {
		keep = s.writeAck()
	}
	return write, keep
}

// due is when something that waits since then is due.
func due(since time.Time, delay time.Duration) time.Time {
	if since.IsZero() {
		return time.Time{}
	}
	return since.Add(delay)
}

func isDue(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

func (s *Spool) writeDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.buffer
	return len(s.w.rescues) > 0 || s.wantWritten > s.written || b.bytes >= eagerBytes ||
		s.hasBufferedLocked() && isDue(due(b.since, s.opts.Delay), now) || isDue(due(b.source, s.opts.Delay), now)
}

// hasBufferedLocked: records may be empty, so their bytes do not tell.
func (s *Spool) hasBufferedLocked() bool { return s.buffer.open != nil || len(s.buffer.queue) > 0 }

func (s *Spool) syncDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wantDurable > s.durable && s.written > s.durable ||
		s.opts.SyncDelay > 0 && isDue(due(s.w.unsyncedAt, s.opts.SyncDelay), now)
}

func (s *Spool) ackDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return isDue(due(s.dirty, s.opts.Delay), now)
}

// nextDue is how long until work has something to do; 0 if only a wake-up can tell.
func (s *Spool) nextDue(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first time.Time
	soonest := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if s.hasBufferedLocked() {
		soonest(due(s.buffer.since, s.opts.Delay))
	}
	soonest(due(s.buffer.source, s.opts.Delay))
	soonest(due(s.dirty, s.opts.Delay))
	if s.opts.SyncDelay > 0 {
		soonest(due(s.w.unsyncedAt, s.opts.SyncDelay))
	}
	if first.IsZero() {
		return 0
	}
	return max(first.Sub(now), 1)
}

// fail notes that the disk fails, and when to try it again. Only records that
// cannot be written make those who wait for them give up.
func (s *Spool) fail(write, keep error, now time.Time) {
	err := errors.Join(write, keep)
	s.mu.Lock()
	first := s.failing == nil
	s.failing, s.refusing = err, write != nil
	s.broadcastLocked()
	s.mu.Unlock()
	s.w.backoff = min(max(2*s.w.backoff, minRetry), maxRetry)
	s.w.retry = now.Add(s.w.backoff)
	if first && s.opts.OnState != nil {
		s.opts.OnState(err)
	}
}

// recovered notes that the disk works.
func (s *Spool) recovered() {
	s.mu.Lock()
	was := s.failing != nil
	s.failing, s.refusing = nil, false
	s.mu.Unlock()
	s.w.backoff = 0
	if was && s.opts.OnState != nil {
		s.opts.OnState(nil)
	}
}

// cleanLocked reports that all that was ever written is durable.
func (s *Spool) cleanLocked() bool {
	w := &s.w
	return w.unsyncedData == 0 && !w.dirDirty && len(w.unsynced) == 0 && len(w.rescues) == 0
}

// flush writes what is in memory now. What is appended meanwhile has to wait for
// the next round, or a steady flow would keep run from all else.
func (s *Spool) flush() error {
	if err := s.rescueFrames(); err != nil {
		return err
	}
	through := s.Next() - 1
	if err := s.writeThrough(through); err != nil {
		return err
	}
	if s.opts.Source == nil {
		return nil
	}
	s.mu.Lock()
	s.buffer.source = time.Time{}
	s.mu.Unlock()
	var err error
	s.opts.Source(func(p Span) bool {
		for err == nil && len(p.Sizes) > 0 {
			var n int
			s.mu.Lock()
			n, err = s.appendLocked(p)
			s.mu.Unlock()
			size := 0
			for _, length := range p.Sizes[:n] {
				size += int(length)
			}
			p = Span{First: p.First + uint64(n), Data: p.Data[size:], Sizes: p.Sizes[n:]}
			switch {
			case errors.Is(err, ErrTooLarge): // it stays with the caller
				p = Span{First: p.First + 1, Data: p.Data[p.Sizes[0]:], Sizes: p.Sizes[1:]}
				err = nil
			case err == nil, errors.Is(err, ErrFull):
				err = s.writeThrough(maxSeq)
			}
		}
		return err == nil
	})
	if err != nil {
		s.mu.Lock()
		s.buffer.source = time.Now() // there is more
		s.mu.Unlock()
	}
	return err
}

// writeThrough writes the frames in memory that have records up to through.
func (s *Spool) writeThrough(through uint64) error {
	for {
		s.mu.Lock()
		f := s.popLocked(through)
		if f == nil {
			written, durable := s.written, s.durable
			s.written = max(written, min(through, s.buffer.next-1))
			if s.cleanLocked() {
				s.durable = s.written // what was skipped needs no sync
			}
			if s.written > written || s.durable > durable {
				s.broadcastLocked()
			}
			s.mu.Unlock()
			return nil
		}
		if !f.numbered && f.last() <= s.settled.through {
			s.stats.Skipped += int64(f.count)
			s.written = max(s.written, f.last())
			s.recycleLocked(f)
			s.broadcastLocked()
			s.mu.Unlock()
			continue
		}
		s.mu.Unlock()
		if err := s.writeFrame(f); err != nil {
			s.mu.Lock()
			s.pushLocked(f)
			s.mu.Unlock()
			return err
		}
		s.retain(f)
		if s.opts.SyncBytes > 0 && s.w.unsyncedData >= s.opts.SyncBytes {
			if err := s.syncAll(); err != nil {
				return err
			}
		}
	}
}

// retain keeps a frame in memory until it is durable.
func (s *Spool) retain(f *frame) {
	w := &s.w
	w.retained = append(w.retained, f)
	w.retainedData += cap(f.buf)
	n := 0
	for ; w.retainedData > retainBytes && n < len(w.retained)-1; n++ {
		w.retainedData -= cap(w.retained[n].buf)
	}
	s.forget(n)
}

// forget lets go of the n oldest frames that were retained.
func (s *Spool) forget(n int) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	for i, f := range s.w.retained[:n] {
		s.recycleLocked(f)
		s.w.retained[i] = nil
	}
	s.mu.Unlock()
	s.w.retained = append(s.w.retained[:0], s.w.retained[n:]...)
}

// writeFrame writes one frame, to a new segment if the active one fails.
func (s *Spool) writeFrame(f *frame) error {
	w := &s.w
	w.hand = f
	defer func() { w.hand = nil }()
	if f.h.crc == 0 {
		f.checkPayload()
	}
	for attempt := 0; ; attempt++ {
		if w.active == nil || w.active.limit+f.h.size() > max(s.opts.segmentBytes, w.active.size) {
			if err := s.roll(f); err != nil {
				return err
			}
		}
		if !f.numbered {
			f.h.ordinal, f.numbered = w.ordinal, true
			w.ordinal += uint64(f.count)
		}
		seg := w.active
		f.h.segment, f.h.synced = seg.number, w.synced
		s.mu.Lock()
		f.h.acked = s.settled.through
		s.mu.Unlock()
		f.h.encode(f.buf)
		_, err := seg.f.WriteAt(f.buf, seg.limit)
		if err == nil {
			s.wrote(seg, f)
			return nil
		}
		err = fmt.Errorf("write %s: %w", segmentName(seg.number), err)
		// Nothing half written stays, if that can be helped. If it cannot, it does not
		// check.
		cut := seg.f.Truncate(seg.limit)
		if cut == nil {
			s.resize(seg, seg.limit)
		}
		if isFull(err) && cut == nil {
			return err // there is nothing wrong with the file
		}
		s.retire()
		if isFull(err) || attempt > 0 {
			return err
		}
	}
}

// wrote notes that f is at the end of seg.
func (s *Spool) wrote(seg *segment, f *frame) {
	w := &s.w
	f.seg, f.off = seg, seg.limit
	if w.unsyncedAt.IsZero() {
		w.unsyncedAt = time.Now()
	}
	w.unsyncedData += int64(len(f.buf))
	w.writtenSeq = max(w.writtenSeq, f.h.last())
	s.mu.Lock()
	seg.limit += int64(len(f.buf))
	s.bytes += max(seg.limit-seg.size, 0)
	seg.size = max(seg.size, seg.limit)
	seg.last, seg.end = f.h.last(), f.h.end()
	s.written = max(s.written, f.h.last())
	s.stats.Written = int64(w.ordinal - w.base)
	if s.wantWritten > 0 && s.written >= s.wantWritten || s.buffer.bytes < s.opts.bufferBytes/2 {
		s.broadcastLocked()
	}
	s.mu.Unlock()
}

// resize notes how long the file of seg is.
func (s *Spool) resize(seg *segment, size int64) {
	s.mu.Lock()
	s.bytes += size - seg.size
	seg.size = size
	s.mu.Unlock()
}

// retire ends the active segment. It stays open until it is durable.
func (s *Spool) retire() {
	w := &s.w
	if w.active == nil {
		return
	}
	seg := w.active
	w.active = nil
	s.mu.Lock()
	seg.full = true
	s.mu.Unlock()
	if seg.limit > seg.synced {
		w.unsynced = append(w.unsynced, seg)
		return
	}
	s.closeSegment(seg)
}

func (s *Spool) closeSegment(seg *segment) {
	if seg.f != nil {
		_ = seg.f.Close() // what is in it is durable, or given up
		seg.f = nil
	}
}

// roll begins a new segment, which has room for f.
func (s *Spool) roll(f *frame) error {
	w := &s.w
	s.retire()
	if len(w.unsynced) > maxUnsynced {
		if err := s.syncAll(); err != nil {
			return err
		}
	}
	if err := s.prepare(); err != nil {
		return err
	}
	size := max(s.opts.segmentBytes, segmentHeaderBytes+f.h.size())
	if err := s.makeRoom(size); err != nil {
		return err
	}
	w.number++
	seg := &segment{
		number: w.number, base: w.ordinal, end: w.ordinal,
		first: f.first, last: f.first - 1, size: size, limit: segmentHeaderBytes,
	}
	if f.numbered {
		seg.base, seg.end = f.h.ordinal, f.h.ordinal
	}
	seg.syncedEnd, seg.syncedLast = seg.end, seg.last
	name := segmentName(seg.number)
	file, err := s.dir.create(name)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	err = file.preallocate(size)
	if errors.Is(err, errors.ErrUnsupported) {
		seg.size, err = segmentHeaderBytes, nil
	}
	if err == nil {
		header := make([]byte, segmentHeaderBytes)
		h := segmentHeader{number: seg.number, prefix: s.prefix, firstSeq: seg.first, ordinal: seg.base, since: w.failed}
		h.encode(header)
		_, err = file.WriteAt(header, 0)
	}
	if err != nil {
		err = fmt.Errorf("create %s: %w", name, err)
		if e := errors.Join(file.Close(), s.dir.remove(name)); e != nil {
			err = errors.Join(err, e)
			seg.limit = 0
			w.doomed = append(w.doomed, seg)
			s.mu.Lock()
			s.bytes += seg.size
			s.mu.Unlock()
		}
		return err
	}
	seg.f = file
	w.active, w.dirDirty = seg, true
	s.mu.Lock()
	s.segments = append(s.segments, seg)
	s.bytes += seg.size
	s.dirtyLocked()
	s.mu.Unlock()
	return nil
}

// prepare makes ACK and META, which a directory without segments need not have.
func (s *Spool) prepare() error {
	w := &s.w
	if !w.hasMeta {
		f, err := makeFile(s.dir, metaName, encodeMeta())
		if err != nil {
			return err
		}
		_ = f.Close() // it is durable
		w.hasMeta = true
	}
	if w.ack.f == nil {
		return s.writeAck()
	}
	return nil
}
