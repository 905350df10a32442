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
	if room := s.Room(r); room > 0 && room <= cap(c.Bytes) {
		if rec, ok := s.Plain(c.Bytes[:cap(c.Bytes)], r); ok {
			c.Bytes = rec
			return c
		}
	}
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
	putHead(w.buf, h.flags, h.level, w.entries, h.time, s.c.zoneOf(h.time))
	c.Bytes = w.buf
	if size := max(2*s.c.longest, minShort); len(c.Bytes) > size {
		binary.LittleEndian.PutUint16(c.Bytes, h.flags|wasCut)
		c.Bytes = shorten(c.Bytes, size)
	}
	return c
}

// Lengths of buffers for [State.Plain] on the stack. To clear PlainBytes costs the caller 8 ns,
// BareBytes 2; a pool costs 10.
const (
	PlainBytes = 384
	BareBytes  = 128
)

// Room is how long a buffer Plain needs for r, about: what strings among the attributes
// take is guessed. It is 0 if Plain cannot capture r.
func (s *State) Room(r *slog.Record) int {
	if !s.plain || !inPlace || len(r.Message) > s.c.longest || !isFresh(r.Time) || r.Level != slog.Level(int16(r.Level)) {
		return 0
	}
	front, back := attrsInPlace(r)
	if n := len(front); n > 0 && front[n-1].Value.Kind() == slog.KindAny { // an error comes last, mostly
		return 0
	}
	const each = 24 // bytes of an entry, about
	room := headBytes + entryRoom + len(r.Message) + len(s.attrs) + each*(len(front)+len(back))
	if s.c.addSource && r.PC != 0 {
		room += len(sourceOf(r.PC).members)
	}
	return room
}

// Plain captures r into buf, which has the length that Room says, or more. It does what
// Capture does, if r consists of scalars that fit; otherwise it reports false.
func (s *State) Plain(buf []byte, r *slog.Record) (rec []byte, ok bool) {
	flags, end := uint16(hasTime), headBytes
	if s.c.addSource && r.PC != 0 {
		if members := sourceOf(r.PC).members; len(members) > 0 {
			flags |= hasSource
			end += copy(buf[end:], members)
		}
	}
	end += putString(buf[end:], r.Message)
	end += copy(buf[end:], s.attrs)
	entries := s.entries
	front, back := attrsInPlace(r)
	for _, attrs := range [2][]slog.Attr{front, back} {
		if len(attrs) == 0 {
			break
		}
		var n int
		if end, n = putScalars(buf, end, attrs, s.c.longest); n < len(attrs) {
			return nil, false
		}
		entries += n
	}
	putHead(buf, flags, r.Level, entries, r.Time, s.c.zoneOf(r.Time))
	return buf[:end], true
}

// A zoneAt is a location's zone, in seconds east of UTC, in one second.
type zoneAt struct {
	location *time.Location
	second   int64
	zone     int
}

// zoneOf is zoneOf(t). Most records come in the same second as one before, and from the
// same location. The one that begins a second is remembered.
func (c *capturer) zoneOf(t time.Time) int {
	second, location := t.Unix(), t.Location()
	last := c.zone.Load()
	if last != nil && last.second == second && last.location == location {
		return last.zone
	}
	zone := zoneOf(t)
	if last == nil || last.second < second {
		c.zone.Store(&zoneAt{location, second, zone})
	}
	return zone
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
