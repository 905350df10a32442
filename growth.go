package slogship

import "math"

// growth is how many bytes a record has more once it is encoded: an id, names,
// syntax. Half the weight is the last body's.
type growth struct{ records, bytes float64 }

// firstGrowth is what is expected of the first record.
const firstGrowth = 112

// note adds a body, and returns what is to be expected of a record.
func (g *growth) note(records, bytes int) int {
	if g.records == 0 && records == 0 {
		return firstGrowth
	}
	g.records = g.records/2 + float64(records)
	g.bytes = g.bytes/2 + float64(bytes)
	return int(math.Round(max(g.bytes/g.records, 0)))
}

// noteEncoded notes how long records became when they were encoded, and which of
// them, a span each, were shortened for that.
func (p *pending) noteEncoded(pc piece, encoded int, cut []span) {
	p.lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.extra = p.growth.note(pc.records, encoded-pc.bytes)
	for _, s := range cut {
		s.b.noteCut(s.from)
	}
}
