package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
)

// targets compares slogship to what it set out to reach, where this benchmark
// measures it.
func (d *doc) targets(r *Results) {
	var rows [][]string
	add := func(what, target string, got float64, ok bool, how string) {
		if got == 0 {
			return
		}
		mark := "reached"
		if !ok {
			mark = "**missed**"
		}
		rows = append(rows, []string{what, target, how, mark})
	}
	atMost := func(what string, a, b, limit float64, of string) {
		if a > 0 && b > 0 {
			add(what, fmt.Sprintf("at most %g x", limit), a/b, a/b <= limit, fmt.Sprintf("%.2f x (%s)", a/b, of))
		}
	}
	atLeast := func(what string, a, b, limit float64, of string) {
		if a > 0 && b > 0 {
			add(what, fmt.Sprintf("at least %g x", limit), a/b, a/b >= limit, fmt.Sprintf("%.2f x (%s)", a/b, of))
		}
	}
	ns := func(peer, variant string) float64 {
		var vs []float64
		for _, e := range r.Enqueue {
			if e.Peer == peer && e.Variant == variant {
				vs = append(vs, e.NS)
			}
		}
		return measure.Median(vs)
	}
	pair := func(a, b float64) string { return fmt.Sprintf("%.0f / %.0f ns", a, b) }

	own := ns("slogship", measure.Plain)
	atMost("a call, against phuslu/log to io.Discard", own, ns("phuslu", measure.Plain), 1, pair(own, ns("phuslu", measure.Plain)))
	atMost("a call, against slog.JSONHandler to io.Discard", own, ns("slogjson", measure.Plain), 0.55, pair(own, ns("slogjson", measure.Plain)))
	atMost("the same with ten attributes by With, against phuslu/log", ns("slogship", measure.Ten), ns("phuslu", measure.Ten), 1,
		pair(ns("slogship", measure.Ten), ns("phuslu", measure.Ten)))
	atMost("queue full and the backend hanging / healthy", ns("slogship", measure.Full), own, 1.05, pair(ns("slogship", measure.Full), own))
	atMost("call site on / off", ns("slogship", measure.Source), own, 1.15, pair(ns("slogship", measure.Source), own))

	var healthy, hanging time.Duration
	for _, o := range r.Outage {
		if o.Peer == "slogship" && o.Kind == "healthy" {
			healthy = o.Latency.P999
		}
		if o.Peer == "slogship" && o.Kind == "hanging" {
			hanging = o.Latency.P999
		}
	}
	atMost("p99.9 of a call, backend hanging / healthy", float64(hanging), float64(healthy), 1.1, short(hanging)+" / "+short(healthy))

	writers := func(n int) float64 {
		var vs []float64
		for _, t := range r.Writers {
			if t.Peer == "slogship" && t.Writers == n {
				vs = append(vs, t.Rate())
			}
		}
		return measure.Median(vs)
	}
	atLeast("records per second, 32 / 2 writers", writers(32), writers(2), 0.95, fmt.Sprintf("%sk / %sk", thousands(writers(32)/1e3), thousands(writers(2)/1e3)))

	rate := func(k rowKey) float64 { return r.median(k, measure.Throughput.Rate) }
	cpu := func(k rowKey) float64 { return r.median(k, measure.Throughput.CPUPerMillion) }
	none, gzip := rowKey{"slogship", peers.None}, rowKey{"slogship", peers.Gzip}
	fastest, cheapest, compressing := r.best(rate, cpu)
	atLeast("records per second, uncompressed, against the best peer", rate(none), rate(fastest), 5,
		fmt.Sprintf("%sk / %sk of %s", thousands(rate(none)/1e3), thousands(rate(fastest)/1e3), title(fastest.peer)))
	atMost("CPU a delivered record, uncompressed, against the best peer", cpu(none), cpu(cheapest), 0.25,
		fmt.Sprintf("%.2f / %.2f s per million of %s", cpu(none), cpu(cheapest), title(cheapest.peer)))
	atMost("the same with gzip, against the best compressing peer", cpu(gzip), cpu(compressing), 0.4,
		fmt.Sprintf("%.2f / %.2f s per million of %s, %s", cpu(gzip), cpu(compressing), title(compressing.peer), compressing.compression))
	if a := r.median(none, func(t measure.Throughput) float64 { return t.Allocs }); len(r.Throughput) > 0 {
		add("allocations a delivered record, whole pipeline", "below 0.01", 1, a < 0.01, fmt.Sprintf("%.4f", a))
	}

	for _, e := range r.Enqueue {
		if e.Peer == "slogship" && e.Variant == measure.Full {
			add("heap objects for "+thousands(measure.OutageQueue)+" records held", "O(blocks)", 1, e.Objects < measure.OutageQueue/10,
				fmt.Sprintf("%s, a full collection takes %s", thousands(float64(e.Objects)), short(e.GC)))
			break
		}
	}

	var micros, bytes []float64
	for _, t := range r.Thousand {
		if t.Peer == "slogship" {
			micros, bytes = append(micros, t.Micros), append(bytes, t.Bytes)
		}
	}
	if us := measure.Median(micros); us > 0 {
		add("1,000 calls, against the seed's 24.24 ms and 18.23 MB", "30 x faster, 0 B", us, 24240/us >= 30 && measure.Median(bytes) == 0,
			fmt.Sprintf("%.0f x, %s B", 24240/us, thousands(measure.Median(bytes))))
	}
	if len(rows) == 0 {
		return
	}
	d.say("\n## The targets")
	d.table([]string{"what", "target", "here", ""}, rows)
}

func (r *Results) median(k rowKey, f func(measure.Throughput) float64) float64 {
	var vs []float64
	for _, t := range r.Throughput {
		if rowOf(t) == k {
			vs = append(vs, f(t))
		}
	}
	return measure.Median(vs)
}

// best are the peers, slogship aside, that deliver most records per second and
// that use the least CPU, uncompressed, and the one that uses the least CPU
// while it compresses. One that cannot but compress is among both.
func (r *Results) best(rate, cpu func(rowKey) float64) (fastest, cheapest, compressing rowKey) {
	var ks []rowKey
	for _, t := range r.Throughput {
		if k := rowOf(t); k.peer != "slogship" && !slices.Contains(ks, k) {
			ks = append(ks, k)
		}
	}
	for _, k := range ks {
		if plain(k) && rate(k) > rate(fastest) {
			fastest = k
		}
		if plain(k) && (cheapest.peer == "" || cpu(k) < cpu(cheapest)) {
			cheapest = k
		}
		if k.compression != peers.None && (compressing.peer == "" || cpu(k) < cpu(compressing)) {
			compressing = k
		}
	}
	return fastest, cheapest, compressing
}
