package slogship

import (
	"log/slog"
	"time"
)

// Event is one record as plain data, which a [Format] writes for its backend.
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
// A value in Attrs, in Source, or in a field whose name ends in Value is of kind
// String, Int64, Uint64, Float64 (also NaN or an infinity), Bool, Duration, Time
// or Group, or an Any that holds a [*JSON], a [*Bytes] or an [*Error]. A group
// has a name and at least one member; groups nest at most 500 deep. Strings are
// as the application gave them and may be invalid UTF-8; [AppendString] and
// [AppendValue] write them as valid JSON.
//
// Until AppendEvent returns, the Format may change the Event and its slices. It
// must not keep any part of it: the memory, including that of strings, is then
// reused.
type Event struct {
	// ID is 48 lower-case hexadecimal digits: 32 random ones, chosen by New,
	// and 16 that count the accepted records. It is the same each time the
	// event is sent.
	ID string

	Time     time.Time // when it happened; zero if the record has no time
	Observed time.Time // when it was logged; never zero in an Event from a Handler
	Level    slog.Level
	Message  string

	// Source is where the record was logged, with Options.AddSource: a string
	// "function", a string "file" and an integer "line", or what
	// Options.ReplaceAttr made of these. It is nil if there is none.
	Source []slog.Attr

	// Attrs are the attributes in order: those of Options.ContextAttrs, of
	// WithAttrs, of the record. Names at the root that are in Layout.Reserved
	// already have their underscore. With Layout.UniqueKeys, names within a group
	// are unique.
	Attrs []slog.Attr

	// NoLevel and NoMessage report that Options.ReplaceAttr removed the level
	// or the message. If it removed the time, Time is zero; if it removed the
	// source, Source is nil.
	NoLevel, NoMessage bool

	// TimeValue, LevelValue, MessageValue and SourceValue are set if
	// Options.ReplaceAttr returned a value of another kind for the time, the level,
	// the message or the source: the level 30, or the source "main.go:35". Write it
	// in place of the field. The zero [slog.Value] means that there is none; a JSON
	// null is a *JSON.
	TimeValue, LevelValue, MessageValue, SourceValue slog.Value

	// Cut reports that the record was too long and was shortened. Attrs then ends
	// with "_cut", true. A Format that shortens a record further, because of a
	// limit that Layout has no field for, sets Cut; the record is then counted in
	// Stats.Cut.
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
	Data []byte
}

// Error is how an [Event] holds an attribute whose value was an error.
type Error struct {
	Text string // what Error returned

	// Type is the type, as %T prints it, of the first error in the chain that was
	// not made by package fmt or errors: "*fs.PathError", say, and not
	// "*fmt.wrapError".
	Type string

	// Stack is where the error was made, innermost frame first, at most 64 frames.
	// It is nil unless an error in the chain has a method StackTrace, as those of
	// github.com/pkg/errors have.
	Stack []slog.Source
}
