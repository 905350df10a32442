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
	infos, err := s.dir.list(".")
	if err != nil {
		return err
	}
	if s.segments, err = listSegments(s.dir, infos); err != nil {
		return err
	}
	for _, seg := range s.segments {
		w.number = max(w.number, seg.number)
		s.bytes += seg.size
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
	base, first := end.ordinal, end.seq+1
	if len(s.segments) > 0 {
		base, first = s.segments[0].base, s.segments[0].first
	}
	if whole && last.first < base {
		n := min(base-last.first, s.settled.open(1, first-1))
		s.countLost(n, base)
		found += int64(n)
	}
	s.settled.add(1, first-1)
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
	s.buffer.next, s.rewind = next, maxSeq
	for first, n := s.settled.next(1, next-1); n > 0; first, n = s.settled.next(first+n, next-1) {
		s.only.add(first, first+n-1)
	}
	s.written = next - 1
	return s.openUnsynced(found)
}

// openUnsynced ends recover: it counts, and prepares for the first sync what
// was not proven durable.
func (s *Spool) openUnsynced(found int64) error {
	w := &s.w
	for _, seg := range s.segments {
		s.spooled += s.countOnly(seg, seg.end, s.only)
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

// listSegments reads the headers of the segments that are among infos.
func listSegments(dir filesystem, infos []fs.FileInfo) (segs []*segment, err error) {
	for _, info := range infos {
		number, ok := parseSegmentName(info.Name())
		if !ok {
			continue
		}
		seg := &segment{number: number, size: info.Size(), limit: info.Size(), full: true}
		switch err := readSegmentHeader(dir, seg); {
		case errors.Is(err, fs.ErrNotExist): // its owner removed it just now
			continue
		case err != nil:
			return nil, err
		}
		segs = append(segs, seg)
	}
	return segs, nil
}

// readSegmentHeader finds the first record of seg by its header, or by its
// first frame; first stays 0 where there is neither.
func readSegmentHeader(dir filesystem, seg *segment) error {
	f, err := dir.open(segmentName(seg.number), false)
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
		seg.base, seg.first, seg.since = h.ordinal, h.firstSeq, h.since
		return nil
	}
	seg.since = seg.number - min(seg.number, maxUnsynced+1) // it may be
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

// take notes a frame.
func (t *tail) take(h *frameHeader) {
	t.ordinal, t.seq = max(t.ordinal, h.end()), max(t.seq, h.last())
	t.synced, t.acked = max(t.synced, h.synced), max(t.acked, h.acked)
}

// recoverTail reads the last segment that has frames, and cuts off what
// was torn: what comes after the last frame was never written whole, or never
// durable, unless ACK proves otherwise. Where that segment repeats what is in
// others, it reads these too.
func (s *Spool) recoverTail() (end tail, err error) {
	since, found := uint64(maxSeq), false
	for i := len(s.segments) - 1; i >= 0; i-- {
		seg := s.segments[i]
		if found && seg.number < since {
			break
		}
		if seg.since > 0 {
			since = min(since, seg.since)
		}
		frames, err := s.readTail(seg, &end, !found)
		if err != nil {
			return tail{}, err
		}
		if frames || found {
			found = true
			continue
		}
		// No record is in it, nor was one lost with it that ACK does not know of.
		if i == 0 {
			end = tail{ordinal: seg.base, seq: max(seg.first, 1) - 1}
		}
		s.closeSegment(seg)
		if err := s.dir.remove(segmentName(seg.number)); err != nil {
			return tail{}, err
		}
		s.segments, s.bytes = s.segments[:i], s.bytes-seg.size
	}
	s.settled.add(1, end.acked)
	return end, nil
}

// readTail reads one segment, and cuts off its end unless another one has
// frames after it. It reports whether there are frames, or may be.
func (s *Spool) readTail(seg *segment, end *tail, cut bool) (frames bool, err error) {
	f, err := s.dir.open(segmentName(seg.number), true)
	if errors.Is(err, fs.ErrPermission) {
		f, err = s.dir.open(segmentName(seg.number), false)
	}
	if err != nil {
		return false, err
	}
	seg.f = f // to be synced
	to := int64(segmentHeaderBytes)
	c := newScanner(f, seg.number, seg.limit)
	for kind := c.next(true); kind != foundEnd; kind = c.next(true) {
		if kind == foundFrame {
			frames, to = true, c.to
			end.take(&c.h)
		}
	}
	if c.unread { // it may be there another time
		if end.ordinal == 0 {
			end.ordinal, end.seq = seg.base, max(seg.first, 1)-1
		}
		return true, nil
	}
	if !cut || to >= seg.size {
		return frames, nil
	}
	s.reading.quarantine(s.dir, seg.number, f, extent{to, seg.size}, s.opts.MaxBytes)
	if frames && f.Truncate(to) == nil {
		s.bytes += to - seg.size
		seg.size, seg.limit = to, to
	}
	return frames, nil
}

// fillIn completes what the headers do not say: where a segment ends, and where
// one begins that has neither a header nor a frame that can be read.
func (s *Spool) fillIn(end tail) {
	base, first := end.ordinal, end.seq+1
	for i := len(s.segments) - 1; i >= 0; i-- {
		seg := s.segments[i]
		seg.end, seg.last = base, first-1
		if comesAgain(s.segments, seg.number) < maxSeq {
			seg.keep = end.seq // it may have what nobody came to write again
		}
		if seg.first == 0 {
			seg.base, seg.first = base, first
		}
		base, first = min(seg.base, base), min(seg.first, first)
		seg.base, seg.first = base, first
		seg.syncedEnd, seg.syncedLast = seg.base, seg.first-1
	}
}
