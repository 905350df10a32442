package slogship

import (
	"math/rand/v2"
	"time"
)

const (
	// patience is how many attempts in a row send the whole batch and end with a
	// 500 before a bad record is suspected. The next attempt sends the whole batch
	// once more, and divides it if that fails too. Later attempts begin with single
	// records.
	patience = 3

	// A search for refused records goes on after up to stumblesAtMost 500s in a
	// row; as long as no record was taken, after half as many.
	stumblesAtMost = 6

	// extraRequests is the most requests that the search for bad records makes
	// between two back-offs, beyond the first one of each attempt.
	extraRequests = 100

	// An attempt in which nothing is taken ends after vainRequests, or when
	// vainAlone records were refused alone. If vainAlone are refused in a row
	// after one was taken, one from further back is tried, to learn whether the
	// server refuses everything by now. If it is taken, it arrives before older ones:
	// that is the price of not asking for each of many bad records in order.
	vainRequests, vainAlone = 50, 16

	// smallRecord: if a server takes nothing, and answers 413 even to a record
	// of this many bytes, that is a misconfiguration.
	smallRecord = 4 << 10
)

// judge decides what is sent next, and what an answer means for the records that
// were sent. The batcher drives it, attempt by attempt:
//
//	begin, { next, encoded, answered }, finish
//
// It knows nothing of HTTP or of the content of records, and is told the time. It is
// owned by the batcher's goroutine.
//
// # A record is bad
//
// A request that is refused (400, or 413) or fails (500) while others are taken is
// cut in half, and again, until the bad record is alone. The search then goes on
// with the records after it, in pieces about as long as bad records are apart.
//
//	window  [ a b c d e f g h ]     one of them is bad
//	send    [ a b c d ] 200, [ e f ] 400, [ e ] 200, [ f ] 400: f is it
//
// A record is dropped only if the server takes others: one in the same attempt if
// it was refused, one in each of thirty tosses if it fails (see toss).
type judge struct {
	p *pending

	coin func() bool
	pick func(n int) int

	maxBackoff time.Duration

	// Of earlier attempts.
	ever     bool   // the server took a record, since New
	sentTo   uint64 // records below this sequence number were sent before
	crashes  int    // attempts in a row that a 500 ended, with nothing taken
	vain     int    // attempts in a row that refusals ended, with nothing taken
	extra    int    // extra requests since the last back-off
	sizes    sizes
	poison   time.Time           // until then a piece that gets a 500 is divided at once
	deferred map[uint64]deferral // by sequence number

	// The search for a bad record, which is one of todo's below window, if any is left there.
	window    uint64 // a sequence number; 0: there is no search
	crashy    bool   // it is for a record that gets a 500
	halfTaken bool   // the front of the window was taken
	widest    int    // records in the first piece of this search
	since     int    // records taken since the last bad one was found
	gap       int    // records from one bad one to the next, lately; 0: bad ones are too rare to know
	again     uint64 // one above the record that got a 500 alone last, and is tried once more

	attempt
}

// attempt is what a judge knows of the attempt under way.
type attempt struct {
	inflight
	toss toss
	out  piece // sent, if it is not of a toss

	now       time.Time
	alone     bool // nothing but suspects is sent
	behind    bool // more is pending than this batch
	impatient bool // patience was over when it began: what gets a 500 is divided
	probing   bool // single records are tried, until one is taken
	probed    int  // how many of them were
	tosses    int  // still to be made
	slice     int  // the most records in a piece, so that there are enough pieces for the tosses; 0 is no limit
	requests  int
	small     int  // records of few bytes that were refused for their size
	searching bool // something was refused, or failed, and is divided
	stumbles  int  // 500s in a row, in a search for what is refused
	end       ending
}

// ending is how an attempt ends.
type ending uint8

const (
	goOn     ending = iota
	done            // all that could be sent was answered
	paused          // the requests that a search may make are used up
	gaveUp          // the server is in trouble: a back-off
	crash           // the same, with a 500
	inVain          // all was refused, for its content or its size
	wrongSet        // a misconfiguration
)

// ruling is what the batcher tells the judge about a request.
type ruling struct {
	Verdict
	size    int  // of the records in the body, in bytes
	crashed bool // 500, without a word when to come again
}

func newJudge(p *pending, maxBackoff time.Duration) judge {
	return judge{
		p:          p,
		maxBackoff: maxBackoff,
		coin:       func() bool { return rand.IntN(2) == 0 },
		pick:       rand.IntN,
		deferred:   map[uint64]deferral{},
	}
}

// begin begins an attempt: it takes a batch, and reports false if there is nothing to
// send.
func (j *judge) begin(now time.Time) bool {
	batch, left, suspects := j.p.take()
	j.attempt = attempt{inflight: inflight{p: j.p, todo: batch}, now: now}
	if j.todo.records == 0 {
		j.alone = true
		j.tosses = min(suspects, maxTosses)
		return j.pair()
	}
	j.behind = left > 0
	j.impatient = j.crashes >= patience
	j.probing = j.crashes > patience || j.crashes > 0 && j.poisoned() || j.vain > 0
	for (j.probing || j.impatient) && (j.todo.records < 2 || j.todo.records < roomToProbe && j.todo.bytes < j.p.batchBytes) {
		more := j.p.swap() // batches are so short that the others are not in this one
		if more.records == 0 {
			break
		}
		j.todo = join(j.todo, more)
	}
	if n := min(tossesEach*suspects, maxTosses); n > 0 {
		j.tosses = n
		if !j.behind {
			j.slice = (j.todo.records + n - 1) / n
		}
	}
	return true
}

// plain reports whether neither a record nor the server is suspected of anything.
func (j *judge) plain() bool {
	return j.crashes == 0 && j.vain == 0 && j.window == 0 && j.gap == 0 && j.p.suspects() == 0
}

// beginAtOnce begins an attempt without a batch. The flights have their own, and pass
// the judge what is answered.
func (j *judge) beginAtOnce(now time.Time) {
	j.attempt = attempt{inflight: inflight{p: j.p}, now: now}
}

// poisoned reports whether there was poison lately.
func (j *judge) poisoned() bool { return j.now.Before(j.poison) }

// dividing reports whether pc, which got a 500, is divided rather than sent again after
// a back-off.
func (j *judge) dividing(pc piece) bool {
	return j.impatient || j.poisoned() || j.crashy && pc.firstSeq() < j.window
}

// next is the piece to send now; there is none at the end of the attempt.
func (j *judge) next() (pc piece, again, ok bool) {
	if j.end == goOn || j.end == crash {
		if part := j.toss.next(); part != nil { // also if the first part failed: see toss
			return j.sending(part.piece)
		}
	}
	if j.end == goOn && j.requests > 0 && j.extra >= extraRequests {
		j.end = paused
	}
	if j.end != goOn {
		return piece{}, false, false
	}
	switch {
	case j.alone:
		if j.tosses--; j.tosses <= 0 && !j.p.isClosed() || !j.pair() {
			j.end = done
			return piece{}, false, false
		}
		return j.sending(j.toss.next().piece)
	case j.todo.records == 0:
		j.end = done
		if !j.taken && len(j.refused) > 0 {
			j.end = inVain
		}
		if j.failed.records > 0 {
			j.end = crash
		}
		return piece{}, false, false
	case j.taken && len(j.refused) >= vainAlone: // does the server still take anything?
		return j.sending(j.inflight.pick(j.pick(j.todo.records)))
	case j.probing && !j.taken:
		if pc, ok = j.probe(); !ok {
			return piece{}, false, false
		}
		return j.sending(pc)
	}
	pc = j.cut(min(j.size(), j.p.batchRecords))
	if j.tosses > 0 && (!j.behind || j.requests%tossesBehind == 0) {
		if s, ok := j.p.takeAside(j.now); ok {
			j.tosses--
			j.match(part{piece: pc}, part{piece: s.piece, suspect: &s})
			pc = j.toss.next().piece
		}
	}
	return j.sending(pc)
}

func (j *judge) sending(pc piece) (_ piece, again, ok bool) {
	if j.toss.next() == nil {
		j.out = pc
	}
	return pc, pc.firstSeq() < j.sentTo, true
}

// encoded is told which body was made of the piece that next returned, and returns the
// records in it. Those that no body can have are dropped. Those that this one has no
// room for are sent next; or, if they are the last of the batch, they go back to
// pending, where more records join them.
func (j *judge) encoded(b *body) (sent piece) {
	j.lose(b)
	sent = b.taken
	part := j.toss.next()
	switch {
	case part == nil:
		j.out = sent
	case sent.records > 0:
		part.piece = sent
	default:
		j.toss.sent++
		if j.toss.next() == nil {
			j.conclude()
		}
	}
	if b.rest.records > 0 && j.todo.records == 0 && j.requests == 0 && part == nil && !j.probing {
		j.p.restore(b.rest)
	} else {
		j.putBack(b.rest)
	}
	if sent.records > 0 {
		j.sentTo = max(j.sentTo, sent.lastSeq()+1)
	}
	return sent
}

// lose drops the records that no body can have.
func (j *judge) lose(b *body) {
	j.p.noteEncoded(b.taken, b.encoded, b.cut)
	for _, l := range b.lost {
		var pc piece
		pc.add(l.span)
		if j.p.dropped != nil {
			j.p.dropped(pc, l.why)
		}
		j.p.settle(pc, 1, l.why)
	}
}

// size is how many records the next piece may have.
func (j *judge) size() int {
	if !j.taken && len(j.refused) > 0 {
		return 1 // one by one, in order, until one is taken
	}
	if n := j.todo.below(j.window); n > 0 {
		if j.gap == 0 && j.halfTaken {
			return n // perhaps none is bad: the server may have failed for another reason
		}
		return max(n/2, 1)
	}
	n := j.todo.records
	if j.gap > 0 {
		n = min(n, max(j.gap, j.since))
	}
	if j.slice > 0 {
		n = min(n, j.slice)
	}
	return n
}

// answered is called with the result of the piece that was sent last.
func (j *judge) answered(pc piece, a ruling) {
	if j.requests++; j.requests > 1 && (j.searching || j.gap > 0 || j.toss.next() != nil) {
		j.extra++
	}
	part := j.toss.next()
	if part == nil {
		j.out = piece{}
		j.answeredBatch(pc, a)
		return
	}
	j.toss.sent++
	if part.suspect != nil {
		part.fate = j.answeredSuspect(part.suspect, a)
	} else {
		part.fate = j.answeredBatch(pc, a)
	}
	if j.toss.next() == nil || j.end > crash || j.end == gaveUp {
		j.conclude()
	}
}

// answeredBatch deals with the answer for a piece of the batch.
func (j *judge) answeredBatch(pc piece, a ruling) fate {
	switch a.Action {
	case Accept:
		if !j.acknowledge(pc, a.Verdict) {
			return unclear
		}
		j.accepted()
		j.sizes.taken(a.size, j.p.batchBytes, j.now)
		if j.since += pc.records; j.since >= j.p.batchRecords {
			j.gap = 0
		}
		if j.todo.records == 0 || j.todo.firstSeq() >= j.window {
			j.window = 0 // all of it was taken this time
		}
		j.halfTaken = j.window > 0
		return took
	case Reject:
		j.drop(pc, rejected)
	case Isolate:
		j.searching = true
		if pc.records > 1 {
			j.narrow(pc, false)
			break
		}
		j.refuse(pc, rejected, nil)
		j.found()
	case TooLarge:
		if pc.records > 1 {
			j.putBack(pc)
			half, _ := pc.split(pc.records / 2)
			j.sizes.refused(a.size, max(a.size*half.bytes/pc.bytes, 1), j.now)
			break
		}
		if a.size <= smallRecord {
			j.small++
		}
		j.refuse(pc, tooLarge, nil)
	case Hold:
		j.putBack(pc)
		j.end = wrongSet
	default:
		if a.crashed {
			j.answered500(pc)
			return crashed
		}
		j.putBack(pc)
		j.end = gaveUp
	}
	switch most := vainAlone; {
	case j.end != goOn:
	case !j.taken && (j.requests >= vainRequests || len(j.refused) >= most || j.small > 2):
		j.end = inVain
	case j.taken && len(j.refused) > most:
		j.end = paused
	}
	return unclear
}

// answered500 deals with a piece of the batch that got a 500.
func (j *judge) answered500(pc piece) {
	switch {
	case j.stumbles < j.stumblesAllowed(pc): // the server seems to fail at random
		j.stumbles++
		j.searching = true
		j.putBack(pc)
	case !j.dividing(pc) && (j.taken || !j.probing): // the server seems to be in trouble
		j.putBack(pc)
		j.end = crash
	case j.taken && pc.records > 1:
		j.searching = true
		j.narrow(pc, true)
	case j.taken && !j.poisoned() && j.again != pc.lastSeq()+1: // it is alone: once more
		j.again = pc.lastSeq() + 1
		j.narrow(pc, true)
	case j.taken:
		j.p.setAside(pc)
		j.found()
	case pc.records > 1:
		j.narrow(pc, true)
		j.searching, j.probing = true, true
	case j.failed.records == 0:
		j.failed = pc
		j.searching, j.probing, j.probed = true, true, max(j.probed, 1)
	default:
		j.putBack(pc)
		j.end = crash
	}
}

// stumblesAllowed is how many 500s in a row do not end the search for what is refused.
func (j *judge) stumblesAllowed(pc piece) int {
	switch {
	case j.dividing(pc) || j.gap == 0 && !j.searching:
		return 0
	case j.taken:
		return stumblesAtMost
	case j.crashes == 0 && !j.probing:
		return stumblesAtMost / 2
	}
	return 0
}

// accepted is called when the server took a record.
func (j *judge) accepted() {
	j.took()
	j.settled = true
	j.ever, j.probing = true, false
	j.crashes, j.vain, j.stumbles = 0, 0, 0
}

// narrow has pc divided, which was at the front of todo and has a bad record.
func (j *judge) narrow(pc piece, crashy bool) {
	j.putBack(pc)
	if j.window == 0 || pc.firstSeq() >= j.window {
		j.widest = pc.records
	}
	j.window, j.crashy, j.halfTaken = pc.lastSeq()+1, crashy, false
}

// found ends a search. The next one begins with a piece as long as bad records are
// apart, on a moving average: about every second such piece has one. As long as nothing
// is taken the distance is unknown, and after a 500 too, unless there is poison.
func (j *judge) found() {
	if j.window > 0 && j.taken && (!j.crashy || j.poisoned()) {
		if j.gap == 0 {
			j.gap = j.widest / 2
		}
		j.gap = max((3*j.gap+j.since)/4, 1)
		j.since = 0
	}
	j.window = 0
}

// finish ends the attempt: records without a final answer go back. It reports how the
// attempt ended, and whether any went back.
func (j *judge) finish() (end ending, rest bool) {
	j.putBack(j.out) // if its answer could not be read
	j.conclude()
	end = j.end
	switch {
	case end == done && j.taken, end == inVain && j.lone():
		for _, r := range j.refused {
			j.drop(r.piece, r.why)
		}
		j.refused = nil
		end = done
	case end == inVain:
		j.vain++
	case end == crash && !j.taken:
		j.crashes++
		if j.crashy {
			j.window = 0 // it seems to be an outage
		}
	}
	if end != done || j.requests <= 1 {
		j.extra = 0
	}
	return end, j.restore()
}

// lone reports whether all that is left is a single record that is too large, and not
// a small one.
func (j *judge) lone() bool {
	return len(j.refused) == 1 && j.refused[0].why == tooLarge && j.small == 0 &&
		j.todo.records+j.later.records+j.failed.records == 0
}
