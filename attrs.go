package slogship

import (
	"log/slog"
	"slices"
	"strconv"
)

// An attrWriter writes attributes with the meaning that slog.JSONHandler gives
// them: groups nest, empty attributes are left out, LogValuers are resolved,
// ReplaceAttr has its say. What they look like is JSON, members of an object,
// or what the Format's AttrEncoding makes of them.
//
//	"a":1,"g":{"b":2,"c":
//
// It always comes to an end: limit bounds how much is written and looked at,
// maxDepth how deep it nests.
type attrWriter struct {
	buf      []byte
	replace  func(groups []string, a slog.Attr) slog.Attr
	encoding *AttrEncoding // nil for JSON
	reserved *nameSet      // names that the Format needs at the root
	longest  int           // of a string; a longer one is cut, and so is its record
	limit    int           // of buf and seen together; with more the record is cut in any case
	seen     int           // attributes looked at, attrCost each, whether anything was left of them or not
	full     bool          // the limit was reached, and something left out

	depth     int      // groups open around the next attribute; 0 is the root
	nested    int      // calls of writeGroup under way: bounds a LogValuer that yields itself
	groups    []string // the names of the open groups; kept for replace alone
	ungrouped bool     // replace is shown no groups: this is a built-in attribute
	path      []string // the names of the open groups as they are written; kept for encoding alone
	begins    []int    // where in buf the content of each open group begins; for encoding alone
	renamed   []int    // where in buf the key of a renamed attribute begins
	given     notes    // to encoding

	unique  bool       // an object must not have a key twice
	keys    nameFilter // if unique: all keys so far, whatever object they are in
	doubled bool       // two of them may be equal
	looks   int        // for encoding alone: searches for a key among those before
}

func (w *attrWriter) begin(c *core) {
	w.replace, w.encoding, w.reserved = c.replace, c.layout.Attrs, &c.reserved
	w.longest, w.limit = c.maxRecordBytes, attrsLimit(c.maxRecordBytes)
	w.buf, w.groups, w.path, w.begins, w.renamed = w.buf[:0], w.groups[:0], w.path[:0], w.begins[:0], w.renamed[:0]
	if w.encoding != nil {
		w.given.reset()
	}
	w.depth, w.nested, w.seen = 0, 0, 0
	w.full, w.ungrouped = false, false
	w.unique, w.keys, w.doubled, w.looks = c.layout.UniqueKeys, nameFilter{}, false, 0
	if w.groups == nil && w.replace != nil {
		w.groups = make([]string, 0, 10) // at the root ReplaceAttr sees no groups, not nil, as in slog
	}
}

// forget lets go of what belongs to a core, or to the caller.
func (w *attrWriter) forget() {
	if w.encoding != nil {
		w.given.release()
	}
	w.replace, w.encoding, w.reserved = nil, nil, nil
}

// attrCost is what an attribute counts against the limit, beside its length.
// The shortest one that is written has five bytes, so that a record that fits
// in maxRecordBytes is far from the limit.
const attrCost = 16

// attrsLimit bounds the attributes of a record while they are encoded. It is
// well above maxRecordBytes, for a record is cut by its longest strings first,
// and these must be there to be compared.
func attrsLimit(maxRecordBytes int) int {
	return max(maxRecordBytes, 1<<20+16*min(maxRecordBytes, 64<<20))
}

// appendAll shows attrs to ReplaceAttr and writes what is left of them. It
// reports whether anything is.
func (w *attrWriter) appendAll(attrs []slog.Attr) (wrote bool) {
	for _, a := range attrs {
		if w.append(a) {
			wrote = true
		}
	}
	return wrote
}

// append resolves a, shows it to ReplaceAttr, and writes what is left of it.
func (w *attrWriter) append(a slog.Attr) (wrote bool) {
	// A LogValuer may yield two groups that hold it again. That each of them
	// ends at maxDepth is no help, for there are 2^maxDepth.
	if w.seen += attrCost; len(w.buf)+w.seen > w.limit {
		w.full = true
	}
	if w.full {
		return false
	}
	if a.Value.Kind() == slog.KindLogValuer {
		a.Value = a.Value.Resolve()
	}
	if w.replace != nil && a.Value.Kind() != slog.KindGroup {
		a, _ = w.replaced(a)
	}
	return w.write(a)
}

// replaced returns what ReplaceAttr makes of a, resolved. If it panics, the
// value is withheld, and what it panicked with, too: that may well quote what
// it is there to hide.
func (w *attrWriter) replaced(a slog.Attr) (out slog.Attr, panicked bool) {
	defer func() {
		if v := recover(); v != nil {
			out, panicked = slog.String(a.Key, "!PANIC: ReplaceAttr: "+typeName(v)), true
		}
	}()
	groups := w.groups
	if w.ungrouped {
		groups = nil
	}
	out = w.replace(groups, a)
	out.Value = out.Value.Resolve()
	return out, false
}

// write writes a, which is resolved and has been shown to ReplaceAttr; the
// members of a group have not. It reports whether a counts as an attribute,
// without which the group around it is left out.
func (w *attrWriter) write(a slog.Attr) bool {
	switch a.Value.Kind() {
	case slog.KindGroup:
		return w.writeGroup(a.Key, a.Value.Group())
	case slog.KindAny:
		v := a.Value.Any()
		if a.Key == "" && v == nil {
			return false
		}
		if src, ok := v.(*slog.Source); ok {
			if src == nil || *src == (slog.Source{}) {
				return false
			}
			return w.writeGroup(a.Key, sourceGroup(src).Group())
		}
	}
	w.one(a.Key, a.Value)
	return true
}

// one writes an attribute that is no group.
func (w *attrWriter) one(key string, v slog.Value) {
	if w.encoding != nil {
		w.oneEncoded(key, v)
		return
	}
	w.key(key)
	w.buf = w.appendValue(w.buf, v, v.Kind())
}

// free is name, with an underscore if the Format needs it at the root.
func (w *attrWriter) free(name string) string {
	if w.encoding != nil && w.depth == 0 {
		return w.reserved.beyond(name)
	}
	if w.depth == 0 && w.reserved.mayHave(name) {
		if i := slices.Index(w.reserved.names, name); i >= 0 {
			return w.reserved.free[i]
		}
	}
	return name
}

// writeGroup writes a group as an object; one without a name is inlined.
func (w *attrWriter) writeGroup(name string, attrs []slog.Attr) bool {
	if len(attrs) == 0 {
		return true // nothing to see, but no reason to leave out what is around it
	}
	if w.nested >= maxDepth || w.depth >= maxDepth {
		w.one(name, slog.StringValue("!ERROR: groups nest too deeply"))
		return true
	}
	before, renamed := len(w.buf), len(w.renamed)
	if name != "" {
		w.open(name)
	}
	w.nested++
	wrote := w.appendAll(attrs)
	w.nested--
	if name != "" {
		w.close()
	}
	if !wrote {
		w.buf, w.renamed = w.buf[:before], w.renamed[:renamed]
	}
	return wrote
}

// open begins a group.
func (w *attrWriter) open(name string) {
	if w.encoding == nil {
		w.key(name)
		w.buf = append(w.buf, '{')
	} else {
		w.openEncoded(name)
	}
	w.depth++
	if w.replace != nil {
		w.groups = append(w.groups, name)
	}
}

// close ends the group that was opened last.
func (w *attrWriter) close() {
	w.depth--
	if w.replace != nil {
		w.groups = w.groups[:len(w.groups)-1]
	}
	if w.encoding == nil {
		w.buf = append(w.buf, '}')
		return
	}
	w.closeEncoded()
}

// key begins a member of a JSON object. A name that the Format needs for itself
// at the root gets an underscore.
func (w *attrWriter) key(name string) {
	free := w.free(name)
	if w.unique {
		w.noteKey(free)
	}
	before := len(w.buf)
	w.buf = appendKey(w.buf, free)
	if len(free) != len(name) {
		w.noteRenamed(w.buf, before)
	}
}

// noteRenamed notes that the key which begins at buf[at:], with a comma before it
// unless it is the first, is that of a renamed attribute.
func (w *attrWriter) noteRenamed(buf []byte, at int) {
	if buf[at] == ',' {
		at++
	}
	w.renamed = append(w.renamed, at)
}

// noteKey notices, for unique, if a key may be equal to one before as it is
// written, where what is no UTF-8 is U+FFFD.
func (w *attrWriter) noteKey(name string) {
	if w.keys.add(name) || !isValid(name) {
		w.doubled = true
	}
}

// scalarKinds has a bit for each kind whose value needs no second look.
const scalarKinds = 1<<slog.KindString | 1<<slog.KindInt64 | 1<<slog.KindUint64 | 1<<slog.KindFloat64 |
	1<<slog.KindBool | 1<<slog.KindDuration | 1<<slog.KindTime

// appendAttrsOf is appendAll for the attributes of r. It takes a short cut for
// scalars, of which most records consist: what append does comes to the same.
func (w *attrWriter) appendAttrsOf(r *slog.Record) (wrote bool) {
	if w.encoding != nil {
		return w.appendEncodedOf(r)
	}
	short := w.replace == nil
	buf := w.buf // kept in a local variable, for w is on the heap
	r.Attrs(func(a slog.Attr) bool {
		k := a.Value.Kind()
		if 1<<k&scalarKinds != 0 && short && len(buf) < w.longest {
			name := a.Key
			if w.depth == 0 && w.reserved.mayHave(name) {
				name = w.free(name)
			}
			if w.unique {
				w.noteKey(name)
			}
			before := len(buf)
			buf = appendKey(buf, name)
			if len(name) != len(a.Key) {
				w.noteRenamed(buf, before)
			}
			buf = w.appendValue(buf, a.Value, k)
			wrote = true
			return true
		}
		w.buf = buf
		if w.append(a) {
			wrote = true
		}
		buf = w.buf
		return true
	})
	w.buf = buf
	return wrote
}

// appendValue appends a value of kind k, which is no group, as JSON.
func (w *attrWriter) appendValue(buf []byte, v slog.Value, k slog.Kind) []byte {
	switch k {
	case slog.KindString:
		s := v.String()
		if len(s) > w.longest {
			s = runePrefix(s, w.longest)
		}
		return AppendString(buf, s)
	case slog.KindInt64:
		return AppendInt(buf, v.Int64())
	case slog.KindUint64:
		return AppendUint(buf, v.Uint64())
	case slog.KindFloat64:
		return AppendFloat(buf, v.Float64())
	case slog.KindBool:
		return strconv.AppendBool(buf, v.Bool())
	case slog.KindDuration:
		return AppendInt(buf, int64(v.Duration())) // nanoseconds
	case slog.KindTime:
		return appendTime(buf, v.Time())
	default:
		w.doubled = true // a marshaler returns what it likes
		return w.appendAny(buf, v.Any())
	}
}

// appendRecord writes the attributes of h and, in h's groups, those of r. A
// group without attributes is left out.
func (w *attrWriter) appendRecord(h *Handler, r *slog.Record) {
	w.resume(h)
	if r.NumAttrs() > 0 {
		before, begins, renamed := len(w.buf), len(w.begins), len(w.renamed)
		for _, g := range h.groups[h.opened:] {
			w.open(g)
		}
		if !w.appendAttrsOf(r) {
			w.buf, w.begins, w.renamed = w.buf[:before], w.begins[:begins], w.renamed[:renamed]
			w.depth = h.opened
		}
	}
	for w.depth > 0 {
		w.close()
	}
}

// resume appends the attributes of h, and is where they ended: in the groups
// that are open behind them.
func (w *attrWriter) resume(h *Handler) {
	if len(h.attrs) == 0 {
		return
	}
	switch {
	case len(w.buf) == 0:
	case w.encoding == nil:
		w.buf = append(w.buf, ',')
	default:
		w.buf = append(w.buf, w.encoding.Separator...)
	}
	for _, at := range h.renamed {
		w.renamed = append(w.renamed, len(w.buf)+at)
	}
	for _, at := range h.begins {
		w.begins = append(w.begins, len(w.buf)+at)
	}
	w.buf = append(w.buf, h.attrs...)
	if w.keys.join(&h.keys) && (w.encoding == nil || !w.given.areNew(h.given)) || h.doubled {
		w.doubled = true
	}
	if w.encoding != nil {
		w.given.addHandler(h)
	}
	open := h.groups[:h.opened]
	if w.replace != nil {
		w.groups = append(w.groups, open...)
	}
	if w.encoding != nil && len(open) > 0 {
		w.path = append(append(w.path, w.free(open[0])), open[1:]...)
	}
	w.depth = len(open)
}

// with returns h with attrs in its groups, encoded once for all records to
// come; or h, if nothing is left of attrs.
func (w *attrWriter) with(h *Handler, attrs []slog.Attr) (with *Handler) {
	defer func() {
		if recover() != nil { // an AttrEncoding, for all else is contained where it is called
			with = h
		}
	}()
	w.begin(h.core)
	w.resume(h)
	for _, g := range h.groups[h.opened:] {
		w.open(g)
	}
	if !w.appendAll(attrs) {
		return h
	}
	h2 := *h
	h2.attrs, h2.begins, h2.renamed, h2.opened = w.buf, w.begins, w.renamed, len(h.groups)
	h2.keys, h2.doubled, h2.given = w.keys, w.doubled, w.given.kept()
	return &h2
}
