package main

import (
	"context"
	"sync"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/report"
)

// The measurements in which several peers wait at the same time, because they
// mostly wait.

// outages is table 3: for each kind of outage, all peers live through the same
// one, each against a backend of its own, and take turns to log.
func (p *plan) outages(ctx context.Context, c receiver.Control, res *report.Results) error {
	res.Outage = report.Without(res.Outage, p.peers, func(o measure.Outage) string { return o.Peer })
	for _, k := range []struct {
		kind string
		mode receiver.Mode
	}{
		{"healthy", receiver.Mode{}},
		{"hanging", receiver.Mode{Kind: "hang"}},
		{"refused", receiver.Mode{Kind: "refuse"}},
		{"503", receiver.Mode{Kind: "status", Status: 503}},
	} {
		samples, err := p.outageOf(ctx, c, k.kind, k.mode)
		res.Outage = append(res.Outage, samples...)
		if err := note(ctx, err); err != nil {
			return err
		}
	}
	return p.slowestCalls(ctx, c, res)
}

func (p *plan) outageOf(ctx context.Context, c receiver.Control, kind string, mode receiver.Mode) ([]measure.Outage, error) {
	rows := p.shippers()
	start := time.Now().Add(2 * time.Second) // by then all processes are up
	const pause = 200 * time.Millisecond
	turn := min(p.turn, (p.outage-time.Second)/time.Duration(max(1, len(rows)))-pause).Truncate(100 * time.Millisecond)

	var sessions []receiver.Session
	for _, r := range rows {
		s, err := c.Open(r.Proto, false)
		if err != nil {
			return nil, err
		}
		sessions = append(sessions, s)
	}
	switchAll := func(m receiver.Mode) func() {
		return func() {
			for _, s := range sessions {
				_ = s.SetMode(m)
			}
		}
	}
	back := start
	if mode.Kind != "" {
		back = start.Add(p.outage)
		defer time.AfterFunc(time.Until(start), switchAll(mode)).Stop()
		defer time.AfterFunc(time.Until(back), switchAll(receiver.Mode{})).Stop()
	}

	var mu sync.Mutex // guards samples and failed
	var samples []measure.Outage
	var failed error
	var wg sync.WaitGroup
	for i, r := range rows {
		from := start.Add(pause + time.Duration(i)*(turn+pause))
		t := measure.Times{Start: start, From: from, To: from.Add(turn), Back: back, End: back.Add(p.recovery)}
		if mode.Kind == "" {
			t.End = t.To.Add(10 * time.Second)
		}
		wg.Go(func() {
			var o measure.Outage
			err := run(ctx, measure.Spec{
				Kind: measure.KindOutage, Peer: r.Name, Compression: r.compression,
				Control: c, Session: &sessions[i], Times: t,
			}, time.Until(t.End)+30*time.Second, &o)
			o.Kind = kind
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			samples = append(samples, o)
		})
	}
	wg.Wait()
	for _, s := range sessions {
		_ = s.Close()
	}
	return samples, failed
}

// defaultSettings is table 6: bursts one after the other, because what is lost
// then depends on the CPU; the scenarios of waiting all at once.
func (p *plan) defaultSettings(ctx context.Context, c receiver.Control, res *report.Results) error {
	res.Defaults = report.Without(res.Defaults, p.peers, func(d measure.Defaults) string { return d.Peer })
	one := func(r row, scenario string, wait time.Duration) (measure.Defaults, error) {
		var d measure.Defaults
		err := run(ctx, measure.Spec{
			Kind: measure.KindDefaults, Peer: r.Name, Control: c, Scenario: scenario,
			Records: p.records, AtLeast: wait,
		}, wait+time.Minute, &d)
		return d, err
	}
	for _, scenario := range []string{measure.Burst, measure.Exit} {
		err := turns(p.shippers(), 1, func(r row, _ int) error {
			d, err := one(r, scenario, min(3*time.Second, p.defaultsLimit))
			if err == nil {
				res.Defaults = append(res.Defaults, d)
			}
			return note(ctx, err)
		})
		if err != nil {
			return err
		}
	}
	var mu sync.Mutex // guards res.Defaults and failed
	var failed error
	var wg sync.WaitGroup
	for _, scenario := range []string{measure.Single500, measure.Outage503, measure.NotYetOpen} {
		for _, r := range p.shippers() {
			wg.Go(func() {
				d, err := one(r, scenario, p.defaultsLimit)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed = err
					return
				}
				res.Defaults = append(res.Defaults, d)
			})
		}
	}
	wg.Wait()
	return note(ctx, failed)
}
