// Package dice makes the random records of the tests: attributes of every kind,
// and values that misbehave in every way known so far. An oracle foretells what
// slog.JSONHandler makes of them.
package dice

import (
	"encoding/binary"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// Dice are where random records come from: a fuzzer's bytes, or a generator's.
// When there are none left all dice show 0, which everywhere stands for
// something that ends.
type Dice struct{ Left []byte }

// Seeded are dice of n throws, which are the same for the same seed.
func Seeded(seed uint64, n int) *Dice {
	d := &Dice{Left: make([]byte, n)}
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range d.Left {
		d.Left[i] = byte(r.Uint32())
	}
	return d
}

// N is a number below limit, which is at most 256.
func (d *Dice) N(limit int) int {
	if len(d.Left) == 0 {
		return 0
	}
	v := int(d.Left[0]) % limit
	d.Left = d.Left[1:]
	return v
}

// Uint64 is any uint64.
func (d *Dice) Uint64() uint64 {
	var b [8]byte
	n := copy(b[:], d.Left)
	d.Left = d.Left[n:]
	return binary.LittleEndian.Uint64(b[:])
}

// Pick is one of from.
func Pick[T any](d *Dice, from ...T) T { return from[d.N(len(from))] }

// Text is a string, in broken UTF-8 perhaps.
func (d *Dice) Text() string {
	if d.N(4) > 0 {
		return Pick(d, "", "x", "plain", `q"uote\`, "tab\tline\n\x00\x7f", "é世界😀", "\u2028\u2029<&>", "bad\xff\xfe", "half \xed\xa0\x80", strings.Repeat("long ", 30))
	}
	n := min(d.N(20), len(d.Left))
	s := string(d.Left[:n])
	d.Left = d.Left[n:]
	return s
}

// Key is one of a few keys, so that some are equal.
func (d *Dice) Key() string {
	return Pick(d, "a", "b", "c", "g", "x.y", "level", "level_", "context", "context_", "_cut", "msg", "time", "source", "file", "", "é", "bad\xff", `q"`, "id", "timestamp")
}

// Attrs are up to most attributes, in which groups nest up to depth deep.
func (d *Dice) Attrs(most, depth int) []slog.Attr {
	attrs := make([]slog.Attr, d.N(most+1))
	for i := range attrs {
		attrs[i] = d.Attr(depth)
	}
	return attrs
}

// Attr is one of them.
func (d *Dice) Attr(depth int) slog.Attr {
	if d.N(20) == 19 {
		return slog.Attr{}
	}
	return slog.Attr{Key: d.Key(), Value: d.Value(depth)}
}

// Value is the value of one.
func (d *Dice) Value(depth int) slog.Value {
	switch d.N(16) {
	case 0:
		return slog.Int64Value(Pick[int64](d, 0, 1, -1, 42, math.MaxInt64, math.MinInt64))
	case 1, 2:
		return slog.StringValue(d.Text())
	case 3:
		return slog.Uint64Value(Pick(d, 0, math.MaxUint64, d.Uint64()))
	case 4:
		return slog.Float64Value(d.Float())
	case 5:
		return slog.BoolValue(d.N(2) == 0)
	case 6:
		return slog.DurationValue(time.Duration(d.Uint64()))
	case 7:
		return slog.TimeValue(d.Time())
	case 8, 9, 10:
		if depth > 0 {
			return slog.GroupValue(d.Attrs(4, depth-1)...)
		}
		return slog.GroupValue()
	case 11:
		return slog.AnyValue(d.logValuer(depth))
	}
	return slog.AnyValue(d.Any(depth))
}

// Float is any float64, often one that is special.
func (d *Dice) Float() float64 {
	return Pick(d, 0, 1, -1.5, math.Copysign(0, -1), 1e20, 1e21, 1e-6, 1e-7, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, 2.2e-308,
		math.NaN(), math.Inf(1), math.Inf(-1), math.Float64frombits(d.Uint64()))
}

// Time is a time in some zone, in a year that RFC 3339 has no room for perhaps.
func (d *Dice) Time() time.Time {
	t := Pick(d,
		time.Unix(0, 0).UTC(),
		time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 120000000, time.FixedZone("", 5*3600+1800)),
		time.Time{},
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Unix(int64(d.Uint64()>>24), 0),
	)
	return Pick(d, t, t.Local(), t.In(time.FixedZone("far", -23*3600-59*60)))
}
