package slogship

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"
)

// Defaults of Options.
const (
	defaultFlushInterval   = time.Second
	defaultBatchRecords    = 10_000
	defaultBatchBytes      = 1 << 20
	defaultMaxPending      = 65_536
	defaultMaxPendingBytes = 32 << 20
	defaultMaxRecordBytes  = 256 << 10
	defaultRequestTimeout  = 10 * time.Second
	defaultMinBackoff      = 500 * time.Millisecond
	defaultMaxBackoff      = 30 * time.Second
)

// maxRequests bounds Options.Requests.
const maxRequests = 64

// Options configure a [Handler]. The zero value is ready for production. A number below
// zero is an error. [New] copies Options and does not change the caller's.
type Options struct {
	// Level is the minimum level that is logged. If nil, slog.LevelInfo. The level of a
	// slog.LevelVar can be changed at any time.
	Level slog.Leveler

	// AddSource adds the function, the file and the line of the log call to each
	// record.
	AddSource bool

	// ReplaceAttr, if not nil, is called for each attribute that is not a group, with
	// its value resolved, as in slog.HandlerOptions. It is also called, with no groups,
	// for the time, the level, the source and the message, under slog's keys:
	// slog.TimeKey, slog.LevelKey, slog.SourceKey and slog.MessageKey. The attribute
	// that it returns is written instead; the zero Attr removes the attribute. The
	// time, the level, the source and the message keep their places in the format
	// unless their key is changed. ReplaceAttr may be called from several goroutines at
	// once.
	ReplaceAttr func(groups []string, a slog.Attr) slog.Attr

	// ContextAttrs, if not nil, is called with the context of each log call. The
	// attributes that it returns, such as a trace id, are written at the root, outside
	// any group, before all others. Where keys are equal, the last attribute wins. It
	// may be called from several goroutines at once. NewContextHandler does the same
	// for any handler.
	ContextAttrs func(ctx context.Context) []slog.Attr

	// Format writes records for the backend and reads its answers. If nil, Logflare().
	// Package formats has others.
	Format Format

	// Header is sent with each request. Put credentials here, not into the URL.
	// Content-Type and Content-Encoding in it are ignored. It is an error if a value is
	// empty, or if an Authorization ends after its scheme ("Bearer "), because that
	// usually means that a variable is not set. An empty User-Agent is allowed: none is
	// sent then.
	Header http.Header

	// Compression is how request bodies are compressed. If zero, Gzip, or None if the
	// server cannot inflate gzip. It is an error if the server cannot inflate zstd. A
	// body of up to 64 KiB that would not become smaller is sent uncompressed.
	Compression Compression

	// FlushInterval is the longest time that a record waits for its batch to become
	// full, while delivery works. If zero, 1 s.
	FlushInterval time.Duration

	// BatchRecords is the size of a full batch, in records. If zero, the format's
	// limit, or 10,000 if it has none. It is lowered to the format's limit, and to half
	// of MaxPending divided by Requests.
	BatchRecords int

	// BatchBytes is the size of a full batch, in bytes of the request body before
	// compression. Only a body with a single record may be longer. If zero, 1 MiB. It
	// is lowered to the format's limit, and to half of MaxPendingBytes divided by
	// Requests.
	BatchBytes int

	// FlushLevel, if not nil, is the level from which on a record and all records
	// before it are sent at once, instead of after FlushInterval. The log call still
	// does not wait.
	FlushLevel slog.Leveler

	// MaxPending bounds memory, in records. At the bound the oldest record is dropped
	// and counted in Dropped.Overflow, and OnError is called; see OnFull for another
	// choice. If zero, 65,536.
	MaxPending int

	// MaxPendingBytes bounds memory in the same way, in bytes of captured records. A
	// captured record is about half as long as its JSON. If zero, 32 MiB. In an outage
	// of any length a Handler keeps at most this plus 14 MiB on the heap, with
	// BatchBytes and MaxRecordBytes at their defaults. Records of unusual sizes waste
	// some memory; the oldest are then dropped a little earlier.
	MaxPendingBytes int

	// OnFull is what a log call does when MaxPending or MaxPendingBytes is reached. If
	// zero, DropOldest. With Block, it waits for room. OnFull has no effect with a
	// Spool: the oldest records are then on disk only.
	OnFull OnFull

	// MaxRecordBytes is the longest record, in bytes as the Format writes it. A longer
	// one is shortened, gets the attribute "_cut", true, and is counted in Stats.Cut.
	// If zero, 256 KiB. It is lowered to the format's limit, to MaxPendingBytes, and to
	// an eighth of SpoolOptions.MaxBytes.
	MaxRecordBytes int

	// Client sends the requests. It is copied. Set it to use a Transport of your own,
	// for example one that refreshes a token; such tokens are kept out of errors, as
	// those in Header are. If nil, the Handler makes a client.
	Client *http.Client

	// RequestTimeout is the longest time that one request takes, including its answer.
	// If zero, 10 s. A shorter Timeout of the Client wins.
	RequestTimeout time.Duration

	// MinBackoff and MaxBackoff bound the waits after failed attempts. The n-th wait is
	// a random time up to MinBackoff * 2^n, and at most MaxBackoff (full jitter). A
	// wait is longer if the Retry-After of the answer is, which counts as at most 5
	// minutes. If zero, 500 ms and 30 s. It is an error if MinBackoff is above
	// MaxBackoff.
	MinBackoff time.Duration
	MaxBackoff time.Duration

	// Requests is the largest number of requests at the same time, for a backend that
	// is far away or takes small batches. With 1,000 records per request and 100 ms per
	// answer, one request at a time delivers 10,000 records per second, and 4 deliver
	// 40,000. If zero, 1. A number above 64 counts as 64.
	//
	// Above 1, a request may overtake up to Requests-1 others, so that even records of
	// one goroutine may arrive out of order. After an answer that is not a success,
	// requests are sent one at a time until a batch is delivered. Each request beyond
	// the first takes up to 6 MiB of memory, with BatchBytes at its default.
	Requests int

	// Spool keeps records on disk until they are delivered, so that they survive a
	// crash and a long outage. Without a directory, records are in memory only.
	// SpoolOptions says which records a crash may still lose.
	Spool SpoolOptions

	// LossRecord adds a record to the logs that says how many others were dropped. It
	// is sent with the next batch after the loss, has level WARN and the message
	// "slogship: records lost", and these attributes: "lost", their number; "dropped",
	// a group with the number for each reason; "from" and "to", when the first and the
	// last were dropped. It has an id of its own, keeps its content until it is
	// acknowledged, and is not counted in Stats. It is not sent if BatchRecords is 1,
	// and not sent again if the server refuses its batch.
	LossRecord bool

	// OnError is called with
	//
	//   - the reason, once, when delivery starts to fail;
	//   - an error that matches ErrRecovered when it works again;
	//   - an error that matches ErrOverflow when records are dropped for overflow,
	//     and then at most once a minute while that continues;
	//   - an error that matches ErrSpool when the disk starts to fail, and at most
	//     once a minute if a record at SpoolOptions.SyncLevel was not on disk in time;
	//   - an error that matches ErrSpoolRecovered when the disk works again.
	//
	// Calls are in order and never overlap. They are made by goroutines of the
	// Handler: log calls do not wait for OnError, but delivery does. A panic or a
	// runtime.Goexit in it ends only that call. OnError may log; it must not call
	// Flush or Shutdown. If nil, each error is written to standard error as one line.
	OnError func(error)

	// OnDrop, if not nil, is called with each record that the batcher drops, and the
	// reason: "rejected", "too_large" or "expired" (see Dropped). It is also called
	// with each record that Shutdown leaves unsent in memory, with the reason
	// "shutdown", before Shutdown returns. e is valid only during the call.
	//
	// It is not called for records that the backend refuses without saying which, for
	// overflow, for records too large to be captured, for Discard, for damage on disk,
	// for records logged after Shutdown, and for records whose request still has no
	// answer 100 ms after Shutdown's context ended, because the Client's Transport
	// ignores that. Stats counts these.
	//
	// The rules for calls of OnError hold for it too, and calls of the two never
	// overlap.
	OnDrop func(reason string, e *Event)
}

// Compression is how request bodies are compressed: see [Options.Compression].
type Compression uint8

// The kinds of compression.
const (
	Gzip Compression = iota // the default; counts as None if the format's server cannot inflate gzip
	Zstd                    // smaller and faster; an error if the format's server cannot inflate zstd
	None                    // not compressed
)

// String returns the name of the content coding: "gzip", "zstd" or "none".
func (c Compression) String() string {
	switch c {
	case Gzip:
		return "gzip"
	case Zstd:
		return "zstd"
	case None:
		return "none"
	}
	return fmt.Sprintf("Compression(%d)", uint8(c))
}

// settings is Options with defaults and limits applied.
type settings struct {
	Options
	layout   Layout
	reserved reservedNames
	frame    int // bytes around the events of a body, at most

	prefix [prefixDigits / 2]byte // of ids; zero: a random one
}

// resolve checks o and fills in what it leaves open.
func (o Options) resolve() (s settings, err error) {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"FlushInterval", int64(o.FlushInterval)},
		{"BatchRecords", int64(o.BatchRecords)},
		{"BatchBytes", int64(o.BatchBytes)},
		{"MaxPending", int64(o.MaxPending)},
		{"MaxPendingBytes", int64(o.MaxPendingBytes)},
		{"MaxRecordBytes", int64(o.MaxRecordBytes)},
		{"RequestTimeout", int64(o.RequestTimeout)},
		{"MinBackoff", int64(o.MinBackoff)},
		{"MaxBackoff", int64(o.MaxBackoff)},
		{"Requests", int64(o.Requests)},
		{"Spool.MaxBytes", o.Spool.MaxBytes},
		{"Spool.MaxAge", int64(o.Spool.MaxAge)},
		{"Spool.Delay", int64(o.Spool.Delay)},
	} {
		if f.value < 0 {
			return s, optionError(f.name, durationOr(f.name, f.value), "want >= 0")
		}
	}
	switch {
	case o.OnFull > Block:
		return s, optionError("OnFull", uint8(o.OnFull), "want DropOldest or Block")
	case o.Compression > None:
		return s, optionError("Compression", o.Compression, "want Gzip, Zstd or None")
	case o.MinBackoff > 0 && o.MaxBackoff > 0 && o.MinBackoff > o.MaxBackoff:
		return s, optionError("MinBackoff", o.MinBackoff, fmt.Sprintf("want <= MaxBackoff, which is %v", o.MaxBackoff))
	}
	if err := o.Spool.check(); err != nil {
		return s, err
	}
	if err := checkHeader("Options.Header", o.Header); err != nil {
		return s, err
	}
	if err := checkCredentials(o.Header); err != nil {
		return s, err
	}
	if o.Format == nil {
		o.Format = Logflare()
	}
	if s.layout, err = layoutOf(o.Format); err != nil {
		return s, err
	}
	if s.reserved, err = newReservedNames(s.layout.Reserved); err != nil {
		return s, err
	}
	switch {
	case o.Compression == Zstd && !s.layout.Zstd:
		return s, optionError("Compression", o.Compression, fmt.Sprintf("want Gzip or None: the server of %T cannot inflate zstd", o.Format))
	case o.Compression == Gzip && s.layout.NoGzip:
		o.Compression = None
	}

	setDefault(&o.FlushInterval, defaultFlushInterval)
	setDefault(&o.RequestTimeout, defaultRequestTimeout)
	if o.MinBackoff == 0 {
		o.MinBackoff = defaultMinBackoff
		if o.MaxBackoff > 0 {
			o.MinBackoff = min(o.MinBackoff, o.MaxBackoff)
		}
	}
	if o.MaxBackoff == 0 {
		o.MaxBackoff = max(o.MinBackoff, defaultMaxBackoff)
	}
	setDefault(&o.MaxPending, defaultMaxPending)
	setDefault(&o.MaxPendingBytes, defaultMaxPendingBytes)
	setDefault(&o.Requests, 1)
	o.Requests = min(o.Requests, maxRequests)

	setDefault(&o.MaxRecordBytes, defaultMaxRecordBytes)
	o.MaxRecordBytes = clamp(o.MaxRecordBytes, o.MaxPendingBytes, s.layout.MaxRecordBytes)
	o.MaxRecordBytes = min(o.MaxRecordBytes, math.MaxInt32) // a block's marks have 32 bits
	if o.Spool.Dir != "" {
		setDefault(&o.Spool.MaxBytes, defaultSpoolBytes)
		setDefault(&o.Spool.Delay, defaultSpoolDelay)
		o.MaxRecordBytes = int(min(int64(o.MaxRecordBytes), o.Spool.MaxBytes/spoolShare))
	}
	setDefault(&o.BatchRecords, s.layout.MaxRecords)
	setDefault(&o.BatchRecords, defaultBatchRecords)
	o.BatchRecords = clamp(o.BatchRecords, o.MaxPending/2/o.Requests, s.layout.MaxRecords)
	setDefault(&o.BatchBytes, defaultBatchBytes)
	o.BatchBytes = clamp(o.BatchBytes, o.MaxPendingBytes/2/o.Requests, 0)
	if s.frame, err = s.layout.frame(o.BatchRecords, o.BatchBytes); err != nil {
		return s, err
	}
	if most := s.layout.MaxBytes; most > 0 {
		if most <= s.frame {
			return s, fmt.Errorf("slogship: Options.Format: Layout.MaxBytes is %d, want more than head and tail, %d bytes", most, s.frame)
		}
		o.BatchBytes = min(o.BatchBytes, most)
		o.MaxRecordBytes = min(o.MaxRecordBytes, most-s.frame)
	}
	s.Options = o
	return s, nil
}

// layoutOf asks a Format, which may be the user's own, for its layout.
func layoutOf(f Format) (l Layout, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("slogship: Options.Format: %T.Layout panicked: %v", f, v)
		}
	}()
	l = f.Layout()
	if l.Err != nil {
		return l, fmt.Errorf("slogship: Options.Format: %w", l.Err)
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"MaxRecords", l.MaxRecords}, {"MaxBytes", l.MaxBytes}, {"MaxRecordBytes", l.MaxRecordBytes}, {"AnswerBytes", l.AnswerBytes}} {
		if n.value < 0 {
			return l, fmt.Errorf("slogship: Options.Format: Layout.%s is %d, want >= 0", n.name, n.value)
		}
	}
	if l.ContentType == "" {
		return l, fmt.Errorf("slogship: Options.Format: Layout.ContentType is %q, want a media type", l.ContentType)
	}
	if err := checkHeader("Options.Format: Layout.ContentType", http.Header{"Content-Type": {l.ContentType}}); err != nil {
		return l, err
	}
	return l, checkHeader("Options.Format: Layout.Header", l.Header)
}

// frame is the length of head and tail of a body.
func (l Layout) frame(events, size int) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("slogship: Options.Format: Layout.AppendHead panicked: %v", v)
		}
	}()
	return len(l.head(nil, events, size)) + len(l.Tail), nil
}

func (l Layout) head(dst []byte, events, size int) []byte {
	if l.AppendHead != nil {
		return l.AppendHead(dst, events, size)
	}
	return append(dst, l.Head...)
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// clamp bounds v to 1..limit and, if it is not zero, to 1..another.
func clamp(v, limit, another int) int {
	v = min(v, limit)
	if another > 0 {
		v = min(v, another)
	}
	return max(v, 1)
}

func optionError(field string, value any, rule string) error {
	return fmt.Errorf("slogship: Options.%s is %v, %s", field, value, rule)
}

// durationOr is value as a time.Duration where the field is one.
func durationOr(field string, value int64) any {
	switch field {
	case "FlushInterval", "RequestTimeout", "MinBackoff", "MaxBackoff", "Spool.MaxAge", "Spool.Delay":
		return time.Duration(value)
	}
	return value
}

// checkHeader refuses what net/http would refuse later, at each request. A
// value is a secret, and not shown.
func checkHeader(where string, h http.Header) error {
	for name, values := range h {
		if !isToken(name) {
			return fmt.Errorf("slogship: %s has the name %q, want letters, digits and !#$%%&'*+-.^_`|~ only", where, name)
		}
		for _, v := range values {
			for i := range len(v) {
				if c := v[i]; c < 0x20 && c != '\t' || c == 0x7f {
					return fmt.Errorf("slogship: %s: the value of %q (not shown) has the control character %#02x at byte %d, want none", where, name, c, i)
				}
			}
		}
	}
	return nil
}

// checkCredentials refuses what an unset variable makes of a header.
func checkCredentials(h http.Header) error {
	for name, values := range h {
		canonical := http.CanonicalHeaderKey(name)
		for _, v := range values {
			switch scheme := strings.TrimSpace(v); {
			case canonical == "User-Agent":
			case scheme == "":
				return fmt.Errorf("slogship: Options.Header: the value of %q is empty, want one: is a variable unset?", name)
			case canonical == "Authorization" && len(scheme) < len(v) && isToken(scheme):
				return fmt.Errorf("slogship: Options.Header: the value of %q ends after its scheme, want credentials: is a variable unset?", name)
			}
		}
	}
	return nil
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			continue
		}
		switch c {
		case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
			continue
		}
		return false
	}
	return s != ""
}
