package formats_test

import (
	"fmt"
	"log/slog"
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
func goldenEvents() (all []slogship.Event) {
	for i, r := range goldenRecords() {
		e := event(r.Level, r.Message)
		e.ID = fmt.Sprintf("%048x", i)
		e.Time, e.Observed = r.Time, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		if r.PC != 0 {
			e.Source = []slog.Attr{
				slog.String("function", "github.com/slogship/slogship/formats_test.goldenRecords"),
				slog.String("file", "/formats/golden_test.go"), slog.Int("line", 0),
			}
		}
		r.Attrs(func(a slog.Attr) bool {
			if err, ok := a.Value.Any().(error); ok {
				a = failure(a.Key, "*errors.errorString", err.Error())
			}
			e.Attrs = append(e.Attrs, a)
			return true
		})
		all = append(all, e)
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
