package formats

import (
	"iter"

	"github.com/slogship/slogship/internal/jsontext"
)

// The functions in this file read the text of a *slogship.JSON, which is valid, compact
// JSON without duplicate keys.

// members yields the keys of an object, in their quotes, with their values.
func members(object string) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for i := 1; i < len(object)-1; i++ { // over a comma or the closing brace
			colon := endOfValue(object, i)
			end := endOfValue(object, colon+1)
			if !yield(object[i:colon], object[colon+1:end]) {
				return
			}
			i = end
		}
	}
}

// elements yields the elements of an array.
func elements(array string) iter.Seq[string] {
	return func(yield func(value string) bool) {
		for i := 1; i < len(array)-1; i++ {
			end := endOfValue(array, i)
			if !yield(array[i:end]) {
				return
			}
			i = end
		}
	}
}

// endOfValue returns where the key or value that begins at i ends.
func endOfValue(text string, i int) int {
	for depth := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// textOfJSON returns the string that text encodes, or text itself if it is not a JSON
// string.
func textOfJSON(text string) string {
	if len(text) < 2 || text[0] != '"' {
		return text
	}
	return string(jsontext.AppendUnquoted(nil, []byte(text)))
}
