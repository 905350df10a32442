package lines

import (
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"
)

// Decoder turns lines into records, for programs that split their input into lines
// themselves. A [Writer] splits its input itself. A Decoder is not safe for concurrent
// use.
type Decoder struct {
	opts  Options
	valid []byte // a line whose invalid bytes were replaced
	memory

	// The record that is being made.
	attrs   []slog.Attr // a stack: members of the open objects, the root's first
	time    time.Time
	level   slog.Level
	message string
	has     fieldSet
	whole   int // where in an object its last whole member ends, and
	members int // how many attributes there are up to there
}

// NewDecoder returns a Decoder. Nil opts are the same as the zero [Options].
// MaxLine, Begins and Wait matter only to a [Writer].
func NewDecoder(opts *Options) *Decoder {
	return &Decoder{opts: opts.resolve()}
}

// field is what a member means besides being an attribute.
type field uint8

const (
	noField   field = 0
	timeField field = 1 << iota
	levelField
	messageField
)

// fieldSet is the fields that a record has already.
type fieldSet field

func (s fieldSet) has(f field) bool { return s&fieldSet(f) != 0 }

// Decode returns the record of a line. The line must not end with a line break, but may
// contain some. The time of the record is that of the line, in UTC, or now if the line
// has none. A time without a year gets the last year with which it is at most an hour
// after now.
//
// The record does not refer to line. As long as it is used, it keeps up to 8 KiB of
// memory alive, or a copy of the whole line if that is longer.
func (d *Decoder) Decode(line []byte, now time.Time) slog.Record {
	return d.decodeCut(line, now, false)
}

// decodeCut is Decode for a line that may have lost its end.
func (d *Decoder) decodeCut(line []byte, now time.Time, cut bool) slog.Record {
	if !utf8.Valid(line) {
		d.valid = appendValid(d.valid[:0], line)
		line = d.valid
		if cap(d.valid) > keepBuffer {
			d.valid = nil
		}
	}
	s := strings.TrimPrefix(d.copy(line), "\ufeff") // Windows begins files with it
	d.reset()
	d.decode(s, now, cut)
	if !d.has.has(timeField) {
		d.time = now
	}
	if !d.has.has(levelField) {
		d.level = d.opts.Level
	}
	r := slog.NewRecord(d.time, d.level, d.message, 0)
	r.AddAttrs(d.attrs...)
	if cap(d.attrs) > keepAttrs {
		d.attrs = nil
	}
	return r
}

// keepAttrs is up to how many attributes the stack for them is kept.
const keepAttrs = 1 << 10

func (d *Decoder) reset() {
	d.attrs, d.has, d.message = d.attrs[:0], 0, ""
	d.whole, d.members = 0, 0
}

// decode takes s for the first of the formats that it is in.
func (d *Decoder) decode(s string, now time.Time, cut bool) {
	format := d.opts.Format
	if format == Plain {
		d.message = s
		return
	}
	if (format == Auto || format == JSON) && (d.json(s, now) || cut && d.front(s)) {
		return
	}
	if (format == Auto || format == Logfmt) && d.logfmt(s) {
		return
	}
	d.message = d.text(s, now)
}

// json reports whether s is a JSON object, or one after a prefix.
func (d *Decoder) json(s string, now time.Time) bool {
	trimmed := strings.TrimRight(s, " \t\r\n")
	if !strings.HasSuffix(trimmed, "}") {
		return false
	}
	begin := 0
	for begin < len(trimmed) && isSpace(trimmed[begin]) {
		begin++
	}
	if trimmed[begin] == '{' && d.document(trimmed[begin:]) {
		return true
	}
	for range maxPrefixes {
		at := strings.IndexByte(trimmed[begin+1:], '{')
		if at < 0 {
			return false
		}
		begin += 1 + at
		if c := trimmed[begin-1]; (c == ' ' || c == '\t') && d.document(trimmed[begin:]) {
			d.prefix(trimmed[:begin], now)
			return true
		}
	}
	return false
}

// front reports whether s begins with a JSON object that has lost its end, and
// makes attributes of its whole members. What is left of the others is the
// message, or the attribute "rest" beside one.
func (d *Decoder) front(s string) bool {
	if !strings.HasPrefix(s, "{") || d.object(s, 0, 0) >= 0 || d.whole == 0 {
		d.reset()
		return false
	}
	d.attrs = d.attrs[:d.members]
	switch rest := strings.TrimLeft(s[d.whole:], ", \t"); {
	case !d.has.has(messageField):
		d.message = rest
	case rest != "":
		d.attrs = append(d.attrs, slog.String("rest", rest))
	}
	return true
}

// maxPrefixes bounds how many braces of a line are tried, so that a hostile
// line does not cost the square of its length.
const maxPrefixes = 8

// prefix takes what came before an object: time and level where the object has
// none, and the rest as the message, or as the attribute "prefix" beside one.
func (d *Decoder) prefix(s string, now time.Time) {
	t, level, has := d.time, d.level, d.has
	rest := strings.TrimRight(d.leading(s, now), " \t|-:")
	if has.has(timeField) {
		d.time = t
	}
	if has.has(levelField) {
		d.level = level
	}
	switch {
	case !d.has.has(messageField):
		d.message = rest
	case rest != "":
		d.attrs = append(d.attrs, slog.String("prefix", rest))
	}
}

// fieldOf returns what a member or key of the name means.
func (d *Decoder) fieldOf(name string) field {
	f := noField
	switch name {
	case "time", "ts", "timestamp", "@timestamp":
		f = timeField
	case "level", "lvl", "severity", "log.level":
		f = levelField
	case "message", "msg":
		f = messageField
	}
	o := &d.opts
	if o.TimeKey == "" && o.LevelKey == "" && o.MessageKey == "" {
		return f
	}
	switch {
	case name == "":
		return noField
	case name == o.TimeKey:
		return timeField
	case name == o.LevelKey:
		return levelField
	case name == o.MessageKey:
		return messageField
	case f == timeField && o.TimeKey != "", f == levelField && o.LevelKey != "", f == messageField && o.MessageKey != "":
		return noField
	}
	return f
}

// take reports whether s, the value of a member that means f, is the record's
// time, level or message.
func (d *Decoder) take(f field, s string) bool {
	if f == noField || d.has.has(f) {
		return false
	}
	ok := false
	switch f {
	case timeField:
		d.time, ok = parseTime(s, d.opts.Location)
	case levelField:
		d.level, ok = levelOf(s)
	case messageField:
		d.message, ok = s, true
	}
	if ok {
		d.has |= fieldSet(f)
	}
	return ok
}

// takeNumber is take for a number.
func (d *Decoder) takeNumber(f field, n number) bool {
	if f != timeField && f != levelField || d.has.has(f) {
		return false
	}
	ok := false
	if f == timeField {
		d.time, ok = epoch(n.text)
	} else if v, isInt := n.int64(); isInt {
		d.level, ok = d.opts.LevelNumber(v)
	}
	if ok {
		d.has |= fieldSet(f)
	}
	return ok
}

// appendValid appends s with U+FFFD for each byte that is not UTF-8.
func appendValid(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRune(s[i:])
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return dst
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
