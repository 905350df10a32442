package measure

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/records"
)

// Pressure is what becomes of the records of goroutines that never pause, and
// so log more than can be delivered.
type Pressure struct {
	Round       int               `json:"round"` // set by who started it
	Peer        string            `json:"peer"`
	Compression peers.Compression `json:"compression"`
	Writers     int               `json:"writers"`

	Logged    int     `json:"logged"`    // calls that returned
	During    int     `json:"during"`    // delivered while they logged
	Delivered int     `json:"delivered"` // in the end; the others overflowed
	Seconds   float64 `json:"seconds"`   // that they logged for
	CPU       float64 `json:"cpu_seconds"`
}

// Rate is records delivered per second while the goroutines logged.
func (p Pressure) Rate() float64 { return float64(p.During) / p.Seconds }

// pressure counts for s.AtLeast, after half as long in which all settles.
func pressure(ctx context.Context, s Spec, p peers.Peer) (any, error) {
	pl, err := open(s, p, peers.Setup{Compression: s.Compression, Queue: OutageQueue})
	if err != nil {
		return nil, err
	}
	var logged atomic.Int64 // also the next sequence number
	var stop atomic.Bool
	var writers sync.WaitGroup
	for range s.Writers {
		writers.Go(func() {
			const stride = 64 // one atomic operation for so many calls
			for !stop.Load() {
				first := int(logged.Add(stride)) - stride
				for i := range stride {
					records.Log(ctx, pl.log, first+i)
				}
			}
		})
	}
	time.Sleep(s.AtLeast / 2)
	before, err := pl.backend.Counts()
	if err != nil {
		return nil, err
	}
	start, used := time.Now(), cpu()
	time.Sleep(s.AtLeast)
	during, err := pl.backend.Counts()
	if err != nil {
		return nil, err
	}
	r := Pressure{
		Peer: p.Name, Compression: s.Compression, Writers: s.Writers,
		During: during.Distinct - before.Distinct, Seconds: time.Since(start).Seconds(), CPU: (cpu() - used).Seconds(),
	}
	stop.Store(true)
	writers.Wait()
	drain, cancel := context.WithTimeout(ctx, drainPatient)
	defer cancel()
	if closed, _ := pl.sink.Drain(drain); !closed {
		_ = pl.closeWithin(ctx, 10*time.Second)
	}
	arrived, err := pl.counts(int(logged.Load()), 500*time.Millisecond)
	if err != nil {
		return nil, err
	}
	r.Logged, r.Delivered = int(logged.Load()), arrived.Distinct
	return r, pl.backend.Close()
}
