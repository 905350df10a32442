package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
)

// seeds are captured records of all kinds.
func seeds() (all [][]byte) {
	o := options()
	o.AddSource = true
	all = append(all, nil, make([]byte, headBytes), make([]byte, headBytes+1))
	for seed := range uint64(100) {
		d := dice.Seeded(seed, 100+int(seed))
		o.ReplaceAttr = d.ReplaceAttr()
		r := slog.NewRecord(d.Time(), slog.Level(int64(d.Uint64())), d.Text(), callerPC())
		r.AddAttrs(d.Attrs(6, 3)...)
		if seed%5 == 0 {
			r.AddAttrs(slog.Any("err", withStack(errors.New("x"))))
		}
		all = append(all, captureBy(capturing{s: New(o).WithAttrs(d.Attrs(3, 2)).WithGroup("g")}, r))
	}
	return all
}

// Any bytes decode to a record, all of which can be read, or to an error; never to
// a panic, and in memory that has to do with their number.
func checkDecode(t *testing.T, b []byte) {
	t.Helper()
	d := NewDecoder(maker{})
	var r Record
	err := d.Decode(b, &r)
	if cap(d.stack) > len(b) || cap(d.groups) > 2*len(b) || cap(d.frames) > 2*len(b) {
		t.Fatalf("%d bytes take room for %d, %d and %d", len(b), cap(d.stack), cap(d.groups), cap(d.frames))
	}
	if err != nil {
		if r.Message != "" || r.Attrs != nil {
			t.Fatalf("an error, and %+v", r)
		}
		return
	}
	if n := nesting(r.Attrs) + nesting(r.Source); n > 2*MaxDepth {
		t.Fatalf("groups nest %d deep", n)
	}
	walk(r.Attrs)
	walk(r.Source)
	for _, v := range []slog.Value{r.TimeValue, r.LevelValue, r.SourceValue, r.MessageValue} {
		walk([]slog.Attr{{Value: v}})
	}
}

func nesting(attrs []slog.Attr) (deepest int) {
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindGroup {
			deepest = max(deepest, 1+nesting(a.Value.Group()))
		}
	}
	return deepest
}

// walk looks at everything in attrs.
func walk(attrs []slog.Attr) (n int) {
	for _, a := range attrs {
		n += len(strings.ToUpper(a.Key))
		switch a.Value.Kind() {
		case slog.KindGroup:
			n += walk(a.Value.Group())
		case slog.KindTime:
			n += len(a.Value.Time().Format(time.RFC3339Nano))
		case slog.KindAny:
			switch v := a.Value.Any().(type) {
			case *jsonText:
				n += len(strings.ToUpper(v.text))
			case *errorLike:
				for _, s := range v.stack {
					n += len(strings.ToUpper(s.File + s.Function))
				}
			}
		default:
			n += len(a.Value.String())
		}
	}
	return n
}

func FuzzDecode(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Fuzz(checkDecode)
}

// Each byte of a record may be another one, or missing.
func TestDecodeOfChangedBytes(t *testing.T) {
	for n, b := range seeds()[:20] {
		for i := range b {
			checkDecode(t, b[:i])
			if i >= headBytes && i < len(b) {
				var r Record
				if NewDecoder(maker{}).Decode(b[:i], &r) == nil {
					t.Errorf("seed %d: %d of %d bytes are a record", n, i, len(b))
				}
			}
			changed := append([]byte(nil), b...)
			for _, c := range []byte{0, 1, 0x7f, 0x80, 0xff, b[i] + 1, b[i] - 1, b[i] ^ 0x10} {
				changed[i] = c
				checkDecode(t, changed)
			}
		}
		if len(b) > headBytes+1 {
			var r Record
			if err := NewDecoder(maker{}).Decode(append(b, 0), &r); err == nil {
				t.Errorf("seed %d: a byte more is a record, too", n)
			}
		}
	}
}

// Groups that nest deeper than a State allows are no record.
func TestDecodeDepth(t *testing.T) {
	nested := func(n int) []byte {
		b := make([]byte, headBytes+1) // with an empty message
		binary.LittleEndian.PutUint32(b[4:], uint32(n+1))
		o := output{buf: b}
		o.scalar("n", slog.IntValue(1))
		for range n {
			o.close("g", 0)
		}
		return o.buf
	}
	source := func(n int) []byte { // the same as the source
		b := nested(n)
		at := headBytes + 1
		b = slices.Concat(b[:headBytes], binary.LittleEndian.AppendUint32(nil, uint32(n+1)), b[at:], []byte{0})
		binary.LittleEndian.PutUint64(b, hasSource)
		return b
	}
	var r Record
	for n, want := range map[int]error{1: nil, MaxDepth: nil, MaxDepth + 1: errCorrupt, 100 * MaxDepth: errCorrupt} {
		if err := NewDecoder(maker{}).Decode(nested(n), &r); !errors.Is(err, want) {
			t.Errorf("%d groups: %v, want %v", n, err, want)
		}
		if err := NewDecoder(maker{}).Decode(source(n), &r); !errors.Is(err, want) {
			t.Errorf("%d groups in the source: %v, want %v", n, err, want)
		}
	}
}

// What Capture does not write is no record, even where it could be read.
func TestDecodeIsStrict(t *testing.T) {
	r := recordWith(slog.Bool("true", true), slog.Group("g", slog.Int("b", 2)))
	whole := captureBy(capturing{s: New(options())}, r)
	closer := len(whole) - 1
	if whole[closer] != 1 {
		t.Fatalf("the last byte of %q is not the number of members", whole)
	}
	for name, change := range map[string]func(b []byte){
		"an empty group":              func(b []byte) { b[closer] = 0 },
		"a group with more than all":  func(b []byte) { b[closer] = 3 },
		"a flag that means nothing":   func(b []byte) { b[1] |= 0x80 },
		"an entry less":               func(b []byte) { b[4]-- },
		"an entry more":               func(b []byte) { b[4]++ },
		"a kind that is none":         func(b []byte) { b[closer-3] = 0xf },
		"a source that is not there":  func(b []byte) { b[0] |= hasSource },
		"a level that is not there":   func(b []byte) { b[0] |= levelReplaced },
		"a message in two ways":       func(b []byte) { b[0] |= messageReplaced },
		"a bool of two":               func(b []byte) { b[bytes.Index(b, []byte("\x04true"))-1] += 1 << 4 },
		"billions of entries":         func(b []byte) { b[7] = 0xff },
		"a number longer than a word": func(b []byte) { b[closer-3] = kindInt | 0xf0 },
	} {
		b := append([]byte(nil), whole...)
		change(b)
		var got Record
		if err := NewDecoder(maker{}).Decode(b, &got); !errors.Is(err, errCorrupt) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

// Many groups side by side are not deep.
func TestDecodeManyGroups(t *testing.T) {
	var attrs []slog.Attr
	for i := range 3 * MaxDepth {
		attrs = append(attrs, slog.Group("g", slog.Int("n", i), slog.Group("h", slog.Int("m", i))))
	}
	equalAttrs(t, attrs, captured(t, New(options()), recordWith(attrs...)).Attrs)
}

// A Decoder's memory is used again for the next record, and let go of by Release.
func TestDecoderReuse(t *testing.T) {
	var all [][]byte
	for _, b := range seeds() {
		if len(b) > headBytes+1 {
			all = append(all, b)
		}
	}
	d := NewDecoder(maker{})
	for round := range 2 {
		for i, b := range all {
			var r Record
			if err := d.Decode(b, &r); err != nil {
				t.Fatal(err)
			}
			want := decode(t, b)
			if got, want := string(objectOf(r.Attrs))+string(builtinsOf(r)), string(objectOf(want.Attrs))+string(builtinsOf(want)); got != want {
				t.Fatalf("round %d, record %d: %s, want %s", round, i, got, want)
			}
		}
		d.Release()
		for _, a := range append(d.stack[:cap(d.stack)], d.groups[:cap(d.groups)]...) {
			if a.Key != "" || !a.Equal(slog.Attr{}) {
				t.Fatalf("round %d: %v is still there", round, a)
			}
		}
	}
	for _, f := range d.frames[:cap(d.frames)] {
		if f != (slog.Source{}) {
			t.Fatalf("%v is still there", f)
		}
	}
	d.stack = make([]slog.Attr, 0, keepAttrs+1)
	if d.Release(); cap(d.stack) != 0 {
		t.Error("what is too large stays")
	}
}

// Who appends to a part of a Record writes to no other part.
func TestPartsDoNotOverlap(t *testing.T) {
	o := options()
	o.AddSource = true
	r := recordWith(slog.Group("g", slog.Int("a", 1)), slog.Group("h", slog.Int("b", 2)), slog.Any("e", withStack(errors.New("x"))), slog.Any("f", withStack(errors.New("y"))))
	r.PC = callerPC()
	b := captureBy(capturing{s: New(o)}, r)
	d := NewDecoder(maker{})
	var got Record
	for range 2 { // the second time there is room for all
		if err := d.Decode(b, &got); err != nil {
			t.Fatal(err)
		}
	}
	before := string(objectOf(got.Attrs))
	_ = append(got.Source, slog.String("x", "y"))
	_ = append(got.Attrs[0].Value.Group(), slog.String("x", "y"))
	first, second := got.Attrs[2].Value.Any().(*errorLike), got.Attrs[3].Value.Any().(*errorLike)
	frame := second.stack[0]
	_ = append(first.stack, slog.Source{})
	if after := string(objectOf(got.Attrs)); after != before || second.stack[0] != frame {
		t.Errorf("%s became %s; %+v", before, after, second.stack[0])
	}
}

// A change of the layout needs another Version, and another text here.
func TestLayoutIsThatOfItsVersion(t *testing.T) {
	r := slog.NewRecord(recordTime.In(time.FixedZone("", 3600)), slog.LevelWarn, "m", 0)
	r.AddAttrs(slog.Int("a", -200), slog.Float64("f", 0.5), slog.Bool("b", true), slog.Group("g", slog.String("s", "x"), slog.Any("n", nil)),
		slog.Any("e", errors.New("no")), slog.Any("d", []byte{7}), slog.Uint64("u", 256), slog.Duration("t", 1), slog.Time("z", recordTime))
	c := New(options()).Capture(t.Context(), &r)
	observed := binary.LittleEndian.Uint64(c.Bytes[headBytes+2:])
	if got := time.Unix(int64(observed), 0); time.Since(got) > time.Hour {
		t.Errorf("it was observed %v", got)
	}
	copy(c.Bytes[headBytes+2:], "observed....")
	want := "\x01\x01\x04\x00\x0b\x00\x00\x00" + "\xa5\x35\x57\x69\x00\x00\x00\x00" + "\xf2\x35\x77\x28" + "\x10\x0e\x00\x00" +
		"\x01m" + "observed...." +
		"\x22\x01a\x8f\x01" + "\x24\x01f\x3f\xe0" + "\x15\x01b" +
		"\x01\x01s\x01x" + "\x09\x01n\x04null" + "\x08\x01g\x02" +
		"\x0b\x01e\x02no\x13*errors.errorString\x00" + "\x0a\x01d\x01\x07" + "\x23\x01u\x00\x01" + "\x16\x01t\x02" +
		"\x07\x01z" + "\xa5\x35\x57\x69\x00\x00\x00\x00" + "\xf2\x35\x77\x28\x00\x00\x00\x00"
	if got := string(c.Bytes); got != want {
		t.Errorf("version %d:\n got %q\nwant %q", Version, got, want)
	}
}
