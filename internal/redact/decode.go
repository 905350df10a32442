package redact

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// Layers of escapes that are undone in each order. Of more, those of one kind
	// are undone, and those of all kinds at once, as often as there are any.
	maxLayers = 3

	// maxReadings bounds the number of ways in which a text can be decoded. A text with
	// more is withheld; no ordinary text has as many.
	maxReadings = 128

	minEncoded = 8 // digits of base64 or hexadecimal that are worth decoding
)

// escapes undo one layer of one kind of escapes, wherever text seems to have it.
var escapes = []func(string) string{percent, backslashes, html.UnescapeString, printable}

// reading is a way to read a text.
type reading struct {
	text   string
	layers int  // undone
	binary bool // it is mostly noise
}

// decodes reports whether text, or what it was before it was escaped and encoded,
// shows a secret.
func (x *index) decodes(text string) bool {
	readings := []reading{{text: text}}
	seen := map[string]bool{text: true}
	for i := 0; i < len(readings); i++ {
		r := readings[i]
		if x.shows(r.text, r.binary) {
			return true
		}
		if r.layers == maxLayers || r.binary {
			continue
		}
		next := encoded(r.text)
		for _, escape := range escapes {
			next = append(next, reading{text: escape(r.text)})
		}
		for _, n := range next {
			if seen[n.text] {
				continue
			}
			if len(readings) == maxReadings {
				return true
			}
			seen[n.text] = true
			n.layers = r.layers + 1
			readings = append(readings, n)
		}
	}
	together := func(text string) string {
		for _, escape := range escapes {
			text = escape(text)
		}
		return text
	}
	for _, undo := range append([]func(string) string{together}, escapes...) {
		for before, after := text, undo(text); len(after) < len(before); before, after = after, undo(after) {
			if x.shows(after, false) {
				return true
			}
		}
	}
	return false
}

// percent undoes what URLs have: %2F, and %u002F.
func percent(text string) string {
	return replaceAfter(text, '%', func(rest string) (string, int) {
		if strings.HasPrefix(rest, "u") {
			if v, ok := number(rest[1:], 4, 16); ok {
				return string(v), 5
			}
		}
		if v, ok := number(rest, 2, 16); ok {
			return string([]byte{byte(v)}), 2
		}
		return "", 0
	})
}

// printable undoes what mail has: =2F, and = at the end of a line.
func printable(text string) string {
	return replaceAfter(text, '=', func(rest string) (string, int) {
		if v, ok := number(rest, 2, 16); ok {
			return string([]byte{byte(v)}), 2
		}
		if strings.HasPrefix(rest, "\r\n") {
			return "", 2
		}
		return "", 0
	})
}

// backslashes undoes what JSON and programs have: \n, \x2f, \u002f, \u{2f},
// \U0000002f, \057, and \ before anything else.
func backslashes(text string) string {
	return replaceAfter(text, '\\', func(rest string) (string, int) {
		if rest == "" {
			return "", 0
		}
		switch rest[0] {
		case 'x':
			if v, ok := number(rest[1:], 2, 16); ok {
				return string([]byte{byte(v)}), 3
			}
		case 'u':
			if inner, _, ok := strings.Cut(strings.TrimPrefix(rest[1:], "{"), "}"); ok && strings.HasPrefix(rest, "u{") && len(inner) <= 6 {
				if v, ok := number(inner, len(inner), 16); ok {
					return string(v), len(inner) + 3
				}
			}
			if v, ok := number(rest[1:], 4, 16); ok {
				if low, ok := number(strings.TrimPrefix(rest[5:], `\u`), 4, 16); ok && utf16.IsSurrogate(v) && strings.HasPrefix(rest[5:], `\u`) {
					return string(utf16.DecodeRune(v, low)), 11
				}
				return string(v), 5
			}
		case 'U':
			if v, ok := number(rest[1:], 8, 16); ok {
				return string(v), 9
			}
		case 'a', 'b', 'f', 'n', 'r', 't', 'v':
			return string("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", rest[0])]), 1
		}
		if v, ok := number(rest, 3, 8); ok && v < 256 {
			return string([]byte{byte(v)}), 3
		}
		return rest[:1], 1
	})
}

// replaceAfter has f say what becomes of each mark and of the first n bytes after
// it. If n is zero, the mark stays.
func replaceAfter(text string, mark byte, f func(rest string) (with string, n int)) string {
	if strings.IndexByte(text, mark) < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == mark {
			if with, n := f(text[i+1:]); n > 0 {
				b.WriteString(with)
				i += n
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// number is that of the first digits of s.
func number(s string, digits, base int) (rune, bool) {
	if len(s) < digits || digits == 0 || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[:digits], base, 32)
	return rune(v), err == nil
}

// encoded decodes the runs of base64 or hexadecimal digits in text, also those with
// white space in them, such as line breaks.
func encoded(text string) (all []reading) {
	texts := []string{text}
	if joined := dense(text); joined != text {
		texts = append(texts, joined)
	}
	for _, text := range texts {
		for _, digits := range strings.FieldsFunc(text, func(r rune) bool { return !isBase64(r) }) {
			if len(digits) < minEncoded {
				continue
			}
			digits = strings.NewReplacer("-", "+", "_", "/").Replace(digits)
			for at := range 4 { // what stands before may be no part of it
				from := digits[min(at, len(digits)):]
				if plain, err := base64.RawStdEncoding.DecodeString(from[:len(from)-len(from)%4]); err == nil {
					all = append(all, reading{text: string(plain), binary: isNoise(plain)})
				}
				if rest := len(from) % 4; rest > 1 {
					if plain, err := base64.RawStdEncoding.DecodeString(from); err == nil {
						all = append(all, reading{text: string(plain), binary: isNoise(plain)})
					}
				}
			}
		}
		for _, digits := range strings.FieldsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf || !isHex(byte(r)) }) {
			if len(digits) < minEncoded {
				continue
			}
			for at := range 2 {
				if plain, err := hex.DecodeString(digits[at : at+(len(digits)-at)/2*2]); err == nil {
					all = append(all, reading{text: string(plain), binary: isNoise(plain)})
				}
			}
		}
	}
	// Noise is looked at once, as one text, and costs one reading.
	var noise strings.Builder
	all = slices.DeleteFunc(all, func(r reading) bool {
		if r.binary {
			noise.WriteString(r.text)
			noise.WriteByte(0)
		}
		return r.binary
	})
	if noise.Len() > 0 {
		all = append(all, reading{text: noise.String(), binary: true})
	}
	return all
}

func isBase64(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '+' || r == '/' || r == '-' || r == '_'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// isNoise reports whether b is not text.
func isNoise(b []byte) bool {
	return !utf8.Valid(b) || strings.ContainsFunc(string(b), func(r rune) bool {
		return unicode.IsControl(r) && !unicode.IsSpace(r)
	})
}
