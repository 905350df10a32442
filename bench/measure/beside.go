package measure

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/slogship/slogship"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/records"
)

// The handlers of Beside, besides the ceilings under their names.
const (
	HandlerFull   = "slogship"          // the ring is full, the backend hangs
	HandlerIdle   = "slogship, idle"    // the backend takes everything at once
	HandlerSource = "slogship, source"  // as HandlerFull, with the call site
	HandlerFresh  = "slogship, growing" // the ring, of a million records, is still growing
	PhusluSource  = "phuslu, source"    // with the call site
	JSONSource    = "slogjson, source"  // with the call site
)

const freshQueue = 1 << 20 // records: a ring that no burst fills

// Beside is what a call cost with one handler, round after round. In a round
// each handler is measured once, in a random order, all in one process and
// within fractions of a second: a ratio between two of the same round and shape
// does not know how fast the machine was in it.
type Beside struct {
	Process int       `json:"process"` // set by who started it
	Shape   string    `json:"shape"`
	Handler string    `json:"handler"`
	NS      []float64 `json:"ns"`     // a call, by round
	Allocs  float64   `json:"allocs"` // a call, of the whole process
}

// besider is one handler of Beside.
type besider struct {
	name   string
	warmUp int  // calls before the first round; 0: opened anew for each burst
	flush  bool // after each burst, untimed
	open   func() (*peers.Sink, error)
}

func besiders(shape string, calls, full int) []besider {
	ship := func(source bool, queue int, g *gate) func() (*peers.Sink, error) {
		return func() (*peers.Sink, error) {
			return slogshipTo(peers.Setup{Compression: peers.None, Queue: queue, Source: source}, g)
		}
	}
	hanging := func() *gate {
		g := newGate("")
		g.hold()
		return g
	}
	ceiling := func(name string, source bool) func() (*peers.Sink, error) {
		return func() (*peers.Sink, error) {
			p, ok := peers.Find(name)
			if !ok {
				return nil, fmt.Errorf("no peer %q", name)
			}
			return p.Open(peers.Setup{Source: source})
		}
	}
	bs := []besider{{HandlerFull, full, false, ship(false, OutageQueue, hanging())}}
	for _, c := range []string{"phuslu", "slogjson", "zerolog", "zap"} {
		bs = append(bs, besider{c, calls, false, ceiling(c, false)})
	}
	if shape == records.Five {
		bs = append(bs,
			besider{HandlerIdle, full, true, ship(false, OutageQueue, newGate(""))},
			besider{HandlerSource, full, false, ship(true, OutageQueue, hanging())},
			besider{HandlerFresh, 0, false, ship(false, freshQueue, hanging())},
			besider{PhusluSource, calls, false, ceiling("phuslu", true)},
			besider{JSONSource, calls, false, ceiling("slogjson", true)},
		)
	}
	return bs
}

// slogshipTo opens slogship with a backend inside the process.
func slogshipTo(setup peers.Setup, g *gate, more ...func(*slogship.Options)) (*peers.Sink, error) {
	setup.URL = "http://backend.test"
	setup.Adjust = func(o *slogship.Options) {
		g.through(o)
		o.RequestTimeout = time.Hour
		for _, f := range more {
			f(o)
		}
	}
	p, _ := peers.Find("slogship")
	return p.Open(setup)
}

// beside measures each shape of record with each handler, s.Records calls at a
// time, in s.Rounds rounds.
func beside(ctx context.Context, s Spec) (any, error) {
	var all []Beside
	for _, shape := range records.Shapes() {
		bs, err := besideShape(ctx, s, shape)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shape.Name, err)
		}
		all = append(all, bs...)
	}
	return all, nil
}

func besideShape(ctx context.Context, s Spec, shape records.Shape) ([]Beside, error) {
	calls, full := s.Records, 2*OutageQueue
	if shape.Heavy {
		calls, full = calls/10, full/2
	}
	handlers := besiders(shape.Name, calls, full)
	samples := make([]Beside, len(handlers))
	open := func(i int) (*peers.Sink, *slog.Logger, error) {
		sink, err := handlers[i].open()
		if err != nil {
			return nil, nil, err
		}
		l := slog.New(sink.Handler)
		if shape.With != nil {
			l = shape.With(l)
		}
		return sink, l, nil
	}
	sinks := make([]*peers.Sink, len(handlers))
	loggers := make([]*slog.Logger, len(handlers))
	for i, h := range handlers {
		samples[i] = Beside{Shape: shape.Name, Handler: h.name}
		if h.warmUp == 0 {
			continue
		}
		var err error
		if sinks[i], loggers[i], err = open(i); err != nil {
			return nil, err
		}
		defer func() { _ = sinks[i].Close(giveUp(ctx)) }()
		for seq := range h.warmUp {
			shape.Log(ctx, loggers[i], seq)
		}
	}
	for range s.Rounds {
		for _, i := range rand.Perm(len(handlers)) {
			sink, l := sinks[i], loggers[i]
			if l == nil {
				var err error
				if sink, l, err = open(i); err != nil {
					return nil, err
				}
			}
			runtime.GC()
			n0, _ := allocs()
			start := time.Now()
			for seq := range calls {
				shape.Log(ctx, l, seq)
			}
			took := time.Since(start)
			n1, _ := allocs()
			samples[i].NS = append(samples[i].NS, float64(took.Nanoseconds())/float64(calls))
			samples[i].Allocs += float64(n1-n0) / float64(calls*s.Rounds)
			switch {
			case handlers[i].warmUp == 0:
				_ = sink.Close(giveUp(ctx))
			case handlers[i].flush:
				if err := sink.Flush(ctx); err != nil {
					return nil, err
				}
			}
		}
	}
	return samples, nil
}
