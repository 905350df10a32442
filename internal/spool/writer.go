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
		if write = s.syncAll(); write == nil {
			s.trimFrames()
		}
	}
	if keep == nil && s.ackDue(now) {
		keep = s.writeAck()
	}
	return write, keep
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
	s.mu.Lock()
	s.buffer.hurry = false
	through := s.buffer.next - 1
	s.mu.Unlock()
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
			p, err = s.appendRest(p)
			switch {
			case errors.Is(err, ErrTooLarge): // it stays with the caller
				p, err = p.from(p.First+1), nil
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
		s.buffer.out = f
		s.mu.Unlock()
		if err := s.writeFrame(f); err != nil {
			s.mu.Lock()
			s.buffer.out = nil
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
		if err == nil && s.wrote(seg, f) {
			return nil
		}
		if err == nil { // what is written there is lost
			s.retire()
			continue
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

// wrote notes that f is at the end of seg. It reports false if nobody will find it there.
func (s *Spool) wrote(seg *segment, f *frame) bool {
	w := &s.w
	s.mu.Lock()
	vanished := seg.vanished
	s.mu.Unlock()
	if vanished {
		return false
	}
	f.seg, f.off = seg, seg.limit
	if w.unsyncedAt.IsZero() {
		w.unsyncedAt = time.Now()
	}
	w.unsyncedData += int64(len(f.buf))
	w.writtenSeq = max(w.writtenSeq, f.h.last())
	s.mu.Lock()
	s.buffer.out = nil
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
	s.writeBack(seg)
	return true
}

// writeBack has the disk begin with what will be synced, while run goes on.
func (s *Spool) writeBack(seg *segment) {
	from := max(seg.begun, seg.synced)
	if s.opts.SyncBytes > 0 && seg.limit-from >= writeBackBytes {
		seg.f.writeBack(from, seg.limit-from)
		seg.begun = seg.limit
	}
}
