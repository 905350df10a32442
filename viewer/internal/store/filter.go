package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"math"
	"slices"
)

// The token filter: for each blockRows rows, in the order in which they came,
// which tokens occur in them, and between which keys they lie. Blocks of late
// rows overlap others; a row that matches still lies within its own block, and
// what a search reads is the union of the blocks that may match.
const (
	blockRows = 1024
	parts     = 16

	// 13 bits a token and 8 probes: one block in 500 is read in vain.
	bitsPerToken = 13
	probes       = 8
)

// filters is the writer's side: the block that is not full yet.
type filters struct {
	block  int64 // number of the next full block
	rows   int
	lo, hi int64
	tokens map[uint32]struct{}

	// Of these, what the transaction has added: a row of table fresh.
	freshRows    int
	freshLo      int64
	freshHi      int64
	freshTokens  []uint32
	full         []fullBlock
	freshCleared bool
}

type fullBlock struct {
	lo, hi int64
	tokens []uint32
}

func (f *filters) load(w *writer) error {
	*f = filters{tokens: map[uint32]struct{}{}, lo: math.MaxInt64, freshLo: math.MaxInt64}
	if err := w.conn.QueryRowContext(context.Background(),
		"SELECT coalesce(max(block) + 1, 0) FROM filters WHERE part = 0").Scan(&f.block); err != nil {
		return err
	}
	rows, err := w.Query("SELECT n, lo, hi, tokens FROM fresh")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		var lo, hi int64
		var packed sql.RawBytes
		if err := rows.Scan(&n, &lo, &hi, &packed); err != nil {
			return err
		}
		f.rows += n
		f.lo, f.hi = min(f.lo, lo), max(f.hi, hi)
		for ; len(packed) >= 4; packed = packed[4:] {
			f.tokens[binary.LittleEndian.Uint32(packed)] = struct{}{}
		}
	}
	return rows.Err()
}

// add takes the tokens of a row into the block.
func (f *filters) add(id int64, tokens []uint32) {
	f.rows++
	f.freshRows++
	f.lo, f.hi = min(f.lo, id), max(f.hi, id)
	f.freshLo, f.freshHi = min(f.freshLo, id), max(f.freshHi, id)
	f.freshTokens = append(f.freshTokens, tokens...)
	if f.rows < blockRows {
		return
	}
	for _, t := range f.freshTokens {
		f.tokens[t] = struct{}{}
	}
	all := make([]uint32, 0, len(f.tokens))
	for t := range f.tokens {
		all = append(all, t)
	}
	f.full = append(f.full, fullBlock{f.lo, f.hi, all})
	f.freshCleared = true
	f.rows, f.lo, f.hi = 0, math.MaxInt64, 0
	f.freshRows, f.freshLo, f.freshHi, f.freshTokens = 0, math.MaxInt64, 0, f.freshTokens[:0]
	clear(f.tokens)
}

// widen sees to it that a key which was counted up on its way into the table lies
// within its block, whichever block of the transaction that is.
func (f *filters) widen(id int64) {
	if f.freshRows > 0 {
		f.hi, f.freshHi = max(f.hi, id), max(f.freshHi, id)
	}
	for i := range f.full {
		if b := &f.full[i]; b.lo <= id && id-maxTries <= b.hi {
			b.hi = max(b.hi, id)
		}
	}
}

// flush writes the transaction's blocks, full and begun.
func (f *filters) flush(w *writer) error {
	if f.freshCleared {
		if _, err := w.exec("DELETE FROM fresh"); err != nil {
			return err
		}
	}
	for _, b := range f.full {
		var byPart [parts][]uint32
		for _, t := range b.tokens {
			byPart[part(t)] = append(byPart[part(t)], t)
		}
		for p, tokens := range byPart {
			if _, err := w.exec("INSERT INTO filters VALUES (?,?,?,?,?)", p, f.block, b.lo, b.hi, bloom(tokens)); err != nil {
				return err
			}
		}
		f.block++
	}
	if f.freshRows > 0 {
		slices.Sort(f.freshTokens)
		tokens := slices.Compact(f.freshTokens)
		packed := make([]byte, 0, 4*len(tokens))
		for _, t := range tokens {
			f.tokens[t] = struct{}{}
			packed = binary.LittleEndian.AppendUint32(packed, t)
		}
		if _, err := w.exec("INSERT INTO fresh(n, lo, hi, tokens) VALUES (?,?,?,?)", f.freshRows, f.freshLo, f.freshHi, packed); err != nil {
			return err
		}
	}
	f.full, f.freshCleared = f.full[:0], false
	f.freshRows, f.freshLo, f.freshHi, f.freshTokens = 0, math.MaxInt64, 0, f.freshTokens[:0]
	return nil
}

func part(token uint32) int { return int(mix(token) >> 60) }

// mix spreads a token over 64 bits (splitmix64).
func mix(token uint32) uint64 {
	z := uint64(token) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// probe returns the place of a token's i-th bit among n.
func probe(token uint32, i, n int) int {
	h := mix(token)
	return int((uint64(uint32(h)) + uint64(i)*(h>>32|1)) % uint64(n))
}

func bloom(tokens []uint32) []byte {
	bits := make([]byte, (len(tokens)*bitsPerToken+7)/8)
	for _, t := range tokens {
		for i := range probes {
			at := probe(t, i, 8*len(bits))
			bits[at/8] |= 1 << (at % 8)
		}
	}
	return bits
}

func bloomHas(bits []byte, token uint32) bool {
	for i := range probes {
		if len(bits) == 0 {
			return false
		}
		if at := probe(token, i, 8*len(bits)); bits[at/8]&(1<<(at%8)) == 0 {
			return false
		}
	}
	return true
}

// keyRange is a range of keys, both ends in it.
type keyRange struct{ lo, hi int64 }

// candidates returns where rows that have all the tokens may lie, within lo and
// hi, newest first and without overlaps.
func candidates(ctx context.Context, tx *sql.Tx, tokens []uint32, lo, hi int64) ([]keyRange, error) {
	var found map[int64]keyRange // by block
	for i, t := range tokens[:min(len(tokens), 4)] {
		next := map[int64]keyRange{}
		rows, err := tx.QueryContext(ctx, "SELECT block, lo, hi, bits FROM filters WHERE part = ? AND hi >= ? AND lo <= ?", part(t), lo, hi)
		if err := each(rows, err, func() error {
			var block int64
			var r keyRange
			var bits sql.RawBytes
			if err := rows.Scan(&block, &r.lo, &r.hi, &bits); err != nil {
				return err
			}
			if _, before := found[block]; (i == 0 || before) && bloomHas(bits, t) {
				next[block] = r
			}
			return nil
		}); err != nil {
			return nil, err
		}
		found = next
	}
	all, err := freshCandidates(ctx, tx, tokens, lo, hi)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		all = append(all, r)
	}
	return union(all, lo, hi), nil
}

// freshCandidates does so for the rows that are in no full block yet.
func freshCandidates(ctx context.Context, tx *sql.Tx, tokens []uint32, lo, hi int64) (all []keyRange, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT lo, hi, tokens FROM fresh WHERE hi >= ? AND lo <= ?", lo, hi)
	err = each(rows, err, func() error {
		var r keyRange
		var packed sql.RawBytes
		if err := rows.Scan(&r.lo, &r.hi, &packed); err != nil {
			return err
		}
		missing := slices.Clone(tokens)
		for ; len(packed) >= 4 && len(missing) > 0; packed = packed[4:] {
			t := binary.LittleEndian.Uint32(packed)
			missing = slices.DeleteFunc(missing, func(m uint32) bool { return m == t })
		}
		if len(missing) == 0 {
			all = append(all, r)
		}
		return nil
	})
	return all, err
}

// union merges ranges that overlap, cut to lo and hi, newest first.
func union(all []keyRange, lo, hi int64) (merged []keyRange) {
	slices.SortFunc(all, func(a, b keyRange) int {
		switch {
		case a.hi > b.hi:
			return -1
		case a.hi < b.hi:
			return 1
		}
		return 0
	})
	for _, r := range all {
		r.lo, r.hi = max(r.lo, lo), min(r.hi, hi)
		if r.lo > r.hi {
			continue
		}
		if n := len(merged); n > 0 && merged[n-1].lo <= r.hi {
			merged[n-1].lo = min(merged[n-1].lo, r.lo)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}
