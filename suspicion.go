package slogship

const (
	// same500 is how many times a batch is answered with 500 before something
	// in it is suspected of making the server fail.
	same500 = 5

	// aloneBefore is how many times the record at the front has to get a 500
	// alone before one behind it is tried: a server that fails at random must
	// not look like one that fails over this record.
	aloneBefore = 3

	maxReach = 64 // how far behind a record its neighbours are tried
)

// suspicion finds the record that makes the server answer 500. A 500 mostly
// means that the server is in trouble, and then nothing may be dropped; but
// some servers give it for one bad record, which would stop delivery for good.
//
// After the fifth 500 each batch is half as long as the one before, until a
// single record is left. If that one gets a 500 three times, a neighbour behind
// it is tried at once. If the server takes the neighbour, and still not the
// record, the record is to blame:
//
//	[ front ] 500, [ neighbour ] 200, [ front ] 500: the front record is dropped
//
// All of that happens within one attempt, so that an outage that ends lets the
// front record through first, and the order is kept. It is owned by the
// batcher's goroutine.
type suspicion struct {
	count int  // 500s since the last acceptance, or since limit was set
	limit int  // records in a batch; 0 as long as nothing is suspected
	taken bool // something was accepted since a batch of several got a 500

	below uint64 // records below this sequence number were in that batch

	front uint64 // the record that got a 500 alone, by its sequence number
	alone int    // how often it did
	reach int    // how many records behind it were tried in vain

	// Of one attempt.
	probing probing
	proof   bool // a neighbour was taken after the front record had failed alone
}

// probing is which neighbour is being tried.
type probing uint8

const (
	nobody probing = iota
	next           // the one right behind: it goes first, for the sake of order
	far            // the one behind all that were tried in vain
)

// finding is what a 500 means for the attempt.
type finding uint8

const (
	unclear finding = iota // nobody knows: it ends, and a back-off begins
	probe                  // it goes on with a neighbour
	guilty                 // the front piece is to be dropped
)

// take swaps the next batch.
func (s *suspicion) take(p *pending) inflight {
	s.probing, s.proof = nobody, false
	return newInflight(p, p.swap(s.limit))
}

// examine is told that the front piece of batch was answered with 500.
func (s *suspicion) examine(batch *inflight) finding {
	pc := batch.todo[0]
	s.count++
	switch {
	case s.count < same500:
		return unclear
	case s.proof && pc.records == 1 && pc.lastSeq() == s.front:
		s.alone, s.reach = 0, max(s.reach-1, 0) // the next record has one fewer behind it that fails
		return guilty
	case pc.records > 1 || len(batch.todo) > 1:
		last := batch.todo[len(batch.todo)-1]
		s.limit, s.taken, s.below = max(pc.records/2, 1), false, last.lastSeq()+1
		return unclear
	case s.probing == next && s.reach > 0 && batch.lookBehind(s.reach):
		s.probing = far
		return probe
	case s.probing != nobody:
		s.reach = (s.reach + 1) % maxReach
		return unclear
	}
	s.limit = 1
	seq := pc.lastSeq()
	if s.alone > 0 && s.front != seq {
		s.alone, s.reach = 0, 0
	}
	s.front = seq
	s.alone++
	if s.alone < aloneBefore {
		return unclear
	}
	if batch.lookBehind(1) {
		s.probing = next
		return probe
	}
	// There is nothing behind it. If those that were in a batch with it have
	// been taken, they must do.
	if s.taken && seq < s.below && s.alone >= same500 {
		s.alone = 0
		return guilty
	}
	return unclear
}

// accepted is told that the server accepted a piece of batch. If that was a
// neighbour, the front record is tried again; otherwise batches grow again.
func (s *suspicion) accepted(batch *inflight, batchRecords int) {
	switch {
	case s.probing != nobody:
		if s.probing == next {
			s.reach = 0
		}
		s.taken, s.proof, s.probing = true, true, nobody
		batch.bringBack()
	case s.limit > 0 && 2*s.limit < batchRecords:
		*s = suspicion{count: s.count, limit: 2 * s.limit, taken: true, below: s.below}
	default:
		*s = suspicion{}
	}
}
