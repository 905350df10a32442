package main

import (
	"context"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/report"
)

// The measurements in which one peer runs at a time.

// enqueue is table 1, beyond what throughput tells: the ceilings, full queues,
// and what is compared inside one process.
func (p *plan) enqueue(ctx context.Context, c receiver.Control, res *report.Results) error {
	type cell struct {
		row
		variant string
	}
	var cells []cell
	for _, peer := range p.peers {
		variants := []string{measure.Plain}
		switch {
		case peer.Name == "slogship":
			variants = append(variants, measure.Full, measure.Double)
		case peer.Name == "otel":
			variants = append(variants, measure.Full, measure.Double)
		case peer.Proto != "":
			continue
		}
		for _, v := range variants {
			cells = append(cells, cell{row{peer, peer.Plain}, v})
		}
	}
	res.Enqueue = report.Without(res.Enqueue, p.peers, func(e measure.Enqueue) string { return e.Peer })
	err := turns(cells, p.fewCounts, func(t cell, round int) error {
		var e measure.Enqueue
		err := run(ctx, measure.Spec{
			Kind: measure.KindEnqueue, Peer: t.Name, Compression: t.compression,
			Control: c, Records: p.records, Variant: t.variant,
		}, time.Minute, &e)
		if err == nil {
			e.Round = round
			res.Enqueue = append(res.Enqueue, e)
		}
		return note(ctx, err)
	})
	if err != nil || !p.has("slogship") {
		return err
	}
	return p.inOneProcess(ctx, res)
}

func (p *plan) has(name string) bool {
	return slices.ContainsFunc(p.peers, func(p peers.Peer) bool { return p.Name == name })
}

// leading reports whether a ratio of the report may be to this peer. The
// others, more than ten times slower, are measured less often.
func leading(p peers.Peer) bool { return !p.Slow && p.Window == 0 }

// throughput is table 2, and the peers' part of table 1.
func (p *plan) throughput(ctx context.Context, c receiver.Control, res *report.Results) error {
	res.Throughput = report.Without(res.Throughput, p.peers, func(t measure.Throughput) string { return t.Peer })
	var uncompressed, compressed, slow []row
	for _, r := range p.rows(true) {
		switch {
		case !leading(r.Peer):
			slow = append(slow, r)
		case r.compression == r.Plain:
			uncompressed = append(uncompressed, r)
		default:
			compressed = append(compressed, r)
		}
	}
	one := func(r row, round int) error {
		var t measure.Throughput
		err := run(ctx, measure.Spec{
			Kind: measure.KindThroughput, Peer: r.Name, Compression: r.compression,
			Control: c, Records: p.records, AtLeast: p.atLeast,
		}, 2*time.Minute, &t)
		if err == nil {
			t.Round = round
			res.Throughput = append(res.Throughput, t)
		}
		return note(ctx, err)
	}
	if err := groupTurns([][]row{uncompressed, compressed}, p.counts, one); err != nil {
		return err
	}
	return turns(slow, p.slowCounts, one)
}

// manyWriters is table 4.
func (p *plan) manyWriters(ctx context.Context, c receiver.Control, res *report.Results) error {
	type cell struct {
		row
		writers int
	}
	var groups [][]cell // a peer's are compared with each other
	var slow []cell
	for _, r := range p.shippers() {
		var g []cell
		for _, w := range p.writers {
			g = append(g, cell{r, w})
		}
		if leading(r.Peer) {
			groups = append(groups, g)
		} else {
			slow = append(slow, g...)
		}
	}
	res.Writers = report.Without(res.Writers, p.peers, func(t measure.Throughput) string { return t.Peer })
	one := func(r cell, round int) error {
		var t measure.Throughput
		err := run(ctx, measure.Spec{
			Kind: measure.KindThroughput, Peer: r.Name, Compression: r.compression,
			Control: c, Records: p.records / 2, AtLeast: p.atLeast / 2, Writers: r.writers,
		}, 2*time.Minute, &t)
		if err == nil {
			t.Round = round
			res.Writers = append(res.Writers, t)
		}
		return note(ctx, err)
	}
	if err := groupTurns(groups, p.fewCounts, one); err != nil {
		return err
	}
	if err := turns(slow, 1, one); err != nil {
		return err
	}
	return p.unpausedWriters(ctx, c, res)
}

// distances is table 5.
func (p *plan) distances(ctx context.Context, c receiver.Control, res *report.Results) error {
	type cell struct {
		row
		delay    time.Duration
		requests int
	}
	var groups [][]cell // those with the same delay are compared with each other
	var slow []cell
	for _, d := range p.delays {
		var g []cell
		for _, r := range p.shippers() {
			switch {
			case !leading(r.Peer):
				slow = append(slow, cell{r, d, 0})
			case r.Name == "slogship":
				g = append(g, cell{r, d, 1}, cell{r, d, 4})
			default:
				g = append(g, cell{r, d, 0})
			}
		}
		groups = append(groups, g)
	}
	res.Distance = report.Without(res.Distance, p.peers, func(d measure.Distance) string { return d.Peer })
	one := func(r cell, round int) error {
		var d measure.Distance
		err := run(ctx, measure.Spec{
			Kind: measure.KindDistance, Peer: r.Name, Compression: r.compression,
			Control: c, Records: p.burst, AtLeast: p.burstLimit, Delay: r.delay, Requests: r.requests,
		}, p.burstLimit+30*time.Second, &d)
		if err == nil {
			d.Round = round
			res.Distance = append(res.Distance, d)
		}
		return note(ctx, err)
	}
	if err := groupTurns(groups, p.fewCounts, one); err != nil {
		return err
	}
	return turns(slow, 1, one)
}

// thousand is table 7.
func (p *plan) thousand(ctx context.Context, c receiver.Control, res *report.Results) error {
	res.Thousand = report.Without(res.Thousand, p.peers, func(t measure.Thousand) string { return t.Peer })
	rows := slices.DeleteFunc(p.shippers(), func(r row) bool { return r.Name != "slogship" && r.Name != "otel" })
	return turns(rows, 3, func(r row, _ int) error {
		var t measure.Thousand
		err := run(ctx, measure.Spec{Kind: measure.KindThousand, Peer: r.Name, Compression: r.compression, Control: c},
			time.Minute, &t)
		if err == nil {
			res.Thousand = append(res.Thousand, t)
		}
		return note(ctx, err)
	})
}
