// Package jsontext walks JSON text that is known to be valid. It finds members
// and scalars without building values: the ingest checks a body once, and what is
// stored afterwards is walked again for every query.
package jsontext

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// MaxDepth is how deep objects and arrays are walked; what lies deeper is kept,
// shown, and not searched.
const MaxDepth = 16

// Each calls fn for every member of the object, with the key's text and the
// value's JSON, until fn returns false. Anything but an object has no members.
func Each(object []byte, fn func(key, value []byte) bool) {
	i := space(object, 0)
	if i >= len(object) || object[i] != '{' {
		return
	}
	i = space(object, i+1)
	for i < len(object) && object[i] == '"' {
		end := skip(object, i)
		key := text(object[i:end])
		i = space(object, end)
		i = space(object, i+1) // the colon
		end = skip(object, i)
		if !fn(key, object[i:end]) {
			return
		}
		i = space(object, end)
		if i < len(object) && object[i] == ',' {
			i = space(object, i+1)
		}
	}
}

// Elements calls fn for every element of the array until fn returns false.
func Elements(array []byte, fn func(value []byte) bool) {
	i := space(array, 0)
	if i >= len(array) || array[i] != '[' {
		return
	}
	i = space(array, i+1)
	for i < len(array) && array[i] != ']' {
		end := skip(array, i)
		if end <= i || !fn(array[i:end]) {
			return
		}
		i = space(array, end)
		if i < len(array) && array[i] == ',' {
			i = space(array, i+1)
		}
	}
}

// Get returns the value of a member, nil if there is none. Of equal keys the last wins.
func Get(object []byte, key string) (value []byte) {
	Each(object, func(k, v []byte) bool {
		if string(k) == key {
			value = v
		}
		return true
	})
	return value
}

// Scalars calls fn for every scalar below the object, with the path of keys that
// leads there, joined by dots. Elements of arrays have the path of their array.
// The path is valid only during the call.
func Scalars(object []byte, fn func(path, value []byte) bool) {
	walk(object, make([]byte, 0, 64), 0, fn)
}

func walk(value, path []byte, depth int, fn func(path, value []byte) bool) bool {
	if len(value) == 0 || depth > MaxDepth {
		return true
	}
	more := true
	switch value[0] {
	case '{':
		Each(value, func(key, v []byte) bool {
			p := path
			if len(p) > 0 {
				p = append(p, '.')
			}
			more = walk(v, append(p, key...), depth+1, fn)
			return more
		})
	case '[':
		Elements(value, func(v []byte) bool {
			more = walk(v, path, depth+1, fn)
			return more
		})
	default:
		more = fn(path, value)
	}
	return more
}

// Text returns what a scalar says: a string without quotes and escapes, anything
// else as it is written.
func Text(value []byte) string { return string(text(value)) }

func text(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return value
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return inner
	}
	return []byte(s)
}

// Append appends the text of a scalar.
func Append(dst, value []byte) []byte { return append(dst, text(value)...) }

// AppendQuoted appends s as a JSON string.
func AppendQuoted(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			quoted, err := json.Marshal(s) // makes it valid UTF-8, too
			if err != nil {
				return strconv.AppendQuote(dst, s)
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// structural are the bytes that count in finding the end of an object or array.
var structural = func() (t [256]bool) {
	for _, c := range `"{}[]` {
		t[c] = true
	}
	return t
}()

// skip returns where the value that begins at i ends.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		for depth := 0; i < len(b); {
			c := b[i]
			switch {
			case !structural[c]:
				i++
			case c == '"':
				i = skipString(b, i)
			case c == '{' || c == '[':
				depth++
				i++
			default:
				i++
				if depth--; depth == 0 {
					return i
				}
			}
		}
		return len(b)
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return i
}

// skipString returns where the string whose quote is at i ends.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		if plain[b[i]] {
			continue
		}
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
