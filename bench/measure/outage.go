package measure

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/records"
)

// OutageQueue is the bound on records held in an outage, for peers that have one.
const OutageQueue = 1 << 16

// Times are when what happens in an outage, the same for all peers. Only one
// peer logs at a time, so that none is measured in another's shadow.
type Times struct {
	Start time.Time `json:"start"` // the outage begins
	From  time.Time `json:"from"`  // this peer's turn to log
	To    time.Time `json:"to"`
	Back  time.Time `json:"back"` // the backend is healthy again
	End   time.Time `json:"end"`  // no longer waited for
}

// OutageRate is how many records a second are logged, in a burst every
// millisecond. Who was held up catches up: the application's work does not
// become less by that.
const OutageRate = 25_000

// Outage is what a peer did while its backend was away, and afterwards.
type Outage struct {
	Peer string `json:"peer"`
	Kind string `json:"kind"` // set by who switched the backend

	Offered int     `json:"offered"` // what it had to log
	Logged  int     `json:"logged"`  // what it came to log: calls that returned
	Latency Latency `json:"latency"`

	// BlockedAt is the first call that took more than a second, and -1 if none
	// did; Stuck, whether it had not returned when the turn was over.
	BlockedAt int           `json:"blocked_at"`
	Blocked   time.Duration `json:"blocked"` // the longest call
	Stuck     bool          `json:"stuck"`

	// When all peers had logged, and the backend was still away.
	HeapBytes   int64 `json:"heap_bytes"`
	HeapObjects int64 `json:"heap_objects"`
	RSS         int64 `json:"rss"`
	RSSPeak     int64 `json:"rss_peak"` // of the whole run

	Delivered int           `json:"delivered"`
	Doubled   int           `json:"doubled"`
	Recovered time.Duration `json:"recovered"` // from Back until the last record arrived
	AtClose   int           `json:"at_close"`  // of the delivered ones, how many only Close brought
}

const blocking = time.Second

func outage(ctx context.Context, s Spec, p peers.Peer) (any, error) {
	pl := &pipeline{peer: p, backend: *s.Session}
	empty := liveHeap()
	if err := pl.reopen(peers.Setup{Compression: s.Compression, Queue: OutageQueue, Batch: peers.Small}); err != nil {
		return nil, err
	}
	o := Outage{Peer: p.Name, BlockedAt: -1}
	w := &paced{calls: make([]time.Duration, 0, int(s.Times.To.Sub(s.Times.From).Seconds()*OutageRate))}
	o.Offered = cap(w.calls)
	var logging sync.WaitGroup
	sleepUntil(ctx, s.Times.From)
	logging.Go(func() { w.log(ctx, pl, s.Times.To) })

	sleepUntil(ctx, s.Times.To.Add(100*time.Millisecond))
	o.Stuck = !w.done.Load()

	if away := s.Times.Back.Sub(s.Times.Start); away > 0 {
		sleepUntil(ctx, s.Times.Back.Add(-250*time.Millisecond))
		h := liveHeap()
		o.HeapBytes = int64(h.bytes) - int64(empty.bytes)
		o.HeapObjects = int64(h.objects) - int64(empty.objects)
		o.RSS, _ = memory()
	}
	sleepUntil(ctx, s.Times.Back)

	// A call that is stuck in a queue returns when the backend is back.
	for !w.done.Load() && time.Now().Before(s.Times.End) {
		time.Sleep(10 * time.Millisecond)
	}
	var arrived receiver.Counts
	for {
		var err error
		if arrived, err = pl.backend.Counts(); err != nil {
			return nil, err
		}
		o.Logged = int(w.logged.Load())
		if w.done.Load() && arrived.Distinct >= o.Logged || time.Now().After(s.Times.End) || ctx.Err() != nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	before := arrived.Distinct
	_ = pl.closeWithin(ctx, 10*time.Second)
	arrived, err := pl.backend.Counts()
	if err != nil {
		return nil, err
	}
	o.AtClose = arrived.Distinct - before
	o.Delivered = arrived.Distinct
	o.Doubled = arrived.Records - arrived.Distinct
	if !arrived.Last.IsZero() {
		o.Recovered = max(0, arrived.Last.Sub(s.Times.Back))
	}
	_, o.RSSPeak = memory()
	if w.done.Load() {
		logging.Wait()
		for i, c := range w.calls {
			if c > blocking {
				o.BlockedAt = i
				break
			}
		}
		o.Latency = latency(w.calls)
		o.Blocked = o.Latency.Max
	} else { // the process ends with the call in it
		o.BlockedAt = int(w.logged.Load())
		o.Blocked = time.Since(s.Times.From)
	}
	return o, nil
}

// paced is a goroutine that logs at OutageRate and times each call.
type paced struct {
	calls  []time.Duration // owned by log until done
	logged atomic.Int64
	done   atomic.Bool
}

func (w *paced) log(ctx context.Context, pl *pipeline, until time.Time) {
	defer w.done.Store(true)
	begin := time.Now()
	until = until.Add(50 * time.Millisecond) // for the last bursts to be whole
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(w.calls) < cap(w.calls) && time.Now().Before(until) && ctx.Err() == nil {
		due := int(time.Since(begin).Seconds() * OutageRate)
		for len(w.calls) < min(due, cap(w.calls)) && time.Now().Before(until) {
			start := time.Now()
			records.Log(ctx, pl.log, len(w.calls))
			w.calls = append(w.calls, time.Since(start))
			w.logged.Add(1)
		}
		<-tick.C
	}
}

func sleepUntil(ctx context.Context, t time.Time) {
	select {
	case <-time.After(time.Until(t)):
	case <-ctx.Done():
	}
}
