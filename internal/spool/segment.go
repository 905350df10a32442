package spool

import (
	"errors"
	"fmt"
)

// segment is one file of records. The fields above the line are guarded by
// Spool.mu, those below are owned by run.
type segment struct {
	number      uint64
	base, end   uint64 // ordinals: of its first record, after its last one
	first, last uint64 // sequence numbers
	size        int64  // on disk
	limit       int64  // frames end here
	full        bool   // nothing more will be written
	removed     bool   // its records are settled, or dropped
	vanished    bool   // somebody else removed its file
	since       uint64 // see segmentHeader
	keep        uint64 // it stays until all up to here is settled, though it ends before
	stale       bool   // its sync failed: from limit on, what is in it comes again in newer ones

	// ----

	f          file // open while it is written, or not yet durable
	synced     int64
	begun      int64 // up to here the disk was told to begin, not to be done
	syncedEnd  uint64
	syncedLast uint64
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
