package spool

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// victim is a directory with a segment of forty frames, of one to three
// records each.
type victim struct {
	m      *memFS
	name   string
	prefix Prefix
	frames []frameAt
	last   uint64
}

type frameAt struct {
	from, data, to int64 // where it begins, where its payload ends, where the next one begins
	first, last    uint64
}

func makeVictim(t *testing.T, clean bool) *victim {
	t.Helper()
	opts := manual(newMemFS())
	opts.segmentBytes, opts.MaxBytes = 8<<10, 64<<10
	l := &life{m: opts.fs.(*memFS), prefixes: map[Prefix]bool{}}
	if err := l.open(opts); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		l.append(1 + i%3)
		l.step()
	}
	if clean {
		if err := l.close(); err != nil {
			t.Fatal(err)
		}
	}
	v := &victim{m: l.m.kill(), name: segmentName(1), prefix: l.s.prefix, last: l.s.Next() - 1}
	f, err := v.m.open(v.name, false)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := f.size()
	c := newScanner(f, 1, size)
	for c.next(true) == foundFrame {
		v.frames = append(v.frames, frameAt{c.from, c.from + frameHeaderBytes + int64(c.h.payload), c.to, c.h.first, c.h.last()})
	}
	if len(v.frames) != 40 {
		t.Fatalf("%d frames", len(v.frames))
	}
	return v
}

// stride is 1, and n where it has to be quick.
func stride(n int) int {
	if quick {
		return n
	}
	return 1
}

// with is the directory with another content of the segment.
func (v *victim) with(data []byte) *memFS {
	m := newMemFS()
	for name, n := range v.m.names {
		if name == v.name {
			n = &inode{data: data, stable: data, dirty: map[int]bool{}}
		}
		m.names[name] = n
	}
	return m
}

// check opens the directory after the bytes from to to were changed. The frames
// that these touch may be lost, and no others; what is lost is counted. Where
// ACK does not know of the last frames, because nobody closed the
// directory, their end cannot be told from one that was never written.
func (v *victim) check(t *testing.T, data []byte, from, to int64, clean bool) (lost int64) {
	t.Helper()
	opts := manual(v.with(data))
	opts.segmentBytes, opts.MaxBytes = 8<<10, 64<<10
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect(s, map[Prefix]bool{v.prefix: true}, v.last)
	if err != nil {
		t.Fatalf("%d to %d: %v", from, to, err)
	}
	if !slices.IsSorted(got) {
		t.Fatalf("%d to %d: out of order", from, to)
	}
	i, end := 0, uint64(0)
	for _, f := range v.frames {
		whole := i < len(got) && got[i] == f.first
		if !whole && (f.data <= from || f.from >= to) {
			t.Fatalf("%d to %d changed, and the frame from %d to %d is lost", from, to, f.from, f.to)
		}
		if whole {
			n := int(f.last - f.first + 1)
			if i+n > len(got) || got[i+n-1] != f.last {
				t.Fatalf("half of the frame at %d", f.from)
			}
			i += n
			end = f.last
		}
	}
	if i != len(got) {
		t.Fatalf("%d records too many: twice, or from nowhere", len(got)-i)
	}
	if clean {
		end = v.last
	}
	st := s.Stats()
	if want := int64(end) - int64(len(got)); st.Lost.Corrupt+st.Lost.Torn != want || clean && st.Lost.Torn != 0 || st.Spooled != 0 {
		t.Fatalf("%d to %d: lost %+v, want %d; %d read, spooled %d", from, to, st.Lost, want, len(got), st.Spooled)
	}
	return st.Lost.Total()
}

// Whatever happens to the bytes of a segment: no byte comes out that was not
// appended, frames that are whole are read, and what is lost is counted exactly.
func TestEveryOffset(t *testing.T) {
	for _, clean := range []bool{true, false} {
		v := makeVictim(t, clean)
		data := v.m.names[v.name].data
		size := int64(len(data))
		rng := rand.New(rand.NewPCG(4, 4))
		var lost int64
		step := int64(stride(29))
		for off := int64(0); off < v.frames[39].to; off += step {
			lost += v.check(t, slices.Clone(data[:off]), off, size, clean)

			zero := slices.Clone(data)
			clear(zero[off:])
			lost += v.check(t, zero, off, size, clean)

			hole := slices.Clone(data)
			clear(hole[off:min(off+64, size)])
			lost += v.check(t, hole, off, off+64, clean)

			garbage := slices.Clone(data)
			for i := off; i < min(off+64, size); i++ {
				garbage[i] = byte(rng.Uint32())
			}
			lost += v.check(t, garbage, off, off+64, clean)
		}
		t.Logf("closed %t: 40 frames of %d records, %d bytes, every %d. offset cut off, zeroed to the end, 64 bytes zeroed, 64 bytes garbage: "+
			"%d records lost and counted in sum, 0 wrong", clean, v.last, v.frames[39].to, step, lost)
	}
}

// Every single bit that flips costs its frame at most.
func TestEveryBit(t *testing.T) {
	for _, clean := range []bool{true, false} {
		v := makeVictim(t, clean)
		data := v.m.names[v.name].data
		flips, lost := 0, int64(0)
		for off := int64(0); off < v.frames[39].to; off += int64(stride(37)) {
			for bit := range 8 {
				flipped := slices.Clone(data)
				flipped[off] ^= 1 << bit
				lost += v.check(t, flipped, off, off+1, clean)
				flips++
			}
		}
		t.Logf("closed %t: %d flips: %d records lost and counted in sum, 0 wrong", clean, flips, lost)
	}
}

// Without ACK everything is read again, and goes when it is settled.
func TestWithoutAck(t *testing.T) {
	m := newMemFS()
	for range 3 {
		s := mustOpen(t, manual(m))
		l := &life{m: m, s: s}
		l.append(100)
		l.step()
		s.Settle(1, s.Next()-20)
		if err := closeManual(s); err != nil {
			t.Fatal(err)
		}
	}
	delete(m.names, ackName)
	s := mustOpen(t, manual(m))
	got := readAll(t, s)
	if len(got) < 20 || got[len(got)-1] != 300 || s.Next() != 301 {
		t.Fatalf("read %v, next %d", got, s.Next())
	}
	s.Settle(got[0], 300)
	if err := closeManual(s); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Segments != 0 {
		t.Fatalf("%+v", st)
	}
}

// A bad ACK costs acknowledgements, never a record; and no record is said to be lost.
func TestEveryBitOfAck(t *testing.T) {
	v := makeVictim(t, true)
	s := mustOpen(t, manual(v.m))
	s.Settle(1, 10)
	s.Settle(20, 25)
	if err := closeManual(s); err != nil {
		t.Fatal(err)
	}
	m := v.m.kill()
	data := m.names[ackName].data
	flips := 0
	for off := 0; off < len(data); off += stride(37) {
		for bit := range 8 {
			if off%slotBytes > 256 && bit > 0 { // zeros without a meaning
				continue
			}
			flipped := slices.Clone(data)
			flipped[off] ^= 1 << bit
			v2 := victim{m: m, name: ackName}
			s, err := Open(manual(v2.with(flipped)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := collect(s, map[Prefix]bool{v.prefix: true}, v.last)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(got); n < int(v.last)-16 || n > int(v.last) || s.Stats().Lost.Total() != 0 {
				t.Fatalf("byte %d bit %d: %d read, %+v", off, bit, n, s.Stats().Lost)
			}
			flips++
		}
	}
	t.Logf("%d flips: no record lost", flips)
}
