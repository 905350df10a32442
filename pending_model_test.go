package slogship

import (
	"encoding/binary"
	"testing"
	"time"
)

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

func (m *ringModel) wake() { m.asleep, m.token = awake, true }

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
