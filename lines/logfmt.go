package lines

import (
	"log/slog"
	"strconv"
	"strings"
)

// logfmt reports whether s is logfmt, and makes attributes of its pairs.
//
//	time=2006-01-02T15:04:05Z level=info msg="no key fits" attempt=3
func (d *Decoder) logfmt(s string) bool {
	if strings.IndexByte(s, '=') <= 0 || !d.pairs(s) {
		d.reset()
		return false
	}
	return true
}

func (d *Decoder) pairs(s string) bool {
	lenient := d.opts.Format == Logfmt
	for i := skipSpace(s, 0); i < len(s); i = skipSpace(s, i) {
		begin := i
		for i < len(s) && s[i] > ' ' && s[i] != '=' && s[i] != '"' {
			i++
		}
		key := s[begin:i]
		switch {
		case key == "" || i < len(s) && s[i] == '"':
			return false
		case i == len(s) || s[i] != '=': // a word
			if !lenient || len(d.attrs) == 0 && d.has == 0 {
				return false
			}
			d.attrs = append(d.attrs, slog.String(key, ""))
			continue
		}
		i++
		if i < len(s) && s[i] == '"' {
			value, end := d.quoted(s, i)
			if end < 0 || end < len(s) && !isSpace(s[end]) {
				return false
			}
			d.pair(key, value, true)
			i = end
			continue
		}
		begin = i
		for i < len(s) && s[i] > ' ' {
			i++
		}
		d.pair(key, s[begin:i], false)
	}
	return lenient || d.has != 0
}

// pair takes a pair. Values have no kinds in logfmt: one without quotes that
// is written as JSON writes a number, without an exponent, or a boolean, is
// one.
func (d *Decoder) pair(key, value string, quoted bool) {
	f := d.fieldOf(key)
	if !quoted && value != "" && f != messageField {
		if n, end := scanNumber(value, 0); end == len(value) && !n.exponent {
			if !d.takeNumber(f, n) {
				d.attrs = append(d.attrs, slog.Attr{Key: key, Value: n.value()})
			}
			return
		}
		if value == "true" || value == "false" {
			d.attrs = append(d.attrs, slog.Bool(key, value == "true"))
			return
		}
	}
	if !d.take(f, value) {
		d.attrs = append(d.attrs, slog.String(key, value))
	}
}

// quoted returns the string at i, quoted as Go or JSON quote strings, and the
// index after it, or -1.
func (d *Decoder) quoted(s string, i int) (value string, end int) {
	escaped := false
	for end = i + 1; ; end++ {
		if end >= len(s) {
			return "", -1
		}
		if s[end] == '"' {
			break
		}
		if s[end] == '\\' {
			escaped = true
			end++
		}
	}
	end++
	if !escaped {
		return s[i+1 : end-1], end
	}
	if value, after := d.string(s, i); after == end {
		return value, end
	}
	value, err := strconv.Unquote(s[i:end])
	if err != nil {
		return s[i+1 : end-1], end // as it is: nothing is lost
	}
	return strings.ToValidUTF8(value, "\ufffd"), end
}
