package spool

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Forty times as much as the bound goes in: the disk holds the bound at every
// sample, the oldest goes, and each record is read, or counted as dropped.
func TestBound(t *testing.T) {
	dir := t.TempDir()
	const maxBytes, most = 4 << 20, 4<<20 + 1<<20
	opts := Options{Dir: dir, MaxBytes: maxBytes, SyncBytes: -1, SyncDelay: -1}
	total := int64(40 * maxBytes)
	if soak {
		total = 10 << 30
	}
	s := mustOpen(t, opts)
	spans, _, _ := benchSpans(16)
	next, appended, read, samples, highest := uint64(1), int64(0), int64(0), 0, int64(0)
	var gone int64
	for appended < total {
		for _, p := range spans {
			last := appendAll(t, s, []Span{p}, next) - 1
			gone += release(s, next, last)
			next = last + 1
			appended += int64(len(p.Data))
		}
		if err := s.WaitWritten(context.Background(), next-1); err != nil {
			t.Fatal(err)
		}
		samples++
		used := diskUse(t, dir)
		highest = max(highest, used)
		if used > most {
			t.Fatalf("%d bytes on disk after %d were appended, at most %d", used, appended, most)
		}
		if samples%7 == 0 { // some are read in time, and settled
			var p Page
			if err := s.Read(&p); err != nil {
				t.Fatal(err)
			}
			read += int64(len(p.Sizes))
			s.Settle(p.First, p.First+uint64(len(p.Sizes))-1)
		}
	}
	st := s.Stats()
	if int64(next-1) != read+gone+st.Spooled+st.Lost.Dropped || st.Lost.Corrupt+st.Lost.Torn != 0 {
		t.Fatalf("%d appended, %d read, %d gone, %+v", next-1, read, gone, st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The count of what was dropped outlives the process, and the rest is there.
	s = mustOpen(t, opts)
	rest := int64(0)
	var p Page
	for s.Read(&p) == nil {
		rest += int64(len(p.Sizes))
	}
	if now := s.Stats(); now.Lost != st.Lost || rest != st.Spooled || now.Recovered != rest {
		t.Fatalf("%+v, before %+v; %d read", now, st, rest)
	}
	s.Close()
	t.Logf("%d MiB appended to a spool of %d MiB: at most %d bytes on disk in %d samples; %d records = %d read + %d dropped + %d on disk",
		appended>>20, maxBytes>>20, highest, samples, next-1, read, st.Lost.Dropped, rest)
}

func diskUse(t *testing.T, dir string) (sum int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), segmentPrefix) {
			sum += info.Size()
		}
	}
	return sum
}

// A full disk is no end: records stay in memory as far as there is room,
// reading and settling go on, and with room it goes on by itself. 50 cycles.
func TestDiskFull(t *testing.T) {
	m := newMemFS()
	m.room = 24 << 10
	opts := manual(m)
	opts.MaxBytes, opts.bufferBytes = 1<<20, 4<<10
	l := &life{m: m, prefixes: map[Prefix]bool{}}
	if err := l.open(opts); err != nil {
		t.Fatal(err)
	}
	var want []uint64
	got, fulls := 0, 0
	for cycle := range 50 {
		for {
			first := l.s.Next()
			n, err := l.s.Append(span(first, 20))
			if n > 0 {
				l.s.Release(first, first+uint64(n)-1)
				want = append(want, rangeOf(first, first+uint64(n)-1)...)
			}
			l.step()
			if errors.Is(err, ErrFull) {
				break
			}
		}
		if l.s.Stats().Err == nil {
			t.Fatal("a full disk is well")
		}
		fulls++
		seqs := readAll(t, l.s)
		for _, seq := range seqs {
			if seq != want[got] {
				t.Fatalf("cycle %d: read %d, want %d", cycle, seq, want[got])
			}
			got++
		}
		if len(seqs) == 0 {
			t.Fatalf("cycle %d: nothing could be read", cycle)
		}
		l.settle(1, seqs[len(seqs)-1])
		l.step()
		l.step()
		if err := l.s.Stats().Err; err != nil {
			t.Fatalf("cycle %d: it does not come back: %v", cycle, err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d times full and free: %d records, none lost", fulls, len(want))
}

// The same on a small tmpfs, where the kernel says that it is full.
func TestDiskFullTmpfs(t *testing.T) {
	const mounted = "SPOOL_TEST_TMPFS"
	dir := os.Getenv(mounted)
	if dir == "" {
		at := t.TempDir()
		cmd := exec.Command("unshare", "-rm", "sh", "-c",
			`mount -t tmpfs -o size=3m,mode=0700 tmpfs "$1" && exec "$2" -test.run '^TestDiskFullTmpfs$' -test.v`, "sh", at, os.Args[0])
		cmd.Env = append(os.Environ(), mounted+"="+filepath.Join(at, "spool"))
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(string(out), "--- FAIL") {
			t.Skipf("no tmpfs here: %v %s", err, out)
		}
		if err != nil {
			t.Fatalf("%s", out)
		}
		t.Logf("%s", out)
		return
	}
	s := mustOpen(t, Options{Dir: dir, MaxBytes: 64 << 20, segmentBytes: 1 << 20, bufferBytes: 256 << 10, SyncBytes: -1, SyncDelay: -1})
	next, read, dropped := uint64(1), uint64(0), 0
	cycles := 10
	if quick {
		cycles = 2
	}
	if soak {
		cycles = 50
	}
	for range cycles {
		for {
			p := span(next, 2000)
			n, err := s.Append(p)
			next += uint64(n)
			s.Release(p.First, next-1)
			if errors.Is(err, ErrFull) && s.WaitRoom(context.Background()) != nil {
				break
			}
		}
		dropped++
		if err := s.Stats().Err; err == nil || !isFull(err) {
			t.Fatalf("a full disk: %v", err)
		}
		for _, seq := range readAll(t, s) {
			if seq != read+1 {
				t.Fatalf("read %d after %d", seq, read)
			}
			read = seq
		}
		s.Settle(1, read)
		for s.Stats().Err != nil { // it comes back by itself
			time.Sleep(time.Millisecond)
		}
	}
	s.Discard()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("tmpfs: %d times full and free, %d records, none lost", dropped, next-1)
}
