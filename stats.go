package slogship

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/slogship/slogship/internal/spool"
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
	Spooled  int64 // records waiting on disk only

	// With Options.Spool. Written and Durable count the records that were written to
	// disk, and those of them that a loss of power leaves, since New; Recovered those
	// that an earlier process had left there, which are in Accepted too. Unprotected
	// is how many of those held now are in memory only, because they are not due on
	// disk yet or because the disk fails. SyncMissed counts the records at SyncLevel
	// that were not on disk when Handle returned.
	Written, Durable, Recovered int64
	SpooledBytes                int64 // of the files on disk
	Unprotected, SyncMissed     int64

	Cut     int64 // records shortened to Options.MaxRecordBytes
	Batches int64 // requests that the server accepted
	Retries int64 // requests that send records again

	BytesEncoded int64 // of all requests, before compression
	BytesSent    int64 // of all requests, after compression

	LastError    error     // why delivery fails, without secrets; nil while it works
	FailingSince time.Time // zero while delivery works
}

// String is the snapshot in one line, for people:
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

// LogValue is the snapshot as a group: all counts, those of Dropped by reason,
// and, while delivery fails, last_error as text and failing_since.
func (s Stats) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.Int64("accepted", s.Accepted),
		slog.Int64("delivered", s.Delivered),
		slog.Any("dropped", s.Dropped),
		slog.Int64("pending", s.Pending),
		slog.Int64("in_flight", s.InFlight),
		slog.Int64("spooled", s.Spooled),
		slog.Int64("spooled_bytes", s.SpooledBytes),
		slog.Int64("written", s.Written),
		slog.Int64("durable", s.Durable),
		slog.Int64("recovered", s.Recovered),
		slog.Int64("unprotected", s.Unprotected),
		slog.Int64("sync_missed", s.SyncMissed),
		slog.Int64("cut", s.Cut),
		slog.Int64("batches", s.Batches),
		slog.Int64("retries", s.Retries),
		slog.Int64("bytes_encoded", s.BytesEncoded),
		slog.Int64("bytes_sent", s.BytesSent),
	}
	if s.LastError != nil {
		attrs = append(attrs, slog.String("last_error", s.LastError.Error()), slog.Time("failing_since", s.FailingSince))
	}
	return slog.GroupValue(attrs...)
}

// Dropped counts records that were given up, by reason.
type Dropped struct {
	Overflow  int64 // the oldest ones, when MaxPending or MaxPendingBytes was reached; with a spool, when its MaxBytes was
	Rejected  int64 // refused by the server for what they are, or by a Format that panicked
	TooLarge  int64 // refused with 413 alone, or not to be cut to MaxRecordBytes
	Discarded int64 // by Discard
	Closed    int64 // logged after Shutdown
	Shutdown  int64 // still held when Shutdown's context ended, and not on disk
	Expired   int64 // older than SpoolOptions.MaxAge when they would have been sent
	Corrupt   int64 // on disk, and not to be read any more
}

// All yields each reason and its count, zero or not, in the order of the fields:
// "overflow", "rejected", "too_large", "discarded", "closed", "shutdown", "expired",
// "corrupt". The names are fit for the labels of a metric.
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

// Total is the number of records dropped for whatever reason.
func (d Dropped) Total() (n int64) {
	for _, count := range d.All() {
		n += count
	}
	return n
}

// String lists the reasons that occurred: "overflow 2, rejected 1".
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

// LogValue is a group with a count for each reason, and their total.
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

// ErrRecovered is matched by the error that OnError gets when delivery works
// again.
var ErrRecovered = errors.New("slogship: delivery recovered")

// delivery is what the batcher reports of its sending; guarded by pending.mu.
type delivery struct {
	batches, retries        int64
	bytesEncoded, bytesSent int64
	lastError               error
	failingSince            time.Time
	sentAt                  time.Time // when the last request began
}

func (p *pending) stats() Stats {
	p.mu.Lock()
	defer p.unlock()
	var disk spool.Stats
	unprotected := 0
	if p.disk != nil {
		disk = p.syncDiskLocked()
		unprotected = min(p.fresh.records, p.records+p.inFlight)
	}
	return Stats{
		Accepted:     p.accepted,
		Delivered:    p.delivered,
		Dropped:      droppedOf(p.lost),
		Pending:      int64(p.records),
		InFlight:     int64(p.inFlight),
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
	p.delivery.sentAt = time.Now()
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

// MarshalText makes encoding/json write Stats.LastError as its text, where a
// Stats is published with package expvar for instance.
func (e *sendError) MarshalText() ([]byte, error) { return []byte(e.text), nil }
