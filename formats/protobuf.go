package formats

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
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
// The length of a message stands before it, and is known after it. Where it
// cannot be foreseen, four bytes are kept for it and filled in at the end with a
// padded varint: 5 as 85 80 80 00. A decoder adds up groups of seven bits until
// one has no high bit, so a padded length is a length: the reference
// implementation in C++ reads up to five bytes of one (ReadSizeFallback in
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

// putLength fills in the padded length before begin: that of all behind it.
func putLength(dst []byte, begin int) {
	n, at := len(dst)-begin, dst[begin-paddedLen:begin]
	at[0], at[1], at[2], at[3] = byte(n)|0x80, byte(n>>7)|0x80, byte(n>>14)|0x80, byte(n>>21)&0x7f
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
	dst = appendVarint(append(dst, tag), uint64(len(s)))
	return append(dst, s...)
}

func appendFixed64(dst []byte, tag byte, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, tag), v)
}

// validUTF8 is s with U+FFFD for each byte that is not valid UTF-8, as
// encoding/json has it: decoders refuse a string field that is not valid.
func validUTF8(s string) string {
	if isASCII(s) || utf8.ValidString(s) {
		return s
	}
	valid := make([]byte, 0, len(s)+16)
	for _, r := range s {
		valid = utf8.AppendRune(valid, r)
	}
	return string(valid)
}

// copyASCII copies s to dst, which is at least as long, and reports whether it is
// ASCII. Most keys and values are, and short: up to 16 bytes are two words that
// overlap, which saves a call.
func copyASCII(dst []byte, s string) bool {
	dst = dst[:len(s)]
	switch n := len(s); {
	case n > 16:
		copy(dst, s)
		return isASCII(s)
	case n >= 8:
		first, last := load64(s), load64(s[n-8:])
		binary.LittleEndian.PutUint64(dst, first)
		binary.LittleEndian.PutUint64(dst[n-8:], last)
		return (first|last)&highs == 0
	case n >= 4:
		first, last := load32(s), load32(s[n-4:])
		binary.LittleEndian.PutUint32(dst, first)
		binary.LittleEndian.PutUint32(dst[n-4:], last)
		return (first|last)&(highs>>32) == 0
	default:
		var all byte
		for i := range n {
			all |= s[i]
			dst[i] = s[i]
		}
		return all < utf8.RuneSelf
	}
}

const highs = 0x8080808080808080

// isASCII reports whether s is, eight bytes at a time; the last eight overlap
// those before.
func isASCII(s string) bool {
	n := len(s)
	if n < 8 {
		return copyASCII(make([]byte, 8), s)
	}
	for i := 0; i < n-8; i += 8 {
		if load64(s[i:])&highs != 0 {
			return false
		}
	}
	return load64(s[n-8:])&highs == 0
}

// load64 and load32 read the bytes at the front of s.
func load64(s string) uint64 { return uint64(load32(s)) | uint64(load32(s[4:]))<<32 }

func load32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
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

// grow returns dst longer by n, and the index where that begins.
func grow(dst []byte, n int) (longer []byte, at int) {
	at = len(dst)
	return slices.Grow(dst, n)[:at+n], at
}
