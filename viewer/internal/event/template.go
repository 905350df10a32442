package event

import "strings"

// Template returns what messages of one kind have in common: words with a digit
// in them, and what stands in quotes, become <*>. Most messages of log/slog are
// their own template.
func Template(message string) string {
	const limit = 256 // a template is a name; what follows tells no kinds apart
	if len(message) > limit {
		message = strings.ToValidUTF8(message[:limit], "")
	}
	if strings.IndexFunc(message, varies) < 0 {
		return message
	}
	var b strings.Builder
	for i := 0; i < len(message); {
		c := message[i]
		if c == '"' || c == '\'' || c == '`' {
			// An apostrophe inside a word quotes nothing.
			inWord := i > 0 && wordByte(message[i-1])
			if end := strings.IndexByte(message[i+1:], c); end >= 0 && !inWord {
				b.WriteString("<*>")
				i += end + 2
				continue
			}
		}
		if !wordByte(c) {
			b.WriteByte(c)
			i++
			continue
		}
		end, digits := i, false
		for end < len(message) && (wordByte(message[end]) || joins(message, end)) {
			digits = digits || '0' <= message[end] && message[end] <= '9'
			end++
		}
		if digits {
			b.WriteString("<*>")
		} else {
			b.WriteString(message[i:end])
		}
		i = end
	}
	return b.String()
}

func varies(r rune) bool { return '0' <= r && r <= '9' || r == '"' || r == '\'' || r == '`' }

func wordByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

// joins reports whether the byte at i stands inside of a word such as 10.0.0.1:80
// or a uuid.
func joins(s string, i int) bool {
	switch s[i] {
	case '.', '-', ':', '/':
		return i+1 < len(s) && wordByte(s[i+1])
	}
	return false
}
