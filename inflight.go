package slogship

import "slices"

const (
	// Isolating bad records costs at most isolateRequests requests a batch
	// beyond the one that was refused, and at most hopelessRequests if none is
	// accepted.
	isolateRequests  = 100
	hopelessRequests = 30
)

// A piece is a part of the batch in flight that is sent, and answered, at once.
type piece struct {
	spans          []span
	records, bytes int
}

func (pc *piece) add(s span) {
	pc.spans = append(pc.spans, s)
	pc.records += s.len()
	pc.bytes += s.bytes()
}

// lastSeq is the sequence number of its newest record.
func (pc piece) lastSeq() uint64 {
	s := pc.spans[len(pc.spans)-1]
	return s.b.seq(s.to - 1)
}

// split divides pc after its first n records.
func (pc piece) split(n int) (front, back piece) {
	for _, s := range pc.spans {
		k := min(s.len(), n-front.records)
		if k > 0 {
			front.add(span{s.b, s.from, s.from + k})
		}
		if k < s.len() {
			back.add(span{s.b, s.from + k, s.to})
		}
	}
	return front, back
}

// inflight is the one unacknowledged batch. It begins as one piece; an answer
// that blames a piece divides it. Pieces are sent from the front, so that what
// is delivered is delivered in order.
//
//	later  [ x | y ]         set aside: deferred, or waiting for a neighbour's test; older than todo
//	todo   [ a | b | c ]     to be sent, oldest first
//
// Every record of the batch is in one of them until it is settled in pending's
// books. It is owned by the batcher's goroutine.
type inflight struct {
	p     *pending
	later []piece
	todo  []piece

	sent        bool // a piece of it was
	blamed      bool // an answer blamed a record for its content
	acceptances int
	extra       int // requests since the first blame
	oversized   int // requests answered with 413 since the last acceptance
}

// newInflight makes a batch of what was taken from p.
func newInflight(p *pending, taken piece) inflight {
	f := inflight{p: p}
	if taken.records > 0 {
		f.todo = []piece{taken}
	}
	return f
}

func (f *inflight) empty() bool { return len(f.todo) == 0 }

// encoded is told which body was made of the front piece, and reports whether it
// has records, which are the front piece then. What no body can have is dropped.
// What it has no room for goes back to pending, where more comes to it, unless the
// batch was divided.
func (f *inflight) encoded(b *body) bool {
	f.pop()
	for _, l := range b.lost {
		f.p.settle(pieceOf(l.span), 1, l.why)
	}
	if b.rest.records > 0 {
		if len(f.todo) == 0 && !f.sent {
			f.p.restore([]piece{b.rest})
		} else {
			f.todo = append([]piece{b.rest}, f.todo...)
		}
	}
	if b.taken.records == 0 {
		return false
	}
	f.todo = append([]piece{b.taken}, f.todo...)
	f.sent = true
	if f.blamed {
		f.extra++
	}
	return true
}

func pieceOf(s span) (pc piece) {
	pc.add(s)
	return pc
}

func (f *inflight) pop() piece {
	pc := f.todo[0]
	f.todo = f.todo[1:]
	return pc
}

// lookBehind sets the only piece of todo aside and takes, for a test, the n-th
// record behind it, or the last one if there are fewer; those between are set
// aside too. It reports false if there is none.
func (f *inflight) lookBehind(n int) bool {
	more := f.p.swap(n)
	if more.records == 0 {
		return false
	}
	between, last := more.split(more.records - 1)
	f.later = append(f.later, f.pop())
	if between.records > 0 {
		f.later = append(f.later, between)
	}
	f.todo = append(f.todo, last)
	return true
}

// bringBack has what was set aside sent again.
func (f *inflight) bringBack() {
	f.todo = append(f.later, f.todo...)
	f.later = nil
}

// acknowledge settles the front piece, which the server accepted, and reports
// whether any of its records was not deferred.
func (f *inflight) acknowledge(v Verdict) (settled bool) {
	pc := f.pop()
	f.acceptances++
	f.oversized = 0
	if v.Outcomes == nil {
		f.p.settle(pc, min(v.Refused, pc.records), rejected)
		return true
	}
	records := pc.records
	var deferred piece
	for rest := v.Outcomes; len(rest) > 0; {
		run := 1
		for run < len(rest) && rest[run] == rest[0] {
			run++
		}
		var front piece
		front, pc = pc.split(run)
		switch rest[0] {
		case Resend:
			for _, s := range front.spans {
				deferred.add(s)
			}
		case Refused:
			f.p.settle(front, run, rejected)
		default:
			f.p.settle(front, 0, rejected)
		}
		rest = rest[run:]
	}
	if deferred.records > 0 {
		f.later = append(f.later, f.p.compact(deferred))
	}
	return deferred.records < records
}

// drop gives up the front piece.
func (f *inflight) drop(why reason) {
	pc := f.pop()
	f.p.settle(pc, pc.records, why)
}

// halve divides the front piece, which has at least two records, in two.
func (f *inflight) halve() {
	pc := f.pop()
	front, back := pc.split(pc.records / 2)
	f.todo = append([]piece{front, back}, f.todo...)
}

// isolate deals with a front piece that the server refuses for its content. It
// is halved, down to the bad record, as long as the requests that remain suffice
// to send every piece once; what cannot be divided any more is dropped.
func (f *inflight) isolate() {
	f.blamed = true
	if f.acceptances == 0 && f.extra >= hopelessRequests {
		for !f.empty() {
			f.drop(rejected)
		}
		return
	}
	if f.todo[0].records > 1 && f.extra+len(f.todo)+1 <= isolateRequests {
		f.halve()
		return
	}
	f.drop(rejected)
}

// shrink deals with a front piece that is too large: it is halved, down to the
// record that no division helps, which is dropped. It reports false when the
// server seems to take nothing of any size: to go on would be to hammer it.
func (f *inflight) shrink() bool {
	f.oversized++
	if f.todo[0].records > 1 {
		f.halve()
	} else {
		f.drop(tooLarge)
	}
	return f.oversized < hopelessRequests
}

// restore puts what has no final answer back in front of pending, and reports
// whether there was any.
func (f *inflight) restore() bool {
	pieces := slices.Concat(f.later, f.todo)
	f.todo, f.later = nil, nil
	f.p.restore(pieces)
	return len(pieces) > 0
}
