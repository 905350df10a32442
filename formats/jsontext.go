package formats

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// What stands here reads JSON that slogship wrote: it is valid, without white
// space, and equal keys in it are equal bytes.

// skipNumber returns where the number or the word at i ends.
func skipNumber(b []byte, i int) int {
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' {
		i++
	}
	return i
}

// isInteger reports whether a number has neither fraction nor exponent.
func isInteger(digits string) bool {
	for i := range len(digits) {
		if c := digits[i]; c != '-' && (c < '0' || c > '9') {
			return false
		}
	}
	return digits != "-0"
}

// appendUnquoted appends what a string, given with its quotes, stands for.
func appendUnquoted(dst, quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hexRune(s)
			s = s[4:]
			if utf16.IsSurrogate(r) { // whole pairs only
				r = utf16.DecodeRune(r, hexRune(s[2:]))
				s = s[6:]
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// hexRune is what the four digits at the front of b stand for.
func hexRune(b []byte) rune {
	n, _ := strconv.ParseUint(string(b[:4]), 16, 16) // valid
	return rune(n)
}

// skipElement returns where the value at i ends, which may be the last one of an
// object or an array.
func skipElement(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	return skipNumber(b, i)
}
