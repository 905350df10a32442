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

// capturedBy is the record of c as a handler with the options o and the steps of c
// captures it, with the attributes read in place or by the methods of slog.Record.
func capturedBy(c dice.Case, read bool, o Options) []byte {
	was := inPlace
	defer func() { inPlace = was }()
	inPlace = read && was
	return captureBy(c.Handler(capturing{s: New(o)}), c.Record)
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
		struct { // of other names, which may mean something else
			Time    time.Time
			Message string
			Level   slog.Level
			PC      uintptr
			last    [5]slog.Attr
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
		c := dice.Seeded(seed, 50+int(seed)%500).Case()
		c.Record.Time = time.Now() // or Observed differs
		o := Options{
			AddSource: c.AddSource, ReplaceAttr: c.ReplaceAttr, ContextAttrs: c.ContextAttrs,
			MaxRecordBytes: []int{1 << 20, 1 + int(seed)%100}[seed%2],
		}
		got, want := capturedBy(c, true, o), capturedBy(c, false, o)
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
		var got []byte
		if room := s.Room(&r); room > 0 {
			got, _ = s.Plain(make([]byte, room+d.N(200)), &r)
		}
		if got == nil {
			others++
			continue
		}
		plain++
		inPlace = false // or it takes the same way
		want := captureBy(capturing{s: s}, r)
		inPlace = true
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

// What WithAttrs cut is noted in each record, a plain one, too.
func TestPlainKeepsTheCutMark(t *testing.T) {
	s := New(Options{MaxRecordBytes: 40}).WithAttrs([]slog.Attr{slog.String("s", strings.Repeat("x", 50))})
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	if got := captured(t, s, r); !got.Cut {
		t.Errorf("not marked as cut: %+v", got)
	}
	if s.Room(&r) != 0 {
		t.Error("it is taken for plain")
	}
}

// A key is as long as it is, or as long as MaxRecordBytes, in the short cut for scalars.
func TestLongKeysOfScalars(t *testing.T) {
	now := time.Now()
	for _, n := range []int{126, 127, 128, 129, 300} {
		for _, longest := range []int{20, 100, 200, 1 << 10} {
			s := New(Options{MaxRecordBytes: longest})
			r := slog.NewRecord(now, slog.LevelInfo, "m", 0)
			key := strings.Repeat("k", n)
			r.AddAttrs(slog.Int(key, 1))
			got := captured(t, s, r)
			if want := key[:min(n, longest)]; len(got.Attrs) != 1 || got.Attrs[0].Key != want || got.Cut != (n > longest) {
				t.Errorf("a key of %d bytes, at most %d: cut %v, %v", n, longest, got.Cut, got.Attrs)
			}
		}
	}
}

// Scalars count against the limit of a record, too, in the short cut: what is scratch
// space only is bounded as well.
func TestShortCutsAreBounded(t *testing.T) {
	attrs := make([]slog.Attr, 200_000)
	for i := range attrs {
		attrs[i] = slog.Int("n", i)
	}
	s := New(Options{MaxRecordBytes: 100})
	var w writer
	w.begin(s.c, make([]byte, 0, 4<<20))
	w.appendAll(attrs)
	if most := s.c.limit/attrCost + s.c.longest; !w.full || w.entries > most {
		t.Errorf("%d entries, want at most %d", w.entries, most)
	}
}

// Once a record is full nothing follows, be it as short as it may.
func TestNothingFollowsWhatIsLeftOut(t *testing.T) {
	var none []slog.Attr
	for range 200_000 { // they take no room, but are looked at
		none = append(none, slog.Any("", nil))
	}
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	r.AddAttrs(slog.GroupAttrs("g", none...), slog.Int("a", 1), slog.Int("b", 2), slog.Int("c", 3), slog.Int("d", 4), slog.Int("back", 5))
	if got := captured(t, New(Options{MaxRecordBytes: 100}), r); !got.Cut || len(got.Attrs) > 0 {
		t.Errorf("cut %v, %v", got.Cut, got.Attrs)
	}
}

// The zone of a record is that of its time, whatever the record before it had.
func TestZonesAreToldApart(t *testing.T) {
	s := New(options())
	now := time.Now()
	for _, at := range []time.Time{
		now.In(time.FixedZone("", 3600)), now.In(time.FixedZone("", 7200)), now.UTC(), now.Add(time.Second), now,
		now.In(time.FixedZone("", 3600)).Add(2 * time.Second), now.In(time.FixedZone("", -3600)).Add(2 * time.Second),
	} {
		r := slog.NewRecord(at, slog.LevelInfo, "m", 0)
		_, want := at.Zone()
		if _, got := captured(t, s, r).Time.Zone(); got != want {
			t.Errorf("%v has the zone %d, want %d", at, got, want)
		}
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
