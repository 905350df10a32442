package spool

// maxSeq is beyond every sequence number. What claims more is not from us.
const maxSeq = 1 << 62

// settled is the set of sequence numbers whose records need no keeping any
// more: all up to through, and ranges above it, in order, with gaps between.
type settled struct {
	through uint64
	ranges  []seqRange
}

type seqRange struct{ lo, hi uint64 } // both included

// add settles lo to hi.
func (a *settled) add(lo, hi uint64) {
	if hi <= a.through || hi < lo {
		return
	}
	lo = max(lo, a.through+1)
	i := 0
	for i < len(a.ranges) && a.ranges[i].hi < lo-1 {
		i++
	}
	j := i
	for j < len(a.ranges) && a.ranges[j].lo <= hi+1 {
		lo, hi = min(lo, a.ranges[j].lo), max(hi, a.ranges[j].hi)
		j++
	}
	if lo == a.through+1 { // then i is 0
		a.through = hi
		a.ranges = append(a.ranges[:0], a.ranges[j:]...)
		return
	}
	if i == j {
		a.ranges = append(a.ranges, seqRange{})
		copy(a.ranges[i+1:], a.ranges[i:])
	} else {
		a.ranges = append(a.ranges[:i+1], a.ranges[j:]...)
	}
	a.ranges[i] = seqRange{lo, hi}
}

// next finds the first unsettled run within lo to hi: n sequence numbers from
// first on; n is 0 if there is none.
func (a *settled) next(lo, hi uint64) (first, n uint64) {
	if a.through >= hi {
		return 0, 0
	}
	lo = max(lo, a.through+1)
	for _, r := range a.ranges {
		if lo > hi || r.lo > hi {
			break
		}
		if r.hi < lo {
			continue
		}
		if r.lo > lo {
			return lo, r.lo - lo
		}
		lo = r.hi + 1
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi - lo + 1
}

// open counts the unsettled sequence numbers from lo to hi.
func (a *settled) open(lo, hi uint64) (sum uint64) {
	for lo <= hi {
		first, n := a.next(lo, hi)
		if n == 0 {
			break
		}
		sum += n
		lo = first + n
	}
	return sum
}

// clone is a copy that shares nothing.
func (a *settled) clone() settled {
	return settled{through: a.through, ranges: append([]seqRange(nil), a.ranges...)}
}
