package spool

import "encoding/binary"

// readBuffered returns records that are in memory only, in a frame that is not written
// yet: the disk fails, or is not that far. Order needs no disk that works. limit is up to
// where Read has come in the segment that it is in; again reports that there is more on
// disk by now.
func (s *Spool) readBuffered(p *Page, limit int64) (ok, again bool) {
	r := &s.reading
	s.mu.Lock()
	defer s.mu.Unlock()
	first, n := s.only.next(r.track.last+1, maxSeq)
	f := s.buffer.frameOf(first)
	switch {
	case n == 0:
		return false, false
	case f == nil && r.seg != nil:
		return false, r.seg.removed || r.seg.full || r.seg.limit != limit
	case f == nil:
		return false, s.nextSegmentLocked(r.after) != nil
	}
	n = min(n, f.last()+1-first)
	s.only.remove(first, first+n-1)
	s.spooled -= int64(n)
	r.copied, r.sizes = f.appendRun(r.copied[:0], r.sizes[:0], first, n)
	p.Prefix, p.Version = s.prefix, s.opts.Version
	p.First, p.Data, p.Sizes = first, r.copied, r.sizes
	return true, false
}

// frameOf is the frame that has a sequence number, nil if none has.
func (b *buffer) frameOf(seq uint64) *frame {
	has := func(f *frame) bool { return f != nil && f.first <= seq && seq <= f.last() }
	if has(b.out) {
		return b.out
	}
	for _, f := range b.queue {
		if has(f) {
			return f
		}
	}
	if has(b.open) {
		return b.open
	}
	return nil
}

// appendRun appends n records, from a sequence number on, and their lengths.
func (f *frame) appendRun(data []byte, sizes []uint32, first, n uint64) ([]byte, []uint32) {
	from, to := frameHeaderBytes, frameHeaderBytes
	table := f.sizes
	for seq := f.first; seq < first+n; seq++ {
		size, k := binary.Uvarint(table)
		table = table[k:]
		to += int(size)
		if seq < first {
			from = to
		} else {
			sizes = append(sizes, uint32(size))
		}
	}
	return append(data, f.buf[from:to]...), sizes
}
