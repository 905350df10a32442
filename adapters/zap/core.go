// Package slogzap lets zap log through a handler of log/slog, such as
// slogship's.
//
//	zap.Logger -> Core -> slog.Record -> slog.Handler
//
//	logger := zap.New(slogzap.NewCore(h), zap.AddCaller())
//	defer logger.Sync()
//
// Fields keep their kinds and their order. Objects and namespaces become groups, and
// arrays become []any. An error stays an error, so that the handler can inspect it. The
// name of the logger and the stack that zap adds become the attributes "logger" and
// "stacktrace" at the root, as in zap's JSON. The caller becomes the source of the
// record.
package slogzap

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"go.uber.org/zap/zapcore"
)

// syncTimeout bounds how long Sync waits for the handler.
const syncTimeout = 5 * time.Second

// Names of attributes that are parts of the entry in zap.
const (
	loggerKey     = "logger"
	stacktraceKey = "stacktrace"
	callerKey     = "caller" // where the caller is known by its name only
)

// NewCore returns a core that passes entries to h. The level of h decides which entries
// are logged. The levels DPanic, Panic and Fatal become slog's ERROR+4.
//
// Sync calls the method Flush(context.Context) error of h, if there is one, as
// slogship's Handler has, with a deadline of 5 s. An entry of level Panic or Fatal does
// the same, because the process may end.
func NewCore(h slog.Handler) zapcore.Core { return &core{handler: h} }

// core is immutable.
type core struct {
	handler slog.Handler
	open    []namespace // the outermost first
}

// namespace is an open namespace with the attributes that With put there. It
// is no group of the handler: what belongs to the root of a record could not
// be there any more.
type namespace struct {
	name  string
	attrs []slog.Attr
}

// Enabled reports whether the handler has enabled the level.
func (c *core) Enabled(level zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), levelOf(level))
}

// With returns a core whose entries have fields, too.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	var e objectEncoder
	e.add(fields)
	with := &core{handler: c.handler, open: slices.Clone(c.open)}
	root := e.attrs
	if len(e.open) > 0 {
		root = root[:e.open[0].begin]
	}
	switch n := len(with.open); {
	case len(root) == 0:
	case n == 0:
		with.handler = with.handler.WithAttrs(slices.Clip(root))
	default:
		with.open[n-1].attrs = slices.Concat(with.open[n-1].attrs, root)
	}
	for i, g := range e.open {
		end := len(e.attrs)
		if i+1 < len(e.open) {
			end = e.open[i+1].begin
		}
		with.open = append(with.open, namespace{name: g.name, attrs: e.attrs[g.begin:end]})
	}
	return with
}

// Check adds the core to those that the entry is written to, if its level is
// enabled.
func (c *core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write hands the entry to the handler, and returns the handler's error.
func (c *core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	var e objectEncoder
	e.attrs = make([]slog.Attr, 0, len(fields)+3)
	if entry.LoggerName != "" {
		e.AddString(loggerKey, entry.LoggerName)
	}
	pc := uintptr(0)
	if entry.Caller.Defined {
		if pc = entry.Caller.PC; pc != 0 {
			pc++ // slog wants the address after the call, zap has one in it
		} else {
			e.AddString(callerKey, entry.Caller.String())
		}
	}
	if entry.Stack != "" {
		e.AddString(stacktraceKey, entry.Stack)
	}
	for _, n := range c.open {
		e.OpenNamespace(n.name)
		e.attrs = append(e.attrs, n.attrs...)
	}
	e.add(fields)

	r := slog.NewRecord(entry.Time, levelOf(entry.Level), entry.Message, pc)
	r.AddAttrs(e.close()...)
	err := c.handler.Handle(context.Background(), r)
	if entry.Level > zapcore.DPanicLevel {
		_ = c.Sync() // what could not be sent, the handler counts
	}
	return err
}

// Sync flushes a handler that has a method Flush(context.Context) error, as
// slogship's has, and returns its error. It waits for at most 5 s.
func (c *core) Sync() error {
	h, ok := c.handler.(interface {
		Flush(ctx context.Context) error
	})
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), syncTimeout)
	defer cancel()
	return h.Flush(ctx)
}

// levelOf returns slog's level.
func levelOf(level zapcore.Level) slog.Level {
	if level > zapcore.ErrorLevel {
		return slog.LevelError + 4
	}
	return slog.Level(level) * 4 // zap's are -1 (debug), 0, 1 and 2, slog's -4, 0, 4 and 8
}
