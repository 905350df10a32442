package measure

import (
	"context"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/records"
)

// Tail is what the slowest calls take at OutageRate: with a healthy backend, or
// with one that hangs and a queue that is full.
type Tail struct {
	Round   int     `json:"round"` // set by who started it
	Peer    string  `json:"peer"`
	Hanging bool    `json:"hanging"`
	Latency Latency `json:"latency"`
}

func tail(ctx context.Context, s Spec, p peers.Peer) (any, error) {
	pl, err := open(s, p, peers.Setup{Compression: s.Compression, Queue: OutageQueue, Batch: peers.Small})
	if err != nil {
		return nil, err
	}
	if s.Hanging {
		if err := pl.backend.SetMode(receiver.Mode{Kind: "hang"}); err != nil {
			return nil, err
		}
	}
	for i := range 2 * OutageQueue { // what is made once is made, and the queue is full
		records.Log(ctx, pl.log, i)
	}
	if !s.Hanging {
		flush, cancel := context.WithTimeout(ctx, drainPatient)
		_, _ = pl.sink.Drain(flush)
		cancel()
	}
	w := &paced{calls: make([]time.Duration, 0, int(s.AtLeast.Seconds()*OutageRate))}
	w.log(ctx, pl, time.Now().Add(s.AtLeast))
	t := Tail{Peer: p.Name, Hanging: s.Hanging, Latency: latency(w.calls)}
	_ = pl.closeWithin(giveUp(ctx), time.Second)
	return t, pl.backend.Close()
}
