package jsontext

import "slices"

// CutMark ends a shortened string.
const CutMark = "…[cut]"

// MinCut is the least length to which a string is shortened, in bytes, including
// CutMark. A shorter one would be useless.
const MinCut = 40

// ShortenString shortens s to at most limit bytes, CutMark included.
func ShortenString(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return RunePrefix(s, max(limit-len(CutMark), 0)) + CutMark
}

// WaterLevel returns the greatest limit with which the sum of all min(length, limit) is
// at most room. It sorts lengths, which must not be empty.
func WaterLevel(lengths []int, room int) int {
	slices.Sort(lengths)
	for i, n := range lengths {
		left := len(lengths) - i
		if n*left > room {
			return room / left
		}
		room -= n
	}
	return lengths[len(lengths)-1]
}

// EachString calls f with the bounds of each string in text that is a value, not
// a key, without its quotes. Text is canonical JSON.
func EachString(text string, f func(from, to int)) {
	for i := 0; i < len(text); {
		if text[i] != '"' {
			i++
			continue
		}
		end := skipString(text, i)
		if end >= len(text) || text[end] != ':' {
			f(i+1, end-1)
		}
		i = end
	}
}

// skipString returns the index after the closing quote of the string whose
// opening quote is at i.
func skipString(text string, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(text))
}

// ShortenStrings shortens each string in text that is a value to at most limit
// bytes, CutMark included. Text is canonical JSON, and stays that.
func ShortenStrings(text string, limit int) string {
	var out []byte
	done := 0
	EachString(text, func(from, to int) {
		if to-from > limit {
			out = append(out, text[done:escapedEnd(text, from, from+limit-len(CutMark))]...)
			out = append(out, CutMark...)
			done = to
		}
	})
	if done == 0 {
		return text
	}
	return string(append(out, text[done:]...))
}

// Shorten shortens text, canonical JSON, to at most n bytes. It shortens the longest
// strings until all are equally long. It reports false if they would become shorter
// than MinCut.
func Shorten(text string, n int) (string, bool) {
	var lengths []int
	room := n - len(text)
	EachString(text, func(from, to int) {
		lengths = append(lengths, to-from)
		room += to - from
	})
	if len(lengths) == 0 || room < 0 {
		return "", false
	}
	limit := WaterLevel(lengths, room)
	if limit < MinCut {
		return "", false
	}
	return ShortenStrings(text, limit), true
}

// escapedEnd is the greatest index up to limit at which the content of a canonical
// string that begins at from can end: between two characters.
func escapedEnd(text string, from, limit int) int {
	for i := from; ; {
		next := i + 1
		switch {
		case text[i] == '\\' && text[i+1] == 'u':
			next = i + 6
		case text[i] == '\\':
			next = i + 2
		case text[i] >= 0xc0:
			for next < len(text) && text[next]&0xc0 == 0x80 {
				next++
			}
		}
		if next > limit {
			return i
		}
		i = next
	}
}
