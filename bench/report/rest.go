package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/measure"
)

func (d *doc) distance(r *Results) {
	if !d.section(r, 5, "A backend that answers late") {
		return
	}
	d.say("\nRecords delivered per second, without a loss, when each answer takes so long: a burst of 50,000, or what of it was" +
		"\ndelivered after 3 s. Peers that would lose some are flushed when their buffer is full.")
	d.plot("distance", "records per second by latency")
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
	type line struct {
		peer     string
		requests int
	}
	byPeer := groups(r.Distance, func(s measure.Distance) line { return line{s.Peer, s.Requests} })
	slices.SortFunc(byPeer, func(a, b group[line, measure.Distance]) int {
		return cmp.Or(cmp.Compare(order(a.key.peer), order(b.key.peer)), cmp.Compare(a.key.requests, b.key.requests))
	})
	var rows [][]string
	for _, g := range byPeer {
		row := []string{title(g.key.peer)}
		if g.key.requests > 0 {
			row[0] += fmt.Sprintf(", Requests %d", g.key.requests)
		}
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
