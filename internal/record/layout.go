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

// scalars has a bit for each kind whose value needs no second look.
const scalars = 1<<slog.KindString | 1<<slog.KindInt64 | 1<<slog.KindUint64 | 1<<slog.KindFloat64 |
	1<<slog.KindBool | 1<<slog.KindDuration | 1<<slog.KindTime

// entryRoom is more than an entry takes without its key and its string.
const entryRoom = 1 + 2*binary.MaxVarintLen64 + 16

// appendScalar appends the entry of an attribute whose kind is one of scalars.
func appendScalar(dst []byte, key string, v slog.Value, kind slog.Kind) []byte {
	if kind == slog.KindString {
		return appendText(dst, kindString, key, v.String())
	}
	n := len(dst)
	dst = slices.Grow(dst, len(key)+entryRoom)
	b := dst[:cap(dst)]
	i := n + 1 + putString(b[n+1:], key)
	var first byte
	var number uint64
	switch kind {
	case slog.KindInt64:
		first, number = kindInt, zigzag(v.Int64())
	case slog.KindUint64:
		first, number = kindUint, v.Uint64()
	case slog.KindFloat64:
		first, number = kindFloat, bits.ReverseBytes64(math.Float64bits(v.Float64()))
	case slog.KindDuration:
		first, number = kindDuration, zigzag(int64(v.Duration()))
	case slog.KindBool:
		b[n] = kindBool
		if v.Bool() {
			b[n] = kindBool | 1<<4
		}
		return b[:i]
	default:
		b[n] = kindTime
		t := v.Time()
		putTime(b[i:], t, zoneOf(t))
		return b[:i+16]
	}
	size := (bits.Len64(number) + 7) >> 3
	b[n] = first | byte(size)<<4
	binary.LittleEndian.PutUint64(b[i:], number)
	return b[:i+size]
}

// appendText appends the entry of an attribute whose value is a length and as
// many bytes.
func appendText(dst []byte, kind byte, key, text string) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(key)+len(text)+entryRoom)
	b := dst[:cap(dst)]
	b[n] = kind
	i := n + 1 + putString(b[n+1:], key)
	i += putString(b[i:], text)
	return b[:i]
}

// appendGroup appends the closer of a group of members entries.
func appendGroup(dst []byte, key string, members int) []byte {
	dst = append(dst, kindGroup)
	dst = appendString(dst, key)
	return binary.AppendUvarint(dst, uint64(members))
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
