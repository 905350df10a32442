package slogship

import "sort"

// Mark is a position in the order in which a Handler accepts records: see
// [Handler.Mark]. It is valid for that Handler, and for those made from it by WithAttrs
// and WithGroup, until the process ends.
type Mark struct{ next uint64 }

// Mark returns the position after the last record accepted so far. A program that reads
// files or a queue can use marks to learn which input it need not read again after a
// restart, without waiting in [Handler.Flush]:
//
//	from := h.Mark()
//	... // Handle some records
//	to := h.Mark()
//	...
//	if h.Settled(from, to) {
//		... // save the position in the input
//	}
//
// Records are not always settled in order, because the server may accept a later one
// first. Therefore take two marks for each piece of input, and save a position only
// after all earlier ones.
func (h *Handler) Mark() Mark { return h.core.pending.mark() }

// Settled reports whether every record accepted between two marks is settled:
// delivered, or dropped for any reason except [Handler.Shutdown]. A record that
// Shutdown leaves unsent is never settled: read it from its source again.
//
// A record that was logged after Shutdown or, with [Block], whose context ended before
// there was room, is not between any marks.
//
// A call takes about 50 ns, however many records are held.
func (h *Handler) Settled(from, to Mark) bool { return h.core.pending.isSettled(from.next, to.next) }

// Durable reports whether every record accepted between two marks is either settled
// (see [Handler.Settled]) or synced to disk (see [SpoolOptions]). Its source need not
// be read again, even after a loss of power. Without a spool it returns the same as
// Settled.
func (h *Handler) Durable(from, to Mark) bool { return h.core.pending.isDurable(from.next, to.next) }

func (p *pending) mark() Mark {
	p.lock()
	defer p.mu.Unlock()
	if !p.marked { // settled is kept from now on: nobody has a Mark from before
		p.marked = true
		p.settled.below = p.next
	}
	return Mark{p.next}
}

func (p *pending) isSettled(from, to uint64) bool {
	p.lock()
	defer p.mu.Unlock()
	return p.settled.has(from, to)
}

func (p *pending) isDurable(from, to uint64) bool {
	return p.disk != nil && p.disk.Durable()+1 >= to || p.isSettled(from, to)
}

// noteSettledLocked notes that the records of s have their final answer.
func (p *pending) noteSettledLocked(s span) {
	first, last := s.firstSeq(), s.b.seq(s.to-1)
	if last-first == uint64(s.len()-1) {
		p.settled.add(first, last+1)
		return
	}
	for i := s.from; i < s.to; i++ { // records between them are in another block, or were settled before
		seq := s.b.seq(i)
		p.settled.add(seq, seq+1)
	}
}

// settled is a set of sequence numbers: all those below one, and ranges above it, in
// order, with gaps before and between them. In each gap is a record that is still held,
// so that there are at most as many ranges as such records; mostly there is none.
type settled struct {
	below  uint64
	ranges []seqRange
}

type seqRange struct{ from, to uint64 } // to is not in it

// add adds a range. Only its part below s.below may be in the set already.
func (s *settled) add(from, to uint64) {
	from = max(from, s.below)
	if from >= to {
		return
	}
	if from == s.below {
		s.below = to
		if len(s.ranges) > 0 && s.ranges[0].from == to {
			s.below = s.ranges[0].to
			s.ranges = s.ranges[1:]
		}
		return
	}
	i := s.after(from)
	joinsLeft := i > 0 && s.ranges[i-1].to == from
	joinsRight := i < len(s.ranges) && s.ranges[i].from == to
	switch {
	case joinsLeft && joinsRight:
		s.ranges[i-1].to = s.ranges[i].to
		s.ranges = append(s.ranges[:i], s.ranges[i+1:]...)
	case joinsLeft:
		s.ranges[i-1].to = to
	case joinsRight:
		s.ranges[i].from = from
	default:
		s.ranges = append(s.ranges, seqRange{})
		copy(s.ranges[i+1:], s.ranges[i:])
		s.ranges[i] = seqRange{from, to}
	}
}

// has reports whether the whole range is in the set.
func (s *settled) has(from, to uint64) bool {
	if from = max(from, s.below); from >= to {
		return true
	}
	i := s.after(from)
	return i > 0 && s.ranges[i-1].to >= to
}

// after is the index of the first range that begins above seq. Most often there is none.
func (s *settled) after(seq uint64) int {
	n := len(s.ranges)
	if n == 0 || s.ranges[n-1].from <= seq {
		return n
	}
	return sort.Search(n, func(i int) bool { return s.ranges[i].from > seq })
}
