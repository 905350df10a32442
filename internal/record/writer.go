package record

import (
	stdjson "encoding/json"
	"log/slog"

	"github.com/slogship/slogship/internal/jsontext"
)

// A writer captures attributes with the meaning that slog.JSONHandler gives them:
// groups nest, empty attributes and groups are left out, LogValuers are resolved, and
// ReplaceAttr is called.
//
// It always comes to an end: limit bounds how much is captured and looked at,
// MaxDepth how deep it nests.
type writer struct {
	output
	c *capturer

	starts []int    // of each open group, where on the stack its members start
	groups []string // their names

	seen      int  // attributes looked at, attrCost each, whether anything was left of them or not
	full      bool // the limit was reached, and something left out
	short     bool // something was shortened
	nested    int  // calls of group under way: bounds a LogValuer that yields itself
	ungrouped bool // ReplaceAttr is shown no groups: this is a built-in attribute

	moved []byte // the entries of built-ins that ReplaceAttr gave another key
	text  []byte // scratch
}

func (w *writer) begin(c *capturer, buf []byte) {
	w.c, w.buf, w.entries, w.taken = c, buf, 0, 0
	w.seen, w.full, w.short, w.nested, w.ungrouped = 0, false, false, 0, false
}

// release drops the references to memory of the caller.
func (w *writer) release() {
	if w.c, w.buf = nil, nil; cap(w.starts) > 0 {
		clear(w.groups[:cap(w.groups)])
	}
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

// attrsLimit bounds the attributes of a record while they are captured. It is well
// above MaxRecordBytes, because the longest strings of a record are cut first, and all
// strings must be there to be compared.
func attrsLimit(maxRecordBytes int) int {
	return max(maxRecordBytes, 1<<20+16*min(maxRecordBytes, 64<<20))
}

// resume appends the attributes of s, and is where they ended: in the groups
// that are open there.
func (w *writer) resume(s *State) {
	if s.entries == 0 {
		return
	}
	top := w.top()
	w.buf = append(w.buf, s.attrs...)
	w.entries += s.entries
	w.taken += s.taken
	for _, start := range s.starts {
		w.starts = append(w.starts, top+start)
	}
	w.groups = append(w.groups, s.groups[:len(s.starts)]...)
}

// record captures the attributes of s and, in its groups, those of r.
func (w *writer) record(s *State, r *slog.Record) {
	w.resume(s)
	for _, g := range s.groups[len(w.starts):] {
		w.open(g)
	}
	if inPlace {
		front, back := attrsInPlace(r)
		if w.appendAll(front); !w.full {
			w.appendAll(back)
		}
	} else {
		r.Attrs(w.appendNext)
	}
	for len(w.starts) > 0 {
		w.close()
	}
}

// appendNext is append, and reports whether the next attribute may come.
func (w *writer) appendNext(a slog.Attr) bool {
	w.append(a)
	return !w.full
}

// appendAll captures what ReplaceAttr leaves of attrs. Scalars, of which most records
// consist, take a short cut if ReplaceAttr is not asked: append comes to the same.
func (w *writer) appendAll(attrs []slog.Attr) {
	for len(attrs) > 0 {
		if w.c.replace == nil {
			n := w.scalars(attrs, w.c.longest)
			if attrs = attrs[n:]; len(attrs) == 0 {
				return
			}
		}
		if !w.appendNext(attrs[0]) {
			return
		}
		attrs = attrs[1:]
	}
}

// append resolves a, shows it to ReplaceAttr, and captures what is left of it.
func (w *writer) append(a slog.Attr) {
	// A LogValuer may yield two groups that hold it again. That each of them
	// ends at MaxDepth does not help, because there are 2^MaxDepth.
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

// replaced returns what ReplaceAttr makes of a, resolved. If it panics, the value and
// the panic value are withheld, because the latter may quote the secret that
// ReplaceAttr is meant to hide.
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
	case w.nested >= MaxDepth || len(w.starts) >= MaxDepth:
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
	w.starts = append(w.starts, w.top())
	w.groups = append(w.groups, name)
}

// close ends the group that was opened last, which is left out if it is empty.
func (w *writer) close() {
	last := len(w.starts) - 1
	w.output.close(w.bounded(w.groups[last]), w.starts[last])
	w.groups, w.starts = w.groups[:last], w.starts[:last]
}

// bounded is s, cut off where no string is captured further.
func (w *writer) bounded(s string) string {
	if len(s) > w.c.longest {
		w.short = true
		return jsontext.RunePrefix(s, w.c.longest)
	}
	return s
}

// one captures an attribute that is not a group.
func (w *writer) one(key string, v slog.Value) {
	key = w.bounded(key)
	switch v.Kind() {
	case slog.KindString:
		w.string(kindString, key, w.bounded(v.String()))
	case slog.KindAny:
		w.any(key, v.Any())
	default:
		w.scalar(key, v)
	}
}

// any captures a value that is not a scalar. A value that JSON writes as a
// string is captured as a string.
func (w *writer) any(key string, v any) {
	switch b := v.(type) {
	case nil:
		w.string(kindJSON, key, "null")
		return
	case []byte:
		if b != nil {
			if len(b) > w.c.longest {
				b, w.short = b[:w.c.longest], true
			}
			w.string(kindBytes, key, asString(b))
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
		Depth:  MaxDepth - len(w.starts),
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
	w.string(kind, key, asString(text))
}
