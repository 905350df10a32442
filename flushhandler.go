package slogship

import (
	"context"
	"log/slog"
	"time"
)

// NewFlushHandler returns a handler that passes records to h and, after a record at or
// above level, calls [Handler.Flush] and waits for at most timeout. It is for programs
// that end right after such a record, by os.Exit, log.Fatal or a panic:
//
//	log := slog.New(slogship.NewFlushHandler(h, slog.LevelError, 2*time.Second))
//	log.Error("no configuration", "error", err)
//	os.Exit(1) // the record has arrived
//
// Such a log call waits for the network, so use this handler only where records at that
// level are rare. It does not wait while delivery fails: in an outage, each such record
// would otherwise cost the whole timeout. It stops waiting when the context of the log
// call ends.
func NewFlushHandler(h *Handler, level slog.Leveler, timeout time.Duration) slog.Handler {
	return &flushHandler{h, level, timeout}
}

type flushHandler struct {
	*Handler
	level   slog.Leveler
	timeout time.Duration
}

func (h *flushHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level < h.level.Level() || isSending(ctx) || !h.Stats().FailingSince.IsZero() {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	_ = h.Flush(ctx) // what it says is in Stats, and told by OnError
	return err
}

func (h *flushHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(h.Handler.WithAttrs(attrs))
}

func (h *flushHandler) WithGroup(name string) slog.Handler {
	return h.with(h.Handler.WithGroup(name))
}

func (h *flushHandler) with(inner slog.Handler) slog.Handler {
	if handler, ok := inner.(*Handler); ok {
		return &flushHandler{handler, h.level, h.timeout}
	}
	return inner
}
