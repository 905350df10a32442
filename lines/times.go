package lines

import (
	"strconv"
	"strings"
	"time"
)

// layouts are the formats of times that are rare enough to be left to package
// time. Those of numbers come first in none of them.
var layouts = [...]string{
	time.ANSIC, time.UnixDate, time.RubyDate, time.RFC1123, time.RFC1123Z, time.RFC850,
	"02/Jan/2006:15:04:05 -0700", // of access logs
}

// parseTime returns the time that all of s is: RFC 3339 and what is like it,
// an epoch, or one of layouts. Without a zone it is in loc.
func parseTime(s string, loc *time.Location) (time.Time, bool) {
	if t, n := timestamp(s, loc); n > 0 && n == len(s) {
		return t, true
	}
	if n, end := scanNumber(s, 0); end == len(s) {
		return epoch(n.text)
	}
	if len(s) > 40 {
		return time.Time{}, false
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// epoch returns the time that a number of seconds, milliseconds, microseconds
// or nanoseconds since 1970 is. Which of them it is, its size says:
//
//	1e8 <= seconds < 1e11 <= milliseconds < 1e14 <= microseconds < 1e17 <= nanoseconds
//
// In each unit that begins in 1973; smaller numbers are not times.
func epoch(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < 0 || f >= 1<<63 {
			return time.Time{}, false
		}
		whole, fraction, _ = strings.Cut(strconv.FormatFloat(f, 'f', -1, 64), ".")
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 1e8 {
		return time.Time{}, false
	}
	unit := int64(time.Nanosecond)
	switch {
	case n < 1e11:
		unit = int64(time.Second)
	case n < 1e14:
		unit = int64(time.Millisecond)
	case n < 1e17:
		unit = int64(time.Microsecond)
	}
	perSecond := int64(time.Second) / unit
	return time.Unix(n/perSecond, n%perSecond*unit+nanos(fraction)*unit/int64(time.Second)).UTC(), true
}

// nanos returns the digits of a fraction in billionths. It ignores further
// ones.
func nanos(digits string) int64 {
	var n int64
	for i := range 9 {
		n *= 10
		if i < len(digits) {
			n += int64(digits[i] - '0')
		}
	}
	return n
}

// timestamp returns the time that s begins with and its length, 0 if there is
// none. It knows RFC 3339 and its relatives:
//
//	2006-01-02T15:04:05.999999999Z07:00
//	2006-01-02 15:04:05,999 -0700
//	2006/01/02 15:04:05.999999
func timestamp(s string, loc *time.Location) (t time.Time, n int) {
	const clock = len("2006-01-02T")
	if len(s) < len("2006-01-02T15:04:05") || s[4] != '-' && s[4] != '/' || s[7] != s[4] {
		return t, 0
	}
	if c := s[clock-1]; c != 'T' && c != ' ' && c != 't' && c != '_' {
		return t, 0
	}
	century, year, month, day := two(s, 0), two(s, 2), two(s, 5), two(s, 8)
	hour, minute, second, ok := clockTime(s[clock:])
	if !ok || century|year|month|day < 0 || month == 0 || month > 12 || day == 0 || day > 31 {
		return t, 0
	}
	n = clock + len("15:04:05")
	nsec, more := fractionOf(s[n:])
	n += more
	offset, more := zone(s[n:])
	n += more
	if more > 0 || loc == time.UTC {
		t = time.Date(100*century+year, time.Month(month), day, hour, minute, second, nsec, time.UTC)
		if t.Day() != day && second < 60 {
			return time.Time{}, 0
		}
		return t.Add(-offset), n
	}
	t = time.Date(100*century+year, time.Month(month), day, hour, minute, second, nsec, loc)
	if t.Day() != day && second < 60 {
		return time.Time{}, 0
	}
	return t.UTC(), n
}

// clockTime returns the time of day that s begins with, in the form 15:04:05.
// A second 60 is the first of the next minute.
func clockTime(s string) (hour, minute, second int, ok bool) {
	if len(s) < len("15:04:05") || s[2] != ':' || s[5] != ':' {
		return 0, 0, 0, false
	}
	hour, minute, second = two(s, 0), two(s, 3), two(s, 6)
	return hour, minute, second, hour|minute|second >= 0 && hour < 24 && minute < 60 && second <= 60
}

// fractionOf returns the fraction of a second that s begins with, in
// nanoseconds, and its length with the point or comma.
func fractionOf(s string) (nsec, n int) {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' || !isDigit(s[1]) {
		return 0, 0
	}
	for n = 2; n < len(s) && isDigit(s[n]); {
		n++
	}
	return int(nanos(s[1:n])), n
}

// zone returns the offset from UTC that s begins with and its length, 0 if
// there is none: Z, +01:00, +0100 or +01, the latter three also after a space.
func zone(s string) (offset time.Duration, n int) {
	if s == "" {
		return 0, 0
	}
	if s[0] == 'Z' || s[0] == 'z' {
		return 0, 1
	}
	if s[0] == ' ' {
		n = 1
	}
	if len(s) < n+3 || s[n] != '+' && s[n] != '-' || two(s, n+1) < 0 {
		return 0, 0
	}
	negative := s[n] == '-'
	hours, minutes := two(s, n+1), 0
	n += 3
	colon := n
	if colon < len(s) && s[colon] == ':' {
		colon++
	}
	if colon+2 <= len(s) && two(s, colon) >= 0 {
		minutes = two(s, colon)
		n = colon + 2
	}
	if hours > 24 || minutes > 59 {
		return 0, 0
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if negative {
		offset = -offset
	}
	return offset, n
}

// two returns the number that the two digits at i of s are, or -1.
func two(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

// stamp returns the time of syslog that s begins with, "Jan _2 15:04:05", and
// its length, 0 if there is none.
func stamp(s string, now time.Time, loc *time.Location) (t time.Time, n int) {
	const months, clock = "JanFebMarAprMayJunJulAugSepOctNovDec", len("Jan _2 ")
	n = len(time.Stamp)
	if len(s) < n || s[3] != ' ' || s[6] != ' ' {
		return t, 0
	}
	at := strings.Index(months, s[:3])
	day := two(s, 4)
	if s[4] == ' ' && isDigit(s[5]) {
		day = int(s[5] - '0')
	}
	hour, minute, second, ok := clockTime(s[clock:])
	if !ok || at < 0 || at%3 != 0 || day < 1 || day > 31 {
		return t, 0
	}
	nsec, more := fractionOf(s[n:])
	t, ok = withYear(time.Month(at/3+1), day, now, loc, hour, minute, second, nsec)
	if !ok {
		return t, 0
	}
	return t, n + more
}

// ahead is how far ahead of now the clock of another machine may be.
const ahead = time.Hour

// withYear returns the time in loc in the last year in which it is not ahead
// of now: in January, a line of December is from the year before. February 29
// may have to look further.
func withYear(
	month time.Month, day int, now time.Time, loc *time.Location, hour, minute, second, nsec int,
) (t time.Time, ok bool) {
	latest := now.Add(ahead)
	for year, tries := latest.In(loc).Year(), 0; tries < 9; year, tries = year-1, tries+1 {
		t = time.Date(year, month, day, hour, minute, second, nsec, loc)
		if (t.Day() == day || second == 60) && !t.After(latest) {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
