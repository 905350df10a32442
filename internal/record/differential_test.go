package record

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/slogship/slogship/internal/dice"
)

// checkCase wants the record, the calls of ReplaceAttr and, where it is right,
// slog.JSONHandler to be what was foretold.
func checkCase(tb testing.TB, c dice.Case) {
	tb.Helper()
	want := c.Foretell()
	var ours, theirs []string
	s := New(Options{
		AddSource: c.AddSource, ReplaceAttr: dice.Recording(c.ReplaceAttr, &ours), ContextAttrs: c.ContextAttrs, MaxRecordBytes: 1 << 20,
	})
	got := decode(tb, captureBy(c.Handler(capturing{s: s}), c.Record))
	if got := dice.DecodeObject(objectOf(got.Attrs)); !dice.Same(want.Attrs, got) {
		tb.Errorf("attributes:\n got %v\nwant %v\nfrom %s", got, want.Attrs, c)
	}
	if got := dice.DecodeObject(builtinsOf(got)); !dice.Same(want.Builtins, got) {
		tb.Errorf("built-ins:\n got %v\nwant %v\nfrom %s", got, want.Builtins, c)
	}
	if !slices.Equal(ours, want.Calls) {
		tb.Errorf("calls of ReplaceAttr:\n got %s\nwant %s\nfrom %s", strings.Join(ours, "\n     "), strings.Join(want.Calls, "\n     "), c)
	}

	if want.JSON == nil {
		return
	}
	var line bytes.Buffer
	std := slog.NewJSONHandler(&line, &slog.HandlerOptions{AddSource: c.AddSource, ReplaceAttr: dice.Recording(c.ReplaceAttr, &theirs)})
	c.Handler(std).Handle(context.Background(), c.Record)
	if object := dice.DecodeObject(line.Bytes()); object == nil {
		tb.Errorf("slog.JSONHandler wrote what is no JSON, and the oracle did not know: %s\nfrom %s", line.Bytes(), c)
	} else if !dice.Same(want.JSON, object) {
		tb.Errorf("slog.JSONHandler contradicts the oracle:\n got %s\nwant %v\nfrom %s", line.Bytes(), want.JSON, c)
	}
	if !slices.Equal(theirs, want.Calls) {
		tb.Errorf("slog.JSONHandler calls ReplaceAttr:\n got %s\nwant %s\nfrom %s", strings.Join(theirs, "\n     "), strings.Join(want.Calls, "\n     "), c)
	}
}

// Random records decode to what slog.JSONHandler writes, wherever that keeps
// the rules of slog.Handler; ReplaceAttr is called as often, in the same order.
func TestRandomRecordsMeanWhatTheyMeanToSlog(t *testing.T) {
	t.Parallel()
	seeds := uint64(2000)
	if raceDetector {
		seeds = 300
	}
	for seed := range seeds {
		checkCase(t, dice.Seeded(seed, 50+int(seed)%500).Case())
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// As TestRandomRecordsMeanWhatTheyMeanToSlog, and further.
func FuzzRecord(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(dice.Seeded(seed, 100+10*int(seed)).Left)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkCase(t, (&dice.Dice{Left: data}).Case())
	})
}
