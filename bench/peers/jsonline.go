package peers

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
)

// jsonLine is the thin slog adapter of peers that take bytes: each record is
// written as slog.JSONHandler writes it, outside any lock, and handed to emit,
// which may not keep it.
type jsonLine struct {
	emit func([]byte) error
	with func(slog.Handler) slog.Handler
	pool *sync.Pool // of *line, with the attributes of with
}

func newJSONLine(emit func([]byte) error) slog.Handler {
	return derive(emit, func(h slog.Handler) slog.Handler { return h })
}

func derive(emit func([]byte) error, with func(slog.Handler) slog.Handler) *jsonLine {
	return &jsonLine{emit: emit, with: with, pool: &sync.Pool{New: func() any {
		l := new(line)
		l.h = with(slog.NewJSONHandler(&l.buf, nil))
		return l
	}}}
}

func (h *jsonLine) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (h *jsonLine) Handle(ctx context.Context, r slog.Record) error {
	l := h.pool.Get().(*line)
	defer h.pool.Put(l)
	l.buf.Reset()
	if err := l.h.Handle(ctx, r); err != nil {
		return err
	}
	return h.emit(bytes.TrimSuffix(l.buf.Bytes(), []byte("\n")))
}

func (h *jsonLine) WithAttrs(attrs []slog.Attr) slog.Handler {
	return derive(h.emit, func(b slog.Handler) slog.Handler { return h.with(b).WithAttrs(attrs) })
}

func (h *jsonLine) WithGroup(name string) slog.Handler {
	return derive(h.emit, func(b slog.Handler) slog.Handler { return h.with(b).WithGroup(name) })
}
