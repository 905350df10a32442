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

// idBytes is the length of an event id: 32 hexadecimal digits that are the
// handler's own (128 random bits) and 16 of the record's sequence number.
const idBytes = 32 + 16

// maxDepth bounds how deep objects and arrays nest in an event. Decoders have
// bounds of their own (1,000 in Jackson, 10,000 in encoding/json), and a batch
// is decoded whole.
const maxDepth = 500

// keepScratch is the largest scratch buffer that goes back to the pool.
const keepScratch = 64 << 10

// An encoder is the scratch space in which one record becomes bytes. It is
// taken from a pool, used by one goroutine, and given back.
//
//	buf   the event as the Format writes it; AppendAttrs writes straight into it
type encoder struct {
	c     *core
	event Event
	buf   []byte
	idAt  int // where the sequence number goes in buf; -1 if the Format wrote no id

	// The record being encoded.
	h      *Handler
	ctx    context.Context
	record slog.Record // a copy: a pointer would move each caller's record to the heap

	attrs  attrWriter
	source *source     // of event.HasSource, unless replaced
	moved  []slog.Attr // built-ins that ReplaceAttr gave another key
	other  slog.Value  // what ReplaceAttr made of the source

	// What the event consists of, for the one record in a thousand that is
	// too long: cut works on these.
	attrsAt, attrsEnd int
	messageLen        int
	cutAttrs          []byte // written by AppendAttrs instead of the attributes, if not nil

	// The timestamp of the second sec, up to the seconds. Records come many
	// to a second.
	sec     int64
	secText []byte
}

var encoders = sync.Pool{New: func() any { return &encoder{sec: -1 << 63} }}

// encode turns r into the bytes of one event with its separator, in e.buf. It
// reports false if that is not possible: the Format panicked, or the record
// does not fit in the bound even when cut.
func (e *encoder) encode(ctx context.Context, h *Handler, r slog.Record) (cut bool, why reason, ok bool) {
	e.c, e.h, e.ctx, e.record = h.core, h, ctx, r
	e.attrs.begin(h.core)
	e.event = Event{enc: e, Level: r.Level, HasLevel: true, HasMessage: true, Message: r.Message}
	if !r.Time.IsZero() {
		e.event.HasTime, e.event.Time = true, r.Time
	}
	if h.core.addSource && r.PC != 0 {
		e.event.HasSource, e.source = true, sourceOf(r.PC)
	}
	if h.core.replace != nil {
		e.replaceBuiltins()
	}
	if len(e.event.Message) > h.core.maxRecordBytes {
		e.event.Message = runePrefix(e.event.Message, h.core.maxRecordBytes)
	}
	if !e.format() {
		return false, rejected, false
	}
	if len(e.buf) <= h.core.maxRecordBytes {
		return false, 0, true
	}
	switch e.cut() {
	case cutDone:
		return true, 0, true
	case cutPanicked:
		return false, rejected, false
	}
	return false, tooLarge, false
}

// format has the Format write the event into buf.
func (e *encoder) format() (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			ok = false
		}
	}()
	e.idAt, e.messageLen, e.attrsAt, e.attrsEnd = -1, 0, 0, 0
	e.buf = e.c.format.AppendEvent(e.buf[:0], &e.event)
	e.buf = append(e.buf, e.c.layout.Separator...)
	return true
}

// release lets go of what belongs to the caller.
func (e *encoder) release() {
	e.h, e.ctx, e.source, e.cutAttrs = nil, nil, nil, nil
	e.event, e.record = Event{}, slog.Record{}
	if e.moved != nil {
		clear(e.moved)
		e.moved, e.other = e.moved[:0], slog.Value{}
	}
	if cap(e.buf) <= keepScratch {
		encoders.Put(e)
	}
}

// replaceBuiltins shows the built-in attributes to ReplaceAttr in the order of
// slog.JSONHandler: time, level, source, message.
func (e *encoder) replaceBuiltins() {
	ev, r := &e.event, &e.record
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
		src := r.Source()
		if src == nil {
			src = &slog.Source{}
		}
		if a, ok := e.replaceBuiltin(slog.Any(slog.SourceKey, src)); !ok {
			ev.HasSource = false
		} else {
			e.source, e.other = nil, a.Value
			if s, isSource := a.Value.Any().(*slog.Source); isSource {
				e.other = sourceGroup(s)
			}
			ev.HasSource = e.other.Kind() != slog.KindGroup || len(e.other.Group()) > 0
		}
	}
	if a, ok := e.replaceBuiltin(slog.String(slog.MessageKey, r.Message)); !ok {
		ev.HasMessage = false
	} else {
		ev.Message = text(a.Value)
	}
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

// AppendID appends the event's id, 48 lower-case hexadecimal digits, of which
// the last 16 rise in the order in which records were accepted. It is the same
// however often the event is sent.
func (e *Event) AppendID(dst []byte) []byte {
	enc := e.enc
	dst = append(dst, enc.c.idPrefix...)
	enc.idAt = len(dst)
	return append(dst, "0000000000000000"...) // the queue knows the number
}

// AppendMessage appends the message as a JSON string.
func (e *Event) AppendMessage(dst []byte) []byte {
	n := len(dst)
	dst = AppendString(dst, e.Message)
	e.enc.messageLen = len(dst) - n - 2
	return dst
}

// AppendTimeUTC appends the time as a JSON string: RFC 3339 in UTC with digits
// fractional digits, at most 9, cut off and not rounded.
func (e *Event) AppendTimeUTC(dst []byte, digits int) []byte {
	if e.TimeText != "" {
		return AppendString(dst, e.TimeText)
	}
	enc := e.enc
	if sec := e.Time.Unix(); sec != enc.sec {
		enc.sec = sec
		enc.secText = e.Time.UTC().AppendFormat(enc.secText[:0], "2006-01-02T15:04:05")
	}
	dst = append(dst, '"')
	dst = append(dst, enc.secText...)
	if digits > 0 {
		nano := uint(e.Time.Nanosecond())
		for range 9 - digits {
			nano /= 10
		}
		dst = append(dst, '.')
		dst = appendDigits(dst, nano, digits)
	}
	return append(dst, 'Z', '"')
}

// AppendLevel appends the level as a JSON string: the name that slog gives it
// ("INFO", "WARN+2"), in lower case if lower is set ("info", "warn+2").
func (e *Event) AppendLevel(dst []byte, lower bool) []byte {
	if e.LevelText != "" {
		return AppendString(dst, e.LevelText)
	}
	var name string
	switch e.Level {
	case slog.LevelDebug:
		name = "DEBUG"
	case slog.LevelInfo:
		name = "INFO"
	case slog.LevelWarn:
		name = "WARN"
	case slog.LevelError:
		name = "ERROR"
	default:
		name = e.Level.String()
	}
	dst = append(dst, '"')
	for i := range len(name) {
		c := name[i]
		if lower && 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// AppendSource appends the members "function", "file" and "line" of a JSON
// object, without its braces. Where ReplaceAttr made the source something
// else, that is written as "source", or its members if it is a group.
func (e *Event) AppendSource(dst []byte) []byte {
	enc := e.enc
	if enc.source != nil {
		return append(dst, enc.source.json...)
	}
	w := enc.attrs.at(dst)
	w.depth = 1 // no name is reserved here
	key := slog.SourceKey
	if enc.other.Kind() == slog.KindGroup {
		key = ""
	}
	w.write(slog.Attr{Key: key, Value: enc.other})
	return w.buf
}

// AppendAttrs appends the attributes as members of a JSON object, without its
// braces: those of ContextAttrs, of WithAttrs, of the record, each group an
// object. It writes a comma first unless dst ends in an opening brace.
func (e *Event) AppendAttrs(dst []byte) []byte {
	enc := e.enc
	enc.attrsAt = len(dst)
	if enc.cutAttrs != nil {
		if len(dst) > 0 && dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, enc.cutAttrs...)
		enc.attrsEnd = len(dst)
		return dst
	}
	w := enc.attrs.at(dst)
	for _, a := range enc.moved {
		w.write(a)
	}
	if f := enc.c.contextAttrs; f != nil {
		w.appendAll(contextAttrs(f, enc.ctx))
	}
	w.appendRecord(enc.h, &enc.record)
	if len(w.renamed) > 0 {
		w.disambiguate(enc.attrsAt)
	}
	if enc.c.layout.UniqueKeys {
		w.buf = dedupe(w.buf, enc.attrsAt)
	}
	enc.attrsEnd = len(w.buf)
	return w.buf
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
