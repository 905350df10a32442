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
	Bytes []byte

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
	w := &c.w
	w.begin(s.c, c.Bytes[:0])
	h := head{time: r.Time, level: r.Level}
	if !r.Time.IsZero() {
		h.flags = hasTime
	}
	h.observe()
	w.buf = append(w.buf, make([]byte, headBytes)...)
	if s.c.replace == nil {
		w.builtins(&h, r)
	} else {
		w.replacedBuiltins(&h, r)
	}
	w.buf = h.rest(w.buf)
	w.buf = append(w.buf, w.moved...)
	if s.c.contextAttrs != nil {
		w.appendAll(attrsOf(ctx, s.c.contextAttrs))
	}
	w.record(s, r)
	if w.full || w.short || s.cut {
		h.flags |= wasCut
	}
	h.put(w.buf, w.entries)
	c.Bytes = w.buf
	if size := max(2*s.c.longest, minShort); len(c.Bytes) > size {
		binary.LittleEndian.PutUint16(c.Bytes, h.flags|wasCut)
		c.Bytes = shorten(c.Bytes, size)
	}
	w.buf = nil
	return c
}

// head is the head of a captured record, and what may follow it.
type head struct {
	flags    uint16
	level    slog.Level
	time     time.Time // of the record, if it has one, else Observed
	observed time.Time
}

// observe sets when the record was logged. A time with a monotonic clock reading
// was taken by time.Now in this process, as slog.Logger takes it for each
// record, and another look at the clock would say the same; it costs a tenth of
// the call.
func (h *head) observe() {
	h.observed = h.time
	if h.flags&hasTime == 0 || h.time == h.time.Round(0) {
		h.observed = time.Now()
	}
	if h.flags&hasTime == 0 {
		h.time = h.observed
	}
}

// put writes the head to the front of b.
func (h *head) put(b []byte, entries int) {
	b = b[:headBytes]
	binary.LittleEndian.PutUint64(b, uint64(h.flags)|uint64(uint16(h.level))<<16|uint64(uint32(entries))<<32)
	putTime(b[8:], h.time, zoneOf(h.time))
}

// rest appends what does not fit into the head.
func (h *head) rest(dst []byte) []byte {
	if h.level != slog.Level(int16(h.level)) {
		h.flags |= wideLevel
		dst = binary.LittleEndian.AppendUint64(dst, uint64(h.level))
	}
	if h.flags&hasTime != 0 && !h.time.Equal(h.observed) {
		h.flags |= observedApart
		dst = binary.LittleEndian.AppendUint64(dst, uint64(h.observed.Unix()))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(h.observed.Nanosecond()))
	}
	return dst
}

// attrsOf calls f, Options.ContextAttrs, which may panic.
func attrsOf(ctx context.Context, f func(context.Context) []slog.Attr) (attrs []slog.Attr) {
	defer func() {
		if v := recover(); v != nil {
			attrs = []slog.Attr{slog.String("!PANIC", "ContextAttrs: "+jsontext.PanicText(v))}
		}
	}()
	return f(ctx)
}
