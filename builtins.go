package slogship

import (
	"encoding"
	stdjson "encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// builtins fills the event with r's time, level, message and source, or with
// what ReplaceAttr leaves of them.
func (e *encoder) builtins(r *slog.Record) {
	c := e.c
	ev := &e.event
	ev.HasTime, ev.HasLevel, ev.HasMessage, ev.HasSource = !r.Time.IsZero(), true, true, false
	ev.Time, ev.Level, ev.Message, ev.cut = r.Time, r.Level, r.Message, false
	var src *source
	if c.addSource && r.PC != 0 {
		src = sourceOf(r.PC)
		e.source, ev.HasSource = src.members, len(src.members) > 0
	}
	if c.replace != nil {
		e.replaceBuiltins(r, src)
	}
	ev.Message = runePrefix(ev.Message, c.maxRecordBytes) // the rest is cut off in any case
}

// replaceBuiltins shows the built-in attributes to ReplaceAttr, in the order
// of slog.JSONHandler and, like it, with no groups, even for the members of a
// source.
func (e *encoder) replaceBuiltins(r *slog.Record, src *source) {
	ev, w := &e.event, &e.attrs
	w.ungrouped = true
	if ev.HasTime {
		if v, kept := e.replaceBuiltin(slog.Time(slog.TimeKey, r.Time)); !kept {
			ev.HasTime = false
		} else if v.Kind() == slog.KindTime {
			ev.Time = v.Time()
		} else {
			ev.TimeText = w.text(v)
			ev.HasTime = ev.TimeText != ""
		}
	}
	if v, kept := e.replaceBuiltin(slog.Any(slog.LevelKey, r.Level)); !kept {
		ev.HasLevel = false
	} else if level, ok := v.Any().(slog.Level); ok {
		ev.Level = level
	} else {
		ev.LevelText = w.text(v)
		ev.HasLevel = ev.LevelText != ""
	}
	if e.c.addSource {
		s := new(slog.Source) // ReplaceAttr may well write to it
		if src != nil {
			*s = src.Source
		}
		e.source = nil
		v, kept := e.replaceBuiltin(slog.Any(slog.SourceKey, s))
		if kept {
			e.sourceText = w.aside(e.sourceText[:0], func() { w.writeSource(v) })
			if e.c.layout.UniqueKeys {
				e.sourceText = dedupe(e.sourceText)
			}
			e.source = e.sourceText
		}
		ev.HasSource = kept && len(e.source) > 0
	}
	if v, kept := e.replaceBuiltin(slog.String(slog.MessageKey, r.Message)); !kept {
		ev.HasMessage = false
	} else if v.Kind() == slog.KindString {
		ev.Message = v.String()
	} else {
		ev.Message = w.text(v)
		ev.HasMessage = ev.Message != ""
	}
	w.ungrouped = false
}

// replaceBuiltin returns what ReplaceAttr makes of a's value, and whether it
// keeps its place. One with another key is written among the attributes.
func (e *encoder) replaceBuiltin(a slog.Attr) (v slog.Value, kept bool) {
	w := &e.attrs
	out, panicked := w.replaced(a)
	switch {
	case panicked && a.Key != slog.MessageKey:
		// No secret, and the backend may refuse what is no time or level.
		return a.Value, true
	case out.Key != a.Key:
		w.write(out)
		return v, false
	}
	return out.Value, true
}

// writeSource writes v, which stands for the source, as members: its own, if
// it has any.
func (w *attrWriter) writeSource(v slog.Value) {
	switch src := v.Any().(type) {
	case *slog.Source:
		v = sourceGroup(src)
	case slog.Source:
		v = sourceGroup(&src)
	}
	if v.Kind() == slog.KindGroup {
		w.appendAll(v.Group())
	} else {
		w.write(slog.Attr{Key: slog.SourceKey, Value: v})
	}
}

// text is v as text, for a place that wants a string.
func (w *attrWriter) text(v slog.Value) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = describePanic(v.Any(), r)
		}
	}()
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindGroup:
		return w.groupText(v.Group())
	case slog.KindAny:
	default:
		return v.String()
	}
	// Not v.String(): it would print any value with %+v, and not return from a
	// cyclic one.
	switch v := v.Any().(type) {
	case nil:
		return "<nil>"
	case error, encoding.TextMarshaler: // a string in JSON, too
	case fmt.Stringer:
		return v.String()
	}
	text := w.appendAny(nil, v.Any())
	if stdjson.Unmarshal(text, &s) == nil { // it is a string
		return s
	}
	return string(text)
}

// groupText is a group as the text of a JSON object, "" if nothing is left of
// it.
func (w *attrWriter) groupText(attrs []slog.Attr) string {
	left := false
	members := w.aside(nil, func() { left = w.appendAll(attrs) })
	if !left {
		return ""
	}
	return "{" + string(members) + "}"
}

// aside has f write JSON to dst, as members of an object of their own, and
// returns that extended.
func (w *attrWriter) aside(dst []byte, f func()) []byte {
	buf, enc := w.buf, w.encoding
	w.buf, w.encoding = dst, nil
	w.depth++ // no name is reserved there
	f()
	w.depth--
	dst, w.buf, w.encoding = w.buf, buf, enc
	return dst
}
