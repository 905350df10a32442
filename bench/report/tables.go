package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
)

func (d *doc) enqueue(r *Results) {
	if !d.section(r, 1, "What a call costs the caller") {
		return
	}
	d.say("\nOne goroutine logs without a pause; the backend is healthy. B and allocs are the whole process's, its sending" +
		"\nincluded, until the last call returned. Peers that block when their queue is full show the time they blocked for.")
	d.say("\n![ns per record on the caller](plots/enqueue.svg)")
	type line struct {
		ns    float64
		cells []string
	}
	var lines []line
	for _, g := range groups(r.Throughput, rowOf) {
		if !plain(g.key) {
			continue
		}
		ns, spread := median(g.samples, measure.Throughput.EnqueueNS)
		b, _ := median(g.samples, func(t measure.Throughput) float64 { return t.LogBytes })
		a, _ := median(g.samples, func(t measure.Throughput) float64 { return t.LogAllocs })
		lines = append(lines, line{ns, []string{title(g.key.peer), thousands(ns) + spread, fmt.Sprintf("%.0f", b), fmt.Sprintf("%.2f", a)}})
	}
	for _, g := range groups(r.Enqueue, func(e measure.Enqueue) enqueueKey { return enqueueKey{e.Peer, e.Variant} }) {
		if p, _ := peers.Find(g.key.peer); p.Proto != "" || g.key.variant != measure.Plain {
			continue
		}
		ns, spread := median(g.samples, func(e measure.Enqueue) float64 { return e.NS })
		b, _ := median(g.samples, func(e measure.Enqueue) float64 { return e.Bytes })
		a, _ := median(g.samples, func(e measure.Enqueue) float64 { return e.Allocs })
		lines = append(lines, line{ns, []string{"*" + title(g.key.peer) + "*", thousands(ns) + spread, fmt.Sprintf("%.0f", b), fmt.Sprintf("%.2f", a)}})
	}
	ascending(lines, func(l line) float64 { return l.ns })
	d.table([]string{"peer (*in-process ceiling*)", "ns a record", "B", "allocs"}, column(lines, func(l line) []string { return l.cells }))

	d.say("\nWith ten more attributes given once by With, with the call site, and, where it can be, with the queue of %s\nfull and the backend hanging:", thousands(measure.OutageQueue))
	var rows [][]string
	byPeer := groups(r.Enqueue, func(e measure.Enqueue) string { return e.Peer })
	slices.SortFunc(byPeer, func(a, b group[string, measure.Enqueue]) int { return cmp.Compare(order(a.key), order(b.key)) })
	for _, g := range byPeer {
		row := []string{title(g.key)}
		for _, v := range []string{measure.Plain, measure.Ten, measure.Source, measure.Full} {
			of := slices.DeleteFunc(slices.Clone(g.samples), func(e measure.Enqueue) bool { return e.Variant != v })
			if len(of) == 0 {
				row = append(row, "-")
				continue
			}
			ns, spread := median(of, func(e measure.Enqueue) float64 { return e.NS })
			row = append(row, thousands(ns)+spread)
		}
		rows = append(rows, row)
	}
	d.table([]string{"ns a record", "five attributes", "and ten by With", "and the call site", "queue full"}, rows)
	for _, g := range byPeer {
		for _, e := range g.samples {
			if e.Variant == measure.Full {
				d.say("\n%s with %s records held: %s objects and %s of heap, a full garbage collection takes %s.", title(g.key),
					thousands(measure.OutageQueue), thousands(float64(e.Objects)), mib(float64(e.Held)), short(e.GC))
				break
			}
		}
	}
}

type enqueueKey struct{ peer, variant string }

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
	d.say("\n![records delivered per second](plots/throughput.svg) ![CPU per million](plots/cpu.svg)")
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

func (d *doc) outage(r *Results) {
	if !d.section(r, 3, "An outage of 30 s") {
		return
	}
	d.say("\nEach peer logs %s records a second for its turn of the outage, alone; each call is timed. Blocked is the first call"+
		"\nthat took more than a second, and how long the longest took. Delivered is of what was logged, up to 60 s after the backend"+
		"\nwas back and the peer closed; held is the heap at the end of the outage. More is logged than the queues, bounded to %s"+
		"\nrecords for all who have a bound, can hold.", thousands(measure.OutageRate), thousands(measure.OutageQueue))
	d.say("\n![the caller's p99.9](plots/outage.svg)")
	samples := slices.Clone(r.Outage)
	kinds := []string{"healthy", "hanging", "refused", "503"}
	slices.SortStableFunc(samples, func(a, b measure.Outage) int {
		return cmp.Or(cmp.Compare(order(a.Peer), order(b.Peer)), cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)))
	})
	var rows [][]string
	for _, o := range samples {
		l, blocked := o.Latency, "never"
		ls := []string{short(l.P50), short(l.P99), short(l.P999), short(l.Max)}
		if o.BlockedAt >= 0 {
			blocked = fmt.Sprintf("**at record %s, %s**", thousands(float64(o.BlockedAt+1)), short(o.Blocked))
		}
		if l.Calls == 0 { // never returned
			ls = []string{"-", "-", "-", short(o.Blocked)}
		}
		lost := thousands(float64(o.Delivered)) + ", " + percent(o.Delivered, o.Logged) + " of logged"
		if o.Doubled > 0 {
			lost += fmt.Sprintf(", %d doubled", o.Doubled)
		}
		held, back := "-", "-"
		if o.Kind != "healthy" {
			held = fmt.Sprintf("%s, %s objects", mib(float64(max(0, o.HeapBytes))), thousands(float64(max(0, o.HeapObjects))))
			if o.Recovered > 0 {
				back = short(o.Recovered.Round(100 * time.Millisecond))
			}
		}
		row := append([]string{title(o.Peer), o.Kind}, ls...)
		rows = append(rows, append(row, blocked, thousands(float64(o.Logged))+" of "+thousands(float64(o.Offered)), lost, back, held, mib(float64(o.RSSPeak))))
	}
	d.table([]string{"peer", "backend", "p50", "p99", "p99.9", "max", "blocked", "logged", "delivered", "last arrived, after recovery", "held", "peak memory"}, rows)
}

func (d *doc) writers(r *Results) {
	if !d.section(r, 4, "Many writers") {
		return
	}
	d.say("\nRecords delivered per second, Flush or Close included, and the p99 of a call, with so many goroutines logging at once.")
	d.say("\n![records per second by writers](plots/writers.svg)")
	var ws []int
	for _, t := range r.Writers {
		if !slices.Contains(ws, t.Writers) {
			ws = append(ws, t.Writers)
		}
	}
	slices.Sort(ws)
	head := []string{"peer"}
	for _, w := range ws {
		head = append(head, fmt.Sprintf("%d", w))
	}
	byPeer := groups(r.Writers, func(t measure.Throughput) string { return t.Peer })
	slices.SortFunc(byPeer, func(a, b group[string, measure.Throughput]) int { return cmp.Compare(order(a.key), order(b.key)) })
	var rows [][]string
	for _, g := range byPeer {
		row := []string{title(g.key)}
		for _, w := range ws {
			of := slices.DeleteFunc(slices.Clone(g.samples), func(t measure.Throughput) bool { return t.Writers != w })
			rate, _ := median(of, measure.Throughput.Rate)
			p99, _ := median(of, func(t measure.Throughput) float64 { return float64(t.Latency.P99) })
			cell := fmt.Sprintf("%sk, %s", thousands(rate/1e3), short(time.Duration(p99)))
			lost := 0
			for _, t := range of {
				lost += t.Logged - t.Delivered
			}
			if lost > 0 {
				cell += " (loses)"
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	d.table(head, rows)
}

func (d *doc) distance(r *Results) {
	if !d.section(r, 5, "A backend that answers late") {
		return
	}
	d.say("\nRecords delivered per second, without a loss, when each answer takes so long: a burst of 50,000, or what of it was" +
		"\ndelivered after 4 s. Peers that would lose some are flushed when their buffer is full.")
	d.say("\n![records per second by latency](plots/distance.svg)")
	var delays []time.Duration
	for _, s := range r.Distance {
		if !slices.Contains(delays, s.Delay) {
			delays = append(delays, s.Delay)
		}
	}
	slices.Sort(delays)
	head := []string{"peer"}
	for _, dl := range delays {
		head = append(head, dl.String())
	}
	byPeer := groups(r.Distance, func(s measure.Distance) string { return s.Peer })
	slices.SortFunc(byPeer, func(a, b group[string, measure.Distance]) int { return cmp.Compare(order(a.key), order(b.key)) })
	var rows [][]string
	for _, g := range byPeer {
		row := []string{title(g.key)}
		for _, dl := range delays {
			of := slices.DeleteFunc(slices.Clone(g.samples), func(s measure.Distance) bool { return s.Delay != dl })
			rate, _ := median(of, measure.Distance.Rate)
			cell := thousands(rate)
			for _, s := range of {
				if s.Complete && s.Delivered < s.Logged {
					cell += fmt.Sprintf(" (**%s lost**)", thousands(float64(s.Logged-s.Delivered)))
				}
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	d.table(head, rows)
}

func (d *doc) defaults(r *Results) {
	if !d.section(r, 6, "As the README sets it up") {
		return
	}
	burst := 0
	for _, s := range r.Defaults {
		burst = max(burst, s.Logged)
	}
	d.say("\nDelivered (lost, doubled), and how long the end that the README prescribes took. Burst: %s records at once, a"+
		"\nwhile, the end. Exit: the same, and the end at once. A single 500: 100 records a second for 3 s, the first request gets a 500."+
		"\n503 for 3 s, and connection refused for 3 s: 100 records a second, and 100 more once the backend is back; then up to a minute for what is to come.", thousands(float64(burst)))
	titles := map[string]string{
		measure.Burst: "burst", measure.Exit: "exit straight after the burst", measure.Single500: "a single 500",
		measure.Outage503: "3 s of 503", measure.NotYetOpen: "connection refused at start",
	}
	head := []string{"peer"}
	for _, s := range measure.Scenarios {
		head = append(head, titles[s])
	}
	byPeer := groups(r.Defaults, func(s measure.Defaults) string { return s.Peer })
	slices.SortFunc(byPeer, func(a, b group[string, measure.Defaults]) int { return cmp.Compare(order(a.key), order(b.key)) })
	var rows [][]string
	for _, g := range byPeer {
		row := []string{title(g.key)}
		for _, sc := range measure.Scenarios {
			cell := "-"
			for _, s := range g.samples {
				if s.Scenario != sc {
					continue
				}
				cell = percent(s.Delivered, s.Logged)
				if lost := s.Logged - s.Delivered; lost > 0 {
					cell += fmt.Sprintf(" (**%s lost**)", thousands(float64(lost)))
				}
				if s.Doubled > 0 {
					cell += fmt.Sprintf(" (**%s doubled**)", thousands(float64(s.Doubled)))
				}
				if s.CloseTime > 1 {
					cell += fmt.Sprintf(", end %.1f s", s.CloseTime)
				}
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	d.table(head, rows)
}

func (d *doc) thousand(r *Results) {
	if !d.section(r, 7, "The seed's own benchmark") {
		return
	}
	d.say("\nLogflare's Elixir client, from which slogship descends, counts 1,000 calls of its handler: 24.24 ms and 18.23 MB after" +
		"\nits pull request 120, on its authors' machine. Here 1,000 calls of slog.Logger, the backend healthy, are:")
	var rows [][]string
	byPeer := groups(r.Thousand, func(t measure.Thousand) string { return t.Peer })
	slices.SortFunc(byPeer, func(a, b group[string, measure.Thousand]) int { return cmp.Compare(order(a.key), order(b.key)) })
	for _, g := range byPeer {
		us, spread := median(g.samples, func(t measure.Thousand) float64 { return t.Micros })
		b, _ := median(g.samples, func(t measure.Thousand) float64 { return t.Bytes })
		a, _ := median(g.samples, func(t measure.Thousand) float64 { return t.Allocs })
		rows = append(rows, []string{title(g.key), fmt.Sprintf("%.2f ms%s", us/1e3, spread), thousands(b) + " B", thousands(a), fmt.Sprintf("%.0f x", 24240/us)})
	}
	rows = append(rows, []string{"Logflare's Elixir client, as it says", "24.24 ms", "18,230,000 B", "-", "1 x"})
	d.table([]string{"1,000 calls", "time", "allocated", "allocations", "faster"}, rows)
}
