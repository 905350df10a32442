package jsontext

import "unicode/utf8"

// maxNesting is how deep a text may be nested: encoding/json's bound.
const maxNesting = 10_000

// Valid reports whether b is a JSON text in valid UTF-8.
func Valid(b []byte) bool {
	i, ok := value(b, space(b, 0), 0)
	if !ok || space(b, i) != len(b) {
		return false
	}
	return utf8.Valid(b)
}

// plain are the bytes that stand for themselves within a string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < len(t); c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

var hex = func() (t [256]bool) {
	for _, c := range "0123456789abcdefABCDEF" {
		t[c] = true
	}
	return t
}()

// value checks the value that begins at i, and returns where it ends.
func value(b []byte, i, depth int) (end int, ok bool) {
	if i >= len(b) {
		return i, false
	}
	switch c := b[i]; c {
	case '"':
		return str(b, i+1)
	case '{', '[':
		if depth++; depth > maxNesting {
			return i, false
		}
		return members(b, i, depth)
	case 't':
		return literal(b, i, "true")
	case 'f':
		return literal(b, i, "false")
	case 'n':
		return literal(b, i, "null")
	}
	return numeral(b, i)
}

// members checks the object or array that begins at i.
func members(b []byte, i, depth int) (end int, ok bool) {
	object := b[i] == '{'
	closing := b[i] + 2 // ] after [, } after {
	i = space(b, i+1)
	if i < len(b) && b[i] == closing {
		return i + 1, true
	}
	for {
		if object {
			if i >= len(b) || b[i] != '"' {
				return i, false
			}
			if i, ok = str(b, i+1); !ok {
				return i, false
			}
			if i = space(b, i); i >= len(b) || b[i] != ':' {
				return i, false
			}
			i = space(b, i+1)
		}
		if i, ok = value(b, i, depth); !ok {
			return i, false
		}
		i = space(b, i)
		switch {
		case i >= len(b):
			return i, false
		case b[i] == closing:
			return i + 1, true
		case b[i] != ',':
			return i, false
		}
		i = space(b, i+1)
	}
}

// str checks the string whose text begins at i.
func str(b []byte, i int) (end int, ok bool) {
	for i < len(b) {
		if plain[b[i]] {
			i++
			continue
		}
		if b[i] == '"' {
			return i + 1, true
		}
		if b[i] != '\\' || i+1 >= len(b) {
			return i, false
		}
		switch b[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i += 2
		case 'u':
			if i+6 > len(b) {
				return i, false
			}
			for _, c := range b[i+2 : i+6] {
				if !hex[c] {
					return i, false
				}
			}
			i += 6
		default:
			return i, false
		}
	}
	return i, false
}

func literal(b []byte, i int, want string) (end int, ok bool) {
	end = i + len(want)
	return end, end <= len(b) && string(b[i:end]) == want
}

// numeral checks the number that begins at i.
func numeral(b []byte, i int) (end int, ok bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i, ok = digits(b, i); !ok {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		if i, ok = digits(b, i+1); !ok {
			return i, false
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return digits(b, i)
	}
	return i, true
}

// digits skips digits, of which there must be one.
func digits(b []byte, i int) (end int, ok bool) {
	start := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i, i > start
}
