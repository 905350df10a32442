package slogship

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"slices"
)

// notes are of what an AttrEncoding was given. A record that is too long is
// written again from them, so that nothing of the user's has its say twice: no
// ReplaceAttr, LogValuer or marshaler.
//
// For most records, of scalars only, the list is empty.
type notes struct {
	list []note
	json []byte // the values in list that are no scalars

	handler   *Handler // what this was given by WithAttrs comes at handlerAt in list; nil for none
	handlerAt int

	last   int // index of the first of the scalars that the record ends with
	lastAt int // where these come in list
}

// A note is of an attribute, of the begin or the end of a group, or of
// attributes of the record. Groups in which nothing was left are noted, too.
type note struct {
	what     noteKind
	from, to int        // scalarsNoted: of these indexes
	key      string     // attrNoted, groupBegins
	value    slog.Value // attrNoted
	text     []byte     // attrNoted: if not nil, for AppendJSON instead of value
}

type noteKind uint8

const (
	attrNoted    noteKind = iota
	groupBegins           // groupEnds may be missing at the end
	groupEnds             // the group that began last
	scalarsNoted          // attributes of the record one after the other
)

// maxNotes is how many notes go back to the pool.
const maxNotes = 500

func (n *notes) reset() {
	clear(n.list) // what is behind the next record's would keep this one's memory
	n.list, n.json, n.handler = n.list[:0], n.json[:0], nil
	n.handlerAt, n.last, n.lastAt = 0, 0, 0
}

// release lets go of what belongs to the caller.
func (n *notes) release() {
	clear(n.list)
	n.handler = nil
	if cap(n.list) > maxNotes || cap(n.json) > keepScratch {
		n.list, n.json = nil, nil
	}
}

func (n *notes) add(x note) { n.list = append(n.list, x) }

func (n *notes) addHandler(h *Handler) { n.handler, n.handlerAt = h, len(n.list) }

func (n *notes) addScalars(from, to int) {
	if from < to {
		n.add(note{what: scalarsNoted, from: from, to: to})
	}
}

// has reports whether there is such a key; scalars is what it reports of
// scalarsNoted.
func (n *notes) has(key string, scalars bool) bool {
	return n.handler != nil && hasKey(n.handler.given, key, scalars) || hasKey(n.list, key, scalars)
}

func hasKey(list []note, key string, scalars bool) bool {
	for i := range list {
		switch x := &list[i]; x.what {
		case attrNoted, groupBegins:
			if x.key == key {
				return true
			}
		case scalarsNoted:
			if scalars {
				return true
			}
		}
	}
	return false
}

// areNew reports whether none of the keys in list is noted.
func (n *notes) areNew(list []note) bool {
	if len(n.list) > maxLooks {
		return false // that would take too long
	}
	for i := range list {
		if list[i].what != groupEnds && n.has(list[i].key, true) {
			return false
		}
	}
	return true
}

// all returns all notes, those of r's attributes one by one.
func (n *notes) all(r *slog.Record) []note {
	all := slices.Clone(n.list[:n.handlerAt])
	if n.handler != nil {
		all = append(all, n.handler.given...)
	}
	lastAt := max(n.lastAt, n.handlerAt) // of a record without attributes there is none
	for _, x := range n.list[n.handlerAt:lastAt] {
		if x.what == scalarsNoted {
			all = appendScalars(all, r, x.from, x.to)
		} else {
			all = append(all, x)
		}
	}
	all = appendScalars(all, r, n.last, r.NumAttrs())
	return append(all, n.list[lastAt:]...)
}

func appendScalars(list []note, r *slog.Record, from, to int) []note {
	i := 0
	r.Attrs(func(a slog.Attr) bool {
		if from <= i && i < to {
			list = append(list, note{what: attrNoted, key: a.Key, value: a.Value})
		}
		i++
		return i < to
	})
	return list
}

// kept returns the notes of WithAttrs, with nothing in them that the caller may
// change.
func (n *notes) kept() []note {
	kept := n.all(new(slog.Record))
	for i := range kept {
		if b, ok := kept[i].value.Any().([]byte); ok {
			kept[i].value = slog.AnyValue(bytes.Clone(b))
		}
	}
	return kept
}

// oneEncoded has the encoding write an attribute that is no group.
func (w *attrWriter) oneEncoded(key string, v slog.Value) {
	n := note{what: attrNoted, key: key, value: v}
	switch v.Kind() {
	case slog.KindString:
		n.value = slog.StringValue(runePrefix(v.String(), w.longest))
	case slog.KindAny:
		if b, ok := v.Any().([]byte); ok && b != nil {
			if len(b) > w.longest {
				n.value = slog.AnyValue(b[:w.longest])
			}
			break
		}
		at := len(w.given.json)
		w.given.json = w.appendAny(w.given.json, v.Any())
		n.text, n.value = w.given.json[at:], slog.Value{}
	}
	w.seeKey(key)
	w.given.add(n)
	w.give(w.free(key), n.value, n.text)
}

// seeKey notices if a key that is yet to be noted repeats another.
func (w *attrWriter) seeKey(key string) {
	if (w.keys.add(key) || !isValid(key)) && w.look(key) {
		w.doubled = w.given.has(key, true)
	}
}

// maxLooks is how often a record looks for a key among those before, because
// the filter cannot tell: with a few hundred keys it is full.
const maxLooks = 64

// look reports whether to look for a key that may be one of those before. It
// gives up on that, with doubled, where it would take too long, or where other
// bytes may be written than the key has.
func (w *attrWriter) look(key string) bool {
	if w.doubled {
		return false
	}
	w.looks++
	w.doubled = w.looks > maxLooks || !isValid(key)
	return !w.doubled
}

// give has the encoding write v or, if that is not nil, text.
func (w *attrWriter) give(key string, v slog.Value, text []byte) {
	if text != nil {
		w.buf = w.encoding.AppendJSON(w.buf, w.path, key, text)
	} else {
		w.buf = w.encoding.AppendAttr(w.buf, w.path, key, v)
	}
}

// openEncoded has the encoding begin a group.
func (w *attrWriter) openEncoded(name string) {
	w.seeKey(name)
	w.given.add(note{what: groupBegins, key: name})
	name = w.free(name)
	w.buf = w.encoding.BeginGroup(w.buf, w.path, name)
	w.begins = append(w.begins, len(w.buf))
	w.path = append(w.path, name)
}

// closeEncoded has it end the group that was opened last.
func (w *attrWriter) closeEncoded() {
	w.given.add(note{what: groupEnds})
	last := len(w.begins) - 1
	begin, name := w.begins[last], w.path[last]
	w.begins, w.path = w.begins[:last], w.path[:last]
	w.buf = w.encoding.EndGroup(w.buf, w.path, name, begin)
}

// appendEncodedOf is appendAttrsOf for an encoding.
func (w *attrWriter) appendEncodedOf(r *slog.Record) (wrote bool) {
	short, anyReserved := w.replace == nil, w.depth == 0 && len(w.reserved.names) > 0
	i, scalars := 0, 0 // attributes seen; those before the scalars that were seen last
	buf := w.buf
	r.Attrs(func(a slog.Attr) bool {
		i++
		k := a.Value.Kind()
		if 1<<k&scalarKinds == 0 || !short || len(buf) >= w.longest {
			w.buf = buf
			w.given.addScalars(scalars, i-1)
			scalars = i
			if w.append(a) {
				wrote = true
			}
			buf = w.buf
			return true
		}
		if k == slog.KindString && len(a.Value.String()) > w.longest {
			a.Value = slog.StringValue(runePrefix(a.Value.String(), w.longest))
		}
		if (w.keys.add(a.Key) || !isValid(a.Key)) && w.look(a.Key) {
			w.doubled = w.given.has(a.Key, false) || recordHas(r, a.Key, i-1)
		}
		if anyReserved {
			a.Key = w.free(a.Key)
		}
		buf = w.encoding.AppendAttr(buf, w.path, a.Key, a.Value)
		wrote = true
		return true
	})
	w.buf = buf
	w.given.last, w.given.lastAt = scalars, len(w.given.list)
	return wrote
}

// recordHas reports whether one of the first n attributes of r has that key.
func recordHas(r *slog.Record, key string, n int) (has bool) {
	r.Attrs(func(a slog.Attr) bool {
		n--
		has = n >= 0 && a.Key == key
		return n > 0 && !has
	})
	return has
}

// cutEncoded is cut for attributes that are no JSON: only their AttrEncoding
// can shorten them, by writing them again, with values of at most some length
// and, if the least one does not help, with fewer attributes.
func (e *encoder) cutEncoded(r *slog.Record) bool {
	w, ev := &e.attrs, &e.event
	given := w.given.all(r)
	reserved := newNameSet(append(slices.Clip(e.c.layout.Reserved), cutName))
	whole := content{message: ev.Message, level: ev.LevelText, time: ev.TimeText, source: e.source}

	fits := func(longest, most int) bool {
		ev.Message, ev.LevelText, ev.TimeText = cutString(whole.message, longest), cutString(whole.level, longest), cutString(whole.time, longest)
		e.source = cutStrings(whole.source, longest)
		w.begin(e.c)
		w.reserved = &reserved
		w.replay(given[:most], longest)
		w.give(cutName, slog.BoolValue(true), nil)
		e.format()
		return len(e.buf) <= e.c.maxRecordBytes
	}
	all := len(given)
	longest := greatest(minCutString, max(e.c.maxRecordBytes, minCutString), func(n int) bool { return fits(n, all) })
	if longest >= 0 {
		return fits(longest, all)
	}
	most := greatest(0, all, func(n int) bool { return fits(minCutString, n) })
	return most >= 0 && fits(minCutString, most)
}

// greatest is about the greatest n from low to high that is good, as all below
// it are; -1 if there is none.
func greatest(low, high int, good func(n int) bool) int {
	if !good(low) {
		return -1
	}
	for high-low > 1+low/16 {
		if middle := low + (high-low)/2; good(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// replay writes what is noted again, no value with more than longest bytes. A
// group in which nothing is left is left out.
func (w *attrWriter) replay(list []note, longest int) {
	var begun []string // groups that nothing was written in yet
	for _, n := range list {
		switch {
		case n.what == groupBegins:
			begun = append(begun, n.key)
		case n.what == attrNoted:
			for _, name := range begun {
				w.open(name)
			}
			begun = begun[:0]
			v, text := n.short(longest)
			w.seeKey(n.key)
			w.given.add(n)
			w.give(w.free(n.key), v, text)
		case len(begun) > 0:
			begun = begun[:len(begun)-1]
		default:
			w.close()
		}
	}
	for w.depth > 0 {
		w.close()
	}
}

// short is the attribute's value with at most n bytes. One that is no scalar has
// its strings shortened; if that is not enough, it becomes a string with its
// beginning.
func (a *note) short(n int) (v slog.Value, text []byte) {
	v, text = a.value, a.text
	if b, ok := v.Any().([]byte); ok && base64.StdEncoding.EncodedLen(len(b)) > n {
		v, text = slog.Value{}, AppendString(nil, base64.StdEncoding.EncodeToString(b[:min(len(b), n)]))
	}
	switch {
	case v.Kind() == slog.KindString:
		return slog.StringValue(cutString(v.String(), n)), nil
	case len(text) <= n:
		return v, text
	}
	if short := cutJSON(text, n); short != nil {
		return v, short
	}
	return slog.StringValue(cutString(string(text), n)), nil
}

// cutJSON is a JSON value of at most n bytes, its longest strings shortened until
// all are equally long; nil if they would be shorter than minCutString.
func cutJSON(text []byte, n int) []byte {
	var lengths []int
	eachString(text, func(from, to int) {
		lengths = append(lengths, to-from)
		n += to - from
	})
	if n -= len(text); len(lengths) == 0 || n < 0 {
		return nil
	}
	limit := waterLevel(lengths, n)
	if limit < minCutString {
		return nil
	}
	return cutStrings(text, limit)
}
