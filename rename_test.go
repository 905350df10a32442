package slogship

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// A root attribute with a name that the format needs gets underscores, as many
// as keep it apart from all others; in a group there is no need.
func TestReservedNames(t *testing.T) {
	for _, tt := range []struct {
		with, attrs []slog.Attr
		want        string // without the level
	}{
		{nil, []slog.Attr{slog.Int("level", 1)}, `"level_":1`},
		{nil, []slog.Attr{slog.Int("context", 1), slog.Int("level", 2)}, `"context_":1,"level_":2`},
		{nil, []slog.Attr{slog.Int("level", 1), slog.Int("level_", 2)}, `"level__":1,"level_":2`},
		{nil, []slog.Attr{slog.Int("level_", 2), slog.Int("level__", 3), slog.Int("level", 1)}, `"level_":2,"level__":3,"level___":1`},
		{nil, []slog.Attr{slog.Int("level", 1), slog.Int("level__", 3)}, `"level_":1,"level__":3`},
		{nil, []slog.Attr{slog.Int("level", 1), slog.Int("level", 2)}, `"level_":1,"level_":2`},
		{nil, []slog.Attr{slog.Int("level", 1), slog.Int("context", 0), slog.Int("level", 2), slog.Int("level_", 3), slog.Int("context_", 4), slog.Int("level", 5)}, `"level__":1,"context__":0,"level__":2,"level_":3,"context_":4,"level__":5`},
		{nil, []slog.Attr{slog.Group("level", slog.Int("level", 1))}, `"level_":{"level":1}`},
		{nil, []slog.Attr{slog.Group("", slog.Int("level", 1))}, `"level_":1`},
		{nil, []slog.Attr{slog.Group("g", slog.Int("level", 1), slog.Int("level_", 2))}, `"g":{"level":1,"level_":2}`},
		{nil, []slog.Attr{slog.Group("level", slog.Attr{}), slog.Int("level_", 1)}, `"level_":1`},
		{[]slog.Attr{slog.Int("level", 1)}, []slog.Attr{slog.Int("level_", 2)}, `"level__":1,"level_":2`},
		{[]slog.Attr{slog.Int("level_", 1)}, []slog.Attr{slog.Int("level", 2)}, `"level_":1,"level__":2`},
		{[]slog.Attr{slog.Int("a", 1), slog.Int("level", 1), slog.Int("context", 1)}, []slog.Attr{slog.Int("level", 2), slog.Int("level_", 3)}, `"a":1,"level__":1,"context_":1,"level__":2,"level_":3`},
		{nil, []slog.Attr{slog.String("s", `"level_":1`), slog.Int("level", 1)}, `"s":"\"level_\":1","level_":1`},
		{nil, []slog.Attr{slog.Int("level_x", 1), slog.Int("levels", 1), slog.Int("level", 1)}, `"level_x":1,"levels":1,"level_":1`},
	} {
		h := shipTo(t, hanging, Options{}).WithAttrs(tt.with)
		if _, got, _ := strings.Cut(string(eventOf(t, h, recordWith(tt.attrs...))), `"level":"info",`); got != tt.want+"}}" {
			t.Errorf("%v %v:\n got %s\nwant %s", tt.with, tt.attrs, got, tt.want)
		}
	}
	h := shipTo(t, hanging, Options{}).WithGroup("level").WithGroup("level")
	if got, want := metadataWith(t, h, slog.Int("level", 1)), `{"level":"info","level_":{"level":{"level":1}}}`; got != want {
		t.Errorf("WithGroup: %s, want %s", got, want)
	}
}

// Where a format needs a name with an underscore, too, that is not given away.
func TestReservedNamesWithUnderscores(t *testing.T) {
	format := fakeFormat{layout: func(l *Layout) { l.Reserved = []string{"level", "level_", "context"} }}
	h := shipTo(t, hanging, Options{Format: format})
	if got, want := metadataWith(t, h, slog.Int("level", 1), slog.Int("level_", 2)), `{"level":"info","level__":2,"level___":1}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Time is linear in the number of attributes of such names.
func TestReservedNamesTakeLinearTime(t *testing.T) {
	h := shipTo(t, hanging, Options{MaxRecordBytes: 8 << 20})
	wantLinear(t, 2500, func(n int) {
		var attrs []slog.Attr
		for i := range n {
			attrs = append(attrs, slog.Int("level", i), slog.Int(fmt.Sprint("k", i), i))
		}
		for n := range 200 {
			attrs = append(attrs, slog.Int("level"+strings.Repeat("_", n), n))
		}
		if m := eventWith(t, h, attrs...)["metadata"].(map[string]any); len(m) != 1+n+199+1 {
			t.Errorf("%d different keys", len(m))
		}
	})
}

// A reserved name that JSON escapes is told apart as any other.
func TestReservedNameWithEscapes(t *testing.T) {
	h := shipTo(t, hanging, Options{Format: fakeFormat{layout: func(l *Layout) { l.Reserved, l.UniqueKeys = []string{`q"q`, "n\nl"}, true }}})
	with := h.WithAttrs([]slog.Attr{slog.Int(`q"q`, 1)})
	event := string(eventOf(t, with, recordWith(slog.Int(`q"q_`, 2), slog.Int("n\nl_", 3), slog.Int("n\nl", 4))))
	if want := `"q\"q__":1,"q\"q_":2,"n\nl_":3,"n\nl__":4`; !strings.Contains(event, want) {
		t.Errorf("%s, want %s", event, want)
	}
}
