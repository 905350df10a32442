package report

import (
	"fmt"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
)

type rowKey struct {
	peer        string
	compression peers.Compression
}

func rowOf(t measure.Throughput) rowKey { return rowKey{t.Peer, t.Compression} }

func plain(k rowKey) bool {
	p, _ := peers.Find(k.peer)
	return p.Plain == k.compression
}

func column[T, C any](rows []T, f func(T) C) []C {
	var cs []C
	for _, r := range rows {
		cs = append(cs, f(r))
	}
	return cs
}

func (d *doc) throughput(r *Results) {
	if !d.section(r, 2, "Records delivered, and what they cost") {
		return
	}
	d.say("\nOne goroutine logs a round of records as fast as it can and waits by Flush, or Close, until all are delivered; rounds"+
		"\ngo on for %s, one if it is slower. Time and CPU (of the whole process, per *delivered* record) include the waiting.", "0.7 s")
	d.plot("throughput", "records delivered per second")
	d.plot("cpu", "CPU per million")
	gs := groups(r.Throughput, rowOf)
	descending(gs, func(g group[rowKey, measure.Throughput]) float64 {
		return measure.Median(values(g.samples, measure.Throughput.Rate))
	})
	rows := func(keep func(rowKey) bool) [][]string {
		var rows [][]string
		for _, g := range gs {
			if keep(g.key) {
				rows = append(rows, throughputRow(g))
			}
		}
		return rows
	}
	head := []string{"peer", "compression", "records/s", "delivered", "CPU s / million", "allocs a record", "peak memory", "B a record sent", "records a round", "receiver's CPU s / million"}
	d.say("\nUncompressed:")
	d.table(head, rows(plain))
	d.say("\nCompressed, by whatever each peer offers:")
	d.table(head, rows(func(k rowKey) bool { return k.compression != peers.None }))
}

func throughputRow(g group[rowKey, measure.Throughput]) []string {
	rate, spread := median(g.samples, measure.Throughput.Rate)
	cpu, cpuSpread := median(g.samples, measure.Throughput.CPUPerMillion)
	a, _ := median(g.samples, func(t measure.Throughput) float64 { return t.Allocs })
	rss, _ := median(g.samples, func(t measure.Throughput) float64 { return float64(t.RSSPeak) })
	wire, _ := median(g.samples, func(t measure.Throughput) float64 { return float64(t.Arrived.WireBytes) / float64(t.Arrived.Records) })
	recv, _ := median(g.samples, func(t measure.Throughput) float64 { return t.ReceiverCPU * 1e6 / float64(t.Delivered) })
	logged, delivered, doubled, late, rounds := 0, 0, 0, 0, 0
	for _, t := range g.samples {
		logged += t.Logged
		delivered += t.Delivered
		doubled += t.Doubled
		late += t.Late
		rounds += t.Rounds
	}
	how := percent(delivered, logged)
	if delivered < logged {
		how = "**" + how + "**"
	}
	for _, n := range []struct {
		n    int
		what string
	}{{doubled, "doubled"}, {late, "late"}} {
		if n.n > 0 {
			how += fmt.Sprintf(", %d %s", n.n, n.what)
		}
	}
	return []string{
		title(g.key.peer), string(g.key.compression), thousands(rate) + spread, how,
		fmt.Sprintf("%.2f%s", cpu, cpuSpread), fmt.Sprintf("%.3g", a), mib(rss), fmt.Sprintf("%.0f", wire), thousands(float64(logged / rounds)), fmt.Sprintf("%.2f", recv),
	}
}
