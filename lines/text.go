package lines

import (
	"log/slog"
	"strings"
	"time"
)

// text returns the message of a line of text: what comes after the time and
// the level at its beginning, or all of it if nothing does.
func (d *Decoder) text(s string, now time.Time) string {
	if rest := d.leading(s, now); strings.TrimSpace(rest) != "" {
		return strings.TrimLeft(rest, "\n")
	}
	return s
}

// leading takes the time and the level off the beginning of s.
func (d *Decoder) leading(s string, now time.Time) (rest string) {
	rest = s[skipSpace(s, 0):]
	rest, marked := d.priority(rest)
	if after, ok := d.klog(rest, now); ok {
		return after
	}
	rest, timed := d.leadingTime(rest, now)
	if !marked {
		after, leveled := d.leadingLevel(rest)
		if leveled && !timed { // the level may come first
			after, timed = d.leadingTime(after, now)
		}
		marked, rest = leveled, after
	}
	if !timed && !marked {
		return d.within(s)
	}
	if timed && !marked {
		d.levelWithin(rest)
	}
	return rest
}

// within looks further into a line that begins with neither, and keeps it.
func (d *Decoder) within(s string) string {
	_, after, ok := strings.Cut(s, " ")
	if !ok {
		return s
	}
	if t, n := timestamp(after, d.opts.Location); n > 0 && separated(after[n:]) {
		d.setTime(t)
		d.levelWithin(after[n:])
	}
	return s
}

func (d *Decoder) setTime(t time.Time)       { d.time, d.has = t, d.has|fieldSet(timeField) }
func (d *Decoder) setLevel(level slog.Level) { d.level, d.has = level, d.has|fieldSet(levelField) }

// priority takes off the priority of syslog, and the version that RFC 5424 has
// after it.
func (d *Decoder) priority(s string) (rest string, ok bool) {
	if len(s) < len("<0>") || s[0] != '<' || !isDigit(s[1]) {
		return s, false
	}
	n, i := 0, 1
	for i < len(s) && isDigit(s[i]) && n < 192 {
		n = n*10 + int(s[i]-'0')
		i++
	}
	if n > 191 || i == len(s) || s[i] != '>' {
		return s, false
	}
	level, _ := SyslogLevel(int64(n & 7))
	d.setLevel(level)
	rest = s[i+1:]
	if after, ok := strings.CutPrefix(rest, "1 "); ok {
		if _, n := timestamp(after, time.UTC); n > 0 {
			rest = after
		}
	}
	return rest, true
}

// klog takes off the head of a line of glog and klog up to the process id.
func (d *Decoder) klog(s string, now time.Time) (rest string, ok bool) {
	const clock = len("I0102 ")
	if len(s) < clock+len("15:04:05.") || s[clock-1] != ' ' {
		return s, false
	}
	at := strings.IndexByte("DIWEF", s[0])
	if at < 0 {
		return s, false
	}
	month, day := two(s, 1), two(s, 3)
	hour, minute, second, ok := clockTime(s[clock:])
	if !ok || month < 1 || month > 12 || day < 1 || day > 31 {
		return s, false
	}
	n := clock + len("15:04:05")
	nsec, more := fractionOf(s[n:])
	if more == 0 {
		return s, false
	}
	t, ok := withYear(time.Month(month), day, now, d.opts.Location, hour, minute, second, nsec)
	if !ok {
		return s, false
	}
	d.setTime(t)
	d.setLevel([...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, levelFatal}[at])
	return trimSeparator(s[n+more:]), true
}

// leadingTime takes off the time that s begins with.
func (d *Decoder) leadingTime(s string, now time.Time) (rest string, ok bool) {
	body, bracket := strings.CutPrefix(s, "[")
	t, n := timestamp(body, d.opts.Location)
	if n == 0 {
		t, n = stamp(body, now, d.opts.Location)
	}
	if n == 0 && bracket {
		t, n = d.apacheTime(body)
	}
	if n == 0 {
		return s, false
	}
	rest = body[n:]
	if bracket {
		if rest, ok = strings.CutPrefix(rest, "]"); !ok {
			return s, false
		}
	} else if !separated(rest) {
		return s, false
	}
	d.setTime(t)
	return trimSeparator(rest), true
}

// apacheTime returns the time that Apache writes into brackets, with or
// without a fraction, and its length without the brackets, 0 if s does not
// begin with one.
func (d *Decoder) apacheTime(s string) (t time.Time, n int) {
	const longest = len(time.ANSIC) + len(".999999999")
	if len(s) < len(time.ANSIC) || s[3] != ' ' || s[7] != ' ' {
		return t, 0
	}
	n = strings.IndexByte(s[:min(len(s), longest+1)], ']')
	if n < 0 {
		return t, 0
	}
	t, err := time.ParseInLocation(time.ANSIC, s[:n], d.opts.Location)
	if err != nil {
		return t, 0
	}
	return t.UTC(), n
}

// leadingLevel takes off the level that s begins with, if it is in brackets or
// in capitals.
//
//	[error] no key fits
//	ERROR no key fits
//
// Where it is neither, or not alone, it stays.
//
//	error: no key fits
//	[proxy:error] no key fits
func (d *Decoder) leadingLevel(s string) (rest string, ok bool) {
	const longest = 40
	if s == "" {
		return s, false
	}
	if at := strings.IndexByte("[(<", s[0]); at >= 0 {
		end := strings.IndexByte(s[:min(len(s), longest)], "])>"[at])
		if end < 0 {
			return s, false
		}
		inside := s[1:end]
		colon := strings.LastIndexByte(inside, ':')
		level, ok := levelOf(strings.TrimSpace(inside[colon+1:]))
		if !ok {
			return s, false
		}
		d.setLevel(level)
		if colon >= 0 {
			return s, true
		}
		return trimSeparator(s[end+1:]), true
	}
	end := 0
	for end < len(s) && isLevelByte(s[end]) {
		end++
	}
	if end == 0 || !separated(s[end:]) {
		return s, false
	}
	level, ok := levelOf(s[:end])
	switch {
	case !ok:
		return s, false
	case isUpper(s[:end]):
		d.setLevel(level)
		return trimSeparator(s[end:]), true
	case end < len(s) && s[end] == ':':
		d.setLevel(level)
		return s, true
	}
	return s, false
}

// wordsWithin is how many words levelWithin looks at.
const wordsWithin = 4

// levelWithin looks for a level in capitals among the first words of s, which
// white space and brackets, colons and the like separate.
func (d *Decoder) levelWithin(s string) {
	i := 0
	for range wordsWithin {
		for i < len(s) && separates(s[i]) {
			i++
		}
		begin := i
		for i < len(s) && !separates(s[i]) && s[i] != '\n' {
			i++
		}
		if level, ok := levelOf(s[begin:i]); ok && isUpper(s[begin:i]) {
			d.setLevel(level)
			return
		}
	}
}

func separates(c byte) bool {
	switch c {
	case ' ', '\t', '[', ']', '(', ')', '<', '>', ':', '|', ',', '-':
		return true
	}
	return false
}

// trimSeparator takes off the white space that s begins with, and one sign
// that separates the parts of a line's head.
func trimSeparator(s string) string {
	s = trimBlanks(s)
	if s != "" && strings.IndexByte("-|:,;", s[0]) >= 0 && (len(s) == 1 || isSpace(s[1]) || s[0] == ':') {
		s = trimBlanks(s[1:])
	}
	return s
}

func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

func separated(s string) bool {
	return s == "" || isSpace(s[0]) || strings.IndexByte("|:,;", s[0]) >= 0
}

// isLevelByte reports whether c may be in a level as slog writes it.
func isLevelByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c) || c == '+' || c == '-'
}

func isUpper(word string) bool {
	for i := range len(word) {
		if word[i] >= 'a' && word[i] <= 'z' {
			return false
		}
	}
	return true
}
