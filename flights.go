package slogship

import (
	"fmt"
	"time"
)

// A flight is a batch that is sent while others are: a request of its own.
//
// flights.launch starts its goroutine, which encodes the batch, sends an event, posts
// the body, sends another event, and ends. It reads pc. It writes body, reply and
// panicked before the event that tells of them.
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

// An event says that a flight was encoded, or that it landed: its request has ended.
type event struct {
	*flight
	landed bool
}

// flights are the batches that are sent at the same time, at most limit
// (Options.Requests). After the first answer that is not a success, no flight is
// launched. The records that were not taken go back in front of pending, and attempt,
// which sends one request at a time, finds out what is wrong.
//
//	pending  [ f e ]       a batch leaves when it is due and queue has room
//	queue    [ d c b a ]   in order, a is the oldest, and not answered
//	           |   | |     b is, but keeps its place: nothing overtakes a by more
//	           v   v v     than limit-1 batches
//
// It is owned by the batcher's goroutine. Here too, only that goroutine uses pending
// and the judge, and calls ReadAnswer.
type flights struct {
	b      *batcher
	limit  int
	queue  []*flight
	open   int        // of queue, not answered
	events chan event // cap 2*limit, so that a flight never waits to send; never closed
	idle   []*encoder // in no flight
	sentTo uint64     // all records sent are below it

	outcome
}

// outcome is why no flight follows.
type outcome struct {
	ended     bool
	panicked  any   // in a Format or a transport
	wrong     error // wrong set-up
	trouble   error // or the server asked for records again
	refused   bool  // because of its content or size: attempt finds out which
	wait      time.Duration
	withdrawn bool // Shutdown gave up, and has counted its records
}

func newFlights(b *batcher, limit int) *flights {
	return &flights{b: b, limit: limit, events: make(chan event, 2*limit)}
}

// mayBegin reports whether several requests may be sent at the same time: no attempt
// has failed since the last success, and no record is suspected.
func (f *flights) mayBegin() bool {
	return f.limit > 1 && f.b.failures == 0 && !f.b.careful && f.b.judge.plain()
}

// send sends the batches that are due, until no request is left. Records without a
// final answer then go back in front of pending.
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

// launch starts flights while there is room and a batch is due. If there is still room,
// it returns when the next batch is due, and whether there is one.
func (f *flights) launch() (wait time.Duration, held bool) {
	b, j := f.b, &f.b.judge
	for !f.ended && len(f.queue) < f.limit {
		if wait, held = b.p.due(time.Now()); !held || wait > 0 {
			return wait, held
		}
		room := j.sizes.limit()
		pc := b.p.swapBytes(min(b.p.batchBytes, room))
		if pc.records == 0 {
			break // Discard dropped the batch
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

// fly is the goroutine of a flight. The Format and the Transport in it may panic, or
// end the goroutine.
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

// encoded settles the records that cannot be encoded. Those for which the body had no
// room become the first of the next one.
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

// answered handles an answer. Records that were not taken are left to attempt.
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

// conclude decides what follows the flights. If the server failed, that is a back-off.
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
