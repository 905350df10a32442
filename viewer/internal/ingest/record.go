package ingest

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// Names under which loggers write what every record has, in the order in which
// they are believed.
var (
	timeNames    = []string{"time", "timestamp", "ts", "@timestamp", "date", "_time"}
	levelNames   = []string{"level", "severity", "lvl", "log.level"}
	messageNames = []string{"msg", "message", "event", "_msg"}
	idNames      = []string{"event_id", "id"}
	traceNames   = []string{"trace_id", "traceId", "trace.id", "traceid"}
	spanNames    = []string{"span_id", "spanId", "span.id", "spanid"}
	serviceNames = []string{"service.name", "service"}
)

// runName is OpenTelemetry's attribute that tells the runs of a service apart. A
// sender that is no SDK of it gives its records the attribute of that name.
const runName = "service.instance.id"

// ReadObject makes a record of a JSON object, as a line of NDJSON is. Whatever is
// no built-in becomes an attribute.
func ReadObject(object []byte, source string, now time.Time) event.Log {
	l := event.Log{Time: now.UnixNano(), Source: source}
	var builtins [4][]byte
	best := [4]int{99, 99, 99, 99}
	lists := [4][]string{timeNames, levelNames, messageNames, idNames}
	jsontext.Each(object, func(key, value []byte) bool {
		for i, names := range lists {
			if p := index(names, key); p >= 0 && p < best[i] && usable(i, value) {
				best[i], builtins[i] = p, value
			}
		}
		return true
	})
	if t, ok := readTime(builtins[0]); ok {
		l.Time = t
	}
	if builtins[1] != nil {
		l.Level, _ = readLevel(builtins[1])
	}
	if builtins[2] != nil {
		l.Message = jsontext.Text(builtins[2])
	}
	if builtins[3] != nil {
		l.ID = jsontext.Text(builtins[3])
	}
	l.Attrs = without(object, func(key []byte) bool {
		for i, names := range lists {
			if best[i] < 99 && names[best[i]] == string(key) {
				return true
			}
		}
		return false
	})
	correlate(&l)
	return l
}

// usable reports whether the value can be the i-th built-in.
func usable(i int, value []byte) bool {
	switch i {
	case 0:
		_, ok := readTime(value)
		return ok
	case 1:
		_, ok := readLevel(value)
		return ok
	}
	// A number named id is the user's.
	return value[0] == '"' && (i != 3 || len(value) >= 18)
}

// correlate reads trace and span ids, and the run, from the attributes of the root,
// where they stay for whoever filters by them.
func correlate(l *event.Log) {
	jsontext.Each(l.Attrs, func(key, value []byte) bool {
		if len(value) < 2 || value[0] != '"' {
			return true
		}
		switch {
		case l.Run == "" && string(key) == runName:
			l.Run = clip(jsontext.Text(value))
		case len(value) == 34 && l.Trace == [16]byte{} && index(traceNames, key) >= 0:
			if id, ok := event.ParseTrace(string(value[1:33])); ok {
				l.Trace = id
			}
		case len(value) == 18 && l.Span == [8]byte{} && index(spanNames, key) >= 0:
			if id, ok := event.ParseSpan(string(value[1:17])); ok {
				l.Span = id
			}
		case l.Source == "default" && index(serviceNames, key) >= 0:
			l.Source = clip(jsontext.Text(value))
		}
		return true
	})
}

func index(names []string, key []byte) int {
	for i, name := range names {
		if name == string(key) {
			return i
		}
	}
	return -1
}

// without copies the object without the members that drop names.
func without(object []byte, drop func(key []byte) bool) []byte {
	out := make([]byte, 1, len(object))
	out[0] = '{'
	jsontext.Each(object, func(key, value []byte) bool {
		if drop(key) {
			return true
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = jsontext.AppendQuoted(out, string(key))
		out = append(out, ':')
		out = append(out, value...)
		return true
	})
	if len(out) == 1 {
		return nil
	}
	return append(out, '}')
}

// readLevel reads a level's name, or a number: slog's, or bunyan's and pino's from
// 20 on.
func readLevel(value []byte) (int, bool) {
	level, ok := event.ParseLevel(jsontext.Text(value))
	if ok && value[0] != '"' && level >= 20 {
		level = (level - 30) * 4 / 10 // 20 debug, 30 info, 40 warn, 50 error, 60 fatal
	}
	return level, ok
}

// readTime reads RFC 3339, or a number since 1970 whose size tells its unit.
func readTime(value []byte) (ns int64, ok bool) {
	if len(value) == 0 {
		return 0, false
	}
	text := jsontext.Text(value)
	if t, err := time.Parse(time.RFC3339Nano, strings.Replace(text, " ", "T", 1)); err == nil {
		if t.Year() < 1970 || t.Year() > 2200 {
			return 0, false
		}
		return t.UnixNano(), true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f <= 0 || math.IsNaN(f) {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		switch {
		case n < 1e11:
			return n * 1e9, true
		case n < 1e14:
			return n * 1e6, true
		case n < 1e17:
			return n * 1e3, true
		}
		return n, true
	}
	for f > 1e11 { // down to seconds
		f /= 1e3
	}
	return int64(f * 1e9), true
}
