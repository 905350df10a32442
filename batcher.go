package slogship

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"time"
)

// batcher owns the one goroutine that swaps pending, sends, and backs off.
type batcher struct {
	p       *pending
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
		if b.draining && (!held || b.hopeless()) {
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

// wait returns the time until the next attempt, or false if nothing is
// pending. Nothing that is logged meanwhile shortens a back-off.
func (b *batcher) wait(now time.Time) (d time.Duration, held bool) {
	if d := b.retryAt.Sub(now); d > 0 {
		return d, true
	}
	retrying := b.failures > 0
	d, held = b.p.due(now)
	if held && retrying {
		return 0, true
	}
	return d, held
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
	defer func() {
		if v := recover(); v != nil {
			batch.restore()
			b.failed(fmt.Errorf("slogship: panic while sending to %s: %s", b.sender.name, b.sender.secrets.redact(fmt.Sprint(v))), 0)
		}
	}()
	var complaint error // the first thing the server did not like
	var wait time.Duration
	for first := true; !batch.empty(); first = false {
		if b.ctx.Err() != nil { // Shutdown gave up, and has closed the books
			return
		}
		if !first || b.failures > 0 {
			b.p.noteRetry()
		}
		pc := batch.next()
		r := b.sender.send(b.ctx, pc)
		v := b.read(r, pc)
		err := b.sender.complain(r, v)
		if complaint == nil {
			complaint = err
		}
		wait = max(wait, retryAfter(r.header, time.Now()))

		switch v.Action {
		case Accept:
			b.p.noteAccepted()
			b.suspicion.clear(b.p.batchRecords)
			batch.acknowledge(v)
			continue
		case Reject:
			batch.drop(rejected)
			continue
		case Isolate:
			batch.isolate()
			continue
		case TooLarge:
			if batch.shrink() {
				if !batch.blamed {
					complaint = nil // a size that was negotiated is no failure
				}
				continue
			}
		case Hold:
			batch.restore()
			b.held(err)
			return
		default:
			if r.status == http.StatusInternalServerError && b.suspicion.confirm(pc) {
				batch.drop(rejected)
				continue
			}
		}
		batch.restore()
		b.failed(err, wait)
		return
	}
	if batch.deferred {
		batch.restore()
		b.failed(complaint, wait)
		return
	}
	batch.restore() // what was left out to test its neighbour
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
	if v.Outcomes != nil && len(v.Outcomes) != pc.records {
		panic(fmt.Sprintf("%T.ReadAnswer returned %d outcomes for %d records", b.format, len(v.Outcomes), pc.records))
	}
	return v
}

// failed begins a back-off: a random time up to minBackoff * 2^failures and up
// to maxBackoff, at least what the server asked for. Full jitter keeps clients
// apart that failed together ("Exponential Backoff And Jitter", AWS
// Architecture Blog, 2015).
func (b *batcher) failed(err error, retryAfter time.Duration) {
	ceiling := b.maxBackoff
	if shifted := b.minBackoff << min(b.failures, 30); shifted > 0 {
		ceiling = min(ceiling, shifted)
	}
	b.backOff(rand.N(ceiling)+1, retryAfter)
	b.report(err)
}

// held begins the wait before a wrong set-up is probed again.
func (b *batcher) held(err error) {
	if b.draining {
		b.failed(err, 0)
		return
	}
	b.backOff(b.maxBackoff, 0)
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
	if errors.Is(err, context.Canceled) && b.ctx.Err() != nil {
		return // Shutdown's own doing, which its error reports
	}
	if b.p.noteFailure(err, time.Now()) {
		b.tell(err)
	}
}

// tell calls OnError, which is the user's, and may panic.
func (b *batcher) tell(err error) {
	defer func() { _ = recover() }()
	b.onError(err)
}
