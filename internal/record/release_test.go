package record

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
)

// After Release, a Decoder keeps nothing of what it decoded, and not much memory.
func TestReleaseLetsGo(t *testing.T) {
	for _, n := range []int{1, 2 * keepAttrs} {
		attrs := []slog.Attr{slog.Any("err", withStack(errors.New("oops")))}
		for i := range n {
			attrs = append(attrs, slog.String(fmt.Sprint(i), "text"), slog.Group("g", slog.String("a", "b")))
		}
		d := NewDecoder(maker{})
		var r Record
		if err := d.Decode(captureBy(capturing{s: New(options())}, recordWith(attrs...)), &r); err != nil || len(r.Attrs) < n {
			t.Fatalf("%d attributes: %v", len(r.Attrs), err)
		}
		if len(d.stack) == 0 || len(d.groups) == 0 || len(d.frames) == 0 {
			t.Fatal("there is nothing to let go of")
		}
		d.Release()
		for _, held := range [][]slog.Attr{d.stack[:cap(d.stack)], d.groups[:cap(d.groups)]} {
			if len(held) > keepAttrs {
				t.Errorf("there is memory for %d attributes", len(held))
			}
			for _, a := range held {
				if !a.Equal(slog.Attr{}) {
					t.Fatalf("held: %v", a)
				}
			}
		}
		for _, frame := range d.frames[:cap(d.frames)] {
			if frame != (slog.Source{}) {
				t.Fatalf("held: %v", frame)
			}
		}
		if d.b != nil {
			t.Error("the captured bytes are held")
		}
	}
}
