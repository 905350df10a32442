package slogship

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Stats is one consistent snapshot of a Handler's books. In every snapshot
//
//	Accepted == Delivered + Dropped.Total() + Pending + InFlight + Spooled
type Stats struct {
	Accepted  int64   // records given to Handle, those after Shutdown included
	Delivered int64   // records whose acknowledgement has been read
	Dropped   Dropped // records given up, by reason

	Pending  int64 // records waiting in memory
	InFlight int64 // records in the batch being sent
	Spooled  int64 // records waiting on disk

	Cut     int64 // records shortened to Options.MaxRecordBytes
	Batches int64 // requests that the server accepted
	Retries int64 // requests that send records again

	BytesEncoded int64 // of all requests, before compression
	BytesSent    int64 // of all requests, after compression

	LastError    error     // why delivery fails, without secrets; nil while it works
	FailingSince time.Time // zero while delivery works
}

// Dropped counts records that were given up, by reason.
type Dropped struct {
	Overflow  int64 // the oldest ones, when MaxPending or MaxPendingBytes was reached
	Rejected  int64 // refused by the server for what they are, or by a Format that panicked
	TooLarge  int64 // refused with 413 alone, or not to be cut to MaxRecordBytes
	Discarded int64 // by Discard
	Closed    int64 // logged after Shutdown
	Shutdown  int64 // still held when Shutdown's context ended
}

// Total is the number of records dropped for whatever reason.
func (d Dropped) Total() int64 {
	return d.Overflow + d.Rejected + d.TooLarge + d.Discarded + d.Closed + d.Shutdown
}

// String lists the reasons that occurred: "overflow 2, rejected 1".
func (d Dropped) String() string {
	var parts []string
	for _, p := range []struct {
		name string
		n    int64
	}{
		{"overflow", d.Overflow},
		{"rejected", d.Rejected},
		{"too large", d.TooLarge},
		{"discarded", d.Discarded},
		{"closed", d.Closed},
		{"shutdown", d.Shutdown},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.name, p.n))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func droppedOf(lost [reasons]int64) Dropped {
	return Dropped{
		Overflow:  lost[overflow],
		Rejected:  lost[rejected],
		TooLarge:  lost[tooLarge],
		Discarded: lost[discarded],
		Closed:    lost[closed],
		Shutdown:  lost[shutdown],
	}
}

// ErrUnsent is matched by the error of a Flush or Shutdown that ended before
// all records were sent.
var ErrUnsent = errors.New("slogship: records unsent")

// ErrRecovered is matched by the error that OnError gets when delivery works
// again.
var ErrRecovered = errors.New("slogship: delivery recovered")

// LossError is the error of Flush and Shutdown. It matches ErrUnsent, and the
// context's error if that was the cause, if records are unsent, or were until
// Shutdown gave up.
type LossError struct {
	Dropped Dropped // the awaited records that were given up, by reason
	Unsent  int64   // the awaited records that still wait, or did when Shutdown gave up
	Cause   error   // the context's error, nil if nothing is unsent
}

func (e *LossError) Error() string {
	var parts []string
	if n := e.Dropped.Total(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d records dropped (%v)", n, e.Dropped))
	}
	if e.Unsent > 0 || e.Cause != nil {
		parts = append(parts, fmt.Sprintf("%d records unsent: %v", e.Unsent, e.Cause))
	}
	return "slogship: " + strings.Join(parts, ", ")
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

// delivery is what the batcher reports of its sending; guarded by pending.mu.
type delivery struct {
	batches, retries        int64
	bytesEncoded, bytesSent int64
	lastError               error
	failingSince            time.Time
}

func (p *pending) stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{
		Accepted:     p.accepted,
		Delivered:    p.delivered,
		Dropped:      droppedOf(p.lost),
		Pending:      int64(p.records),
		InFlight:     int64(p.inFlight),
		Cut:          p.cut,
		Batches:      p.delivery.batches,
		Retries:      p.delivery.retries,
		BytesEncoded: p.delivery.bytesEncoded,
		BytesSent:    p.delivery.bytesSent,
		LastError:    p.delivery.lastError,
		FailingSince: p.delivery.failingSince,
	}
}

func (p *pending) noteRetry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivery.retries++
}

func (p *pending) noteSent(encoded, sent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivery.bytesEncoded += int64(encoded)
	p.delivery.bytesSent += int64(sent)
}

func (p *pending) noteAccepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivery.batches++
}

// noteFailure records why delivery fails, and reports whether it only now
// begins to.
func (p *pending) noteFailure(err error, now time.Time) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivery.lastError = err
	if first = p.delivery.failingSince.IsZero(); first {
		p.delivery.failingSince = now
	}
	return first
}

// noteRecovery records that delivery works, and returns since when it had not;
// zero if it had.
func (p *pending) noteRecovery() (since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since = p.delivery.failingSince
	p.delivery.lastError, p.delivery.failingSince = nil, time.Time{}
	return since
}
