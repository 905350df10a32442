package record

import (
	"encoding/binary"
	"log/slog"
	"math"
	"math/bits"
	"slices"
	"time"
	"unsafe"
)

// Version is the version of the layout that the package doc draws. It stands in
// the header of what keeps captured records beyond the process.
const Version = 1

// headBytes is the length of the fixed head.
const headBytes = 24

// The flags of the head.
const (
	hasTime         = 1 << iota // else the head's time is Observed
	noLevel                     // ReplaceAttr left it out, or made of it what levelReplaced has
	noMessage                   // likewise
	hasSource                   // its members follow
	timeReplaced                // a value of another kind follows
	levelReplaced               // likewise
	sourceReplaced              // likewise
	messageReplaced             // likewise
	observedApart               // Observed is not the time, and follows
	wideLevel                   // the level does not fit into 16 bits, and follows
	wasCut                      // something was left out or shortened
	recorded                    // it waited in a recorder's ring: Decode puts an attribute in front
	allFlags        = 1<<iota - 1
)

// The kinds of entries, the low four bits of their first byte. The high four
// are how many bytes the number has that follows the key; of a bool, its value.
const (
	kindString   = 1 + iota // length, bytes
	kindInt                 // zigzag
	kindUint                //
	kindFloat               // the bytes of its bits reversed, for short numbers end in zeros
	kindBool                //
	kindDuration            // zigzag, nanoseconds
	kindTime                // 16 bytes: seconds, nanoseconds, zone
	kindGroup               // how many entries before this one are in it
	kindJSON                // length, canonical text
	kindBytes               // length, bytes
	kindError               // text, type, number of frames, each function, file, line
)

// entryRoom is more than an entry takes without its key and its string.
const entryRoom = 1 + 2*binary.MaxVarintLen64 + 16

// An output is where entries are written. Its attributes are on a virtual stack, as
// on that of a Decoder: each entry adds one, the closer of a group takes its members
// off before.
type output struct {
	buf     []byte
	entries int // in buf
	taken   int // by closers
}

// top is how many attributes are on the stack.
func (o *output) top() int { return o.entries - o.taken }

// room is the unused end of buf, at least n bytes.
func (o *output) room(n int) []byte {
	if cap(o.buf)-len(o.buf) < n {
		o.buf = slices.Grow(o.buf, n)
	}
	return o.buf[len(o.buf):cap(o.buf)]
}

// number writes an entry whose value is a number.
func (o *output) number(kind byte, key string, number uint64) {
	b := o.room(len(key) + entryRoom)
	i := putNumber(b, 1+putString(b[1:], key), kind, number)
	o.buf = o.buf[:len(o.buf)+i]
	o.entries++
}

// float writes an entry whose value is a float64.
func (o *output) float(key string, f float64) {
	o.number(kindFloat, key, bits.ReverseBytes64(math.Float64bits(f)))
}

// string writes an entry whose value is a length and as many bytes.
func (o *output) string(kind byte, key, value string) {
	b := o.room(len(key) + len(value) + entryRoom)
	b[0] = kind
	i := 1 + putString(b[1:], key)
	i += putString(b[i:], value)
	o.buf = o.buf[:len(o.buf)+i]
	o.entries++
}

// scalar writes the entry of an attribute that is neither a group nor an Any.
func (o *output) scalar(key string, v slog.Value) {
	switch v.Kind() {
	case slog.KindString:
		o.string(kindString, key, v.String())
	case slog.KindInt64:
		o.number(kindInt, key, zigzag(v.Int64()))
	case slog.KindUint64:
		o.number(kindUint, key, v.Uint64())
	case slog.KindFloat64:
		o.float(key, v.Float64())
	case slog.KindDuration:
		o.number(kindDuration, key, zigzag(int64(v.Duration())))
	case slog.KindBool:
		b := o.room(len(key) + entryRoom)
		b[0] = boolKind(v.Bool())
		o.buf = o.buf[:len(o.buf)+1+putString(b[1:], key)]
		o.entries++
	case slog.KindTime:
		b := o.room(len(key) + entryRoom)
		b[0] = kindTime
		i := 1 + putString(b[1:], key)
		t := v.Time()
		putTime(b[i:], t, zoneOf(t))
		o.buf = o.buf[:len(o.buf)+i+16]
		o.entries++
	}
}

// scalars writes the entries of the first attrs, as far as putScalars does, and returns
// how many these are.
func (o *output) scalars(attrs []slog.Attr, longest int) (n int) {
	end, n := putScalars(o.buf[:cap(o.buf)], len(o.buf), attrs, longest)
	o.buf = o.buf[:end]
	o.entries += n
	return n
}

// putScalars writes the entries of the first attrs to b, from at on: as long as they
// are scalars, there is room, and neither a string nor at is greater than longest. It
// returns where they end and how many they are. scalar would write the same.
func putScalars(b []byte, at int, attrs []slog.Attr, longest int) (end, n int) {
	longestKey := min(longest, 0x7f)
	for ; n < len(attrs); n++ {
		key, v := attrs[n].Key, attrs[n].Value
		if at >= longest || len(key) > longestKey || len(b)-at < len(key)+entryRoom {
			break
		}
		e := b[at:]
		e[1] = byte(len(key))
		i := 2 + copy(e[2:], key)
		switch v.Kind() {
		case slog.KindString:
			s := v.String()
			if len(s) > longest || len(s) > len(e)-i-binary.MaxVarintLen64 {
				return at, n
			}
			e[0] = kindString
			i += putString(e[i:], s)
		case slog.KindInt64:
			i = putNumber(e, i, kindInt, zigzag(v.Int64()))
		case slog.KindFloat64:
			i = putNumber(e, i, kindFloat, bits.ReverseBytes64(math.Float64bits(v.Float64())))
		case slog.KindBool:
			e[0] = boolKind(v.Bool())
		case slog.KindDuration:
			i = putNumber(e, i, kindDuration, zigzag(int64(v.Duration())))
		case slog.KindUint64:
			i = putNumber(e, i, kindUint, v.Uint64())
		case slog.KindTime:
			e[0] = kindTime
			t := v.Time()
			putTime(e[i:], t, zoneOf(t))
			i += 16
		default:
			return at, n
		}
		at += i
	}
	return at, n
}

// putNumber writes the kind and the number of the entry e, whose number begins at i. It
// returns where that ends.
func putNumber(e []byte, i int, kind byte, number uint64) int {
	size := (bits.Len64(number) + 7) >> 3
	e[0] = kind | byte(size)<<4
	binary.LittleEndian.PutUint64(e[i:], number)
	return i + size
}

func boolKind(v bool) byte {
	if v {
		return kindBool | 1<<4
	}
	return kindBool
}

// close writes the closer of a group, which takes what has come on the stack since
// it had start attributes; nothing if that is nothing.
func (o *output) close(key string, start int) {
	members := o.top() - start
	if members == 0 {
		return
	}
	o.buf = append(o.buf, kindGroup)
	o.buf = appendString(o.buf, key)
	o.buf = binary.AppendUvarint(o.buf, uint64(members))
	o.entries++
	o.taken += members
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// putString writes the length of s, and s, to b, which has room, and returns
// how many bytes that is.
func putString(b []byte, s string) int {
	if len(s) < 0x80 {
		b[0] = byte(len(s))
		return 1 + copy(b[1:], s)
	}
	n := binary.PutUvarint(b, uint64(len(s)))
	return n + copy(b[n:], s)
}

// putTime writes 16 bytes: the Unix seconds of t, its nanoseconds, its zone.
func putTime(b []byte, t time.Time, zone int) {
	binary.LittleEndian.PutUint64(b, uint64(t.Unix()))
	binary.LittleEndian.PutUint64(b[8:], uint64(uint32(t.Nanosecond()))|uint64(uint32(zone))<<32)
}

// zoneOf is the offset of t's zone, in seconds east of UTC.
func zoneOf(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// asString is b as a string, in the memory of b.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func zigzag(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
