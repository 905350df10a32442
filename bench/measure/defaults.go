package measure

import (
	"context"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/records"
)

// The scenarios that every peer, as its README sets it up, is put through.
const (
	Burst      = "burst"      // 100,000 records at once, then a while, then the end
	Exit       = "exit"       // 100,000 records at once, then the end
	Single500  = "single-500" // 100 records a second for 3 s; the first request gets a 500
	Outage503  = "503-3s"     // the same; 503 for the 3 s, then 100 records more
	NotYetOpen = "refused"    // the same; connection refused for the 3 s, then 100 records more
)

// Scenarios are all of them.
var Scenarios = []string{Burst, Exit, Single500, Outage503, NotYetOpen}

// Defaults is what became of the records of a scenario.
type Defaults struct {
	Peer      string  `json:"peer"`
	Scenario  string  `json:"scenario"`
	Logged    int     `json:"logged"`
	Delivered int     `json:"delivered"`
	Doubled   int     `json:"doubled"`
	LogTime   float64 `json:"log_seconds"`   // until the last call returned
	CloseTime float64 `json:"close_seconds"` // of the end that the README prescribes
}

// Bounds of a scenario: the end may take closePatience; before it, what is
// still to come is waited for, for s.AtLeast.
const closePatience = 15 * time.Second

func defaults(ctx context.Context, s Spec, p peers.Peer) (any, error) {
	backend, err := s.Control.Open(p.Proto, false)
	if err != nil {
		return nil, err
	}
	switch s.Scenario {
	case Single500:
		err = backend.SetMode(receiver.Mode{Kind: "status", Status: 500, Times: 1})
	case Outage503:
		err = backend.SetMode(receiver.Mode{Kind: "status", Status: 503})
	case NotYetOpen:
		err = backend.SetMode(receiver.Mode{Kind: "refuse"})
	}
	if err != nil {
		return nil, err
	}
	pl := &pipeline{peer: p, backend: backend}
	if err := pl.reopen(peers.Setup{README: true}); err != nil {
		return nil, err
	}
	d := Defaults{Peer: p.Name, Scenario: s.Scenario}
	start := time.Now()
	seq := 0
	log := func(n int, pause time.Duration) {
		for range n {
			if ctx.Err() != nil {
				return
			}
			records.Log(ctx, pl.log, seq)
			seq++
			time.Sleep(pause)
		}
	}
	switch s.Scenario {
	case Burst, Exit:
		log(perRound(s, p), 0)
	case Single500:
		log(300, 10*time.Millisecond)
	default:
		back := time.AfterFunc(3*time.Second, func() { _ = backend.SetMode(receiver.Mode{}) })
		defer back.Stop()
		log(300, 10*time.Millisecond)
		sleepUntil(ctx, start.Add(3100*time.Millisecond))
		log(100, 10*time.Millisecond)
	}
	d.LogTime = time.Since(start).Seconds()
	d.Logged = seq
	if s.Scenario != Exit {
		if _, err := pl.counts(seq, s.AtLeast); err != nil {
			return nil, err
		}
	}
	closing := time.Now()
	closed := make(chan struct{})
	go func() { defer close(closed); _ = pl.closeWithin(ctx, closePatience) }()
	select {
	case <-closed:
	case <-time.After(closePatience + time.Second): // it ignores its deadline; ended with the process
	}
	d.CloseTime = time.Since(closing).Seconds()
	arrived, err := pl.counts(seq, 200*time.Millisecond)
	if err != nil {
		return nil, err
	}
	d.Delivered = arrived.Distinct
	d.Doubled = arrived.Records - arrived.Distinct
	return d, backend.Close()
}
