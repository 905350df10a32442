package jsontext

import (
	"encoding/binary"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// The Unix seconds of the years that RFC 3339 has room for, 0 to 9999.
const (
	firstSecond = -62167219200
	lastSecond  = 253402300799
)

// AppendTime writes t as a JSON string: RFC 3339 in UTC with digits fractional
// digits, at most 9, cut off and not rounded. It may write to the capacity after
// the result.
func AppendTime(dst []byte, t time.Time, digits int) []byte {
	if sec := t.Unix(); sec < firstSecond || sec > lastSecond {
		dst = t.UTC().AppendFormat(append(dst, '"'), "2006-01-02T15:04:05")
	} else {
		since := uint64(sec - firstSecond)
		second := uint32(since % (24 * 60 * 60))
		date := dateDigits(uint32(since/(24*60*60))) | '0'*ones // YYYYMMDD, the first one lowest
		clock := digits8(second/3600*1000000+second/60%60*1000+second%60) | '0'*ones
		// "YYYY-MM- and DDThh:mm, each a word; the clock's digits are hh0mm0ss.
		dst = binary.LittleEndian.AppendUint64(dst, date<<8&(1<<40-1)|'"'|'-'<<40|date>>32<<48)
		dst = binary.LittleEndian.AppendUint64(dst,
			'-'|date>>48<<8|'T'<<24|clock<<32&(1<<48-1)|':'<<48|clock>>24<<56)
		dst = append(dst, byte(clock>>32), ':', byte(clock>>48), byte(clock>>56))
	}
	if digits > 0 {
		nanos := uint32(t.Nanosecond())
		dst = binary.LittleEndian.AppendUint64(append(dst, '.'), digits8(nanos/10)|'0'*ones)
		if digits >= 9 {
			dst = append(dst, byte('0'+nanos%10))
		} else {
			dst = dst[:len(dst)-8+digits]
		}
	}
	return append(dst, 'Z', '"')
}

// lastDate is what dateDigits returned last, because mostly it is asked for one day:
// the number of the day, and one, then its digits, four bits each.
var lastDate atomic.Uint64

// dateDigits is the eight digits of the date that many days after 1 January of the
// year 0, a byte each, the first one lowest.
func dateDigits(days uint32) uint64 {
	last := lastDate.Load()
	if last>>32 != uint64(days+1) {
		year, month, day := civil(days)
		last = uint64(days+1) << 32
		for i, digits := 0, digits8(year*10000+month*100+day); i < 8; i++ {
			last |= digits >> (8 * i) & 0xf << (28 - 4*i)
		}
		lastDate.Store(last)
	}
	return nibbles8(uint32(last))
}

// civil is the date that many days after 1 January of the year 0, in the proleptic
// Gregorian calendar (Neri and Schneider, "Euclidean affine functions and their
// application to calendar algorithms", 2023): a third of the time of time.Date, for it
// divides by constants only. Its years begin in March, and so end with the day that
// not all of them have.
func civil(days uint32) (year, month, day uint32) {
	n := 4*(days+146097-60) + 3 // from 1 March of the year -400
	century := n / 146097
	n = n%146097 | 3
	p := 2939745 * uint64(n)
	year = 100*century + uint32(p>>32) - 400
	dayOfYear := uint32(p) / 2939745 / 4
	m := 2141*dayOfYear + 197913
	month, day = m>>16, m&0xffff/2141+1
	if dayOfYear >= 306 {
		return year + 1, month - 12, day
	}
	return year, month, day
}

// AppendTimeInZone writes t as its MarshalJSON does: RFC 3339 in its own zone,
// with as many fractional digits as needed. A year that RFC 3339 has no room
// for is written all the same: a readable string is worth more than an error.
func AppendTimeInZone(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

// AppendLevel writes l as a JSON string: the name that slog gives it ("INFO",
// "WARN+2"), in lower case if lower is set ("info", "warn+2").
func AppendLevel(dst []byte, l slog.Level, lower bool) []byte {
	names := &upperLevels
	if lower {
		names = &lowerLevels
	}
	if i := uint(l - slog.LevelDebug); i%4 == 0 && i/4 < uint(len(names)) {
		return append(dst, names[i/4]...)
	}
	name := l.String()
	if lower {
		name = strings.ToLower(name)
	}
	return AppendString(dst, name)
}

// The names of the levels from DEBUG, which are four apart.
var (
	upperLevels = [4]string{`"DEBUG"`, `"INFO"`, `"WARN"`, `"ERROR"`}
	lowerLevels = [4]string{`"debug"`, `"info"`, `"warn"`, `"error"`}
)
