// Package event is what the viewer keeps: log records and spans, as plain data.
// It knows neither the protocols that they come by nor how they are stored.
package event

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// Log is a log record.
type Log struct {
	ID      string // the sender's; what comes again with the same ID is kept once. "": none
	Time    int64  // nanoseconds since 1970
	Level   int    // as in log/slog: INFO is 0, ERROR is 8
	Source  string // the application or service
	Run     string // what the sender calls this run of its program; "": nothing
	Message string
	Attrs   []byte   // a valid JSON object, or nothing
	Trace   [16]byte // zero: none
	Span    [8]byte  // zero: none
}

// Span is a span of a trace.
type Span struct {
	Start    int64 // nanoseconds since 1970
	Duration int64 // nanoseconds
	Source   string
	Run      string // as in Log
	Name     string
	Route    string // of a request that was served: method and route. "": not such a request
	Kind     int    // OpenTelemetry's SpanKind: 1 internal, 2 server, 3 client, 4 producer, 5 consumer
	Failed   bool
	Status   string // what the status says, if anything
	Trace    [16]byte
	ID       [8]byte
	Parent   [8]byte // zero: a root
	Attrs    []byte  // a valid JSON object, or nothing
	Events   []byte  // a valid JSON array of {"name","time","attrs"}, or nothing
}

// Entry reports whether the span is where a service was entered: such spans stand
// in the list of traces.
func (s *Span) Entry() bool { return s.Parent == [8]byte{} || s.Kind == 2 || s.Kind == 5 }

// Class is a level's place on a scale of six, for charts and facets.
type Class int

// The classes, each from the level of its name up to the next one.
const (
	Trace Class = iota // below DEBUG
	Debug
	Info
	Warn
	Error
	Fatal // OpenTelemetry's FATAL, from slog's level 12
	Classes
)

var classNames = [Classes]string{"trace", "debug", "info", "warn", "error", "fatal"}

func (c Class) String() string {
	if c < 0 || c >= Classes {
		return strconv.Itoa(int(c))
	}
	return classNames[c]
}

// ClassOf returns the class of a level.
func ClassOf(level int) Class {
	switch {
	case level < -4:
		return Trace
	case level < 0:
		return Debug
	case level < 4:
		return Info
	case level < 8:
		return Warn
	case level < 12:
		return Error
	}
	return Fatal
}

// Base returns the lowest level of the class.
func (c Class) Base() int { return (int(c) - 2) * 4 }

// LevelName writes a level as slog does, with FATAL above ERROR: warn, info+2.
func LevelName(level int) string {
	c := ClassOf(level)
	if d := level - c.Base(); d != 0 {
		return c.String() + plus(d)
	}
	return c.String()
}

func plus(d int) string {
	if d > 0 {
		return "+" + strconv.Itoa(d)
	}
	return strconv.Itoa(d)
}

// ParseLevel reads a level's name: slog's and other loggers' (warning, critical),
// with an offset (info+2), or a number.
func ParseLevel(s string) (level int, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	offset := 0
	if i := strings.IndexAny(s, "+-"); i > 0 {
		n, err := strconv.Atoi(s[i:])
		if err != nil {
			return 0, false
		}
		s, offset = s[:i], n
	}
	switch s {
	case "trace", "verbose":
		level = -8
	case "debug":
		level = -4
	case "info", "information", "notice", "informational":
		level = 0
	case "warn", "warning":
		level = 4
	case "error", "err":
		level = 8
	case "fatal", "critical", "panic", "alert", "emergency", "emerg", "crit", "dpanic":
		level = 12
	default:
		return 0, false
	}
	return level + offset, true
}

// ParseTrace reads a trace id of 32 hexadecimal digits.
func ParseTrace(s string) (id [16]byte, ok bool) {
	if len(s) != 32 {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}

// ParseSpan reads a span id of 16 hexadecimal digits.
func ParseSpan(s string) (id [8]byte, ok bool) {
	if len(s) != 16 {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}
