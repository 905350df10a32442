package slogship

// inflight is the batch that is not acknowledged yet. Pieces are taken from its front,
// so that records are delivered in order. Records that are not settled in the end go
// back to pending.
//
//	later    [ x | y ]     deferred by a per-record answer
//	refused  [ r | s ]     refused alone (400, 413): dropped as soon as another record is taken
//	failed   [ f ]         got a 500 alone: set aside as soon as another record is taken
//	todo     [ a b c ... ] to be sent, oldest first
//
// Until a record of the batch is settled in pending, it is in one of these lists, in
// the request being sent, or in the current toss. inflight is owned by the batcher's
// goroutine.
type inflight struct {
	p       *pending
	todo    piece
	later   piece
	refused []refusal
	failed  piece

	taken    bool // the server took a record of it
	settled  bool // a record of it has its final answer
	rejected int  // records dropped as rejected or too large
}

// A refusal is a record that was refused alone. Whether it is dropped is not decided
// yet.
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

// drop drops a piece, counted under why.
func (f *inflight) drop(pc piece, why reason) {
	if f.p.dropped != nil {
		f.p.dropped(pc, why) // before settle, which frees its memory
	}
	f.p.settle(pc, pc.records, why)
	f.settled = true
	f.rejected += pc.records
}

// refuse keeps a record that was refused alone until another one is taken.
func (f *inflight) refuse(pc piece, why reason, s *suspect) {
	f.refused = append(f.refused, refusal{pc, why, s})
}

// took notes that the server took a record. This proves that the server works, so that
// the records it refused or failed on are to blame.
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

// restore puts records without a final answer back into pending, and reports whether
// there were any.
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
