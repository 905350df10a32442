package measure

import (
	"slices"
	"testing"
	"time"
)

func TestMedianIsTheMiddle(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 100, 2}, 3},
	} {
		in := slices.Clone(c.in)
		if got := Median(in); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.in, got, c.want)
		}
		if !slices.Equal(in, c.in) {
			t.Errorf("Median reordered its argument: %v", in)
		}
	}
}

func TestSpreadIsRelativeToTheMedian(t *testing.T) {
	if got := Spread([]float64{90, 100, 120}); got != 0.3 {
		t.Errorf("Spread = %v, want 0.3", got)
	}
}

func TestPercentilesAreNearestRank(t *testing.T) {
	var calls []time.Duration
	for i := 1000; i >= 1; i-- {
		calls = append(calls, time.Duration(i))
	}
	got := latency(calls)
	want := Latency{Calls: 1000, P50: 500, P99: 990, P999: 999, Max: 1000}
	if got != want {
		t.Errorf("latency = %+v, want %+v", got, want)
	}
	if got := latency(nil); got != (Latency{}) {
		t.Errorf("latency of no calls = %+v", got)
	}
	one := []time.Duration{3}
	if got := Percentile(one, 99.9); got != 3 {
		t.Errorf("the only call is every percentile; got %v", got)
	}
}
