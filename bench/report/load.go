package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/measure"
)

func (d *doc) outage(r *Results) {
	if !d.section(r, 3, "An outage of 30 s") {
		return
	}
	d.say("\nEach peer logs %s records a second for its turn of the outage, alone; each call is timed. Blocked is the first call"+
		"\nthat took more than a second, and how long the longest took. Delivered is of what was logged, up to 60 s after the backend"+
		"\nwas back and the peer closed; held is the heap at the end of the outage. More is logged than the queues, bounded to %s"+
		"\nrecords for all who have a bound, can hold.", thousands(measure.OutageRate), thousands(measure.OutageQueue))
	d.plot("outage", "the caller's p99.9")
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
	if c := compare(r.tailOf(true), r.tailOf(false)); len(c.rounds) > 0 {
		d.say("\nslogship's p99.9 at %s records a second, in rounds of their own: %s with a healthy backend, %s with one that hangs"+
			"\nand a full queue, %s times as long.", thousands(measure.OutageRate), short(time.Duration(c.b)), short(time.Duration(c.a)), c)
	}
}

func (d *doc) writers(r *Results) {
	if !d.section(r, 4, "Many writers") {
		return
	}
	d.say("\nRecords delivered per second, Flush or Close included, and the p99 of a call, with so many goroutines logging at once.")
	d.plot("writers", "records per second by writers")
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
	d.pressure(r)
}

// pressure is what becomes of records when more are logged than can be delivered.
func (d *doc) pressure(r *Results) {
	if len(r.Pressure) == 0 {
		return
	}
	d.say("\nEight goroutines that never pause, compressed; the queue is bounded to %s records for all who have a bound. Delivered"+
		"\nper second while they log; overflowed is what was logged and never arrived. Who blocks loses nothing and logs less.",
		thousands(measure.OutageQueue))
	gs := groups(r.Pressure, func(p measure.Pressure) rowKey { return rowKey{p.Peer, p.Compression} })
	descending(gs, func(g group[rowKey, measure.Pressure]) float64 {
		return measure.Median(values(g.samples, measure.Pressure.Rate))
	})
	var rows [][]string
	for _, g := range gs {
		rate, spread := median(g.samples, measure.Pressure.Rate)
		lost, _ := median(g.samples, func(p measure.Pressure) float64 { return 100 * float64(p.Logged-p.Delivered) / float64(p.Logged) })
		cpu, _ := median(g.samples, func(p measure.Pressure) float64 { return p.CPU / p.Seconds })
		to := "1"
		if g.key.peer != "slogship" {
			to = compare(r.pressureOf("slogship"), r.pressureOf(g.key.peer)).String()
		}
		rows = append(rows, []string{
			title(g.key.peer), string(g.key.compression), thousands(rate) + spread, to, fmt.Sprintf("%.1f %%", lost), fmt.Sprintf("%.2f", cpu),
		})
	}
	d.table([]string{"peer", "compression", "delivered/s", "slogship delivers, times", "overflowed, of what was logged", "cores used"}, rows)
}
