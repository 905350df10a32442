package slogship

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
//	later  [ x | y ]         to go back to pending, older than todo
//	todo   [ a | b | c ]     to be sent, oldest first
//
// Every record of the batch is in one of them until it is settled in pending's
// books. It is owned by the batcher's goroutine.
type inflight struct {
	p     *pending
	later []piece
	todo  []piece

	deferred    bool // later has what the server asked to have again
	blamed      bool // an answer blamed a record for its content
	acceptances int
	extra       int // requests since the first blame
	oversized   int // requests answered with 413 since the last acceptance
}

func (f *inflight) empty() bool { return len(f.todo) == 0 }

// records is how many are still to be sent.
func (f *inflight) records() (n int) {
	for _, pc := range f.todo {
		n += pc.records
	}
	return n
}

// next is the piece to send now.
func (f *inflight) next() piece {
	if f.blamed {
		f.extra++
	}
	return f.todo[0]
}

func (f *inflight) pop() piece {
	pc := f.todo[0]
	f.todo = f.todo[1:]
	return pc
}

// leave keeps the first n records back, for restore.
func (f *inflight) leave(n int) {
	if n == 0 || f.empty() {
		return
	}
	front, back := f.pop().split(n)
	f.later = append(f.later, front)
	f.todo = append([]piece{back}, f.todo...)
}

// acknowledge settles the front piece, which the server accepted.
func (f *inflight) acknowledge(v Verdict) {
	pc := f.pop()
	f.acceptances++
	f.oversized = 0
	if v.Outcomes == nil {
		f.p.settle(pc, min(v.Refused, pc.records), rejected)
		return
	}
	for rest := v.Outcomes; len(rest) > 0; {
		run := 1
		for run < len(rest) && rest[run] == rest[0] {
			run++
		}
		var front piece
		front, pc = pc.split(run)
		switch rest[0] {
		case Resend:
			f.later = append(f.later, f.p.compact(front))
			f.deferred = true
		case Refused:
			f.p.settle(front, run, rejected)
		default:
			f.p.settle(front, 0, rejected)
		}
		rest = rest[run:]
	}
}

// drop gives up the front piece.
func (f *inflight) drop(why reason) {
	pc := f.pop()
	f.p.settle(pc, pc.records, why)
}

// halve divides the front piece, which has at least two records, in two.
func (f *inflight) halve() {
	front, back := f.pop().split(f.todo[0].records / 2)
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
		f.blamed = true
		f.drop(tooLarge)
	}
	return f.oversized < hopelessRequests
}

// restore puts what has no final answer back in front of pending.
func (f *inflight) restore() {
	f.p.restore(append(f.later, f.todo...))
	f.todo, f.later = nil, nil
}
