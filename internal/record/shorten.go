package record

import (
	"encoding/binary"

	"github.com/slogship/slogship/internal/jsontext"
)

// minShort is a length that every captured record may have.
const minShort = 4 << 10

// shorten makes b, a captured record, at most size bytes long: its
// longest strings are shortened until all are equally long, names among them; if
// that is not enough, attributes are left out from the end. The closers of the
// groups around the last one may come on top of that.
func shorten(b []byte, size int) []byte {
	s := shortening{limit: -1}
	s.record(b)
	other := len(b)
	for _, n := range s.lengths {
		other -= n
	}
	s.size = size
	s.limit = max(jsontext.WaterLevel(s.lengths, s.size-other), jsontext.MinCut)
	s.out = nil
	s.record(b)
	return s.out
}

// shortening goes through a record twice: at first it notes how long its strings
// are, then it writes what is left of it.
type shortening struct {
	in      Decoder
	lengths []int
	limit   int // of a string; -1 the first time
	size    int // of the record
	out     []byte
	ended   bool  // something was left out, and so is what comes after it
	left    []int // of each attribute on the Decoder's stack: is it there? 1 or 0
}

// A part is an entry as it is in the bytes.
type part struct {
	kind byte   // its first byte
	key  string //
	text string // of those that have one
	rest []byte // what comes after that
}

func (p part) hasText() bool {
	switch p.kind & 0xf {
	case kindString, kindJSON, kindBytes, kindError:
		return true
	}
	return false
}

// part reads an entry of a record that Capture wrote.
func (d *Decoder) part() (p part) {
	p.kind, d.b = d.b[0], d.b[1:]
	p.key = d.string()
	if p.hasText() {
		p.text = d.string()
	}
	rest := d.b
	switch p.kind & 0xf {
	case kindInt, kindUint, kindFloat, kindDuration:
		d.b = d.b[p.kind>>4:]
	case kindTime:
		d.b = d.b[16:]
	case kindGroup:
		d.uvarint()
	case kindError:
		d.string()
		for range d.uvarint() {
			d.string()
			d.string()
			d.uvarint()
		}
	}
	p.rest = rest[:len(rest)-len(d.b)]
	return p
}

func (s *shortening) record(b []byte) {
	s.in.b = b[headBytes:]
	s.out = append(s.out, b[:headBytes]...)
	first := binary.LittleEndian.Uint64(b)
	flags := uint16(first)
	for _, f := range []uint16{timeReplaced, levelReplaced, hasSource | sourceReplaced, messageReplaced} {
		if flags&f != 0 {
			s.section()
		}
	}
	if flags&(messageReplaced|noMessage) == 0 {
		s.out = appendString(s.out, s.text(s.in.string()))
	}
	fixed := 0
	if flags&wideLevel != 0 {
		fixed += 8
	}
	if flags&observedApart != 0 {
		fixed += 12
	}
	s.out = append(s.out, s.in.b[:fixed]...)
	s.in.b = s.in.b[fixed:]
	entries := s.entries(int(first >> 32))
	binary.LittleEndian.PutUint32(s.out[4:], uint32(entries))
}

// section goes through a section. What is left of one is at least an entry.
func (s *shortening) section() {
	at := len(s.out)
	s.out = append(s.out, 0, 0, 0, 0)
	entries := s.entries(int(s.in.fixed(4)))
	if entries == 0 {
		s.out, entries = appendString(append(s.out, kindString, 0), jsontext.CutMark), 1
	}
	binary.LittleEndian.PutUint32(s.out[at:], uint32(entries))
}

// entries goes through n entries, and returns how many are left.
func (s *shortening) entries(n int) (kept int) {
	s.left = s.left[:0]
	for range n {
		before := len(s.out)
		p := s.in.part()
		if p.kind == kindGroup {
			kept += s.group(p)
			continue
		}
		s.entry(p)
		switch {
		case s.limit < 0: // it is all still there
		case s.ended || len(s.out) > s.size:
			s.out, s.ended = s.out[:before], true
			s.left = append(s.left, 0)
			continue
		}
		s.left = append(s.left, 1)
		kept++
	}
	return kept
}

// group writes the closer of a group with what is left of its members, if
// anything is, and returns how many entries that is.
func (s *shortening) group(p part) (kept int) {
	n, _ := binary.Uvarint(p.rest)
	members, at := 0, len(s.left)-int(n)
	for _, there := range s.left[at:] {
		members += there
	}
	if members > 0 {
		s.out = appendString(append(s.out, p.kind), s.text(p.key))
		s.out, kept = binary.AppendUvarint(s.out, uint64(members)), 1
	}
	s.left = append(s.left[:at], kept)
	return kept
}

// entry writes an entry with shorter strings.
func (s *shortening) entry(p part) {
	key := s.text(p.key)
	if !p.hasText() {
		s.out = append(s.out, p.kind)
		s.out = append(appendString(s.out, key), p.rest...)
		return
	}
	short := p.text
	switch {
	case s.limit < 0 || len(p.text) <= s.limit:
	case p.kind == kindBytes:
		short = p.text[:s.limit]
	case p.kind == kindJSON:
		var ok bool
		if short, ok = jsontext.Shorten(p.text, s.limit); !ok { // it is long for other reasons
			p.kind, short = kindString, jsontext.ShortenString(p.text, s.limit)
		}
	default:
		short = jsontext.ShortenString(p.text, s.limit)
	}
	s.note(p.text)
	s.out = appendString(append(s.out, p.kind), key)
	s.out = append(appendString(s.out, short), p.rest...)
}

// text is t, shortened.
func (s *shortening) text(t string) string {
	if s.note(t); s.limit < 0 {
		return t
	}
	return jsontext.ShortenString(t, s.limit)
}

func (s *shortening) note(t string) {
	if s.limit < 0 {
		s.lengths = append(s.lengths, len(t))
	}
}
