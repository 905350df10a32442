package spool

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
)

// While the disk fails, what could not be written is read from memory, in order, after
// what is on disk; what is released comes again; and what is still needed when the disk
// works is written.
func TestReadWhileDiskFails(t *testing.T) {
	m := newMemFS()
	var bad atomic.Bool
	m.before = func(op, _ string) (int, error) {
		if bad.Load() && op == "write" {
			return 0, syscall.EIO
		}
		return 0, nil
	}
	l := &life{m: m, prefixes: map[Prefix]bool{}}
	if err := l.open(manual(m)); err != nil {
		t.Fatal(err)
	}
	appendNext := func(n int) {
		first := l.s.Next()
		mustAppend(t, l.s, first, n)
		l.s.Release(first, first+uint64(n)-1)
	}
	appendNext(50)
	l.step()
	bad.Store(true)
	for range 5 { // some frames, the last of them open
		appendNext(10)
		l.step()
	}
	if st := l.s.Stats(); st.Written != 50 || st.Spooled != 100 || st.Err == nil {
		t.Fatalf("%+v", st)
	}
	if got := readAll(t, l.s); !slices.Equal(got, rangeOf(1, 100)) {
		t.Fatalf("read %d", got)
	}
	if st := l.s.Stats(); st.Spooled != 0 {
		t.Fatalf("%+v", st)
	}
	l.s.Release(45, 55)
	l.s.Release(91, 93)
	if got, want := readAll(t, l.s), append(rangeOf(45, 55), 91, 92, 93); !slices.Equal(got, want) {
		t.Fatalf("read %d, want %d", got, want)
	}
	l.s.Release(61, 100) // these were not delivered
	l.settle(1, 60)
	bad.Store(false)
	l.step()
	if st := l.s.Stats(); st.Err != nil || st.Spooled != 40 {
		t.Fatalf("%+v", st)
	}
	if err := l.open(manual(m.kill())); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, l.s)
	if i := slices.Index(got, 61); i < 0 || !slices.Equal(got[i:], rangeOf(61, 100)) {
		t.Fatalf("read %d after a kill", got)
	}
}

// Records are read once and in order while they are appended, written, released again and
// settled, whatever is in memory at the moment, and whether the disk works or not.
func TestReadBufferedAtRandom(t *testing.T) {
	records := 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 9))
		m := newMemFS()
		var bad atomic.Bool
		m.before = func(string, string) (int, error) {
			if bad.Load() && rng.IntN(2) == 0 {
				return 0, syscall.EIO
			}
			return 0, nil
		}
		opts := manual(m)
		opts.MaxBytes, opts.bufferBytes = 1<<20, 8<<10
		l := &life{m: m, prefixes: map[Prefix]bool{}}
		if err := l.open(opts); err != nil {
			t.Fatal(err)
		}
		want := []uint64(nil) // released, not read
		var held []uint64     // read, in order
		var p Page
		for range 400 {
			switch n := rng.IntN(20); {
			case n < 8:
				first, k := l.s.Next(), 1+rng.IntN(20)
				k, err := l.s.Append(span(first, k))
				if err != nil && !errors.Is(err, ErrFull) {
					t.Fatal(err)
				}
				if k > 0 {
					l.s.Release(first, first+uint64(k)-1)
					want = append(want, rangeOf(first, first+uint64(k)-1)...)
				}
			case n < 14:
				err := l.s.Read(&p)
				if errors.Is(err, io.EOF) && bad.Load() {
					continue // what is older has to be written again first
				}
				if errors.Is(err, io.EOF) != (len(want) == 0) {
					t.Fatalf("seed %d: %v, and %d are left", seed, err, len(want))
				}
				if err != nil {
					continue
				}
				for _, seq := range checkPage(t, &p) {
					if seq != want[0] {
						t.Fatalf("seed %d: read %d, want %d", seed, seq, want[0])
					}
					want, held = want[1:], append(held, seq)
					records++
				}
			case n == 14 && len(held) > 0: // not delivered: all of it comes again
				from := held[rng.IntN(len(held))]
				i, _ := slices.BinarySearch(held, from)
				for _, seq := range held[i:] {
					l.s.Release(seq, seq)
				}
				want, held = append(slices.Clone(held[i:]), want...), held[:i]
			case n == 15 && len(held) > 0:
				l.s.Settle(1, held[len(held)-1])
				held = nil
			case n == 16:
				bad.Store(!bad.Load())
			default:
				l.step()
			}
		}
	}
	t.Logf("%d records read in order", records)
}
