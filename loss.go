package slogship

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnsent is matched by the error of [Handler.Flush] or [Handler.Shutdown] if the
// call returned before all records were delivered or dropped.
var ErrUnsent = errors.New("slogship: records unsent")

// LossError is the error of [Handler.Flush] and [Handler.Shutdown]. It counts
// records accepted before the call:
//
//	slogship: 1 record dropped (rejected 1), 2 records unsent after 5 s; last attempt: 401 Unauthorized
//
// If Unsent is not zero, the error matches [ErrUnsent] and Cause.
type LossError struct {
	Dropped Dropped // records dropped while the call waited, by reason
	Unsent  int64   // records still held when the call returned

	// Written and Durable are how many of the unsent records are on disk, and how many
	// of these are synced. Without Options.Spool they are zero. The next Handler with
	// the same directory sends them. Shutdown drops the other unsent records.
	Written, Durable int64

	// Cause is why the call did not wait longer: ctx.Err(), or context.DeadlineExceeded
	// if Shutdown returned early because a Retry-After ends after ctx's deadline. It is
	// nil if Unsent is zero, or if Shutdown returned early because of a
	// misconfiguration.
	Cause error

	After     time.Duration // how long the call waited; zero if Unsent is zero
	LastError error         // why delivery fails, as in Stats.LastError; nil if it does not

	hanging time.Duration // how long a request under way has had no answer, if for long
	retryIn time.Duration // what is left of a Retry-After that lies beyond the deadline
}

// Error returns the counts that are not zero, and why records are unsent.
func (e *LossError) Error() string {
	var parts []string
	if n := e.Dropped.Total(); n > 0 {
		parts = append(parts, fmt.Sprintf("%s dropped (%v)", plural(n, "record", "records"), e.Dropped))
	}
	if e.Unsent > 0 || e.Cause != nil {
		unsent := plural(e.Unsent, "record", "records") + " unsent"
		if e.After >= time.Millisecond {
			unsent += " after " + spell(e.After)
		}
		switch e.Unsent {
		case 0:
		case e.Durable:
			unsent += ", all of them durable on disk"
		case e.Written:
			unsent += fmt.Sprintf(", all of them on disk, %d durable", e.Durable)
		default:
			if e.Written > 0 {
				unsent += fmt.Sprintf(", %d of them on disk, %d durable", e.Written, e.Durable)
			}
		}
		parts = append(parts, unsent)
	}
	text := "slogship: " + strings.Join(parts, ", ")
	explained := e.LastError != nil || e.hanging > 0
	if e.Cause != nil && (!explained || !errors.Is(e.Cause, context.DeadlineExceeded)) {
		text += ": " + e.Cause.Error()
	}
	if e.retryIn > 0 {
		text += fmt.Sprintf("; Retry-After asks for another %s, which is beyond the deadline", spell(e.retryIn))
	}
	label := "last attempt"
	if e.hanging > 0 {
		text += fmt.Sprintf("; %s: no answer for %s", label, spell(e.hanging))
		label = "the one before"
	}
	if e.LastError != nil {
		text += fmt.Sprintf("; %s: %s", label, attemptText(e.LastError))
	}
	return text
}

// Unwrap makes the error match ErrUnsent and Cause.
func (e *LossError) Unwrap() (matched []error) {
	if e.Unsent > 0 || e.Dropped.Shutdown > 0 || e.Cause != nil {
		matched = append(matched, ErrUnsent)
	}
	if e.Cause != nil {
		matched = append(matched, e.Cause)
	}
	return matched
}

func (e *LossError) copy() *LossError {
	c := *e
	return &c
}

// longRequest is how long a request has to be without an answer before an error says so.
const longRequest = time.Second

// explainLocked notes in e why records are unsent, if that is known.
func (p *pending) explainLocked(e *LossError) {
	e.LastError = p.delivery.lastError
	if passed := time.Since(p.delivery.sentAt); p.inFlight > 0 && passed >= longRequest {
		e.hanging = passed
	}
}

// A waiter is one call of Flush: it waits for the records below limit.
type waiter struct {
	limit uint64
	left  int64 // records that it still waits for

	onDisk int64          // of these, those that only the disk has
	lost   [reasons]int64 // those of its records that were dropped, by reason
	done   chan struct{}  // cap 0; whoever settles its last record closes it, under mu
}

// wait registers a Flush: what is held now becomes urgent. It returns nil if
// nothing is held.
func (p *pending) wait() *waiter {
	p.lock()
	defer p.mu.Unlock()
	if p.disk != nil {
		p.syncDiskLocked()
	}
	held := int64(p.records+p.inFlight) + p.spooled
	if held == 0 {
		return nil
	}
	w := &waiter{limit: p.next, left: held, onDisk: p.spooled, done: make(chan struct{})}
	p.waiters = append(p.waiters, w)
	p.urgentBelow = p.next
	if p.asleep == lingering || p.asleep == idle && p.records > 0 { // which woke nobody, then
		p.wakeLocked()
	}
	return w
}

// giveUp takes w out, if it is still waiting, and returns what became of its
// records until now.
func (p *pending) giveUp(w *waiter) *LossError {
	p.lock()
	defer p.mu.Unlock()
	for i := range p.waiters {
		if p.waiters[i] == w {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			break
		}
	}
	if p.disk != nil {
		p.syncDiskLocked()
	}
	e := &LossError{Dropped: droppedOf(w.lost), Unsent: max(w.left, 0)}
	switch {
	case e.Unsent > 0:
		p.explainLocked(e)
		if p.disk != nil {
			e.Written = min(e.Unsent, p.protectedLocked(w.limit, p.disk.Written(), w.onDisk))
			e.Durable = min(e.Written, p.protectedLocked(w.limit, p.disk.Durable(), w.onDisk))
		}
	case e.Dropped.Shutdown > 0:
		e.LastError, e.hanging = p.abandoned.LastError, p.abandoned.hanging
	}
	return e
}

// abandon drops all records that are held, those in flight too, and returns how many
// there were, and why they could not be sent. An answer that comes later changes
// nothing: a record that Shutdown has reported as unsent stays so.
func (p *pending) abandon() *LossError {
	p.lock()
	defer p.mu.Unlock()
	if p.ended {
		return &LossError{}
	}
	e := &p.abandoned
	e.Unsent = int64(p.records+p.inFlight) + p.spooled
	p.explainLocked(e)
	if p.disk != nil {
		p.leaveOnDiskLocked()
	}
	p.ended = true
	if p.dropped != nil {
		p.leftover = p.pendingPieceLocked()
	}
	p.dropQueueLocked(shutdown)
	p.lost[shutdown] += int64(p.inFlight)
	p.inFlight, p.inFlightBytes = 0, 0
	for _, w := range p.waiters { // what they wait for still was in flight, or is on disk
		n := max(w.left-p.spooled, 0)
		w.lost[shutdown] += n
		w.left -= n
		w.onDisk = w.left
		close(w.done)
	}
	p.waiters, p.open, p.free, p.held = nil, nil, freeBlocks{}, 0
	if p.disk != nil {
		e.Written = min(e.Unsent, p.spooled)
	}
	return e.copy()
}

// pendingPieceLocked is all pending records, those set aside too.
func (p *pending) pendingPieceLocked() (all piece) {
	for i := range p.queue.n {
		all.add(*p.queue.at(i))
	}
	for _, s := range p.aside.all() {
		all.add(s.spans[0])
	}
	return all
}

// abandonedPiece is the records that were pending when abandon was called. Their blocks
// are not reused, because the intake has ended.
func (p *pending) abandonedPiece() piece {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leftover
}

// unsent returns how much is held, and why, or, if ended, how much was when
// Shutdown gave up.
func (p *pending) unsent() (e *LossError, ended bool) {
	p.lock()
	defer p.mu.Unlock()
	if p.ended {
		return p.abandoned.copy(), true
	}
	e = &LossError{Unsent: int64(p.records+p.inFlight) + p.spooled}
	p.explainLocked(e)
	return e, false
}

// attemptText is the text of an error of a request without the prefix that all have:
// "slogship: POST http://logs.test/logs: ".
func attemptText(err error) string {
	text := strings.TrimPrefix(err.Error(), "slogship: ")
	if rest, ok := strings.CutPrefix(text, "POST "); ok {
		if _, rest, ok := strings.Cut(rest, ": "); ok {
			return rest
		}
	}
	return text
}

// plural is a count of something: "1 record", "2 records".
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// spell is a duration as people write it: "3 ms", "1.5 s", "2m30s".
func spell(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%g s", d.Round(10*time.Millisecond).Seconds())
	}
	return d.Round(time.Second).String()
}
