package slogship

const (
	// othersRefused is how many records beside the oldest are tried alone after
	// an attempt in which all was refused.
	othersRefused = 5

	// roomToProbe is how many records there are to choose from.
	roomToProbe = 32
)

// probe is a single record: the oldest, so that it goes first once the server
// takes records again, and then others. Which ones depends on the attempt, for
// the next may be bad as well.
//
// After a 500 it is one other record, and mostly the next, which keeps the order.
// After a refusal it is the next five; after a few attempts without success it is
// the next two, and three from all over the batch.
func (j *judge) probe() (pc piece, ok bool) {
	others := othersRefused
	if j.failed.records > 0 {
		others = 1
	}
	if j.probed > others {
		j.end = inVain
		if j.failed.records > 0 {
			j.end = crash
		}
		return piece{}, false
	}
	i := 0
	switch n := j.todo.records; {
	case j.probed == 0:
	case j.failed.records > 0:
		i = min(j.other(n), n-1)
	case j.probed > 2 && j.vain >= patience:
		i = (n*(j.probed-2)/(othersRefused-1) + j.vain) % n
	}
	j.probed++
	return j.inflight.pick(i), true
}

// other returns which of n records is tried next to the oldest after a 500. At
// first it is the second; in later attempts each of the following in turn, and
// three from all over the batch; then the second again, for most of a cycle. So in
// a long outage it is mostly the second, and the order is kept even if the oldest
// is bad when the outage ends.
func (j *judge) other(n int) int {
	const inTurn, far, cycle = 16, 3, 96
	i := j.crashes
	if !j.poisoned() {
		i -= patience
	}
	switch i = max(i, 0) % cycle; {
	case i < inTurn:
		return i
	case i < inTurn+far:
		return n * (i - inTurn + 1) / (far + 1)
	}
	return 0
}
