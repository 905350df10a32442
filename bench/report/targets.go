package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/records"
)

// A target is a ratio that slogship set out to reach.
type target struct {
	what          string
	atLeast       bool    // or else at most
	required, aim float64 // 0: none
	before        float64 // what the version before had; 0: not known
	got           ratio
	of            string // the two figures
}

// verdict says whether a figure reaches what is required, and what is aimed at.
func (t target) verdict(v float64) string {
	reaches := func(limit float64) bool {
		if t.atLeast {
			return v >= limit
		}
		return v <= limit
	}
	switch {
	case t.required == 0 && t.before != 0:
		return "-"
	case t.required == 0:
		return "no base"
	case !reaches(t.required):
		return "**missed**"
	case t.aim != 0 && reaches(t.aim):
		return "reached, aim too"
	}
	return "reached"
}

func (t target) row() []string {
	limit := func(f float64) string {
		if f == 0 {
			return "-"
		}
		if t.atLeast {
			return fmt.Sprintf("at least %.4g", f)
		}
		return fmt.Sprintf("at most %.4g", f)
	}
	before := "-"
	if t.before != 0 {
		before = fmt.Sprintf("%.2f", t.before)
	}
	here := t.got.String()
	if t.of != "" {
		here += ": " + t.of
	}
	return []string{t.what, limit(t.required), limit(t.aim), here, before, t.verdict(t.got.median())}
}

// targets compares slogship to what it set out to reach.
func (d *doc) targets(r *Results) {
	var rows [][]string
	for _, ts := range [][]target{r.callTargets(), r.deliveryTargets(), r.formatTargets()} {
		for _, t := range ts {
			if len(t.got.rounds) > 0 {
				rows = append(rows, t.row())
			}
		}
	}
	rows = append(rows, r.plainTargets()...)
	if len(rows) == 0 {
		return
	}
	d.say("\n## The targets")
	d.say("\nRatios, each the median of the rounds' ratios, in parentheses the middle half of the rounds; then the medians of the" +
		"\ntwo figures. \"Before\" is the same ratio of the version that wrote JSON in the call, from this benchmark's run of" +
		"\n2026-11-21 on the same machine (bench/report/base.go). \"To the version before\" divides the two ratios, each to its run's" +
		"\nbest peer: no figure of one run is compared with one of another. No base: the version before was not measured so.")
	d.table([]string{"what", "required", "aim", "here", "before", ""}, rows)
}

func ns(r ratio) string { return fmt.Sprintf("%s / %s ns", thousands(r.a), thousands(r.b)) }

// callTargets are about what a call costs.
func (r *Results) callTargets() []target {
	calls := func(what string, required, aim, before float64, a, b series) target {
		c := compare(a, b)
		return target{what, false, required, aim, before, c, ns(c)}
	}
	own := func(shape string) series { return r.beside(shape, measure.HandlerFull) }
	phuslu := func(shape string) series { return r.beside(shape, "phuslu") }
	five := own(records.Five)
	ts := []target{
		calls("a call, ring full and the backend hanging, to phuslu/log's handler to io.Discard", 0.85, 0.75, beforePhuslu, five, phuslu(records.Five)),
		calls("the same, to slog.JSONHandler to io.Discard", 0.45, 0.40, beforeJSON, five, r.beside(records.Five, "slogjson")),
		calls("the same with ten attributes by With, to phuslu/log", 0.90, 0.75, beforeTen, own(records.FiveWithTen), phuslu(records.FiveWithTen)),
		calls("a record without attributes, to phuslu/log", 1, 0.85, 0, own(records.Bare), phuslu(records.Bare)),
		calls("a big group, to phuslu/log", 1, 0.85, 0, own(records.BigGroup), phuslu(records.BigGroup)),
		calls("a fresh handler with a large bound, its ring still growing, to phuslu/log", 0, 0, 0, r.beside(records.Five, measure.HandlerFresh), phuslu(records.Five)),
		calls("with AddSource / without", 1.1, 1.05, beforeSource, r.beside(records.Five, measure.HandlerSource), five),
		calls("ring full and the backend hanging / idle", 1.05, 0, beforeFull, five, r.beside(records.Five, measure.HandlerIdle)),
	}
	c := compare(r.tailOf(true), r.tailOf(false))
	return append(ts, target{
		"p99.9 of a call, hanging / healthy", false, 1.1, 0, beforeTail, c,
		short(time.Duration(c.a)) + " / " + short(time.Duration(c.b)),
	})
}

// deliveryTargets are about what is delivered, and at what cost.
func (r *Results) deliveryTargets() []target {
	rates := func(c ratio, of string) string {
		return fmt.Sprintf("%sk / %sk records/s%s", thousands(c.a/1e3), thousands(c.b/1e3), of)
	}
	c := compare(r.writersOf("slogship", 32), r.writersOf("slogship", 2))
	ts := []target{{"records per second, 32 goroutines / 2", true, 0.95, 0, beforeWriters, c, rates(c, "")}}

	none, gzip := rowKey{"slogship", peers.None}, rowKey{"slogship", peers.Gzip}
	fastest, cheapest, compressing := r.best()
	c = compare(r.throughputOf(none, measure.Throughput.Rate), r.throughputOf(fastest, measure.Throughput.Rate))
	ts = append(ts,
		target{"records per second, uncompressed, to the best peer's", true, 4, 5, beforeDelivered, c, rates(c, " of "+title(fastest.peer))},
		target{"the same, to the version before", true, 1, 1.3, 0, c.versus(beforeDelivered), ""})
	cpu := func(what string, required, aim, before float64, own, peer rowKey) target {
		c := compare(r.throughputOf(own, measure.Throughput.CPUPerMillion), r.throughputOf(peer, measure.Throughput.CPUPerMillion))
		return target{what, false, required, aim, before, c, fmt.Sprintf("%.2f / %.2f s per million of %s, %s", c.a, c.b, title(peer.peer), peer.compression)}
	}
	ts = append(ts,
		cpu("CPU a delivered record, uncompressed, to the best peer's", 0.25, 0.20, beforeCPU, none, cheapest),
		cpu("the same with gzip, to the best compressing peer's", 0.28, 0.25, beforeCPUGzip, gzip, compressing))

	names := column(peers.All()[1:], func(p peers.Peer) string { return p.Name })
	unpaused := best(r.pressureOf, names, false)
	c = compare(r.pressureOf("slogship"), r.pressureOf(unpaused))
	ts = append(ts, target{"8 goroutines that never pause, gzip: delivered, to the best peer's", true, 0, 0, 0, c, rates(c, " of "+title(unpaused))})
	for _, requests := range []int{1, 4} {
		for _, delay := range r.delays() {
			of := func(peer string) series { return r.distanceOf(peer, 0, delay) }
			peer := best(of, names, false)
			c := compare(r.distanceOf("slogship", requests, delay), of(peer))
			t := target{
				fmt.Sprintf("answers after %v, Requests %d, to the best peer", delay, requests), true, 1, 2, 0, c,
				rates(c, " of "+title(peer)),
			}
			if requests == 1 { // what there was before is not what is to be shown
				t.required, t.aim, t.before = 0, 0, beforeDistance[delay]
			}
			ts = append(ts, t)
		}
	}
	return ts
}

// delays are those of table 5.
func (r *Results) delays() []time.Duration {
	delays := column(r.Distance, func(d measure.Distance) time.Duration { return d.Delay })
	slices.Sort(delays)
	return slices.Compact(delays)
}

// formatTargets are about memory and formats.
func (r *Results) formatTargets() []target {
	bytes := r.pendingBytes("slogship")
	of := series{}
	for round := range bytes {
		of[round] = []float64{beforeRingBytes}
	}
	c := compare(bytes, of)
	ts := []target{{"memory a pending record, to the version before", false, 0.6, 0.5, 0, c, fmt.Sprintf("%.0f / %.0f B", c.a, c.b)}}

	logflare := func(f func(measure.PerFormat) []float64) series { return r.format(measure.FormatLogflare, f) }
	slowest := func(f func(measure.PerFormat) []float64) string {
		var names []string
		for _, g := range groups(r.Formats, func(f measure.PerFormat) string { return f.Format }) {
			if g.key != measure.FormatLogflare && g.key != measure.FormatOTLP {
				names = append(names, g.key)
			}
		}
		found, worst := "", 0.0
		for _, n := range names {
			if m := compare(r.format(n, f), logflare(f)).median(); m > worst {
				found, worst = n, m
			}
		}
		return found
	}
	of2 := func(what string, required, aim float64, name string, f func(measure.PerFormat) []float64) target {
		c := compare(r.format(name, f), logflare(f))
		return target{what, false, required, aim, 0, c, name + ", " + ns(c)}
	}
	calls := slowest(formatCall)
	if compare(r.format(measure.FormatOTLP, formatCall), logflare(formatCall)).median() > compare(r.format(calls, formatCall), logflare(formatCall)).median() {
		calls = measure.FormatOTLP
	}
	return append(ts,
		of2("a call with the slowest format, to Logflare's", 1.03, 1, calls, formatCall),
		of2("decode and encode, the slowest JSON-shaped format, to Logflare's", 1.3, 1.15, slowest(formatEncode), formatEncode),
		of2("decode and encode, OTLP protobuf, to Logflare's", 1.1, 1, measure.FormatOTLP, formatEncode))
}

// plainTargets are those that are no ratios of rounds.
func (r *Results) plainTargets() (rows [][]string) {
	add := func(what, required, here, before string, ok bool) {
		mark := "reached"
		if !ok {
			mark = "**missed**"
		}
		rows = append(rows, []string{what, required, "-", here, before, mark})
	}
	none := rowKey{"slogship", peers.None}
	if a := r.throughputOf(none, func(t measure.Throughput) float64 { return t.Allocs }); len(a) > 0 {
		add("allocations a delivered record, whole pipeline", "below 0.01", fmt.Sprintf("%.4f", a.median()), fmt.Sprintf("%.4f", beforeAllocs), a.median() < 0.01)
	}
	of := slices.DeleteFunc(slices.Clone(r.Beside), func(b measure.Beside) bool {
		return b.Shape != records.Five || b.Handler != measure.HandlerFull
	})
	if a, _ := median(of, func(b measure.Beside) float64 { return b.Allocs }); len(of) > 0 {
		add("allocations a call, ring full", "0", fmt.Sprintf("%.4f", a), "0", a < 0.001)
	}
	return rows
}

// best are the peers, slogship aside, that deliver most records per second and
// that use the least CPU, uncompressed, and the one that uses the least CPU
// while it compresses. One that cannot but compress is among both.
func (r *Results) best() (fastest, cheapest, compressing rowKey) {
	rate := func(k rowKey) float64 { return r.throughputOf(k, measure.Throughput.Rate).median() }
	cpu := func(k rowKey) float64 { return r.throughputOf(k, measure.Throughput.CPUPerMillion).median() }
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
