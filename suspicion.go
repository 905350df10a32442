package slogship

const (
	// same500 is how many times in a row a batch is answered with 500 before
	// something in it is suspected of making the server fail.
	same500 = 5

	// aloneBefore is how many times a record at the front may get a 500 alone,
	// with nothing accepted before it, until one behind it is tried.
	aloneBefore = 3

	maxProbe = 64 // how far behind a record its neighbours are tried
)

// suspicion finds the record that makes the server answer 500. A 500 mostly
// means that the server is in trouble, and then nothing may be dropped; but
// some servers give it for one bad record, which would stop delivery for good.
//
// After the fifth 500 in a row each batch is half as long as the one before,
// until a single record is left. If that one gets a 500 too, a neighbour behind
// it is tried: if the server takes the neighbour, and still not the record, the
// record is to blame. It is owned by the batcher's goroutine.
type suspicion struct {
	count int  // 500s in a row, or since limit was set
	limit int  // records in a batch; 0 as long as nothing is suspected
	taken bool // something was accepted since limit was set

	alone  int  // 500s to the front record alone
	skip   int  // records to leave out at the front in the next attempt
	probed int  // how far behind the front record a neighbour was tried
	proof  bool // a neighbour was taken after the front record had failed alone
}

// take swaps the next batch.
func (s *suspicion) take(p *pending) inflight {
	if s.skip == 0 {
		return p.swap(s.limit)
	}
	batch := p.swap(s.skip + 1)
	if batch.records() > s.skip {
		batch.leave(s.skip)
		return batch
	}
	// There is no neighbour that far behind. If there is none at all, those
	// that were taken before the record must do.
	s.proof = batch.records() == 1 && s.taken && s.alone >= same500
	s.skip, s.probed = 0, 0
	batch.restore()
	return p.swap(1)
}

// confirm is told that pc was answered with 500. It reports whether that
// proves pc, then a single record, to be the cause.
func (s *suspicion) confirm(pc piece) bool {
	s.count++
	if s.count < same500 {
		return false
	}
	switch {
	case pc.records > 1:
		s.limit = pc.records / 2
	case s.skip > 0: // a neighbour fails as well
		s.probed, s.skip = s.skip, 0
	case s.proof:
		s.alone, s.probed, s.proof = 0, 0, false
		return true
	default:
		s.limit = 1
		s.alone++
		if s.taken || s.alone >= aloneBefore {
			s.skip = s.probed%maxProbe + 1
		}
	}
	return false
}

// clear is told that the server accepted a piece: batches grow again.
func (s *suspicion) clear(batchRecords int) {
	switch {
	case s.skip > 0: // the neighbour: back to the front record
		s.taken, s.proof, s.skip = true, true, 0
	case s.limit > 0 && 2*s.limit < batchRecords:
		s.taken, s.limit = true, 2*s.limit
		s.alone, s.probed, s.proof = 0, 0, false
	default:
		*s = suspicion{}
	}
}
