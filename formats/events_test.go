package formats_test

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

var someTime = time.Date(2026, 3, 4, 5, 6, 7, 890123456, time.UTC)

// event is an event with what most have.
func event(level slog.Level, message string, attrs ...slog.Attr) slogship.Event {
	return slogship.Event{
		ID: fmt.Sprintf("%048x", 0), Time: someTime, Observed: someTime.Add(time.Millisecond),
		Level: level, Message: message, Attrs: attrs,
	}
}

// failure is an attribute that is an error.
func failure(key, typ, text string, stack ...slog.Source) slog.Attr {
	return slog.Any(key, &slogship.Error{Type: typ, Text: text, Stack: stack})
}

// goldenEvents are what becomes of goldenRecords, logged on the first day of the
// year 2000.
func goldenEvents() []slogship.Event {
	at := func(d time.Duration, level slog.Level, message string, attrs ...slog.Attr) slogship.Event {
		e := event(level, message, attrs...)
		e.Time = e.Time.Add(d)
		return e
	}
	sourced := at(0, slog.LevelInfo, "with a source")
	sourced.Source = []slog.Attr{
		slog.String("function", "github.com/slogship/slogship/formats_test.goldenRecords"),
		slog.String("file", "/formats/golden_test.go"), slog.Int("line", 0),
	}
	timeless := at(0, slog.LevelInfo, "no time")
	timeless.Time = time.Time{}
	late := at(0, slog.LevelInfo, "a time that no layout has")
	late.Time = time.Date(12026, 1, 2, 3, 4, 5, 6, time.UTC)
	all := []slogship.Event{
		at(0, slog.LevelInfo, "request handled",
			slog.String("method", "GET"), slog.Int("code", 200), slog.Duration("took", 1503*time.Microsecond),
			slog.Bool("cached", false), slog.Float64("ratio", 0.875)),
		at(time.Millisecond, slog.LevelDebug, "groups",
			slog.Group("user", slog.Int("id", 42), slog.Group("address", slog.String("city", "Łódź")))),
		at(time.Second, slog.LevelWarn, "quote \" backslash \\ newline \n and 日本 🚢", slog.String("tab", "a\tb")),
		at(2*time.Second, slog.LevelError, "failed", failure("error", "*errors.errorString", "no such file"),
			slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), slog.String("span_id", "00f067aa0ba902b7")),
		at(3*time.Second, slog.LevelInfo+2, "edges",
			slog.Int64("int64", math.MinInt64), slog.Uint64("uint64", math.MaxUint64), slog.Float64("float64", math.MaxFloat64)),
		at(4*time.Second, slog.LevelInfo, "names that formats have for themselves",
			slog.String("time", "t"), slog.String("level", "l"), slog.String("msg", "m"), slog.String("message", "M"),
			slog.Int("status", 200), slog.String("@timestamp", "@"), slog.String("_time", "_"), slog.String("event_id", "e"),
			slog.String("@t", "clef"), slog.String("_id", "id"), slog.String("log", "log"), slog.String("timestamp", "ts"),
			slog.String("source", "s"), slog.String("attributes", "a")),
		at(5*time.Second, slog.LevelInfo, "equal names", slog.Int("n", 1), slog.Int("n", 2)),
		at(24*time.Hour, slog.LevelInfo, "the next day"),
		timeless,
		late,
		sourced,
		at(0, slog.LevelInfo, ""),
	}
	for i := range all {
		all[i].ID = fmt.Sprintf("%048x", i)
		all[i].Observed = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return all
}

// prepared is e as slogship hands it to f: without the names that the layout
// reserves, and without equal ones if it wants none.
func prepared(f slogship.Format, e slogship.Event) *slogship.Event {
	l := f.Layout()
	e.Attrs = slices.Clone(e.Attrs)
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if slices.ContainsFunc(append(l.Reserved, "_cut"), func(name string) bool {
			rest, ok := strings.CutPrefix(a.Key, name)
			return ok && strings.Trim(rest, "_") == ""
		}) {
			a.Key += "_"
		}
	}
	if l.UniqueKeys {
		e.Attrs = lastOfEach(e.Attrs)
	}
	return &e
}

func lastOfEach(attrs []slog.Attr) (last []slog.Attr) {
	for i, a := range attrs {
		if slices.ContainsFunc(attrs[i+1:], func(later slog.Attr) bool { return later.Key == a.Key }) {
			continue
		}
		if a.Value.Kind() == slog.KindGroup {
			a.Value = slog.GroupValue(lastOfEach(a.Value.Group())...)
		}
		last = append(last, a)
	}
	return last
}

// encoded is the body of a request with events.
func encodedBody(f slogship.Format, events ...slogship.Event) string {
	l := f.Layout()
	var text []byte
	for i := range events {
		if i > 0 {
			text = append(text, l.Separator...)
		}
		text = f.AppendEvent(text, prepared(f, events[i]))
	}
	head := []byte(l.Head)
	if l.AppendHead != nil {
		head = l.AppendHead(nil, len(events), len(text))
	}
	return string(head) + string(text) + l.Tail
}

// text is what f writes of one event.
func text(f slogship.Format, e slogship.Event) string {
	return string(f.AppendEvent(nil, prepared(f, e)))
}
