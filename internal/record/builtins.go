package record

import (
	"encoding/binary"
	"log/slog"
)

// builtins captures the source and the message of r as they are.
func (w *writer) builtins(h *head, r *slog.Record) {
	if w.c.addSource && r.PC != 0 {
		if src := sourceOf(r.PC); len(src.members) > 0 {
			h.flags |= hasSource
			w.buf = append(w.buf, src.members...)
		}
	}
	w.message(r.Message)
}

func (w *writer) message(s string) {
	s = w.bounded(s)
	b := w.room(len(s) + entryRoom)
	w.buf = w.buf[:len(w.buf)+putString(b, s)]
}

// replacedBuiltins captures what ReplaceAttr leaves of r's time, level, source
// and message: it is asked in the order of slog.JSONHandler and, like there,
// shown no groups, even for the members of a source.
func (w *writer) replacedBuiltins(h *head, r *slog.Record) {
	w.ungrouped = true
	if h.flags&hasTime != 0 {
		v, kept := w.replacedBuiltin(slog.Time(slog.TimeKey, r.Time))
		if kept && v.Kind() == slog.KindTime && !v.Time().IsZero() {
			h.time, h.apart = v.Time(), true
		} else {
			h.flags &^= hasTime
			h.time = h.observed
			h.set(timeReplaced, kept && w.value(v))
		}
	}
	if v, kept := w.replacedBuiltin(slog.Any(slog.LevelKey, r.Level)); !kept {
		h.flags |= noLevel
	} else if level, ok := v.Any().(slog.Level); ok {
		h.level = level
	} else {
		replaced := w.value(v)
		h.set(levelReplaced, replaced)
		h.set(noLevel, !replaced)
	}
	if w.c.addSource {
		s := new(slog.Source) // ReplaceAttr may well write to it
		if r.PC != 0 {
			*s = sourceOf(r.PC).Source
		}
		if v, kept := w.replacedBuiltin(slog.Any(slog.SourceKey, s)); kept {
			if group, ok := sourceMembers(v); ok {
				h.set(hasSource, w.section(func() { w.appendAll(group) }))
			} else {
				h.set(sourceReplaced, w.value(v))
			}
		}
	}
	if v, kept := w.replacedBuiltin(slog.String(slog.MessageKey, r.Message)); !kept {
		h.flags |= noMessage
	} else if v.Kind() == slog.KindString {
		w.message(v.String())
	} else {
		replaced := w.value(v)
		h.set(messageReplaced, replaced)
		h.set(noMessage, !replaced)
	}
	w.ungrouped = false
}

func (h *head) set(flag uint16, on bool) {
	if on {
		h.flags |= flag
	}
}

// replacedBuiltin returns what ReplaceAttr makes of a's value, and whether it
// keeps its place. One with another key is captured among the attributes.
func (w *writer) replacedBuiltin(a slog.Attr) (v slog.Value, kept bool) {
	out, panicked := w.replaced(a)
	switch {
	case panicked && a.Key != slog.MessageKey:
		// It is not a secret, and the backend may refuse what is not a time or
		// a level.
		return a.Value, true
	case out.Key != a.Key:
		w.buf, w.moved = w.moved, w.buf
		w.write(out)
		w.buf, w.moved = w.moved, w.buf
		return v, false
	}
	return out.Value, true
}

// sourceMembers is what v, which stands for the source, has as its members.
func sourceMembers(v slog.Value) (members []slog.Attr, ok bool) {
	switch src := v.Any().(type) {
	case *slog.Source:
		v = sourceGroup(src)
	case slog.Source:
		v = sourceGroup(&src)
	}
	if v.Kind() != slog.KindGroup {
		return nil, false
	}
	return v.Group(), true
}

// value captures v, what a built-in was replaced by, as one entry without a key.
// It reports false if nothing is left of v.
func (w *writer) value(v slog.Value) bool {
	if src, ok := v.Any().(*slog.Source); ok {
		v = sourceGroup(src)
	}
	return w.section(func() {
		if v.Kind() != slog.KindGroup {
			w.one("", v)
			return
		}
		w.open("")
		w.appendAll(v.Group())
		w.close()
	})
}

// section has f capture entries that do not belong to the attributes, after
// their number in four bytes. It reports false if there are none.
func (w *writer) section(f func()) bool {
	at, entries, taken := len(w.buf), w.entries, w.taken
	w.buf = append(w.buf, 0, 0, 0, 0)
	w.entries, w.taken = 0, 0
	f()
	n := w.entries
	w.entries, w.taken = entries, taken
	if n == 0 {
		w.buf = w.buf[:at]
		return false
	}
	binary.LittleEndian.PutUint32(w.buf[at:], uint32(n))
	return true
}
