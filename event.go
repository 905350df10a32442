package slogship

import (
	"log/slog"
	"time"
)

// Event is a record as plain data. A [Format] gets it and writes it for its backend.
//
//	slogship.Event{
//		ID:      "9f86d081884c7d659a2feaa0c55ad0150000000000000001",
//		Time:    time.Now(),
//		Message: "invoice paid",
//		Attrs:   []slog.Attr{slog.Int("id", 42), slog.Group("customer", slog.String("name", "Ada"))},
//	}
//
// The zero Event is a record of level INFO with an empty message and no time.
//
// The values in Attrs, in Source and in the fields whose names end in Value are of kind
// String, Int64, Uint64, Float64 (also NaN or an infinity), Bool, Duration, Time or
// Group, or of kind Any with a [*JSON], a [*Bytes] or an [*Error]. They are never
// LogValuers. A group has a name and at least one member; groups are nested at most 500
// deep.
//
// Strings are as the application gave them, and may be invalid UTF-8. [AppendString]
// and [AppendValue] write them as valid JSON.
//
// A Format may change the Event and its slices until AppendEvent returns. It must not
// keep any part of it, also no string, because the memory is then reused.
type Event struct {
	// ID is 48 lower-case hexadecimal digits: 32 random ones, chosen by New, and 16
	// that count the accepted records. It is the same each time the event is sent, also
	// by a later process that sends it from Options.Spool.
	ID string

	Time     time.Time // the record's time; zero if it has none
	Observed time.Time // when Handle was called; never zero in an Event from a Handler
	Level    slog.Level
	Message  string

	// Source is where the record was logged: a string "function", a string "file" and
	// an integer "line", or what Options.ReplaceAttr made of these. It is nil without
	// Options.AddSource.
	Source []slog.Attr

	// Attrs are the attributes in this order: those of Options.ContextAttrs, of
	// WithAttrs, of the record. An attribute at the root with a name in Layout.Reserved
	// already has its trailing underscore. With Layout.UniqueKeys, names within a group
	// are unique.
	Attrs []slog.Attr

	// NoLevel and NoMessage report whether Options.ReplaceAttr removed the level or the
	// message. If it removed the time, Time is zero. If it removed the source, Source
	// is nil.
	NoLevel, NoMessage bool

	// TimeValue, LevelValue, MessageValue and SourceValue are set if
	// Options.ReplaceAttr returned a value of another kind for the time, the level, the
	// message or the source: the level 30, say, or the source "main.go:35". A Format
	// writes it instead of the field. The zero slog.Value means that there is none; a
	// JSON null is a *JSON.
	TimeValue, LevelValue, MessageValue, SourceValue slog.Value

	// Cut reports whether the record was too long and was shortened. Attrs then ends
	// with "_cut", true. A Format that shortens a record itself, because of a limit for
	// which Layout has no field, sets Cut: the record is then counted in Stats.Cut.
	Cut bool
}

// JSON is how an [Event] holds an attribute whose value was a struct, a map, a
// slice or nil.
type JSON struct {
	// Text is compact, valid JSON. No object in it has duplicate keys.
	Text string
}

// Bytes is how an [Event] holds an attribute whose value was a []byte.
type Bytes struct {
	Data []byte // as it was when the record was logged
}

// Error is how an [Event] holds an attribute whose value was an error.
type Error struct {
	Text string // what its method Error returned

	// Type is the type, as %T prints it, of the first error in the chain that packages
	// fmt and errors did not make: "*fs.PathError" rather than "*fmt.wrapError".
	Type string

	// Stack is the stack of the error, innermost frame first, at most 64 frames. It is
	// nil unless an error in the chain has a method StackTrace, as those of
	// github.com/pkg/errors do.
	Stack []slog.Source
}
