package slogship

import (
	"context"
	"log/slog"
	"sync"
	"unicode/utf8"
)

// Level is slog.Level, spelled so that a Format needs no second import.
type Level = slog.Level

// maxDepth bounds how deep objects and arrays nest in an event. Decoders have
// bounds of their own (1,000 in Jackson, 10,000 in encoding/json), and a batch
// is decoded whole.
const maxDepth = 500

// zeroSequence is the sequence number in an id that was not pushed yet.
const zeroSequence = "0000000000000000"

// keepScratch is the largest scratch buffer that goes back to the pool.
const keepScratch = 64 << 10

// An encoder is the scratch space in which one record becomes bytes. It is
// taken from a pool, used by one goroutine, and given back.
//
//	record -> event, source   the built-ins, as ReplaceAttr leaves them
//	       -> attrs.buf       the attributes, as members of a JSON object
//	       -> buf             both as the Format writes them
//
// What the user brings along (ReplaceAttr, LogValuers, marshalers) runs in the
// first two steps. The third runs again for a record that is too long, over
// what cut leaves of it.
type encoder struct {
	c      *core
	event  Event
	source []byte // members of the source, for Event.AppendSource
	attrs  attrWriter
	buf    []byte
	idAt   int // where the sequence number goes in buf; -1 if the Format wrote no id

	sourceText []byte // scratch for a source that ReplaceAttr has seen

	// The timestamp of the second sec, up to the seconds. Records come many
	// to a second.
	sec     int64
	secText []byte
}

var encoders = sync.Pool{New: func() any { return newEncoder() }}

func newEncoder() *encoder {
	e := new(encoder)
	e.event.enc = e
	return e
}

// encode turns r into the bytes of one event with its separator, in e.buf. It
// reports false if that is not possible: the Format panicked, or the record
// does not fit in the bound even when cut.
func (e *encoder) encode(ctx context.Context, h *Handler, r *slog.Record) (cut bool, why reason, ok bool) {
	e.c = h.core
	switch {
	case !e.whole(ctx, h, r):
		return false, rejected, false
	case len(e.buf) <= e.c.maxRecordBytes && !e.attrs.full:
		return e.event.cut, 0, true
	}
	fits, ok := e.cut(r)
	if !ok {
		return false, rejected, false
	}
	return true, tooLarge, fits
}

// whole encodes a record in its full length. It reports false if the Format
// panicked.
func (e *encoder) whole(ctx context.Context, h *Handler, r *slog.Record) (ok bool) {
	// What the user brings along is contained where it is called, so that its
	// record arrives all the same. What comes up to here is the Format's.
	defer func() {
		if !ok {
			_ = recover()
		}
	}()
	e.attrs.begin(e.c)
	e.builtins(r)
	e.attributes(ctx, h, r)
	e.format()
	return true
}

// attributes encodes all attributes of a record but for built-ins that were
// moved among them, which stand first: those of the context, of WithAttrs, of
// the record. This is the order in which they overrule each other.
func (e *encoder) attributes(ctx context.Context, h *Handler, r *slog.Record) {
	w := &e.attrs
	if f := e.c.contextAttrs; f != nil {
		w.appendAll(contextAttrs(ctx, f))
	}
	w.appendRecord(h, r)
	if w.encoding == nil {
		w.separateKeys(e.c.layout.UniqueKeys)
	}
}

// contextAttrs calls f, Options.ContextAttrs, which may panic.
func contextAttrs(ctx context.Context, f func(context.Context) []slog.Attr) (attrs []slog.Attr) {
	defer func() {
		if v := recover(); v != nil {
			attrs = []slog.Attr{slog.String("!PANIC", "ContextAttrs: "+panicText(v))}
		}
	}()
	return f(ctx)
}

// format has the Format write the event into buf.
func (e *encoder) format() {
	e.idAt = -1
	e.buf = e.c.format.AppendEvent(e.buf[:0], &e.event)
	if end := e.idAt + sequenceDigits; e.idAt >= 0 && (end > len(e.buf) || string(e.buf[e.idAt:end]) != zeroSequence) {
		e.idAt = -1 // the Format did not leave it where it was
	}
	e.buf = append(e.buf, e.c.layout.Separator...)
}

// release lets go of what belongs to the caller, and of e.
func (e *encoder) release() {
	e.c, e.source, e.event.Message = nil, nil, ""
	if e.event.TimeText != "" || e.event.LevelText != "" {
		e.event.TimeText, e.event.LevelText = "", ""
	}
	e.attrs.forget()
	if max(cap(e.buf), cap(e.attrs.buf), cap(e.sourceText)) <= keepScratch {
		encoders.Put(e)
	}
}

// runePrefix is the longest front of s of at most n bytes that does not divide
// a rune.
func runePrefix(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}
