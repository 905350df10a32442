package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/report"
)

// plan is which tables are measured, of which peers, and how thoroughly.
type plan struct {
	tables map[int]bool
	peers  []peers.Peer // ceilings included
	dir    string       // of results.json

	counts        int           // of tables 1 and 2
	writerCounts  int           // of table 4
	records       int           // a round
	atLeast       time.Duration // rounds go on until they took so long
	writers       []int
	delays        []time.Duration
	burst         int           // of table 5
	burstLimit    time.Duration // and how long it is waited for
	turn          time.Duration // of a peer, in an outage
	outage        time.Duration
	recovery      time.Duration
	defaultsLimit time.Duration // how long table 6 waits for what is to come
}

func newPlan(quick bool, counts int) *plan {
	p := &plan{
		counts:        5,
		writerCounts:  3,
		records:       100_000,
		atLeast:       700 * time.Millisecond,
		writers:       []int{1, 2, 8, 16, 32, 64},
		delays:        []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond},
		burst:         50_000,
		burstLimit:    4 * time.Second,
		turn:          4 * time.Second,
		outage:        30 * time.Second,
		recovery:      60 * time.Second,
		defaultsLimit: 62 * time.Second,
	}
	if quick {
		p.counts = 1
		p.writerCounts = 1
		p.writers = []int{1, 8, 64}
		p.records = 50_000
		p.atLeast = 300 * time.Millisecond
		p.burstLimit = 3 * time.Second
		p.turn = 1200 * time.Millisecond
		p.outage = 10 * time.Second
		p.recovery = 12 * time.Second
		p.defaultsLimit = 8 * time.Second
	}
	if counts > 0 {
		p.counts = counts
	}
	return p
}

// row is a peer with a compression.
type row struct {
	peers.Peer
	compression peers.Compression
}

// rows are the shippers, each uncompressed if it can be; with others, with
// their other compressions too.
func (p *plan) rows(others bool) []row {
	var rs []row
	for _, peer := range p.peers {
		if peer.Proto == "" {
			continue
		}
		rs = append(rs, row{peer, peer.Plain})
		if others {
			for _, c := range peer.Others {
				rs = append(rs, row{peer, c})
			}
		}
	}
	return rs
}

// shippers are the peers that ship, without the variant of slog-loki.
func (p *plan) shippers() []row {
	return slices.DeleteFunc(p.rows(false), func(r row) bool { return r.Defaults == "" })
}

// turns calls f for each row, counts times over: rounds are interleaved, each
// in an order of its own, so that no peer always runs in the same moment or
// after the same neighbour.
func turns[R any](rows []R, counts int, f func(R) error) error {
	for range counts {
		shuffled := slices.Clone(rows)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for _, r := range shuffled {
			if err := f(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *plan) measure(ctx context.Context, res *report.Results) error {
	backend, stop, err := startReceiver(ctx)
	if err != nil {
		return err
	}
	defer stop()
	start := time.Now()
	for _, t := range []struct {
		table int
		name  string
		f     func(context.Context, receiver.Control, *report.Results) error
	}{
		{1, "enqueue", p.enqueue},
		{2, "throughput", p.throughput},
		{3, "outage", p.outages},
		{4, "writers", p.manyWriters},
		{5, "latency to the backend", p.distances},
		{6, "default settings", p.defaultSettings},
		{7, "the seed's own", p.thousand},
	} {
		// Tables 1 and 2 are two views of one run.
		if !p.tables[t.table] && !(t.table == 2 && p.tables[1]) {
			continue
		}
		log.Printf("%5.0f s  table %d: %s", time.Since(start).Seconds(), t.table, t.name)
		if err := t.f(ctx, backend, res); err != nil {
			return fmt.Errorf("table %d: %w", t.table, err)
		}
		res.Measured(t.table)
		if err := res.Save(p.dir); err != nil { // an interrupted run keeps what it has
			return err
		}
	}
	log.Printf("%5.0f s  done", time.Since(start).Seconds())
	return nil
}

// note says that a measurement failed and goes on: the report shows what is
// missing. Only an end of the whole run is an error.
func note(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil {
		log.Print(err)
		return nil
	}
	return err
}

// enqueue is table 1, beyond what throughput tells: the ceilings, the
// variants, and slogship beside them.
func (p *plan) enqueue(ctx context.Context, c receiver.Control, res *report.Results) error {
	type cell struct {
		row
		variant string
	}
	var cells []cell
	for _, peer := range p.peers {
		variants := []string{measure.Plain, measure.Ten, measure.Source}
		switch {
		case peer.Name == "slogship":
			variants = append(variants, measure.Full)
		case peer.Name == "otel":
			variants = []string{measure.Plain, measure.Full}
		case peer.Proto != "":
			continue
		}
		for _, v := range variants {
			cells = append(cells, cell{row{peer, peer.Plain}, v})
		}
	}
	res.Enqueue = report.Without(res.Enqueue, p.peers, func(e measure.Enqueue) string { return e.Peer })
	return turns(cells, p.counts, func(t cell) error {
		var e measure.Enqueue
		err := run(ctx, measure.Spec{
			Kind: measure.KindEnqueue, Peer: t.Name, Compression: t.compression,
			Control: c, Records: p.records, Variant: t.variant,
		}, time.Minute, &e)
		if err == nil {
			res.Enqueue = append(res.Enqueue, e)
		}
		return note(ctx, err)
	})
}

// throughput is table 2, and the peers' part of table 1.
func (p *plan) throughput(ctx context.Context, c receiver.Control, res *report.Results) error {
	res.Throughput = report.Without(res.Throughput, p.peers, func(t measure.Throughput) string { return t.Peer })
	return turns(p.rows(true), p.counts, func(r row) error {
		var t measure.Throughput
		err := run(ctx, measure.Spec{
			Kind: measure.KindThroughput, Peer: r.Name, Compression: r.compression,
			Control: c, Records: p.records, AtLeast: p.atLeast,
		}, 2*time.Minute, &t)
		if err == nil {
			res.Throughput = append(res.Throughput, t)
		}
		return note(ctx, err)
	})
}

// manyWriters is table 4.
func (p *plan) manyWriters(ctx context.Context, c receiver.Control, res *report.Results) error {
	type cell struct {
		row
		writers int
	}
	var cells []cell
	for _, r := range p.shippers() {
		for _, w := range p.writers {
			cells = append(cells, cell{r, w})
		}
	}
	res.Writers = report.Without(res.Writers, p.peers, func(t measure.Throughput) string { return t.Peer })
	return turns(cells, p.writerCounts, func(r cell) error {
		var t measure.Throughput
		err := run(ctx, measure.Spec{
			Kind: measure.KindThroughput, Peer: r.Name, Compression: r.compression,
			Control: c, Records: p.records / 2, AtLeast: p.atLeast / 2, Writers: r.writers,
		}, 2*time.Minute, &t)
		if err == nil {
			res.Writers = append(res.Writers, t)
		}
		return note(ctx, err)
	})
}

// distances is table 5.
func (p *plan) distances(ctx context.Context, c receiver.Control, res *report.Results) error {
	type cell struct {
		row
		delay time.Duration
	}
	var cells []cell
	for _, r := range p.shippers() {
		for _, d := range p.delays {
			cells = append(cells, cell{r, d})
		}
	}
	res.Distance = report.Without(res.Distance, p.peers, func(d measure.Distance) string { return d.Peer })
	return turns(cells, 1, func(r cell) error {
		var d measure.Distance
		err := run(ctx, measure.Spec{
			Kind: measure.KindDistance, Peer: r.Name, Compression: r.compression,
			Control: c, Records: p.burst, AtLeast: p.burstLimit, Delay: r.delay,
		}, p.burstLimit+30*time.Second, &d)
		if err == nil {
			res.Distance = append(res.Distance, d)
		}
		return note(ctx, err)
	})
}

// thousand is table 7.
func (p *plan) thousand(ctx context.Context, c receiver.Control, res *report.Results) error {
	res.Thousand = report.Without(res.Thousand, p.peers, func(t measure.Thousand) string { return t.Peer })
	rows := slices.DeleteFunc(p.shippers(), func(r row) bool { return r.Name != "slogship" && r.Name != "otel" })
	return turns(rows, 3, func(r row) error {
		var t measure.Thousand
		err := run(ctx, measure.Spec{Kind: measure.KindThousand, Peer: r.Name, Compression: r.compression, Control: c},
			time.Minute, &t)
		if err == nil {
			res.Thousand = append(res.Thousand, t)
		}
		return note(ctx, err)
	})
}
