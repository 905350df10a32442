package slogship

import (
	"context"
	"log/slog"

	"github.com/slogship/slogship/internal/record"
)

// Defaults of RecorderOptions.
const (
	defaultRecorderRecords = 1000
	defaultRecorderBytes   = 256 << 10
)

// RecorderOptions configure [NewRecorder]. The zero value is ready to use.
type RecorderOptions struct {
	// Level is the minimum level that is recorded. If nil, slog.LevelDebug.
	Level slog.Leveler

	// Trigger is the level from which on a record ships those in the ring. Such a
	// record is itself shipped, even if it is below the Handler's level. If nil,
	// slog.LevelError.
	Trigger slog.Leveler

	// MaxRecords and MaxBytes bound each ring: the common one, and that of each context
	// made by Record. At a bound the oldest record is overwritten. A record longer than
	// MaxBytes is not recorded. MaxBytes counts captured records, which are about half
	// as long as their JSON, and 4 bytes more for each. A ring takes memory only as it
	// fills. If zero or negative, 1,000 and 256 KiB.
	MaxRecords int
	MaxBytes   int
}

// NewRecorder returns a handler that passes records to h, and is a flight recorder for
// those below h's level. It keeps records from [RecorderOptions.Level] on in a ring in
// memory, and ships them only when an error is logged.
//
//	h, err := slogship.New(url, nil) // INFO and above
//	...
//	log := slog.New(slogship.NewRecorder(h, nil))
//	log.Debug("cache miss", "key", key) // in the ring
//	log.Error("no price", "id", id)     // ships the debug record, then this one
//
// When a record at or above [RecorderOptions.Trigger] is logged, the records in the
// ring are shipped, oldest first, and then this record. The ring is then empty: no
// record is shipped twice. A record from the ring has the attribute "_recorded", true,
// at the root. It arrives after records that were logged later, but has the time of its
// log call, by which a backend can sort. Records at or above h's level are shipped at
// once, as by h.
//
// A record in the ring is counted only in [Stats.Recorded]. When it is shipped, it is
// also counted in [Stats.Accepted]. [Handler.Flush] and [Handler.Shutdown] do not ship
// the records in a ring, and after Shutdown nothing is recorded. If o is nil, the zero
// RecorderOptions are used.
//
// Use [Record] to give each request or job its own ring.
func NewRecorder(h *Handler, o *RecorderOptions) slog.Handler {
	var settings RecorderOptions
	if o != nil {
		settings = *o
	}
	f := &recorderCore{level: settings.Level, trigger: settings.Trigger, maxRecords: settings.MaxRecords, maxBytes: settings.MaxBytes}
	if f.level == nil {
		f.level = slog.LevelDebug
	}
	if f.trigger == nil {
		f.trigger = slog.LevelError
	}
	if f.maxRecords <= 0 {
		f.maxRecords = defaultRecorderRecords
	}
	if f.maxBytes <= 0 {
		f.maxBytes = defaultRecorderBytes
	}
	f.ring = recordRing{f: f}
	return &recorder{h, f}
}

// A recorder stands in front of a Handler. WithAttrs and WithGroup change the Handler's
// state, so that their attributes are captured once for both.
type recorder struct {
	h *Handler
	f *recorderCore
}

// A recorderCore is what all handlers made from one NewRecorder share.
type recorderCore struct {
	level, trigger       slog.Leveler
	maxRecords, maxBytes int

	ring recordRing // the process's
}

// Enabled reports whether a record of level is shipped or recorded.
func (r *recorder) Enabled(ctx context.Context, level slog.Level) bool {
	return (level >= r.f.level.Level() || level >= r.f.trigger.Level()) && !isSending(ctx) || r.h.Enabled(ctx, level)
}

// Handle ships or records rec. The user's code (LogValuers, ReplaceAttr) is called before
// a ring is locked, and may log.
func (r *recorder) Handle(ctx context.Context, rec slog.Record) error {
	if isSending(ctx) {
		return nil
	}
	trigger, shipped := rec.Level >= r.f.trigger.Level(), r.h.Enabled(ctx, rec.Level)
	switch {
	case isQuiet(&rec): // net/http's words about a connection: not kept, because they may quote secrets
		if shipped {
			return r.h.Handle(ctx, rec)
		}
		return nil
	case !trigger && shipped:
		return r.h.Handle(ctx, rec)
	case !trigger && (rec.Level < r.f.level.Level() || r.h.core.pending.isStopped()):
		return nil
	}
	ring := r.f.ringOf(ctx)
	captured := r.h.state.Capture(ctx, &rec)
	if trigger {
		ring.ship(ctx, captured.Bytes, r.h.core, r.h.core.urgent(rec.Level))
	} else {
		captured.MarkRecorded()
		if ring.keep(captured.Bytes) {
			r.h.core.recorded.Add(1)
		}
	}
	captured.Free()
	return nil
}

func (r *recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	return r.with(r.h.state.WithAttrs(attrs))
}
func (r *recorder) WithGroup(name string) slog.Handler { return r.with(r.h.state.WithGroup(name)) }

func (r *recorder) with(s *record.State) slog.Handler {
	if s == r.h.state {
		return r
	}
	return &recorder{r.h.with(s), r.f}
}

// isStopped is isClosed without a lock, for log calls.
func (p *pending) isStopped() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}
