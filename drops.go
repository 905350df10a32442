package slogship

import "github.com/slogship/slogship/internal/jsontext"

// drops tells Options.OnDrop which records are lost. The batcher's goroutine uses it
// and, after that has ended, Shutdown's.
type drops struct {
	onDrop  func(reason string, e *Event)
	encoder *encoder
}

// tell calls onDrop for each record of pc, whose blocks must not have been released.
func (d *drops) tell(pc piece, why reason) {
	if why == corrupt {
		return // only another version can decode them
	}
	for _, s := range pc.spans {
		d.encoder.from(s.b.origin)
		for i := s.from; i < s.to; i++ {
			d.tellOne(s.b.record(i), s.b.seq(i), reasonNames[why])
		}
	}
	d.encoder.release()
}

// tellOne calls onDrop, in a goroutine of its own: it is the user's, and may panic,
// or end its goroutine.
func (d *drops) tellOne(captured []byte, seq uint64, why string) {
	defer func() { _ = recover() }()
	e := d.encoder
	e.captured = captured
	jsontext.AppendHex(e.id[:prefixDigits], seq)
	contain(func() { d.onDrop(why, e.decode()) })
}

var reasonNames = [reasons]string{
	overflow: "overflow", rejected: "rejected", tooLarge: "too_large",
	discarded: "discarded", closed: "closed", shutdown: "shutdown", expired: "expired", corrupt: "corrupt",
}

// held is the records that are still in flight: neither settled nor back in pending.
func (j *judge) held() piece {
	all := []piece{j.todo, j.later, j.failed, j.out}
	for _, r := range j.refused {
		all = append(all, r.piece)
	}
	for i, part := range j.toss.parts {
		if i >= j.toss.sent || part.suspect != nil && part.fate == crashed {
			all = append(all, part.piece)
		}
	}
	return join(all...)
}
