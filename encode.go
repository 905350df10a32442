package slogship

import (
	"context"
	"fmt"
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

// keepScratch is the largest scratch buffer that goes back to the pool.
const keepScratch = 64 << 10

// An encoder is the scratch space in which one record becomes bytes. It is
// taken from a pool, used by one goroutine, and given back.
//
//	record -> attrs.buf   the attributes, as members of a JSON object
//	       -> event       what the Format sees: the built-ins, and Append methods
//	       -> buf         the event as the Format writes it, attrs.buf in its place
type encoder struct {
	c     *core
	attrs attrWriter
	event Event
	buf   []byte
	idAt  int // where the sequence number goes in buf; -1 if the Format wrote no id

	source     *source     // of event.HasSource, unless it was replaced
	other      slog.Value  // what ReplaceAttr made of the source
	moved      []slog.Attr // built-ins that ReplaceAttr gave another key
	messageLen int         // of the message in buf, escaped; 0 if the Format wrote it in its own way

	// The timestamp of the second sec, up to the seconds. Records come many
	// to a second.
	sec     int64
	secText []byte
}

var encoders = sync.Pool{New: func() any { return &encoder{sec: -1 << 63} }}

// encode turns r into the bytes of one event with its separator, in e.buf. It
// reports false if that is not possible: the Format panicked, or the record
// does not fit in the bound even when cut.
func (e *encoder) encode(ctx context.Context, h *Handler, r *slog.Record) (cut bool, why reason, ok bool) {
	c := h.core
	e.c = c
	e.attrs.begin(c)
	e.event = Event{enc: e, HasLevel: true, HasMessage: true, Level: r.Level, Message: r.Message}
	if !r.Time.IsZero() {
		e.event.HasTime, e.event.Time = true, r.Time
	}
	if c.addSource && r.PC != 0 {
		e.event.HasSource, e.source = true, sourceOf(r.PC)
	}
	if c.replace != nil {
		e.replaceBuiltins(r)
	}
	if len(e.event.Message) > c.maxRecordBytes {
		e.event.Message = runePrefix(e.event.Message, c.maxRecordBytes)
	}
	e.writeAttrs(ctx, h, r)
	if !e.format() {
		return false, rejected, false
	}
	if len(e.buf) <= c.maxRecordBytes {
		return false, 0, true
	}
	switch e.cut(ctx, h, r) {
	case cutDone:
		return true, 0, true
	case cutPanicked:
		return false, rejected, false
	}
	return false, tooLarge, false
}

// writeAttrs encodes all attributes of a record, in the order in which they
// overrule each other: built-ins that were moved, those of the context, of
// WithAttrs, of the record.
func (e *encoder) writeAttrs(ctx context.Context, h *Handler, r *slog.Record) {
	w := &e.attrs
	for _, a := range e.moved {
		w.write(a)
	}
	if f := e.c.contextAttrs; f != nil {
		w.appendAll(contextAttrs(f, ctx))
	}
	w.appendRecord(h, r)
	if len(w.renamed) > 0 {
		w.disambiguate()
	}
	if e.c.layout.UniqueKeys {
		w.buf = dedupe(w.buf)
	}
}

// contextAttrs calls f, which is the user's, and may panic.
func contextAttrs(f func(context.Context) []slog.Attr, ctx context.Context) (attrs []slog.Attr) {
	defer func() {
		if v := recover(); v != nil {
			attrs = []slog.Attr{slog.String("!PANIC", fmt.Sprintf("ContextAttrs: %v", v))}
		}
	}()
	return f(ctx)
}

// format has the Format write the event into buf.
func (e *encoder) format() (ok bool) {
	defer func() {
		if !ok {
			_ = recover()
		}
	}()
	e.idAt, e.messageLen = -1, 0
	e.buf = e.c.format.AppendEvent(e.buf[:0], &e.event)
	e.buf = append(e.buf, e.c.layout.Separator...)
	return true
}

// release lets go of what belongs to the caller.
func (e *encoder) release() {
	e.event.Message, e.source = "", nil
	if e.moved != nil {
		clear(e.moved)
		e.moved, e.other = e.moved[:0], slog.Value{}
	}
	if cap(e.buf) <= keepScratch && cap(e.attrs.buf) <= keepScratch {
		encoders.Put(e)
	}
}

// replaceBuiltins shows the built-in attributes to ReplaceAttr in the order of
// slog.JSONHandler: time, level, source, message.
func (e *encoder) replaceBuiltins(r *slog.Record) {
	ev := &e.event
	if ev.HasTime {
		if a, ok := e.replaceBuiltin(slog.Time(slog.TimeKey, r.Time)); !ok {
			ev.HasTime = false
		} else if a.Value.Kind() == slog.KindTime {
			ev.Time = a.Value.Time()
		} else {
			ev.TimeText = text(a.Value)
			ev.HasTime = ev.TimeText != ""
		}
	}
	if a, ok := e.replaceBuiltin(slog.Any(slog.LevelKey, r.Level)); !ok {
		ev.HasLevel = false
	} else if l, isLevel := a.Value.Any().(slog.Level); isLevel {
		ev.Level = l
	} else {
		ev.LevelText = text(a.Value)
		ev.HasLevel = ev.LevelText != ""
	}
	if e.c.addSource {
		e.replaceSource(r)
	}
	if a, ok := e.replaceBuiltin(slog.String(slog.MessageKey, r.Message)); !ok {
		ev.HasMessage = false
	} else {
		ev.Message = text(a.Value)
	}
}

func (e *encoder) replaceSource(r *slog.Record) {
	src := r.Source()
	if src == nil {
		src = &slog.Source{}
	}
	a, ok := e.replaceBuiltin(slog.Any(slog.SourceKey, src))
	if !ok {
		e.event.HasSource = false
		return
	}
	e.source, e.other = nil, a.Value
	if s, isSource := a.Value.Any().(*slog.Source); isSource {
		e.other = sourceGroup(s)
	}
	e.event.HasSource = e.other.Kind() != slog.KindGroup || len(e.other.Group()) > 0
}

// replaceBuiltin returns what ReplaceAttr makes of a, with its value resolved,
// and whether it keeps its place. One with another key is kept aside, to be
// written among the attributes.
func (e *encoder) replaceBuiltin(a slog.Attr) (slog.Attr, bool) {
	key := a.Key
	a = e.attrs.replaced(nil, a)
	if a.Key == key {
		return a, true
	}
	if !isEmpty(a) {
		e.moved = append(e.moved, a)
	}
	return a, false
}

// text is v as text, for a place that wants a string.
func text(v slog.Value) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = fmt.Sprintf("!PANIC: %v", r)
		}
	}()
	return v.String()
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
