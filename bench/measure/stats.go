package measure

import (
	"math"
	"slices"
	"time"
)

// Median returns the middle of xs, or the mean of the two in the middle. It
// is 0 for none.
func Median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(xs))
	m := len(s) / 2
	if len(s)%2 == 1 {
		return s[m]
	}
	return (s[m-1] + s[m]) / 2
}

// Spread returns how far the values lie apart: (max - min) / median.
func Spread(xs []float64) float64 {
	m := Median(xs)
	if m == 0 {
		return 0
	}
	return (slices.Max(xs) - slices.Min(xs)) / m
}

// Percentile returns the least value that at least p percent of the sorted
// values do not exceed (nearest rank). It is 0 for none.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(p*float64(len(sorted))/100-1e-6)) - 1 // 99.9 has no exact float64
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// Latency is how long calls took.
type Latency struct {
	Calls int           `json:"calls"`
	P50   time.Duration `json:"p50"`
	P99   time.Duration `json:"p99"`
	P999  time.Duration `json:"p999"`
	Max   time.Duration `json:"max"`
}

func latency(calls []time.Duration) Latency {
	slices.Sort(calls)
	return Latency{
		Calls: len(calls),
		P50:   Percentile(calls, 50),
		P99:   Percentile(calls, 99),
		P999:  Percentile(calls, 99.9),
		Max:   Percentile(calls, 100),
	}
}
