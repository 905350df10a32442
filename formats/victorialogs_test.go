package formats_test

import (
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// flatNames are the names of an object as VictoriaLogs has them: those of groups
// joined to those of their members.
func flatNames(o object, prefix string, into map[string]any) map[string]any {
	for name, v := range o {
		if inner, ok := v.(object); ok {
			flatNames(inner, prefix+name+".", into)
		} else {
			into[prefix+name] = v
		}
	}
	return into
}

// No name that VictoriaLogs makes has more than 128 bytes, none is empty, and no
// two names of one record become equal.
func TestVictoriaLogsNames(t *testing.T) {
	n := strings.Repeat
	long := n("n", 200)
	f := formats.VictoriaLogs(formats.VictoriaLogsOptions{ID: "-"})
	for _, c := range []struct {
		name  string
		attrs []slog.Attr
		names int    // of attributes
		want  string // a part of the event
	}{
		{"short", []slog.Attr{slog.Int(n("a", 128), 1)}, 1, `"` + n("a", 128) + `":1`},
		{"one too many", []slog.Attr{slog.Int(n("a", 129), 1)}, 1, `"` + n("a", 117) + "…"},
		{"two with one front", []slog.Attr{slog.Int(long+"1", 1), slog.Int(long+"2", 2)}, 2, ""},
		{"runes", []slog.Attr{slog.Int(n("é", 100), 1)}, 1, `"` + n("é", 58) + "…"},
		{"invalid UTF-8", []slog.Attr{slog.Int(n("\xff", 100), 1)}, 1, "\ufffd…"},
		{"in a group", []slog.Attr{slog.Group("group", slog.Int(n("a", 122), 1), slog.Int(n("a", 123), 2))}, 2, `"group":{"` + n("a", 122) + `":1,"` + n("a", 111) + "…"},
		{"a long group", []slog.Attr{slog.Group(n("g", 96), slog.Int("a", 1))}, 1, `"` + n("g", 96) + `":{"a":1}`},
		{"too long a group", []slog.Attr{slog.Group(n("g", 97), slog.Int("a", 1))}, 1, `"` + n("g", 97) + `":"{\"a\":1}"`},
		{"nested groups", []slog.Attr{slog.Group(n("g", 60), slog.Group(n("h", 60), slog.Int("a", 1)))}, 1, `{"` + n("h", 60) + `":"{\"a\":1}"}`},
		{"an object", []slog.Attr{slog.Any("o", &slogship.JSON{Text: `{"` + n("a", 126) + `":1}`})}, 1, `"o":{"` + n("a", 126) + `":1}`},
		{"an object with a long name", []slog.Attr{slog.Any("o", &slogship.JSON{Text: `{"` + n("a", 127) + `":1}`})}, 1, `"o":"{\"` + n("a", 127) + `\":1}"`},
		{"an object in an object", []slog.Attr{slog.Any("o", &slogship.JSON{Text: `{"x":{"` + n("a", 124) + `":[{"` + n("b", 200) + `":1}]}}`})}, 1, `"o":{"x":{"`},
		{"no name", []slog.Attr{slog.Int("", 1), slog.Int("_", 2), slog.Int("__", 3)}, 3, `"_":1,"__":2,"___":3`},
		{"no name in a group", []slog.Attr{slog.Group("g", slog.Int("", 1))}, 1, `"g":{"":1}`},
		{"equal names", []slog.Attr{slog.Int("n", 1), slog.Int("n", 2)}, 1, `"n":2`},
	} {
		got := text(f, event(slog.LevelInfo, "m", c.attrs...))
		names := flatNames(decode(t, got).(object), "", map[string]any{})
		for _, own := range []string{"_time", "level", "_msg"} {
			if names[own] == nil {
				t.Errorf("%s: %s is not there", c.name, own)
			}
			delete(names, own)
		}
		for name := range names {
			if len(name) > 128 || name == "" || !utf8.ValidString(name) {
				t.Errorf("%s: the name %q has %d bytes", c.name, name, len(name))
			}
		}
		if len(names) != c.names || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d names in %s\nwant %d, and %s", c.name, len(names), got, c.names, c.want)
		}
	}

	e := event(slog.LevelInfo, "m")
	e.Source = []slog.Attr{slog.Int(n("s", 200), 1)}
	if got := text(f, e); !strings.Contains(got, `"source":{"`+n("s", 110)+"…") {
		t.Errorf("the source is in %s", got)
	}
}
