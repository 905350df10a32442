package slogship

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// replacing returns a ReplaceAttr that gives the root attribute of that key
// another value, or another key as well.
func replacing(key string, by func(a slog.Attr) slog.Attr) func([]string, slog.Attr) slog.Attr {
	return func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == key {
			return by(a)
		}
		return a
	}
}

// What ReplaceAttr makes of a built-in attribute is written in the format's
// own place, as a string; an empty Attr leaves the field out; another key moves
// it among the attributes.
func TestReplacedBuiltins(t *testing.T) {
	const id, at, msg = `"id":"",`, `"timestamp":"2026-01-02T03:04:05.678901Z"`, `"message":"hello",`
	value := func(v any) func(slog.Attr) slog.Attr {
		return func(a slog.Attr) slog.Attr { return slog.Any(a.Key, v) }
	}
	key := func(key string) func(slog.Attr) slog.Attr {
		return func(a slog.Attr) slog.Attr { return slog.Attr{Key: key, Value: a.Value} }
	}
	gone := func(slog.Attr) slog.Attr { return slog.Attr{} }
	for name, tt := range map[string]struct {
		key  string
		by   func(slog.Attr) slog.Attr
		want string // with sorted keys
	}{
		"time to another time":               {"time", value(time.Date(2000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))), `{` + id + msg + `"metadata":{"level":"info"},"timestamp":"1999-12-31T23:00:00.000000Z"}`},
		"time to a string":                   {"time", value("yesterday"), `{` + id + msg + `"metadata":{"level":"info"},"timestamp":"yesterday"}`},
		"time to a number":                   {"time", value(1767323045), `{` + id + msg + `"metadata":{"level":"info"},"timestamp":"1767323045"}`},
		"time left out":                      {"time", gone, `{` + id + msg + `"metadata":{"level":"info"}}`},
		"time moved":                         {"time", key("ts"), `{` + id + msg + `"metadata":{"level":"info","ts":"2026-01-02T03:04:05.678901234Z"}}`},
		"level to another level":             {"level", value(slog.LevelWarn + 1), `{` + id + msg + `"metadata":{"level":"warn+1"},` + at + `}`},
		"level to a string":                  {"level", value("NOTICE"), `{` + id + msg + `"metadata":{"level":"NOTICE"},` + at + `}`},
		"level to a number":                  {"level", value(30), `{` + id + msg + `"metadata":{"level":"30"},` + at + `}`},
		"level left out":                     {"level", gone, `{` + id + msg + `"metadata":{},` + at + `}`},
		"level moved":                        {"level", key("severity"), `{` + id + msg + `"metadata":{"severity":"INFO"},` + at + `}`},
		"msg to another string":              {"msg", value("bye"), `{` + id + `"message":"bye","metadata":{"level":"info"},` + at + `}`},
		"msg to an empty string":             {"msg", value(""), `{` + id + `"message":"","metadata":{"level":"info"},` + at + `}`},
		"msg to a number":                    {"msg", value(42), `{` + id + `"message":"42","metadata":{"level":"info"},` + at + `}`},
		"msg to an error":                    {"msg", value(errors.New("broken")), `{` + id + `"message":"broken","metadata":{"level":"info"},` + at + `}`},
		"msg to an error that is a Stringer": {"msg", value(stringerError{}), `{` + id + `"message":"an error","metadata":{"level":"info"},` + at + `}`},
		"msg to a Stringer":                  {"msg", value(time.Minute), `{` + id + `"message":"1m0s","metadata":{"level":"info"},` + at + `}`},
		"msg to a struct":                    {"msg", value(struct{ A int }{1}), `{` + id + `"message":"{\"A\":1}","metadata":{"level":"info"},` + at + `}`},
		"msg to a TextMarshaler":             {"msg", value(writesText("text")), `{` + id + `"message":"text","metadata":{"level":"info"},` + at + `}`},
		"msg to a cycle":                     {"msg", value(cyclicMap()), `{` + id + `"message":"!ERROR: map[string]interface {}: it is cyclic, or nests too deeply","metadata":{"level":"info"},` + at + `}`},
		"msg to what panics":                 {"msg", value(&panicsText{}), `{` + id + `"message":"!PANIC: *slogship.panicsText: *slogship.panicsText","metadata":{"level":"info"},` + at + `}`},
		"msg to a LevelVar":                  {"msg", value(new(slog.LevelVar)), `{` + id + `"message":"INFO","metadata":{"level":"info"},` + at + `}`},
		"msg to a Stringer of JSON":          {"msg", value(stringer(7)), `{` + id + `"message":"a stringer","metadata":{"level":"info"},` + at + `}`},
		"time to an empty group":             {"time", func(slog.Attr) slog.Attr { return slog.Group("time") }, `{` + id + msg + `"metadata":{"level":"info"}}`},
		"msg to a LogValuer":                 {"msg", value(yields{slog.StringValue("resolved")}), `{` + id + `"message":"resolved","metadata":{"level":"info"},` + at + `}`},
		"msg to a group": {"msg", func(slog.Attr) slog.Attr {
			return slog.Group("msg", slog.Int("a", 1), slog.Group("level", slog.Int("b", 2)))
		}, `{` + id + `"message":"{\"a\":1,\"level\":{\"b\":2}}","metadata":{"level":"info"},` + at + `}`},
		"msg to an empty group":    {"msg", func(slog.Attr) slog.Attr { return slog.Group("msg") }, `{` + id + `"metadata":{"level":"info"},` + at + `}`},
		"msg left out":             {"msg", gone, `{` + id + `"metadata":{"level":"info"},` + at + `}`},
		"msg moved":                {"msg", key("text"), `{` + id + `"metadata":{"level":"info","text":"hello"},` + at + `}`},
		"msg moved and left empty": {"msg", func(slog.Attr) slog.Attr { return slog.Any("", nil) }, `{` + id + `"metadata":{"level":"info"},` + at + `}`},
		"msg inlined":              {"msg", func(slog.Attr) slog.Attr { return slog.Group("", slog.Int("a", 1)) }, `{` + id + `"metadata":{"a":1,"level":"info"},` + at + `}`},
		"msg moved to level":       {"msg", key("level"), `{` + id + `"metadata":{"level":"info","level_":"hello"},` + at + `}`},
		"level moved to context":   {"level", key("context"), `{` + id + msg + `"metadata":{"context_":"INFO"},` + at + `}`},
	} {
		h := shipTo(t, hanging, Options{ReplaceAttr: replacing(tt.key, tt.by)})
		event := eventWith(t, h)
		event["id"] = ""
		if got := jsonText(t, event); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
		}
	}
}

type stringerError struct{ stringer }

func (stringerError) Error() string { return "an error" }

// What ReplaceAttr left out is not there for a format that does not ask.
func TestSourceLeftOut(t *testing.T) {
	h := shipTo(t, hanging, Options{
		AddSource:   true,
		ReplaceAttr: replacing("source", func(slog.Attr) slog.Attr { return slog.Attr{} }),
		Format:      fakeFormat{event: func(dst []byte, e *Event) []byte { return e.AppendSource(append(dst, '-')) }},
	})
	if got := string(eventOf(t, h, slog.NewRecord(recordTime, 0, "m", callerPC()))); got != "-" {
		t.Errorf("got %s", got)
	}
}

// A record without a time, or whose program counter is not known, has neither.
func TestNoTimeNoSource(t *testing.T) {
	var asked []string
	for _, replace := range []func([]string, slog.Attr) slog.Attr{nil, func(_ []string, a slog.Attr) slog.Attr {
		asked = append(asked, a.Key)
		return a
	}} {
		h := shipTo(t, hanging, Options{AddSource: true, ReplaceAttr: replace})
		for _, pc := range []uintptr{0, 1} {
			event := decodeEvent(t, eventOf(t, h, slog.NewRecord(time.Time{}, 0, "m", pc)))
			delete(event, "id")
			if got, want := jsonText(t, event), `{"message":"m","metadata":{"level":"info"}}`; got != want {
				t.Errorf("program counter %d: %s, want %s", pc, got, want)
			}
		}
	}
	if want := strings.Fields("level source msg level source msg"); !slices.Equal(asked, want) {
		t.Errorf("ReplaceAttr was asked about %q, want %q", asked, want)
	}
}

// AddSource writes function, file and line into context, or what ReplaceAttr
// made of them, each of them or all in one.
func TestSource(t *testing.T) {
	pc := callerPC()
	src := slog.NewRecord(time.Time{}, 0, "", pc).Source()
	full := fmt.Sprintf(`{"file":%q,"function":%q,"line":%d}`, src.File, src.Function, src.Line)
	for name, tt := range map[string]struct {
		replace func([]string, slog.Attr) slog.Attr
		want    string
	}{
		"as it is": {nil, `{"context":` + full + `,"level":"info"}`},
		"shown":    {func(_ []string, a slog.Attr) slog.Attr { return a }, `{"context":` + full + `,"level":"info"}`},
		"written to": {replacing("source", func(a slog.Attr) slog.Attr {
			s := a.Value.Any().(*slog.Source)
			*s = slog.Source{File: filepath.Base(s.File), Line: 7}
			return a
		}), `{"context":{"file":"builtins_test.go","line":7},"level":"info"}`},
		"to another source":    {replacing("source", func(slog.Attr) slog.Attr { return slog.Any("source", &slog.Source{Function: "f"}) }), `{"context":{"function":"f"},"level":"info"}`},
		"to a source by value": {replacing("source", func(slog.Attr) slog.Attr { return slog.Any("source", slog.Source{Function: "f"}) }), `{"context":{"function":"f"},"level":"info"}`},
		"to no source":         {replacing("source", func(slog.Attr) slog.Attr { return slog.Any("source", (*slog.Source)(nil)) }), `{"level":"info"}`},
		"to a string":          {replacing("source", func(slog.Attr) slog.Attr { return slog.String("source", "a.go:7") }), `{"context":{"source":"a.go:7"},"level":"info"}`},
		"to a group":           {replacing("source", func(slog.Attr) slog.Attr { return slog.Group("source", slog.String("level", "f"), slog.Int("line", 7)) }), `{"context":{"level":"f","line":7},"level":"info"}`},
		"left out":             {replacing("source", func(slog.Attr) slog.Attr { return slog.Attr{} }), `{"level":"info"}`},
		"moved":                {replacing("source", func(a slog.Attr) slog.Attr { a.Key = "src"; return a }), `{"level":"info","src":` + full + `}`},
		"moved to context":     {replacing("source", func(a slog.Attr) slog.Attr { a.Key = "context"; return a }), `{"context_":` + full + `,"level":"info"}`},
		"without its members": {func(_ []string, a slog.Attr) slog.Attr {
			if slices.Contains([]string{"function", "file", "line"}, a.Key) {
				return slog.Attr{}
			}
			return a
		}, `{"level":"info"}`},
		"with a member changed": {replacing("line", func(a slog.Attr) slog.Attr { return slog.Int("line", 1) }), strings.Replace(`{"context":`+full+`,"level":"info"}`, fmt.Sprint(`:`, src.Line, `}`), `:1}`, 1)},
	} {
		h := shipTo(t, hanging, Options{AddSource: true, ReplaceAttr: tt.replace})
		for range 2 { // the second time from the cache
			if got := jsonText(t, decodeEvent(t, eventOf(t, h, slog.NewRecord(recordTime, 0, "m", pc)))["metadata"]); got != tt.want {
				t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
			}
		}
	}
}

// A ReplaceAttr that panics withholds the value, and what it panicked with: it
// may be there to hide just that. Time and level stay, for a backend may refuse
// what is neither.
func TestReplaceAttrPanics(t *testing.T) {
	const secret = "hunter2"
	h := shipTo(t, hanging, Options{AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		panic("cannot hide " + a.Value.String())
	}}).WithAttrs([]slog.Attr{slog.String("with", secret)})
	r := slog.NewRecord(recordTime, slog.LevelWarn, secret, 0)
	r.AddAttrs(slog.String("a", secret), slog.Group("g", slog.String("b", secret), slog.Any("c", yields{slog.StringValue(secret)})))
	event := eventOf(t, h, r)
	if strings.Contains(string(event), secret) {
		t.Errorf("the secret got out: %s", event)
	}
	got := decodeEvent(t, event)
	delete(got, "id")
	const p = `"!PANIC: ReplaceAttr: string"`
	if got, want := jsonText(t, got), `{"message":`+p+`,"metadata":{"a":`+p+`,"g":{"b":`+p+`,"c":`+p+`},"level":"warn","with":`+p+`},"timestamp":"2026-01-02T03:04:05.678901Z"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What is in a group that stands for a built-in attribute is shown to
// ReplaceAttr, too: it may have secrets as well.
func TestReplaceAttrSeesInsideBuiltins(t *testing.T) {
	for _, key := range []string{"time", "level", "msg", "source"} {
		h := shipTo(t, hanging, Options{AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case key:
				return slog.Group(key, slog.String("password", "hunter2"), slog.Int("n", 1))
			case "password":
				return slog.String(a.Key, "hidden")
			}
			return a
		}})
		if event := string(eventOf(t, h, recordWith())); strings.Contains(event, "hunter2") || !strings.Contains(event, "hidden") {
			t.Errorf("%s: %s", key, event)
		}
	}
}
