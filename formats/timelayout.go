package formats

import (
	"time"

	"github.com/slogship/slogship"
)

// A TimeLayout is how a record's time is written, always in UTC. A time that a
// layout cannot express is written as RFC 3339 text.
type TimeLayout uint8

// The layouts. The zero TimeLayout stands for the default of a format.
const (
	RFC3339Nano  TimeLayout = iota + 1 // "2006-01-02T15:04:05.123456789Z"
	RFC3339Micro                       // "2006-01-02T15:04:05.123456Z"
	RFC3339Milli                       // "2006-01-02T15:04:05.123Z"
	RFC3339                            // "2006-01-02T15:04:05Z"
	UnixNano                           // 1136214245123456789; the years 1678 to 2262
	UnixMicro                          // 1136214245123456
	UnixMilli                          // 1136214245123
	UnixSeconds                        // 1136214245
	UnixFraction                       // 1136214245.123456789, seconds; from 1970 on
	DateTimeNano                       // "2006-01-02 15:04:05.123456789"
	DateTime                           // "2006-01-02 15:04:05"
	timeLayouts
)

// Seconds since 1970 at the bounds of what layouts express: the years that
// RFC 3339 has room for, and what fits into an int64 of nanoseconds.
const (
	firstYear  = -62_167_219_200 // 0000-01-01T00:00:00Z
	lastYear   = 253_402_300_799 // 9999-12-31T23:59:59Z
	nanoBounds = 9_223_372_035   // one second inside, to have all nanoseconds of it
)

// expresses reports whether l can express t.
func (l TimeLayout) expresses(t time.Time) bool {
	s := t.Unix()
	switch l {
	case UnixNano:
		return -nanoBounds <= s && s <= nanoBounds
	case UnixFraction:
		return 0 <= s && s <= lastYear
	}
	return firstYear <= s && s <= lastYear
}

// append writes t, which l can express.
func (l TimeLayout) append(dst []byte, t time.Time) []byte {
	switch l {
	case RFC3339Micro:
		return slogship.AppendTime(dst, t, 6)
	case RFC3339Milli:
		return slogship.AppendTime(dst, t, 3)
	case RFC3339:
		return slogship.AppendTime(dst, t, 0)
	case UnixNano:
		return slogship.AppendInt(dst, t.UnixNano())
	case UnixMicro:
		return slogship.AppendInt(dst, t.UnixMicro())
	case UnixMilli:
		return slogship.AppendInt(dst, t.UnixMilli())
	case UnixSeconds:
		return slogship.AppendInt(dst, t.Unix())
	case UnixFraction:
		return appendFraction(slogship.AppendInt(dst, t.Unix()), t.Nanosecond())
	case DateTimeNano:
		return withoutTZ(slogship.AppendTime(dst, t, 9), len(dst))
	case DateTime:
		return withoutTZ(slogship.AppendTime(dst, t, 0), len(dst))
	default:
		return slogship.AppendTime(dst, t, 9)
	}
}

// appendFraction writes ns as a fraction of nine digits.
func appendFraction(dst []byte, ns int) []byte {
	dst = append(dst, ".000000000"...)
	rest := uint32(ns)
	for i := len(dst) - 1; rest > 0; i-- {
		dst[i] = byte('0' + rest%10)
		rest /= 10
	}
	return dst
}

// withoutTZ makes the T of the RFC 3339 string at dst[at:] a space, and drops
// its Z.
func withoutTZ(dst []byte, at int) []byte {
	dst[at+len(`"2006-01-02`)] = ' '
	dst = dst[:len(dst)-1]
	dst[len(dst)-1] = '"'
	return dst
}
