package slogship

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/slogship/slogship/internal/jsontext"
)

// lossMessage is the message of Options.LossRecord.
const lossMessage = "slogship: records lost"

// reportBytes is the room that a body keeps for a report.
const reportBytes = 1 << 10

// losses is what pending notes for Options.LossRecord: when records were dropped that
// no report tells of. It is guarded by pending.mu.
type losses struct {
	kept     bool // somebody wants to know
	from, to time.Time
	told     [reasons]int64 // of pending.lost
}

func (l *losses) note() {
	if !l.kept {
		return
	}
	l.to = time.Now()
	if l.from.IsZero() {
		l.from = l.to
	}
}

// A lossReport tells of records that were dropped.
type lossReport struct {
	id       string
	lost     Dropped
	from, to time.Time
	made     time.Time
}

// event is the report as an event, which the Format may change.
func (r *lossReport) event() *Event {
	var why []slog.Attr
	for reason, n := range r.lost.All() {
		if n > 0 {
			why = append(why, slog.Int64(reason, n))
		}
	}
	return &Event{
		ID: r.id, Time: r.made, Observed: r.made, Level: slog.LevelWarn, Message: lossMessage,
		Attrs: []slog.Attr{
			slog.Int64("lost", r.lost.Total()),
			{Key: "dropped", Value: slog.GroupValue(why...)},
			slog.Time("from", r.from), slog.Time("to", r.to),
		},
	}
}

// takeLosses returns a report of what was dropped since the last one, or nil. What is
// logged after Shutdown, or left by it, is nobody's to tell.
func (p *pending) takeLosses() *lossReport {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &p.losses
	since := p.lost
	for why := range since {
		since[why] -= l.told[why]
	}
	since[closed], since[shutdown] = 0, 0
	r := &lossReport{lost: droppedOf(since), from: l.from, to: l.to, made: time.Now()}
	if r.lost.Total() == 0 {
		return nil
	}
	if r.from.IsZero() { // dropped before it was pending: it was too large
		r.from, r.to = r.made, r.made
	}
	l.told, l.from, l.to = p.lost, time.Time{}, time.Time{}
	return r
}

// lossReporter has one report at a time go out, with a body, until that is
// acknowledged. It is owned by the batcher's goroutine.
type lossReporter struct {
	p       *pending
	off     bool
	id      [prefixDigits + sequenceDigits]byte
	made    uint64      // reports
	pending *lossReport // to be sent
}

func newLossReporter(p *pending, o settings) lossReporter {
	r := lossReporter{p: p, off: !o.LossRecord || o.BatchRecords == 1}
	p.losses.kept = !r.off
	if !r.off {
		var prefix [prefixDigits / 2]byte
		rand.Read(prefix[:]) // never fails, as its documentation says
		hex.Encode(r.id[:], prefix[:])
	}
	return r
}

// due returns the report that the next body is to carry, or nil. While a bad record is
// searched for, nothing is added to what is sent.
func (r *lossReporter) due(j *judge) *lossReport {
	if r.off || j.alone || j.probing || j.window > 0 || j.toss.next() != nil || len(j.refused) > 0 {
		return nil
	}
	if r.pending == nil {
		if r.pending = r.p.takeLosses(); r.pending != nil {
			r.made++
			jsontext.AppendHex(r.id[:prefixDigits], r.made)
			r.pending.id = string(r.id[:])
		}
	}
	return r.pending
}

// answered takes the report out of a verdict on a body that carried one, after so many
// records. It was told if the body was taken, and is not sent again if that was
// refused: it may be what the server does not like.
func (r *lossReporter) answered(v Verdict, records int) Verdict {
	switch v.Action {
	case Accept:
		if len(v.Outcomes) > records && v.Outcomes[records] >= Resend {
			break // it alone is to come again
		}
		r.pending = nil
	case Retry, Hold:
	default:
		r.pending = nil
	}
	if len(v.Outcomes) > records {
		v.Outcomes = v.Outcomes[:records]
	}
	v.Refused = min(v.Refused, records)
	return v
}

// encodeWith is encode for a body that carries a report as well.
func (e *encoder) encodeWith(pc piece, room int, r *lossReport) *body {
	e.report = r
	defer func() { e.report = nil }()
	return e.encode(pc, room)
}

// appendReport appends the report to the events of b, if the Format takes it.
func (e *encoder) appendReport(b *body) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	dst := e.text.buf
	dst = append(dst, e.layout.Separator...)
	out, _, fits := e.shortener.appendCut(dst, e.format, min(e.maxRecord, reportBytes), e.reported)
	if !fits || len(out) < len(dst) {
		return false
	}
	b.report = e.report
	b.encoded += len(out) - len(e.text.buf)
	e.text.buf = out
	return true
}

// reported is decode for the report.
func (e *encoder) reported() *Event {
	event := e.report.event()
	e.reserved.rename(event.Attrs)
	return event
}
