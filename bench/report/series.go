package report

import (
	"time"

	"github.com/slogship/slogship/bench/measure"
)

// The rows of which ratios are taken.

// insideRounds is more than there are rounds inside a process.
const insideRounds = 1000

func (r *Results) beside(shape, handler string) series {
	s := series{}
	for _, b := range r.Beside {
		if b.Shape != shape || b.Handler != handler {
			continue
		}
		for i, ns := range b.NS {
			s[b.Process*insideRounds+i] = append(s[b.Process*insideRounds+i], ns)
		}
	}
	return s
}

func (r *Results) format(name string, of func(measure.PerFormat) []float64) series {
	s := series{}
	for _, f := range r.Formats {
		if f.Format != name {
			continue
		}
		for i, ns := range of(f) {
			s[f.Process*insideRounds+i] = append(s[f.Process*insideRounds+i], ns)
		}
	}
	return s
}

func formatCall(f measure.PerFormat) []float64   { return f.NS }
func formatEncode(f measure.PerFormat) []float64 { return f.Encode }

func callNS(e measure.Enqueue) float64 { return e.NS }

func (r *Results) throughputOf(k rowKey, f func(measure.Throughput) float64) series {
	return seriesOf(r.Throughput, func(t measure.Throughput) bool { return rowOf(t) == k },
		func(t measure.Throughput) int { return t.Round }, f)
}

func (r *Results) writersOf(peer string, writers int) series {
	return seriesOf(r.Writers, func(t measure.Throughput) bool { return t.Peer == peer && t.Writers == writers },
		func(t measure.Throughput) int { return t.Round }, measure.Throughput.Rate)
}

func (r *Results) distanceOf(peer string, requests int, delay time.Duration) series {
	return seriesOf(r.Distance, func(d measure.Distance) bool {
		return d.Peer == peer && d.Requests == requests && d.Delay == delay
	}, func(d measure.Distance) int { return d.Round }, measure.Distance.Rate)
}

func (r *Results) tailOf(hanging bool) series {
	return seriesOf(r.Tails, func(t measure.Tail) bool { return t.Hanging == hanging },
		func(t measure.Tail) int { return t.Round }, func(t measure.Tail) float64 { return float64(t.Latency.P999) })
}

func (r *Results) pressureOf(peer string) series {
	return seriesOf(r.Pressure, func(p measure.Pressure) bool { return p.Peer == peer },
		func(p measure.Pressure) int { return p.Round }, measure.Pressure.Rate)
}

func (r *Results) heldOf(peer, variant string) series {
	return seriesOf(r.Enqueue, func(e measure.Enqueue) bool { return e.Peer == peer && e.Variant == variant },
		func(e measure.Enqueue) int { return e.Round }, func(e measure.Enqueue) float64 { return float64(e.Held) })
}

// pendingBytes is the heap that one more pending record costs: what a full
// queue of twice the bound has more, for each record that it has more.
func (r *Results) pendingBytes(peer string) series {
	once, twice := r.heldOf(peer, measure.Full), r.heldOf(peer, measure.Double)
	s := series{}
	for round, vs := range twice {
		if len(once[round]) > 0 {
			s[round] = []float64{(measure.Median(vs) - measure.Median(once[round])) / measure.OutageQueue}
		}
	}
	return s
}

// best is the peer, slogship aside, whose values are the highest, or with less
// the lowest; "" if there is none.
func best(of func(peer string) series, names []string, less bool) string {
	found, value := "", 0.0
	for _, n := range names {
		v := of(n).median()
		if v > 0 && (found == "" || less && v < value || !less && v > value) {
			found, value = n, v
		}
	}
	return found
}
