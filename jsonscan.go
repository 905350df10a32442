package slogship

import (
	"encoding/binary"
	stdjson "encoding/json"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// appendValid appends the JSON value src to dst, without its white space, and
// reports whether src is one valid JSON value that nests at most depth deep;
// dst is returned as it was if not. On the way, what is not UTF-8 becomes
// U+FFFD, half a surrogate pair too, and a number outside the range of float64
// becomes a string: each of these is accepted by some decoders, and has others
// refuse the whole batch.
func appendValid(dst, src []byte, depth int) ([]byte, bool) {
	s := jsonScanner{src: src, dst: dst}
	s.space()
	if !s.value(depth) {
		return dst, false
	}
	s.space()
	if s.i != len(src) {
		return dst, false
	}
	return s.dst, true
}

// jsonScanner copies one JSON value from src to dst.
type jsonScanner struct {
	src []byte
	i   int
	dst []byte
}

func (s *jsonScanner) peek() byte {
	if s.i < len(s.src) {
		return s.src[s.i]
	}
	return 0
}

func (s *jsonScanner) space() {
	for s.i < len(s.src) {
		switch s.src[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// accept copies c if it comes next.
func (s *jsonScanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	s.dst = append(s.dst, c)
	return true
}

func (s *jsonScanner) value(depth int) bool {
	switch c := s.peek(); {
	case c == '{':
		return depth > 0 && s.list('}', func() bool {
			if !s.key() {
				return false
			}
			s.space()
			if !s.accept(':') {
				return false
			}
			s.space()
			return s.value(depth - 1)
		})
	case c == '[':
		return depth > 0 && s.list(']', func() bool { return s.value(depth - 1) })
	case c == '"':
		return s.string()
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	return s.word("true") || s.word("false") || s.word("null")
}

func (s *jsonScanner) word(w string) bool {
	if len(s.src)-s.i < len(w) || string(s.src[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	s.dst = append(s.dst, w...)
	return true
}

// list copies elements between the bracket that comes next and end.
func (s *jsonScanner) list(end byte, element func() bool) bool {
	s.accept(s.peek())
	s.space()
	if s.accept(end) {
		return true
	}
	for {
		if !element() {
			return false
		}
		s.space()
		if s.accept(end) {
			return true
		}
		if !s.accept(',') {
			return false
		}
		s.space()
	}
}

// key copies a string in its one canonical form, so that equal keys are equal
// bytes.
func (s *jsonScanner) key() bool {
	at := len(s.dst)
	if !s.string() {
		return false
	}
	for _, c := range s.dst[at:] {
		if c == '\\' {
			var name string
			if stdjson.Unmarshal(s.dst[at:], &name) != nil {
				return false
			}
			s.dst = AppendString(s.dst[:at], name)
			break
		}
	}
	return true
}

func (s *jsonScanner) string() bool {
	if !s.accept('"') {
		return false
	}
	for {
		from := s.i
		for s.i+8 <= len(s.src) {
			m := special(binary.LittleEndian.Uint64(s.src[s.i:]))
			if m != 0 {
				s.i += bits.TrailingZeros64(m) >> 3
				break
			}
			s.i += 8
		}
		for s.i < len(s.src) && 0x20 <= s.src[s.i] && s.src[s.i] < utf8.RuneSelf && s.src[s.i] != '"' && s.src[s.i] != '\\' {
			s.i++
		}
		s.dst = append(s.dst, s.src[from:s.i]...)
		switch c := s.peek(); {
		case c == '"':
			return s.accept('"')
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < 0x20: // also the end
			return false
		default:
			r, size := utf8.DecodeRune(s.src[s.i:])
			s.dst = utf8.AppendRune(s.dst, r)
			s.i += size
		}
	}
}

func (s *jsonScanner) escape() bool {
	if len(s.src)-s.i < 2 {
		return false
	}
	switch s.src[s.i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.dst = append(s.dst, s.src[s.i:s.i+2]...)
		s.i += 2
		return true
	case 'u':
		r, ok := unicodeEscape(s.src[s.i:])
		if !ok {
			return false
		}
		if !utf16.IsSurrogate(r) {
			s.dst = append(s.dst, s.src[s.i:s.i+6]...)
			s.i += 6
			return true
		}
		if low, ok := unicodeEscape(s.src[s.i+6:]); ok {
			if utf16.DecodeRune(r, low) != utf8.RuneError {
				s.dst = append(s.dst, s.src[s.i:s.i+12]...)
				s.i += 12
				return true
			}
		}
		s.dst = append(s.dst, `\ufffd`...)
		s.i += 6
		return true
	}
	return false
}

// unicodeEscape reads \uXXXX at the beginning of b.
func unicodeEscape(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(v), err == nil
}

func (s *jsonScanner) number() bool {
	from := s.i
	s.skip('-')
	switch c := s.peek(); {
	case c == '0':
		s.i++
	case '1' <= c && c <= '9':
		s.digits()
	default:
		return false
	}
	if s.skip('.') && !s.digits() {
		return false
	}
	exponent := s.skip('e') || s.skip('E')
	if exponent {
		if !s.skip('+') {
			s.skip('-')
		}
		if !s.digits() {
			return false
		}
	}
	text := s.src[from:s.i]
	if exponent || len(text) > 308 { // the greatest float64 has 309 digits
		if _, err := strconv.ParseFloat(string(text), 64); err != nil {
			s.dst = append(s.dst, '"')
			s.dst = append(s.dst, text...)
			s.dst = append(s.dst, '"')
			return true
		}
	}
	s.dst = append(s.dst, text...)
	return true
}

func (s *jsonScanner) skip(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

func (s *jsonScanner) digits() bool {
	from := s.i
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.i++
	}
	return s.i > from
}

// What follows reads JSON that this package wrote, and so need not validate it.

// skipValue returns where the value that begins at i ends.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // ends a scalar before it
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// skipString returns the index behind the closing quote of the string whose
// opening quote is at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(b))
}

// A member is one key and its value, as offsets.
type member struct{ key, colon, end int }

// name is the key of m, a member of b, without its quotes.
func (m member) name(b []byte) []byte { return b[m.key+1 : m.colon-1] }

// nextMember finds the member at or behind i, over a comma.
func nextMember(b []byte, i int) (member, bool) {
	if i < len(b) && b[i] == ',' {
		i++
	}
	if i >= len(b) || b[i] != '"' {
		return member{}, false
	}
	colon := skipString(b, i)
	return member{key: i, colon: colon, end: skipValue(b, colon+1)}, true
}
