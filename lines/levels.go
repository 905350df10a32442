package lines

import (
	"log/slog"
	"strconv"
)

// Levels for which slog has no name, as far from its own as OpenTelemetry's
// TRACE, INFO2 and FATAL are from DEBUG, INFO and ERROR.
const (
	levelTrace  = slog.LevelDebug - 4
	levelNotice = slog.LevelInfo + 2
	levelFatal  = slog.LevelError + 4
)

// PinoLevel returns the level of a number that pino or bunyan writes: 10 (trace), 20
// (debug), 30 (info), 40 (warn), 50 (error), 60 (fatal), or a number between these. It
// returns false for any other number.
func PinoLevel(n int64) (slog.Level, bool) {
	if n < 10 || n > 69 {
		return 0, false
	}
	base := [...]slog.Level{levelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, levelFatal}
	return base[n/10-1] + slog.Level(n%10*4/10), true
}

// ZerologLevel returns the level of a number that zerolog writes: -1 (trace), 0
// (debug), 1 (info), 2 (warn), 3 (error), 4 (fatal) or 5 (panic). It returns false for
// any other number. The numbers of zap are one less:
//
//	LevelNumber: func(n int64) (slog.Level, bool) { return lines.ZerologLevel(n + 1) }
func ZerologLevel(n int64) (slog.Level, bool) {
	switch {
	case n < -1 || n > 6:
		return 0, false
	case n > 3:
		return levelFatal, true
	}
	return slog.LevelDebug + slog.Level(4*n), true
}

// SyslogLevel returns the level of a severity of syslog or GELF: 0 (emergency) to 7
// (debug). It returns false for any other number.
func SyslogLevel(n int64) (slog.Level, bool) {
	if n < 0 || n > 7 {
		return 0, false
	}
	return [...]slog.Level{
		levelFatal, levelFatal, levelFatal, slog.LevelError,
		slog.LevelWarn, levelNotice, slog.LevelInfo, slog.LevelDebug,
	}[n], true
}

// longestLevel is the longest name of a level, in bytes.
const longestLevel = len("information")

// levelOf returns the level that word names, in whatever case, as slog writes
// it or as other loggers do.
func levelOf(word string) (slog.Level, bool) {
	n := 0
	var lower [longestLevel]byte
	for n < len(word) && word[n] != '+' && word[n] != '-' {
		c := word[n] | 0x20
		if n == len(lower) || c < 'a' || c > 'z' {
			return 0, false
		}
		lower[n] = c
		n++
	}
	level, ok := levelNamed(lower[:n])
	if !ok || n == len(word) {
		return level, ok
	}
	switch level { // only slog writes offsets, and only to the names that it has
	case slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError:
	default:
		return 0, false
	}
	offset, err := strconv.ParseInt(word[n:], 10, 32)
	return level + slog.Level(offset), err == nil
}

func levelNamed(lower []byte) (slog.Level, bool) {
	switch string(lower) {
	case "trace", "trc", "verbose", "vrb":
		return levelTrace, true
	case "debug", "dbg":
		return slog.LevelDebug, true
	case "info", "inf", "information", "audit":
		return slog.LevelInfo, true
	case "notice":
		return levelNotice, true
	case "warn", "wrn", "warning":
		return slog.LevelWarn, true
	case "err", "error":
		return slog.LevelError, true
	case "fatal", "ftl", "panic", "pnc", "dpanic", "crit", "critical", "alert", "emerg", "emergency":
		return levelFatal, true
	}
	return 0, false
}
