package lines

import (
	"encoding/json"
	"log/slog"
	"math"
	"strconv"
)

// number is a JSON number.
type number struct {
	text     string
	digits   uint64 // all digits, those of the fraction too, if there are at most 19
	count    int    // how many digits, without zeros at the front
	fraction int    // how many of them are after the point
	negative bool
	exponent bool // it has one
}

// scanNumber reads the number at i of s. It returns the index after it, or -1.
func scanNumber(s string, i int) (n number, end int) {
	begin := i
	if i < len(s) && s[i] == '-' {
		n.negative = true
		i++
	}
	first := i
	for i < len(s) && isDigit(s[i]) {
		n.digit(s[i])
		i++
	}
	if i == first || s[first] == '0' && i > first+1 {
		return n, -1
	}
	if i < len(s) && s[i] == '.' {
		point := i
		for i++; i < len(s) && isDigit(s[i]); i++ {
			n.digit(s[i])
		}
		if n.fraction = i - point - 1; n.fraction == 0 {
			return n, -1
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		n.exponent = true
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		power := i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		if i == power {
			return n, -1
		}
	}
	n.text = s[begin:i]
	return n, i
}

// digit adds a digit.
func (n *number) digit(c byte) {
	if c == '0' && n.count == 0 {
		return
	}
	n.digits = n.digits*10 + uint64(c-'0')
	n.count++
}

// int64 returns n if it is written as an integer and in the range of int64.
func (n number) int64() (int64, bool) {
	switch {
	case n.fraction > 0 || n.exponent || n.count > 19:
	case n.negative && n.digits <= 1<<63:
		return -int64(n.digits), n.digits > 0 //nolint:gosec // wraps around to the least int64, which is right
	case !n.negative && n.digits <= math.MaxInt64:
		return int64(n.digits), true
	}
	return 0, false
}

// exactDigits is how many decimal digits a float64 keeps, whichever they are.
const exactDigits = 15

// value returns the value that is written with the same digits again: an
// int64, a uint64, a float64 or, where these are not, a json.Number.
func (n number) value() slog.Value {
	if v, ok := n.int64(); ok {
		return slog.Int64Value(v)
	}
	if n.fraction == 0 && !n.exponent && !n.negative {
		if v, err := strconv.ParseUint(n.text, 10, 64); err == nil {
			return slog.Uint64Value(v)
		}
	}
	if v, ok := n.float64(); ok {
		return slog.Float64Value(v)
	}
	return slog.AnyValue(json.Number(n.text))
}

// powers has the powers of ten that float64 has exactly.
var powers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// float64 returns n as a float64 if encoding/json writes that as n is written.
func (n number) float64() (float64, bool) {
	// A decimal of up to 15 digits is the shortest of its float64, and a
	// quotient of two numbers that are exact is rounded only once. Below 1e-6
	// there would be an exponent.
	if !n.exponent && n.fraction > 0 && 0 < n.count && n.count <= exactDigits &&
		n.fraction-n.count < 6 && n.text[len(n.text)-1] != '0' && n.fraction < len(powers) {
		v := float64(n.digits) / powers[n.fraction]
		if n.negative {
			v = -v
		}
		return v, true
	}
	v, err := strconv.ParseFloat(n.text, 64)
	if err != nil {
		return 0, false
	}
	var buf [32]byte
	return v, string(appendFloat(buf[:0], v)) == n.text
}

// appendFloat appends v as encoding/json writes it.
func appendFloat(dst []byte, v float64) []byte {
	if abs := math.Abs(v); abs == 0 || 1e-6 <= abs && abs < 1e21 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, v, 'e', -1, 64)
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
