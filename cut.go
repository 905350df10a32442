package slogship

import (
	"log/slog"
	"slices"
	"unicode/utf8"
)

const (
	cutMark   = "…[cut]"      // stands at the end of a shortened string
	cutName   = "_cut"        // is the attribute of a record that was cut
	cutMember = `"_cut":true` // stands last among the attributes

	// No string is made shorter than this, its mark included: before that,
	// whole attributes are left out.
	minCutString = 40
)

// cut makes the event in buf, which is longer than maxRecordBytes, fit, and
// marks it: its longest strings, the message among them, are shortened until
// all are equally long; if that is not enough, attributes are left out from the
// end. The event stays what the Format writes, for the Format writes it again.
// There may be no way to have it fit; ok is false if the Format panicked.
func (e *encoder) cut(r *slog.Record) (fits, ok bool) {
	defer func() {
		if !ok {
			_ = recover()
		}
	}()
	if e.c.layout.Attrs != nil {
		return e.cutEncoded(r), true
	}
	ev, bound := &e.event, e.c.maxRecordBytes
	whole := content{
		message: ev.Message, level: ev.LevelText, time: ev.TimeText,
		source: e.source,
		attrs:  renameMembers(e.attrs.buf, cutName, e.c.layout.Reserved),
	}
	size := func(c content) int {
		ev.Message, ev.LevelText, ev.TimeText = c.message, c.level, c.time
		e.source, e.attrs.buf = c.source, c.attrs
		e.format()
		return len(e.buf)
	}

	// The least that can be left shows what the Format adds.
	least := whole.fit(0)
	floor, base := least.size(), size(least)
	if base > bound {
		return false, true
	}
	// The first try fits with a Format that writes the content as it is. One
	// that writes it in a way of its own, as JSON in a JSON string perhaps,
	// needs more room for it, by a factor that shows.
	room := bound - base
	for range 8 {
		got := size(whole.fit(floor + room))
		if got <= bound {
			return true, true
		}
		room = int(int64(room) * int64(bound-base) / int64(got-base))
		room -= room / 32 // the factor is not the same everywhere
	}
	size(least)
	return true, true
}

// content is what there is of an event that can be long: strings, and members
// of a JSON object.
type content struct {
	message, level, time string
	source, attrs        []byte
}

// size is the length of c in JSON, quotes around the strings not counted.
func (c content) size() int {
	return escapedLen(c.message) + escapedLen(c.level) + escapedLen(c.time) + len(c.source) + len(c.attrs)
}

func escapedLen(s string) int { return len(appendEscaped(nil, s)) }

// fit returns c cut to that size, and marked. It is larger only if it cannot
// be smaller.
func (c content) fit(size int) content {
	lengths := []int{escapedLen(c.message), escapedLen(c.level), escapedLen(c.time)}
	other := len(c.source) + len(c.attrs) + len(","+cutMember)
	for _, members := range [][]byte{c.source, c.attrs} {
		eachString(members, func(from, to int) {
			lengths = append(lengths, to-from)
			other -= to - from
		})
	}
	limit := max(waterLevel(lengths, size-other), minCutString)

	c.message, c.level, c.time = cutString(c.message, limit), cutString(c.level, limit), cutString(c.time, limit)
	c.source = cutStrings(c.source, limit)
	attrs := cutStrings(c.attrs, limit)
	c.attrs = nil
	c.attrs = leaveOut(attrs, size-c.size()-len(","+cutMember))
	if len(c.attrs) > 0 {
		c.attrs = append(c.attrs, ',')
	}
	c.attrs = append(c.attrs, cutMember...)
	return c
}

// waterLevel is the greatest limit such that the lengths, each but up to the
// limit, sum up to at most room.
func waterLevel(lengths []int, room int) int {
	slices.Sort(lengths)
	for i, n := range lengths {
		left := len(lengths) - i
		if n*left > room {
			return room / left
		}
		room -= n
	}
	return lengths[len(lengths)-1]
}

// eachString calls f with the bounds of each string in members that is a
// value, without its quotes.
func eachString(members []byte, f func(from, to int)) {
	for i := 0; i < len(members); {
		if members[i] != '"' {
			i++
			continue
		}
		end := skipString(members, i)
		if end >= len(members) || members[end] != ':' {
			f(i+1, end-1)
		}
		i = end
	}
}

// cutString shortens s to at most limit bytes in JSON, its mark included.
func cutString(s string, limit int) string {
	if len(s) <= limit && escapedLen(s) <= limit {
		return s
	}
	left, n := limit-len(cutMark), 0
	for _, step := range []int{1 << 10, 1} { // by pieces, then by runes
		for n < len(s) {
			piece := runePrefix(s[n:], step)
			if step == 1 {
				_, size := utf8.DecodeRuneInString(s[n:])
				piece = s[n : n+size]
			}
			grown := escapedLen(piece)
			if grown > left {
				break
			}
			n, left = n+len(piece), left-grown
		}
	}
	return s[:n] + cutMark
}

// cutStrings shortens the strings in members likewise.
func cutStrings(members []byte, limit int) []byte {
	out := make([]byte, 0, len(members))
	done := 0
	eachString(members, func(from, to int) {
		if to-from > limit {
			out = append(out, members[done:cutEscaped(members, from, from+limit-len(cutMark))]...)
			out = append(out, cutMark...)
			done = to
		}
	})
	return append(out, members[done:]...)
}

// cutEscaped is the greatest index up to limit at which the content of a JSON
// string that begins at from can end: between two characters, and not between
// the halves of a surrogate pair.
func cutEscaped(b []byte, from, limit int) int {
	for i := from; ; {
		next := i + 1
		switch {
		case b[i] == '\\' && b[i+1] == 'u':
			next = i + 6
			if b[i+2]|0x20 == 'd' && b[i+3] >= '8' { // the scanner leaves whole pairs only
				next = i + 12
			}
		case b[i] == '\\':
			next = i + 2
		case b[i] >= 0xc0:
			for next < len(b) && b[next]&0xc0 == 0x80 {
				next++
			}
		}
		if next > limit {
			return i
		}
		i = next
	}
}

// leaveOut shortens members, which is its own to change, to at most size bytes
// by leaving out members from the end, however deep in objects they stand.
func leaveOut(members []byte, size int) []byte {
	if len(members) <= size {
		return members
	}
	keep, open := 0, 0 // the longest front found so far, and the objects open there
	depth := 0
	for i := 0; i+depth <= size; { // at the key of a member
		i = skipString(members, i) + 1
		if members[i] == '{' && members[i+1] != '}' {
			i, depth = i+1, depth+1
			continue
		}
		i = skipValue(members, i)
		if i+depth <= size {
			keep, open = i, depth
		}
		for i < len(members) && members[i] == '}' {
			i, depth = i+1, depth-1
		}
		i++ // over the comma
	}
	members = members[:keep]
	for range open {
		members = append(members, '}')
	}
	return members
}
