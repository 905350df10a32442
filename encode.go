package slogship

import "unicode/utf8"

// maxDepth bounds how deep objects and arrays nest in an event. Decoders have
// bounds of their own (1,000 in Jackson, 10,000 in encoding/json), and a batch
// is decoded whole.
const maxDepth = 500

// runePrefix is the longest front of s of at most n bytes that does not divide
// a rune.
func runePrefix(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}
