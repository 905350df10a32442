package slogship

import "time"

const (
	// guiltyAfter is how many tosses a record loses before it is dropped. A
	// good record loses that many with a chance of 2^-30, below 1e-9.
	guiltyAfter = 30

	// poisonAfter is how many tosses a record loses before it counts as poison: as
	// long as there is poison, a batch that gets a 500 is divided at once. A good
	// record loses that many with a chance of 2^-15.
	poisonAfter = 15

	// poisonFor is how long that lasts after poison has last lost a toss.
	poisonFor = 10 * time.Minute

	// slowTosses is the least time between two tosses of poison. The last 15
	// tosses thus take at least two and a half minutes, so that a passing fault
	// of the server drops no record.
	slowTosses = 10 * time.Second

	// An attempt makes tossesEach tosses for each suspect, and at most maxTosses.
	// Where more than its batch is pending, one request in tossesBehind has a toss.
	tossesEach, maxTosses = 4, 32
	tossesBehind          = 8
)

// A toss is a fair trial of a suspect, which is sent right before or right after
// another request, as a coin decides. If one of the two gets a 500 and the other is
// taken, the one with the 500 has lost. If the server fails for any other reason than
// the record, it fails on either of them with the same chance: the suspect loses as
// often as it is taken, and acquitted. That holds only if both are sent, whatever the
// result of the first.
//
//	[ other ] 200, [ suspect ] 500: lost
//	[ suspect ] 500, [ other ] 200: lost
//	[ suspect ] 500, [ other ] 500: nothing
//	[ suspect ] 200:                acquitted, and delivered
type toss struct {
	parts []part
	sent  int // of parts
}

// part is one of the two requests of a toss.
type part struct {
	piece
	suspect *suspect // nil: it is of the batch
	fate    fate
}

// fate is what a request says about its records.
type fate uint8

const (
	unclear fate = iota // nothing: it was not sent, or had another answer than these
	crashed             // 500
	took                // a record of it was taken
)

// next is the part to be sent now, or nil.
func (t *toss) next() *part {
	if t.sent < len(t.parts) {
		return &t.parts[t.sent]
	}
	return nil
}

// lost reports whether the i-th part has lost against the other one.
func (t *toss) lost(i int) bool {
	return len(t.parts) == 2 && t.parts[i].fate == crashed && t.parts[1-i].fate == took
}

// match begins a toss.
func (j *judge) match(a, b part) {
	if j.coin() {
		a, b = b, a
	}
	j.toss = toss{parts: []part{a, b}}
}

// pair begins a toss between two suspects, or has the only one tried.
func (j *judge) pair() bool {
	a, ok := j.p.takeAside(j.now)
	if !ok {
		return false
	}
	first := part{piece: a.piece, suspect: &a}
	if b, ok := j.p.takeAside(j.now); ok {
		j.match(first, part{piece: b.piece, suspect: &b})
	} else {
		j.toss = toss{parts: []part{first}}
	}
	return true
}

// conclude says which part of the toss has lost.
func (j *judge) conclude() {
	t := j.toss
	j.toss = toss{}
	for i, part := range t.parts {
		switch s := part.suspect; {
		case s == nil && i >= t.sent:
			j.putBack(part.piece)
		case s == nil || i < t.sent && part.fate != crashed: // its answer was dealt with when it came
		case !t.lost(i):
			j.p.putAside(*s, !j.alone)
		case s.lost+1 >= guiltyAfter:
			j.drop(s.piece, rejected)
			j.poison = j.now.Add(poisonFor)
		default:
			if s.lost++; s.lost >= poisonAfter {
				s.next = j.now.Add(slowTosses)
				j.poison = j.now.Add(poisonFor)
			}
			j.p.putAside(*s, true)
		}
	}
	if j.alone && !j.taken && !j.p.isClosed() && j.end == goOn {
		j.end = done // one toss is enough to see that nothing is taken now
	}
}

// answeredSuspect deals with the answer for a suspect.
func (j *judge) answeredSuspect(s *suspect, a ruling) fate {
	switch a.Action {
	case Accept:
		switch {
		case len(a.Outcomes) > 0 && a.Outcomes[0] >= Resend:
			j.p.putAside(*s, false)
			return unclear
		case a.Refused > 0 || len(a.Outcomes) > 0 && a.Outcomes[0] == Refused:
			j.drop(s.piece, rejected)
			j.accepted()
			return unclear
		}
		j.p.settle(s.piece, 0, rejected)
		j.accepted()
		return took
	case Reject:
		j.drop(s.piece, rejected)
	case Isolate:
		j.refuse(s.piece, rejected, s)
	case TooLarge:
		j.refuse(s.piece, tooLarge, s)
	case Hold:
		j.p.putAside(*s, false)
		j.end = wrongSet
	default:
		if a.crashed {
			return crashed
		}
		j.p.putAside(*s, false)
		j.end = gaveUp
	}
	return unclear
}
