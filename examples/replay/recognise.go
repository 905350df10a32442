package main

import (
	"log/slog"
	"strings"
	"time"
)

// An entry is what a line says about itself. A line of no known format is an
// entry at LevelInfo without time and program.
type entry struct {
	time    time.Time // zero if the line has none
	level   slog.Level
	program string // program or component, "" if the line names none
}

// recognisers know a log format each, and report whether line is of theirs.
// Times without a zone, which all these formats write, are taken to be in now's.
var recognisers = []func(line string, now time.Time) (entry, bool){
	recogniseApache,
	recogniseSyslog,
	recogniseZooKeeper,
	recogniseOpenStack,
}

// future is how far ahead of the clock a time may be. Logflare drops an event
// from further ahead, and answers 200: such a line gets the current time.
const future = time.Hour

// recognise reads time, level and program from a line.
func recognise(line string, now time.Time) entry {
	for _, r := range recognisers {
		if e, ok := r(line, now); ok {
			if e.time.After(now.Add(future)) {
				e.time = time.Time{}
			}
			return e
		}
	}
	return entry{}
}

// recogniseApache knows httpd's error log; since 2.4 the level has the module
// in front.
//
//	[Fri Jan 06 10:20:30 2006] [notice] caught SIGTERM, shutting down
//	[Fri Jan 06 10:20:30.123456 2006] [proxy:error] [pid 17] ...
func recogniseApache(line string, now time.Time) (e entry, ok bool) {
	rest, ok := strings.CutPrefix(line, "[")
	if !ok {
		return e, false
	}
	stamp, rest, ok := strings.Cut(rest, "] [")
	if !ok {
		return e, false
	}
	t, err := time.ParseInLocation("Mon Jan _2 15:04:05 2006", stamp, now.Location())
	if err != nil {
		return e, false
	}
	e.time = t
	word, _, _ := strings.Cut(rest, "]")
	if module, level, ok := strings.Cut(word, ":"); ok {
		e.program, word = module, level
	}
	e.level, _ = levelOf(word)
	return e, true
}

// recogniseSyslog knows what syslog daemons write to files. There is neither a
// year nor a level.
//
//	Dec 24 18:00:01 door sshd[77]: no key fits
func recogniseSyslog(line string, now time.Time) (e entry, ok bool) {
	const layout = "Jan _2 15:04:05"
	if len(line) <= len(layout) || line[len(layout)] != ' ' {
		return e, false
	}
	t, err := time.ParseInLocation(layout, line[:len(layout)], now.Location())
	if err != nil {
		return e, false
	}
	e.time = withYear(t, now)
	_, rest, _ := strings.Cut(line[len(layout)+1:], " ") // the host
	if tag, _, ok := strings.Cut(rest, ":"); ok && !strings.Contains(tag, " ") {
		e.program, _, _ = strings.Cut(tag, "[")
	}
	return e, true
}

// withYear gives t the last year in which it is not in the future: in January,
// a line of December is from the year before. February 29 has to look further.
func withYear(t, now time.Time) time.Time {
	for year := now.Year(); year > now.Year()-9; year-- {
		dated := time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
		if dated.Day() == t.Day() && !dated.After(now.Add(future)) {
			return dated
		}
	}
	return time.Time{}
}

// recogniseZooKeeper knows ZooKeeper's log4j layout. The class, not the thread
// in front of it, is the component.
//
//	2015-03-04 05:06:07,747 - INFO  [Peer[id=1]/0:0:0:0:0:0:0:1:2888:Election@12] - no leader yet
func recogniseZooKeeper(line string, now time.Time) (e entry, ok bool) {
	stamp, rest, ok := strings.Cut(line, " - ")
	if !ok {
		return e, false
	}
	e.time, ok = dateTime(stamp, now)
	if !ok {
		return e, false
	}
	word, rest, _ := strings.Cut(rest, " ")
	e.level, ok = levelOf(word)
	if !ok {
		return e, false
	}
	place, _, ok := strings.Cut(strings.TrimLeft(rest, " ["), "] - ")
	if ok {
		place = place[strings.LastIndexByte(place, ':')+1:]
		e.program, _, _ = strings.Cut(place, "@")
	}
	return e, true
}

// recogniseOpenStack knows the default layout of oslo.log, also with the name
// of a file in front, as collections of logs have it.
//
//	2018-09-10 11:12:13.008 4711 INFO nova.osapi_compute.wsgi.server [req-...] 192.0.2.1 "GET ..."
//	nova-api.log.3 2018-09-10 11:12:13.008 4711 INFO nova.osapi_compute.wsgi.server [req-...] ...
func recogniseOpenStack(line string, now time.Time) (e entry, ok bool) {
	const date, clock, _, level, component = 0, 1, 2, 3, 4 // in between stands the process id
	fields := strings.SplitN(line, " ", 7)
	if len(fields) > component+1 {
		if _, err := time.Parse(time.DateOnly, fields[date]); err != nil {
			fields = fields[1:]
		}
	}
	if len(fields) <= component {
		return e, false
	}
	e.time, ok = dateTime(fields[date]+" "+fields[clock], now)
	if !ok {
		return e, false
	}
	e.level, ok = levelOf(fields[level])
	e.program = fields[component]
	return e, ok
}

// dateTime parses a date and a time of day with or without a fraction, which
// may follow a point or a comma.
func dateTime(s string, now time.Time) (time.Time, bool) {
	t, err := time.ParseInLocation(time.DateTime, s, now.Location())
	return t, err == nil
}

// levelOf maps the level names of the formats to slog's four.
func levelOf(word string) (slog.Level, bool) {
	switch strings.ToLower(word) {
	case "trace", "debug":
		return slog.LevelDebug, true
	case "info", "notice", "audit":
		return slog.LevelInfo, true
	case "warn", "warning":
		return slog.LevelWarn, true
	case "err", "error", "crit", "critical", "alert", "emerg", "fatal":
		return slog.LevelError, true
	}
	return slog.LevelInfo, false
}
