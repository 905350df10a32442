package slogship

// inflight is the one unacknowledged batch. Pieces are cut off its front, so that
// what is delivered is delivered in order; what is not settled goes back.
//
//	later    [ x | y ]     deferred by a per-record answer
//	refused  [ r | s ]     refused alone (400, 413): dropped as soon as another record is taken
//	failed   [ f ]         got a 500 alone: set aside as soon as another record is taken
//	todo     [ a b c ... ] to be sent, oldest first
//
// Every record of the batch is in one of them, or sent, or in the toss under way,
// until it is settled in pending's books. It is owned by the batcher's goroutine.
type inflight struct {
	p       *pending
	todo    piece
	later   piece
	refused []refusal
	failed  piece

	taken    bool // the server took a record of it
	settled  bool // something in it has its final answer
	rejected int  // records dropped as rejected or too large
}

// A refusal is a record that was refused alone, and on which judgement waits.
type refusal struct {
	piece
	why     reason
	suspect *suspect // it was set aside
}

// cut takes the next piece from the front of todo.
func (f *inflight) cut(maxRecords int) (pc piece) {
	pc, f.todo = f.todo.split(max(maxRecords, 1))
	return pc
}

// pick takes the i-th record out of todo.
func (f *inflight) pick(i int) (pc piece) {
	pc, f.todo = f.todo.pick(i)
	return pc
}

// putBack has pc sent again.
func (f *inflight) putBack(pc piece) { f.todo = join(pc, f.todo) }

// drop gives up a piece.
func (f *inflight) drop(pc piece, why reason) {
	if f.p.dropped != nil {
		f.p.dropped(pc, why) // as long as its memory is its own
	}
	f.p.settle(pc, pc.records, why)
	f.settled = true
	f.rejected += pc.records
}

// refuse keeps a record that was refused alone until another one is taken.
func (f *inflight) refuse(pc piece, why reason, s *suspect) {
	f.refused = append(f.refused, refusal{pc, why, s})
}

// took notes that the server took a record: it is the witness against those that
// it did not take.
func (f *inflight) took() {
	f.taken = true
	for _, r := range f.refused {
		f.drop(r.piece, r.why)
	}
	f.refused = nil
	if f.failed.records > 0 {
		f.p.setAside(f.failed)
		f.failed = piece{}
	}
}

// restore puts what has no final answer back, and reports whether there was any.
func (f *inflight) restore() bool {
	all := []piece{f.later, f.failed, f.todo}
	for _, r := range f.refused {
		if r.suspect != nil {
			f.p.putAside(*r.suspect, false)
			continue
		}
		all = append(all, r.piece)
	}
	f.later, f.failed, f.todo, f.refused = piece{}, piece{}, piece{}, nil
	rest := join(all...)
	f.p.restore(rest)
	return rest.records > 0
}
