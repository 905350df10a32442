package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// recover finds out what earlier processes left. It reads the header of every
// segment, and all of the last one only: memory and time do not depend on the
// backlog. Nothing is deleted but what is settled, and segments without a record.
func (s *Spool) recover() error {
	w := &s.w
	var err error
	if w.hasMeta, err = readMeta(s.dir); err != nil {
		return err
	}
	last, slot, whole, err := readAck(s.dir)
	if err != nil {
		return fmt.Errorf("read %s: %w", ackName, err)
	}
	if last == nil {
		last = &ack{} // it is made anew
	} else if f, err := s.dir.open(ackName, true); err == nil {
		s.w.ack = ackFile{f: f, slot: slot, unsure: true}
	}
	s.settled, s.lost, s.stats.LostBefore, w.gen = last.settled, last.lost, last.lost, last.generation
	if err := s.listSegments(); err != nil {
		return err
	}
	end, err := s.recoverTail()
	if err != nil {
		return err
	}
	s.fillIn(end)
	if end.ordinal == 0 && len(s.segments) == 0 {
		end.ordinal = last.first
	}

	w.ordinal, w.base = end.ordinal, end.ordinal
	w.synced = min(max(end.synced, last.proof.ordinal), end.ordinal)
	s.reading.proven = w.synced

	// What is gone before the first segment and after the last one.
	found := int64(0)
	if n := len(s.segments); whole && n > 0 && last.first < s.segments[0].base {
		base, first := s.segments[0].base, s.segments[0].first
		n := min(base-last.first, s.settled.open(1, first-1))
		s.countLost(n, base)
		s.settled.add(1, first-1)
		found += int64(n)
	}
	w.proof = last.proof
	if last.proof.ordinal > end.ordinal {
		n := int64(min(last.proof.ordinal-end.ordinal, s.settled.open(end.seq+1, last.proof.seq)))
		s.lost.Corrupt += n
		found += n
		w.proof = proof{end.ordinal, end.seq}
	}
	s.settled.add(end.seq+1, last.lastSeq)
	w.writtenSeq = max(end.seq, last.lastSeq)
	next := max(w.writtenSeq, s.settled.through)
	for _, r := range s.settled.ranges {
		next = max(next, r.hi)
	}
	next++
	s.buffer.next, s.held = next, next
	s.written = next - 1
	return s.openUnsynced(found)
}

// openUnsynced ends recover: it counts, and prepares for the first sync what
// was not proven durable.
func (s *Spool) openUnsynced(found int64) error {
	w := &s.w
	for _, seg := range s.segments {
		s.spooled += s.countOpen(seg, seg.end, &s.settled, 1, s.held-1)
		if seg.end <= w.synced && seg.f == nil {
			continue
		}
		if seg.f == nil {
			f, err := s.dir.open(segmentName(seg.number), true)
			if err != nil {
				return err
			}
			seg.f = f
		}
		w.unsynced = append(w.unsynced, seg)
		w.unsyncedAt, w.dirDirty = time.Now(), true
	}
	if len(w.unsynced) == 0 {
		s.durable = s.written
	}
	s.stats.Recovered = s.spooled + found
	if found > 0 {
		s.dirty = time.Now()
	}
	return nil
}

// listSegments reads the headers of the segments.
func (s *Spool) listSegments() error {
	infos, err := s.dir.list(".")
	if err != nil {
		return err
	}
	for _, info := range infos {
		number, ok := parseSegmentName(info.Name())
		if !ok {
			continue
		}
		s.w.number = max(s.w.number, number)
		seg := &segment{number: number, size: info.Size(), limit: info.Size(), full: true}
		if err := s.readSegmentHeader(seg); err != nil {
			return err
		}
		s.segments = append(s.segments, seg)
		s.bytes += seg.size
	}
	return nil
}

// readSegmentHeader finds the first record of seg by its header, or by its
// first frame; first stays 0 where there is neither.
func (s *Spool) readSegmentHeader(seg *segment) error {
	f, err := s.dir.open(segmentName(seg.number), false)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	b := make([]byte, segmentHeaderBytes)
	n, _ := f.ReadAt(b, 0) // what cannot be read does not check
	var h segmentHeader
	if h.decode(b[:n]) && h.number == seg.number {
		if h.version > formatVersion {
			return fmt.Errorf("%w: %s has format %d, and this is %d",
				ErrVersion, segmentName(seg.number), h.version, formatVersion)
		}
		seg.base, seg.first = h.ordinal, h.firstSeq
		return nil
	}
	c := newScanner(f, seg.number, seg.limit)
	for kind := c.next(false); kind != foundEnd; kind = c.next(false) {
		if kind == foundFrame {
			seg.base, seg.first = c.h.ordinal, c.h.first
			break
		}
	}
	return nil
}

// tail is where the records on disk end.
type tail struct {
	ordinal, seq  uint64 // after the last one; of the last one
	synced, acked uint64 // what the frames say
}

// recoverTail reads the last segment that has frames, and cuts off what
// was torn: what comes after the last frame was never written whole, or never
// durable, unless ACK proves otherwise.
func (s *Spool) recoverTail() (tail, error) {
	for len(s.segments) > 0 {
		seg := s.segments[len(s.segments)-1]
		f, err := s.dir.open(segmentName(seg.number), true)
		if errors.Is(err, fs.ErrPermission) {
			f, err = s.dir.open(segmentName(seg.number), false)
		}
		if err != nil {
			return tail{}, err
		}
		var end tail
		frames, to := false, int64(segmentHeaderBytes)
		c := newScanner(f, seg.number, seg.limit)
		for kind := c.next(true); kind != foundEnd; kind = c.next(true) {
			if kind == foundBad {
				continue
			}
			frames, to = true, c.to
			end.ordinal, end.seq = max(end.ordinal, c.h.end()), max(end.seq, c.h.last())
			end.synced, end.acked = max(end.synced, c.h.synced), max(end.acked, c.h.acked)
		}
		seg.f = f
		if c.unread {
			to = seg.limit // it may be there another time
		}
		if to < seg.size {
			s.reading.quarantine(s.dir, seg.number, f, extent{to, seg.size}, s.opts.MaxBytes)
		}
		if frames || c.unread {
			if to < seg.size && f.Truncate(to) == nil {
				s.bytes += to - seg.size
				seg.size, seg.limit = to, to
			}
			s.settled.add(1, end.acked)
			if !frames {
				end.ordinal, end.seq = seg.base, max(seg.first, 1)-1
			}
			return end, nil
		}
		// No record is in it, nor was one lost with it that ACK does not know of.
		s.closeSegment(seg)
		if err := s.dir.remove(segmentName(seg.number)); err != nil {
			return tail{}, err
		}
		s.segments, s.bytes = s.segments[:len(s.segments)-1], s.bytes-seg.size
		if len(s.segments) == 0 {
			return tail{ordinal: seg.base, seq: max(seg.first, 1) - 1}, nil
		}
	}
	return tail{}, nil
}

// fillIn completes what the headers do not say: where a segment ends, and where
// one begins that has neither a header nor a frame that can be read.
func (s *Spool) fillIn(end tail) {
	base, first := end.ordinal, end.seq+1
	for i := len(s.segments) - 1; i >= 0; i-- {
		seg := s.segments[i]
		seg.end, seg.last = base, first-1
		if seg.first == 0 {
			seg.base, seg.first = base, first
		}
		base, first = min(seg.base, base), min(seg.first, first)
		seg.base, seg.first = base, first
		seg.syncedEnd, seg.syncedLast = seg.base, seg.first-1
	}
}
