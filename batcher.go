package slogship

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/slogship/slogship/internal/answers"
)

// batcher owns the one goroutine that swaps pending, sends, and backs off.
type batcher struct {
	p       *pending
	bodies  *bodies
	sender  *sender
	encode  func(pc piece, room int) *body // bodies.of
	post    func(body *body) reply         // sender.send; while it waits for the answer, the next body is encoded
	flights *flights

	encodeBy func(e *encoder, pc piece, room int) *body // (*encoder).encode
	postBody func(body *body) reply                     // sender.send; both may be called concurrently

	format  Format
	onError func(error)
	drops   *drops // nil if there is no OnDrop

	minBackoff, maxBackoff time.Duration

	ctx    context.Context // of all requests; has sendingKey, so that they log nothing
	cancel context.CancelFunc
	done   chan struct{} // closed by run at its end
	turn   chan struct{} // cap 1, never closed; holds a token while OnError or OnDrop is called

	drainCtx context.Context // set by drain before it ends the intake

	// Owned by run.
	draining  bool
	drained   int           // attempts since draining
	wrong     bool          // the first of these showed a misconfiguration
	tooLate   time.Duration // what is left of the Retry-After that ends after drainCtx; read by shutdown, after done
	failures  int           // failed attempts since the last good one
	failing   bool          // OnError was called for it
	careful   bool          // the next requests are one at a time: something was refused
	retryAt   time.Time     // the end of the back-off; zero if there is none
	notBefore time.Time     // the end of the Retry-After, for which Shutdown waits too
	aside     int           // attempts in vain to send suspects while nothing else was pending
	judge     judge
	reporter  lossReporter
}

func newBatcher(p *pending, s *sender, o settings) *batcher {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), sendingKey{}, true))
	b := &batcher{
		p:          p,
		bodies:     newBodies(p, newWording(o), o.Requests),
		sender:     s,
		format:     o.Format,
		onError:    o.OnError,
		minBackoff: o.MinBackoff,
		maxBackoff: o.MaxBackoff,
		ctx:        ctx,
		cancel:     cancel,
		done:       make(chan struct{}),
		judge:      newJudge(p, o.MaxBackoff),
		turn:       make(chan struct{}, 1),
		reporter:   newLossReporter(p, o),
	}
	p.news.tellBy(b.tell)
	b.encode = b.bodies.of
	b.post = func(body *body) reply {
		landed := s.begin(b.ctx, body)
		<-body.read
		b.bodies.makeAhead()
		return landed()
	}
	if o.OnDrop != nil {
		b.drops = &drops{onDrop: o.OnDrop, encoder: newEncoder(b.bodies.encoders[0].wording)}
		p.dropped = func(pc piece, why reason) {
			b.turn <- struct{}{}
			defer func() { <-b.turn }()
			b.drops.tell(pc, why)
		}
	}
	b.encodeBy = (*encoder).encode
	b.postBody = func(body *body) reply { return s.send(b.ctx, body) }
	b.flights = newFlights(b, o.Requests)
	p.overflowed = func(told chan<- struct{}) { go b.tellOverflow(told) }
	if b.onError == nil {
		b.onError = func(err error) { fmt.Fprintln(os.Stderr, err) }
	}
	return b
}

// drain stops accepting records and makes run send those held, until ctx ends. It is
// called once.
func (b *batcher) drain(ctx context.Context) {
	b.drainCtx = ctx
	b.p.close()
}

// run is the only goroutine that swaps pending, and that settles or restores the
// records in flight: a slow backend blocks run and nothing else. It sends one batch at
// a time, or several, each in a goroutine of its own, and waits for them (flights). New
// starts run. After drain, it ends when no record is held or when drainCtx ends.
func (b *batcher) run() {
	defer close(b.done)
	defer b.sender.close()
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	stop := b.p.stop
	for {
		wait, held := b.wait(time.Now())
		select {
		case <-stop: // before an attempt that is due for that
			stop = nil
			b.beginDraining()
			continue
		default:
		}
		if held && wait <= 0 {
			if b.draining {
				b.drained++
			}
			if b.flights.mayBegin() && b.reporter.due(&b.judge) == nil {
				b.flights.send()
			} else {
				b.attempt()
			}
			if b.ctx.Err() != nil { // Shutdown gave up
				return
			}
			continue
		}
		if b.draining && (b.p.exhausted() || b.hopeless()) {
			return
		}
		var expired <-chan time.Time
		if held {
			timer.Reset(wait)
			expired = timer.C
		}
		var drained <-chan struct{}
		if b.draining {
			drained = b.drainCtx.Done()
		}
		select { // the only point where run waits, except for an answer
		case <-b.p.wake:
		case <-expired:
		case <-stop:
			stop = nil
			b.beginDraining()
		case <-drained:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// beginDraining cuts a back-off short.
func (b *batcher) beginDraining() {
	b.draining = true
	b.failures = 0
	if !b.retryAt.IsZero() {
		b.retryAt = b.notBefore // now, unless there was a Retry-After
		b.p.noteNextAttempt(b.retryAt)
	}
}

// wait returns the time until the next attempt, or false if none is due. Records logged
// during a back-off do not shorten it.
func (b *batcher) wait(now time.Time) (d time.Duration, held bool) {
	if d := b.retryAt.Sub(now); d > 0 {
		return d, true
	}
	return b.p.due(now)
}

// hopeless reports whether it is useless to wait in drain: because of a
// misconfiguration, or because a Retry-After ends after drainCtx's deadline.
func (b *batcher) hopeless() bool {
	deadline, ok := b.drainCtx.Deadline()
	if ok && b.notBefore.After(deadline) && b.notBefore.After(time.Now()) {
		b.tooLate = time.Until(b.notBefore)
		return true
	}
	return b.wrong
}

// attempt takes a batch and sends it, in pieces if necessary. Records without a final
// answer go back in front of pending, also after a panic.
func (b *batcher) attempt() {
	j := &b.judge
	b.careful = false
	if !j.begin(time.Now()) { // Discard dropped the batch: nothing is known about the server
		b.p.tryAsideAt(time.Now().Add(b.maxBackoff))
		return
	}
	defer func() {
		if v := recover(); v != nil {
			j.finish()
			b.failed(b.sender.panicError(v), 0)
		}
	}()
	var m mishaps
	for {
		pc, again, ok := j.next()
		if !ok {
			break
		}
		b.bodies.report = b.reporter.due(j)
		body := b.encode(pc, j.sizes.limit())
		if pc = j.encoded(body); pc.records == 0 {
			continue // all of it was lost
		}
		if again {
			b.p.noteRetry()
		}
		r := b.post(body)
		if b.ctx.Err() != nil { // Shutdown gave up: it has counted the records as dropped, or left them to the disk
			if b.p.disk != nil {
				j.finish()
			}
			return
		}
		v := b.read(r, pc, body)
		if v.Action == Accept {
			b.p.noteAccepted()
		}
		wait := retryAfter(r.header, time.Now())
		m.note(r, v, pc, b.sender.complain(r, v), wait)
		j.answered(pc, ruling{Verdict: v, size: body.encoded, crashed: r.status == http.StatusInternalServerError && wait == 0})
	}
	if j.requests == 0 && !j.alone { // nothing is known about the server
		j.finish()
		return
	}
	b.ended(m)
}

// mishaps are the errors of an attempt.
type mishaps struct {
	last       error // the last one
	complaint  error // the first one about the content of a record
	wait       time.Duration
	compressed bool
}

func (m *mishaps) note(r reply, v Verdict, pc piece, err error, wait time.Duration) {
	m.wait = max(m.wait, wait)
	m.compressed = m.compressed || r.coding != ""
	if err == nil {
		return
	}
	m.last = err
	negotiated := v.Action == TooLarge && pc.records > 1 || v.Action == Retry
	if m.complaint == nil && !negotiated {
		m.complaint = err
	}
}

// ended decides what follows an attempt: success, a back-off or a report.
func (b *batcher) ended(m mishaps) {
	j := &b.judge
	end, rest := j.finish()
	if j.settled {
		b.failures = 0 // even if what is left backs off
	}
	b.scheduleSuspects()
	switch end {
	case crash, gaveUp:
		b.failed(m.last, m.wait)
	case wrongSet:
		b.held(m.last, m.wait)
	case inVain:
		err := b.inVain(m)
		if j.small > 0 {
			b.held(err, m.wait)
		} else {
			b.failed(err, m.wait)
		}
	case paused:
		b.backOff(1+rand.N(b.minBackoff/pauseShare+1), m.wait)
		if m.complaint != nil {
			b.report(m.complaint)
		}
	default:
		switch {
		case rest: // what the server asked to have again
			b.failed(m.complaint, m.wait)
		case j.rejected > 0 && m.complaint == nil:
			b.succeeded(m.last)
		case j.settled || !j.alone:
			b.succeeded(m.complaint)
		}
	}
}

// pauseShare is the largest part of MinBackoff for which the batcher pauses after the
// extra requests of a search are used up. The back-off ends if the search makes
// progress.
const pauseShare = 8

// scheduleSuspects decides when suspects are tried if there is nothing else to
// send. They have their own back-offs, because no other record waits for them.
func (b *batcher) scheduleSuspects() {
	switch j := &b.judge; {
	case j.alone && j.settled:
		b.aside = 0
	case j.alone:
		b.aside++
	}
	b.p.tryAsideAt(time.Now().Add(1 + rand.N(ceiling(b.minBackoff, b.maxBackoff, b.aside))))
}

// inVain is the error of an attempt in which the server refused everything.
func (b *batcher) inVain(m mishaps) error {
	text := m.last.Error() + ": nothing was taken"
	if b.judge.ever {
		text += " this time; other records were, before"
	} else {
		text += ", nor ever was"
	}
	text += fmt.Sprintf("; records waiting: %d", b.p.stats().Pending)
	if m.compressed {
		text += "; they were compressed: Compression: slogship.None is worth a try"
	}
	return &sendError{text: text}
}

// read returns what an answer means: what the Format says or, with ByStatus, what the
// status code says.
func (b *batcher) read(r reply, pc piece, body *body) (v Verdict) {
	records := pc.records
	if body != nil && body.report != nil {
		records++ // after those of pc
		defer func() { v = b.reporter.answered(v, pc.records) }()
	}
	if r.err != nil || r.status/100 == 2 && r.bodyErr != nil {
		// There is no answer, or a part of one: the server may have taken the batch or
		// not. It is sent again, with the same ids.
		return Verdict{Action: Retry}
	}
	if r.status == http.StatusSwitchingProtocols {
		return aSwitch
	}
	if !contain(func() {
		v = b.format.ReadAnswer(Answer{
			Status: r.status, Header: r.header, Body: r.body, Cut: r.more, Err: r.bodyErr, Records: records,
		})
	}) {
		panic(fmt.Sprintf("%T.ReadAnswer ended its goroutine (runtime.Goexit)", b.format))
	}
	if v.Action == ByStatus {
		v.Action = byStatus(r.status)
		if v.Action == Accept && answers.IsPage(r.header, r.body) {
			return aPage
		}
	}
	v.Refused = min(max(v.Refused, 0), records)
	if v.Action == Accept && v.Outcomes != nil && len(v.Outcomes) != records {
		panic(fmt.Sprintf("%T.ReadAnswer returned %d outcomes for %d records", b.format, len(v.Outcomes), records))
	}
	return v
}

// failed begins a back-off: a random time up to minBackoff * 2^failures and at most
// maxBackoff, or the Retry-After if that is longer. Full jitter keeps clients apart
// that failed together ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
func (b *batcher) failed(err error, retryAfter time.Duration) {
	b.backOff(1+rand.N(b.ceiling()), retryAfter)
	b.report(err)
}

func (b *batcher) ceiling() time.Duration { return ceiling(b.minBackoff, b.maxBackoff, b.failures) }

// ceiling is least * 2^n, or most where that is less.
func ceiling(least, most time.Duration, n int) time.Duration {
	if least > most>>n { // the shift below would pass it, or overflow
		return most
	}
	return least << n
}

// held begins the wait after a misconfiguration, before the next attempt. Shutdown does
// not wait that long. If its first attempt shows a misconfiguration, it gives up. If a
// later attempt does, the server has worked since Shutdown began, and Shutdown retries
// as after any failure.
func (b *batcher) held(err error, retryAfter time.Duration) {
	if b.draining {
		b.wrong = b.wrong || b.drained == 1
		b.failed(err, retryAfter)
		return
	}
	b.backOff(b.maxBackoff, retryAfter)
	b.report(err)
}

func (b *batcher) backOff(d, retryAfter time.Duration) {
	now := time.Now()
	b.failures++
	b.notBefore = now.Add(retryAfter)
	b.retryAt = now.Add(max(d, retryAfter))
	b.p.noteNextAttempt(b.retryAt)
}

// succeeded ends an attempt in which every record got a final answer. If the server
// refused some, complaint says why.
func (b *batcher) succeeded(complaint error) {
	b.failures = 0
	b.retryAt, b.notBefore = time.Time{}, time.Time{}
	if complaint != nil {
		b.report(complaint)
		return
	}
	if !b.failing { // mostly
		return
	}
	b.failing = false
	if since := b.p.noteRecovery(); !since.IsZero() {
		b.tell(fmt.Errorf("%w: %s accepts records again after %v",
			ErrRecovered, b.sender.name, time.Since(since).Round(time.Millisecond)))
	}
}

// report notes that delivery fails, and calls OnError the first time.
func (b *batcher) report(err error) {
	b.failing = true
	if b.p.noteFailure(err, time.Now()) {
		b.tell(err)
	}
}

// tell calls OnError, in a goroutine of its own: OnError is the user's, and may
// panic, or end its goroutine (t.Fatal does). No two calls overlap: run and
// tellOverflow take turns.
func (b *batcher) tell(err error) {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	defer func() { _ = recover() }()
	contain(func() { b.onError(err) })
}
