package spool

import (
	"errors"
	"io"
	"runtime"
	"testing"
)

// heap is what is in use, garbage aside.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Memory does not depend on the backlog: 96 MiB (8 GiB in soak) go in and out in a few.
func TestBacklogMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	spans, _, bytes := benchSpans(64)
	total := int64(96 << 20)
	if soak {
		total = 8 << 30
	}
	opts := Options{Dir: t.TempDir(), MaxBytes: 2 * total}
	s := mustOpen(t, opts)
	before, most, seq := heap(), int64(0), s.Next()
	for n := int64(0); n < total; n += int64(bytes) {
		seq = appendAll(t, s, spans, seq)
		most = max(most, heap()-before)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = nil //nolint:wastedassign // it is to be collected
	if limit := int64(bufferBytes + retainBytes + freeFrames*80<<10 + 1<<20); most > limit {
		t.Errorf("%d bytes in use while writing, at most %d", most, limit)
	}
	wrote := most

	before, most = heap(), 0
	s = mustOpen(t, opts)
	var p Page
	pages, records := 0, uint64(0)
	for {
		err := s.Read(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		records += uint64(len(p.Sizes))
		s.Settle(p.First, p.First+uint64(len(p.Sizes))-1)
		if pages++; pages%200 == 0 {
			most = max(most, heap()-before)
		}
	}
	if records != seq-1 || most > 2<<20 {
		t.Errorf("%d of %d records, %d bytes in use while reading", records, seq-1, most)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MiB: at most %d KiB in use while writing, %d KiB while reading", total>>20, wrote>>10, most>>10)
}

// A record costs no allocation on its way in, to the disk, and back.
func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	spans, records, _ := benchSpans(256)
	s := mustOpen(t, Options{Dir: t.TempDir(), MaxBytes: 1 << 30, SyncBytes: 1 << 20, SyncDelay: -1})
	seq := appendAll(t, s, spans, s.Next()) // buffers are made now
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	last := appendAll(t, s, spans, seq) - 1
	if err := s.WaitWritten(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	s.Release(1, last)
	var p Page
	for s.Read(&p) == nil {
		s.Settle(p.First, p.First+uint64(len(p.Sizes))-1)
	}
	runtime.ReadMemStats(&after)
	perRecord := float64(after.Mallocs-before.Mallocs) / float64(records)
	if perRecord > 0.01 {
		t.Errorf("%.4f allocations per record", perRecord)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%.5f allocations per record", perRecord)
}
