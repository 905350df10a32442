package formats_test

import (
	"log/slog"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// Whatever an attribute is called, its name is one that Loki takes.
func FuzzLokiName(f *testing.F) {
	for _, seed := range []string{"", "_", "a.b", "9", "日本", "\xff", "__x__", "a_.b", "detected.level"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, group, key string) {
		e := lokiOne(t, formats.LokiOptions{}, slogship.Options{}, record(slog.LevelInfo, "m", slog.Group(group, slog.Int(key, 1))))
		if len(e.metadata) != 2 && e.metadata["_cut"] == "" {
			t.Errorf("%q in %q: %v", key, group, e.metadata)
		}
	})
}
