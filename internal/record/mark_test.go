package record

import (
	"log/slog"
	"testing"
	"time"
)

// A mark is an attribute in front of the others, with whatever else the record has; it
// changes nothing else.
func TestMarkRecorded(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	full := slog.NewRecord(at, slog.Level(1<<20), "m", 0)
	full.AddAttrs(slog.Int("a", 1), slog.Group("g", slog.Int("b", 2), slog.Group("h", slog.Int("c", 3))))
	plain := slog.NewRecord(time.Now(), slog.LevelDebug, "m", 0)
	for name, r := range map[string]slog.Record{"plain": plain, "full": full} {
		for _, replace := range []func([]string, slog.Attr) slog.Attr{nil, func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.LevelKey {
				a.Value = slog.IntValue(30)
			}
			return a
		}} {
			c := New(Options{MaxRecordBytes: 1 << 10, ReplaceAttr: replace}).Capture(t.Context(), &r)
			d := NewDecoder(maker{})
			var before, after Record
			if err := d.Decode(c.Bytes, &before); err != nil || IsRecorded(c.Bytes) {
				t.Fatal(name, err)
			}
			attrs := append([]slog.Attr{slog.Bool(RecordedName, true)}, before.Attrs...)
			observed := before.Observed
			c.MarkRecorded()
			if err := NewDecoder(maker{}).Decode(c.Bytes, &after); err != nil || !IsRecorded(c.Bytes) {
				t.Fatal(name, err)
			}
			if got, want := slog.GroupValue(after.Attrs...), slog.GroupValue(attrs...); !got.Equal(want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
			if after.Message != before.Message || after.Level != before.Level || !after.Time.Equal(before.Time) {
				t.Errorf("%s: %+v, before the mark %+v", name, after, before)
			}
			if got := ObservedTime(c.Bytes, maker{}); !got.Equal(observed) || got.IsZero() {
				t.Errorf("%s: observed at %v, want %v", name, got, observed)
			}
			c.Free()
		}
	}
}
