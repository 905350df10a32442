package slogship

import "slices"

// A piece is the part of the batch in flight that is sent in one request: runs of
// records, oldest first.
type piece struct {
	spans          []span
	records, bytes int
}

func (pc *piece) add(s span) {
	if s.len() == 0 {
		return
	}
	pc.spans = append(pc.spans, s)
	pc.records += s.len()
	pc.bytes += s.bytes()
}

// firstSeq is the sequence number of its oldest record.
func (pc piece) firstSeq() uint64 { return pc.spans[0].firstSeq() }

// lastSeq is the sequence number of its newest record.
func (pc piece) lastSeq() uint64 {
	s := pc.spans[len(pc.spans)-1]
	return s.b.seq(s.to - 1)
}

// below counts its records whose sequence number is below limit.
func (pc piece) below(limit uint64) (n int) {
	for _, s := range pc.spans {
		n += s.below(limit)
	}
	return n
}

// split divides pc after its first n records.
func (pc piece) split(n int) (front, back piece) {
	if n >= pc.records {
		return pc, back
	}
	front.spans = make([]span, 0, len(pc.spans))
	for _, s := range pc.spans {
		k := max(min(s.len(), n-front.records), 0)
		front.add(span{s.b, s.from, s.from + k})
		back.add(span{s.b, s.from + k, s.to})
	}
	return front, back
}

// pick takes the i-th record out of pc.
func (pc piece) pick(i int) (one, rest piece) {
	front, back := pc.split(i)
	one, back = back.split(1)
	return one, join(front, back)
}

// join merges several pieces that have no record in common.
func join(pieces ...piece) (all piece) {
	spans := 0
	for _, pc := range pieces {
		spans += len(pc.spans)
	}
	all.spans = make([]span, 0, spans)
	for _, pc := range pieces {
		for _, s := range pc.spans {
			all.add(s)
		}
	}
	slices.SortFunc(all.spans, func(a, b span) int {
		if a.firstSeq() < b.firstSeq() {
			return -1
		}
		return 1
	})
	return all
}
