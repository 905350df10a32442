// Package measure holds the measurements of the benchmark. Each runs in a
// process of its own, told by a Spec what to do, and returns one sample.
package measure

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
)

// Spec says what a process is to measure.
type Spec struct {
	Kind        Kind              `json:"kind"`
	Peer        string            `json:"peer"`
	Compression peers.Compression `json:"compression,omitempty"`
	Control     receiver.Control  `json:"control"`

	Records int           `json:"records,omitempty"` // a round; for Slow peers a tenth
	AtLeast time.Duration `json:"at_least,omitempty"`
	Writers int           `json:"writers,omitempty"`
	Variant string        `json:"variant,omitempty"` // of Enqueue
	Rounds  int           `json:"rounds,omitempty"`  // of Beside and Formats

	Delay    time.Duration `json:"delay,omitempty"`    // of Distance
	Requests int           `json:"requests,omitempty"` // of Distance, slogship only
	Hanging  bool          `json:"hanging,omitempty"`  // of Tail

	Scenario string `json:"scenario,omitempty"` // of Defaults

	Session *receiver.Session `json:"session,omitempty"` // of Outage, whose backend others switch
	Times   Times             `json:"times,omitzero"`    // of Outage
}

// Kind is a kind of measurement.
type Kind string

// The kinds. The comment names the tables that each feeds.
const (
	KindThroughput Kind = "throughput" // 1, 2, 4
	KindEnqueue    Kind = "enqueue"    // 1
	KindOutage     Kind = "outage"     // 3
	KindDistance   Kind = "distance"   // 5
	KindDefaults   Kind = "defaults"   // 6
	KindThousand   Kind = "thousand"   // 7
	KindBeside     Kind = "beside"     // 1
	KindFormats    Kind = "formats"    // 1
	KindTail       Kind = "tail"       // 3
	KindPressure   Kind = "pressure"   // 4
)

// Run measures. The result marshals to JSON.
func Run(ctx context.Context, s Spec) (any, error) {
	switch s.Kind {
	case KindBeside:
		return beside(ctx, s)
	case KindFormats:
		return perFormat(ctx, s)
	}
	p, ok := peers.Find(s.Peer)
	if !ok {
		return nil, fmt.Errorf("no peer %q", s.Peer)
	}
	switch s.Kind {
	case KindThroughput:
		return throughput(ctx, s, p)
	case KindEnqueue:
		return enqueue(ctx, s, p)
	case KindOutage:
		return outage(ctx, s, p)
	case KindDistance:
		return distance(ctx, s, p)
	case KindDefaults:
		return defaults(ctx, s, p)
	case KindThousand:
		return thousand(ctx, s, p)
	case KindTail:
		return tail(ctx, s, p)
	case KindPressure:
		return pressure(ctx, s, p)
	}
	return nil, fmt.Errorf("no measurement %q", s.Kind)
}

// Queue is the bound on records held, for peers that have one, wherever a
// table does not say otherwise: more than a round logs, and no larger, because
// some peers allocate it at once.
const Queue = 1 << 17

// pipeline is a peer that was set up, and its backend.
type pipeline struct {
	peer    peers.Peer
	sink    *peers.Sink
	log     *slog.Logger
	backend receiver.Session
}

// open sets p up against a backend of its own. A ceiling has none.
func open(s Spec, p peers.Peer, setup peers.Setup) (*pipeline, error) {
	pl := &pipeline{peer: p}
	if p.Proto != "" {
		var err error
		if pl.backend, err = s.Control.Open(p.Proto, false); err != nil {
			return nil, err
		}
	}
	return pl, pl.reopen(setup)
}

// reopen sets the peer up anew, against the same backend.
func (pl *pipeline) reopen(setup peers.Setup) error {
	setup.URL = pl.backend.URL()
	sink, err := pl.peer.Open(setup)
	if err != nil {
		return err
	}
	pl.sink, pl.log = sink, slog.New(sink.Handler)
	return nil
}

// counts says what arrived; records that come in late are waited for, for as
// long as some do and at most for patience.
func (pl *pipeline) counts(want int, patience time.Duration) (c receiver.Counts, err error) {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if c, err = pl.backend.Counts(); err != nil || c.Distinct >= want || time.Now().After(end) {
			return c, err
		}
	}
}

// closeWithin closes the sink, at most for d.
func (pl *pipeline) closeWithin(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return pl.sink.Close(ctx)
}

func perRound(s Spec, p peers.Peer) int {
	if p.Slow {
		return max(1, s.Records/10)
	}
	return s.Records
}
