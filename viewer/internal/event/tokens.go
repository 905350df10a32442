package event

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// A token is the hash of something that a query can ask for: a word of the
// message or of an attribute, or an attribute with its value. The store keeps,
// for each thousand rows, which tokens occur in them.
//
// Numbers with a fraction have no tokens: each occurs once, and nobody asks.

// MaxPair is the length of the longest value, in bytes, that has a token together
// with its key.
const MaxPair = 48

// AppendTokens appends the tokens of a record, some of them more than once.
func AppendTokens(dst []uint32, message string, attrs []byte) []uint32 {
	dst = AppendWords(dst, []byte(message))
	var scratch []byte
	jsontext.Scalars(attrs, func(path, value []byte) bool {
		if value[0] != '"' {
			if Searchable(value) {
				dst = append(dst, PairToken(path, value))
				dst = AppendWords(dst, value)
			}
			return true
		}
		scratch = jsontext.Append(scratch[:0], value)
		if len(scratch) <= MaxPair {
			dst = append(dst, PairToken(path, scratch))
		}
		dst = AppendWords(dst, scratch)
		return true
	})
	return dst
}

// Searchable reports whether the JSON value has tokens.
func Searchable(value []byte) bool {
	switch value[0] {
	case '"', 't', 'f':
		return true
	case 'n':
		return false
	}
	return len(value) <= 20 && !bytes.ContainsAny(value, ".eE")
}

// PairToken returns the token of an attribute with its value.
func PairToken(path, value []byte) uint32 {
	h := hashLower(offset32, path) * prime32 // as of a zero byte between the two
	return hashLower(h, value)
}

// AppendWords appends the tokens of a text's words.
func AppendWords(dst []uint32, text []byte) []uint32 {
	Words(text, func(word []byte) { dst = append(dst, hashLower(offset32, word)) })
	return dst
}

// Words calls fn for each word: a run of letters, digits and underscores.
func Words(text []byte, fn func(word []byte)) {
	start := -1
	for i := 0; i < len(text); {
		c, size := text[i], 1
		in := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if c >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRune(text[i:])
			in = WordRune(r)
		}
		if in && start < 0 {
			start = i
		}
		if !in && start >= 0 {
			fn(text[start:i])
			start = -1
		}
		i += size
	}
	if start >= 0 {
		fn(text[start:])
	}
}

// WordRune reports whether r belongs to a word.
func WordRune(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// FNV-1a.
const (
	offset32 = 2166136261
	prime32  = 16777619
)

// hashLower hashes b in lower case, as far as ASCII and simple letters have one.
func hashLower(h uint32, b []byte) uint32 {
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			h = (h ^ uint32(c)) * prime32
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		h = (h ^ uint32(unicode.ToLower(r))) * prime32
		i += size
	}
	return h
}
