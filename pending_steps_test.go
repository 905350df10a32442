package slogship

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"
)

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
