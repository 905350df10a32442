package slogship

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"
)

// An attrWriter writes attributes as members of a JSON object, with the
// meaning that slog.JSONHandler gives them: groups nest, empty attributes are
// left out, LogValuers are resolved, ReplaceAttr has its say.
//
//	buf     ... "a":1,"g":{"b":2,"c":   the object it writes into may be open before it
type attrWriter struct {
	buf      []byte
	replace  func(groups []string, a slog.Attr) slog.Attr
	reserved []string // names that the Format needs at the root
	depth    int      // objects open around the next member; 0 is the root
	nested   int      // calls of writeGroup under way: bounds a LogValuer that yields itself
	limit    int      // once buf is this long nothing is added: the record is cut in any case
	longest  int      // of a string: what is behind is cut off in any case
	groups   []string // the names of the open groups, kept for replace alone
	renamed  []int    // where in buf the key of a renamed attribute begins
}

func (w *attrWriter) begin(c *core) {
	w.replace, w.reserved = c.replace, c.layout.Reserved
	w.groups = w.groups[:0]
	w.renamed = w.renamed[:0]
	w.depth, w.nested = 0, 0
	w.limit, w.longest = attrsLimit(c.maxRecordBytes), c.maxRecordBytes
}

// attrsLimit bounds the attributes of a record while they are encoded. It is
// well above maxRecordBytes, for a record is cut by its longest strings first,
// and these must be there to be compared.
func attrsLimit(maxRecordBytes int) int { return 16*maxRecordBytes + 1<<20 }

// at has w append to dst, at the root.
func (w *attrWriter) at(dst []byte) *attrWriter {
	w.buf = dst
	w.depth = 0
	return w
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
	if len(w.buf) > w.limit {
		return false
	}
	if a.Value.Kind() == slog.KindLogValuer {
		a.Value = a.Value.Resolve()
	}
	if w.replace != nil && a.Value.Kind() != slog.KindGroup {
		a = w.replaced(w.groups, a)
	}
	return w.write(a)
}

// replaced returns what ReplaceAttr makes of a, resolved. If it panics, the
// value is withheld: it may be one that ReplaceAttr is there to hide.
func (w *attrWriter) replaced(groups []string, a slog.Attr) (out slog.Attr) {
	defer func() {
		if v := recover(); v != nil {
			out = slog.String(a.Key, fmt.Sprintf("!PANIC: ReplaceAttr: %v", v))
		}
	}()
	out = w.replace(groups, a)
	out.Value = out.Value.Resolve()
	return out
}

// isEmpty reports whether a is the zero Attr, which handlers leave out.
func isEmpty(a slog.Attr) bool {
	return a.Key == "" && a.Value.Kind() == slog.KindAny && a.Value.Any() == nil
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
	w.key(a.Key)
	w.value(a.Value)
	return true
}

// writeGroup writes a group as an object; one without a name is inlined.
func (w *attrWriter) writeGroup(name string, attrs []slog.Attr) bool {
	if len(attrs) == 0 {
		return true // nothing to see, but no reason to leave out what is around it
	}
	if w.nested >= maxDepth || w.depth >= maxDepth {
		w.key(name)
		w.buf = append(w.buf, `"!ERROR: groups nest too deeply"`...)
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
		w.depth--
		if w.replace != nil {
			w.groups = w.groups[:len(w.groups)-1]
		}
		w.buf = append(w.buf, '}')
	}
	if !wrote {
		w.buf, w.renamed = w.buf[:before], w.renamed[:renamed]
	}
	return wrote
}

// open begins an object for the group name.
func (w *attrWriter) open(name string) {
	w.key(name)
	w.buf = append(w.buf, '{')
	w.depth++
	if w.replace != nil {
		w.groups = append(w.groups, name)
	}
}

// key begins a member. A name that the Format needs for itself at the root
// gets an underscore.
func (w *attrWriter) key(name string) {
	w.comma()
	if w.depth == 0 {
		for _, r := range w.reserved {
			if name == r {
				w.renamed = append(w.renamed, len(w.buf))
				name += "_"
				break
			}
		}
	}
	w.buf = AppendString(w.buf, name)
	w.buf = append(w.buf, ':')
}

// comma separates the next member from the one before it.
func (w *attrWriter) comma() {
	if n := len(w.buf); n > 0 && w.buf[n-1] != '{' {
		w.buf = append(w.buf, ',')
	}
}

// disambiguate gives a renamed attribute another underscore as long as the
// root, whose members begin at from, has one of that very name already.
func (w *attrWriter) disambiguate(from int) {
	for i := len(w.renamed) - 1; i >= 0; i-- { // from the end: what is inserted moves nothing before it
		at := w.renamed[i]
		name := w.buf[at:skipString(w.buf, at)]
		for w.given(from, name) {
			w.buf = slices.Insert(w.buf, at+len(name)-1, '_')
			for j := i + 1; j < len(w.renamed); j++ {
				w.renamed[j]++
			}
			name = w.buf[at : at+len(name)+1]
		}
	}
}

// given reports whether a root member was called name by the user.
func (w *attrWriter) given(from int, name []byte) bool {
	for i := from; ; {
		m, ok := nextMember(w.buf, i)
		if !ok {
			return false
		}
		i = m.end
		if bytes.Equal(w.buf[m.key:m.colon], name) && !slices.Contains(w.renamed, m.key) {
			return true
		}
	}
}

// value writes one value that is no group.
func (w *attrWriter) value(v slog.Value) {
	switch v.Kind() {
	case slog.KindString:
		w.buf = AppendString(w.buf, runePrefix(v.String(), w.longest))
	case slog.KindInt64:
		w.buf = strconv.AppendInt(w.buf, v.Int64(), 10)
	case slog.KindUint64:
		w.buf = strconv.AppendUint(w.buf, v.Uint64(), 10)
	case slog.KindFloat64:
		w.buf = appendFloat(w.buf, v.Float64())
	case slog.KindBool:
		w.buf = strconv.AppendBool(w.buf, v.Bool())
	case slog.KindDuration:
		w.buf = strconv.AppendInt(w.buf, int64(v.Duration()/time.Nanosecond), 10)
	case slog.KindTime:
		w.buf = appendTime(w.buf, v.Time())
	default:
		w.buf = appendAny(w.buf, v.Any(), w.depth)
	}
}

// appendRecord writes the attributes of h and, in h's groups, those of r. A
// group without attributes is left out.
func (w *attrWriter) appendRecord(h *Handler, r *slog.Record) {
	if len(h.attrs) > 0 {
		w.comma()
		for _, at := range h.renamed {
			w.renamed = append(w.renamed, len(w.buf)+at)
		}
		w.buf = append(w.buf, h.attrs...)
	}
	opened := h.opened
	if r.NumAttrs() > 0 {
		before, renamed := len(w.buf), len(w.renamed)
		w.depth = h.opened
		if w.replace != nil {
			w.groups = append(w.groups[:0], h.groups[:h.opened]...)
		}
		for _, g := range h.groups[h.opened:] {
			w.open(g)
		}
		wrote := false
		r.Attrs(func(a slog.Attr) bool {
			if w.append(a) {
				wrote = true
			}
			return true
		})
		if wrote {
			opened = len(h.groups)
		} else {
			w.buf, w.renamed = w.buf[:before], w.renamed[:renamed]
		}
	}
	for range opened {
		w.buf = append(w.buf, '}')
	}
	w.depth = 0
}

// withAttrs returns h's attributes with attrs added in its groups, encoded
// once for all records to come, and where in them keys were renamed. ok is
// false if nothing is left of attrs.
func (w *attrWriter) withAttrs(h *Handler, attrs []slog.Attr) (encoded []byte, renamed []int, ok bool) {
	w.begin(h.core)
	w.buf = append([]byte(nil), h.attrs...)
	w.renamed = append([]int(nil), h.renamed...)
	w.depth = h.opened
	if w.replace != nil {
		w.groups = append([]string(nil), h.groups[:h.opened]...)
	}
	for _, g := range h.groups[h.opened:] {
		w.open(g)
	}
	if !w.appendAll(attrs) {
		return nil, nil, false
	}
	return w.buf, w.renamed, true
}
