package record

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
)

// capturedBy is r as a handler with the options o and the steps of c captures it, with
// the attributes read in place or by the methods of slog.Record.
func (c randomCase) capturedBy(read bool, o Options) []byte {
	was := inPlace
	defer func() { inPlace = was }()
	inPlace = read && was
	h := slog.Handler(capturing{s: New(o)})
	for _, step := range c.chain {
		h = step(h)
	}
	return captureBy(h, c.record)
}

// This version of log/slog declares slog.Record as it always did. If it does not, what
// is captured is still the same, but each call takes some 50 ns more.
func TestRecordIsReadInPlace(t *testing.T) {
	if !inPlace {
		t.Errorf("log/slog has another Record now: %v", reflect.TypeFor[slog.Record]())
	}
}

// A struct of other fields is not taken for a Record.
func TestOtherRecordsAreNotReadInPlace(t *testing.T) {
	own := reflect.TypeFor[slogRecord]()
	for _, other := range []any{
		struct{ a, b int }{},
		struct { // nFront is missing
			Time      time.Time
			Message   string
			Level     slog.Level
			PC        uintptr
			front     [5]slog.Attr
			back      []slog.Attr
			something int
		}{},
		struct { // larger
			Time    time.Time
			Message string
			Level   slog.Level
			PC      uintptr
			front   [6]slog.Attr
			nFront  int
			back    []slog.Attr
		}{},
	} {
		if sameFields(reflect.TypeOf(other), own) {
			t.Errorf("%T is taken for a Record", other)
		}
	}
}

// What is read in place, and scalars that take the short cut, are captured as what
// comes by the methods of slog.Record: byte for byte.
func TestShortCutsCaptureTheSame(t *testing.T) {
	for seed := range uint64(1000) {
		c := newRandomCase(dice.Seeded(seed, 50+int(seed)%500))
		c.record.Time = time.Now() // or Observed differs
		c.o.MaxRecordBytes = []int{1 << 20, 1 + int(seed)%100}[seed%2]
		got, want := c.capturedBy(true, c.o), c.capturedBy(false, c.o)
		if bytes.Contains(want, []byte("called from")) {
			continue // the stack of a LogValuer that panics has our functions in it
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d:\n got %q\nwant %q", seed, got, want)
		}
	}
}

// Where Plain captures a record it does as Capture does, byte for byte, however little
// room is left; it does nothing where ReplaceAttr or the context has a say.
func TestPlainIsCapture(t *testing.T) {
	now := time.Now()
	plain, others := 0, 0
	for seed := range uint64(3000) {
		d := dice.Seeded(seed, 300)
		o := Options{MaxRecordBytes: []int{1 << 20, 1 << 20, 1 + d.N(300)}[d.N(3)]}
		switch d.N(10) {
		case 0:
			o.AddSource = true
		case 1:
			o.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr { return a }
		case 2:
			o.ContextAttrs = func(context.Context) []slog.Attr { return []slog.Attr{slog.Int("c", 1)} }
		}
		s := New(o)
		if d.N(2) == 0 {
			s = s.WithAttrs(d.Attrs(3, 1))
		}
		if d.N(8) == 0 {
			s = s.WithGroup("g")
		}
		at := []time.Time{now, now, now, now, now.In(time.FixedZone("", 3600)), now.Round(0), {}}[d.N(7)]
		r := slog.NewRecord(at, slog.Level(d.N(20)/19*40000), strings.Repeat("m", d.N(60)), callerPC())
		for range d.N(7) {
			r.AddAttrs([]slog.Attr{
				slog.String("s", strings.Repeat("v", d.N(200)/(1+d.N(20)))), slog.Int(strings.Repeat("k", d.N(200)/(1+d.N(20))), -d.N(1<<20)),
				slog.Float64("f", float64(d.N(99))/8), slog.Bool("b", d.N(2) == 0), slog.Uint64("u", d.Uint64()),
				slog.Duration("d", time.Duration(d.Uint64())), slog.Time("t", now),
			}[d.N(50)*8/57])
		}
		var room [PlainBytes]byte
		got, ok := s.Plain(room[:], &r)
		if !ok {
			others++
			continue
		}
		plain++
		want := captureBy(capturing{s: s}, r)
		if at.IsZero() { // it was observed at two moments
			got, want = got[headBytes:], want[headBytes:]
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d:\n got %q\nwant %q", seed, got, want)
		}
		if o.ReplaceAttr != nil || o.ContextAttrs != nil {
			t.Fatalf("seed %d: plain, although more is asked for", seed)
		}
	}
	if plain < 300 || others < 300 {
		t.Errorf("%d records were plain, %d not: this shows too little", plain, others)
	}
}

// NumAttrs counts as the method does.
func TestNumAttrs(t *testing.T) {
	var r slog.Record
	for n := range 12 {
		if NumAttrs(&r) != n || r.NumAttrs() != n {
			t.Errorf("%d instead of %d", NumAttrs(&r), n)
		}
		r.AddAttrs(slog.Int("n", n))
	}
}
