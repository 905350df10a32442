package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/report"
)

// plan is which tables are measured, of which peers, and how thoroughly.
type plan struct {
	tables map[int]bool
	peers  []peers.Peer // ceilings included
	dir    string       // of results.json

	counts        int           // of table 2
	slowCounts    int           // of rows more than ten times slower than others
	fewCounts     int           // of tables 1, 4 and 5
	processes     int           // of what is compared inside a process
	inside        int           // rounds of each of these
	calls         int           // a burst of theirs
	tails         int           // rounds of the slowest calls
	unpaused      time.Duration // that goroutines log for that never pause
	records       int           // a round
	atLeast       time.Duration // rounds go on until they took so long
	writers       []int
	delays        []time.Duration
	burst         int           // of table 5
	burstLimit    time.Duration // and how long it is waited for
	turn          time.Duration // of a peer, in an outage
	outage        time.Duration
	recovery      time.Duration
	defaultsLimit time.Duration // how long table 6 waits for what is to come
}

func newPlan(quick bool, counts int) *plan {
	p := &plan{
		counts:        5,
		slowCounts:    3,
		fewCounts:     3,
		processes:     3,
		inside:        12,
		calls:         10_000,
		tails:         5,
		unpaused:      time.Second,
		records:       100_000,
		atLeast:       700 * time.Millisecond,
		writers:       []int{1, 2, 8, 32, 64},
		delays:        []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond},
		burst:         50_000,
		burstLimit:    3 * time.Second,
		turn:          4 * time.Second,
		outage:        30 * time.Second,
		recovery:      60 * time.Second,
		defaultsLimit: 62 * time.Second,
	}
	if quick {
		p.counts = 1
		p.slowCounts = 1
		p.fewCounts = 1
		p.processes = 1
		p.inside = 5
		p.tails = 1
		p.unpaused = 500 * time.Millisecond
		p.writers = []int{1, 8, 64}
		p.records = 50_000
		p.atLeast = 300 * time.Millisecond
		p.burstLimit = 2 * time.Second
		p.turn = 1200 * time.Millisecond
		p.outage = 10 * time.Second
		p.recovery = 12 * time.Second
		p.defaultsLimit = 8 * time.Second
	}
	if counts > 0 {
		p.counts = counts
	}
	return p
}

// row is a peer with a compression.
type row struct {
	peers.Peer
	compression peers.Compression
}

// rows are the shippers, each uncompressed if it can be; with others, with
// their other compressions too.
func (p *plan) rows(others bool) []row {
	var rs []row
	for _, peer := range p.peers {
		if peer.Proto == "" {
			continue
		}
		rs = append(rs, row{peer, peer.Plain})
		if others {
			for _, c := range peer.Others {
				rs = append(rs, row{peer, c})
			}
		}
	}
	return rs
}

// shippers are the peers that ship, without the variant of slog-loki.
func (p *plan) shippers() []row {
	return slices.DeleteFunc(p.rows(false), func(r row) bool { return r.Defaults == "" })
}

// turns calls f for each row, counts times over, with the number of the round:
// rounds are interleaved, each in an order of its own, so that no peer always
// runs in the same moment or after the same neighbour. A ratio is taken within
// a round, because a machine's speed may drift by a factor of two in minutes.
func turns[R any](rows []R, counts int, f func(row R, round int) error) error {
	return groupTurns([][]R{rows}, counts, f)
}

// groupTurns is turns that keeps in each round together, and so within seconds,
// what is in one group: what is compared with each other.
func groupTurns[R any](groups [][]R, counts int, f func(row R, round int) error) error {
	for round := range counts {
		for _, g := range shuffled(groups) {
			for _, r := range shuffled(g) {
				if err := f(r, round); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func shuffled[R any](rows []R) []R {
	s := slices.Clone(rows)
	rand.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}

func (p *plan) measure(ctx context.Context, res *report.Results) error {
	backend, stop, err := startReceiver(ctx)
	if err != nil {
		return err
	}
	defer stop()
	start := time.Now()
	for _, t := range []struct {
		table int
		name  string
		f     func(context.Context, receiver.Control, *report.Results) error
	}{
		{1, "enqueue", p.enqueue},
		{2, "throughput", p.throughput},
		{3, "outage", p.outages},
		{4, "writers", p.manyWriters},
		{5, "latency to the backend", p.distances},
		{6, "default settings", p.defaultSettings},
		{7, "the seed's own", p.thousand},
	} {
		// Tables 1 and 2 are two views of one run.
		if !p.tables[t.table] && !(t.table == 2 && p.tables[1]) {
			continue
		}
		log.Printf("%5.0f s  table %d: %s", time.Since(start).Seconds(), t.table, t.name)
		if err := t.f(ctx, backend, res); err != nil {
			return fmt.Errorf("table %d: %w", t.table, err)
		}
		res.Measured(t.table)
		if err := res.Save(p.dir); err != nil { // an interrupted run keeps what it has
			return err
		}
	}
	log.Printf("%5.0f s  done", time.Since(start).Seconds())
	return nil
}

// note says that a measurement failed and goes on: the report shows what is
// missing. Only an end of the whole run is an error.
func note(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil {
		log.Print(err)
		return nil
	}
	return err
}
