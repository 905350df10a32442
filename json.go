package slogship

import (
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// AppendValue appends a value of an Event as JSON, as slog.JSONHandler writes it:
// a duration in nanoseconds, a time in RFC 3339 with its own zone. A *Bytes is
// base64, an *Error its text. A value of any other kind is null.
func AppendValue(dst []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return AppendString(dst, v.String())
	case slog.KindInt64:
		return AppendInt(dst, v.Int64())
	case slog.KindUint64:
		return AppendUint(dst, v.Uint64())
	case slog.KindFloat64:
		return AppendFloat(dst, v.Float64())
	case slog.KindBool:
		return strconv.AppendBool(dst, v.Bool())
	case slog.KindDuration:
		return AppendInt(dst, int64(v.Duration()))
	case slog.KindTime:
		return appendTime(dst, v.Time())
	case slog.KindGroup:
		return append(AppendAttrs(append(dst, '{'), v.Group()), '}')
	}
	switch v := v.Any().(type) {
	case *JSON:
		return append(dst, v.Text...)
	case *Bytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Data)
		return append(dst, '"')
	case *Error:
		return AppendString(dst, v.Text)
	}
	return append(dst, "null"...)
}

// AppendAttrs appends attributes as members of a JSON object, without its braces.
// A comma comes first unless dst is empty or ends in an opening brace.
func AppendAttrs(dst []byte, attrs []slog.Attr) []byte {
	for i := range attrs {
		dst = appendKey(dst, attrs[i].Key)
		dst = AppendValue(dst, attrs[i].Value)
	}
	return dst
}

// AppendLevel appends l as a JSON string: the name that slog gives it ("INFO",
// "WARN+2"), in lower case if lower is set ("info", "warn+2").
func AppendLevel(dst []byte, l slog.Level, lower bool) []byte {
	name := l.String()
	if lower {
		name = strings.ToLower(name)
	}
	return AppendString(dst, name)
}

// AppendTime appends t as a JSON string: RFC 3339 in UTC with that many fractional
// digits, at most 9, cut off and not rounded.
func AppendTime(dst []byte, t time.Time, digits int) []byte {
	dst = t.UTC().AppendFormat(append(dst, '"'), "2006-01-02T15:04:05.000000000Z")
	dst = dst[:len(dst)-1-9+digits]
	if digits == 0 {
		dst = dst[:len(dst)-1]
	}
	return append(dst, 'Z', '"')
}

// The JSON of slogship is append-style: each function appends to dst and
// returns it, as strconv.AppendInt does. What they write decodes to what
// encoding/json with SetEscapeHTML(false) writes, the reference of
// slog.JSONHandler.

const hexDigits = "0123456789abcdef"

// Byte-wise tests on eight bytes at a time, after "Hacker's Delight", 2nd
// edition, section 6-1 (find first 0-byte).
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special reports, in the high bit of each byte of w, whether that byte needs a
// closer look inside a JSON string: below 0x20, a quote, a backslash, or not
// ASCII. Bytes above the first one flagged may be flagged falsely.
func special(w uint64) uint64 {
	quote := w ^ ('"' * ones)
	slash := w ^ ('\\' * ones)
	return (w | (w - 0x20*ones) | (quote - ones) | (slash - ones)) & highs
}

// AppendString appends s as a JSON string, with its quotes. What is not valid
// UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(s)+2)[:n+len(s)+2]
	if !copyPlain(dst[n+1:], s) {
		dst = append(dst[:n], '"')
		dst = appendEscaped(dst, s)
		return append(dst, '"')
	}
	dst[n] = '"'
	dst[len(dst)-1] = '"'
	return dst
}

// copyPlain copies s to dst, which is at least as long, if s needs no escape:
// if it is printable ASCII without quotes and backslashes. Otherwise it reports
// false, and has written something or nothing.
//
// Keys and most values are short. Up to 16 bytes they are read and written as
// two words that overlap, or as three bytes that may, which saves the calls of a
// search and of a move.
func copyPlain(dst []byte, s string) bool {
	dst = dst[:len(s)]
	switch n := len(s); {
	case n > 16:
		for i := 0; i < n-8; i += 8 {
			if special(load64(s, i)) != 0 {
				return false
			}
		}
		copy(dst, s)
		return special(load64(s, n-8)) == 0
	case n >= 8:
		first, last := load64(s, 0), load64(s, n-8)
		binary.LittleEndian.PutUint64(dst, first)
		binary.LittleEndian.PutUint64(dst[n-8:], last)
		return special(first)|special(last) == 0
	case n >= 4:
		first, last := load32(s, 0), load32(s, n-4)
		binary.LittleEndian.PutUint32(dst, first)
		binary.LittleEndian.PutUint32(dst[n-4:], last)
		return special(uint64(first)|uint64(last)<<32) == 0
	case n > 0:
		a, b, c := s[0], s[n>>1], s[n-1]
		dst[0], dst[n>>1], dst[n-1] = a, b, c
		return special(uint64(a)|uint64(b)<<8|uint64(c)<<16|' '*(ones&^0xffffff)) == 0
	}
	return true
}

// isValid is utf8.ValidString. Names are short and ASCII, which is seen in a
// third of the time.
func isValid(s string) bool {
	n := len(s)
	var all uint64
	switch {
	case n >= 8:
		all = load64(s, n-8)
		for i := 0; i < n-8; i += 8 {
			all |= load64(s, i)
		}
	case n >= 4:
		all = uint64(load32(s, 0) | load32(s, n-4))
	case n > 0:
		all = uint64(s[0] | s[n>>1] | s[n-1])
	}
	return all&highs == 0 || utf8.ValidString(s)
}

// appendEscaped appends s with the escapes of a JSON string, without quotes.
func appendEscaped(dst []byte, s string) []byte {
	start, i := 0, 0
	for i < len(s) {
		if i+8 <= len(s) {
			m := special(load64(s, i))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\ufffd"...)
			start = i + 1
		case r == '\u2028' || r == '\u2029': // JavaScript's line ends, as encoding/json has it
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&0xf])
			start = i + size
		}
		i += size
	}
	return append(dst, s[start:]...)
}

// load64 reads eight bytes of s from i, the first one lowest.
func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// load32 reads four bytes of s from i, the first one lowest.
func load32(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// appendKey begins a member of an object, with a comma unless it is the first.
func appendKey(dst []byte, name string) []byte {
	n := len(dst)
	if n > 0 && dst[n-1] != '{' {
		dst = append(dst, ',')
		n++
	}
	end := n + len(name) + len(`"":`)
	dst = slices.Grow(dst, end-n)[:end]
	if !copyPlain(dst[n+1:], name) {
		return append(AppendString(dst[:n], name), ':')
	}
	dst[n], dst[end-2], dst[end-1] = '"', '"', ':'
	return dst
}

// AppendInt writes v in decimal. It may write to the capacity behind the result.
func AppendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return AppendUint(append(dst, '-'), -uint64(v))
	}
	return AppendUint(dst, uint64(v))
}

// AppendUint writes v in decimal. It may write to the capacity behind the result.
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
// may write to the capacity behind the result.
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
// write to the capacity behind the result.
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

// appendTime writes t as time.Time's MarshalJSON does: RFC 3339 with as many
// fractional digits as needed. A year that RFC 3339 has no room for is written
// all the same: a readable string is worth more than an error.
func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

// putHex writes v as 16 lower-case hexadecimal digits.
func putHex(dst []byte, v uint64) {
	_ = dst[15]
	binary.LittleEndian.PutUint64(dst[0:], hex8(uint32(v>>32)))
	binary.LittleEndian.PutUint64(dst[8:], hex8(uint32(v)))
}

// hex8 spreads the eight nibbles of v over eight bytes, the highest one into
// the lowest byte, and turns each into its digit: nibble + '0', and 39 more
// where the nibble is above nine.
func hex8(v uint32) uint64 {
	w := uint64(bits.ReverseBytes32(v))
	w = (w | w<<16) & 0x0000ffff0000ffff
	w = (w | w<<8) & 0x00ff00ff00ff00ff
	w = (w>>4 | w<<8) & 0x0f0f0f0f0f0f0f0f
	above := ((w + 0x06*ones) >> 4) & ones
	return w + '0'*ones + above*('a'-'0'-10)
}
