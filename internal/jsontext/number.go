package jsontext

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// AppendInt writes v in decimal. It may write to the capacity after the result.
func AppendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return AppendUint(append(dst, '-'), -uint64(v))
	}
	return AppendUint(dst, uint64(v))
}

// AppendUint writes v in decimal. It may write to the capacity after the result.
func AppendUint(dst []byte, v uint64) []byte {
	if v >= 1e8 {
		return binary.LittleEndian.AppendUint64(AppendUint(dst, v/1e8), digits8(uint32(v%1e8))|'0'*ones)
	}
	w := digits8(uint32(v))
	zeros := bits.TrailingZeros64(w|1<<56) &^ 7 // the bits of leading zeros; the last digit is none
	dst = binary.LittleEndian.AppendUint64(dst, (w|'0'*ones)>>zeros)
	return dst[:len(dst)-zeros>>3]
}

// digits8 is the eight decimal digits of v, which is below 10^8: a byte each,
// the first one lowest. It finds them without a branch, dividing all parts of a
// word at once, by 100 and then by 10, as multiplications (Paul Khuong, "How to
// print integers really fast", 2017). A loop over pairs of digits takes a
// tenth longer even where the number of digits is always foreseen.
func digits8(v uint32) uint64 {
	w := uint64(v/1e4) | uint64(v%1e4)<<32
	q := (w * 10486 >> 20) & 0x0000007f0000007f // x/100 for x up to 43,698
	w = q | (w-100*q)<<16
	q = (w * 103 >> 10) & 0x000f000f000f000f // x/10 for x up to 178
	return q | (w-10*q)<<8
}

// AppendFloat writes f as encoding/json does, which follows ECMA-262's
// Number::toString. JSON has no NaN and no infinities: these become strings. It
// may write to the capacity after the result.
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"+Inf"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Inf"`...)
	}
	abs := math.Abs(f)
	if abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		n := len(dst)
		dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
		// e-09 becomes e-9.
		if m := len(dst); m-n >= 4 && dst[m-4] == 'e' && dst[m-3] == '-' && dst[m-2] == '0' {
			dst[m-2] = dst[m-1]
			dst = dst[:m-1]
		}
		return dst
	}
	// Most numbers that are logged have few decimals. With at most six, and
	// fifteen digits in all, the shortest text that reads back as f needs no
	// search: no two decimals of up to fifteen digits are the same float64. That
	// takes 23 ns where strconv takes 46.
	if abs < 1e9 {
		if micros := uint64(abs*1e6 + 0.5); micros != 0 && float64(micros)/1e6 == abs {
			if f < 0 {
				dst = append(dst, '-')
			}
			return appendMicros(dst, micros)
		}
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// appendMicros writes v millionths, with as many decimals as they need. It may
// write to the capacity after the result.
func appendMicros(dst []byte, v uint64) []byte {
	dst = AppendUint(dst, v/1e6)
	fraction := digits8(uint32(v%1e6)) >> 16
	if fraction == 0 {
		return dst
	}
	unused := bits.LeadingZeros64(fraction)>>3 - 1 // bytes of the word behind the point and its digits
	dst = binary.LittleEndian.AppendUint64(dst, (fraction|'0'*ones>>16)<<8|'.')
	return dst[:len(dst)-unused]
}

// AppendHex writes v as 16 lower-case hexadecimal digits.
func AppendHex(dst []byte, v uint64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, hex8(uint32(v>>32)))
	return binary.LittleEndian.AppendUint64(dst, hex8(uint32(v)))
}

// hex8 is the eight nibbles of v as digits: nibble + '0', and 39 more where the nibble
// is above nine.
func hex8(v uint32) uint64 {
	w := nibbles8(v)
	above := ((w + 0x06*ones) >> 4) & ones
	return w + '0'*ones + above*('a'-'0'-10)
}

// nibbles8 spreads the eight nibbles of v over eight bytes, the highest one into the
// lowest byte.
func nibbles8(v uint32) uint64 {
	w := uint64(bits.ReverseBytes32(v))
	w = (w | w<<16) & 0x0000ffff0000ffff
	w = (w | w<<8) & 0x00ff00ff00ff00ff
	return (w>>4 | w<<8) & 0x0f0f0f0f0f0f0f0f
}
