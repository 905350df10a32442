package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// removable reports whether there is something to remove, or room to be had by
// it, so that a full disk need not be waited for.
func (s *Spool) removable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settledLocked() > 0
}

// settledLocked is how many of the oldest segments are settled whole. The
// active one stays, until Close.
func (s *Spool) settledLocked() int {
	repairing := s.repairingLocked()
	for n, seg := range s.segments {
		settled := max(seg.last, seg.keep) <= s.settled.through || seg.stale && seg.end == seg.base
		if !seg.full || !settled || seg.stale && repairing {
			return n
		}
	}
	return len(s.segments)
}

// removeSettled removes the segments that nobody needs any more.
func (s *Spool) removeSettled() error {
	s.mu.Lock()
	n := s.settledLocked()
	s.doomLocked(n)
	s.mu.Unlock()
	return s.unlinkDoomed()
}

// doomLocked takes the n oldest segments out of the books.
func (s *Spool) doomLocked(n int) {
	for i, seg := range s.segments[:n] {
		seg.removed = true
		s.w.doomed = append(s.w.doomed, seg)
		s.segments[i] = nil
	}
	s.segments = s.segments[n:]
}

// unlinkDoomed unlinks the segments that are out of the books, after ACK says so
// durably: without that a crash would bring back half of them, or find a hole.
func (s *Spool) unlinkDoomed() error {
	w := &s.w
	if len(w.doomed) == 0 {
		return nil
	}
	if err := s.writeAck(); err != nil {
		return err
	}
	if err := w.ack.sync(); err != nil {
		return err
	}
	for len(w.doomed) > 0 {
		seg := w.doomed[0]
		s.abandon(seg)
		name := segmentName(seg.number)
		if err := s.dir.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", name, err)
		}
		s.mu.Lock()
		s.bytes -= seg.size
		s.mu.Unlock()
		w.doomed = w.doomed[1:]
		w.retry = time.Time{} // there is room: try at once
	}
	w.doomed = nil
	return nil
}

// abandon ends all that is still to be done with a segment.
func (s *Spool) abandon(seg *segment) {
	w := &s.w
	for i, x := range w.unsynced {
		if x == seg {
			w.unsynced = append(w.unsynced[:i], w.unsynced[i+1:]...)
			break
		}
	}
	s.closeSegment(seg)
}

// makeRoom drops the oldest segments until one of size has room. This is the
// only place where records go that somebody may still need, and they are
// counted.
func (s *Spool) makeRoom(size int64) error {
	for {
		s.mu.Lock()
		room := s.bytes+size <= s.opts.MaxBytes
		s.mu.Unlock()
		if room {
			return nil
		}
		if err := s.removeSettled(); err != nil {
			return err
		}
		s.mu.Lock()
		if s.bytes+size <= s.opts.MaxBytes || len(s.segments) == 0 {
			s.mu.Unlock()
			return nil
		}
		seg := s.segments[0]
		if seg.stale && s.repairingLocked() {
			// What is in it is about to be written again, which may cost a segment more.
			// Then it goes.
			s.mu.Unlock()
			return nil
		}
		only := slices.Clone(s.only)
		end := seg.end
		if len(s.segments) > 1 {
			end = min(end, s.segments[1].base) // what was written again is not lost with its first copy
		}
		// From here on Read returns nothing of it, and Release knows.
		seg.removed = true
		s.gone = max(s.gone, seg.last)
		s.mu.Unlock()

		n := s.countOnly(seg, end, only)

		s.mu.Lock()
		s.lost.Dropped += n
		s.spooled -= n
		s.settled.add(1, seg.last)
		s.only.remove(1, seg.last)
		s.doomLocked(1)
		s.mu.Unlock()
	}
}

// countOnly counts the records of seg that are in the set, those among them that
// are unreadable. It reads headers only, and these only where the books do not tell.
func (s *Spool) countOnly(seg *segment, end uint64, only seqSet) int64 {
	n := only.count(seg.first, seg.last)
	if n == 0 || end <= seg.base {
		return 0
	}
	if n == seg.last-seg.first+1 {
		return int64(end - seg.base)
	}
	f, err := s.dir.open(segmentName(seg.number), false)
	if err != nil { // as well as it can be told
		return int64(min(n, end-seg.base))
	}
	defer f.Close() //nolint:errcheck // it was only read
	c := newScanner(f, seg.number, seg.limit)
	c.ahead = frameHeaderBytes
	sum := uint64(0)
	expect, last := seg.base, seg.first-1
	hole := func(to, until uint64) {
		if to > expect {
			sum += min(to-expect, only.count(last+1, until))
		}
	}
	for kind := c.next(false); kind != foundEnd; kind = c.next(false) {
		if kind == foundBad || c.h.ordinal < expect || c.h.end() > end {
			continue
		}
		hole(c.h.ordinal, c.h.first-1)
		sum += only.count(c.h.first, c.h.last())
		expect, last = c.h.end(), c.h.last()
	}
	hole(end, seg.last)
	return int64(sum)
}
