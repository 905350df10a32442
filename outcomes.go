package slogship

import "time"

// deferral is what is known of a record on which the server fails, as per-record
// answers say.
type deferral struct {
	lost int       // tosses
	last time.Time // when it lost the last one
}

// acknowledge settles the records of pc that the server has decided about, and reports
// whether there were any. The others are sent again.
func (j *judge) acknowledge(pc piece, v Verdict) (decided bool) {
	if v.Outcomes == nil {
		n := min(v.Refused, pc.records)
		j.p.settle(pc, n, rejected)
		j.rejected += n
		return true
	}
	var resend piece
	for i, rest := 0, pc; i < len(v.Outcomes); {
		run := i + 1
		for run < len(v.Outcomes) && v.Outcomes[run] == v.Outcomes[i] && v.Outcomes[i] != Failed {
			run++
		}
		var front piece
		front, rest = rest.split(run - i)
		switch o := v.Outcomes[i]; {
		case o == Failed && j.fails(front.firstSeq(), i, v.Outcomes), o == Refused:
			j.drop(front, rejected)
			decided = true
		case o == Failed, o == Resend:
			for _, s := range front.spans {
				resend.add(s)
			}
		default:
			j.p.settle(front, 0, rejected)
			decided = true
		}
		i = run
	}
	if len(j.deferred) > 0 {
		j.forgive(pc, v.Outcomes)
	}
	if resend.records > 0 {
		j.later = join(j.later, j.p.compact(resend))
	}
	return decided
}

// fails notes that the server failed on the i-th record, as an answer says, and reports
// whether it is to be rejected. Each such answer is a toss against another record of the
// request, chosen at random: if that one was taken, the i-th has lost. It is rejected
// when it has lost guiltyAfter tosses, at least maxBackoff apart, because a shard that is
// down for a while also answers like this.
func (j *judge) fails(seq uint64, i int, outcomes []Outcome) (guilty bool) {
	if len(outcomes) < 2 {
		return false
	}
	other := j.pick(len(outcomes) - 1)
	if other >= i {
		other++
	}
	d := j.deferred[seq]
	if outcomes[other] != Taken || d.lost > 0 && j.now.Sub(d.last) < j.maxBackoff {
		return false
	}
	d.lost++
	d.last = j.now
	if len(j.deferred) >= j.p.maxRecords/asideShare {
		clear(j.deferred) // most of these are gone, dropped as overflow
	}
	j.deferred[seq] = d
	return d.lost >= guiltyAfter
}

// forgive forgets the failures of records that are settled.
func (j *judge) forgive(pc piece, outcomes []Outcome) {
	i := 0
	for _, s := range pc.spans {
		for k := s.from; k < s.to; k++ {
			seq := s.b.seq(k)
			if d := j.deferred[seq]; outcomes[i] < Resend || d.lost >= guiltyAfter {
				delete(j.deferred, seq)
			}
			i++
		}
	}
}
