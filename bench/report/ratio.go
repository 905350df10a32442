package report

import (
	"fmt"
	"slices"

	"github.com/slogship/slogship/bench/measure"
)

// series is the values of one row by the round that they were measured in.
type series map[int][]float64

// seriesOf gathers f of those samples that keep has.
func seriesOf[T any](samples []T, keep func(T) bool, round func(T) int, f func(T) float64) series {
	s := series{}
	for _, t := range samples {
		if keep(t) {
			s[round(t)] = append(s[round(t)], f(t))
		}
	}
	return s
}

func (s series) median() float64 {
	var all []float64
	for _, vs := range s {
		all = append(all, vs...)
	}
	return measure.Median(all)
}

// ratio compares two rows round by round: a machine's speed may drift by a
// factor of two within minutes, which a ratio of two medians would show.
type ratio struct {
	rounds []float64 // sorted
	a, b   float64   // the medians of both, for the reader
}

func compare(a, b series) ratio {
	r := ratio{a: a.median(), b: b.median()}
	for round, vs := range a {
		if of := measure.Median(b[round]); of > 0 {
			r.rounds = append(r.rounds, measure.Median(vs)/of)
		}
	}
	slices.Sort(r.rounds)
	return r
}

// versus divides by what the version before had.
func (r ratio) versus(before float64) ratio {
	rounds := slices.Clone(r.rounds)
	for i := range rounds {
		rounds[i] /= before
	}
	return ratio{rounds, r.a, r.b}
}

func (r ratio) median() float64 { return measure.Median(r.rounds) }

// String is the median, and how far the middle half of the rounds lies apart.
func (r ratio) String() string {
	if n := len(r.rounds); n > 3 {
		return fmt.Sprintf("%.2f (%.2f to %.2f)", r.median(), r.rounds[n/4], r.rounds[n-1-n/4])
	}
	return fmt.Sprintf("%.2f", r.median())
}
