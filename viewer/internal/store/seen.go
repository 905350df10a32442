package store

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// seen knows what was received before. slogship numbers its records, so that all
// numbers of one sender are a few ranges. Other ids are kept as hashes, in two
// generations of maxSeen.
type seen struct {
	senders map[[16]byte]ranges
	changed map[[16]byte]int64 // in this transaction: the newest time, in ms
	gen     int64
	oldest  int64 // the first generation that is still there
	inGen   int
	perGen  int
	hashes  map[int64]struct{} // of this and the last generation
}

const (
	maxSeen   = 500_000
	maxRanges = 2_000
)

func (d *seen) load(w *writer) error {
	*d = seen{
		senders: map[[16]byte]ranges{}, changed: map[[16]byte]int64{}, hashes: map[int64]struct{}{},
		perGen: cmp.Or(d.perGen, maxSeen),
	}
	rows, err := w.Query("SELECT prefix, ranges FROM senders")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var prefix, packed []byte
		if err := rows.Scan(&prefix, &packed); err != nil {
			return err
		}
		d.senders[[16]byte(prefix)] = unpackRanges(packed)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	hashes, err := w.Query("SELECT gen, hash FROM seen ORDER BY gen")
	if err != nil {
		return err
	}
	defer hashes.Close()
	for first := true; hashes.Next(); first = false {
		var gen, hash int64
		if err := hashes.Scan(&gen, &hash); err != nil {
			return err
		}
		if first {
			d.oldest = gen
		}
		if gen != d.gen {
			d.gen, d.inGen = gen, 0
		}
		d.inGen++
		d.hashes[hash] = struct{}{}
	}
	return hashes.Err()
}

// add reports whether the record was received before, and remembers it.
func (d *seen) add(w *writer, r *logRow) (known bool, err error) {
	switch {
	case r.prefix != [16]byte{}:
		set, added := d.senders[r.prefix].add(r.number)
		if !added {
			return true, nil
		}
		d.senders[r.prefix] = set
		d.changed[r.prefix] = max(d.changed[r.prefix], clampMS(r.Time))
	case r.hash != 0:
		if _, known := d.hashes[r.hash]; known {
			return true, nil
		}
		d.hashes[r.hash] = struct{}{}
		if d.inGen++; d.inGen > d.perGen {
			d.gen, d.inGen = d.gen+1, 1
		}
		_, err = w.exec("INSERT INTO seen VALUES (?, ?)", d.gen, r.hash)
	}
	return false, err
}

// flush writes the senders of this transaction.
func (d *seen) flush(w *writer) error {
	for prefix, last := range d.changed {
		if _, err := w.exec(`INSERT INTO senders VALUES (?1, ?2, ?3)
			ON CONFLICT DO UPDATE SET ranges = ?2, last = max(last, ?3)`, prefix[:], d.senders[prefix].pack(), last); err != nil {
			return err
		}
	}
	clear(d.changed)
	return nil
}

// stale reports whether there are generations to forget.
func (d *seen) stale() bool { return d.oldest < d.gen-1 }

// forget drops generations but the last two, a piece at a time, and senders whose
// newest record is older than the time in ms.
func (d *seen) forget(w *writer, before int64) error {
	if _, err := w.exec("DELETE FROM senders WHERE last < ?", before); err != nil || !d.stale() {
		return err
	}
	const piece = 2000
	result, err := w.exec(`DELETE FROM seen WHERE (gen, hash) IN (SELECT gen, hash FROM seen WHERE gen < ? LIMIT 2000)`, d.gen-1)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == piece {
		return err
	}
	// The last of a generation is gone from the disk: from memory, too.
	d.oldest = d.gen - 1
	clear(d.hashes)
	kept, err := w.Query("SELECT hash FROM seen")
	return each(kept, err, func() error {
		var hash int64
		err := kept.Scan(&hash)
		d.hashes[hash] = struct{}{}
		return err
	})
}

// ranges are numbers: pairs of first and last, ascending, with gaps between them.
type ranges [][2]uint64

// add returns the ranges with n in them, and whether it is new. With more than
// maxRanges the lowest range is forgotten.
func (r ranges) add(n uint64) (_ ranges, added bool) {
	// Mostly it is the number after the last one.
	if k := len(r); k > 0 && n == r[k-1][1]+1 && n != 0 {
		r[k-1][1] = n
		return r, true
	}
	i, found := slices.BinarySearchFunc(r, n, func(p [2]uint64, n uint64) int {
		switch {
		case p[1] < n:
			return -1
		case p[0] > n:
			return 1
		}
		return 0
	})
	if found {
		return r, false
	}
	after := i < len(r) && n+1 == r[i][0]
	behind := i > 0 && r[i-1][1]+1 == n
	switch {
	case after && behind:
		r[i-1][1] = r[i][1]
		r = slices.Delete(r, i, i+1)
	case after:
		r[i][0] = n
	case behind:
		r[i-1][1] = n
	default:
		r = slices.Insert(r, i, [2]uint64{n, n})
	}
	if len(r) > maxRanges {
		r = slices.Delete(r, 0, 1)
	}
	return r, true
}

func (r ranges) pack() []byte {
	b := make([]byte, 0, 16*len(r))
	last := uint64(0)
	for _, p := range r {
		b = binary.AppendUvarint(b, p[0]-last)
		b = binary.AppendUvarint(b, p[1]-p[0])
		last = p[1]
	}
	return b
}

func unpackRanges(b []byte) (r ranges) {
	last := uint64(0)
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		length, m := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 {
			return r
		}
		r = append(r, [2]uint64{last + gap, last + gap + length})
		last += gap + length
		b = b[n+m:]
	}
	return r
}
