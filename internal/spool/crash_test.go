package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

var (
	// soak asks for the long versions: SPOOL_SOAK=1.
	soak = os.Getenv("SPOOL_SOAK") != ""

	// quick asks for some of the cases instead of all.
	quick = raceEnabled || os.Getenv("SPOOL_QUICK") != ""
)

// manual are the options of a spool whose steps the test takes, on a directory
// in memory with small segments.
func manual(m *memFS) Options {
	return Options{fs: m, manual: true, segmentBytes: 2 << 10, MaxBytes: 16 << 10, SyncBytes: -1, SyncDelay: -1}
}

// life is one process's use of a directory, and what the caller was told.
type life struct {
	m     *memFS
	s     *Spool
	clock time.Duration // ahead of the real one

	prefixes map[Prefix]bool
	settled  settled // what the caller settled; and what was lost before it was written
	gone     uint64  // dropped by earlier lives
}

func (l *life) open(opts Options) error {
	s, err := Open(opts)
	if err != nil {
		return err
	}
	l.s = s
	l.prefixes[s.prefix] = true
	return nil
}

func (l *life) close() error {
	return closeManual(l.s)
}

func closeManual(s *Spool) error {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	return s.finish()
}

func (l *life) append(n int) {
	p := span(l.s.Next(), n)
	n, err := l.s.Append(p)
	if err != nil && !errors.Is(err, ErrFull) {
		panic(err)
	}
	l.s.Release(p.First, p.First+uint64(n)-1)
}

// step takes one step, long after the last: no back-off is left.
func (l *life) step() {
	l.clock += time.Hour
	l.s.step(time.Now().Add(l.clock))
}

func (l *life) sync() {
	l.s.mu.Lock()
	l.s.wantDurable = l.s.buffer.next - 1
	l.s.mu.Unlock()
	l.step()
}

func (l *life) settle(lo, hi uint64) {
	l.s.Settle(lo, hi)
	l.settled.add(lo, hi)
}

// state is what was promised at one moment.
type state struct {
	m                *memFS
	at               string
	durable, written uint64
	appended         uint64
	settled          settled
	gone             uint64
	lost             Lost
	prefixes         map[Prefix]bool
}

func (l *life) state(at string) *state {
	s := l.s
	st := &state{m: l.m.kill(), at: at, settled: l.settled.clone(), prefixes: l.prefixes}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.durable, st.written, st.appended = s.durable, s.written, s.buffer.next-1
	st.gone, st.lost = max(l.gone, s.gone), s.lost
	return st
}

// check opens what is left, and checks the invariants: all up to promised that
// was neither settled nor dropped is read, once, in order, as it was
// appended; and the books agree. power says that not all of it is left.
func (st *state) check(m *memFS, promised uint64, power bool) error {
	s, err := Open(manual(m))
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if st.prefixes[s.prefix] {
		return errors.New("the prefix was used before")
	}
	recovered := s.Stats().Recovered
	got, err := collect(s, st.prefixes, st.appended)
	if err != nil {
		return err
	}
	last := uint64(0)
	for _, seq := range got {
		if seq <= last {
			return fmt.Errorf("%d after %d", seq, last)
		}
		last = seq
	}
	have := map[uint64]bool{}
	for _, seq := range got {
		have[seq] = true
	}
	for seq := st.gone + 1; seq <= promised; seq++ {
		if !have[seq] && st.settled.open(seq, seq) > 0 {
			return fmt.Errorf("%d is lost (promised up to %d, gone up to %d; %d read, %+v)", seq, promised, st.gone, len(got), s.Stats())
		}
	}
	stats := s.Stats()
	lost := stats.Lost.Total() - stats.LostBefore.Total()
	if stats.Lost.Corrupt > st.lost.Corrupt || !power && stats.Lost.Torn > st.lost.Torn {
		return fmt.Errorf("%+v counted as lost, before %+v", stats.Lost, st.lost)
	}
	if !power && stats.Lost != st.lost && stats.Lost.Dropped != st.lost.Dropped && stats.Lost.Dropped > st.lost.Dropped {
		return fmt.Errorf("lost %+v, was %+v", stats.Lost, st.lost)
	}
	if recovered != int64(len(got))+lost || stats.Spooled != 0 {
		return fmt.Errorf("recovered %d, read %d, lost %+v, before %+v, spooled %d", recovered, len(got), stats.Lost, stats.LostBefore, stats.Spooled)
	}
	if s.Next() <= last || s.Next() <= promised {
		return fmt.Errorf("next is %d after %d", s.Next(), max(last, promised))
	}
	// The next life works as well, and finds both.
	l := &life{m: m, s: s, prefixes: map[Prefix]bool{}}
	first := s.Next()
	l.append(5)
	l.sync()
	if s.Durable() != first+4 {
		return fmt.Errorf("durable up to %d after a sync, want %d (%v)", s.Durable(), first+4, s.Stats().Err)
	}
	m2 := m.crash(func() bool { return false })
	s2, err := Open(manual(m2))
	if err != nil {
		return fmt.Errorf("second open: %w", err)
	}
	prefixes := map[Prefix]bool{s.prefix: true}
	for p := range st.prefixes {
		prefixes[p] = true
	}
	again, err := collect(s2, prefixes, first+4)
	if err != nil {
		return fmt.Errorf("second life: %w", err)
	}
	if gone := s.gone; gone == 0 && len(again) < len(got)+5 || len(again) < 5 || again[len(again)-1] != first+4 {
		return fmt.Errorf("second life: %d records after %d and 5 more", len(again), len(got))
	}
	if st2 := s2.Stats(); st2.Lost.Total() > stats.Lost.Total() {
		return fmt.Errorf("second life: %+v after %+v", st2.Lost, stats.Lost)
	}
	return nil
}

// collect reads all, and checks each record.
func collect(s *Spool, prefixes map[Prefix]bool, most uint64) (seqs []uint64, err error) {
	var p Page
	for {
		err := s.Read(&p)
		if errors.Is(err, io.EOF) {
			return seqs, nil
		}
		if err != nil {
			return nil, err
		}
		if !prefixes[p.Prefix] {
			return nil, fmt.Errorf("a prefix that was never used at %d", p.First)
		}
		data := p.Data
		for i, size := range p.Sizes {
			seq := p.First + uint64(i)
			if seq > most || !bytes.Equal(data[:size], rec(seq)) {
				return nil, fmt.Errorf("record %d of %d is %q", seq, most, data[:size])
			}
			data = data[size:]
			seqs = append(seqs, seq)
		}
	}
}

// trace runs a random use of a directory until it made so many operations on
// it, and takes a state after each of them.
func trace(seed uint64, operations int, ignore func(op, name string) bool) (states []*state, err error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	l := &life{m: newMemFS(), prefixes: map[Prefix]bool{}}
	total := 0
	hook := func() {
		l.m.ignore = ignore
		l.m.after = func(op, name string) {
			total++
			if l.s != nil {
				states = append(states, l.state(op+" "+name))
			}
		}
	}
	hook()
	if err := l.open(manual(l.m)); err != nil {
		return nil, err
	}
	for total < operations {
		switch n := rng.IntN(100); {
		case n < 45:
			l.append(1 + rng.IntN(20))
			l.step()
		case n < 60:
			l.sync()
		case n < 70: // a prefix
			if hi := l.settled.through + 1 + uint64(rng.IntN(40)); hi < l.s.Next() {
				l.settle(1, hi)
			}
			l.step()
		case n < 80: // a range
			if lo := l.settled.through + 1 + uint64(rng.IntN(60)); lo+10 < l.s.Next() {
				l.settle(lo, lo+uint64(rng.IntN(10)))
			}
			l.step()
		case n < 90:
			var p Page
			if err := l.s.Read(&p); err == nil && rng.IntN(2) == 0 {
				l.settle(p.First, p.First+uint64(len(p.Sizes))-1)
			}
			l.step()
		default:
			if n < 95 {
				if err := l.close(); err != nil {
					return nil, err
				}
				states = append(states, l.state("close"))
			}
			l.m, l.gone = l.m.kill(), max(l.gone, l.s.gone)
			l.s = nil
			hook()
			if err := l.open(manual(l.m)); err != nil {
				return nil, err
			}
		}
	}
	return states, nil
}

// crashes checks a state after the loss of power in up to most ways, and after a
// kill.
func (st *state) crashes(rng *rand.Rand, most int) (checked, seeds int, err error) {
	if err := st.check(st.m.kill(), st.written, false); err != nil {
		return 1, 0, fmt.Errorf("killed: %w", err)
	}
	units := st.m.units()
	if units <= 12 && (1<<units <= most || soak) {
		for set := range 1 << units {
			i := -1
			survives := func() bool { i++; return set>>i&1 == 1 }
			if err := st.check(st.m.crash(survives), st.durable, true); err != nil {
				return checked + 1, 0, fmt.Errorf("units %b of %d survive: %w", set, units, err)
			}
			checked++
		}
		return checked + 1, 0, nil
	}
	for i := range most {
		odds := rng.IntN(101)
		if i < 2 {
			odds = i * 100 // nothing survives; all does
		}
		c := st.m.crash(func() bool { return rng.IntN(100) < odds })
		if err := st.check(c, st.durable, true); err != nil {
			return checked + 1, i + 1, fmt.Errorf("try %d (%d of 100 units survive): %w", i, odds, err)
		}
		checked++
	}
	return checked + 1, most, nil
}

// What ACK says durably is not lost while it is written anew, though it is longer
// than a sector: whatever of the write survives.
func TestAckIsNotTorn(t *testing.T) {
	l := &life{m: newMemFS(), prefixes: map[Prefix]bool{}}
	if err := l.open(manual(l.m)); err != nil {
		t.Fatal(err)
	}
	l.append(200)
	for i := range uint64(60) {
		l.settle(10+2*i, 10+2*i)
	}
	l.step()
	checked := 0
	for round := range 4 {
		if err := l.s.w.ack.sync(); err != nil {
			t.Fatal(err)
		}
		was := l.settled.clone()
		l.settle(150+2*uint64(round), 150+2*uint64(round))
		l.step()
		units := l.m.units()
		for set := range 1 << min(units, 12) {
			i := -1
			a, _, _, err := readAck(l.m.crash(func() bool { i++; return i >= 12 || set>>i&1 == 1 }))
			if err != nil || a == nil {
				t.Fatalf("round %d, %b of %d: %v, %v", round, set, units, a, err)
			}
			for _, r := range was.ranges {
				if a.settled.open(r.lo, r.hi) > 0 {
					t.Fatalf("round %d, %b of %d: %d was settled", round, set, units, r.lo)
				}
			}
			checked++
		}
	}
	t.Logf("%d ways to lose power: none loses what was durable", checked)
}

// After the loss of power at any moment, everything that was durable is read,
// once and in order, whatever else survived; after a kill everything
// that was written.
func TestPowerLoss(t *testing.T) {
	seeds, most := 2, 32
	if quick {
		seeds, most = 1, 4
	}
	if soak {
		seeds, most = 10, 1000 // more where there are few: up to 12 units, each set of them
	}
	if n, err := strconv.Atoi(os.Getenv("SPOOL_SEEDS")); err == nil {
		seeds = n
	}
	states, checked, random := 0, 0, 0
	for seed := range seeds {
		all, err := trace(uint64(seed), 200, nil)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		for i, st := range all {
			n, drawn, err := st.crashes(rng, most)
			if err != nil {
				t.Fatalf("seed %d, after operation %d (%s): %v", seed, i, st.at, err)
			}
			checked, random = checked+n, random+drawn
		}
		states += len(all)
	}
	t.Logf("%d traces of 200 operations: a crash after each of %d operations, %d directories recovered, "+
		"in %d of them what survived was drawn at random, in the others it was every subset; 0 violations", seeds, states, checked, random)
}
