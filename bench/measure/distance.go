package measure

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/records"
)

// Distance is how fast a peer delivers, without a loss, to a backend that
// answers late.
type Distance struct {
	Round     int           `json:"round"` // set by who started it
	Peer      string        `json:"peer"`
	Requests  int           `json:"requests"` // 0: the peer has no such setting
	Delay     time.Duration `json:"delay"`
	Logged    int           `json:"logged"`
	Delivered int           `json:"delivered"`
	Seconds   float64       `json:"seconds"`
	Complete  bool          `json:"complete"` // all was delivered before the time was up
}

// Rate is records delivered per second.
func (d Distance) Rate() float64 { return float64(d.Delivered) / d.Seconds }

// distance logs a burst and waits until it is delivered, at most for
// s.AtLeast; the rate is what had arrived by then. The burst fits into the
// queue of every peer that can have a large one. The others block, or are
// flushed whenever their window is full.
func distance(ctx context.Context, s Spec, p peers.Peer) (any, error) {
	pl, err := open(s, p, peers.Setup{Compression: s.Compression, Queue: Queue, Batch: peers.Large, Requests: s.Requests})
	if err != nil {
		return nil, err
	}
	if err := pl.backend.SetMode(receiver.Mode{Delay: s.Delay}); err != nil {
		return nil, err
	}
	d := Distance{Peer: p.Name, Requests: s.Requests, Delay: s.Delay}
	ctx, cancel := context.WithTimeout(ctx, s.AtLeast)
	defer cancel()
	var logged atomic.Int64
	done := make(chan struct{})
	start := time.Now()
	go func() { // ended by ctx, or else, stuck in a call, with the process
		defer close(done)
		for i := range s.Records {
			if ctx.Err() != nil {
				return
			}
			records.Log(ctx, pl.log, i)
			logged.Add(1)
			if p.Window > 0 && (i+1)%p.Window == 0 {
				_ = pl.sink.Flush(ctx)
			}
		}
		_, _ = pl.sink.Drain(ctx)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	d.Seconds = time.Since(start).Seconds()
	arrived, err := pl.backend.Counts()
	if err != nil {
		return nil, err
	}
	d.Logged = int(logged.Load())
	d.Delivered = arrived.Distinct
	d.Complete = ctx.Err() == nil
	return d, pl.backend.Close()
}
