package spool

import (
	"errors"
	"io"
	"io/fs"
	"sync"
)

// A Page is records in a row, as Read returns them. Its memory is used again by
// the next Read into it.
type Page struct {
	Prefix  Prefix // of the Open that they were appended under
	Version byte   // of their encoding
	Span
}

// cursor is where Read is.
type cursor struct {
	mu    sync.Mutex // guards what follows; held across reads of the disk, by Read and Discard
	ended bool

	seg   *segment // nil: between two
	after uint64   // the number of the last one
	again uint64   // what has this ordinal or a higher one comes again in a newer segment
	f     file
	scan  scanner
	ready bool // scan is at a frame that Read returns piece by piece
	seq   uint64
	sizes []uint32
	at    int // which record of the frame seq is
	data  int // where it begins

	copied []byte // what readBuffered returned last

	track  track
	proven uint64 // the ordinal below which all was durable at Open

	listed bool
	stored int64 // bytes in quarantine
}

// track follows frames, and tells what is missing between them.
type track struct {
	begun  bool
	expect uint64 // the ordinal of the next frame
	last   uint64 // the newest sequence number so far
	prefix Prefix
	bad    []place
}

// place is a range of a file that is no frame.
type place struct {
	number uint64
	extent
}

type extent struct{ from, to int64 }

// pass goes past a frame. again reports that its records came before, for it was
// written twice; otherwise missing is how many ordinals are missing before it,
// and lo to hi are the sequence numbers that are.
func (t *track) pass(h *frameHeader) (missing, lo, hi uint64, again bool) {
	if h.prefix == t.prefix && h.first <= t.last {
		return 0, 0, 0, true
	}
	if t.begun && h.ordinal > t.expect {
		missing = h.ordinal - t.expect
	}
	lo, hi = t.last+1, h.first-1
	t.begun, t.expect, t.last, t.prefix = true, h.end(), h.last(), h.prefix
	return missing, lo, hi, false
}

// Read returns the next records that only the spool has: what earlier processes
// left, then what was released; without those that are settled. What is not
// written yet comes from memory. io.EOF means that there is nothing more for now.
//
// What Read returns is the caller's: it settles or releases it, sooner or later. Any other
// error is one of opening or memory, and may pass; what cannot be read is
// counted, and skipped.
func (s *Spool) Read(p *Page) error {
	r := &s.reading
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.ended {
			return ErrClosed
		}
		if s.turn() {
			return io.EOF
		}
		if r.ready {
			if s.readPiece(p) {
				return nil
			}
			continue
		}
		limit, full, err := s.enterSegment()
		if errors.Is(err, io.EOF) {
			if ok, again := s.readBuffered(p, 0); ok || !again {
				return orEOF(ok)
			}
			continue
		}
		if err != nil {
			return err
		}
		r.scan.limit = limit
		switch r.scan.next(true) {
		case foundFrame:
			s.passFrame()
		case foundBad:
			r.track.bad = append(r.track.bad, place{r.seg.number, extent{r.scan.from, r.scan.to}})
		case foundEnd:
			if full {
				r.leave()
			} else if ok, again := s.readBuffered(p, limit); ok || !again {
				return orEOF(ok)
			}
		}
	}
}

func orEOF(ok bool) error {
	if ok {
		return nil
	}
	return io.EOF
}

// turn goes back where something older was released, and reports that there is
// nothing to read from here on: Read does not go past what the caller holds
// before it has to.
func (s *Spool) turn() (nothing bool) {
	r := &s.reading
	s.mu.Lock()
	back := s.rewind
	s.rewind = maxSeq
	at := r.track.last + 1
	if r.ready {
		at = r.seq
	}
	_, n := s.only.next(at, maxSeq)
	after := uint64(0)
	for _, seg := range s.segments {
		if seg.last >= back {
			break
		}
		after = seg.number
	}
	s.mu.Unlock()
	if back < at {
		r.leave()
		r.after, r.track = after, track{}
		return false
	}
	return n == 0
}

// enterSegment makes sure that the cursor is in a segment, and returns up to
// where that is written, and whether that is all.
func (s *Spool) enterSegment() (limit int64, full bool, err error) {
	r := &s.reading
	for {
		s.mu.Lock()
		if seg := r.seg; seg != nil && !seg.removed {
			limit, full = seg.limit, seg.full
			s.mu.Unlock()
			return limit, full, nil
		}
		s.mu.Unlock()
		if r.seg != nil { // it was settled or dropped, and counted
			r.leave()
			r.track = track{}
		}
		s.mu.Lock()
		next := s.nextSegmentLocked(r.after)
		if next != nil {
			r.again = comesAgain(s.segments, next.number)
		}
		s.mu.Unlock()
		if next == nil {
			return 0, false, io.EOF
		}
		f, err := s.dir.open(segmentName(next.number), false)
		if errors.Is(err, fs.ErrNotExist) {
			s.noteVanished(next)
			r.after, r.track = next.number, track{}
			continue
		}
		if err != nil {
			return 0, false, err
		}
		if !r.track.begun {
			r.track = track{begun: true, expect: next.base, last: next.first - 1}
		}
		r.seg, r.f = next, f
		r.scan.ahead, r.scan.skip = scanAhead, s.unneeded
		r.scan.reset(f, next.number, segmentHeaderBytes)
	}
}

// comesAgain is the ordinal from which on what is in a segment comes again in a
// newer one.
func comesAgain(segs []*segment, number uint64) uint64 {
	again := uint64(maxSeq)
	for _, seg := range segs {
		if seg.number > number && seg.since > 0 && seg.since <= number {
			again = min(again, seg.base)
		}
	}
	return again
}

// noteVanished counts, and settles, what is needed of a segment whose file somebody else
// removed. run writes no more to it.
func (s *Spool) noteVanished(seg *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seg.vanished = true
	n := min(seg.end-min(seg.end, seg.base), s.only.count(seg.first, seg.last))
	s.countLost(n, seg.end)
	s.spooled -= int64(n)
	for first, n := s.only.next(seg.first, seg.last); n > 0; first, n = s.only.next(first, seg.last) {
		s.only.remove(first, first+n-1)
		s.settled.add(first, first+n-1)
	}
	s.dirtyLocked()
}

// nextSegmentLocked is the oldest segment after one number.
func (s *Spool) nextSegmentLocked(after uint64) *segment {
	for _, seg := range s.segments {
		if seg.number > after && !seg.removed {
			return seg
		}
	}
	return nil
}

// leave lets go of the segment that the cursor is in.
func (r *cursor) leave() {
	if r.seg != nil {
		r.after = r.seg.number
	}
	if r.f != nil {
		_ = r.f.Close() // it was only read
	}
	r.seg, r.f, r.ready = nil, nil, false
}

// unneeded reports that only the caller needs the records of a frame, or nobody.
func (s *Spool) unneeded(h *frameHeader) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, n := s.only.next(h.first, h.last())
	return n == 0
}

// passFrame takes the frame that the scanner is at.
func (s *Spool) passFrame() {
	r := &s.reading
	h := &r.scan.h
	if h.ordinal > r.track.expect && h.ordinal >= r.again {
		return // what is missing before it comes in the newer segment, and it too
	}
	lost, lo, hi, again := r.track.pass(h)
	if again {
		return
	}
	s.noteLoss(lost, h.ordinal, lo, hi)
	r.track.bad = r.track.bad[:0]
	if r.scan.payload == nil {
		return // nobody needs it
	}
	var ok bool
	if r.sizes, ok = h.decodeSizes(r.sizes[:0], r.scan.payload); !ok {
		// It checks, and yet it is no frame of ours.
		s.noteLoss(uint64(h.count), h.end(), h.first, h.last())
		return
	}
	r.ready, r.seq, r.at, r.data = true, h.first, 0, 0
}

// noteLoss counts the records that are missing before the ordinal end, with
// sequence numbers within lo to hi, and settles these: nobody can deliver them.
func (s *Spool) noteLoss(missing, end, lo, hi uint64) {
	r := &s.reading
	s.mu.Lock()
	if r.seg.removed { // its records are counted
		s.mu.Unlock()
		return
	}
	n := min(missing, s.only.count(lo, hi))
	s.countLost(n, end)
	s.spooled -= int64(n)
	for first, n := s.only.next(lo, hi); n > 0; first, n = s.only.next(lo, hi) {
		s.only.remove(first, first+n-1)
		s.settled.add(first, first+n-1)
	}
	if n > 0 {
		s.dirtyLocked()
	}
	s.mu.Unlock()
	if n == 0 {
		return
	}
	s.wakeUp()
	for _, b := range r.track.bad {
		f, err := s.dir.open(segmentName(b.number), false)
		if err != nil {
			continue
		}
		r.quarantine(s.dir, b.number, f, b.extent, s.opts.MaxBytes)
		_ = f.Close() // it was only read
	}
	s.mu.Lock()
	s.stats.Quarantined = r.stored
	s.mu.Unlock()
}

// countLost counts the n records before the ordinal end that are missing: those
// that were durable are corrupt.
func (s *Spool) countLost(n, end uint64) {
	torn := min(n, end-min(end, s.reading.proven))
	s.lost.Torn += int64(torn)
	s.lost.Corrupt += int64(n - torn)
}

// readPiece hands out the next run of the frame that only the disk has, and
// reports false if there is none, and another frame has to be found.
func (s *Spool) readPiece(p *Page) bool {
	r := &s.reading
	h := &r.scan.h
	s.mu.Lock()
	if r.seg.removed {
		s.mu.Unlock()
		r.ready = false
		return false
	}
	first, n := s.only.next(r.seq, h.last())
	if n > 0 {
		s.only.remove(first, first+n-1)
		s.spooled -= int64(n)
	}
	s.mu.Unlock()
	if n == 0 {
		r.ready = false
		return false
	}
	for ; r.seq < first; r.seq++ {
		r.data += int(r.sizes[r.at])
		r.at++
	}
	sizes := r.sizes[r.at:][:n]
	from := r.data
	for _, size := range sizes {
		r.data += int(size)
	}
	r.seq, r.at = first+n, r.at+int(n)
	p.Prefix, p.Version = h.prefix, h.version
	p.First, p.Data, p.Sizes = first, r.scan.payload[from:r.data:r.data], sizes
	r.ready = r.seq <= h.last()
	return true
}

// Discard settles all records that only the disk has, and reports how many.
func (s *Spool) Discard() int64 {
	r := &s.reading
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = false
	s.mu.Lock()
	n := s.spooled
	s.spooled = 0
	for _, r := range s.only {
		s.settled.add(r.lo, r.hi)
	}
	s.only = nil
	s.dirtyLocked()
	s.mu.Unlock()
	s.wakeUp()
	return n
}
