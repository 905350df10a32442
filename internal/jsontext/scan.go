package jsontext

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendValid appends the JSON value src to dst in canonical form. It reports whether
// src is one valid JSON value, nested at most depth deep; if not, it returns dst
// unchanged. Of duplicate keys in an object, the last is kept.
//
// Invalid UTF-8, half a surrogate pair, a number outside the range of float64 and
// duplicate keys are accepted by some decoders. Others refuse the whole batch because
// of them.
func AppendValid(dst, src []byte, depth int) ([]byte, bool) {
	s := scanners.Get().(*scanner)
	defer s.release()
	s.src, s.i, s.dst = src, 0, dst
	s.space()
	if !s.value(depth) {
		return dst, false
	}
	s.space()
	if s.i != len(src) {
		return dst, false
	}
	return s.withoutSuperseded(), true
}

// scanner copies one JSON value from src to dst.
type scanner struct {
	src []byte
	i   int
	dst []byte

	keys       []key     // of the objects that are open, the innermost last
	superseded []segment // of dst, each a member with the comma after it
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// keepKeys is the largest number of keys for which a scanner in the pool keeps memory.
const keepKeys = 1024

// release drops the references to memory of the caller, and returns s to the pool.
func (s *scanner) release() {
	s.src, s.dst, s.keys, s.superseded = nil, nil, s.keys[:0], s.superseded[:0]
	if max(cap(s.keys), cap(s.superseded)) <= keepKeys {
		scanners.Put(s)
	}
}

// A key is from from to to in dst, its quotes included.
type key struct{ from, to int }

type segment struct{ from, to int }

func (s *scanner) peek() byte {
	if s.i < len(s.src) {
		return s.src[s.i]
	}
	return 0
}

func (s *scanner) space() {
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
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	s.dst = append(s.dst, c)
	return true
}

func (s *scanner) value(depth int) bool {
	switch c := s.peek(); {
	case c == '{':
		return depth > 0 && s.object(depth-1)
	case c == '[':
		return depth > 0 && s.array(depth-1)
	case c == '"':
		return s.string()
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	return s.word("true") || s.word("false") || s.word("null")
}

func (s *scanner) word(w string) bool {
	if len(s.src)-s.i < len(w) || string(s.src[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	s.dst = append(s.dst, w...)
	return true
}

func (s *scanner) array(depth int) bool {
	s.accept('[')
	s.space()
	if s.accept(']') {
		return true
	}
	for {
		if !s.value(depth) {
			return false
		}
		s.space()
		if s.accept(']') {
			return true
		}
		if !s.accept(',') {
			return false
		}
		s.space()
	}
}

func (s *scanner) object(depth int) bool {
	s.accept('{')
	s.space()
	if s.accept('}') {
		return true
	}
	o := objectKeys{first: len(s.keys)}
	for {
		from := len(s.dst)
		if !s.string() {
			return false
		}
		s.note(&o, key{from, len(s.dst)})
		s.space()
		if !s.accept(':') {
			return false
		}
		s.space()
		if !s.value(depth) {
			return false
		}
		s.space()
		if s.accept('}') {
			s.keys = s.keys[:o.first]
			return true
		}
		if !s.accept(',') {
			return false
		}
		s.space()
	}
}

// objectKeys are the keys of one open object: keys[first:] of its scanner once
// the objects in it are closed.
type objectKeys struct {
	first int
	index map[string]int // of each key the last one in keys; made once they are many
}

// manyKeys is how many keys are looked through one by one.
const manyKeys = 16

// note notes a key of o, and the member that it supersedes, if any.
func (s *scanner) note(o *objectKeys, k key) {
	name, before := s.dst[k.from:k.to], -1
	if own := s.keys[o.first:]; len(own) < manyKeys {
		for i := len(own) - 1; i >= 0 && before < 0; i-- {
			if bytes.Equal(s.dst[own[i].from:own[i].to], name) {
				before = o.first + i
			}
		}
	} else {
		if o.index == nil {
			o.index = make(map[string]int, 4*manyKeys)
			for i, k := range own {
				o.index[string(s.dst[k.from:k.to])] = o.first + i
			}
		}
		if i, ok := o.index[string(name)]; ok {
			before = i
		}
		o.index[string(name)] = len(s.keys)
	}
	s.keys = append(s.keys, k)
	if before >= 0 {
		s.superseded = append(s.superseded, segment{s.keys[before].from, s.keys[before+1].from})
	}
}

// withoutSuperseded is dst without the members that a later one of the same
// name supersedes.
func (s *scanner) withoutSuperseded() []byte {
	if len(s.superseded) == 0 {
		return s.dst
	}
	slices.SortFunc(s.superseded, func(a, b segment) int { return cmp.Compare(a.from, b.from) })
	out, done := s.dst[:s.superseded[0].from], s.superseded[0].from
	for _, g := range s.superseded {
		if g.from < done {
			continue // inside one that is left out already
		}
		out = append(out, s.dst[done:g.from]...)
		done = g.to
	}
	return append(out, s.dst[done:]...)
}

// string copies a string in its canonical form, so that equal strings are
// byte-identical.
func (s *scanner) string() bool {
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
			s.dst = appendRune(s.dst, r)
			s.i += size
		}
	}
}

// escape decodes the next escape and copies the result.
func (s *scanner) escape() bool {
	r, n := unescape(s.src[s.i:])
	s.dst = appendRune(s.dst, r)
	s.i += n
	return n > 0
}

// unescape decodes the escape at the beginning of b. n is its length, or 0 if it is not
// valid. Half a surrogate pair is U+FFFD.
func unescape(b []byte) (r rune, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch c := b[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	r, ok := unicodeEscape(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		if low, ok := unicodeEscape(b[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	}
	return r, 6
}

// unicodeEscape reads \uXXXX at the beginning of b.
func unicodeEscape(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(v), err == nil
}

// AppendUnquoted appends the string that text, a canonical JSON string, encodes.
func AppendUnquoted(dst, text []byte) []byte {
	text = text[1 : len(text)-1]
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		r, n := unescape(text[i:])
		dst = utf8.AppendRune(append(dst, text[:i]...), r)
		text = text[i+n:]
	}
}

func (s *scanner) number() bool {
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

func (s *scanner) skip(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) digits() bool {
	from := s.i
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.i++
	}
	return s.i > from
}
