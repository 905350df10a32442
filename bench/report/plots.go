package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
)

// plots draws the tables that a picture tells better, each for a light page and
// for a dark one. All axes of figures are logarithmic: the peers lie up to three
// powers of ten apart.
func plots(dir string, r *Results) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var enqueue, rates, cpus []bar
	for _, g := range groups(r.Throughput, rowOf) {
		ns := measure.Median(values(g.samples, measure.Throughput.EnqueueNS))
		rate := measure.Median(values(g.samples, measure.Throughput.Rate))
		cpu := measure.Median(values(g.samples, measure.Throughput.CPUPerMillion))
		if plain(g.key) {
			enqueue = append(enqueue, bar{plainTitle(g.key.peer), ns, g.key.peer})
		}
		label := plainTitle(g.key.peer) + ", " + string(g.key.compression)
		rates = append(rates, bar{label, rate, g.key.peer})
		cpus = append(cpus, bar{label, cpu, g.key.peer})
	}
	for _, g := range groups(r.Enqueue, enqueueOf) {
		if !ships(g.key.peer) && g.key.variant == measure.Plain {
			enqueue = append(enqueue, bar{plainTitle(g.key.peer), measure.Median(values(g.samples, callNS)), g.key.peer})
		}
	}
	var outages []bar
	for _, o := range r.Outage {
		if o.Kind == "hanging" {
			v := o.Latency.P999
			if o.BlockedAt >= 0 {
				v = o.Blocked
			}
			outages = append(outages, bar{plainTitle(o.Peer), float64(v), o.Peer})
		}
	}
	for _, p := range []struct {
		file, title, axis string
		bars              []bar
		less              bool // is better
		tick              func(float64) string
	}{
		{"enqueue", "What a call costs the caller, backend healthy", "ns a record, less is better", enqueue, true, thousands},
		{"throughput", "Records delivered per second, Flush included", "records/s, more is better", rates, false, thousands},
		{"cpu", "CPU per million delivered records", "CPU seconds, less is better", cpus, true, func(f float64) string { return fmt.Sprintf("%.3g", f) }},
		{
			"outage", "Backend hanging: the caller's p99.9, or how long it was blocked", "less is better", outages, true,
			func(f float64) string { return short(time.Duration(f)) },
		},
	} {
		if err := bars(filepath.Join(dir, p.file), p.title, p.axis, p.bars, p.less, p.tick); err != nil {
			return err
		}
	}
	var byWriters, byDelay []curve
	for _, t := range inOrder(r.Writers, func(t measure.Throughput) string { return t.Peer }) {
		byWriters = point(byWriters, plainTitle(t.Peer), t.Peer == "slogship", float64(t.Writers), t.Rate())
	}
	for _, d := range inOrder(r.Distance, func(d measure.Distance) string { return d.Peer }) {
		byDelay = point(byDelay, distanceTitle(d.Peer, d.Requests), d.Peer == "slogship", float64(d.Delay.Milliseconds()), d.Rate())
	}
	if err := lines(filepath.Join(dir, "writers"), "Records delivered per second by goroutines that log", "goroutines", byWriters); err != nil {
		return err
	}
	return lines(filepath.Join(dir, "distance"), "Records delivered per second, without a loss, by the backend's latency",
		"milliseconds until an answer", byDelay)
}

func plainTitle(name string) string {
	p, _ := peers.Find(name)
	return p.Title
}

// ships reports whether a name is a peer's, and not a ceiling's.
func ships(name string) bool {
	p, _ := peers.Find(name)
	return p.Proto != ""
}

// inOrder sorts samples by where their peers stand in the report.
func inOrder[T any](samples []T, peer func(T) string) []T {
	s := slices.Clone(samples)
	ascending(s, func(t T) float64 { return float64(order(peer(t))) })
	return s
}

func distanceTitle(peer string, requests int) string {
	if requests > 1 {
		return fmt.Sprintf("%s, Requests %d", plainTitle(peer), requests)
	}
	return plainTitle(peer)
}
