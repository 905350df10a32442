package slogship

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"time"
)

// batcher owns the one goroutine that swaps pending, sends, and backs off.
type batcher struct {
	p       *pending
	bodies  *bodies
	sender  *sender
	format  Format
	onError func(error)

	minBackoff, maxBackoff time.Duration

	ctx    context.Context // of all requests; marked, so that they log nothing
	cancel context.CancelFunc
	stop   chan struct{} // closed by drain
	done   chan struct{} // closed by run at its end

	drainCtx context.Context // set by drain before it closes stop

	// Owned by run.
	draining  bool
	failures  int       // failed attempts since the last good one
	retryAt   time.Time // the end of the back-off; zero if there is none
	notBefore time.Time // of it, the part that even Shutdown obeys: Retry-After
	suspicion suspicion
}

func newBatcher(p *pending, s *sender, o settings) *batcher {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), sendingKey{}, true))
	b := &batcher{
		p:          p,
		bodies:     newBodies(p, newWording(o)),
		sender:     s,
		format:     o.Format,
		onError:    o.OnError,
		minBackoff: o.MinBackoff,
		maxBackoff: o.MaxBackoff,
		ctx:        ctx,
		cancel:     cancel,
		stop:       make(chan struct{}),
		done:       make(chan struct{}),
	}
	if b.onError == nil {
		b.onError = func(err error) { fmt.Fprintln(os.Stderr, err) }
	}
	return b
}

// drain ends the intake and has run send what is left, until ctx ends. It is
// called once.
func (b *batcher) drain(ctx context.Context) {
	b.p.close()
	b.drainCtx = ctx
	close(b.stop)
}

// run is the only goroutine that swaps pending or sends: a slow backend blocks
// run and nothing else, and at most one batch is in flight. New starts it; it
// ends when, after drain, nothing is held any more or the time for that is up.
func (b *batcher) run() {
	defer close(b.done)
	defer b.sender.close()
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	stop := b.stop
	for {
		wait, held := b.wait(time.Now())
		if held && wait <= 0 {
			b.attempt()
			continue
		}
		if b.draining && (b.p.length() == 0 || b.hopeless()) {
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
		select { // the one point where run waits, other than for an answer
		case <-b.p.wake:
		case <-expired:
		case <-stop:
			stop = nil
			b.draining = true
			b.failures = 0
			if !b.retryAt.IsZero() {
				b.retryAt = b.notBefore // now, unless there was a Retry-After
			}
		case <-drained:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// wait returns the time until the next attempt, or false if there is none to
// come. Nothing that is logged meanwhile shortens a back-off.
func (b *batcher) wait(now time.Time) (d time.Duration, held bool) {
	if d := b.retryAt.Sub(now); d > 0 {
		return d, true
	}
	return b.p.due(now)
}

// hopeless reports whether a Retry-After lies beyond the deadline of drain.
func (b *batcher) hopeless() bool {
	deadline, ok := b.drainCtx.Deadline()
	return ok && b.notBefore.After(deadline) && b.notBefore.After(time.Now())
}

// attempt takes a batch and sends it, in pieces if need be. What has no final
// answer in the end goes back in front of pending, also if something panics.
func (b *batcher) attempt() {
	batch := b.suspicion.take(b.p)
	if batch.empty() {
		return // Discard was quicker: nothing is known about the server
	}
	defer func() {
		if v := recover(); v != nil {
			batch.restore()
			b.failed(b.sender.panicError(v), 0)
		}
	}()
	again := !b.retryAt.IsZero()
	var complaint error // the first thing the server did not like
	var wait time.Duration
	for !batch.empty() {
		body := b.bodies.of(batch.todo[0], math.MaxInt)
		b.p.noteEncoded(body.taken, body.encoded, body.cut)
		if !batch.encoded(body) {
			continue
		}
		if again {
			b.p.noteRetry()
		}
		again = true
		pc := body.taken
		b.bodies.makeAhead()
		r := b.sender.send(b.ctx, body)
		b.bodies.wait()
		if b.ctx.Err() != nil { // Shutdown gave up, and has closed the books
			return
		}
		v := b.read(r, pc)
		err := b.sender.complain(r, v)
		wait = max(wait, retryAfter(r.header, time.Now()))
		if complaint == nil && (v.Action != TooLarge || pc.records == 1) { // a size that is negotiated is no failure
			complaint = err
		}

		switch v.Action {
		case Accept:
			b.p.noteAccepted()
			if batch.acknowledge(v) {
				b.failures = 0 // even if what the server asked to have again backs off
			}
			b.suspicion.accepted(&batch, b.p.batchRecords)
			continue
		case Reject:
			batch.drop(rejected)
			continue
		case Isolate:
			batch.isolate()
			continue
		case TooLarge:
			if batch.shrink() {
				continue
			}
		case Hold:
			batch.restore()
			b.held(err, wait)
			return
		default:
			if r.status != http.StatusInternalServerError {
				break
			}
			switch found := b.suspicion.examine(&batch); {
			case found == guilty:
				batch.drop(rejected)
				batch.restore()
				b.succeeded(complaint)
				return
			case found == probe && wait == 0:
				continue
			}
		}
		batch.restore()
		b.failed(err, wait)
		return
	}
	if batch.restore() { // what the server asked to have again
		b.failed(complaint, wait)
		return
	}
	b.succeeded(complaint)
}

// read asks the Format, and where it leaves the question open the status code,
// what an answer means.
func (b *batcher) read(r reply, pc piece) Verdict {
	if r.err != nil || r.status/100 == 2 && r.bodyErr != nil {
		// No answer, or one that was cut off before its end: the batch may
		// have been taken or not. It is sent again, with the same ids.
		return Verdict{Action: Retry}
	}
	v := b.format.ReadAnswer(Answer{Status: r.status, Header: r.header, Body: r.body, Err: r.bodyErr, Records: pc.records})
	if v.Action == ByStatus {
		v.Action = byStatus(r.status)
	}
	v.Refused = min(max(v.Refused, 0), pc.records)
	if v.Action == Accept && v.Outcomes != nil && len(v.Outcomes) != pc.records {
		panic(fmt.Sprintf("%T.ReadAnswer returned %d outcomes for %d records", b.format, len(v.Outcomes), pc.records))
	}
	return v
}

// failed begins a back-off: a random time up to minBackoff * 2^failures and up
// to maxBackoff, at least what the server asked for. Full jitter keeps clients
// apart that failed together ("Exponential Backoff And Jitter", AWS
// Architecture Blog, 2015).
func (b *batcher) failed(err error, retryAfter time.Duration) {
	b.backOff(1+rand.N(b.ceiling()), retryAfter)
	b.report(err)
}

func (b *batcher) ceiling() time.Duration {
	if b.minBackoff > b.maxBackoff>>b.failures { // the shift below would pass it, or overflow
		return b.maxBackoff
	}
	return b.minBackoff << b.failures
}

// held begins the wait before a wrong set-up is probed again. Shutdown has no
// time for that: it tries as after any failure.
func (b *batcher) held(err error, retryAfter time.Duration) {
	if b.draining {
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
}

// succeeded ends an attempt that the server answered for every record. If it
// refused some, complaint says why.
func (b *batcher) succeeded(complaint error) {
	b.failures = 0
	b.retryAt, b.notBefore = time.Time{}, time.Time{}
	if complaint != nil {
		b.report(complaint)
		return
	}
	if since := b.p.noteRecovery(); !since.IsZero() {
		b.tell(fmt.Errorf("%w: %s accepts records again after %v",
			ErrRecovered, b.sender.name, time.Since(since).Round(time.Millisecond)))
	}
}

// report notes that delivery fails, and tells so the first time.
func (b *batcher) report(err error) {
	if b.p.noteFailure(err, time.Now()) {
		b.tell(err)
	}
}

// tell calls OnError, which is the user's, and may panic.
func (b *batcher) tell(err error) {
	defer func() { _ = recover() }()
	b.onError(err)
}
