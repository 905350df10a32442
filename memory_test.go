package slogship

import (
	"context"
	"encoding/base64"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// heapBeyond is the memory of a handler beyond MaxPendingBytes, with BatchBytes
// and MaxRecordBytes at their defaults: slackBytes, the batch in flight, free
// blocks (1 MiB), and two encoders, each with a body, what a compressor makes of
// it, and the compressor (4 MiB).
const heapBeyond = slackBytes + 1<<20 + keptBlocks*blockBytes + 8<<20

// heapEach is what each request at once beyond the first may cost: a batch in flight,
// and an encoder.
const heapEach = 6 << 20

// refusing is a backend that reads everything and is down all the same.
func refusing(r *http.Request) (*http.Response, error) {
	return answer(r, http.StatusServiceUnavailable), nil
}

// The receiver is down and ten million records are logged, with hundreds of
// attempts to send some of them: the heap stays below MaxPendingBytes and a
// constant, and has blocks in it, not records.
func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(t, refusing, Options{
		MaxPending: 1 << 30, // so that MaxPendingBytes is reached
		MinBackoff: 10 * time.Microsecond, MaxBackoff: 10 * time.Millisecond,
	})
	total := 10_000_000
	if raceDetector || testing.Short() {
		total = 400_000
	}
	const rounds = 4
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "down", 0)
	for range rounds {
		for range total / rounds {
			m.h.Handle(context.Background(), r)
		}
		m.check()
	}
	s := m.h.Stats()
	if s.Accepted != int64(total) || s.Delivered != 0 || s.Accepted != s.Dropped.Overflow+s.Pending+s.InFlight {
		t.Errorf("the books say %+v", s)
	}
	if s.Retries < 10 {
		t.Errorf("%d attempts, which prove nothing", s.Retries)
	}
}

// Records of whatever sizes cost no more than that: neither the ends of blocks
// that are left unused, nor what the allocator rounds up, nor the marks add up.
func TestMemoryIsBoundedForAnySizes(t *testing.T) {
	text := incompressible(64 << 10)
	type run struct {
		records int
		sizes   []int // of the messages, by turns
	}
	for _, c := range []struct {
		name string
		o    Options
		runs []run
	}{
		{"5 KiB and 100 B", Options{}, []run{{20_000, []int{5 << 10, 100}}}},
		{"9 KiB and 100 B", Options{}, []run{{10_000, []int{9 << 10, 100}}}},
		{"a block's share and a byte", Options{}, []run{{8_000, []int{ownBlockBytes - 200, ownBlockBytes + 1}}}},
		{"33 KiB", Options{}, []run{{2_000, []int{33 << 10}}}},
		{"33 KiB and more room", Options{MaxPendingBytes: 128 << 20}, []run{{4_500, []int{33 << 10}}}},
		{"33 KiB after short ones", Options{}, []run{{100_000, []int{400}}, {2_000, []int{33 << 10}}}},
		{"short ones after 33 KiB", Options{}, []run{{2_000, []int{33 << 10}}, {100_000, []int{400}}}},
		{"41 KiB, 17 KiB and nothing", Options{MaxPendingBytes: 64 << 20}, []run{{6_000, []int{41 << 10, 17 << 10, 0, 0}}}},
		{"one by one", Options{BatchRecords: 1}, []run{{100_000, []int{100}}}},
		{"zstd", Options{Format: zstdFormat{}, Compression: Zstd, MaxPendingBytes: 8 << 20}, []run{{20_000, []int{1000}}}},
		{"a byte each", Options{MaxPending: 1 << 30, MaxPendingBytes: 2 << 20, Format: tinyFormat{}}, []run{{1_000_000, []int{1}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.MinBackoff, c.o.MaxBackoff = 10*time.Microsecond, 10*time.Millisecond
			m := newMemory(t, refusing, c.o)
			for _, r := range c.runs {
				if raceDetector || testing.Short() {
					r.records /= 10
				}
				for n := range r.records {
					m.h.Handle(context.Background(), slog.NewRecord(time.Time{}, slog.LevelInfo, text[:r.sizes[n%len(r.sizes)]], 0))
				}
			}
			m.check()
			if s := m.h.Stats(); s.Dropped.Overflow == 0 && !raceDetector && !testing.Short() {
				t.Errorf("nothing was dropped, which proves nothing: %+v", s)
			}
		})
	}
}

// incompressible is text of which no compression makes less.
func incompressible(n int) string {
	b := make([]byte, n)
	rnd := rand.NewChaCha8([32]byte{})
	rnd.Read(b)
	return base64.StdEncoding.EncodeToString(b)[:n]
}

// zstdFormat is one whose server inflates zstd.
type zstdFormat struct{ logflare }

func (f zstdFormat) Layout() Layout {
	l := f.logflare.Layout()
	l.Zstd = true
	return l
}

// tinyFormat writes a byte for each record: a ring of marks.
type tinyFormat struct{ logflare }

func (tinyFormat) Layout() Layout                          { return Layout{ContentType: "text/plain"} }
func (tinyFormat) AppendEvent(dst []byte, _ *Event) []byte { return append(dst, '.') }

// Blocks that a burst took and that make room for long records are let go of.
func TestMemoryOfBurstsIsBounded(t *testing.T) {
	m := newMemory(t, hanging, Options{MaxPending: 1 << 30})
	short, long := strings.Repeat("x", 4000), strings.Repeat("x", 250_000)
	for range 3 {
		m.h.Discard()
		for range 2 * defaultMaxPendingBytes / len(short) {
			m.h.Handle(context.Background(), slog.NewRecord(time.Time{}, 0, short, 0))
		}
	}
	for range 2 * defaultMaxPendingBytes / len(long) {
		m.h.Handle(context.Background(), slog.NewRecord(time.Time{}, 0, long, 0))
	}
	m.check()
}

// Eight requests that hang cost no more than is documented.
func TestMemoryOfRequestsAtOnce(t *testing.T) {
	text := incompressible(8 << 10)
	var open atomic.Int64
	m := newMemory(t, func(r *http.Request) (*http.Response, error) {
		open.Add(1)
		return hanging(r)
	}, Options{Requests: 8, RequestTimeout: time.Hour})
	for m.h.Stats().Dropped.Overflow == 0 || open.Load() < 8 {
		for n := range 100 {
			m.h.Handle(context.Background(), slog.NewRecord(time.Time{}, 0, text[:n*80], 0))
		}
		runtime.Gosched()
	}
	m.check()
}

// A batch that is held while new ones come and go, again and again, leaves
// nothing behind.
func TestMemoryDoesNotGrowWithAttempts(t *testing.T) {
	m := newMemory(t, refusing, Options{MaxPendingBytes: 1 << 20})
	p := newPending(queueSettings(1<<20, 1<<20, 1000, 64<<10))
	rec := make([]byte, 200)
	round := func() {
		for range 100 {
			p.push(rec, false)
		}
		batch := p.swap()
		front, back := batch.split(batch.records / 2)
		p.restore(join(p.compact(front), back))
	}
	for range 1000 {
		round()
	}
	spans, blocks := len(p.queue.ring), p.held
	for range 2000 {
		round()
	}
	if len(p.queue.ring) > spans || p.held > blocks+2*blockBytes {
		t.Errorf("after 2,000 more attempts %d spans and %d bytes are held, before it was %d and %d",
			len(p.queue.ring), p.held, spans, blocks)
	}
	m.check()
	runtime.KeepAlive(p)
}

// A few records of a batch that are deferred, or set aside, do not keep the memory
// of the whole.
func TestDeferredKeepNoBlocks(t *testing.T) {
	for _, aside := range []bool{false, true} {
		p := newPending(queueSettings(1<<20, 32<<20, 10_000, 4<<20))
		for range 10_000 {
			p.push(make([]byte, 300), false)
		}
		j := newJudge(p, time.Second)
		j.begin(time.Now())
		if aside {
			j.failed = j.inflight.pick(5000)
		}
		pc, _, _ := j.next()
		v := Verdict{Action: Accept, Outcomes: make([]Outcome, pc.records)}
		if !aside {
			v.Outcomes[5000] = Resend
		}
		j.answered(pc, ruling{Verdict: v})
		j.finish()
		p.mu.Lock()
		if p.records != 1 || p.held > 2*blockBytes {
			t.Errorf("%d records are held in %d bytes, want 1 and at most two blocks", p.records, p.held)
		}
		p.mu.Unlock()
	}
}

// Handle does not allocate, neither while the ring fills nor when it is full;
// but for blocks.
func TestFullRingAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes sync.Pool forget")
	}
	h := shipTo(t, hanging, Options{RequestTimeout: time.Hour})
	fill(t, h)
	l := slog.New(h)
	if n := testing.AllocsPerRun(10_000, func() { logFive(l) }); n != 0 {
		t.Errorf("%v allocations a record, want 0", n)
	}
}

// memory watches the heap of one handler.
type memory struct {
	t    *testing.T
	h    *Handler
	base runtime.MemStats
}

func newMemory(t *testing.T, backend transportFunc, o Options) *memory {
	m := &memory{t: t}
	liveHeap(&m.base)
	m.h = shipTo(t, backend, o)
	return m
}

// liveHeap reads the heap without its garbage.
func liveHeap(s *runtime.MemStats) {
	runtime.GC()
	runtime.GC() // a pool forgets at the second one
	runtime.ReadMemStats(s)
}

func (m *memory) check() {
	m.t.Helper()
	var now runtime.MemStats
	liveHeap(&now)
	limit := m.h.core.pending.maxBytes + heapBeyond + (m.h.core.batcher.flights.limit-1)*heapEach
	if got := int(now.HeapAlloc) - int(m.base.HeapAlloc); got > limit {
		m.t.Errorf("the heap has %d bytes more, want at most %d", got, limit)
	} else {
		m.t.Logf("heap %+d bytes, of at most %d; %+d objects", got, limit, int(now.HeapObjects)-int(m.base.HeapObjects))
	}
	// Two objects a block, of which the smallest have an eighth of a shared
	// one; and what does not depend on any of it.
	if got, most := int(now.HeapObjects)-int(m.base.HeapObjects), 2*limit/ownBlockBytes+2000; got > most {
		m.t.Errorf("the heap has %d objects more, want at most %d", got, most)
	}
}
