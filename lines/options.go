package lines

import (
	"log/slog"
	"time"
)

// Format is how lines are read.
type Format uint8

const (
	// Auto decides for each line. A line with a JSON object, alone or after a prefix,
	// is read as JSON. A line in which every word is key=value, and one key is that of
	// the time, the level or the message, is read as logfmt. Any other line is text.
	Auto Format = iota
	// JSON recognises a JSON object, alone or after a prefix. Any other line is
	// text.
	JSON
	// Logfmt reads a line that begins with key=value as logfmt, whatever its
	// keys are. A word without "=" is a key with an empty value. Any other line
	// is text.
	Logfmt
	// Text recognises only a time and a level at the beginning of a line.
	Text
	// Plain recognises nothing: the line is the message.
	Plain
)

// Options configure a [Writer] or a [Decoder]. The zero value is ready to use.
type Options struct {
	// Format is how lines are read. If zero, Auto.
	Format Format

	// TimeKey, LevelKey and MessageKey are the keys, in JSON and in logfmt, of
	// the time, the level and the message. If empty, those of common loggers
	// are recognised:
	//
	//	time     time, ts, timestamp, @timestamp
	//	level    level, lvl, severity, log.level
	//	message  message, msg
	//
	// The first of these keys whose value is a time, a level or a string, respectively,
	// is used. The others become attributes.
	TimeKey, LevelKey, MessageKey string

	// LevelNumber returns the level for a number, and whether there is one. If nil,
	// PinoLevel is used. A number without a level becomes an attribute.
	LevelNumber func(n int64) (slog.Level, bool)

	// Level is the level of a line without one. The zero value is INFO.
	Level slog.Level

	// Location is the time zone of times without a zone. If nil, time.Local.
	Location *time.Location

	// MaxLine is the length of the longest record, in bytes without the last line
	// break. A record may have several lines: see Begins. A longer record is cut, and
	// gets the attribute "cut_bytes" with the number of bytes left out. A JSON object
	// that is cut keeps its complete members; the remaining text becomes the message
	// or, if there is one already, the attribute "rest". If zero or negative, 1 MiB.
	MaxLine int

	// Begins reports whether line begins a record. If it does not, the line is added to
	// the previous record. Begins must not keep line. If nil, each line is a record.
	// Unindented and the method Match of a regexp.Regexp can be used:
	//
	//	Begins: regexp.MustCompile(`^\d{4}-\d\d-\d\d `).Match
	Begins func(line []byte) bool

	// Wait is how long the Writer waits for the next line of a record, if Begins is
	// set. If zero or negative, 1 s.
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

// Unindented reports whether line does not begin with white space. Set as
// [Options.Begins], it adds the lines of a stack trace to the record above them.
func Unindented(line []byte) bool {
	return len(line) > 0 && line[0] != ' ' && line[0] != '\t'
}
