package slogship

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// queueSettings are settings as New resolves them, of the bounds alone.
func queueSettings(maxRecords, maxBytes, batchRecords, batchBytes int) settings {
	return settings{Options: Options{
		MaxPending: maxRecords, MaxPendingBytes: maxBytes, MaxRecordBytes: maxBytes,
		BatchRecords: batchRecords, BatchBytes: batchBytes, FlushInterval: time.Second, Requests: 1,
	}}
}

// Whatever happens to the ring, in whatever order, it holds what a plain slice
// would: the same records in the same order, byte for byte, within the bounds,
// with the same books.
func TestRingIsASlice(t *testing.T) {
	t.Parallel()
	seeds := uint64(20)
	if raceDetector {
		seeds = 5
	}
	for seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			script := make([]byte, 3000)
			for i := range script {
				script[i] = byte(rnd.Uint32())
			}
			playRing(t, script)
		})
	}
}

func FuzzRingIsASlice(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{10, 100, 1000} {
		script := make([]byte, n)
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 5000 { // longer ones find nothing else, slowly
			playRing(t, script)
		}
	})
}

// ringModel is the ring as a slice would have it, beside the ring itself.
type ringModel struct {
	t *testing.T
	p *pending

	script []byte
	pushed int // how many records there ever were, for their contents

	next    uint64
	pending []modelRecord // oldest first
	flight  []flightPiece // oldest first
	partial []modelRecord // the newest batch, as long as it is not full
	born    time.Time     // when its first record came

	closed, ended bool
	urgentBelow   uint64
	asleep        sleep
	token         bool // the batcher is to look again

	accepted, delivered, cut int64
	lost                     [reasons]int64
	waiters                  []*modelWaiter

	shared map[*block]bool // every block of blockBytes that was ever seen
}

type modelRecord struct {
	seq  uint64
	text []byte
	cut  bool
}

// flightPiece is a part of what is in flight: the ring's idea of it, and the
// records that ought to be in it.
type flightPiece struct {
	piece
	want []modelRecord
}

type modelWaiter struct {
	w     *waiter
	seqs  map[uint64]bool // what it waits for still
	lost  [reasons]int64
	gone  bool // it gave up
	limit uint64
}

// playRing does to a ring what script says, and to a slice; after each step
// both must be the same.
func playRing(t *testing.T, script []byte) {
	m := &ringModel{t: t, script: script, shared: map[*block]bool{}}
	maxRecords := 2 + m.arg(250)
	maxBytes := 2 + m.arg(256)*m.arg(2048)
	m.p = newPending(queueSettings(maxRecords, maxBytes,
		1+m.arg(maxRecords), 1+m.arg(min(maxBytes, 1<<16))))
	for len(m.script) > 0 {
		step := m.step()
		m.check(step)
		if t.Failed() {
			t.Fatalf("after %s", step)
		}
	}
}

// arg reads a number below n from the script.
func (m *ringModel) arg(n int) int {
	var v [2]byte
	m.script = m.script[copy(v[:], m.script):]
	return int(binary.LittleEndian.Uint16(v[:])) % max(n, 1)
}

func (m *ringModel) step() string {
	switch op := m.arg(100); {
	case op < 55:
		return m.push()
	case op < 65:
		return m.swap()
	case op < 72:
		return m.settle()
	case op < 75:
		return m.split()
	case op < 78:
		return m.compact()
	case op < 83:
		return m.restore()
	case op < 89:
		return m.due()
	case op < 92:
		return m.wakeUp()
	case op < 95:
		return m.wait()
	case op < 97:
		return m.giveUp()
	case op < 98:
		return m.discard()
	case op == 98:
		if m.arg(4) == 0 {
			return m.close()
		}
		return m.encode()
	default:
		if m.arg(12) == 0 {
			return m.abandon()
		}
		return m.push()
	}
}

func (m *ringModel) push() string {
	var size int
	switch m.arg(8) {
	default:
		size = m.arg(300)
	case 0:
		size = m.arg(ownBlockBytes) // a few of them fill a block
	case 1:
		size = ownBlockBytes - 2 + m.arg(5)
	case 2:
		size = m.arg(m.p.maxBytes + m.p.maxBytes/8 + 2)
	}
	urgent := m.arg(20) == 0
	m.pushed++
	rec := bytes.Repeat(strconv.AppendInt([]byte("<"), int64(m.pushed), 10), size/2+1)[:size]

	before := time.Now()
	given := bytes.Clone(rec)
	quiet := m.pushed%7 == 0 // wakes nobody
	m.p.put(given, urgent, !quiet)
	for i := range given {
		given[i] = '!' // the caller's buffer is the caller's again
	}
	after := time.Now()

	m.accepted++
	step := fmt.Sprintf("push of %d bytes, urgent %v", size, urgent)
	switch {
	case m.closed:
		m.lost[closed]++
		return step
	case size > m.p.maxBytes:
		m.lost[tooLarge]++
	default:
		for len(m.pending) >= m.p.maxRecords || size+textBytes(m.pending) > m.p.maxBytes {
			m.drop(m.pending[:1], overflow)
			m.setPending(m.pending[1:])
		}
		r := modelRecord{seq: m.next, text: rec}
		m.next++
		m.pending = append(slices.Clip(m.pending), r)

		full := false
		if len(m.partial) > 0 && m.estimate(m.partial)+size+m.p.extra > m.p.batchBytes {
			m.partial, full = nil, true
		}
		m.partial = append(slices.Clip(m.partial), r)
		if len(m.partial) == m.p.batchRecords || m.estimate(m.partial) >= m.p.batchBytes {
			m.partial, full = nil, true
		}
		if len(m.partial) == 1 {
			if m.born = m.p.born; m.born.Before(before) || m.born.After(after) {
				m.t.Errorf("the batch began at %v, want within %v and %v", m.born, before, after)
			}
		}
		if urgent {
			m.urgentBelow = m.next
		}
		if !quiet && (m.asleep == idle || m.asleep == lingering && (full || urgent)) {
			m.wake()
		}
	}
	return step
}

func (m *ringModel) wake() { m.asleep, m.token = awake, true }

// encode notes what records in flight came to when they were encoded, some of them
// cut: these count as such once they are settled.
func (m *ringModel) encode() string {
	if len(m.flight) == 0 {
		return "encode of nothing"
	}
	f := m.flight[m.arg(len(m.flight))]
	var cut []span
	i := 0
	for _, s := range f.spans {
		for at := s.from; at < s.to; at++ {
			if m.arg(5) == 0 {
				cut = append(cut, span{s.b, at, at + 1})
				f.want[i].cut = true
			}
			i++
		}
	}
	m.p.noteEncoded(f.piece, m.arg(4*f.bytes+1), cut)
	return fmt.Sprintf("encode of %d", f.records)
}

// setPending replaces what is pending by the rest of it. The newest batch loses
// what left at the front.
func (m *ringModel) setPending(records []modelRecord) {
	m.pending = records
	for len(m.partial) > 0 && (len(records) == 0 || m.partial[0].seq < records[0].seq) {
		m.partial = m.partial[1:]
	}
}

// drop books records as lost.
func (m *ringModel) drop(records []modelRecord, why reason) { m.book(records, len(records), why) }

// book books the first failed of records as lost, the rest as delivered.
func (m *ringModel) book(records []modelRecord, failed int, why reason) {
	for i, r := range records {
		if i < failed {
			m.lost[why]++
		} else {
			m.delivered++
		}
		if r.cut {
			m.cut++
		}
		for _, w := range m.waiters {
			if w.seqs[r.seq] && !w.gone {
				delete(w.seqs, r.seq)
				if i < failed {
					w.lost[why]++
				}
			}
		}
	}
}

// swap may come while something is in flight.
func (m *ringModel) swap() string {
	batch := m.p.swap()
	n, size := 0, 0
	for n < len(m.pending) && n < m.p.batchRecords {
		if size += len(m.pending[n].text) + m.p.extra; n > 0 && size > m.p.batchBytes {
			break
		}
		n++
	}
	want := m.pending[:n:n]
	m.setPending(m.pending[n:])
	step := fmt.Sprintf("swap of %d", n)
	if batch.records == 0 {
		if n > 0 {
			m.t.Errorf("swap took nothing, want %d", n)
		}
		return step
	}
	m.flight = append(m.flight, flightPiece{batch, slices.Clone(want)})
	return step
}

// take takes any piece out of what is in flight.
func (m *ringModel) take() (f flightPiece, i int, ok bool) {
	if len(m.flight) == 0 {
		return f, 0, false
	}
	i = m.arg(len(m.flight))
	f = m.flight[i]
	m.flight = slices.Delete(slices.Clone(m.flight), i, i+1)
	return f, i, true
}

func (m *ringModel) settle() string {
	f, _, ok := m.take()
	if !ok {
		return "settle of nothing"
	}
	failed, why := 0, rejected
	switch m.arg(4) {
	case 0:
		failed, why = f.records, tooLarge
	case 1:
		failed = m.arg(f.records + 1)
	}
	m.p.settle(f.piece, failed, why)
	if !m.ended {
		m.book(f.want, failed, why)
	}
	return fmt.Sprintf("settle of %d, %d failed", f.records, failed)
}

func (m *ringModel) split() string {
	f, at, ok := m.take()
	if !ok {
		return "split of nothing"
	}
	n := m.arg(f.records + 1)
	front, back := f.split(n)
	var parts []flightPiece
	if n > 0 {
		parts = append(parts, flightPiece{front, f.want[:n:n]})
	}
	if n < f.records {
		parts = append(parts, flightPiece{back, f.want[n:]})
	}
	m.flight = slices.Insert(m.flight, at, parts...)
	return fmt.Sprintf("split of %d after %d", f.records, n)
}

func (m *ringModel) compact() string {
	f, at, ok := m.take()
	if !ok {
		return "compact of nothing"
	}
	out := m.p.compact(f.piece)
	for i := range f.want {
		f.want[i].cut = false // it is encoded again
	}
	m.flight = slices.Insert(m.flight, at, flightPiece{out, f.want})
	if out.records != f.records || out.bytes != f.bytes {
		m.t.Errorf("compact made %d records and %d bytes of %d and %d", out.records, out.bytes, f.records, f.bytes)
	}
	if len(out.spans) != 1 {
		m.t.Errorf("compact made %d spans, want 1", len(out.spans))
	}
	return fmt.Sprintf("compact of %d", f.records)
}

func (m *ringModel) restore() string {
	var pieces []piece
	var want []modelRecord
	for _, f := range m.flight {
		pieces = append(pieces, f.piece)
		want = append(want, f.want...)
	}
	m.flight = nil
	m.p.restore(join(pieces...))
	if m.ended {
		return "restore after the end"
	}
	m.pending = append(want, m.pending...)
	for len(m.pending) > m.p.maxRecords || textBytes(m.pending) > m.p.maxBytes {
		m.drop(m.pending[:1], overflow)
		m.setPending(m.pending[1:])
	}
	return fmt.Sprintf("restore of %d", len(want))
}

func (m *ringModel) due() string {
	now := m.born.Add([]time.Duration{0, m.p.interval - 1, m.p.interval, m.p.interval + 1, -time.Hour}[m.arg(5)])
	got, held := m.p.due(now)
	want := time.Duration(0)
	m.asleep = awake
	switch {
	case len(m.pending) == 0:
		m.asleep = idle
	case m.closed, len(m.pending) > len(m.partial), m.pending[0].seq < m.urgentBelow:
	default:
		if d := m.born.Add(m.p.interval).Sub(now); d > 0 {
			want, m.asleep = d, lingering
		}
	}
	if got != want || held != (len(m.pending) > 0) {
		m.t.Errorf("due is %v, %v, want %v, %v", got, held, want, len(m.pending) > 0)
	}
	return fmt.Sprintf("due: %v, %v", got, held)
}

func (m *ringModel) wakeUp() string {
	select {
	case <-m.p.wake:
	default:
	}
	m.token = false
	return "wake-up"
}

func (m *ringModel) wait() string {
	held := slices.Clone(m.pending)
	if !m.ended {
		for _, f := range m.flight {
			held = append(held, f.want...)
		}
	}
	w := m.p.wait()
	if (w != nil) != (len(held) > 0) {
		m.t.Fatalf("wait returned %v with %d held", w, len(held))
	}
	if w == nil {
		return "wait for nothing"
	}
	mw := &modelWaiter{w: w, seqs: map[uint64]bool{}, limit: m.next}
	for _, r := range held {
		mw.seqs[r.seq] = true
	}
	m.waiters = append(m.waiters, mw)
	m.urgentBelow = m.next
	if m.asleep == lingering || m.asleep == idle && len(m.pending) > 0 {
		m.wake()
	}
	return fmt.Sprintf("wait for %d", len(held))
}

func (m *ringModel) giveUp() string {
	if len(m.waiters) == 0 {
		return "nobody gives up"
	}
	w := m.waiters[m.arg(len(m.waiters))]
	got := m.p.giveUp(w.w)
	if want := droppedOf(w.lost); got.Dropped != want || got.Unsent != int64(len(w.seqs)) {
		m.t.Errorf("giveUp returned lost %v, left %d, want %v, %d", got.Dropped, got.Unsent, want, len(w.seqs))
	}
	w.gone = true
	return "giveUp"
}

func (m *ringModel) discard() string {
	n := m.p.discard()
	if n != len(m.pending) {
		m.t.Errorf("discard returned %d, want %d", n, len(m.pending))
	}
	if m.closed {
		m.wake() // Shutdown looks again
	}
	m.drop(m.pending, discarded)
	m.setPending(nil)
	return fmt.Sprintf("discard of %d", n)
}

func (m *ringModel) close() string {
	m.p.close()
	m.closed = true
	return "close, " + m.due() // as Shutdown has the batcher do
}

func (m *ringModel) abandon() string {
	m.p.close() // as Shutdown does first
	m.closed = true
	want := int64(len(m.pending))
	m.drop(m.pending, shutdown)
	m.setPending(nil)
	if !m.ended {
		for _, f := range m.flight {
			want += int64(f.records)
			for i := range f.want {
				f.want[i].cut = false // what becomes of it is not known
			}
			m.drop(f.want, shutdown)
		}
	}
	m.ended = true
	if n := m.p.abandon().Unsent; n != want {
		m.t.Errorf("abandon returned %d, want %d", n, want)
	}
	return fmt.Sprintf("abandon of %d", want)
}

// estimate is how long records are expected to be once they are encoded.
func (m *ringModel) estimate(records []modelRecord) int {
	return textBytes(records) + len(records)*m.p.extra
}

func textBytes(records []modelRecord) (n int) {
	for _, r := range records {
		n += len(r.text)
	}
	return n
}

// check compares all there is to compare.
func (m *ringModel) check(step string) {
	m.t.Helper()
	p, s := m.p, m.p.stats()
	inFlight := 0
	if !m.ended {
		for _, f := range m.flight {
			inFlight += len(f.want)
		}
	}
	if s.Accepted != s.Delivered+s.Dropped.Total()+s.Pending+s.InFlight {
		m.t.Errorf("the books do not balance: %+v", s)
	}
	if s.Accepted != m.accepted || s.Delivered != m.delivered || s.Dropped != droppedOf(m.lost) || s.Cut != m.cut {
		m.t.Errorf("accepted %d, delivered %d, cut %d, dropped %v; want %d, %d, %d, %v",
			s.Accepted, s.Delivered, s.Cut, s.Dropped, m.accepted, m.delivered, m.cut, droppedOf(m.lost))
	}
	if s.Pending != int64(len(m.pending)) || s.InFlight != int64(inFlight) || p.length() != len(m.pending) {
		m.t.Errorf("%d pending, %d in flight, want %d, %d", s.Pending, s.InFlight, len(m.pending), inFlight)
	}
	if p.bytes != textBytes(m.pending) || p.bytes > p.maxBytes || p.records > p.maxRecords {
		m.t.Errorf("%d records and %d bytes are pending, want %d bytes, at most %d and %d",
			p.records, p.bytes, textBytes(m.pending), p.maxRecords, p.maxBytes)
	}
	if p.partial != len(m.partial) || p.partialBytes != textBytes(m.partial) {
		m.t.Errorf("the newest batch has %d records and %d bytes, want %d and %d",
			p.partial, p.partialBytes, len(m.partial), textBytes(m.partial))
	}
	if len(m.partial) > 0 && !p.born.Equal(m.born) {
		m.t.Errorf("the newest batch began at %v, want %v", p.born, m.born)
	}
	if p.asleep != m.asleep || (len(p.wake) == 1) != m.token {
		m.t.Errorf("asleep %d with %d tokens, want %d, %v", p.asleep, len(p.wake), m.asleep, m.token)
	}

	live := map[*block]int{}
	queue := piece{}
	for i := range p.queue.n {
		queue.add(*p.queue.at(i))
		if i > 0 && adjacent(*p.queue.at(i - 1), *p.queue.at(i)) {
			m.t.Errorf("two spans of the queue could be one")
		}
	}
	m.checkPiece(queue, m.pending, live)
	for _, f := range m.flight {
		m.checkPiece(f.piece, f.want, live)
	}
	if !m.ended {
		m.checkBlocks(live)
	}
	m.checkWaiters()
	if m.t.Failed() {
		m.t.Logf("after %s", step)
	}
}

func adjacent(a, b span) bool { return a.b == b.b && a.to == b.from }

// checkPiece compares records byte for byte, as the sender reads them.
func (m *ringModel) checkPiece(pc piece, want []modelRecord, live map[*block]int) {
	m.t.Helper()
	var all []byte
	i := 0
	for _, s := range pc.spans {
		live[s.b] += s.len()
		all = append(all, dataOf(s)...)
		for k := s.from; k < s.to; k++ {
			one := span{s.b, k, k + 1}
			if i >= len(want) || one.firstSeq() != want[i].seq || !bytes.Equal(dataOf(one), want[i].text) {
				m.t.Errorf("record %d of %d is %d: %.40q", i, len(want), one.firstSeq(), dataOf(one))
				return
			}
			i++
		}
	}
	if i != len(want) || pc.records != len(want) || pc.bytes != textBytes(want) || len(all) != pc.bytes {
		m.t.Errorf("%d records and %d bytes, want %d and %d", i, len(all), len(want), textBytes(want))
	}
}

// checkBlocks: each block is either in use, and knows how many of its records
// are, or it waits to be used again.
func (m *ringModel) checkBlocks(live map[*block]int) {
	m.t.Helper()
	p := m.p
	held := 0
	if p.open != nil && live[p.open] == 0 {
		live[p.open] = 0
	}
	for b, n := range live {
		if b.live != n {
			m.t.Errorf("a block has %d live records, want %d", b.live, n)
		}
		held += b.cost()
		if len(b.page) == blockBytes {
			m.shared[b] = true
		}
	}
	if p.held != held {
		m.t.Errorf("%d bytes are held, want %d", p.held, held)
	}
	free := map[*block]bool{}
	for _, b := range p.free.blocks {
		_, used := live[b]
		if used || free[b] || b.live != 0 || b.n != 0 || b.used != 0 || len(b.page) != blockBytes {
			m.t.Errorf("a free block is not free: used %v, twice %v, %d live", used, free[b], b.live)
		}
		free[b] = true
	}
	if len(free) > keptBlocks && held+len(free)*blockBytes > p.maxHeld {
		m.t.Errorf("%d blocks are kept for later beside %d bytes held, want %d together", len(free), held, p.maxHeld)
	}
	for b := range m.shared {
		if _, used := live[b]; !used && !free[b] && len(free) < keptBlocks {
			m.t.Errorf("a block was lost")
			delete(m.shared, b)
		}
	}
}

func (m *ringModel) checkWaiters() {
	m.t.Helper()
	waiting := 0
	for _, w := range m.waiters {
		if w.gone {
			continue
		}
		select {
		case <-w.w.done:
			if len(w.seqs) > 0 {
				m.t.Errorf("a waiter is done, but %d of its records are held", len(w.seqs))
			}
		default:
			if len(w.seqs) == 0 {
				m.t.Errorf("a waiter is not done, but none of its records is held")
			}
		}
		if w.w.left != int64(len(w.seqs)) || w.w.lost != w.lost {
			m.t.Errorf("a waiter waits for %d, lost %v, want %d, %v", w.w.left, w.w.lost, len(w.seqs), w.lost)
		}
		if len(w.seqs) > 0 {
			waiting++
		}
	}
	if len(m.p.waiters) != waiting {
		m.t.Errorf("%d waiters are kept, want %d", len(m.p.waiters), waiting)
	}
}

// Producers, waiters, a reader of the books and one who discards, all at once,
// around a consumer that reads what is in flight without the lock, as the
// sender does. Nothing is overwritten while it is in flight, nobody waits for
// ever, and what comes out is in order.
func TestRingIsSharedSafely(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		s    settings
	}{
		{"roomy", queueSettings(1<<20, 1<<28, 200, 1<<16)},
		{"narrow in records", queueSettings(64, 1<<20, 16, 1<<14)},
		{"narrow in bytes", queueSettings(1<<20, 40_000, 1<<10, 10_000)},
		{"one by one", queueSettings(1000, 1<<20, 1, 1<<14)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.s.FlushInterval = 100 * time.Microsecond
			shareRing(t, newPending(c.s))
		})
	}
}

func shareRing(t *testing.T, p *pending) {
	const producers = 8
	each := 2000
	if raceDetector {
		each = 400
	}
	var producing, watching sync.WaitGroup
	var logged atomic.Int64
	for g := range producers {
		producing.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 2))
			for n := range each {
				p.push(ringRecord(rnd, g, n), rnd.IntN(50) == 0)
				logged.Add(1)
				if rnd.IntN(100) == 0 {
					if w := p.wait(); w != nil {
						select {
						case <-w.done:
						case <-time.After(time.Duration(rnd.IntN(5)) * time.Millisecond):
						}
						e := p.giveUp(w)
						if total := e.Dropped.Total() + e.Unsent; total < 0 || total > int64(producers*each) {
							t.Errorf("a waiter lost or awaits %d", total)
						}
					}
				}
			}
		})
	}
	end := make(chan struct{})
	watching.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-end:
				return
			case <-time.After(50 * time.Microsecond):
			}
			if s := p.stats(); s.Accepted != s.Delivered+s.Dropped.Total()+s.Pending+s.InFlight {
				t.Errorf("the books do not balance: %+v", s)
			}
			if n%100 == 99 {
				p.discard()
			}
		}
	})

	consumed := make(chan ringConsumer)
	closed := make(chan struct{})
	go func() { consumed <- consumeRing(t, p, closed) }()

	producing.Wait()
	close(end)
	watching.Wait()
	if w := p.wait(); w != nil { // nobody pushes or discards any more: this must be enough
		select {
		case <-w.done:
		case <-time.After(time.Minute):
			t.Error("the last records were never taken")
		}
	}
	p.close()
	close(closed)
	c := <-consumed

	s := p.stats()
	if s.Accepted != int64(producers*each) || s.Pending != 0 || s.InFlight != 0 || s.Delivered != int64(len(c.delivered)) ||
		s.Accepted != s.Delivered+s.Dropped.Total() || s.Dropped.Rejected != c.rejected {
		t.Errorf("at the end: %+v; %d were delivered, %d rejected", s, len(c.delivered), c.rejected)
	}
	if p.bytes != 0 || p.held > blockBytes+1024 || len(p.waiters) != 0 {
		t.Errorf("at the end %d bytes are pending, %d held, %d waiters", p.bytes, p.held, len(p.waiters))
	}
}

// ringRecord is a record that says where it comes from, and is recognized when
// a byte of it is wrong.
func ringRecord(rnd *rand.Rand, g, n int) []byte {
	size := 40 + rnd.IntN(100)
	switch rnd.IntN(60) {
	case 0:
		size = ownBlockBytes + rnd.IntN(2000)
	case 1:
		size = ownBlockBytes / 2
	}
	rec := fmt.Appendf(make([]byte, 0, size), "%016d %02d %06d %06d ", 0, g, n, size)
	for len(rec) < size {
		rec = append(rec, byte('a'+(g+n)%26))
	}
	return rec
}

// ringConsumer is what a consumer remembers.
type ringConsumer struct {
	delivered map[[2]int]bool
	deferred  map[[2]int]bool
	newest    map[int]int // by producer: the newest one delivered, deferred ones left aside
	rejected  int64
}

// read reads a piece as the sender does, and returns what records are in it.
func (c *ringConsumer) read(t *testing.T, pc piece) (all [][2]int) {
	var last uint64
	for _, s := range pc.spans {
		if len(dataOf(s)) != s.bytes() {
			t.Errorf("%d bytes, want %d", len(dataOf(s)), s.bytes())
		}
		for i := s.from; i < s.to; i++ {
			rec := s.b.record(i)
			g, _ := strconv.Atoi(string(rec[17:19]))
			n, _ := strconv.Atoi(string(rec[20:26]))
			size, _ := strconv.Atoi(string(rec[27:33]))
			if seq := s.b.seq(i); len(all) > 0 && seq <= last {
				t.Errorf("sequence number %d after %d", seq, last)
			}
			last = s.b.seq(i)
			if size != len(rec) || len(bytes.Trim(rec[34:], string(rune('a'+(g+n)%26)))) > 0 {
				t.Errorf("a record of %d bytes is %d long: %.80q", size, len(rec), rec)
			}
			all = append(all, [2]int{g, n})
		}
	}
	return all
}

func (c *ringConsumer) deliver(t *testing.T, pc piece) {
	for _, r := range c.read(t, pc) {
		if c.delivered[r] {
			t.Errorf("record %v was delivered twice", r)
		}
		c.delivered[r] = true
		if c.deferred[r] {
			continue
		}
		if newest, ok := c.newest[r[0]]; ok && newest >= r[1] {
			t.Errorf("record %v was delivered after %d", r, newest)
		}
		c.newest[r[0]] = r[1]
	}
}

// consumeRing is a batcher: it waits as that does, and its backend answers by
// chance. Once closed it takes what is left.
func consumeRing(t *testing.T, p *pending, closed chan struct{}) ringConsumer {
	rnd := rand.New(rand.NewPCG(3, 3))
	c := ringConsumer{delivered: map[[2]int]bool{}, deferred: map[[2]int]bool{}, newest: map[int]int{}}
	for {
		wait, held := p.due(time.Now())
		if !held || wait > 0 {
			var expired <-chan time.Time
			if held {
				expired = time.After(wait)
			}
			select {
			case <-p.wake:
			case <-expired:
			case <-closed:
				if !held {
					return c
				}
			}
			continue
		}
		pc := p.swap()
		if pc.records == 0 {
			continue // discarded meanwhile
		}
		before := c.read(t, pc)
		if rnd.IntN(3) == 0 {
			time.Sleep(time.Duration(rnd.IntN(100)) * time.Microsecond)
		}
		if after := c.read(t, pc); !slices.Equal(after, before) {
			t.Error("what is in flight was overwritten")
		}
		front, back := pc.split(rnd.IntN(pc.records + 1))
		switch rnd.IntN(6) {
		case 0: // a failed attempt
			p.restore(pc)
		case 1: // half of it is accepted, the rest not answered
			c.deliver(t, front)
			p.settle(front, 0, rejected)
			p.restore(back)
		case 2: // half of it is accepted, the rest refused
			c.deliver(t, front)
			p.settle(front, 0, rejected)
			c.rejected += int64(back.records)
			p.settle(back, back.records, rejected)
		case 3: // half of it is wanted again later
			for _, r := range c.read(t, front) {
				c.deferred[r] = true
			}
			again := p.compact(front)
			c.deliver(t, back)
			p.settle(back, 0, rejected)
			p.restore(again)
		default:
			c.deliver(t, pc)
			p.settle(pc, 0, rejected)
		}
	}
}

// A producer that takes the last free block makes the next one, but not after the
// end.
func TestRingStocksBlocks(t *testing.T) {
	p := newPending(queueSettings(1<<20, 64<<20, 1<<20, 1<<20))
	blocks := map[*block]bool{}
	for len(blocks) < 10 {
		p.push(make([]byte, 1000), false)
		blocks[p.open] = true
		if n := len(p.free.blocks); n != 1 {
			t.Fatalf("beside %d blocks in use %d are free, want 1", len(blocks), n)
		}
	}
	p.close()
	p.abandon()
	p.stock()
	if len(p.free.blocks) != 0 || p.open != nil || p.held != 0 {
		t.Errorf("after the end %d blocks are kept", len(p.free.blocks))
	}
}

// What a burst took is kept for the next one, within the bound, and given back
// when none came for a while.
func TestRingKeepsWhatABurstTook(t *testing.T) {
	const size = 16 << 20
	p := newPending(queueSettings(1<<20, size, 1<<20, size))
	now := time.Now()
	burst := func(bytes int) {
		for n := 0; n < bytes; n += 1000 {
			p.push(make([]byte, 1000), false)
		}
		p.discard()
		now = now.Add(time.Second)
		p.due(now)
	}
	want := func(step string, least, most int) {
		t.Helper()
		if n := len(p.free.blocks) * blockBytes; n < least || n > most {
			t.Errorf("%s: %d bytes wait for their next use, want %d to %d", step, n, least, most)
		}
	}
	burst(size / 2)
	first := p.free.blocks[0]
	for range 30 {
		burst(size / 2)
		want("bursts", size/2, size/2+size/4)
	}
	if !slices.Contains(append(p.free.blocks, p.open), first) {
		t.Error("blocks were made for a burst though there were some")
	}
	for range 30 {
		burst(1000)
	}
	want("no burst", keptBlocks*blockBytes, keptBlocks*blockBytes)

	burst(size)
	for range 2 * size / (1 << 20) { // in blocks of their own, which are not kept
		p.push(make([]byte, 1<<20), false)
		if n := p.held + len(p.free.blocks)*blockBytes; n > p.maxHeld+keptBlocks*blockBytes {
			t.Fatalf("with long records, blocks of %d bytes are held or kept, want at most %d", n, p.maxHeld+keptBlocks*blockBytes)
		}
	}
}

// Bounds that are as good as none do not overflow.
func TestRingWithoutBounds(t *testing.T) {
	p := newPending(queueSettings(math.MaxInt, math.MaxInt, math.MaxInt/2, math.MaxInt/2))
	for range 1000 {
		p.push(make([]byte, 300), false)
	}
	if n := p.swap(); n.records != 1000 {
		t.Errorf("of 1000 records %d are left", n.records)
	}
}

// What records came to lately says when a batch is full.
func TestRingEstimatesWhatIsEncoded(t *testing.T) {
	p := newPending(queueSettings(1<<20, 64<<20, 1<<20, 64_000))
	rec := make([]byte, 100)
	full := func() (n int) { // records until a batch is full
		p.due(time.Now())
		for p.due(time.Now()); len(p.wake) == 0; n++ {
			p.push(rec, false)
			if n == 0 {
				<-p.wake // it was idle
				p.due(time.Now())
			}
		}
		<-p.wake
		if batch := p.swap(); batch.records < n-1 || batch.records > n {
			t.Errorf("a batch has %d records, was full with %d", batch.records, n)
		}
		p.discard()
		return n
	}
	const room = 63_000
	if n := full(); n != (room+100+firstGrowth-1)/(100+firstGrowth) && n != room/(100+firstGrowth)+1 {
		t.Errorf("the first batch is full with %d records", n)
	}
	for _, extra := range []int{150, 0, 50} {
		var pc piece
		pc.records, pc.bytes = 1000, 100_000
		for range 20 {
			p.noteEncoded(pc, pc.bytes+1000*extra, nil)
		}
		if n, want := full(), room/(100+extra); n < want || n > want+1 {
			t.Errorf("with %d bytes more a batch is full with %d records, want %d", extra, n, want)
		}
	}
	p.noteEncoded(piece{records: 1000, bytes: 100_000}, 1000, nil) // shorter than captured
	if p.extra < 0 {
		t.Errorf("a record has %d bytes more", p.extra)
	}
}
