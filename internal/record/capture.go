package record

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"
	"time"

	"github.com/slogship/slogship/internal/jsontext"
)

// Options is what a Capturer does to every record. They are those of
// slogship.Options.
type Options struct {
	AddSource    bool
	ReplaceAttr  func(groups []string, a slog.Attr) slog.Attr
	ContextAttrs func(ctx context.Context) []slog.Attr

	// MaxRecordBytes is the length that a record may have as text, in bytes. No
	// string is captured further than that, and no record further than twice
	// that: its text is longer then in any Format. It must be positive.
	MaxRecordBytes int
}

// A Captured is a captured record, and the scratch space in which it became
// one. It is taken from a pool, used by one goroutine, and given back by Free.
type Captured struct {
	// Bytes is the record, as the package doc draws it. It is overwritten after
	// Free.
	Bytes []byte // it has room for headBytes

	w writer

	// The zone, in seconds east of UTC, of a location in the Unix second second.
	zone     int
	second   int64
	location *time.Location
}

// keepScratch is the largest scratch buffer that goes back to the pool.
const keepScratch = 64 << 10

var captureds = sync.Pool{New: func() any {
	c := &Captured{Bytes: make([]byte, 0, 1024)}
	c.w.groups = make([]string, 0, 10) // at the root ReplaceAttr sees no groups, not nil, as in slog
	return c
}}

// Free gives c back. Nothing of it may be used any more.
func (c *Captured) Free() {
	if c.w.release(); cap(c.Bytes) <= keepScratch {
		captureds.Put(c)
	}
}

// Capture takes down r as a handler with the state s is given it: all of it, for
// what it refers to may change once the call has returned. What it costs is
// bounded by Options.MaxRecordBytes, whatever r is. The caller frees what it
// returns.
//
// What the user brings along (ReplaceAttr, ContextAttrs, LogValuers, marshalers)
// may panic: that is contained where it is called.
func (s *State) Capture(ctx context.Context, r *slog.Record) *Captured {
	c := captureds.Get().(*Captured)
	w := &c.w
	w.begin(s.c, c.Bytes[:headBytes])
	h := head{time: r.Time, level: r.Level}
	h.observe()
	if s.c.replace == nil {
		w.builtins(&h, r)
	} else {
		w.moved = w.moved[:0]
		w.replacedBuiltins(&h, r)
	}
	h.rest(w)
	if s.c.replace != nil {
		w.buf = append(w.buf, w.moved...)
	}
	if s.c.contextAttrs != nil {
		w.appendAll(FromContext(ctx, s.c.contextAttrs, "ContextAttrs"))
	}
	w.record(s, r)
	if w.full || w.short || s.cut {
		h.flags |= wasCut
	}
	putHead(w.buf, h.flags, h.level, w.entries, h.time, c.zoneOf(h.time))
	c.Bytes = w.buf
	if size := max(2*s.c.longest, minShort); len(c.Bytes) > size {
		binary.LittleEndian.PutUint16(c.Bytes, h.flags|wasCut)
		c.Bytes = shorten(c.Bytes, size)
	}
	return c
}

// Lengths of buffers for [State.Plain]. Most records fit into PlainBytes, and most without
// attributes into BareBytes. To clear the one costs the caller 8 ns, the other 2, and a
// pool 10.
const (
	PlainBytes = 384
	BareBytes  = 128
)

// Plain captures r into buf, as Capture would, if r consists of scalars, fits, and
// nothing of the user's has to be called. Otherwise it reports false.
func (s *State) Plain(buf []byte, r *slog.Record) (rec []byte, ok bool) {
	if !s.plain || !inPlace || len(r.Message) > s.c.longest || !isFresh(r.Time) || r.Level != slog.Level(int16(r.Level)) {
		return nil, false
	}
	flags, source := uint16(hasTime), []byte(nil)
	if s.c.addSource && r.PC != 0 {
		if source = sourceOf(r.PC).members; len(source) > 0 {
			flags |= hasSource
		}
	}
	front, back := attrsInPlace(r)
	const each = 24 // bytes of an entry, about: what would not fit is not tried
	if headBytes+entryRoom+len(source)+len(r.Message)+len(s.attrs)+each*(len(front)+len(back)) > len(buf) {
		return nil, false
	}
	if n := len(front); n > 0 && front[n-1].Value.Kind() == slog.KindAny { // an error comes last, mostly
		return nil, false
	}
	end := headBytes + copy(buf[headBytes:], source)
	end += putString(buf[end:], r.Message)
	end += copy(buf[end:], s.attrs)
	end, n := putScalars(buf, end, front, s.c.longest)
	entries := s.entries + n
	if n < len(front) {
		return nil, false
	}
	if len(back) > 0 {
		end, n = putScalars(buf, end, back, s.c.longest)
		entries += n
		if n < len(back) {
			return nil, false
		}
	}
	putHead(buf, flags, r.Level, entries, r.Time, zoneOf(r.Time))
	return buf[:end], true
}

// zoneOf is zoneOf(t). Most records come in the same second as one before, and
// from the same zone.
func (c *Captured) zoneOf(t time.Time) int {
	sec, location := t.Unix(), t.Location()
	if sec != c.second || location != c.location {
		c.second, c.location, c.zone = sec, location, zoneOf(t)
	}
	return c.zone
}

// head is the head of a captured record, and what may follow it.
type head struct {
	flags    uint16
	level    slog.Level
	time     time.Time // of the record, if it has one, else Observed
	observed time.Time
	apart    bool // Observed is another one than time
}

// isFresh reports whether t has a monotonic clock reading: it was taken by time.Now in
// this process, as slog.Logger takes it for each record.
func isFresh(t time.Time) bool {
	return t != t.In(t.Location()) // In leaves the reading out; Equal would not look at it
}

// observe sets when the record was logged. Of a fresh time, another look at the clock
// would say the same; it costs a fifth of the call.
func (h *head) observe() {
	switch {
	case h.time.IsZero():
		h.observed = time.Now()
		h.time = h.observed
	case !isFresh(h.time):
		h.flags, h.observed, h.apart = hasTime, time.Now(), true
	default:
		h.flags, h.observed = hasTime, h.time
	}
}

// rest writes what does not fit into the head.
func (h *head) rest(w *writer) {
	if h.level != slog.Level(int16(h.level)) {
		h.flags |= wideLevel
		w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(h.level))
	}
	if h.apart {
		h.flags |= observedApart
		w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(h.observed.Unix()))
		w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(h.observed.Nanosecond()))
	}
}

// putHead writes the head of a record to the front of b.
func putHead(b []byte, flags uint16, level slog.Level, entries int, t time.Time, zone int) {
	b = b[:headBytes]
	binary.LittleEndian.PutUint64(b, uint64(flags)|uint64(uint16(level))<<16|uint64(uint32(entries))<<32)
	putTime(b[8:], t, zone)
}

// FromContext returns the attributes that f, which who calls it gave us, finds in ctx.
// If f panics, that is an attribute that says so and names the option.
func FromContext(ctx context.Context, f func(context.Context) []slog.Attr, option string) (attrs []slog.Attr) {
	defer func() {
		if v := recover(); v != nil {
			attrs = []slog.Attr{slog.String("!PANIC", option+": "+jsontext.PanicText(v))}
		}
	}()
	return f(ctx)
}
