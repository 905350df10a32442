package slogship

import (
	"fmt"
	"time"
)

// A flight is a batch that is sent while others are: a request of its own.
//
// Its goroutine, which flights.launch starts, encodes and sends it, tells of both,
// and ends. It reads pc, and writes body, reply and panicked before it tells of them.
type flight struct {
	pc       piece // taken from pending; once it is encoded, what is in the body
	room     int
	again    bool // it was sent before
	encoder  *encoder
	body     *body
	reply    reply
	panicked any
	landed   bool // owned by the batcher's goroutine
}

// An event is that a flight was encoded or that it has landed, which is its end.
type event struct {
	*flight
	landed bool
}

// flights are the batches that are under way at once, at most limit
// (Options.Requests), as long as all is taken. After the first that is not, none
// follows; what was not taken goes back in front of pending, and attempt, which
// sends one request at a time, finds out what is wrong.
//
//	pending  [ f e ]       a batch leaves when it is due and queue has room
//	queue    [ d c b a ]   in order, a is the oldest, and not answered
//	           |   | |     b is, but keeps its place: nothing overtakes a by more
//	           v   v v     than limit-1 batches
//
// It is owned by the batcher's goroutine, which alone touches pending, the judge and
// the Format's answers here too.
type flights struct {
	b      *batcher
	limit  int
	queue  []*flight
	open   int        // of queue, not answered
	events chan event // cap 2*limit: a flight never waits to tell; never closed
	idle   []*encoder // in no flight
	sentTo uint64     // all that was sent is below

	outcome
}

// outcome is why no flight follows.
type outcome struct {
	ended     bool
	panicked  any   // in a Format or a transport
	wrong     error // wrong set-up
	trouble   error // or the server asked to have records again
	refused   bool  // for what is in it or for its size: attempt will find out
	wait      time.Duration
	withdrawn bool // Shutdown gave up, and has closed the books
}

func newFlights(b *batcher, limit int) *flights {
	return &flights{b: b, limit: limit, events: make(chan event, 2*limit)}
}

// mayBegin reports whether several requests may be under way: nothing failed lately,
// and nothing is suspected.
func (f *flights) mayBegin() bool {
	return f.limit > 1 && f.b.failures == 0 && !f.b.careful && f.b.judge.plain()
}

// send sends what is due until nothing is under way. What has no final answer then
// goes back in front of pending.
func (f *flights) send() {
	b, j := f.b, &f.b.judge
	j.beginAtOnce(time.Now())
	f.outcome = outcome{}
	f.sentTo = j.sentTo
	f.idle = b.bodies.lend(f.idle[:0])
	stop := b.p.stop
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait, held := f.launch()
		if f.open == 0 {
			break
		}
		timer.Stop()
		var expired <-chan time.Time
		if held {
			timer.Reset(wait)
			expired = timer.C
		}
		select {
		case e := <-f.events:
			f.note(e)
		case <-b.p.wake:
		case <-expired:
		case <-stop: // what is pending is due now
			stop = nil
		}
	}
	if f.withdrawn && b.p.disk == nil { // the judge keeps what was under way, for OnDrop
		return
	}
	j.restore()
	j.sentTo = f.sentTo
	f.conclude()
}

// launch begins flights as long as there is room and a batch is due. If there is
// room it returns when the next one will be due, and whether there is one.
func (f *flights) launch() (wait time.Duration, held bool) {
	b, j := f.b, &f.b.judge
	for !f.ended && len(f.queue) < f.limit {
		if wait, held = b.p.due(time.Now()); !held || wait > 0 {
			return wait, held
		}
		room := j.sizes.limit()
		pc := b.p.swapBytes(min(b.p.batchBytes, room))
		if pc.records == 0 {
			break // Discard was quicker
		}
		last := len(f.idle) - 1
		fl := &flight{pc: pc, room: room, again: pc.firstSeq() < j.sentTo, encoder: f.idle[last]}
		f.idle = f.idle[:last]
		f.queue = append(f.queue, fl)
		f.open++
		go f.fly(fl)
	}
	return 0, false
}

// fly is the goroutine of a flight. The user's code in it may panic, and may end its
// goroutine.
func (f *flights) fly(fl *flight) {
	returned := false
	defer func() {
		if !returned {
			if fl.panicked = recover(); fl.panicked == nil {
				fl.panicked = fmt.Sprintf("%T ended its goroutine (runtime.Goexit)", f.b.format)
			}
		}
		f.events <- event{fl, true}
	}()
	fl.body = f.b.encodeBy(fl.encoder, fl.pc, fl.room)
	f.events <- event{fl, false}
	if fl.body.taken.records > 0 {
		fl.reply = f.b.postBody(fl.body)
	}
	returned = true
}

func (f *flights) note(e event) {
	fl := e.flight
	if !e.landed {
		f.encoded(fl)
		return
	}
	f.open--
	fl.landed = true
	f.idle = append(f.idle, fl.encoder)
	for len(f.queue) > 0 && f.queue[0].landed {
		f.queue[0] = nil
		f.queue = f.queue[1:]
	}
	switch {
	case f.b.ctx.Err() != nil:
		f.ended, f.withdrawn = true, true
		f.b.judge.putBack(fl.pc)
	case fl.panicked != nil:
		f.panics(fl)
	case fl.pc.records > 0:
		f.answered(fl)
	}
}

// encoded settles what no body can have, and has what this one had no room for go
// first in the next.
func (f *flights) encoded(fl *flight) {
	p := f.b.p
	f.b.judge.lose(fl.body)
	fl.pc = fl.body.taken
	if f.b.ctx.Err() == nil {
		p.restore(fl.body.rest)
	} else {
		f.b.judge.putBack(fl.body.rest)
	}
	if fl.pc.records == 0 {
		return
	}
	f.sentTo = max(f.sentTo, fl.pc.lastSeq()+1)
	if fl.again {
		p.noteRetry()
	}
}

// answered deals with an answer. What is not taken is not judged here.
func (f *flights) answered(fl *flight) {
	b, j := f.b, &f.b.judge
	v, ok := f.read(fl)
	if !ok {
		f.panics(fl)
		return
	}
	j.now = time.Now()
	f.wait = max(f.wait, retryAfter(fl.reply.header, j.now))
	err := b.sender.complain(fl.reply, v)
	switch v.Action {
	case Accept:
		b.p.noteAccepted()
		later := j.later.records
		if j.acknowledge(fl.pc, v) {
			j.accepted()
			j.sizes.taken(fl.body.encoded, b.p.batchBytes, j.now)
		}
		if j.later.records == later {
			b.succeeded(err)
			return
		}
		f.trouble = err
	case Reject:
		j.drop(fl.pc, rejected)
		b.succeeded(err)
		return
	case Isolate, TooLarge:
		j.putBack(fl.pc)
		f.refused = true
	case Hold:
		j.putBack(fl.pc)
		f.wrong = err
	default:
		j.putBack(fl.pc)
		f.trouble = err
	}
	f.ended = true
}

// read reports false if the Format panics.
func (f *flights) read(fl *flight) (v Verdict, ok bool) {
	defer func() {
		if !ok {
			fl.panicked = recover()
		}
	}()
	return f.b.read(fl.reply, fl.pc, nil), true
}

func (f *flights) panics(fl *flight) {
	f.b.judge.putBack(fl.pc)
	f.panicked = fl.panicked
	f.ended = true
}

// conclude draws the conclusions, of which the first is a back-off where the server
// is in trouble.
func (f *flights) conclude() {
	switch b := f.b; {
	case f.withdrawn:
	case f.panicked != nil:
		b.failed(b.sender.panicError(f.panicked), f.wait)
	case f.wrong != nil:
		b.held(f.wrong, f.wait)
	case f.trouble != nil:
		b.failed(f.trouble, f.wait)
	case f.refused:
		b.careful = true
	}
}
