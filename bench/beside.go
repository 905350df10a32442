package main

import (
	"context"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/report"
)

// The parts of tables that compare what their main rows do not.

// inOneProcess is what table 1 compares call by call.
func (p *plan) inOneProcess(ctx context.Context, res *report.Results) error {
	res.Beside, res.Formats = nil, nil
	for i := range p.processes {
		var bs []measure.Beside
		err := run(ctx, measure.Spec{Kind: measure.KindBeside, Records: p.calls, Rounds: p.inside}, 2*time.Minute, &bs)
		if err := note(ctx, err); err != nil {
			return err
		}
		for _, b := range bs {
			b.Process = i
			res.Beside = append(res.Beside, b)
		}
		var fs []measure.PerFormat
		err = run(ctx, measure.Spec{Kind: measure.KindFormats, Records: p.calls, Rounds: p.inside}, 2*time.Minute, &fs)
		if err := note(ctx, err); err != nil {
			return err
		}
		for _, f := range fs {
			f.Process = i
			res.Formats = append(res.Formats, f)
		}
	}
	return nil
}

// slowestCalls is the part of table 3 that compares the slowest calls.
func (p *plan) slowestCalls(ctx context.Context, c receiver.Control, res *report.Results) error {
	if !p.has("slogship") {
		return nil
	}
	res.Tails = nil
	return turns([]bool{false, true}, p.tails, func(hanging bool, round int) error {
		var t measure.Tail
		err := run(ctx, measure.Spec{
			Kind: measure.KindTail, Peer: "slogship", Compression: peers.None, Control: c, AtLeast: 1500 * time.Millisecond, Hanging: hanging,
		}, time.Minute, &t)
		if err == nil {
			t.Round = round
			res.Tails = append(res.Tails, t)
		}
		return note(ctx, err)
	})
}

// unpausedWriters is the part of table 4 in which more is logged than can be
// delivered, each peer compressing as it does best.
func (p *plan) unpausedWriters(ctx context.Context, c receiver.Control, res *report.Results) error {
	var rows []row
	for _, r := range p.shippers() {
		if !leading(r.Peer) {
			continue
		}
		if len(r.Others) > 0 {
			r.compression = r.Others[0]
		}
		rows = append(rows, r)
	}
	res.Pressure = report.Without(res.Pressure, p.peers, func(t measure.Pressure) string { return t.Peer })
	return turns(rows, p.fewCounts, func(r row, round int) error {
		var t measure.Pressure
		err := run(ctx, measure.Spec{
			Kind: measure.KindPressure, Peer: r.Name, Compression: r.compression,
			Control: c, AtLeast: p.unpaused, Writers: 8,
		}, 2*time.Minute, &t)
		if err == nil {
			t.Round = round
			res.Pressure = append(res.Pressure, t)
		}
		return note(ctx, err)
	})
}
