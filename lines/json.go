package lines

import (
	"encoding/json"
	"log/slog"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxGroups is how deep objects become groups. What is deeper stays JSON.
const maxGroups = 100

// maxNesting is how deep a line may nest at all; encoding/json has the same
// bound. A line beyond it is text.
const maxNesting = 10000

// document reports whether all of s is a JSON object, and makes attributes of
// its members.
//
// The scanning methods below take the index at which something begins in s and
// return the index after it, or -1 if it is not valid JSON. Control characters
// in a string, which JSON wants escaped, are let pass where the string becomes
// a Go string.
func (d *Decoder) document(s string) bool {
	if d.object(s, 0, 0) == len(s) {
		return true
	}
	d.reset()
	return false
}

// object reads the object at i, which has depth others around it, and pushes
// its members onto d.attrs.
func (d *Decoder) object(s string, i, depth int) int {
	i = skipSpace(s, i+1)
	if i < len(s) && s[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(s) || s[i] != '"' {
			return -1
		}
		var key string
		key, i = d.string(s, i)
		if i < 0 {
			return -1
		}
		i = skipSpace(s, i)
		if i >= len(s) || s[i] != ':' {
			return -1
		}
		i = d.member(s, skipSpace(s, i+1), key, depth)
		if i < 0 {
			return -1
		}
		i = skipSpace(s, i)
		if i >= len(s) {
			return -1
		}
		switch s[i] {
		case ',':
			if depth == 0 {
				d.whole, d.members = i, len(d.attrs)
			}
			i = skipSpace(s, i+1)
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// member reads the value at i of the member key.
func (d *Decoder) member(s string, i int, key string, depth int) int {
	if i >= len(s) {
		return -1
	}
	f := noField
	if depth == 0 {
		f = d.fieldOf(key)
	}
	switch c := s[i]; c {
	case '"':
		v, end := d.string(s, i)
		if end >= 0 && !d.take(f, v) {
			d.attrs = append(d.attrs, slog.String(key, v))
		}
		return end
	case '{':
		if depth == maxGroups {
			return d.raw(s, i, key)
		}
		base := len(d.attrs)
		end := d.object(s, i, depth+1)
		if end >= 0 {
			group := d.group(d.attrs[base:])
			d.attrs = append(d.attrs[:base], slog.Attr{Key: key, Value: group})
		}
		return end
	case '[':
		return d.raw(s, i, key)
	case 't', 'f', 'n':
		end := skipWord(s, i)
		if end >= 0 {
			value := slog.AnyValue(nil)
			if c != 'n' {
				value = slog.BoolValue(c == 't')
			}
			d.attrs = append(d.attrs, slog.Attr{Key: key, Value: value})
		}
		return end
	}
	n, end := scanNumber(s, i)
	if end >= 0 && !d.takeNumber(f, n) {
		d.attrs = append(d.attrs, slog.Attr{Key: key, Value: n.value()})
	}
	return end
}

// raw pushes the value at i as it is.
func (d *Decoder) raw(s string, i int, key string) int {
	end := skipValue(s, i, 0)
	if end >= 0 {
		d.attrs = append(d.attrs, slog.Any(key, json.RawMessage(d.copyBytes(s[i:end]))))
	}
	return end
}

// string returns the string at i.
func (d *Decoder) string(s string, i int) (value string, end int) {
	begin := i + 1
	for i = begin; i < len(s); i++ {
		switch s[i] {
		case '"':
			return s[begin:i], i + 1
		case '\\':
			return d.escaped(s, begin, i)
		}
	}
	return "", -1
}

// escaped returns the string that begins at begin, whose first escape is at i.
func (d *Decoder) escaped(s string, begin, i int) (value string, end int) {
	var short [256]byte
	buf := append(short[:0], s[begin:i]...)
	for i < len(s) {
		switch c := s[i]; c {
		case '"':
			return d.copy(buf), i + 1
		case '\\':
			size := escapeLen(s, i)
			if size < 0 {
				return "", -1
			}
			if size == 2 {
				buf = append(buf, unescape(s[i+1]))
				i += 2
				continue
			}
			r := hex4(s, i+2)
			i += size
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+1 < len(s) && s[i] == '\\' && s[i+1] == 'u' {
					low = hex4(s, i+2)
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += size
				}
			}
			buf = utf8.AppendRune(buf, r)
		default:
			buf = append(buf, c)
			i++
		}
	}
	return "", -1
}

// escapeLen returns the length of the escape at i, or -1 if it is none of
// JSON's.
func escapeLen(s string, i int) int {
	if i+1 >= len(s) {
		return -1
	}
	switch s[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if hex4(s, i+2) >= 0 {
			return 6
		}
	}
	return -1
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// hex4 returns the number that the four hexadecimal digits at i are, or -1.
func hex4(s string, i int) rune {
	if i+4 > len(s) {
		return -1
	}
	var r rune
	for _, c := range []byte(s[i : i+4]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

func skipSpace(s string, i int) int {
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	return i
}

// skipWord skips true, false or null.
func skipWord(s string, i int) int {
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(s[i:], word) {
			return i + len(word)
		}
	}
	return -1
}

// skipValue skips a value of valid JSON, which may not nest deeper than
// maxNesting less depth.
func skipValue(s string, i, depth int) int {
	if i >= len(s) || depth > maxNesting {
		return -1
	}
	switch c := s[i]; c {
	case '"':
		return skipString(s, i)
	case '{', '[':
		return skipMembers(s, i, depth)
	case 't', 'f', 'n':
		return skipWord(s, i)
	}
	_, end := scanNumber(s, i)
	return end
}

// skipMembers skips an object or an array.
func skipMembers(s string, i, depth int) int {
	object := s[i] == '{'
	closer := s[i] + 2 // so it is in ASCII
	i = skipSpace(s, i+1)
	if i < len(s) && s[i] == closer {
		return i + 1
	}
	for {
		if object {
			if i >= len(s) || s[i] != '"' {
				return -1
			}
			if i = skipString(s, i); i < 0 {
				return -1
			}
			if i = skipSpace(s, i); i >= len(s) || s[i] != ':' {
				return -1
			}
			i = skipSpace(s, i+1)
		}
		if i = skipValue(s, i, depth+1); i < 0 {
			return -1
		}
		if i = skipSpace(s, i); i >= len(s) {
			return -1
		}
		if s[i] == closer {
			return i + 1
		}
		if s[i] != ',' {
			return -1
		}
		i = skipSpace(s, i+1)
	}
}

// skipString skips a string, which has no bare control characters.
func skipString(s string, i int) int {
	for i++; i < len(s); {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			size := escapeLen(s, i)
			if size < 0 {
				return -1
			}
			i += size
		case c < ' ':
			return -1
		default:
			i++
		}
	}
	return -1
}
