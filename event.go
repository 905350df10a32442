package slogship

import (
	"log/slog"
	"time"
)

// Event is one record as plain data, on its way into a Format's bytes.
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
// A value in Attrs, in Source, or in one of the fields that end in Value is of
// kind String, Int64, Uint64, Float64 (NaN and the infinities too), Bool,
// Duration, Time or Group, or it is an Any that holds a *[JSON], a *[Bytes] or an
// *[Error]. A group has a name and at least one member, and groups nest at most
// 500 deep. Strings are as the user gave them, and may be invalid UTF-8;
// [AppendString] and its like make them valid.
//
// An Event belongs to the Format until AppendEvent returns: it may change the
// Event and its slices, and must keep nothing of it. The memory is then used
// again, that of its strings too.
type Event struct {
	// ID is 48 lower-case hexadecimal digits: 32 are the handler's own (128
	// random bits), 16 rise in the order in which records were accepted. It is
	// the same however often the event is sent.
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
	// have been changed, and with Layout.UniqueKeys no two names in one group are
	// equal.
	Attrs []slog.Attr

	// NoLevel and NoMessage report that Options.ReplaceAttr left the level, the
	// message out. A time that it left out is a zero Time, a source an empty
	// Source.
	NoLevel, NoMessage bool

	// TimeValue, LevelValue, MessageValue and SourceValue are what
	// Options.ReplaceAttr made of the time, the level, the message or the source
	// where that is of another kind: a level 30, a source "main.go:35". It is
	// written in their place. The zero slog.Value stands for "nothing"; a null is a
	// *JSON.
	TimeValue, LevelValue, MessageValue, SourceValue slog.Value

	// Cut reports that the record was too long and was shortened. Attrs then ends
	// with "_cut", true. A Format that leaves out or shortens a part because of a
	// limit that Layout does not have sets Cut; it is counted in Stats.Cut.
	Cut bool
}

// JSON is the value of an attribute that is not a scalar: a struct, a map, a
// slice, nil.
type JSON struct {
	// Text is compact JSON in valid UTF-8. No object in it has two equal keys.
	Text string
}

// Bytes is the value of an attribute that is a []byte.
type Bytes struct {
	Data []byte
}

// Error is the value of an attribute that is an error.
type Error struct {
	Text string // what Error returned

	// Type is the type of the first error in the chain that package fmt or errors
	// did not make, such as "*fs.PathError": %T of the whole is mostly
	// "*fmt.wrapError".
	Type string

	// Stack is where the error was made, innermost frame first, at most 64 frames.
	// It is nil unless an error in the chain has a method StackTrace.
	Stack []slog.Source
}
