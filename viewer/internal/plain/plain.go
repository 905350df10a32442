// Package plain makes text that somebody else wrote safe to print: what steers a
// terminal, breaks a line, hides, or turns the direction of text is written as an
// escape.
package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s with control and format characters, and invalid UTF-8, written as
// escapes: \n, \x1b, \u202e. Other text is returned as it is.
func Text(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && isInvalid(s[i:]):
			escape(&b, 'x', uint32(s[i]), 2)
		case !hidden(r) || r == utf8.RuneError:
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x100:
			escape(&b, 'x', uint32(r), 2)
		case r < 0x10000:
			escape(&b, 'u', uint32(r), 4)
		default:
			escape(&b, 'U', uint32(r), 8)
		}
	}
	return b.String()
}

// hidden reports whether r is not seen for what it is. RuneError is among them: it
// may stand for a byte that is not UTF-8.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

func isInvalid(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size == 1
}

func escape(b *strings.Builder, kind byte, v uint32, digits int) {
	b.WriteByte('\\')
	b.WriteByte(kind)
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte("0123456789abcdef"[v>>(4*i)&15])
	}
}

// Clip returns at most n bytes of s, and whether it is shorter now. No character
// is cut.
func Clip(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], true
}
