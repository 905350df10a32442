package slogship

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"slices"
)

const (
	cutMark   = "…[cut]"      // stands at the end of a shortened string
	cutMember = `"_cut":true` // stands among the attributes of a cut record
	cutName   = `"_cut"`

	// No string is made shorter than this, its mark included: before that,
	// whole attributes are left out.
	minCutString = 40
)

type cutResult uint8

const (
	cutDone     cutResult = iota
	cutFailed             // even without attributes it is too long
	cutPanicked           // the Format panicked
)

// cut makes the event in buf, which is longer than maxRecordBytes, fit: its
// longest strings, the message among them, are shortened until all are equally
// long; if that is not enough, attributes are left out from the end. The event
// stays what the Format writes, for the Format writes it again.
func (e *encoder) cut(ctx context.Context, h *Handler, r *slog.Record) cutResult {
	if e.c.layout.Attrs != nil {
		return e.cutEncoded(ctx, h, r)
	}
	attrs := renameRoot(bytes.Clone(e.attrs.buf), cutName)
	message := e.event.Message
	messageLen := e.messageLen
	if messageLen == 0 {
		messageLen = len(appendEscaped(nil, message))
	}
	fixed := len(e.buf) - messageLen - len(e.attrs.buf)
	room := e.c.maxRecordBytes - fixed - len(","+cutMember+",")

	// More than once only for a Format that writes the parts in a way of its
	// own, longer than JSON.
	for range 4 {
		if room < 0 {
			return cutFailed
		}
		e.event.Message, e.attrs.buf = fit(message, attrs, room)
		if !e.format() {
			return cutPanicked
		}
		over := len(e.buf) - e.c.maxRecordBytes
		if over <= 0 {
			return cutDone
		}
		room -= over
	}
	return cutFailed
}

// cutEncoded is cut for attributes that are no JSON: only their AttrEncoding
// can shorten them, by writing them again, with shorter strings first and then
// with fewer attributes.
func (e *encoder) cutEncoded(ctx context.Context, h *Handler, r *slog.Record) cutResult {
	message := e.event.Message
	try := func(longest, most int) (fits, ok bool) {
		e.event.Message = message
		if len(message) > longest {
			e.event.Message = cutRaw(message, longest-len(cutMark)) + cutMark
		}
		w := &e.attrs
		w.begin(e.c)
		w.longest, w.most = longest, most
		e.writeAttrs(ctx, h, r)
		w.most = 1
		w.one("_cut", slog.BoolValue(true))
		ok = e.format()
		return ok && len(e.buf) <= e.c.maxRecordBytes, ok
	}
	longest, most := max(e.c.maxRecordBytes/2, minCutString), math.MaxInt
	for {
		switch fits, ok := try(longest, most); {
		case !ok:
			return cutPanicked
		case fits:
			return cutDone
		case longest > minCutString:
			longest = max(longest/2, minCutString)
		case most == math.MaxInt:
			most = len(e.buf) / 8 // an attribute takes more than that
		case most > 0:
			most /= 2
		default:
			return cutFailed
		}
	}
}

// fit shortens message and attrs to room bytes together, and marks attrs. The
// mark, and the message's own mark if nothing else is left of it, come on top.
func fit(message string, attrs []byte, room int) (string, []byte) {
	escaped := appendEscaped(nil, message)
	lengths := []int{len(escaped)}
	total := 0
	eachString(attrs, func(from, to int) {
		lengths = append(lengths, to-from)
		total += to - from
	})
	limit := max(waterLevel(lengths, room-(len(attrs)-total)), minCutString)

	if len(escaped) > limit {
		message = cutRaw(message, limit-len(cutMark)) + cutMark
	}
	short := make([]byte, 0, min(len(attrs), room)+len(","+cutMember))
	done := 0
	eachString(attrs, func(from, to int) {
		if to-from <= limit {
			return
		}
		short = append(short, attrs[done:cutEscaped(attrs, from, from+limit-len(cutMark))]...)
		short = append(short, cutMark...)
		done = to
	})
	short = append(short, attrs[done:]...)
	short = leaveOut(short, room-len(appendEscaped(nil, message)))
	if len(short) > 0 {
		short = append(short, ',')
	}
	return message, append(short, cutMember...)
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

// eachString calls f with the bounds of each string in b that is a value,
// without its quotes.
func eachString(b []byte, f func(from, to int)) {
	for i := 0; i < len(b); {
		if b[i] != '"' {
			i++
			continue
		}
		end := skipString(b, i)
		if end >= len(b) || b[end] != ':' {
			f(i+1, end-1)
		}
		i = end
	}
}

// cutRaw is the longest front of s that takes at most n bytes once escaped.
func cutRaw(s string, n int) string {
	s = runePrefix(s, n)
	for {
		over := len(appendEscaped(nil, s)) - n
		if over <= 0 {
			return s
		}
		// A byte grows to at most six.
		s = runePrefix(s, len(s)-max(over/6, 1))
	}
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

// leaveOut shortens the members in b to at most room bytes, by leaving out
// members from the end, however deep in objects they stand.
func leaveOut(b []byte, room int) []byte {
	if len(b) <= room {
		return b
	}
	keep, open := 0, 0 // the longest front found so far, and the objects open there
	depth := 0
	for i := 0; i < len(b); {
		if b[i] == ',' {
			i++
		}
		i = skipString(b, i) + 1 // the key and its colon
		if b[i] == '{' && b[i+1] != '}' {
			i++
			depth++
			continue
		}
		i = skipValue(b, i)
		for {
			if i+depth <= room {
				keep, open = i, depth
			}
			if i >= len(b) || b[i] != '}' {
				break
			}
			i++
			depth--
		}
		if i+depth > room {
			break
		}
	}
	b = b[:keep]
	for range open {
		b = append(b, '}')
	}
	return b
}

// renameRoot gives the members called name (with its quotes) at the root of b
// a trailing underscore.
func renameRoot(b []byte, name string) []byte {
	for i := 0; ; {
		m, ok := nextMember(b, i)
		if !ok {
			return b
		}
		i = m.end
		if string(b[m.key:m.colon]) == name {
			b = slices.Insert(b, m.colon-1, '_')
			i++
		}
	}
}
