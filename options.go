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

// Options are the settings of a Handler. The zero value is ready for
// production; New copies what it needs and never writes to it.
type Options struct {
	// Level is the least level that is logged. If nil, slog.LevelInfo. A
	// *slog.LevelVar can be changed at any time.
	Level slog.Leveler

	// AddSource adds the function, file and line of the log call.
	AddSource bool

	// ReplaceAttr is called for each attribute that is no group, its value
	// resolved, and for time, level, source and msg under slog's own keys with
	// no groups. What it returns is written instead; the zero Attr is left
	// out. A built-in attribute keeps its place in the format unless its key
	// is changed.
	ReplaceAttr func(groups []string, a slog.Attr) slog.Attr

	// ContextAttrs, if not nil, is called with the context of each log call.
	// What it returns (a trace id, a request id) is written at the root,
	// outside any group.
	ContextAttrs func(ctx context.Context) []slog.Attr

	// Format is how records are written and answers are read. If nil,
	// Logflare's event batch.
	Format Format

	// Header is sent with each request: the place for credentials, which do
	// not belong into the URL. It overrides neither Content-Type nor
	// Content-Encoding. A value that is empty, as that of an unset variable, is an
	// error, and so is a scheme of Authorization without credentials after it
	// ("Bearer "). User-Agent may be empty: none is sent then.
	Header http.Header

	// Compression of the request bodies. If zero, Gzip. A body that
	// compression does not make smaller is sent as it is.
	Compression Compression

	// FlushInterval is how long a record waits at most, while delivery works,
	// for others to fill its batch. If zero, 1 s.
	FlushInterval time.Duration

	// BatchRecords is a full batch, in records. If zero, the format's limit,
	// or 10,000 if it has none.
	BatchRecords int

	// BatchBytes is a full batch, in bytes of the request body before compression.
	// No body is longer, unless a single record is. If zero, 1 MiB.
	BatchBytes int

	// FlushLevel, if not nil, is the level from which on a record does not
	// wait for FlushInterval, nor do those before it. It wakes the batcher and
	// does not wait for it.
	FlushLevel slog.Leveler

	// MaxPending bounds memory, in records. At the bound the oldest record is
	// dropped and counted in Stats.Dropped.Overflow, and OnError is told. If
	// zero, 65,536.
	MaxPending int

	// MaxPendingBytes bounds memory, in bytes of captured records, which are about
	// half as long as JSON, likewise. If zero, 32 MiB. What a Handler keeps on the
	// heap stays below it plus 14 MiB (with BatchBytes and MaxRecordBytes at their
	// defaults), however long an outage and whatever the sizes of records; where
	// blocks cost much more than the records in them, the oldest go a little
	// earlier. Batches, as many as Requests, are clamped to half of either bound.
	MaxPendingBytes int

	// MaxRecordBytes bounds one record, in bytes as the Format writes it. A longer
	// one is cut, marked with "_cut":true and counted in Stats.Cut. If zero, 256 KiB.
	MaxRecordBytes int

	// Client sends the requests. It is copied; its Transport is where tokens
	// are refreshed, which are kept out of errors as those in Header are. If nil, a
	// client of the handler's own.
	Client *http.Client

	// RequestTimeout bounds one attempt to send, the reading of the answer
	// included. If zero, 10 s.
	RequestTimeout time.Duration

	// MinBackoff and MaxBackoff bound the waits between failed attempts: the
	// n-th is a random time up to MinBackoff * 2^n and up to MaxBackoff (full
	// jitter). If zero, 500 ms and 30 s.
	MinBackoff time.Duration
	MaxBackoff time.Duration

	// Requests is how many requests may be under way at once. If zero, 1, which
	// keeps the order in which records were accepted. More are for a backend with
	// small batches, or far away: a backlog then leaves in so many full batches at
	// once, each of which is delivered, or tried again, by itself, so that records
	// may overtake others within them.
	Requests int

	// Spool keeps records on disk until they are delivered, so that neither a crash
	// nor a long outage loses them. Without a directory, records are in memory only.
	Spool SpoolOptions

	// LossRecord has a record say that others were lost. After records were dropped,
	// the first batch that may be delivered again carries one event more: level WARN,
	// message "slogship: records lost", with their number ("lost"), how many for which
	// reason ("dropped"), and when the first and the last of them were dropped ("from",
	// "to"). It has an id of its own, is the same each time it is sent until it is
	// acknowledged, and is in none of the numbers of Stats. It is not sent where
	// BatchRecords is 1, nor again if the server refuses its batch.
	LossRecord bool

	// OnError is told what goes wrong:
	//
	//   - why, once, when delivery starts to fail;
	//   - an error that matches ErrRecovered when it works again;
	//   - an error that matches ErrOverflow, with the number of records, when
	//     the oldest are dropped because MaxPending or MaxPendingBytes is
	//     reached, and at most once a minute while that goes on.
	//
	// Calls come in order and never overlap, in goroutines of slogship's own;
	// nobody who logs waits for them, but delivery does. A panic in it, and a
	// runtime.Goexit (testing's FailNow), end the call and nothing else. OnError
	// may log; it must not call Flush or Shutdown. If nil, one line on standard
	// error each.
	OnError func(error)
}

// Compression is how request bodies are compressed.
type Compression uint8

// The kinds of compression.
const (
	Gzip Compression = iota // the default; None for a format whose server cannot inflate it
	Zstd                    // smaller and faster, where the format's server can inflate it
	None
)

// String is the name of the content coding, "none" for None.
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
		{"Requests", int64(o.Requests)},
		{"RequestTimeout", int64(o.RequestTimeout)},
		{"MinBackoff", int64(o.MinBackoff)},
		{"MaxBackoff", int64(o.MaxBackoff)},
		{"Spool.MaxBytes", o.Spool.MaxBytes},
		{"Spool.MaxAge", int64(o.Spool.MaxAge)},
		{"Spool.Delay", int64(o.Spool.Delay)},
	} {
		if f.value < 0 {
			return s, optionError(f.name, durationOr(f.name, f.value), "want >= 0")
		}
	}
	switch {
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
	setDefault(&o.Requests, 1)
	setDefault(&o.MaxPending, defaultMaxPending)
	setDefault(&o.MaxPendingBytes, defaultMaxPendingBytes)

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
