package spool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
)

// faultRun is a fixed use of a directory, under a fault at one of its operations:
// everything goes in, in portions, some is settled, and the disk becomes well again.
func faultRun(rounds int, fault func(i int, op, name string) (int, error)) (operations int, err error) {
	m := newMemFS()
	opts := manual(m)
	opts.SyncBytes = 1 << 10 // a background sync now and then, between two waits
	l := &life{m: m, prefixes: map[Prefix]bool{}}
	i := 0
	m.before = func(op, name string) (int, error) {
		i++
		return fault(i, op, name)
	}
	if err := l.open(opts); err != nil {
		return i, err
	}
	rng := rand.New(rand.NewPCG(7, 7))
	promise := func() error {
		// What is said to be durable survives the loss of all that was not synced.
		st := l.state("")
		if err := st.check(m.kill(), st.written, false); err != nil {
			return fmt.Errorf("killed: %w", err)
		}
		if err := st.check(m.crash(func() bool { return rng.IntN(2) == 0 }), st.durable, true); err != nil {
			return fmt.Errorf("half of it: %w", err)
		}
		return st.check(m.crash(func() bool { return false }), st.durable, true)
	}
	for round := range rounds {
		l.append(15)
		l.step()
		if err := promise(); err != nil {
			return i, fmt.Errorf("round %d: %w", round, err)
		}
		if round%3 == 2 {
			l.sync()
			if err := promise(); err != nil {
				return i, fmt.Errorf("round %d, synced: %w", round, err)
			}
		}
		if round%4 == 3 {
			l.settle(1, uint64(round)*8)
			l.step()
		}
	}
	// Two rounds more: it comes back by itself.
	l.sync()
	l.sync()
	st := l.s.Stats()
	if st.Err != nil || l.s.Durable() != l.s.Next()-1 {
		return i, fmt.Errorf("it did not come back: durable up to %d of %d, %v", l.s.Durable(), l.s.Next()-1, st.Err)
	}
	if err := promise(); err != nil {
		return i, fmt.Errorf("at the end: %w", err)
	}
	l.step()
	files := 0
	for name := range m.names {
		if strings.HasPrefix(name, segmentPrefix) {
			files++
		}
	}
	if st := l.s.Stats(); files != st.Segments {
		return i, fmt.Errorf("%d files for %d segments: one was not unlinked", files, st.Segments)
	}
	if err := l.close(); err != nil {
		return i, fmt.Errorf("close: %w", err)
	}
	if err := promise(); err != nil {
		return i, fmt.Errorf("after Close: %w", err)
	}
	return i, nil
}

// A disk that fails once, at any operation, in any way, costs nothing: what could
// not be written or synced stays in memory, and goes to a new segment.
func TestFaultAtEveryOperation(t *testing.T) {
	rounds, step := 16, 1
	if quick {
		rounds, step = 12, 7
	}
	total, err := faultRun(rounds, func(int, string, string) (int, error) { return 0, nil })
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	kinds := map[string]int{}
	for n := 1; n <= total; n += step {
		for _, short := range []int{0, 1, 50, 1 << 20} { // 1<<20: all is written, and an error returned
			for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
				op := ""
				_, err := faultRun(rounds, func(i int, o, name string) (int, error) {
					if i != n || short > 0 && o != "write" {
						return 0, nil
					}
					op = o
					return short, cause
				})
				if err != nil {
					t.Fatalf("%v at operation %d (%s), %d bytes written: %v", cause, n, op, short, err)
				}
				if op != "" {
					runs++
					kinds[op]++
				}
			}
		}
	}
	t.Logf("%d operations, %d faults (%v): nothing lost, and each time it came back", total, runs, kinds)
}

// A disk that fails for a while keeps memory bounded, says so once, and
// comes back by itself; what was taken in is not lost.
func TestFaultThatLasts(t *testing.T) {
	for _, kind := range []string{"write", "sync", "syncdir", "create", "preallocate", "rename"} {
		m := newMemFS()
		opts := manual(m)
		opts.bufferBytes = 8 << 10
		opts.MaxBytes = 64 << 10
		var told []string
		opts.OnState = func(err error) { told = append(told, fmt.Sprint(err)) }
		l := &life{m: m, prefixes: map[Prefix]bool{}}
		if err := l.open(opts); err != nil {
			t.Fatal(err)
		}
		l.append(10)
		if kind != "rename" {
			l.sync()
		}
		bad := true
		m.before = func(op, _ string) (int, error) {
			if bad && op == kind {
				return 7, syscall.EIO
			}
			return 0, nil
		}
		full := false
		for range 60 {
			n, err := l.s.Append(span(l.s.Next(), 20))
			full = full || errors.Is(err, ErrFull)
			if n > 0 {
				l.s.Release(l.s.Next()-uint64(n), l.s.Next()-1)
			}
			l.sync()
			l.s.mu.Lock()
			held := l.s.buffer.bytes
			l.s.mu.Unlock()
			if held > opts.bufferBytes+retainBytes+framePayload {
				t.Fatalf("%s: %d bytes in memory", kind, held)
			}
		}
		if !full && kind != "create" && kind != "preallocate" && kind != "syncdir" {
			t.Errorf("%s: a disk that takes nothing filled nothing", kind)
		}
		failed := len(told)
		bad = false
		l.sync()
		l.sync()
		if st := l.s.Stats(); st.Err != nil || l.s.Durable() != l.s.Next()-1 {
			t.Fatalf("%s: it did not come back: %+v, durable %d of %d", kind, st, l.s.Durable(), l.s.Next()-1)
		}
		if failed > 0 && (failed != 1 || len(told) != 2 || told[1] != "<nil>") {
			t.Errorf("%s: told %q", kind, told)
		}
		st := l.state(kind)
		if err := st.check(m.crash(func() bool { return false }), st.durable, true); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if kind == "sync" && !strings.Contains(told[0], "sync ") {
			t.Errorf("told %q", told)
		}
	}
}

// A segment that cannot be written to any more is left, and nobody hears of it.
func TestBadSegmentIsLeft(t *testing.T) {
	m := newMemFS()
	l := &life{m: m, prefixes: map[Prefix]bool{}}
	if err := l.open(manual(m)); err != nil {
		t.Fatal(err)
	}
	l.append(10)
	l.step()
	m.before = func(op, name string) (int, error) {
		if op == "write" && name == segmentName(1) {
			return 3, syscall.EIO
		}
		return 0, nil
	}
	l.append(10)
	l.step()
	if st := l.s.Stats(); st.Err != nil || st.Written != 20 || st.Segments != 2 {
		t.Fatalf("%+v", st)
	}
	l.sync()
	if got := readAll(t, l.s); len(got) != 20 || l.s.Durable() != 20 {
		t.Fatalf("%d read, durable up to %d", len(got), l.s.Durable())
	}
}

// Of two segments whose sync failed the older one is gone after a crash, the
// newer one is not: what is in it waits for its turn in the copy.
func TestStaleSegmentSurvives(t *testing.T) {
	m := newMemFS()
	opts := manual(m)
	opts.segmentBytes = 1 << 10
	l := &life{m: m, prefixes: map[Prefix]bool{}}
	if err := l.open(opts); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.append(20)
		l.step()
	}
	bad := true
	m.before = func(op, name string) (int, error) {
		if bad && op == "sync" && name == segmentName(1) {
			bad = false
			return 0, syscall.EIO
		}
		return 0, nil
	}
	l.sync() // segments 1 and 2 are given up
	l.sync() // and written again
	st := l.state("")
	if st.durable != 60 || bad {
		t.Fatalf("durable up to %d", st.durable)
	}
	for _, gone := range [][]uint64{{1}, {2}, {1, 2}, {}} {
		c := m.kill()
		for _, number := range []uint64{1, 2} {
			if c.names[segmentName(number)] == nil { // an unlink that did not survive
				c.names[segmentName(number)] = st.m.names[segmentName(number)]
			}
		}
		for _, number := range gone {
			delete(c.names, segmentName(number))
		}
		for name, n := range c.names {
			if n == nil {
				delete(c.names, name)
			}
		}
		r, err := inspect(c, nil)
		if err != nil || r.Missing != 0 || r.Records != 60 {
			t.Errorf("without %v: %+v, %v", gone, r, err)
		}
		if err := st.check(c, 60, false); err != nil {
			t.Errorf("without %v: %v", gone, err)
		}
	}
}

// After a failed sync nothing counts as durable that is not written again, also
// if the disk fails once more in the middle of that.
func TestFailedSyncThenFailedWrite(t *testing.T) {
	m := newMemFS()
	l := &life{m: m, prefixes: map[Prefix]bool{}}
	if err := l.open(manual(m)); err != nil {
		t.Fatal(err)
	}
	syncs, frames := 0, 100
	m.before = func(op, name string) (int, error) {
		switch {
		case op == "sync" && name == segmentName(1) && syncs == 0:
			syncs++
			return 0, syscall.EIO
		case op == "write" && strings.HasPrefix(name, segmentPrefix) && syncs > 0:
			if frames--; frames < 0 {
				return 0, syscall.EIO
			}
		}
		return 0, nil
	}
	for range 3 {
		l.append(10)
		l.step()
	}
	l.sync() // fails
	l.s.opts.SyncBytes = 1
	frames = 2 // a header and the first frame
	l.step()
	st := l.state("")
	if st.durable != 10 || st.written != 30 {
		t.Fatalf("durable up to %d, want 10; written up to %d, want 30", st.durable, st.written)
	}
	if err := st.check(m.kill(), 30, false); err != nil {
		t.Fatal(err)
	}
	if err := st.check(m.crash(func() bool { return false }), 10, true); err != nil {
		t.Fatal(err)
	}
	frames = 100
	l.sync()
	if st := l.state(""); st.durable != 30 {
		t.Fatalf("durable up to %d, want 30", st.durable)
	}
}

// A sync that fails after much was written, of which memory has only the end: the
// older frames are read back, checked, and written again.
func TestFailedSyncReadsBack(t *testing.T) {
	m := newMemFS()
	opts := manual(m)
	opts.segmentBytes, opts.MaxBytes = 1<<20, 64<<20
	l := &life{m: m, prefixes: map[Prefix]bool{}}
	if err := l.open(opts); err != nil {
		t.Fatal(err)
	}
	bad := 0
	m.before = func(op, name string) (int, error) {
		if op == "sync" && strings.HasPrefix(name, segmentPrefix) && bad > 0 {
			bad--
			return 0, syscall.EIO
		}
		return 0, nil
	}
	rounds := 3
	if quick {
		rounds = 1
	}
	total := rounds * 200_000
	for range rounds {
		for range 40 {
			l.append(5000)
			l.step()
		}
		bad = 2
		l.sync()
		l.sync()
		l.sync()
	}
	st := l.state("")
	if st.durable != uint64(total) {
		t.Fatalf("durable up to %d: %v", st.durable, l.s.Stats().Err)
	}
	if err := st.check(m.kill(), st.written, false); err != nil {
		t.Fatal(err)
	}
	if err := st.check(m.crash(func() bool { return false }), st.durable, true); err != nil {
		t.Fatal(err)
	}
	if got, err := collect(l.s, l.prefixes, uint64(total)); err != nil || len(got) != total {
		t.Fatal(len(got), err)
	}
}
