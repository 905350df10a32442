package formats

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"

	"github.com/slogship/slogship/internal/jsontext"
)

// Protocol Buffers, as much of the wire format as OTLP needs, append-style
// (protobuf.dev/programming-guides/encoding). A message is a row of fields; a
// field is a tag, its number and a wire type, followed by
//
//	wireVarint   an integer, seven bits a byte, the lowest first; all bytes but the last have their high bit set
//	wireFixed64  eight bytes, the lowest first
//	wireBytes    a length as a varint, and as many bytes: a string, bytes, or a message
//	wireFixed32  four bytes
//
// The fields of a message may come in any order. All of OTLP's have numbers
// below 16: a tag is one byte.
//
// The length of a message comes before it, and is known after it. One byte is kept
// for it and filled in at the end; where it takes more, the message is moved. For a
// message with others in it, four bytes are kept, and filled in with a padded
// varint: 5 as 85 80 80 00. A decoder adds up groups of seven bits until one has no
// high bit, so a padded length is a length: the reference implementation in C++
// reads up to five bytes of one (ReadSizeFallback in
// src/google/protobuf/parse_context.cc).
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// paddedLen is the length of a padded length. It bounds a message to 256 MiB.
const paddedLen = 4

// appendPad appends room for a padded length.
func appendPad(dst []byte) []byte { return append(dst, 0x80, 0x80, 0x80, 0) }

// putLength fills in the padded length before begin: that of all bytes after
// it.
func putLength(dst []byte, begin int) {
	n, at := len(dst)-begin, dst[begin-paddedLen:begin]
	at[0], at[1], at[2], at[3] = byte(n)|0x80, byte(n>>7)|0x80, byte(n>>14)|0x80, byte(n>>21)&0x7f
}

// closeShort fills in the length before begin, for which one byte was kept, and
// moves all that comes after it where that is not enough.
func closeShort(dst []byte, begin int) []byte {
	if n := len(dst) - begin; n < 0x80 {
		dst[begin-1] = byte(n)
		return dst
	}
	return closeLong(dst, begin)
}

func closeLong(dst []byte, begin int) []byte {
	var length [binary.MaxVarintLen64]byte
	more := binary.PutUvarint(length[:], uint64(len(dst)-begin)) - 1
	dst = append(dst, length[:more]...)
	copy(dst[begin+more:], dst[begin:])
	copy(dst[begin-1:], length[:more+1])
	return dst
}

func appendVarint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// varintLen is the length of v as a varint.
func varintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// bytesLen is the length of n bytes with their own length before them.
func bytesLen(n int) int { return varintLen(uint64(n)) + n }

// appendString appends a field with valid UTF-8.
func appendString(dst []byte, tag byte, s string) []byte {
	if len(s) < 0x80 { // mostly
		return append(append(dst, tag, byte(len(s))), s...)
	}
	dst = appendVarint(append(dst, tag), uint64(len(s)))
	return append(dst, s...)
}

func appendFixed64(dst []byte, tag byte, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, tag), v)
}

// validUTF8 is s with U+FFFD for each byte that is not valid UTF-8, as
// encoding/json has it: decoders refuse a string field that is not valid.
func validUTF8(s string) string {
	if jsontext.IsValid(s) {
		return s
	}
	return string([]rune(s))
}

var errWire = errors.New("not a protobuf message")

// eachField calls f for each field of a message; value is the content of a
// wireBytes field, n the value of any other.
func eachField(b []byte, f func(number, wire int, n uint64, value []byte)) error {
	for len(b) > 0 {
		tag, k := binary.Uvarint(b)
		if k <= 0 || tag>>3 == 0 || tag>>3 > math.MaxInt32 {
			return errWire
		}
		b = b[k:]
		var n uint64
		var value []byte
		wire := int(tag & 7)
		switch wire {
		case wireVarint:
			if n, k = binary.Uvarint(b); k <= 0 {
				return errWire
			}
		case wireBytes:
			if n, k = binary.Uvarint(b); k <= 0 || n > uint64(len(b)-k) {
				return errWire
			}
			value = b[k : k+int(n)]
			k += int(n)
		case wireFixed64:
			if k = 8; len(b) < k {
				return errWire
			}
			n = binary.LittleEndian.Uint64(b)
		case wireFixed32:
			if k = 4; len(b) < k {
				return errWire
			}
			n = uint64(binary.LittleEndian.Uint32(b))
		default:
			return errWire
		}
		b = b[k:]
		f(int(tag>>3), wire, n, value)
	}
	return nil
}
