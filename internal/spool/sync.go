package spool

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// syncAll makes durable what was written so far, oldest segment first, and then
// the directory, without whose entries a segment is not found.
func (s *Spool) syncAll() error {
	w := &s.w
	written, end := s.syncTarget()
	segs := w.unsynced
	if w.active != nil {
		segs = append(slices.Clip(segs), w.active)
	}
	for i, seg := range segs {
		if seg.synced >= seg.limit {
			continue
		}
		if err := seg.f.sync(); err != nil {
			s.giveUp(segs[i:])
			return fmt.Errorf("sync %s: %w", segmentName(seg.number), err)
		}
		s.noteSynced(seg)
	}
	if w.dirDirty {
		if err := s.dir.syncDir(); err != nil {
			return fmt.Errorf("sync directory: %w", err)
		}
		w.dirDirty = false
	}
	for _, seg := range w.unsynced {
		s.closeSegment(seg)
	}
	w.unsynced = nil
	w.synced, w.proof = end, proof{end, written}
	if end == w.ordinal {
		w.failed = 0 // all that had to be written again is durable
	}
	w.unsyncedData, w.unsyncedAt = 0, time.Time{}
	w.retainedData = 0
	s.forget(len(w.retained))
	s.mu.Lock()
	s.durable = max(s.durable, written)
	s.stats.Durable = max(s.stats.Durable, int64(end-w.base))
	s.broadcastLocked()
	s.mu.Unlock()
	return nil
}

// trimFrames lets go of empty frames that a burst needed. One that comes again within
// SyncDelay finds them still: to make new ones costs page faults and collections.
func (s *Spool) trimFrames() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hasBufferedLocked() {
		n := min(len(s.buffer.free), idleFrames)
		clear(s.buffer.free[n:])
		s.buffer.free = s.buffer.free[:n]
	}
}

// syncTarget is up to which sequence number and below which ordinal a sync now
// makes all durable: what has to be written again is not among it.
func (s *Spool) syncTarget() (seq, end uint64) {
	w := &s.w
	s.mu.Lock()
	defer s.mu.Unlock()
	seq, end = s.written, w.ordinal
	if q := s.buffer.queue; len(q) > 0 && q[0].numbered {
		seq, end = min(seq, q[0].first-1), q[0].h.ordinal
	}
	if f := w.hand; f != nil && f.numbered {
		seq, end = min(seq, f.first-1), min(end, f.h.ordinal)
	}
	if len(w.rescues) > 0 {
		seq, end = min(seq, w.rescues[0].seq-1), min(end, w.rescues[0].ord)
	}
	return seq, end
}

// repairingLocked reports whether there are records that have to be written
// again: until then their first copy stays, for those who come after a kill.
func (s *Spool) repairingLocked() bool {
	w, q := &s.w, s.buffer.queue
	return len(w.rescues) > 0 || len(q) > 0 && q[0].numbered || w.hand != nil && w.hand.numbered
}

func (s *Spool) noteSynced(seg *segment) {
	seg.synced, seg.syncedEnd, seg.syncedLast = seg.limit, seg.end, seg.last
}

// giveUp ends the use of segments whose sync failed, or comes after one that
// failed: the kernel may have dropped what it could not write, and tells it once.
// What is not durable in them goes to a new segment: from memory the
// frames that are retained, read back and checked those that are older.
func (s *Spool) giveUp(segs []*segment) {
	w := &s.w
	w.active = nil
	if w.failed == 0 {
		w.failed = segs[0].number
	}
	w.unsynced = w.unsynced[:len(w.unsynced)-min(len(segs), len(w.unsynced))]
	keep := 0
	if len(w.retained) > 0 {
		keep = len(w.retained)
		for keep > 0 && slices.Contains(segs, w.retained[keep-1].seg) && w.retained[keep-1].off >= w.retained[keep-1].seg.synced {
			keep--
		}
	}
	again := append([]*frame(nil), w.retained[keep:]...)
	if len(w.rescues) > 0 {
		again = nil // what is read back first is older: order goes before memory
	}
	var rescues []rescue
	for _, seg := range segs {
		to := seg.limit
		for _, f := range again {
			if f.seg == seg {
				to = f.off
				break
			}
		}
		from := max(seg.synced, segmentHeaderBytes)
		if from < to {
			rescues = append(rescues, rescue{seg, from, to, seg.syncedLast + 1, seg.syncedEnd})
		} else {
			s.closeSegment(seg)
		}
		s.mu.Lock()
		seg.full, seg.stale = true, true
		seg.limit, seg.end, seg.last = from, seg.syncedEnd, seg.syncedLast
		s.mu.Unlock()
	}
	w.rescues = append(rescues, w.rescues...)
	clear(w.retained[keep:])
	w.retained = w.retained[:keep]
	s.forget(keep)
	w.retainedData = 0
	w.unsyncedData, w.unsyncedAt = 0, time.Time{}
	s.mu.Lock()
	for _, f := range again {
		f.seg = nil
	}
	s.pushLocked(again...)
	s.mu.Unlock()
}

// rescueFrames writes again what giveUp found no longer in memory.
func (s *Spool) rescueFrames() error {
	w := &s.w
	for len(w.rescues) > 0 {
		r := &w.rescues[0]
		c := newScanner(r.seg.f, r.seg.number, r.to)
		c.off = r.from
		for {
			kind := c.next(true)
			if kind == foundEnd {
				break
			}
			if kind == foundBad {
				r.from = c.to // whoever reads comes to the hole, and counts it
				continue
			}
			f := &frame{first: c.h.first, count: int(c.h.count), data: int(c.h.data), h: c.h, numbered: true}
			f.buf = make([]byte, c.h.size())
			copy(f.buf[frameHeaderBytes:], c.payload)
			if err := s.writeFrame(f); err != nil {
				return err
			}
			s.retain(f)
			r.from, r.seq, r.ord = c.to, c.h.last()+1, c.h.end()
		}
		s.closeSegment(r.seg)
		w.rescues = w.rescues[1:]
	}
	return nil
}

// snapshotAck is what ACK is to say now.
func (s *Spool) snapshotAck() *ack {
	w := &s.w
	w.gen++
	a := &ack{generation: w.gen, proof: w.proof, first: w.ordinal, lastSeq: w.writtenSeq}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.settled = s.settled.clone()
	a.lost = s.lost
	for _, seg := range s.segments {
		a.first = min(a.first, seg.base)
	}
	s.dirty = time.Time{}
	return a
}

// writeAck writes ACK, for whoever comes after a crash; it is made durable before
// something depends on it.
func (s *Spool) writeAck() error {
	err := s.w.ack.write(s.dir, s.snapshotAck())
	if err != nil {
		s.mu.Lock()
		s.dirty = time.Now()
		s.mu.Unlock()
	}
	return err
}

// finish is the last round, after Close.
func (s *Spool) finish() error {
	w := &s.w
	err := s.settleDisk()
	if err != nil { // once more, to a new segment
		err = s.settleDisk()
	}
	s.countUnwritten()
	for _, seg := range append(w.unsynced, w.active) {
		if seg != nil {
			s.closeSegment(seg)
		}
	}
	for _, r := range w.rescues {
		s.closeSegment(r.seg)
	}
	w.ack.drop()
	s.reading.mu.Lock()
	s.reading.leave()
	s.reading.ended = true
	s.reading.mu.Unlock()
	s.mu.Lock()
	if err != nil {
		s.failing = err
	}
	s.broadcastLocked()
	s.mu.Unlock()
	return errors.Join(err, s.dir.close())
}

// settleDisk makes everything durable, and removes what is settled.
func (s *Spool) settleDisk() error {
	if err := s.flush(); err != nil {
		return err
	}
	if seg := s.w.active; seg != nil && seg.size > seg.limit {
		// The room that was allocated in advance is given back.
		if seg.f.Truncate(seg.limit) == nil {
			s.resize(seg, seg.limit)
			seg.synced = min(seg.synced, seg.limit-1) // the length has to be synced
		}
	}
	if err := s.syncAll(); err != nil {
		return err
	}
	s.retire()
	if err := s.removeSettled(); err != nil {
		return err
	}
	s.mu.Lock()
	have := len(s.segments) > 0
	s.mu.Unlock()
	if !have {
		return nil
	}
	if err := s.writeAck(); err != nil {
		return err
	}
	return s.w.ack.sync()
}

// countUnwritten counts what only the buffer had, and goes with it.
func (s *Spool) countUnwritten() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealLocked()
	for _, f := range s.buffer.queue {
		// What was written before the sync of it failed is on disk, if not durably.
		n := int64(s.only.count(max(f.first, s.written+1), f.last()))
		s.stats.Unwritten += n
		s.spooled -= n
	}
	s.buffer.queue, s.buffer.bytes = nil, 0
}
