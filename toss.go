package slogship

import "time"

const (
	// guiltyAfter is how many tosses a record loses before it is dropped. An
	// innocent one loses that many once in 2^30, a chance below 1e-9.
	guiltyAfter = 30

	// poisonAfter is how many it loses before it counts as poison, which has
	// batches divided at once. An innocent one does so once in 2^15.
	poisonAfter = 15

	// poisonFor is how long there is poison after the last toss that poison lost.
	poisonFor = 10 * time.Minute

	// slowTosses: poison is not dropped for a trouble that passes. Its tosses
	// are at least so far apart, which makes two minutes and a half together.
	slowTosses = 10 * time.Second

	// tossesEach and maxTosses are how many tosses an attempt makes: for each
	// suspect, and in all. Where a full batch waits, one request in
	// tossesBehind is one.
	tossesEach, maxTosses = 4, 32
	tossesBehind          = 8
)

// A toss is a fair trial of a suspect. It is sent right before or right after
// another request, as a coin decides; if one of the two gets a 500 and the other
// one is taken, the one with the 500 has lost. Whatever makes the server fail, as
// long as it is not the record, it strikes the one as easily as the other: the
// suspect is taken, and acquitted, as often as it loses. For that, both must be
// sent whatever becomes of the first.
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

// fate is what became of a request, as far as it is evidence.
type fate uint8

const (
	unclear fate = iota // unsent, or neither of the others
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
