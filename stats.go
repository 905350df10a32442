package slogship

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/slogship/slogship/internal/record"
	"github.com/slogship/slogship/internal/spool"
)

// Stats is a consistent snapshot of a [Handler]'s counters. In every snapshot
//
//	Accepted == Delivered + Dropped.Total() + Pending + InFlight + Spooled
//
// Pending, InFlight and Spooled are the records held now. All other numbers count
// from [New] on, unless they say otherwise.
type Stats struct {
	Accepted  int64   // records given to Handle, also after Shutdown, and those of Recovered
	Delivered int64   // records that the server acknowledged
	Dropped   Dropped // records dropped, by reason

	Pending  int64 // records that wait in memory
	InFlight int64 // records in requests without an answer yet
	Spooled  int64 // records that wait on disk and are not in memory

	// The following are zero without Options.Spool.

	Written      int64 // records that were written to disk
	Durable      int64 // records that were written and synced: they survive a loss of power
	Recovered    int64 // records that an earlier process had left on disk
	SpooledBytes int64 // the size of the files, now
	Unprotected  int64 // records held now that are not on disk, because of Delay or because the disk fails
	SyncMissed   int64 // records at SyncLevel that were not on disk when Handle returned

	// PendingBytes is the size of the pending records now, as captured.
	PendingBytes int64

	// Oldest is when the oldest record in memory was logged, or zero if there is
	// none. Records on which the server fails, and which are therefore sent later
	// than others, are ignored.
	Oldest time.Time

	Recorded int64 // records that a NewRecorder has put into a ring

	Cut     int64 // records that were shortened
	Batches int64 // requests that the server accepted
	Retries int64 // requests that sent records again
	Sending int64 // requests without an answer, now

	BytesEncoded int64 // bytes of all request bodies, before compression
	BytesSent    int64 // bytes of all request bodies, as they were sent

	LastError    error     // why delivery fails, without secrets; nil while it works
	FailingSince time.Time // when it began to fail; zero while it works
	LastSuccess  time.Time // when the server last accepted a request; zero if it never did
	NextAttempt  time.Time // the end of the current or last back-off; zero after a success
}

// String returns the snapshot as one line of text:
//
//	accepted 120, delivered 100, dropped 3 (overflow 3), pending 17, in flight 0;
//	2 batches, 1 retry, 31204 bytes encoded, 4127 sent;
//	failing since 2026-01-02T15:04:05Z: 503 Service Unavailable
func (s Stats) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "accepted %d, delivered %d, dropped %d", s.Accepted, s.Delivered, s.Dropped.Total())
	if s.Dropped.Total() > 0 {
		fmt.Fprintf(&b, " (%v)", s.Dropped)
	}
	fmt.Fprintf(&b, ", pending %d, in flight %d", s.Pending, s.InFlight)
	if s.Spooled > 0 {
		fmt.Fprintf(&b, ", spooled %d", s.Spooled)
	}
	if s.Recovered > 0 {
		fmt.Fprintf(&b, ", recovered %d", s.Recovered)
	}
	if s.Cut > 0 {
		fmt.Fprintf(&b, ", cut %d", s.Cut)
	}
	fmt.Fprintf(&b, "; %s, %s, %s encoded, %d sent", plural(s.Batches, "batch", "batches"),
		plural(s.Retries, "retry", "retries"), plural(s.BytesEncoded, "byte", "bytes"), s.BytesSent)
	if s.LastError != nil {
		fmt.Fprintf(&b, "; failing since %s: %s", s.FailingSince.UTC().Format(time.RFC3339), attemptText(s.LastError))
	}
	return b.String()
}

// LogValue returns the snapshot as a group. Its attributes are named as the fields, in
// snake case: "in_flight". LastError is its text; a time that is zero is left out.
func (s Stats) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.Int64("accepted", s.Accepted),
		slog.Int64("delivered", s.Delivered),
		slog.Any("dropped", s.Dropped),
		slog.Int64("pending", s.Pending),
		slog.Int64("in_flight", s.InFlight),
		slog.Int64("spooled", s.Spooled),
		slog.Int64("pending_bytes", s.PendingBytes),
		slog.Int64("recorded", s.Recorded),
		slog.Int64("spooled_bytes", s.SpooledBytes),
		slog.Int64("written", s.Written),
		slog.Int64("durable", s.Durable),
		slog.Int64("recovered", s.Recovered),
		slog.Int64("unprotected", s.Unprotected),
		slog.Int64("sync_missed", s.SyncMissed),
		slog.Int64("cut", s.Cut),
		slog.Int64("batches", s.Batches),
		slog.Int64("retries", s.Retries),
		slog.Int64("sending", s.Sending),
		slog.Int64("bytes_encoded", s.BytesEncoded),
		slog.Int64("bytes_sent", s.BytesSent),
	}
	if s.LastError != nil {
		attrs = append(attrs, slog.String("last_error", s.LastError.Error()))
	}
	for _, a := range []slog.Attr{
		slog.Time("failing_since", s.FailingSince), slog.Time("next_attempt", s.NextAttempt),
		slog.Time("last_success", s.LastSuccess), slog.Time("oldest", s.Oldest),
	} {
		if !a.Value.Time().IsZero() {
			attrs = append(attrs, a)
		}
	}
	return slog.GroupValue(attrs...)
}

// Dropped counts dropped records, by reason.
type Dropped struct {
	Overflow  int64 // the oldest, at MaxPending or MaxPendingBytes; with Options.Spool, at its MaxBytes
	Rejected  int64 // refused by the server because of their content, or the Format panicked
	TooLarge  int64 // refused alone with 413, or could not be shortened to MaxRecordBytes
	Discarded int64 // by Handler.Discard
	Closed    int64 // logged after Shutdown
	Shutdown  int64 // still held when Shutdown returned an error, and not on disk
	Expired   int64 // older than SpoolOptions.MaxAge
	Corrupt   int64 // on disk, but damaged or written by a newer version
}

// All yields each reason and its count, including zeros, in the order of the fields:
// "overflow", "rejected", "too_large", "discarded", "closed", "shutdown", "expired",
// "corrupt". These names do not change, and can be the labels of a metric.
func (d Dropped) All() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		_ = yield("overflow", d.Overflow) &&
			yield("rejected", d.Rejected) &&
			yield("too_large", d.TooLarge) &&
			yield("discarded", d.Discarded) &&
			yield("closed", d.Closed) &&
			yield("shutdown", d.Shutdown) &&
			yield("expired", d.Expired) &&
			yield("corrupt", d.Corrupt)
	}
}

// Total returns the number of dropped records.
func (d Dropped) Total() (n int64) {
	for _, count := range d.All() {
		n += count
	}
	return n
}

// String lists the counts that are not zero: "overflow 2, rejected 1". If all are, it
// is "none".
func (d Dropped) String() string {
	var parts []string
	for reason, n := range d.All() {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", strings.ReplaceAll(reason, "_", " "), n))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// LogValue returns a group with the count of each reason and the total.
func (d Dropped) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int64("total", d.Total())}
	for reason, n := range d.All() {
		attrs = append(attrs, slog.Int64(reason, n))
	}
	return slog.GroupValue(attrs...)
}

// reason is why a record was dropped.
type reason uint8

const (
	overflow reason = iota
	rejected
	tooLarge
	discarded
	closed
	shutdown
	expired
	corrupt
	reasons
)

func droppedOf(lost [reasons]int64) Dropped {
	return Dropped{
		Overflow:  lost[overflow],
		Rejected:  lost[rejected],
		TooLarge:  lost[tooLarge],
		Discarded: lost[discarded],
		Closed:    lost[closed],
		Shutdown:  lost[shutdown],
		Expired:   lost[expired],
		Corrupt:   lost[corrupt],
	}
}

// ErrRecovered is matched by the error that [Options.OnError] gets when delivery works
// again after a failure:
//
//	slogship: delivery recovered: https://api.logflare.app/logs accepts records again after 3.04s
var ErrRecovered = errors.New("slogship: delivery recovered")

// delivery is what the batcher reports of its sending; guarded by pending.mu.
type delivery struct {
	batches, retries        int64
	bytesEncoded, bytesSent int64
	lastError               error
	failingSince            time.Time
	sentAt                  time.Time // when the last request began
	acceptedAt              time.Time // when the last one was accepted
	nextAttempt             time.Time // the end of the back-off
	sending                 int       // requests under way
}

func (p *pending) stats() Stats {
	p.lock()
	defer p.unlock()
	var disk spool.Stats
	unprotected := 0
	if p.disk != nil {
		disk = p.syncDiskLocked()
		unprotected = min(p.unwrittenLocked(), p.records+p.inFlight)
	}
	return Stats{
		Accepted:     p.accepted,
		Delivered:    p.delivered,
		Dropped:      droppedOf(p.lost),
		Pending:      int64(p.records),
		InFlight:     int64(p.inFlight),
		PendingBytes: int64(p.bytes),
		Oldest:       p.oldestLocked(),
		Spooled:      p.spooled,
		SpooledBytes: disk.SpooledBytes,
		Written:      disk.Written,
		Durable:      disk.Durable,
		Recovered:    disk.Recovered,
		Unprotected:  int64(unprotected),
		SyncMissed:   p.news.missed.Load(),
		Cut:          p.cut,
		Batches:      p.delivery.batches,
		Retries:      p.delivery.retries,
		BytesEncoded: p.delivery.bytesEncoded,
		BytesSent:    p.delivery.bytesSent,
		LastError:    p.delivery.lastError,
		FailingSince: p.delivery.failingSince,
		Sending:      int64(p.delivery.sending),
		LastSuccess:  p.delivery.acceptedAt,
		NextAttempt:  p.delivery.nextAttempt,
	}
}

// oldestLocked is when the oldest record was logged that is held and not set aside.
// While a batch is in flight, that is the batch's oldest record, even if it is already
// settled.
func (p *pending) oldestLocked() time.Time {
	switch {
	case p.inFlight > 0:
		return p.flying
	case p.queue.n > 0:
		return observedTime(p.queue.front())
	}
	return time.Time{}
}

// noteFlyingLocked notes the oldest record of a batch that is about to be in flight.
func (p *pending) noteFlyingLocked(s *span) {
	if t := observedTime(s); p.inFlight == 0 || t.Before(p.flying) {
		p.flying = t
	}
}

// observedTime is when the oldest record of s was logged.
func observedTime(s *span) time.Time {
	return record.ObservedTime(s.b.record(s.from), new(values))
}

func (p *pending) noteRetry() {
	p.lock()
	defer p.mu.Unlock()
	p.delivery.retries++
}

func (p *pending) noteSent(encoded, sent int) {
	p.lock()
	defer p.mu.Unlock()
	p.delivery.bytesEncoded += int64(encoded)
	p.delivery.bytesSent += int64(sent)
	p.delivery.sentAt = time.Now()
}

// noteSending notes that requests have begun or, n below zero, ended.
func (p *pending) noteSending(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivery.sending += n
}

func (p *pending) noteAccepted() {
	p.lock()
	defer p.mu.Unlock()
	p.delivery.batches++
	p.delivery.acceptedAt = time.Now()
}

// noteFailure records why delivery fails, and reports whether it worked until now.
func (p *pending) noteFailure(err error, now time.Time) (first bool) {
	p.lock()
	defer p.mu.Unlock()
	p.delivery.lastError = err
	if first = p.delivery.failingSince.IsZero(); first {
		p.delivery.failingSince = now
	}
	return first
}

// noteRecovery records that delivery works, and returns since when it had failed; zero
// if it had not.
func (p *pending) noteRecovery() (since time.Time) {
	p.lock()
	defer p.mu.Unlock()
	since = p.delivery.failingSince
	p.delivery.lastError, p.delivery.failingSince, p.delivery.nextAttempt = nil, time.Time{}, time.Time{}
	return since
}

// noteNextAttempt notes the end of a back-off.
func (p *pending) noteNextAttempt(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivery.nextAttempt = at
}

// MarshalText makes encoding/json write Stats.LastError as its text, where a
// Stats is published with package expvar for instance.
func (e *sendError) MarshalText() ([]byte, error) { return []byte(e.text), nil }
