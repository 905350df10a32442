package slogship

const (
	// othersRefused is how many records are tried alone after the oldest, in the
	// attempts that follow one in which all was refused.
	othersRefused = 5

	// roomToProbe is how many records there should be to choose from.
	roomToProbe = 32
)

// probe returns a single record to try. The first one is the oldest, so that it arrives
// first if the server takes records again. Others follow, because the oldest may be bad;
// which ones depends on the attempt, because they may be bad as well.
//
// After a 500 it is one other record, mostly the next, which keeps the order. After a
// refusal it is the next five or, after a few attempts in vain, the next two and three
// from all over the batch.
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

// other returns which of the n records after the oldest is tried with it after a 500. In
// the first attempt it is the next one; in the following attempts each later one in turn,
// and three from all over the batch; then the next one again, for the rest of a cycle. So
// in a long outage it is mostly the next one, and the order is kept even if the oldest is
// bad when the outage ends.
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
