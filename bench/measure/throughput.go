package measure

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/records"
)

// Throughput is one process that logged rounds of records, each waited for
// until it was delivered.
type Throughput struct {
	Round       int               `json:"round"` // set by who started it
	Peer        string            `json:"peer"`
	Compression peers.Compression `json:"compression"`
	Writers     int               `json:"writers"`

	Rounds    int `json:"rounds"`
	Logged    int `json:"logged"`
	Delivered int `json:"delivered"` // when Flush, or Close, returned
	Late      int `json:"late"`      // arrived only after that
	Doubled   int `json:"doubled"`

	LogSeconds float64 `json:"log_seconds"` // until the last call returned
	Seconds    float64 `json:"seconds"`     // until Flush, or Close, returned
	CPUSeconds float64 `json:"cpu_seconds"` // of the whole process, until then

	ReceiverCPU float64 `json:"receiver_cpu"` // seconds, of the receiver process, meanwhile

	// A record, of the whole process: until the last call returned, and until
	// Flush, or Close, did.
	LogAllocs float64 `json:"log_allocs"`
	LogBytes  float64 `json:"log_bytes"`
	Allocs    float64 `json:"allocs"`
	Bytes     float64 `json:"bytes"`

	Latency Latency `json:"latency"` // of every 16th call

	RSSBefore int64 `json:"rss_before"`
	RSSPeak   int64 `json:"rss_peak"`

	Arrived receiver.Counts `json:"arrived"`
}

// Rate is records delivered per second, end to end.
func (t Throughput) Rate() float64 { return float64(t.Delivered) / t.Seconds }

// EnqueueNS is the caller's nanoseconds a record.
func (t Throughput) EnqueueNS() float64 { return t.LogSeconds * 1e9 / float64(t.Logged) }

// CPUPerMillion is CPU seconds per million delivered records.
func (t Throughput) CPUPerMillion() float64 { return t.CPUSeconds * 1e6 / float64(t.Delivered) }

const (
	maxRounds    = 40
	drainPatient = time.Minute
	sampleEvery  = 16
)

// throughput logs rounds of records until they took s.AtLeast together. A peer
// that has no Flush but Close is set up anew for each round, untimed.
func throughput(ctx context.Context, s Spec, p peers.Peer) (any, error) {
	setup := peers.Setup{Compression: s.Compression, Queue: Queue}
	if err := verify(ctx, s, p, setup); err != nil {
		return nil, err
	}
	pl, err := open(s, p, setup)
	if err != nil {
		return nil, err
	}
	t := Throughput{Peer: p.Name, Compression: s.Compression, Writers: max(1, s.Writers)}
	n := perRound(s, p)
	calls := make([][]time.Duration, t.Writers)
	for i := range calls {
		calls[i] = make([]time.Duration, 0, maxRounds*(n/t.Writers/sampleEvery+1))
	}
	t.RSSBefore, _ = memory()
	closed := false
	for t.Rounds < maxRounds && (t.Rounds == 0 || t.Seconds < s.AtLeast.Seconds()) {
		if closed {
			if err := pl.reopen(setup); err != nil {
				return nil, err
			}
		}
		runtime.GC()
		if closed, err = t.round(ctx, pl, n, calls); err != nil {
			return nil, err
		}
	}
	if !closed {
		_ = pl.closeWithin(ctx, 10*time.Second)
	}
	_, t.RSSPeak = memory()
	var all []time.Duration
	for _, c := range calls {
		all = append(all, c...)
	}
	t.Latency = latency(all)
	for _, v := range []*float64{&t.LogAllocs, &t.LogBytes, &t.Allocs, &t.Bytes} {
		*v /= float64(t.Logged)
	}
	if t.Arrived, err = pl.counts(t.Logged, 2*time.Second); err != nil {
		return nil, err
	}
	t.Late = t.Arrived.Distinct - t.Delivered
	t.Doubled = t.Arrived.Records - t.Arrived.Distinct
	return t, pl.backend.Close()
}

// verify ships a few records to a backend that decodes them wholly: what a
// peer is measured with is what was logged. The measured ones are counted only,
// because a thorough receiver would be the bottleneck.
func verify(ctx context.Context, s Spec, p peers.Peer, setup peers.Setup) error {
	const n = 50
	backend, err := s.Control.Open(p.Proto, true)
	if err != nil {
		return err
	}
	pl := &pipeline{peer: p, backend: backend}
	if err := pl.reopen(setup); err != nil {
		return err
	}
	write(ctx, pl, 0, n, nil)
	drain, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if closed, _ := pl.sink.Drain(drain); !closed {
		_ = pl.closeWithin(ctx, 10*time.Second)
	}
	if c, err := pl.counts(n, time.Second); err != nil || c.Checked != n || c.Wrong > 0 {
		return fmt.Errorf("%s: of %d records %d arrived whole, %d requests with wrong ones (%s), %v", p.Name, n, c.Checked, c.Wrong, c.WrongWhy, err)
	}
	return backend.Close()
}

func (t *Throughput) round(ctx context.Context, pl *pipeline, n int, calls [][]time.Duration) (closed bool, err error) {
	n -= n % t.Writers
	first := t.Logged
	before, err := pl.backend.Counts()
	if err != nil {
		return false, err
	}
	n0, b0 := allocs()
	cpu0, start := cpu(), time.Now()

	if t.Writers == 1 {
		calls[0] = write(ctx, pl, first, n, calls[0])
	} else {
		var wg sync.WaitGroup
		for w := range t.Writers {
			wg.Go(func() { calls[w] = write(ctx, pl, first+w*(n/t.Writers), n/t.Writers, calls[w]) })
		}
		wg.Wait()
	}
	logged := time.Since(start)
	n1, b1 := allocs()

	drain, cancel := context.WithTimeout(ctx, drainPatient)
	closed, _ = pl.sink.Drain(drain) // what it did not deliver is counted as lost
	cancel()
	took := time.Since(start)
	used := cpu() - cpu0
	n2, b2 := allocs()

	arrived, err := pl.backend.Counts()
	if err != nil {
		return closed, err
	}
	t.Rounds++
	t.Logged += n
	t.Delivered = arrived.Distinct
	t.LogSeconds += logged.Seconds()
	t.Seconds += took.Seconds()
	t.CPUSeconds += used.Seconds()
	t.ReceiverCPU += (arrived.CPU - before.CPU).Seconds()
	t.LogAllocs += float64(n1 - n0)
	t.LogBytes += float64(b1 - b0)
	t.Allocs += float64(n2 - n0)
	t.Bytes += float64(b2 - b0)
	return closed, nil
}

// write logs n records from first on. Only every 16th call is timed, so that
// reading the clock does not slow the others.
func write(ctx context.Context, pl *pipeline, first, n int, calls []time.Duration) []time.Duration {
	for i := range n {
		if i%sampleEvery != sampleEvery/2 {
			records.Log(ctx, pl.log, first+i)
			continue
		}
		start := time.Now()
		records.Log(ctx, pl.log, first+i)
		calls = append(calls, time.Since(start))
	}
	return calls
}
