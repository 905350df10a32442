package formats

import (
	"log/slog"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// A plain event is what it is when it is written member by member, whatever
// members there are.
func TestPlainEventIsTheSame(t *testing.T) {
	at := time.Unix(1772371815, 123456789)
	base := slogship.Event{ID: "00112233", Time: at, Observed: at.Add(time.Second), Message: "a \"message\""}
	attrs := []slog.Attr{slog.String("k", `"é`), slog.Int("n", -7), slog.String("error", "text"), slog.Float64("f", 0.5)}
	origin := []slog.Attr{slog.String("function", "main.main"), slog.String("file", "/src/main.go"), slog.Int("line", 7)}
	objects := map[string]func(*object){
		"nothing":         func(*object) {},
		"attributes":      func(o *object) { o.addAttributes() },
		"first a source":  func(o *object) { o.add(source, "source"); o.addAttributes() },
		"source, message": func(o *object) { o.add(source, "source"); o.add(message, "msg") },
		"attributes, id":  func(o *object) { o.addAttributes(); o.add(eventID, "id") },
		"fixed":           func(o *object) { o.addFixed("a", "b"); o.add(eventID, "id"); o.addFixed("c", "d"); o.addAttributes() },
		"nested": func(o *object) {
			o.add(level, "level")
			o.begin("attributes")
			o.addAttributes()
			o.end()
			o.add(requiredMessage, "msg")
		},
		"all": func(o *object) {
			o.addTime(requiredTime, "@t", RFC3339Nano)
			o.addTime(anyTime, "time", UnixFraction)
			o.add(serilogLevel, "@l")
			o.add(lowerLevel, "level")
			o.add(message, "msg")
			o.add(sourceECS, "log.origin")
			o.add(exception, "@x")
			o.addTimeText()
			o.addErrors("error.type", "error.message", "error.stack")
			o.addQuoted("quoted")
			o.addAttributes()
		},
	}
	for name, add := range objects {
		o := newObject()
		o.texts = []string{"err", "error"}
		add(o)
		o.plain = o.plainSteps()
		if o.plain == nil && name != "source, message" && name != "attributes, id" {
			t.Errorf("%s: there are no steps", name)
		}
		for l := slog.LevelDebug - 4; l <= slog.LevelError+4; l++ {
			for _, has := range []int{0, 1, 2, 3} {
				one := func() *slogship.Event {
					e := base
					e.Level = l
					if has&1 != 0 {
						e.Attrs = attrs
					}
					if has&2 != 0 {
						e.Source = origin
					}
					return &e
				}
				want := string(o.appendMembers([]byte("["), one(), nil))
				if got := string(o.append([]byte("["), one())); got != want {
					t.Errorf("%s: %s\nwant %s", name, got, want)
				}
			}
		}
	}
}

// Only an event that has all that a plain one must have is plain.
func TestIsPlain(t *testing.T) {
	plain := slogship.Event{Time: time.Unix(1, 0), Level: slog.LevelWarn}
	if !isPlain(&plain) {
		t.Fatal("a plain event is not plain")
	}
	for name, change := range map[string]func(*slogship.Event){
		"no time":          func(e *slogship.Event) { e.Time = time.Time{} },
		"before 1970":      func(e *slogship.Event) { e.Time = time.Unix(-1, 0) },
		"after 2262":       func(e *slogship.Event) { e.Time = time.Unix(nanoBounds+1, 0) },
		"level":            func(e *slogship.Event) { e.Level++ },
		"low level":        func(e *slogship.Event) { e.Level = slog.LevelDebug - 4 },
		"high level":       func(e *slogship.Event) { e.Level = slog.LevelError + 4 },
		"no level":         func(e *slogship.Event) { e.NoLevel = true },
		"no message":       func(e *slogship.Event) { e.NoMessage = true },
		"time replaced":    func(e *slogship.Event) { e.TimeValue = slog.IntValue(0) },
		"level replaced":   func(e *slogship.Event) { e.LevelValue = slog.IntValue(0) },
		"message replaced": func(e *slogship.Event) { e.MessageValue = slog.IntValue(0) },
		"source replaced":  func(e *slogship.Event) { e.SourceValue = slog.IntValue(0) },
	} {
		e := plain
		if change(&e); isPlain(&e) {
			t.Errorf("%s: is plain", name)
		}
	}
}

// A plain entry of Loki's is the one that is written with a list of names.
func TestPlainLokiEntryIsTheSame(t *testing.T) {
	at := time.Unix(1772371815, 123456789)
	for _, o := range []LokiOptions{{}, {Level: omit}, {ID: omit}, {Level: omit, ID: omit}} {
		f := Loki(o).(*loki)
		for _, attrs := range [][]slog.Attr{
			nil,
			{slog.String("k", `"é`), slog.Int("n", -7), slog.Bool("b", true), slog.Float64("f", 0.5), slog.Duration("took", 5)},
			{slog.Any("x", &slogship.JSON{Text: `{"a":1}`}), slog.Any("bytes", &slogship.Bytes{Data: []byte("b")})},
		} {
			e := slogship.Event{ID: "00112233", Time: at, Observed: at, Message: "a \"message\"", Attrs: attrs}
			want := string(f.appendEntry(nil, &e, new(lokiMetadata)))
			if got, ok := f.appendPlainEntry(nil, &e); ok && string(got) != want {
				t.Errorf("%s\nwant %s", got, want)
			} else if empty := attrs == nil && o.Level == omit && o.ID == omit; ok == empty {
				t.Errorf("%s: plain: %v", want, ok)
			}
		}
		for _, attrs := range [][]slog.Attr{
			{slog.Int("a", 1), slog.Int("a", 2)},
			{slog.Int("a.b", 1)},
			{slog.Int("source_file", 1)},
			{slog.Group("g", slog.Int("a", 1))},
			{slog.String("long", string(make([]byte, maxLokiMetadata)))},
			make([]slog.Attr, maxLokiEntries),
		} {
			if _, ok := f.appendPlainEntry(nil, &slogship.Event{Time: at, Attrs: attrs}); ok {
				t.Errorf("%v is plain", attrs[0])
			}
		}
	}
}
