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

// RecorderOptions are the settings of a recorder. The zero value is ready for use.
type RecorderOptions struct {
	// Level is the least level that is recorded. If nil, slog.LevelDebug.
	Level slog.Leveler

	// Trigger is the least level of a record that has what was recorded shipped. It is
	// shipped itself, whatever the Handler's level. If nil, slog.LevelError.
	Trigger slog.Leveler

	// MaxRecords and MaxBytes bound a ring, the process's and each of those that Record
	// opens: at a bound its oldest record makes room. A record longer than MaxBytes
	// is not recorded. Bytes are those of captured records, which are about half as
	// long as JSON, and 4 more for each. A ring grows with what is in it. If zero or
	// less, 1,000 and 256 KiB.
	MaxRecords int
	MaxBytes   int
}

// NewRecorder returns a flight recorder in front of h: records below h's level, but
// at or above the recorder's, wait in a ring in memory until an error needs them.
//
//	h, err := slogship.New(url, nil) // INFO and above
//	...
//	log := slog.New(slogship.NewRecorder(h, nil))
//	log.Debug("cache miss", "key", key) // in the ring
//	log.Error("no price", "id", id)     // ships the debug record, then this one
//
// A record at or above RecorderOptions.Trigger ships what is in the ring, oldest
// first, right before itself, and leaves the ring empty: no record is shipped twice.
// What comes from the ring is marked by an attribute "_recorded", true, at the root,
// and keeps the time at which it was logged: among records that were shipped directly
// it is late, and a backend that sorts by time shows it in its place. Everything at or
// above h's level is shipped as h does it.
//
// What is recorded and never shipped costs a capture, and memory that is bounded. It
// is counted in Stats.Recorded and nowhere else; shipped, it is accepted as any
// record. Flush and Shutdown do not wait for it, and after Shutdown nothing is
// recorded. Nil o stands for the zero RecorderOptions.
//
// Use [Record] to give each request, or job, a ring of its own.
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

// A recorder is a Handler's front: what WithAttrs and WithGroup add is the Handler's
// state, and captured once for both.
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

// Handle ships or records rec. Whatever the user brings along (LogValuers,
// ReplaceAttr) is called before a ring is locked, and may log.
func (r *recorder) Handle(ctx context.Context, rec slog.Record) error {
	if isSending(ctx) {
		return nil
	}
	trigger, shipped := rec.Level >= r.f.trigger.Level(), r.h.Enabled(ctx, rec.Level)
	switch {
	case isQuiet(&rec): // triggers nothing, and is not kept: it may quote secrets
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

// isStopped is isClosed without a lock, for those who log.
func (p *pending) isStopped() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}
