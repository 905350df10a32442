package measure

import (
	"context"
	"runtime"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/records"
)

// The variants of Enqueue.
const (
	Plain  = ""       // the backend is healthy
	Full   = "full"   // into a full queue of OutageQueue records, the backend hanging
	Double = "double" // the same with twice the queue
)

// Enqueue is what a call costs the caller.
type Enqueue struct {
	Round   int     `json:"round"` // set by who started it
	Peer    string  `json:"peer"`
	Variant string  `json:"variant"`
	NS      float64 `json:"ns"`
	Allocs  float64 `json:"allocs"` // whole process
	Bytes   float64 `json:"bytes"`

	// Of Full and Double: what a full collection takes, and the objects and bytes of the
	// heap that are the held records.
	GC      time.Duration `json:"gc,omitempty"`
	Objects int64         `json:"objects,omitempty"`
	Held    int64         `json:"held,omitempty"`
}

const enqueueBursts = 3

// enqueue times calls, and nothing but calls: the peer delivers meanwhile and,
// untimed, afterwards.
func enqueue(ctx context.Context, s Spec, p peers.Peer) (any, error) {
	setup := peers.Setup{Compression: s.Compression, Queue: Queue}
	full := s.Variant != Plain
	switch s.Variant {
	case Full:
		setup.Queue = OutageQueue
	case Double:
		setup.Queue = 2 * OutageQueue
	}
	empty := liveHeap()
	pl, err := open(s, p, setup)
	if err != nil {
		return nil, err
	}
	e := Enqueue{Peer: p.Name, Variant: s.Variant}
	log := func(n int) {
		for i := range n {
			records.Log(ctx, pl.log, i)
		}
	}
	if full {
		if err := pl.backend.SetMode(receiver.Mode{Kind: "hang"}); err != nil {
			return nil, err
		}
		log(2 * setup.Queue)
		held := liveHeap()
		e.GC = held.gc
		e.Objects = int64(held.objects) - int64(empty.objects)
		e.Held = int64(held.bytes) - int64(empty.bytes)
	}
	drain := func() {
		if full {
			return
		}
		flush, cancel := context.WithTimeout(ctx, drainPatient)
		defer cancel()
		_, _ = pl.sink.Drain(flush)
	}
	log(s.Records) // untimed: what a peer makes once, it has then made
	drain()
	for range enqueueBursts { // each fits into the queue
		runtime.GC()
		n0, b0 := allocs()
		start := time.Now()
		log(s.Records)
		took := time.Since(start)
		n1, b1 := allocs()
		e.NS += float64(took.Nanoseconds())
		e.Allocs += float64(n1 - n0)
		e.Bytes += float64(b1 - b0)
		drain()
	}
	for _, v := range []*float64{&e.NS, &e.Allocs, &e.Bytes} {
		*v /= float64(enqueueBursts * s.Records)
	}
	if p.Proto == "" {
		return e, nil
	}
	if !full {
		_ = pl.closeWithin(ctx, 10*time.Second)
	}
	return e, pl.backend.Close()
}
