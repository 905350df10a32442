package slogship

import (
	"encoding/base64"
	"log/slog"
	"slices"

	"github.com/slogship/slogship/internal/jsontext"
)

const (
	cutMark = jsontext.CutMark // ends a shortened string
	cutName = "_cut"           // is the attribute of a record that was cut

	// cutTries is how often a record that is too long is encoded, at most, to find how
	// much of it fits.
	cutTries = 8
)

// A shortener makes an Event's content smaller: the message, the source and the
// attributes. Content is measured in bytes of JSON, without the escapes in
// strings.
type shortener struct {
	lengths []int // of the strings
	buf     []byte
}

// appendCut appends the event that fresh returns, as f writes it, and cuts it to bound
// bytes if it is longer. It reports whether the event was cut, now or when it was
// captured, and whether it fits. If even the shortest form is too long, it returns dst.
// fresh is called each time the event is written, because f may change it.
func (s *shortener) appendCut(dst []byte, f Format, bound int, fresh func() *Event) (out []byte, cut, fits bool) {
	e := fresh()
	if e.Cut {
		markCut(e)
	}
	out = f.AppendEvent(dst, e)
	wholeLength := len(out) - len(dst)
	if wholeLength <= bound {
		return out, e.Cut, true
	}
	fits = cutTo(bound, s.content(fresh()), wholeLength, func(content int) (length, left int) {
		e := fresh()
		left = s.shorten(e, content)
		out = f.AppendEvent(dst, e)
		return len(out) - len(dst), left
	})
	if !fits {
		return dst, true, false
	}
	return out, true, true
}

// cutTo finds how much content of a record fits into bound bytes when it is encoded.
// encode cuts the record to that much content and encodes it; it returns the length and
// how much content was left. The last call of encode is one that fits. cutTo returns
// false if even the shortest form is too long.
//
// The first guess is right for a Format that writes content as JSON does. Other
// encodings (JSON in a JSON string, protobuf) need more or fewer bytes. Each next guess
// is interpolated between the most that fitted and the least that did not, and then
// lowered a little.
func cutTo(bound, whole, wholeLength int, encode func(content int) (length, left int)) bool {
	fits, tooMuch, tooLong := 0, whole, wholeLength
	length, left := encode(fits)
	if length > bound {
		return false
	}
	guess := left + bound - length
	for range cutTries {
		got, _ := encode(guess)
		switch {
		case got > bound:
			tooMuch, tooLong = guess, got
		case got >= bound-bound/16:
			return true
		default:
			fits, left, length = guess, guess, got
		}
		room := int64(tooMuch-left) * int64(bound-length) / int64(tooLong-length)
		guess = left + int(room-room/32)
	}
	encode(fits)
	return true
}

// content returns how much content e has, without "_cut".
func (s *shortener) content(e *Event) int {
	n := len(e.Message)
	for _, v := range builtinValues(e) {
		n += s.size(*v)
	}
	return n + s.sizeOf(e.Source) + s.sizeOf(e.Attrs)
}

// shorten cuts e to the given amount of content, and adds "_cut". More is left only if
// e cannot be made shorter. The longest strings are shortened until all are equally
// long; if that is not enough, attributes are left out from the end.
func (s *shortener) shorten(e *Event, content int) (left int) {
	s.lengths = s.lengths[:0]
	total := s.content(e)
	s.lengths = append(s.lengths, len(e.Message))
	for _, v := range builtinValues(e) {
		s.noteStrings(*v)
	}
	s.noteStringsOf(e.Source)
	s.noteStringsOf(e.Attrs)
	other := total
	for _, n := range s.lengths {
		other -= n
	}
	limit := max(jsontext.WaterLevel(s.lengths, content-other), jsontext.MinCut)

	e.Message = jsontext.ShortenString(e.Message, limit)
	for _, v := range builtinValues(e) {
		*v = shortenValue(*v, limit)
		if v.Kind() != slog.KindString && s.size(*v) > limit+jsontext.MinCut {
			*v = slog.StringValue(cutMark) // it is long for other reasons, and cannot be left out
		}
	}
	shortenAttrs(e.Source, limit)
	shortenAttrs(e.Attrs, limit)

	room := content - s.content(&Event{
		Message: e.Message, TimeValue: e.TimeValue, LevelValue: e.LevelValue,
		MessageValue: e.MessageValue, SourceValue: e.SourceValue,
	})
	e.Source, room, _ = s.leaveOut(e.Source, room)
	e.Attrs, _, _ = s.leaveOut(e.Attrs, room)
	left = s.content(e)
	markCut(e)
	return left
}

// markCut adds the attribute that says that e was cut.
func markCut(e *Event) {
	e.Cut = true
	e.Attrs = append(slices.Clip(e.Attrs), slog.Bool(cutName, true))
}

// builtinValues are what ReplaceAttr made of the built-in attributes, where that
// is of another kind.
func builtinValues(e *Event) [4]*slog.Value {
	return [...]*slog.Value{&e.TimeValue, &e.LevelValue, &e.MessageValue, &e.SourceValue}
}

func (s *shortener) sizeOf(attrs []slog.Attr) (n int) {
	for i := range attrs {
		n += s.attrSize(&attrs[i])
	}
	return n
}

// attrSize is the length of a in JSON: its name, its value, two quotes, a colon and a
// comma.
func (s *shortener) attrSize(a *slog.Attr) int { return len(a.Key) + 4 + s.size(a.Value) }

func (s *shortener) size(v slog.Value) int {
	switch v.Kind() {
	case slog.KindString:
		return 2 + len(v.String())
	case slog.KindGroup:
		return 2 + s.sizeOf(v.Group())
	case slog.KindAny:
		switch v := v.Any().(type) {
		case nil:
			return 0
		case *JSON:
			return len(v.Text)
		case *Bytes:
			return 2 + base64.StdEncoding.EncodedLen(len(v.Data))
		case *Error:
			return 2 + len(v.Text) + stackSize(v)
		}
	}
	s.buf = AppendValue(s.buf[:0], v)
	return len(s.buf)
}

func stackSize(e *Error) (n int) {
	for i := range e.Stack {
		n += len(e.Stack[i].Function) + len(e.Stack[i].File) + 16
	}
	return n
}

// noteStrings notes the lengths of all strings in v.
func (s *shortener) noteStrings(v slog.Value) {
	switch v.Kind() {
	case slog.KindString:
		s.lengths = append(s.lengths, len(v.String()))
	case slog.KindGroup:
		s.noteStringsOf(v.Group())
	case slog.KindAny:
		switch v := v.Any().(type) {
		case *JSON:
			jsontext.EachString(v.Text, func(from, to int) { s.lengths = append(s.lengths, to-from) })
		case *Bytes:
			s.lengths = append(s.lengths, base64.StdEncoding.EncodedLen(len(v.Data)))
		case *Error:
			s.lengths = append(s.lengths, len(v.Text))
		}
	}
}

func (s *shortener) noteStringsOf(attrs []slog.Attr) {
	for i := range attrs {
		s.noteStrings(attrs[i].Value)
	}
}

// shortenAttrs shortens all strings in attrs to at most limit bytes.
func shortenAttrs(attrs []slog.Attr, limit int) {
	for i := range attrs {
		attrs[i].Value = shortenValue(attrs[i].Value, limit)
	}
}

func shortenValue(v slog.Value, limit int) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		if s := v.String(); len(s) > limit {
			return slog.StringValue(jsontext.ShortenString(s, limit))
		}
	case slog.KindGroup:
		shortenAttrs(v.Group(), limit)
	case slog.KindAny:
		switch v := v.Any().(type) {
		case *JSON:
			v.Text = jsontext.ShortenStrings(v.Text, limit)
		case *Bytes:
			if base64.StdEncoding.EncodedLen(len(v.Data)) > limit { // base64 has no place for a mark, a string has
				front := v.Data[:max(limit-len(cutMark), 0)/4*3]
				return slog.StringValue(base64.StdEncoding.EncodeToString(front) + cutMark)
			}
		case *Error:
			v.Text = jsontext.ShortenString(v.Text, limit)
		}
	}
	return v
}

// leaveOut leaves out attributes from the end, however deep in groups they are, until
// what remains has at most room bytes of content; the stacks of errors are left out
// first. It works in the memory of attrs, and returns the room that is left, and
// whether it left out any.
func (s *shortener) leaveOut(attrs []slog.Attr, room int) (kept []slog.Attr, left int, some bool) {
	if n := s.sizeOf(attrs); n <= room {
		return attrs, room - n, false
	}
	dropStacks(attrs)
	return s.front(attrs, room)
}

func dropStacks(attrs []slog.Attr) {
	for i := range attrs {
		switch v := attrs[i].Value; v.Kind() {
		case slog.KindGroup:
			dropStacks(v.Group())
		case slog.KindAny:
			if e, ok := v.Any().(*Error); ok {
				e.Stack = nil
			}
		}
	}
}

// front keeps the longest front of attrs that has room.
func (s *shortener) front(attrs []slog.Attr, room int) (kept []slog.Attr, left int, some bool) {
	for i := range attrs {
		a := &attrs[i]
		if a.Value.Kind() != slog.KindGroup {
			n := s.attrSize(a)
			if n > room {
				return attrs[:i], 0, true
			}
			room -= n
			continue
		}
		members, inside, ended := s.front(a.Value.Group(), room-len(a.Key)-6)
		if !ended {
			room = inside
			continue
		}
		if len(members) == 0 {
			return attrs[:i], 0, true
		}
		a.Value = slog.GroupValue(members...)
		return attrs[:i+1], 0, true
	}
	return attrs, room, false
}
