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

// wording is what all encoders of a Handler share: the Format, and the rules for
// bodies.
type wording struct {
	format      Format
	layout      Layout
	reserved    reservedNames
	compression Compression
	prefix      [prefixDigits / 2]byte // of all ids

	maxRecord  int // bytes of an event; a longer one is cut
	maxRecords int // in a body
	room       int // in a body, for events and separators

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

// An encoder makes request bodies from captured records. It reuses its memory for the
// next body.
//
//	captured -> record.Decode -> Event -> rename, unique -> AppendEvent -> buf -> compressed
//	                                |                           |
//	                                +-- shorten <-- too long ---+
//
// One goroutine at a time uses it. It changes only itself, so that several encoders may
// work on the same batch.
type encoder struct {
	*wording
	decoder   *record.Decoder
	values    values
	record    record.Record
	id        [prefixDigits + sequenceDigits]byte
	shortener shortener

	captured []byte        // the record under way
	origin   *origin       // of captured, if it was read from disk
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

// A body is a request body, and the result for each record given to encode.
type body struct {
	*payload
	coding string // the Content-Encoding; "" if it is not compressed

	taken piece  // records in the body, in order
	lost  []loss // records that cannot be encoded
	rest  piece  // records for which it has no room

	report *lossReport // in the body after these, or nil

	encoded int    // bytes of its events and separators
	cut     []span // records that were shortened, one each
}

// A loss is a record that is dropped before it is sent.
type loss struct {
	span
	why reason
}

// encode makes a body from the records at the front of pc: as many as there is room
// for, but at least one that is not lost. The body is valid until the next call. It is
// empty if all records are lost.
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

// from sets where the next records come from: o, or this Handler if o is nil. Their ids
// depend on it.
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

// end adds the head and the tail to b, and compresses it.
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

// release drops the references to the blocks of the last records.
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

// appendRecord appends a captured record to the text of the body, after a separator
// unless it is the first. It returns the text and whether the record was cut. If the
// text is nil, the record is lost because of why: it is too old, for example, or cannot
// be made short enough. If the Format panics, so does appendRecord, and the text is
// unchanged.
func (e *encoder) appendRecord(captured []byte, seq uint64, first bool) (out []byte, cut bool, why reason) {
	e.captured = captured
	jsontext.AppendHex(e.id[:prefixDigits], seq)
	if e.origin != nil && e.origin.version != record.Version {
		return nil, false, corrupt // written by a newer slogship
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

// decode returns the current record as an Event, with the names changed as the Layout
// says.
func (e *encoder) decode() *Event {
	e.values.reset()
	if err := e.decoder.Decode(e.captured, &e.record); err != nil {
		panic(err) // the record alone is lost
	}
	event := (*Event)(&e.record)
	event.ID = unsafe.String(&e.id[0], len(e.id))
	users := event.Attrs
	if record.IsRecorded(e.captured) {
		users = users[1:] // the first is "_recorded"
	}
	e.reserved.rename(users)
	if e.layout.UniqueKeys {
		groups := e.decoder.HasGroups()
		event.Attrs = unique(event.Attrs, groups)
		event.Source = unique(event.Source, groups)
	}
	return event
}

// values makes the values of attributes that are not scalar. It reuses its memory for
// the next record.
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

// keptValues is the number of values for which memory is kept between two bodies.
const keptValues = 1024

func (v *values) release() {
	if max(cap(v.texts), cap(v.bytes), cap(v.errors)) > keptValues {
		*v = values{}
	}
	clear(v.texts[:cap(v.texts)])
	clear(v.bytes[:cap(v.bytes)])
	clear(v.errors[:cap(v.errors)])
}
