package slogship

import (
	"net/http"
)

// A Format says how records are written for a backend and how the backend's
// answers are read. The default is Logflare's; a Format for another backend is
// a value set in Options.
//
// AppendEvent, with an Event of its own, and Layout.AppendHead may be called from
// several goroutines at once; the methods beside AppendEvent are called from one. A
// Format that panics loses the record it was given (counted in
// Stats.Dropped.Rejected), or fails the attempt to send, never more.
type Format interface {
	// Layout returns what is the same for every record. It is called once.
	Layout() Layout

	// AppendEvent appends one record, without the separator, to dst and
	// returns the extended slice. It must write the same bytes whenever it gets
	// an equal Event, for a record that is sent again must not differ, and may be
	// called more than once for a record. It may change e, but must keep neither
	// dst nor e nor anything of it.
	AppendEvent(dst []byte, e *Event) []byte

	// ReadAnswer says what an answer of the backend means. The zero Verdict
	// leaves that to the status code, as the table in the README has it: a
	// success is then one unless its body is a web page. Where the backend
	// documents its success, anything else should be Hold: a sign-in page, or
	// another server at that address, acknowledges nothing.
	ReadAnswer(a Answer) Verdict
}

// Layout is what a Format has in common for every record and request. The
// zero value of a limit means that the backend has none.
type Layout struct {
	// Err, if not nil, is what is wrong with the Format's own options: New
	// returns it, and nothing else of the Layout matters.
	Err error

	ContentType string      // of the request; required
	Header      http.Header // that the backend wants beside it, such as a tenant's; Options.Header wins

	// A request body is Head, the events with Separator between them, Tail.
	Head, Separator, Tail string

	// AppendHead, if not nil, is used instead of Head, for a head that
	// depends on how many events follow, in how many bytes (separators
	// between them included).
	AppendHead func(dst []byte, events, size int) []byte

	MaxRecords     int // in a request
	MaxBytes       int // of a request body, before compression
	MaxRecordBytes int // of one event

	// AnswerBytes is how much of an answer ReadAnswer needs for each record of the
	// request, for a backend that reports on each. An answer is read, inflated, up
	// to 64 KiB and AnswerBytes for each record, 8 MiB at most.
	AnswerBytes int

	NoGzip bool // the backend cannot inflate gzip: bodies are sent as they are unless Zstd is asked for
	Zstd   bool // the backend can inflate zstd

	// Reserved are names that the format writes itself into the object that
	// holds the attributes. An attribute of such a name at the root, or of such a
	// name and underscores, gets one more underscore: "level" becomes "level_",
	// "level_" becomes "level__". None may be another one with underscores. "_cut"
	// is always reserved.
	Reserved []string

	// UniqueKeys is set for a backend that refuses an object with two equal keys:
	// of equal names in one group only the last is then kept.
	UniqueKeys bool
}

// Answer is what a backend said to a request.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte // its front; see Layout.AnswerBytes
	Cut     bool   // there was more of it, which was not read
	Err     error  // not nil if the body could not be read to its end
	Records int    // records in the request
}

// An Action is what is to happen to the records of a request.
type Action uint8

// What an answer can mean. The comments name the status codes that mean it
// where a Format does not say otherwise.
const (
	ByStatus Action = iota // the status code decides
	Accept                 // taken: 2xx, unless it comes with a web page
	Retry                  // not now: sent again after a back-off: 408, 425, 429, 5xx
	Hold                   // wrong set-up: kept, probed at MaxBackoff: 101, 3xx, 401, 403, 404, ...
	TooLarge               // halved and sent again, down to the single record: 413
	Isolate                // something in it is bad: isolated by halving: every other 4xx
	Reject                 // dropped as rejected, never sent again
)

// An Outcome is what became of one record of an accepted request.
type Outcome uint8

// Outcomes of a record.
const (
	Taken   Outcome = iota // or already there
	Refused                // never to be sent again
	Resend                 // to be sent again, with the next batch
	Failed                 // the server failed over it (5xx): sent again, but not for ever
)

// Verdict is how a Format reads an Answer.
type Verdict struct {
	Action Action

	// Outcomes, with Accept, is what became of each record. Nil means that
	// all were taken but for Refused of them, which the backend does not name.
	Outcomes []Outcome
	Refused  int

	// Reason is the backend's own word, for the error that is reported. If
	// empty, the beginning of the body is used. Of either, the first 1,024 bytes
	// are looked at for secrets, and at most 300 are shown.
	Reason string

	// Hint, with Hold or Isolate, is the way out of a wrong set-up: the path that
	// the format is meant for, the header that it wants. It is reported after the
	// reason, as it is.
	Hint string
}
