package slogship

import (
	"net/http"
)

// A Format writes records for a backend and reads the backend's answers. The
// default is [Logflare]'s; package formats has 14 others. Set one in
// Options.Format.
//
// AppendEvent, each call with its own Event, and Layout.AppendHead may be called
// from several goroutines at once; the other methods are called from one
// goroutine. If AppendEvent panics, its record is dropped and counted in
// Stats.Dropped.Rejected. If another method panics, the attempt to send fails.
type Format interface {
	// Layout returns what is the same for every record. It is called once.
	Layout() Layout

	// AppendEvent appends one record, without the separator, to dst and returns
	// the extended slice. It may be called more than once for a record, and must
	// write the same bytes for an equal Event, because a record that is sent
	// again must not differ. It may change e, but must not keep dst, e, or memory
	// that they refer to.
	AppendEvent(dst []byte, e *Event) []byte

	// ReadAnswer says what an answer of the backend means. The zero Verdict
	// leaves that to the status code (see [Action]); a 2xx is then a success
	// unless its body is a web page. If the backend documents what a success
	// looks like, return Hold for any other 2xx: it comes from a sign-in page,
	// or from another server at that address, and acknowledges nothing.
	ReadAnswer(a Answer) Verdict
}

// Layout is the part of a Format that is the same for every record and request.
// A limit of zero means that the backend has none.
type Layout struct {
	// Err, if not nil, says what is wrong with the Format's own options. New
	// then returns it and ignores the rest of the Layout.
	Err error

	ContentType string      // of the request; required
	Header      http.Header // other headers that the backend wants, such as a tenant; Options.Header wins

	// A request body is Head, the events with Separator between them, Tail.
	Head, Separator, Tail string

	// AppendHead, if not nil, appends the head instead of Head: for a head that
	// depends on the number of events that follow, and on their size in bytes,
	// with the separators between them.
	AppendHead func(dst []byte, events, size int) []byte

	MaxRecords     int // in a request
	MaxBytes       int // of a request body, before compression
	MaxRecordBytes int // of one event

	// AnswerBytes is how many bytes of an answer ReadAnswer needs for each record
	// of the request, for a backend that reports on each. Of an answer, inflated,
	// 64 KiB plus AnswerBytes for each record are read, and at most 8 MiB.
	AnswerBytes int

	NoGzip bool // the backend cannot inflate gzip: bodies are sent as they are unless Zstd is asked for
	Zstd   bool // the backend can inflate zstd

	// Reserved are names that the format itself writes into the object that holds
	// the attributes. An attribute at the root with such a name, with or without
	// trailing underscores, gets one more: "level" becomes "level_", "level_"
	// becomes "level__". Two reserved names must differ in more than trailing
	// underscores. "_cut" and "_recorded" are always reserved.
	Reserved []string

	// UniqueKeys is for a backend that refuses an object with duplicate keys. If
	// set, only the last of several attributes with one name in a group is kept.
	UniqueKeys bool
}

// Answer is a backend's answer to a request, as a Format gets it.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte // the beginning of the body; see Layout.AnswerBytes for how much
	Cut     bool   // the body was longer than what was read
	Err     error  // why reading the body failed, if it did
	Records int    // records in the request
}

// An Action is what happens to the records of a request after its answer.
type Action uint8

// The actions, each with the status codes that cause it unless the Format says
// otherwise. docs/delivery.md explains each.
const (
	ByStatus Action = iota // the status code decides
	Accept                 // delivered: 2xx, unless the body is a web page
	Retry                  // sent again after a back-off: 408, 425, 429, 5xx
	Hold                   // misconfiguration: kept, and tried every MaxBackoff: 101, 3xx, 401, 403, 404, ...
	TooLarge               // halved and sent again, down to the single record: 413
	Isolate                // a record is bad: the batch is halved until it is alone: every other 4xx
	Reject                 // dropped as rejected, never sent again
)

// An Outcome is the result of one record in a request whose Action is [Accept].
type Outcome uint8

// The outcomes.
const (
	Taken   Outcome = iota // delivered, now or by an earlier attempt
	Refused                // dropped as rejected, never sent again
	Resend                 // sent again, with the next batch
	Failed                 // the server failed on it (5xx): sent again, a limited number of times
)

// Verdict is what a Format makes of an [Answer].
type Verdict struct {
	Action Action

	// Outcomes, with Accept, has one Outcome for each record, in order. If nil,
	// all records were taken, except for Refused of them: a number, for a
	// backend that does not say which.
	Outcomes []Outcome
	Refused  int

	// Reason is the backend's own explanation, for the error that is reported.
	// If empty, the beginning of the body is used. Secrets are removed from the
	// first 1,024 bytes, and at most 300 are shown.
	Reason string

	// Hint, with Hold or Isolate, tells the user how to mend a misconfiguration:
	// the path that the format is meant for, or the header that it wants. It is
	// reported after the reason, unchanged.
	Hint string
}
