package spool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// What is settled within Delay never touches the disk; the rest is written
// when it is due, and made durable a second later.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemFS()
		s := mustOpen(t, Options{fs: m, Delay: 50 * time.Millisecond, segmentBytes: 64 << 10})
		mustAppend(t, s, 1, 100)
		time.Sleep(40 * time.Millisecond)
		s.Settle(1, 100)
		time.Sleep(time.Minute)
		if st := s.Stats(); st.Skipped != 100 || st.Written != 0 || len(m.names) != 0 || s.Durable() != 100 {
			t.Fatalf("%+v, durable up to %d, %d files", st, s.Durable(), len(m.names))
		}
		mustAppend(t, s, 101, 100)
		time.Sleep(49 * time.Millisecond)
		synctest.Wait()
		if s.Stats().Written != 0 {
			t.Fatal("written before it was due")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if st := s.Stats(); st.Written != 100 || st.Durable != 0 || s.Written() != 200 {
			t.Fatalf("%+v", st)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if st := s.Stats(); st.Durable != 100 || s.Durable() != 200 {
			t.Fatalf("%+v", st)
		}
		// Who waits does not wait for Delay.
		mustAppend(t, s, 201, 1)
		start := time.Now()
		if err := s.WaitDurable(t.Context(), 201); err != nil || time.Since(start) != 0 {
			t.Fatal(err, time.Since(start))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// ring is a caller that keeps its records itself, and gives them when it is asked.
type ring struct {
	mu    sync.Mutex
	next  uint64 // to log
	given uint64 // to give
}

func (r *ring) log(s *Spool, n int) uint64 {
	r.mu.Lock()
	r.next += uint64(n)
	last := r.next - 1
	r.mu.Unlock()
	s.Notify()
	return last
}

func (r *ring) source(take func(Span) bool) {
	for {
		r.mu.Lock()
		n := int(min(r.next-r.given, 500))
		p := span(r.given, n)
		r.mu.Unlock()
		if n == 0 || !take(p) {
			return
		}
		r.mu.Lock()
		r.given += uint64(n)
		r.mu.Unlock()
	}
}

// With a Source nothing is appended: the spool asks when something is due, or
// waited for.
func TestSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemFS()
		r := &ring{next: 1, given: 1}
		s := mustOpen(t, Options{fs: m, Delay: 50 * time.Millisecond, Source: r.source, segmentBytes: 64 << 10, bufferBytes: 8 << 10})
		r.log(s, 10_000) // more than the buffer holds
		time.Sleep(49 * time.Millisecond)
		synctest.Wait()
		if s.Stats().Appended != 0 {
			t.Fatal("asked before it was due")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if st := s.Stats(); st.Written != 10_000 {
			t.Fatalf("%+v", st)
		}
		last := r.log(s, 3)
		start := time.Now()
		if err := s.WaitWritten(t.Context(), last); err != nil || time.Since(start) != 0 {
			t.Fatal(err, time.Since(start))
		}
		last = r.log(s, 3)
		s.Hurry()
		synctest.Wait()
		if s.Written() != last || time.Since(start) != 0 {
			t.Fatalf("written up to %d, want %d", s.Written(), last)
		}
		// A record that the caller settled itself is not waited for.
		r.mu.Lock()
		r.next, r.given = r.next+1, r.given+1
		r.mu.Unlock()
		s.Settle(last+1, last+1)
		if err := s.WaitDurable(t.Context(), last+1); err != nil {
			t.Fatal(err)
		}
		r.log(s, 5)
		if err := s.Close(); err != nil { // asks a last time
			t.Fatal(err)
		}
		if st := s.Stats(); st.Written != 10_011 || st.Durable != 10_011 {
			t.Fatalf("%+v", st)
		}
	})
}

// What the caller appends while Source gives the same records is taken once.
func TestSourceAndAppend(t *testing.T) {
	for _, pushed := range []int{0, 1, 5, 10, 15, 20} {
		m := newMemFS()
		var s *Spool
		opts := manual(m)
		opts.Source = func(take func(Span) bool) {
			mustAppend(t, s, 1, pushed) // memory overflows just now
			if !take(span(1, 10)) || !take(span(11, 10)) {
				t.Error("not taken")
			}
		}
		s = mustOpen(t, opts)
		s.Notify()
		s.Hurry()
		s.step(time.Now())
		if st := s.Stats(); st.Appended != 20 || st.Written != 20 || s.Next() != 21 {
			t.Fatalf("%d appended by the caller: %+v", pushed, st)
		}
		s.Release(1, 20)
		if got := readAll(t, s); !slices.Equal(got, rangeOf(1, 20)) {
			t.Fatalf("%d appended by the caller: read %d", pushed, got)
		}
	}
}

// While the disk refuses, who waits is told at once; with time it comes back by
// itself, and OnState says both, once.
func TestStateIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemFS()
		var bad atomic.Bool
		m.before = func(op, _ string) (int, error) {
			if bad.Load() {
				return 0, syscall.EIO
			}
			return 0, nil
		}
		var told []error
		s := mustOpen(t, Options{fs: m, segmentBytes: 64 << 10, OnState: func(err error) { told = append(told, err) }})
		bad.Store(true)
		mustAppend(t, s, 1, 10)
		if err := s.WaitWritten(t.Context(), 10); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		bad.Store(false)
		time.Sleep(maxRetry + time.Second)
		synctest.Wait()
		if err := s.WaitDurable(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		if len(told) != 2 || told[0] == nil || told[1] != nil {
			t.Fatalf("told %v", told)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.WaitWritten(ctx, 11); !errors.Is(err, context.DeadlineExceeded) { // nobody appends it
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Writers, waiters, a reader, a settler and a bound at once: in every snapshot
// the books agree, and at the end each record was read, or is counted.
func TestEverythingAtOnce(t *testing.T) {
	s := mustOpen(t, Options{Dir: t.TempDir(), MaxBytes: 256 << 10, segmentBytes: 16 << 10, SyncBytes: 32 << 10, SyncDelay: time.Millisecond})
	const total = 60_000
	var gone, read atomic.Int64
	var writer, waiters sync.WaitGroup
	turn := make(chan struct{}, 1)
	next := s.Next()
	for range 8 {
		writer.Go(func() {
			for {
				turn <- struct{}{}
				if next > total {
					<-turn
					return
				}
				n := 1 + rand.IntN(50)
				got, err := s.Append(span(next, n))
				first := next
				next += uint64(got)
				gone.Add(release(s, first, next-1))
				<-turn
				if errors.Is(err, ErrFull) {
					s.WaitRoom(t.Context())
				} else if err != nil {
					t.Error(err)
					return
				}
				switch last := first + uint64(got) - 1; rand.IntN(20) {
				case 0:
					if err := s.WaitDurable(t.Context(), last); err != nil {
						t.Error(err)
					}
				case 1:
					if err := s.WaitWritten(t.Context(), last); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	stop := make(chan struct{})
	waiters.Go(func() { // the reader, too late for the oldest
		s.WaitWritten(t.Context(), total/2)
		var p Page
		last := uint64(0)
		for ended := false; ; {
			err := s.Read(&p)
			if errors.Is(err, io.EOF) {
				if ended {
					return
				}
				select {
				case <-stop:
					ended = true
				default:
					time.Sleep(100 * time.Microsecond)
				}
				continue
			}
			if err != nil {
				t.Error(err)
				return
			}
			seqs := checkPage(t, &p)
			if !slices.IsSorted(seqs) || seqs[0] <= last {
				t.Errorf("%d after %d", seqs[0], last)
			}
			last = seqs[len(seqs)-1]
			read.Add(int64(len(seqs)))
			s.Settle(seqs[0], last)
		}
	})
	writer.Wait()
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(stop)
	waiters.Wait()
	st := s.Stats()
	if sum := read.Load() + st.Lost.Dropped + gone.Load(); sum != int64(next-1) || st.Spooled != 0 || st.Lost.Corrupt+st.Lost.Torn != 0 {
		t.Fatalf("%d read, %d gone, %+v; %d appended", read.Load(), gone.Load(), st, next-1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d appended by 8 goroutines: %d read, %d dropped", next-1, read.Load(), st.Lost.Dropped)
}

// 64 goroutines that wait for a sync each share few.
func TestGroupCommit(t *testing.T) {
	m := newMemFS()
	var syncs atomic.Int64
	m.after = func(op, _ string) {
		if op == "sync" {
			syncs.Add(1)
			time.Sleep(100 * time.Microsecond)
		}
	}
	s := mustOpen(t, Options{fs: m, SyncBytes: -1, SyncDelay: -1, segmentBytes: 64 << 10, MaxBytes: 4 << 20})
	turn := make(chan uint64, 1)
	turn <- 1
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 50 {
				seq := <-turn
				s.Append(span(seq, 1))
				turn <- seq + 1
				if err := s.WaitDurable(t.Context(), seq); err != nil || s.Durable() < seq {
					t.Error(err, s.Durable())
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := syncs.Load(); n > 1600 {
		t.Fatalf("%d syncs for 3200 waits", n)
	}
	t.Logf("%d syncs for 3200 waits of 64 goroutines", syncs.Load())
}

// Discard settles what only the disk has, and what the caller holds stays.
func TestDiscard(t *testing.T) {
	opts := Options{fs: newMemFS(), segmentBytes: 64 << 10}
	s := mustOpen(t, opts)
	mustAppend(t, s, 1, 500)
	s.Release(1, 300)
	s.Sync(t.Context())
	if n := s.Discard(); n != 300 || s.Stats().Spooled != 0 {
		t.Fatal(n)
	}
	if got := readAll(t, s); len(got) != 0 {
		t.Fatalf("%d read", len(got))
	}
	s.Release(301, 400)
	if got := readAll(t, s); !slices.Equal(got, rangeOf(301, 400)) {
		t.Fatalf("read %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, opts)
	if got := readAll(t, s); !slices.Equal(got, rangeOf(301, 500)) {
		t.Fatalf("read %v", got)
	}
	s.Close()
	if n, err := Empty(opts); n != 200 || err != nil {
		t.Fatal(n, err)
	}
}

// What was read can be released again, in whatever order the caller lets go of
// its copies: each record is read again, once.
func TestReadAgain(t *testing.T) {
	s := mustOpen(t, Options{fs: newMemFS(), segmentBytes: 2 << 10, MaxBytes: 1 << 20})
	for first := uint64(1); first <= 500; first += 10 {
		mustAppend(t, s, first, 10)
		s.Sync(t.Context())
	}
	expect := func(want ...uint64) {
		t.Helper()
		if st := s.Stats(); st.Spooled != int64(len(want)) {
			t.Fatalf("%d spooled, want %d", st.Spooled, len(want))
		}
		if got := readAll(t, s); !slices.Equal(got, want) {
			t.Fatalf("read %v, want %v", got, want)
		}
	}
	expect()
	s.Release(101, 110) // 1 to 100 are in flight
	expect(rangeOf(101, 110)...)
	s.Release(1, 100) // they failed, and there is no room for them
	s.Release(104, 106)
	expect(append(rangeOf(1, 100), rangeOf(104, 106)...)...)
	s.Settle(1, 60)
	s.Release(300, 500)
	var p Page
	for range 3 {
		s.Read(&p)
	}
	s.Release(111, 120) // before what Read is at
	if got := readAll(t, s); got[0] != 111 || got[len(got)-1] != 500 {
		t.Fatalf("read %v", got)
	}
	s.Settle(1, 500)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The set of sequence numbers against a plain map.
func TestSeqSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 200 {
		var set seqSet
		var all settled
		in, out := map[uint64]bool{}, map[uint64]bool{}
		for range 60 {
			lo := 1 + rng.Uint64N(60)
			hi := lo + rng.Uint64N(8)
			switch rng.IntN(3) {
			case 0:
				set.add(lo, hi)
				for i := lo; i <= hi; i++ {
					in[i] = true
				}
			case 1:
				set.remove(lo, hi)
				for i := lo; i <= hi; i++ {
					delete(in, i)
				}
			default:
				all.add(lo, hi)
				for i := lo; i <= hi; i++ {
					out[i] = true
				}
			}
			lo, hi = 1+rng.Uint64N(60), 1+rng.Uint64N(70)
			var count, open, first, firstOpen uint64
			for i := lo; i <= hi; i++ {
				if in[i] {
					count++
					if first == 0 {
						first = i
					}
				}
				if !out[i] {
					open++
					if firstOpen == 0 {
						firstOpen = i
					}
				}
			}
			got, n := set.next(lo, hi)
			gotOpen, m := all.next(lo, hi)
			if set.count(lo, hi) != count || all.open(lo, hi) != open ||
				n > 0 && got != first || (n > 0) != (count > 0) || m > 0 && gotOpen != firstOpen || (m > 0) != (open > 0) {
				t.Fatalf("%d to %d: %v %+v, want %d from %d, %d from %d", lo, hi, set, all, count, first, open, firstOpen)
			}
		}
	}
}

// A long record is a frame of its own, an empty one is none the less a record, and one
// that is larger than the spool takes is refused.
func TestSizes(t *testing.T) {
	s := mustOpen(t, Options{fs: newMemFS(), MaxBytes: 4 << 20, segmentBytes: 128 << 10})
	big := make([]byte, 300<<10)
	big[0], big[len(big)-1] = 1, 2
	data := append(append([]byte("abc"), big...), "d"...)
	if n, err := s.Append(Span{First: 1, Data: data, Sizes: []uint32{3, 0, uint32(len(big)), 0, 1}}); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := s.Append(Span{First: 6, Data: make([]byte, 2<<20), Sizes: []uint32{2 << 20}}); n != 0 || !errors.Is(err, ErrTooLarge) {
		t.Fatal(n, err)
	}
	if _, err := s.Append(Span{First: 5, Data: nil, Sizes: []uint32{0}}); !errors.Is(err, ErrOrder) {
		t.Fatal(err)
	}
	s.Release(1, 5)
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	var p Page
	var got []byte
	var sizes []uint32
	for s.Read(&p) == nil {
		got, sizes = append(got, p.Data...), append(sizes, p.Sizes...)
	}
	if !bytes.Equal(got, data) || !slices.Equal(sizes, []uint32{3, 0, 300 << 10, 0, 1}) {
		t.Fatalf("%d bytes, %v", len(got), sizes)
	}
	s.Close()
}
