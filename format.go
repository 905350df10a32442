package slogship

import (
	"net/http"
)

// A Format writes records for a backend and reads the backend's answers. Set one in
// [Options.Format]. The default is [Logflare]; package formats has others, and
// slogshiptest.CheckFormat tests one of your own.
//
// AppendEvent and [Layout.AppendHead] may be called from several goroutines at once;
// each call of AppendEvent has its own Event. Calls of ReadAnswer do not overlap. If
// AppendEvent panics, its record is dropped and counted in [Dropped.Rejected]. If
// Layout panics, [New] returns an error. If another method panics, the attempt to send
// fails, and is repeated after a back-off.
type Format interface {
	// Layout returns what is the same for every record. It is called once.
	Layout() Layout

	// AppendEvent appends one record, without the separator, to dst and returns the
	// extended slice. It may be called more than once for a record. It must write the
	// same bytes for equal Events, because a record must not differ when it is sent
	// again. It may change e, but must not keep dst, e, or memory that they refer to.
	AppendEvent(dst []byte, e *Event) []byte

	// ReadAnswer returns what an answer of the backend means. With the zero Verdict,
	// the status code decides (see Action); a 2xx is then a success unless its body is
	// a web page. If the documentation of the backend says what a success looks like,
	// return Hold for any other 2xx: it comes from a sign-in page, or from another
	// server at that address, and acknowledges nothing.
	ReadAnswer(a Answer) Verdict
}

// Layout is the part of a [Format] that is the same for every record and request. A
// limit of zero means that the backend has none; a limit below zero is an error.
type Layout struct {
	// Err, if not nil, is an error in the Format's own options. New then returns it,
	// and ignores the rest of the Layout.
	Err error

	ContentType string      // the Content-Type of a request; required
	Header      http.Header // other headers that the backend needs, such as a tenant; Options.Header wins

	// A request body is Head, the events with Separator between them, and Tail.
	Head, Separator, Tail string

	// AppendHead, if not nil, is called instead of using Head. It appends a head that
	// depends on the number of events that follow and on their size: the bytes of all
	// events and of the separators between them.
	AppendHead func(dst []byte, events, size int) []byte

	MaxRecords     int // the most records in a request
	MaxBytes       int // the longest request body, in bytes before compression
	MaxRecordBytes int // the longest event, in bytes as AppendEvent writes it

	// AnswerBytes is for a backend whose answer has a result for each record: the
	// length of such a result, in bytes. Of an answer, 64 KiB plus AnswerBytes for each
	// record of the request are read, and at most 8 MiB, counted after inflating.
	AnswerBytes int

	NoGzip bool // the backend cannot inflate gzip: Options.Compression Gzip then counts as None
	Zstd   bool // the backend can inflate zstd: otherwise Options.Compression Zstd is an error

	// Reserved are the names that the Format itself writes into the object that holds
	// the attributes. An attribute at the root with such a name gets a trailing
	// underscore; one that already has some gets one more: "level" becomes "level_",
	// and "level_" becomes "level__". It is an error if two reserved names differ only
	// in trailing underscores. "_cut" and "_recorded" are always reserved.
	Reserved []string

	// UniqueKeys is for a backend that refuses an object with duplicate keys. If set,
	// only the last of several attributes with the same name in the same group is kept.
	UniqueKeys bool
}

// Answer is a backend's answer to a request, as a [Format] gets it.
type Answer struct {
	Status  int         // the status code
	Header  http.Header // the headers
	Body    []byte      // the body, inflated, or its beginning: see Layout.AnswerBytes
	Cut     bool        // whether the body was longer than Body
	Err     error       // why the body could not be read, or nil
	Records int         // the number of records in the request
}

// An Action is what happens to the records of a request after its answer.
type Action uint8

// The actions, each with the status codes that cause it with [ByStatus].
// docs/delivery.md explains them.
const (
	// ByStatus lets the status code decide.
	ByStatus Action = iota

	// Accept means that the records are delivered, unless Verdict.Outcomes or
	// Verdict.Refused say otherwise. Its codes are 2xx, if the body is not a web page.
	Accept

	// Retry sends the records again after a back-off. Its codes are 408, 425, 429 and
	// 5xx.
	Retry

	// Hold keeps the records because of a misconfiguration, and tries again every
	// Options.MaxBackoff. Its codes are 101, 3xx, 401, 403, 404 and a few others.
	Hold

	// TooLarge halves the batch and sends the halves. A single record that is too large
	// is dropped and counted in Dropped.TooLarge. Its code is 413.
	TooLarge

	// Isolate means that a record is bad. The batch is halved until that record is
	// alone; it is then dropped and counted in Dropped.Rejected. Its codes are all
	// other 4xx.
	Isolate

	// Reject drops all records of the request, and counts them in Dropped.Rejected. It
	// has no code.
	Reject
)

// An Outcome is the result of one record in a request whose Action is [Accept].
type Outcome uint8

// The outcomes.
const (
	Taken   Outcome = iota // the record is delivered, now or by an earlier attempt
	Refused                // the record is dropped, and counted in Dropped.Rejected
	Resend                 // the record is sent again with the next batch
	Failed                 // the server failed on the record (5xx): it is sent again, a limited number of times
)

// Verdict says what an [Answer] means. The zero Verdict lets the status code decide.
type Verdict struct {
	Action Action // what happens to the records of the request

	// Outcomes, used with Accept, has the result of each record, in the order of the
	// request. If nil, all records were taken, except as many as Refused says. Refused
	// is for a backend that reports only a number.
	Outcomes []Outcome
	Refused  int

	// Reason is the backend's own explanation. It becomes part of the error that is
	// reported. If empty, the beginning of the body is used. Only the first 1,024 bytes
	// are used, secrets are removed from them, and at most 300 bytes are shown.
	Reason string

	// Hint, used with Hold or Isolate, tells the user how to repair a misconfiguration,
	// for example which path or header the backend needs. It is reported after the
	// reason, unchanged.
	Hint string
}
