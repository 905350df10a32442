package record

import (
	stdjson "encoding/json"
	"log/slog"

	"github.com/slogship/slogship/internal/jsontext"
)

// A writer captures attributes with the meaning that slog.JSONHandler gives
// them: groups nest, empty attributes and groups are left out, LogValuers are
// resolved, ReplaceAttr has its say.
//
// It always comes to an end: limit bounds how much is captured and looked at,
// MaxDepth how deep it nests.
type writer struct {
	c       *capturer
	buf     []byte
	entries int // in buf
	members int // entries in the innermost open group, at its own level; at the root if none is open

	outer  []int    // as members, of the root and of all open groups but the innermost one
	groups []string // the names of the open groups

	seen      int  // attributes looked at, attrCost each, whether anything was left of them or not
	full      bool // the limit was reached, and something left out
	short     bool // something was shortened
	nested    int  // calls of group under way: bounds a LogValuer that yields itself
	ungrouped bool // ReplaceAttr is shown no groups: this is a built-in attribute

	moved []byte // the entries of built-ins that ReplaceAttr gave another key
	text  []byte // scratch
}

func (w *writer) begin(c *capturer, buf []byte) {
	w.c, w.buf, w.entries, w.members, w.outer = c, buf, 0, 0, w.outer[:0]
	w.seen, w.full, w.short, w.nested, w.ungrouped, w.moved = 0, false, false, 0, false, w.moved[:0]
}

// release lets go of what belongs to the caller.
func (w *writer) release() {
	clear(w.groups[:cap(w.groups)])
	w.groups = w.groups[:0]
	w.c = nil
	if cap(w.moved) > keepScratch {
		w.moved = nil
	}
	if cap(w.text) > keepScratch {
		w.text = nil
	}
}

// attrCost is what an attribute counts against the limit, beside its length.
// The shortest one that is written as JSON has five bytes, so that a record that
// fits in MaxRecordBytes is far from the limit.
const attrCost = 16

// attrsLimit bounds the attributes of a record while they are captured. It is
// well above MaxRecordBytes, for a record is cut by its longest strings first,
// and these must be there to be compared.
func attrsLimit(maxRecordBytes int) int {
	return max(maxRecordBytes, 1<<20+16*min(maxRecordBytes, 64<<20))
}

// resume appends the attributes of s, and is where they ended: in the groups
// that are open there.
func (w *writer) resume(s *State) {
	w.buf = append(w.buf, s.attrs...)
	w.entries += s.entries
	open := len(s.members) - 1
	w.outer = append(w.outer, s.members[:open]...)
	w.members = s.members[open]
	w.groups = append(w.groups, s.groups[:open]...)
}

// record captures the attributes of s and, in its groups, those of r.
func (w *writer) record(s *State, r *slog.Record) {
	w.resume(s)
	if r.NumAttrs() > 0 {
		for _, g := range s.groups[len(w.outer):] {
			w.open(g)
		}
		w.attrsOf(r)
	}
	for len(w.outer) > 0 {
		w.close()
	}
}

// attrsOf is appendAll for the attributes of r. It takes a short cut for
// scalars, of which most records consist: what append does comes to the same.
func (w *writer) attrsOf(r *slog.Record) {
	longest, short := w.c.longest, w.c.replace == nil
	buf, n := w.buf, 0 // kept in local variables, for w is on the heap
	r.Attrs(func(a slog.Attr) bool {
		k := a.Value.Kind()
		if 1<<k&scalars != 0 && short && len(buf) < longest && len(a.Key) <= longest &&
			(k != slog.KindString || len(a.Value.String()) <= longest) {
			buf = appendScalar(buf, a.Key, a.Value, k)
			n++
			return true
		}
		w.buf = buf
		w.append(a)
		buf = w.buf
		return !w.full
	})
	w.buf = buf
	w.entries += n
	w.members += n
}

// appendAll captures what ReplaceAttr leaves of attrs.
func (w *writer) appendAll(attrs []slog.Attr) {
	for _, a := range attrs {
		if w.append(a); w.full {
			return
		}
	}
}

// append resolves a, shows it to ReplaceAttr, and captures what is left of it.
func (w *writer) append(a slog.Attr) {
	// A LogValuer may yield two groups that hold it again. That each of them
	// ends at MaxDepth is no help, for there are 2^MaxDepth.
	if w.seen += attrCost; len(w.buf)+w.seen > w.c.limit {
		w.full = true
		return
	}
	if a.Value.Kind() == slog.KindLogValuer {
		a.Value = a.Value.Resolve()
	}
	if w.c.replace != nil && a.Value.Kind() != slog.KindGroup {
		a, _ = w.replaced(a)
	}
	w.write(a)
}

// replaced returns what ReplaceAttr makes of a, resolved. If it panics, the
// value is withheld, and what it panicked with, too: that may well quote what
// it is there to hide.
func (w *writer) replaced(a slog.Attr) (out slog.Attr, panicked bool) {
	defer func() {
		if v := recover(); v != nil {
			out, panicked = slog.String(a.Key, "!PANIC: ReplaceAttr: "+jsontext.TypeName(v)), true
		}
	}()
	groups := w.groups
	if w.ungrouped {
		groups = nil
	}
	out = w.c.replace(groups, a)
	out.Value = out.Value.Resolve()
	return out, false
}

// write captures a, which is resolved and has been shown to ReplaceAttr; the
// members of a group have not.
func (w *writer) write(a slog.Attr) {
	if a.Value.Kind() == slog.KindAny {
		switch v := a.Value.Any().(type) {
		case nil:
			if a.Key == "" {
				return
			}
		case *slog.Source:
			a.Value = sourceGroup(v)
		}
	}
	if a.Value.Kind() == slog.KindGroup {
		w.group(a.Key, a.Value.Group())
		return
	}
	w.one(a.Key, a.Value)
}

// group captures a group; the members of one without a name are inlined.
func (w *writer) group(name string, attrs []slog.Attr) {
	switch {
	case len(attrs) == 0:
		return
	case w.nested >= MaxDepth || len(w.outer) >= MaxDepth:
		w.one(name, slog.StringValue("!ERROR: groups nest too deeply"))
		return
	}
	w.nested++
	if name == "" {
		w.appendAll(attrs)
	} else {
		w.open(name)
		w.appendAll(attrs)
		w.close()
	}
	w.nested--
}

// open begins a group.
func (w *writer) open(name string) {
	w.outer, w.members = append(w.outer, w.members), 0
	w.groups = append(w.groups, name)
}

// close ends the group that was opened last, which is left out if it is empty.
func (w *writer) close() {
	last := len(w.outer) - 1
	name, members := w.groups[last], w.members
	w.groups, w.outer, w.members = w.groups[:last], w.outer[:last], w.outer[last]
	if members > 0 {
		w.buf = appendGroup(w.buf, w.bounded(name), members)
		w.noteEntry()
	}
}

func (w *writer) noteEntry() {
	w.entries++
	w.members++
}

// bounded is s, cut off where no string is captured further.
func (w *writer) bounded(s string) string {
	if len(s) > w.c.longest {
		w.short = true
		return jsontext.RunePrefix(s, w.c.longest)
	}
	return s
}

// one captures an attribute that is no group.
func (w *writer) one(key string, v slog.Value) {
	key = w.bounded(key)
	switch k := v.Kind(); k {
	case slog.KindString:
		w.buf = appendText(w.buf, kindString, key, w.bounded(v.String()))
	case slog.KindAny:
		w.any(key, v.Any())
	default:
		w.buf = appendScalar(w.buf, key, v, k)
	}
	w.noteEntry()
}

// any captures a value that is no scalar. What JSON writes as a string, it is.
func (w *writer) any(key string, v any) {
	switch b := v.(type) {
	case nil:
		w.buf = appendText(w.buf, kindJSON, key, "null")
		return
	case []byte:
		if b != nil {
			if len(b) > w.c.longest {
				b, w.short = b[:w.c.longest], true
			}
			w.buf = appendText(w.buf, kindBytes, key, asString(b))
			return
		}
	case stdjson.Marshaler: // it says how it wants to be written, be it an error or not
	case error:
		w.error(key, b)
		return
	}
	text, short := jsontext.AppendAny(w.text[:0], v, jsontext.Bounds{
		String: w.c.longest,
		Text:   w.c.limit,
		Depth:  MaxDepth - len(w.outer),
	})
	w.short = w.short || short
	kind := byte(kindJSON)
	if text[0] == '"' {
		n := len(text)
		text, kind = jsontext.AppendUnquoted(text, text), kindString
		w.text, text = text, text[n:]
	} else {
		w.text = text
	}
	w.buf = appendText(w.buf, kind, key, asString(text))
}
