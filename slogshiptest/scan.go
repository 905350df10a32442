package slogshiptest

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"unicode/utf8"
)

// The functions here find their way through JSON that is known to be valid, and
// decode only what is asked for: a receiver that decoded every attribute of a
// million records would be slower than what it tests. Unlike the fields of a
// struct in encoding/json, keys are matched exactly.

// acceptable reports whether text is JSON as Logflare's parser has it. It is
// stricter than encoding/json: invalid UTF-8, half a surrogate pair, and a
// number too large for a float64 are no JSON.
func acceptable(text []byte) bool {
	if !utf8.Valid(text) || !json.Valid(text) {
		return false
	}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			end := skipString(text, i)
			if !wholeSurrogates(text[i:end]) {
				return false
			}
			i = end
		case c == '-' || '0' <= c && c <= '9':
			end := skipScalar(text, i)
			if number := text[i:end]; bytes.ContainsAny(number, ".eE") {
				if _, err := strconv.ParseFloat(string(number), 64); err != nil {
					return false
				}
			}
			i = end
		default:
			i++
		}
	}
	return true
}

// wholeSurrogates reports whether every \ud800 to \udbff in a quoted string is
// followed by a \udc00 to \udfff, and none of these stands alone.
func wholeSurrogates(s []byte) bool {
	for {
		i := bytes.IndexByte(s, '\\')
		switch {
		case i < 0:
			return true
		case s[i+1] != 'u':
			s = s[i+2:]
			continue
		}
		switch unit := hex4(s[i+2:]); {
		case unit < 0xd800 || unit > 0xdfff:
			s = s[i+6:]
		case unit < 0xdc00 && s[i+6] == '\\' && s[i+7] == 'u' && hex4(s[i+8:])&0xfc00 == 0xdc00:
			s = s[i+12:]
		default:
			return false
		}
	}
}

// hex4 is the number that the first four hexadecimal digits of s make.
func hex4(s []byte) uint64 {
	n, _ := strconv.ParseUint(string(s[:4]), 16, 16)
	return n
}

// skipString returns the index behind the string that begins at i.
func skipString(text []byte, i int) int {
	for i++; ; {
		at := bytes.IndexByte(text[i:], '"')
		run := text[i : i+at]
		backslashes := len(run) - len(bytes.TrimRight(run, `\`))
		i += at + 1
		if backslashes%2 == 0 {
			return i
		}
	}
}

// skipScalar returns the index behind the number or literal that begins at i.
func skipScalar(text []byte, i int) int {
	for i < len(text) {
		switch text[i] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return i
		}
		i++
	}
	return i
}

// skipValue returns the index behind the value that begins at i.
func skipValue(text []byte, i int) int {
	for depth := 0; ; {
		switch text[i] {
		case '"':
			i = skipString(text, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
			continue
		default:
			i = skipScalar(text, i)
		}
		if depth == 0 {
			return i
		}
	}
}

// skipTo returns the index at which the next value, key or bracket begins.
func skipTo(text []byte, i int) int {
	for {
		switch text[i] {
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
}

// members yields the keys and values of an object. They are parts of it.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := skipTo(object, 1); object[i] != '}'; i = skipTo(object, i) {
			end := skipString(object, i)
			key := object[i+1 : end-1]
			if bytes.IndexByte(key, '\\') >= 0 {
				key = []byte(textOf(object[i:end]))
			}
			i = skipTo(object, end)
			end = skipValue(object, i)
			if !yield(key, object[i:end]) {
				return
			}
			i = end
		}
	}
}

// elements returns the elements of an array, as parts of it.
func elements(array []byte) (all [][]byte) {
	for i := skipTo(array, 1); array[i] != ']'; i = skipTo(array, i) {
		end := skipValue(array, i)
		all = append(all, array[i:end])
		i = end
	}
	return all
}

// textOf is the string that a value is, or its JSON if it is none.
func textOf(value []byte) string {
	if value[0] != '"' {
		return string(value)
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1])
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		panic("slogshiptest: a valid string does not decode: " + err.Error())
	}
	return s
}

// decode is what a value means in Go, with numbers as json.Number.
func decode(value []byte) any {
	switch value[0] {
	case '{':
		m := map[string]any{}
		for key, member := range members(value) {
			m[string(key)] = decode(member)
		}
		return m
	case '[':
		all := []any{}
		for _, e := range elements(value) {
			all = append(all, decode(e))
		}
		return all
	case '"':
		return textOf(value)
	case 't', 'f':
		return value[0] == 't'
	case 'n':
		return nil
	}
	return json.Number(value)
}

// trim is text without the white space around it.
func trim(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }
