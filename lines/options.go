package lines

import (
	"log/slog"
	"time"
)

// Format is what a line is taken for.
type Format uint8

const (
	// Auto recognises each line by itself: a JSON object, alone or after a
	// prefix; logfmt, if every word is key=value and one of the keys is that of
	// the time, the level or the message; else text.
	Auto Format = iota
	// JSON takes every line that is no JSON object, alone or after a prefix,
	// for text.
	JSON
	// Logfmt takes a line for logfmt whatever its keys are, and a word without
	// "=" for a key with an empty value. A line that does not begin with
	// key=value is text.
	Logfmt
	// Text looks only for a time and a level at the beginning of a line.
	Text
	// Plain recognises nothing: the line is the message.
	Plain
)

// Options say how lines become records. The zero value is ready to use.
type Options struct {
	// Format is what a line is taken for. If zero, Auto.
	Format Format

	// TimeKey, LevelKey and MessageKey name the members of a JSON object, and
	// the keys of logfmt, that hold the time, the level and the message. If
	// empty, those that loggers use are recognised:
	//
	//	time     time, ts, timestamp, @timestamp
	//	level    level, lvl, severity, log.level
	//	message  message, msg
	//
	// The first that holds a time, a level or a string is taken; any other is
	// an attribute like the rest.
	TimeKey, LevelKey, MessageKey string

	// LevelNumber returns the level that a number stands for, and whether it
	// stands for one. If nil, PinoLevel. Numbers that stand for none stay
	// attributes.
	LevelNumber func(n int64) (slog.Level, bool)

	// Level is the level of a line that names none. The zero value is INFO.
	Level slog.Level

	// Location is where times without a zone are from. If nil, time.Local.
	Location *time.Location

	// MaxLine bounds a line, or a record of several lines, in bytes without
	// its end. What is longer is cut, and gets the attribute "cut_bytes", the
	// number of bytes that were left out. A JSON object that is cut keeps its
	// members up to there; what is left of the next one is the message, or the
	// attribute "rest" beside one. If zero or less, 1 MiB.
	MaxLine int

	// Begins reports whether line begins a record; a line that does not
	// belongs to the record before it. It must not keep line. If nil, each line
	// is a record. Unindented and (*regexp.Regexp).Match are such functions:
	//
	//	Begins: regexp.MustCompile(`^\d{4}-\d\d-\d\d `).Match
	Begins func(line []byte) bool

	// Wait is how long a record of several lines waits for its next line. It
	// matters only with Begins. If zero or less, 1 s.
	Wait time.Duration
}

const (
	defaultMaxLine = 1 << 20
	defaultWait    = time.Second
)

// resolve returns a copy of o with the defaults filled in.
func (o *Options) resolve() Options {
	var r Options
	if o != nil {
		r = *o
	}
	if r.LevelNumber == nil {
		r.LevelNumber = PinoLevel
	}
	if r.Location == nil {
		r.Location = time.Local
	}
	if r.MaxLine <= 0 {
		r.MaxLine = defaultMaxLine
	}
	if r.Wait <= 0 {
		r.Wait = defaultWait
	}
	return r
}

// Unindented reports whether line begins with something other than white
// space. As Options.Begins it joins stack traces to the line above them.
func Unindented(line []byte) bool {
	return len(line) > 0 && line[0] != ' ' && line[0] != '\t'
}
