package record

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
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

// What ReplaceAttr makes of a built-in attribute keeps its place and its kind; only
// the zero Attr and an empty group leave it out; another key moves it among the
// attributes.
func TestReplacedBuiltins(t *testing.T) {
	const at, level, msg = `"time":"2026-01-02T03:04:05.678901234Z"`, `"level":"INFO"`, `"msg":"hello"`
	value := func(v any) func(slog.Attr) slog.Attr {
		return func(a slog.Attr) slog.Attr { return slog.Any(a.Key, v) }
	}
	key := func(key string) func(slog.Attr) slog.Attr {
		return func(a slog.Attr) slog.Attr { return slog.Attr{Key: key, Value: a.Value} }
	}
	gone := func(slog.Attr) slog.Attr { return slog.Attr{} }
	own := func(members ...string) string { return "{" + strings.Join(members, ",") + "}" }
	for name, tt := range map[string]struct {
		key             string
		by              func(slog.Attr) slog.Attr
		builtins, attrs string
	}{
		"time to another time":     {"time", value(time.Date(2000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))), own(`"time":"2000-01-01T00:00:00+01:00"`, level, msg), `{}`},
		"time to the zero time":    {"time", value(time.Time{}), own(`"time":"0001-01-01T00:00:00Z"`, level, msg), `{}`},
		"time to a string":         {"time", value("yesterday"), own(`"time":"yesterday"`, level, msg), `{}`},
		"time to an empty string":  {"time", value(""), own(`"time":""`, level, msg), `{}`},
		"time to a number":         {"time", value(1767323045), own(`"time":1767323045`, level, msg), `{}`},
		"time to null":             {"time", value(nil), own(`"time":null`, level, msg), `{}`},
		"time left out":            {"time", gone, own(level, msg), `{}`},
		"time moved":               {"time", key("ts"), own(level, msg), `{"ts":"2026-01-02T03:04:05.678901234Z"}`},
		"time to an empty group":   {"time", func(slog.Attr) slog.Attr { return slog.Group("time") }, own(level, msg), `{}`},
		"level to another level":   {"level", value(slog.LevelWarn + 1), own(at, `"level":"WARN+1"`, msg), `{}`},
		"level to a string":        {"level", value("NOTICE"), own(at, `"level":"NOTICE"`, msg), `{}`},
		"level to an empty string": {"level", value(""), own(at, `"level":""`, msg), `{}`},
		"level to a number":        {"level", value(30), own(at, `"level":30`, msg), `{}`},
		"level to null":            {"level", value(nil), own(at, `"level":null`, msg), `{}`},
		"level to true":            {"level", value(true), own(at, `"level":true`, msg), `{}`},
		"level to a LevelVar":      {"level", value(new(slog.LevelVar)), own(at, `"level":"INFO"`, msg), `{}`},
		"level to a source":        {"level", value(&slog.Source{Line: 7}), own(at, `"level":{"line":7}`, msg), `{}`},
		"level to an empty source": {"level", value(&slog.Source{}), own(at, msg), `{}`},
		"level left out":           {"level", gone, own(at, msg), `{}`},
		"level moved":              {"level", key("severity"), own(at, msg), `{"severity":"INFO"}`},
		"level to a group": {"level", func(slog.Attr) slog.Attr {
			return slog.Group("level", slog.Int("n", 1), slog.Group("g", slog.Int("m", 2)))
		}, own(at, `"level":{"n":1,"g":{"m":2}}`, msg), `{}`},
		"level to an emptied group": {"level", func(slog.Attr) slog.Attr { return slog.Group("level", slog.Attr{}) }, own(at, msg), `{}`},
		"msg to another string":     {"msg", value("bye"), own(at, level, `"msg":"bye"`), `{}`},
		"msg to an empty string":    {"msg", value(""), own(at, level, `"msg":""`), `{}`},
		"msg to a number":           {"msg", value(42), own(at, level, `"msg":42`), `{}`},
		"msg to null":               {"msg", value(nil), own(at, level, `"msg":null`), `{}`},
		"msg to an error":           {"msg", value(errors.New("broken")), own(at, level, `"msg":"broken"`), `{}`},
		"msg to a duration":         {"msg", value(time.Minute), own(at, level, `"msg":60000000000`), `{}`},
		"msg to a struct":           {"msg", value(struct{ A int }{1}), own(at, level, `"msg":{"A":1}`), `{}`},
		"msg to a TextMarshaler":    {"msg", value(dice.WritesText("text")), own(at, level, `"msg":"text"`), `{}`},
		"msg to a cycle":            {"msg", value(dice.CyclicMap()), own(at, level, `"msg":"!ERROR: map[string]interface {}: it is cyclic, or nests too deeply"`), `{}`},
		"msg to what panics":        {"msg", value(&dice.PanicsText{}), own(at, level, `"msg":"!PANIC: *dice.PanicsText: *dice.PanicsText"`), `{}`},
		"msg to a LogValuer":        {"msg", value(dice.Yields{V: slog.StringValue("resolved")}), own(at, level, `"msg":"resolved"`), `{}`},
		"msg to an empty group":     {"msg", func(slog.Attr) slog.Attr { return slog.Group("msg") }, own(at, level), `{}`},
		"msg left out":              {"msg", gone, own(at, level), `{}`},
		"msg moved":                 {"msg", key("text"), own(at, level), `{"text":"hello"}`},
		"msg moved and nil":         {"msg", func(slog.Attr) slog.Attr { return slog.Any("", nil) }, own(at, level), `{}`},
		"msg moved to no name":      {"msg", key(""), own(at, level), `{"":"hello"}`},
		"msg inlined":               {"msg", func(slog.Attr) slog.Attr { return slog.Group("", slog.Int("a", 1)) }, own(at, level), `{"a":1}`},
		"msg moved to level":        {"msg", key("level"), own(at, level), `{"level":"hello"}`},
	} {
		o := options()
		o.ReplaceAttr = replacing(tt.key, tt.by)
		got := captured(t, New(o), recordWith())
		if got := string(builtinsOf(got)); got != tt.builtins {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.builtins)
		}
		if got := string(objectOf(got.Attrs)); got != tt.attrs {
			t.Errorf("%s: attributes %s, want %s", name, got, tt.attrs)
		}
	}
}

// A built-in that was moved comes before all other attributes.
func TestMovedBuiltinsComeFirst(t *testing.T) {
	o := options()
	o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if groups == nil {
			a.Key = strings.ToUpper(a.Key)
		}
		return a
	}
	got := captured(t, New(o).WithAttrs([]slog.Attr{slog.Int("with", 1)}), recordWith(slog.Int("own", 2)))
	if got, want := string(objectOf(got.Attrs)), `{"TIME":"2026-01-02T03:04:05.678901234Z","LEVEL":"INFO","MSG":"hello","with":1,"own":2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(builtinsOf(got)); got != "{}" {
		t.Errorf("what was moved is there, too: %s", got)
	}
}

// The level of a record stays known where ReplaceAttr made another value of it.
func TestLevelStaysKnown(t *testing.T) {
	for _, v := range []slog.Value{slog.StringValue("NOTICE"), slog.IntValue(30), {}} {
		o := options()
		o.ReplaceAttr = replacing("level", func(slog.Attr) slog.Attr { return slog.Attr{Key: "level", Value: v} })
		r := recordWith()
		r.Level = slog.LevelError
		if got := captured(t, New(o), r); got.Level != slog.LevelError || got.NoLevel || got.LevelValue.Equal(slog.Value{}) {
			t.Errorf("%v: got %+v", v, got)
		}
	}
}

// A record without a time, or whose program counter is not known, has neither.
func TestNoTimeNoSource(t *testing.T) {
	var asked []string
	for _, replace := range []func([]string, slog.Attr) slog.Attr{nil, func(_ []string, a slog.Attr) slog.Attr {
		asked = append(asked, a.Key)
		return a
	}} {
		o := options()
		o.AddSource, o.ReplaceAttr = true, replace
		for _, pc := range []uintptr{0, 1} {
			got := captured(t, New(o), slog.NewRecord(time.Time{}, 0, "m", pc))
			if text, want := string(builtinsOf(got)), `{"level":"INFO","msg":"m"}`; text != want || got.Observed.IsZero() || got.Source != nil {
				t.Errorf("program counter %d: %s, want %s; %+v", pc, text, want, got)
			}
		}
	}
	if want := strings.Fields("level source msg level source msg"); !slices.Equal(asked, want) {
		t.Errorf("ReplaceAttr was asked about %q, want %q", asked, want)
	}
}

// AddSource adds function, file and line, or what ReplaceAttr made of them, each
// of them or all in one.
func TestSource(t *testing.T) {
	pc := callerPC()
	src := slog.NewRecord(time.Time{}, 0, "", pc).Source()
	full := fmt.Sprintf(`{"function":%q,"file":%q,"line":%d}`, src.Function, src.File, src.Line)
	for name, tt := range map[string]struct {
		replace     func([]string, slog.Attr) slog.Attr
		want, attrs string
	}{
		"as it is": {nil, full, `{}`},
		"shown":    {func(_ []string, a slog.Attr) slog.Attr { return a }, full, `{}`},
		"written to": {replacing("source", func(a slog.Attr) slog.Attr {
			s := a.Value.Any().(*slog.Source)
			*s = slog.Source{File: filepath.Base(s.File), Line: 7}
			return a
		}), `{"file":"builtins_test.go","line":7}`, `{}`},
		"to another source":    {replacing("source", func(slog.Attr) slog.Attr { return slog.Any("source", &slog.Source{Function: "f"}) }), `{"function":"f"}`, `{}`},
		"to a source by value": {replacing("source", func(slog.Attr) slog.Attr { return slog.Any("source", slog.Source{Function: "f"}) }), `{"function":"f"}`, `{}`},
		"to no source":         {replacing("source", func(slog.Attr) slog.Attr { return slog.Any("source", (*slog.Source)(nil)) }), ``, `{}`},
		"to a string":          {replacing("source", func(slog.Attr) slog.Attr { return slog.String("source", "a.go:7") }), `"a.go:7"`, `{}`},
		"to null":              {replacing("source", func(slog.Attr) slog.Attr { return slog.Any("source", nil) }), `null`, `{}`},
		"to a group":           {replacing("source", func(slog.Attr) slog.Attr { return slog.Group("source", slog.String("level", "f"), slog.Int("line", 7)) }), `{"level":"f","line":7}`, `{}`},
		"left out":             {replacing("source", func(slog.Attr) slog.Attr { return slog.Attr{} }), ``, `{}`},
		"moved":                {replacing("source", func(a slog.Attr) slog.Attr { a.Key = "src"; return a }), ``, `{"src":` + full + `}`},
		"without its members": {func(_ []string, a slog.Attr) slog.Attr {
			if slices.Contains([]string{"function", "file", "line"}, a.Key) {
				return slog.Attr{}
			}
			return a
		}, ``, `{}`},
		"with a member changed": {replacing("line", func(a slog.Attr) slog.Attr { return slog.Int("line", 1) }), strings.Replace(full, fmt.Sprint(`:`, src.Line, `}`), `:1}`, 1), `{}`},
	} {
		o := options()
		o.AddSource, o.ReplaceAttr = true, tt.replace
		s := New(o)
		want := `{"time":"2026-01-02T03:04:05.678901234Z","level":"INFO",`
		if tt.want != "" {
			want += `"source":` + tt.want + `,`
		}
		want += `"msg":"m"}`
		for range 2 { // the second time from the cache
			got := captured(t, s, slog.NewRecord(recordTime, 0, "m", pc))
			if text := string(builtinsOf(got)); text != want || string(objectOf(got.Attrs)) != tt.attrs {
				t.Errorf("%s:\n got %s, attributes %s\nwant %s, %s", name, text, objectOf(got.Attrs), want, tt.attrs)
			}
		}
	}
}

// What is in a group that stands for a built-in attribute is shown to
// ReplaceAttr, too: it may have secrets as well.
func TestReplaceAttrSeesInsideBuiltins(t *testing.T) {
	for _, key := range []string{"time", "level", "msg", "source"} {
		o := options()
		o.AddSource = true
		o.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case key:
				return slog.Group(key, slog.String("password", "hunter2"), slog.Int("n", 1))
			case "password":
				return slog.String(a.Key, "hidden")
			}
			return a
		}
		got := string(builtinsOf(captured(t, New(o), recordWith())))
		if strings.Contains(got, "hunter2") || !strings.Contains(got, `"`+key+`":{"password":"hidden","n":1}`) {
			t.Errorf("%s: %s", key, got)
		}
	}
}
