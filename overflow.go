package slogship

import (
	"errors"
	"fmt"
	"time"
)

// ErrOverflow is matched by the error that [Options.OnError] gets when records are
// dropped for overflow: at [Options.MaxPending] or [Options.MaxPendingBytes] or, with a
// spool, at [SpoolOptions.MaxBytes]. The error wraps a [*LossError] with the number of
// records dropped since the previous such error:
//
//	var loss *slogship.LossError
//	if errors.Is(err, slogship.ErrOverflow) && errors.As(err, &loss) {
//		overflowed.Add(loss.Dropped.Overflow)
//	}
var ErrOverflow = errors.New("slogship: pending records overflow")

// tellOverflowEvery is the least time between two errors about overflow.
const tellOverflowEvery = time.Minute

// alarm says whether OnError is to be told of an overflow, and by whom.
type alarm uint8

const (
	calm     alarm = iota // there is none
	breached              // a record was dropped just now: whoever unlocks mu starts tellOverflow
	alarmed               // tellOverflow runs, and tells of it within a minute
)

// alarmLocked notes that a record was dropped. If tellOverflow runs already, that is
// enough.
func (p *pending) alarmLocked() {
	if p.alarm == calm {
		p.alarm = breached
	}
}

// unlock is mu.Unlock for callers that may have dropped records for overflow.
func (p *pending) unlock() {
	if p.alarm == breached {
		p.unlockAlarmed()
		return
	}
	p.mu.Unlock()
}

func (p *pending) unlockAlarmed() {
	p.alarm = alarmed
	told := make(chan struct{})
	p.told = told
	p.mu.Unlock()
	p.overflowed(told)
}

// takeOverflow returns an error about the records that were dropped for overflow
// since the last call, and why delivery fails, if it does. If there are none, it
// returns nil, and the alarm is over.
func (p *pending) takeOverflow() *overflowError {
	p.lock()
	defer p.mu.Unlock()
	total := p.lost[overflow]
	n := total - p.toldOverflow
	if n == 0 {
		p.alarm = calm
		return nil
	}
	aside := p.untoldAside
	p.toldOverflow, p.untoldAside = total, 0
	return &overflowError{loss: LossError{Dropped: Dropped{Overflow: n}}, aside: aside, total: total, lastError: p.delivery.lastError}
}

// tellOverflow tells of records dropped for overflow: at once, then once a
// minute, until a minute has passed without any. It has its own goroutine, because a
// log call must not wait for OnError, and the batcher may be in a request that hangs.
// The first drop starts it. It ends with the overflow, or with b.ctx at the end of
// Shutdown, when it tells what is left. It closes told.
func (b *batcher) tellOverflow(told chan<- struct{}) {
	defer close(told)
	timer := time.NewTimer(tellOverflowEvery)
	defer timer.Stop()
	for ended := false; ; {
		err := b.p.takeOverflow()
		if err == nil {
			return
		}
		err.endpoint = b.sender.name
		b.tell(err)
		if ended {
			return
		}
		timer.Reset(tellOverflowEvery)
		select {
		case <-timer.C:
		case <-b.ctx.Done():
			ended = true
		}
	}
}

// lastTold returns a channel that is closed when the last tellOverflow has ended. After
// abandon no other one begins.
func (p *pending) lastTold() <-chan struct{} {
	p.lock()
	defer p.mu.Unlock()
	if p.told == nil {
		none := make(chan struct{})
		close(none)
		return none
	}
	return p.told
}

// overflowError matches ErrOverflow, and is a LossError.
type overflowError struct {
	loss      LossError
	aside     int64 // of these, records that were set aside
	total     int64 // dropped for overflow, ever
	endpoint  string
	lastError error // nil if the backend is merely slow
}

func (e *overflowError) Error() string {
	n := e.loss.Dropped.Overflow
	text := fmt.Sprintf("%v: %s dropped, ", ErrOverflow, plural(n, "record", "records"))
	cause := "; " + e.endpoint + " takes records more slowly than they are logged"
	switch e.aside {
	case 0:
		text += "the oldest"
	case n:
		text += "to which the server answers 500 while it takes others"
		cause = "; the server is " + e.endpoint
	default:
		text += fmt.Sprintf("the oldest, and %d to which the server answers 500 while it takes others", e.aside)
	}
	if e.total != n {
		text += fmt.Sprintf(" (%d so far)", e.total)
	}
	if e.lastError != nil {
		cause = "; delivery fails: " + attemptText(e.lastError)
	}
	return text + cause
}

// Unwrap makes the error match ErrOverflow, and be found as a *LossError.
func (e *overflowError) Unwrap() []error { return []error{ErrOverflow, &e.loss} }
