package spool

import "slices"

// seqSet is a set of sequence numbers: ranges in order, with gaps between.
type seqSet []seqRange

// add puts lo to hi in.
func (a *seqSet) add(lo, hi uint64) {
	if hi < lo {
		return
	}
	s := *a
	i := 0
	for i < len(s) && s[i].hi+1 < lo {
		i++
	}
	j := i
	for j < len(s) && s[j].lo <= hi+1 {
		lo, hi = min(lo, s[j].lo), max(hi, s[j].hi)
		j++
	}
	*a = slices.Replace(s, i, j, seqRange{lo, hi})
}

// remove takes lo to hi out.
func (a *seqSet) remove(lo, hi uint64) {
	s := *a
	for i := 0; i < len(s); i++ {
		r := s[i]
		if r.hi < lo {
			continue
		}
		if hi < lo || r.lo > hi {
			break
		}
		below, above := seqRange{r.lo, lo - 1}, seqRange{hi + 1, r.hi}
		switch {
		case r.lo < lo && r.hi > hi:
			s[i] = below
			s = slices.Insert(s, i+1, above)
			i++
		case r.lo < lo:
			s[i] = below
		case r.hi > hi:
			s[i] = above
		default:
			s = slices.Delete(s, i, i+1)
			i--
		}
	}
	*a = s
}

// next finds the first run within lo to hi: n numbers from first on; n is 0 if
// there is none.
func (a seqSet) next(lo, hi uint64) (first, n uint64) {
	for _, r := range a {
		if r.hi < lo {
			continue
		}
		if from, to := max(r.lo, lo), min(r.hi, hi); from <= to {
			return from, to - from + 1
		}
		break
	}
	return 0, 0
}

// count is how many of lo to hi are in the set.
func (a seqSet) count(lo, hi uint64) (sum uint64) {
	for _, r := range a {
		if from, to := max(r.lo, lo), min(r.hi, hi); from <= to {
			sum += to - from + 1
		}
	}
	return sum
}
