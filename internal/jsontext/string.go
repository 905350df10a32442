package jsontext

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// Byte-wise tests on eight bytes at a time, after "Hacker's Delight", 2nd
// edition, section 6-1 (find first 0-byte).
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special sets the high bit of each byte of w that may need an escape in a JSON string:
// a byte below 0x20, a quote, a backslash, or a byte that is not ASCII. Bytes above the
// first such byte may be flagged falsely.
func special(w uint64) uint64 {
	quote := w ^ ('"' * ones)
	slash := w ^ ('\\' * ones)
	return (w | (w - 0x20*ones) | (quote - ones) | (slash - ones)) & highs
}

// AppendString appends s as a JSON string, with its quotes. What is not valid
// UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(s)+2)[:n+len(s)+2]
	if !copyPlain(dst[n+1:], s) {
		dst = append(dst[:n], '"')
		dst = appendEscaped(dst, s)
		return append(dst, '"')
	}
	dst[n] = '"'
	dst[len(dst)-1] = '"'
	return dst
}

// copyPlain copies s to dst, which is at least as long, if s needs no escape:
// if it is printable ASCII without quotes and backslashes. Otherwise it reports
// false, and has written something or nothing.
//
// Keys and most values are short. Up to 16 bytes they are read and written as
// two words that overlap, or as three bytes that may, which saves the calls of a
// search and of a move.
func copyPlain(dst []byte, s string) bool {
	dst = dst[:len(s)]
	switch n := len(s); {
	case n > 16:
		for i := 0; i < n-8; i += 8 {
			if special(load64(s, i)) != 0 {
				return false
			}
		}
		copy(dst, s)
		return special(load64(s, n-8)) == 0
	case n >= 8:
		first, last := load64(s, 0), load64(s, n-8)
		binary.LittleEndian.PutUint64(dst, first)
		binary.LittleEndian.PutUint64(dst[n-8:], last)
		return special(first)|special(last) == 0
	case n >= 4:
		first, last := load32(s, 0), load32(s, n-4)
		binary.LittleEndian.PutUint32(dst, first)
		binary.LittleEndian.PutUint32(dst[n-4:], last)
		return special(uint64(first)|uint64(last)<<32) == 0
	case n > 0:
		a, b, c := s[0], s[n>>1], s[n-1]
		dst[0], dst[n>>1], dst[n-1] = a, b, c
		return special(uint64(a)|uint64(b)<<8|uint64(c)<<16|' '*(ones&^0xffffff)) == 0
	}
	return true
}

// IsValid is utf8.ValidString, but takes a third of the time for short ASCII strings,
// which names are.
func IsValid(s string) bool {
	n := len(s)
	var all uint64
	switch {
	case n >= 8:
		all = load64(s, n-8)
		for i := 0; i < n-8; i += 8 {
			all |= load64(s, i)
		}
	case n >= 4:
		all = uint64(load32(s, 0) | load32(s, n-4))
	case n > 0:
		all = uint64(s[0] | s[n>>1] | s[n-1])
	}
	return all&highs == 0 || utf8.ValidString(s)
}

// appendEscaped appends s with the escapes of a JSON string, without quotes.
func appendEscaped(dst []byte, s string) []byte {
	start, i := 0, 0
	for i < len(s) {
		if i+8 <= len(s) {
			m := special(load64(s, i))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = appendRune(append(dst, s[start:i]...), rune(c))
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
			dst = appendRune(append(dst, s[start:i]...), r)
			start = i + size
		}
		i += size
	}
	return append(dst, s[start:]...)
}

// appendRune appends r as it is written in a canonical string.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == '"', r == '\\':
		return append(dst, '\\', byte(r))
	case r == '\n':
		return append(dst, '\\', 'n')
	case r == '\r':
		return append(dst, '\\', 'r')
	case r == '\t':
		return append(dst, '\\', 't')
	case r < 0x20:
		return append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&0xf])
	case r == '\u2028', r == '\u2029': // JavaScript's line ends, as encoding/json has it
		return append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&0xf])
	}
	return utf8.AppendRune(dst, r) // U+FFFD for half a surrogate pair
}

// load64 reads eight bytes of s from i, the first one lowest.
func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// load32 reads four bytes of s from i, the first one lowest.
func load32(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// AppendKey begins a member of an object: the key and a colon, after a comma
// unless dst is empty or ends in an opening brace.
func AppendKey(dst []byte, name string) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		return AppendNextKey(dst, name)
	}
	return append(AppendString(dst, name), ':')
}

// AppendNextKey is AppendKey for a member that is not the first.
func AppendNextKey(dst []byte, name string) []byte {
	n := len(dst)
	end := n + len(name) + len(`,"":`)
	dst = slices.Grow(dst, end-n)[:end]
	if !copyPlain(dst[n+2:], name) {
		return append(AppendString(append(dst[:n], ','), name), ':')
	}
	dst[n], dst[n+1], dst[end-2], dst[end-1] = ',', '"', '"', ':'
	return dst
}

// RunePrefix returns the longest prefix of s of at most n bytes that does not divide a
// rune.
func RunePrefix(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i >= 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}
