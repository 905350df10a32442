package slogship

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"
	"unsafe"

	"github.com/slogship/slogship/internal/jsontext"
	"github.com/slogship/slogship/internal/record"
)

const (
	prefixDigits   = 32 // of an id: the handler's own
	sequenceDigits = 16 // of an id: the record's
)

// wording is how bodies are written: what all encoders of a handler share.
type wording struct {
	format      Format
	layout      Layout
	reserved    reservedNames
	compression Compression
	prefix      [prefixDigits / 2]byte // of all ids

	maxRecord  int // bytes of an event; a longer one is cut
	maxRecords int // in a body
	room       int // in a body, for events and what separates them

	maxAge time.Duration // of a record that is sent; 0: any
}

func newWording(o settings) *wording {
	w := &wording{
		format:      o.Format,
		layout:      o.layout,
		reserved:    o.reserved,
		compression: o.Compression,
		maxRecord:   o.MaxRecordBytes,
		maxRecords:  o.BatchRecords,
		room:        o.BatchBytes - o.frame,
		prefix:      o.prefix,
		maxAge:      o.Spool.MaxAge,
	}
	if w.prefix == [prefixDigits / 2]byte{} {
		rand.Read(w.prefix[:]) // never fails, as its documentation says
	}
	return w
}

// An encoder makes request bodies of captured records, in memory that it uses
// again for the next body.
//
//	captured -> record.Decode -> Event -> rename, unique -> AppendEvent -> buf -> compressed
//	                                |                           |
//	                                +-- shorten <-- too long ---+
//
// It is used by one goroutine at a time, and changes nothing but itself: any
// number of encoders may work on one batch.
type encoder struct {
	*wording
	decoder   *record.Decoder
	values    values
	record    record.Record
	id        [prefixDigits + sequenceDigits]byte
	shortener shortener

	captured []byte        // the record under way
	origin   *origin       // of that, if it was read from disk
	now      time.Time     // with maxAge
	report   *lossReport   // goes into the body under way
	fresh    func() *Event // decode, bound once

	text text // of the body under way
	head []byte
}

func newEncoder(w *wording) *encoder {
	e := &encoder{wording: w}
	e.text.coder.kind = w.compression
	e.decoder = record.NewDecoder(&e.values)
	hex.Encode(e.id[:], w.prefix[:])
	e.fresh = e.decode
	return e
}

// A body is a request's, and what became of the records that it was made of.
type body struct {
	*payload
	coding string // the Content-Encoding; "" if it is not compressed

	taken piece  // is in it, in order
	lost  []loss // no body can have
	rest  piece  // it has no room for

	report *lossReport // is in it, too, after these

	encoded int    // bytes of the events in it, with what separates them
	cut     []span // records that were shortened, one each
}

// A loss is a record that is dropped before it is sent.
type loss struct {
	span
	why reason
}

// encode makes a body of the records at the front of pc: as many as there is room
// for, at least one of those that are not lost. The body is valid until the next
// one is made; it is empty if all records are lost.
func (e *encoder) encode(pc piece, room int) *body {
	b := new(body)
	b.taken.spans = make([]span, 0, len(pc.spans))
	room, maxRecords := min(room, e.room), e.maxRecords
	if e.report != nil {
		room, maxRecords = room-reportBytes, maxRecords-1
	}
	defer e.release()
	e.begin()
	for left := pc; !e.tryFill(b, left, room, maxRecords); {
		var one piece
		_, left = pc.split(b.taken.records + len(b.lost))
		one, left = left.split(1)
		b.lost = append(b.lost, loss{one.spans[0], rejected})
	}
	if b.taken.records > 0 && !contain(func() { e.end(b) }) {
		panic(fmt.Sprintf("AppendHead of %T ended its goroutine (runtime.Goexit)", e.format))
	}
	return b
}

// tryFill is fill. It reports false if the Format panicked over a record or ended the
// goroutine: the first one that is neither taken nor lost.
func (e *encoder) tryFill(b *body, pc piece, room, maxRecords int) (filled bool) {
	contain(func() {
		defer func() { _ = recover() }()
		e.fill(b, pc, room, maxRecords)
		filled = true
	})
	return filled
}

// fill adds to b the records at the front of pc, up to maxRecords.
func (e *encoder) fill(b *body, pc piece, room, maxRecords int) {
	for i, s := range pc.spans {
		e.from(s.b.origin)
		for at := s.from; at < s.to; at++ {
			captured, one := s.b.record(at), span{s.b, at, at + 1}
			out, cut, why := e.appendRecord(captured, s.b.seq(at), b.taken.records == 0)
			if out == nil {
				b.lost = append(b.lost, loss{one, why})
				continue
			}
			size := len(out) - len(e.text.buf)
			if b.taken.records > 0 && (b.encoded+size > room || b.taken.records == maxRecords) {
				b.rest = restOf(pc, i, at)
				return
			}
			if cut {
				b.cut = append(b.cut, one)
			}
			b.taken.addRecord(one, len(captured))
			b.encoded += size
			e.text.buf = out
			e.text.turn()
		}
	}
}

// from has the ids to come be those of records from o, or of this Handler's own.
func (e *encoder) from(o *origin) {
	if o == e.origin {
		return
	}
	e.origin = o
	prefix := e.prefix
	if o != nil {
		prefix = o.prefix
	}
	hex.Encode(e.id[:], prefix[:])
}

func (e *encoder) begin() {
	if e.origin = nil; e.maxAge > 0 {
		e.now = time.Now()
	}
	hex.Encode(e.id[:], e.prefix[:])
	if e.layout.AppendHead != nil {
		e.text.begin("", false)
	} else {
		e.text.begin(e.layout.Head, true)
	}
}

// end frames b.
func (e *encoder) end(b *body) {
	events := b.taken.records
	if e.report != nil && e.appendReport(b) {
		events++
	}
	e.head = e.head[:0]
	if e.layout.AppendHead != nil {
		e.head = e.layout.AppendHead(e.head, events, b.encoded)
	}
	b.payload, b.coding = e.text.end(e.head, e.layout.Tail)
}

// release lets go of the blocks that the last records were in.
func (e *encoder) release() {
	e.decoder.Release()
	e.values.release()
	e.captured, e.record, e.origin = nil, record.Record{}, nil
}

// restOf is pc from record at of its i-th span.
func restOf(pc piece, i, at int) (rest piece) {
	s := pc.spans[i]
	rest.spans = make([]span, 0, len(pc.spans)-i)
	rest.add(span{s.b, at, s.to})
	for _, s := range pc.spans[i+1:] {
		rest.add(s)
	}
	return rest
}

// addRecord adds a record of size bytes that comes after those of pc.
func (pc *piece) addRecord(one span, size int) {
	if n := len(pc.spans); n > 0 && pc.spans[n-1].b == one.b && pc.spans[n-1].to == one.from {
		pc.spans[n-1].to = one.to
		pc.records++
		pc.bytes += size
		return
	}
	pc.add(one)
}

// appendRecord returns the text of the body with a captured record after it, after a
// separator unless it is the first, and whether it was cut. Nil says that the record
// is lost, and why: because it is too old, say, or cannot be made short enough. If the
// Format panics over it, so does appendRecord, and the text is what it was.
func (e *encoder) appendRecord(captured []byte, seq uint64, first bool) (out []byte, cut bool, why reason) {
	e.captured = captured
	jsontext.AppendHex(e.id[:prefixDigits], seq)
	if e.origin != nil && e.origin.version != record.Version {
		return nil, false, corrupt // it is of a newer slogship
	}
	if e.maxAge > 0 {
		if e.decode(); e.now.Sub(e.record.Observed) > e.maxAge {
			return nil, false, expired
		}
	}
	dst := e.text.buf
	if !first {
		dst = append(dst, e.layout.Separator...)
	}
	out, cut, fits := e.shortener.appendCut(dst, e.format, e.maxRecord, e.fresh)
	switch {
	case !fits:
		return nil, true, tooLarge
	case len(out) < len(dst): // the Format did not append
		return nil, cut, rejected
	}
	return out, cut, 0
}

// decode returns the record under way as an Event, its names as the Format wants
// them.
func (e *encoder) decode() *Event {
	e.values.reset()
	if err := e.decoder.Decode(e.captured, &e.record); err != nil {
		panic(err) // the record alone is lost
	}
	event := (*Event)(&e.record)
	event.ID = unsafe.String(&e.id[0], len(e.id))
	users := event.Attrs
	if record.IsRecorded(e.captured) {
		users = users[1:] // the first is ours
	}
	e.reserved.rename(users)
	if e.layout.UniqueKeys {
		groups := e.decoder.HasGroups()
		event.Attrs = unique(event.Attrs, groups)
		event.Source = unique(event.Source, groups)
	}
	return event
}

// values makes the values of attributes that are not scalars, in memory that it
// uses again for the next record.
type values struct {
	texts  []JSON
	bytes  []Bytes
	errors []Error
}

func (v *values) JSON(text string) any {
	v.texts = append(v.texts, JSON{text})
	return &v.texts[len(v.texts)-1]
}

func (v *values) Bytes(data []byte) any {
	v.bytes = append(v.bytes, Bytes{data})
	return &v.bytes[len(v.bytes)-1]
}

func (v *values) Error(text, typ string, stack []slog.Source) any {
	v.errors = append(v.errors, Error{text, typ, stack})
	return &v.errors[len(v.errors)-1]
}

func (v *values) reset() { v.texts, v.bytes, v.errors = v.texts[:0], v.bytes[:0], v.errors[:0] }

// keptValues is how many values there may be memory for between two bodies.
const keptValues = 1024

func (v *values) release() {
	if max(cap(v.texts), cap(v.bytes), cap(v.errors)) > keptValues {
		*v = values{}
	}
	clear(v.texts[:cap(v.texts)])
	clear(v.bytes[:cap(v.bytes)])
	clear(v.errors[:cap(v.errors)])
}
