package record

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"math/bits"
	"slices"
	"time"
)

// A Record is a captured record as plain data. It is slogship.Event, field by field,
// so that one can be converted to the other; ID is not in the bytes.
type Record struct {
	ID string

	Time     time.Time
	Observed time.Time
	Level    slog.Level
	Message  string
	Source   []slog.Attr
	Attrs    []slog.Attr

	NoLevel, NoMessage                               bool
	TimeValue, LevelValue, MessageValue, SourceValue slog.Value

	Cut bool
}

// A Maker makes the values that are not scalars: what it returns is the value of
// an attribute. The memory of its arguments is that of the captured bytes and of
// the Decoder.
type Maker interface {
	// JSON makes a value of canonical JSON: an object, an array, a number, true,
	// false or null.
	JSON(text string) any

	// Bytes makes a value of a []byte.
	Bytes(data []byte) any

	// Error makes a value of an error: what it says, the type that says most of
	// those in its chain, and the frames of its stack, innermost first; nil if it
	// carries none.
	Error(text, typ string, stack []slog.Source) any
}

// A Decoder turns captured bytes into plain data, in memory that it uses again
// for the next record. It is used by one goroutine at a time.
type Decoder struct {
	make Maker

	b      []byte // what is left to read
	bad    bool   // it ended too early, or is not what Capture writes
	closed int    // groups so far

	stack  []slog.Attr   // what is decoded and in no group yet
	groups []slog.Attr   // the members of groups, back to back
	frames []slog.Source // of errors, likewise

	zone     int // of location
	location *time.Location
}

// NewDecoder returns a Decoder whose values that are not scalars m makes.
func NewDecoder(m Maker) *Decoder { return &Decoder{make: m, location: time.UTC} }

var errCorrupt = errors.New("slogship: what was read is not a captured record")

// Decode decodes b, which one call of Capture has written, or returns an error.
// All memory of the Record is that of b and of d: it is valid until the next
// call, and while b stays as it is.
func (d *Decoder) Decode(b []byte, r *Record) error {
	*r = Record{}
	if len(b) < headBytes {
		return errCorrupt
	}
	first := binary.LittleEndian.Uint64(b)
	flags, entries := uint16(first), int(first>>32)
	t := d.time(b[8:])
	d.b, d.bad, d.closed = b[headBytes:], false, 0
	d.reset(entries)

	r.Observed, r.Level, r.Cut = t, slog.Level(int16(first>>16)), flags&wasCut != 0
	if flags&hasTime != 0 {
		r.Time = t
	}
	if flags&(allFlags&^hasTime&^wasCut&^recorded) == 0 {
		r.Message = d.string()
	} else {
		d.rare(flags, r)
	}
	if flags&recorded != 0 {
		d.stack = append(d.stack, slog.Bool(RecordedName, true))
	}
	r.Attrs = d.entries(entries)
	if d.bad || len(d.b) > 0 || flags&^allFlags != 0 {
		*r = Record{}
		return errCorrupt
	}
	return nil
}

// HasGroups reports whether there is a group in the record that was decoded last.
func (d *Decoder) HasGroups() bool { return d.closed > 0 }

// tooDeep reports whether groups nest more than most deep in attrs.
func tooDeep(attrs []slog.Attr, most int) bool {
	for i := range attrs {
		if v := attrs[i].Value; v.Kind() == slog.KindGroup && (most == 0 || tooDeep(v.Group(), most-1)) {
			return true
		}
	}
	return false
}

// rare reads what most records do not have.
func (d *Decoder) rare(flags uint16, r *Record) {
	if flags&timeReplaced != 0 {
		r.TimeValue = d.value()
	}
	r.NoLevel = flags&noLevel != 0
	if flags&levelReplaced != 0 {
		r.LevelValue = d.value()
	}
	if flags&hasSource != 0 {
		r.Source = d.members(d.section())
	}
	if flags&sourceReplaced != 0 {
		r.SourceValue = d.value()
	}
	r.NoMessage = flags&noMessage != 0
	switch {
	case flags&messageReplaced != 0:
		r.MessageValue = d.value()
	case !r.NoMessage:
		r.Message = d.string()
	}
	if flags&wideLevel != 0 {
		r.Level = slog.Level(d.fixed(8))
	}
	if flags&observedApart != 0 {
		sec := int64(d.fixed(8))
		r.Observed = time.Unix(sec, int64(d.fixed(4))).In(r.Time.Location())
	}
}

// value reads a section of one entry.
func (d *Decoder) value() slog.Value {
	attrs := d.section()
	if len(attrs) != 1 {
		d.bad = true
		return slog.Value{}
	}
	d.stack = d.stack[:0]
	return attrs[0].Value
}

// section reads entries after their number.
func (d *Decoder) section() []slog.Attr { return d.entries(int(d.fixed(4))) }

// members moves attrs, which are at the top of the stack, to where they stay
// until the next record.
func (d *Decoder) members(attrs []slog.Attr) []slog.Attr {
	from := len(d.groups)
	d.groups = append(d.groups, attrs...)
	d.stack = d.stack[:len(d.stack)-len(attrs)]
	return d.groups[from:len(d.groups):len(d.groups)]
}

// reset empties the arenas, and makes room for entries in them.
func (d *Decoder) reset(entries int) {
	d.stack, d.groups, d.frames = d.stack[:0], d.groups[:0], d.frames[:0]
	if most := len(d.b) / 2; entries <= most && entries > cap(d.stack) { // the shortest entry has two bytes
		d.stack = make([]slog.Attr, 0, entries)
	}
}

// keepAttrs is how many attributes the arenas of a Decoder have room for, at
// most, after Release.
const keepAttrs = 1024

// Release lets go of what the last records pointed to, which else would stay in
// memory with the Decoder.
func (d *Decoder) Release() {
	if d.b = nil; max(cap(d.stack), cap(d.groups), cap(d.frames)) > keepAttrs {
		d.stack, d.groups, d.frames = nil, nil, nil
	}
	clear(d.stack[:cap(d.stack)])
	clear(d.groups[:cap(d.groups)])
	clear(d.frames[:cap(d.frames)])
}

// entries reads n entries, and returns the attributes that they come to. They are
// all that is on the stack, with that of a mark before them.
func (d *Decoder) entries(n int) []slog.Attr {
	b, stack, ok := d.b, d.stack, !d.bad // not fields: each step depends on the one before
	for range n {
		if !ok || len(b) < 2 {
			ok = false
			break // also where n is more than there is
		}
		kind, size := b[0]&0xf, int(b[0]>>4)
		var key string
		if key, b, ok = cutString(b[1:]); !ok {
			break
		}
		if kind >= kindTime {
			d.b, d.stack = b, stack
			v := d.other(kind)
			b, stack, ok = d.b, d.stack, !d.bad
			stack = append(stack, slog.Attr{Key: key, Value: v})
			continue
		}
		if len(stack) == cap(stack) {
			stack = slices.Grow(stack, 1)
		}
		stack = stack[:len(stack)+1]
		a := &stack[len(stack)-1] // filled in field by field: a copy of 40 bytes just written stalls for as long as all else takes
		a.Key = key
		if kind == kindString {
			var text string
			text, b, ok = cutString(b)
			a.Value = slog.StringValue(text)
			continue
		}
		var number uint64
		if kind != kindBool {
			number, b, ok = cutNumber(b, size)
		}
		switch kind {
		case kindInt:
			a.Value = slog.Int64Value(unzigzag(number))
		case kindUint:
			a.Value = slog.Uint64Value(number)
		case kindFloat:
			a.Value = slog.Float64Value(math.Float64frombits(bits.ReverseBytes64(number)))
		case kindDuration:
			a.Value = slog.DurationValue(time.Duration(unzigzag(number)))
		case kindBool:
			a.Value, ok = slog.BoolValue(size != 0), size <= 1
		default:
			ok = false
		}
	}
	d.b, d.stack, d.bad = b, stack, !ok
	if d.closed > MaxDepth && tooDeep(d.stack, MaxDepth) {
		d.bad = true
	}
	if d.bad {
		return nil
	}
	return d.stack
}

// other reads a value of the rarer kinds.
func (d *Decoder) other(kind byte) slog.Value {
	switch kind {
	case kindTime:
		if len(d.b) < 16 {
			break
		}
		t := d.time(d.b)
		d.b = d.b[16:]
		return slog.TimeValue(t)
	case kindGroup:
		n := d.uvarint()
		if n == 0 || n > uint64(len(d.stack)) {
			break
		}
		d.closed++
		return slog.GroupValue(d.members(d.stack[len(d.stack)-int(n):])...)
	case kindJSON:
		return slog.AnyValue(d.make.JSON(d.string()))
	case kindBytes:
		return slog.AnyValue(d.make.Bytes(d.bytes()))
	case kindError:
		text, typ := d.string(), d.string()
		return slog.AnyValue(d.make.Error(text, typ, d.frame()))
	}
	d.bad = true
	return slog.Value{}
}

// frame reads the frames of a stack, after their number.
func (d *Decoder) frame() []slog.Source {
	n := d.uvarint()
	if n > uint64(len(d.b)/3) {
		d.bad = true
		return nil
	}
	from := len(d.frames)
	for range n {
		function, file := d.string(), d.string()
		d.frames = append(d.frames, slog.Source{Function: function, File: file, Line: int(d.uvarint())})
	}
	if n == 0 {
		return nil
	}
	return d.frames[from:len(d.frames):len(d.frames)]
}

// time reads the 16 bytes of putTime.
func (d *Decoder) time(b []byte) time.Time {
	_ = b[15]
	sec, rest := int64(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint64(b[8:])
	t := time.Unix(sec, int64(uint32(rest)))
	zone := int(int32(rest >> 32))
	if zone == 0 {
		return t.UTC()
	}
	if zone != d.zone {
		d.zone, d.location = zone, time.FixedZone("", zone)
	}
	return t.In(d.location)
}

// fixed reads a number of size bytes.
func (d *Decoder) fixed(size int) (n uint64) {
	var ok bool
	if n, d.b, ok = cutNumber(d.b, size); !ok {
		d.bad = true
	}
	return n
}

func (d *Decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// bytes reads a length, and as many bytes.
func (d *Decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

// string reads a length, and as many bytes, which it does not copy.
func (d *Decoder) string() (s string) {
	var ok bool
	if s, d.b, ok = cutString(d.b); !ok {
		d.bad = true
	}
	return s
}

// cutString takes a string, after its length, off the front of b.
func cutString(b []byte) (s string, rest []byte, ok bool) {
	if len(b) > 0 && b[0] < 0x80 && int(b[0]) < len(b) { // mostly
		end := 1 + int(b[0])
		return asString(b[1:end]), b[end:], true
	}
	return cutLongString(b)
}

func cutLongString(b []byte) (s string, rest []byte, ok bool) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return "", nil, false
	}
	end := n + int(length)
	return asString(b[n:end]), b[end:], true
}

// cutNumber takes a number of size bytes off the front of b.
func cutNumber(b []byte, size int) (n uint64, rest []byte, ok bool) {
	if size > 8 || size > len(b) {
		return 0, nil, false
	}
	rest = b[size:]
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b) & (1<<(8*size) - 1), rest, true
	}
	for i := size - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n, rest, true
}
