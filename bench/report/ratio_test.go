package report

import (
	"strings"
	"testing"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
)

// A machine that becomes slower from round to round changes both rows, and not
// their ratio; a round that only one of them has is left out.
func TestRatioIsTakenWithinARound(t *testing.T) {
	a := series{0: {80}, 1: {160}, 2: {800}, 3: {9999}}
	b := series{0: {100}, 1: {200}, 2: {1000}}
	if c := compare(a, b); len(c.rounds) != 3 || c.median() != 0.8 || c.String() != "0.80" {
		t.Errorf("ratios %v, %s", c.rounds, c)
	}
	if c := compare(a, b).versus(1.6); c.median() != 0.5 {
		t.Errorf("to a base of 1.6: %v, want 0.5", c.median())
	}
	five := series{0: {1}, 1: {2}, 2: {3}, 3: {4}, 4: {50}}
	ones := series{0: {1}, 1: {1}, 2: {1}, 3: {1}, 4: {1}}
	if got := compare(five, ones).String(); got != "3.00 (2.00 to 4.00)" {
		t.Errorf("the middle half of the rounds: %s", got)
	}
}

// Rounds of different processes are different rounds, and of different shapes.
func TestRoundsInsideProcesses(t *testing.T) {
	r := &Results{Beside: []measure.Beside{
		{Process: 0, Shape: "s", Handler: "slogship", NS: []float64{100, 200}},
		{Process: 1, Shape: "s", Handler: "slogship", NS: []float64{400, 800}},
		{Process: 0, Shape: "s", Handler: "phuslu", NS: []float64{200, 400}},
		{Process: 1, Shape: "s", Handler: "phuslu", NS: []float64{800, 1600}},
		{Process: 0, Shape: "other", Handler: "phuslu", NS: []float64{1, 1}},
	}}
	c := compare(r.beside("s", "slogship"), r.beside("s", "phuslu"))
	if len(c.rounds) != 4 || c.rounds[0] != 0.5 || c.rounds[3] != 0.5 {
		t.Errorf("ratios %v, want four of 0.5", c.rounds)
	}
}

func TestVerdicts(t *testing.T) {
	most := target{required: 0.85, aim: 0.75}
	least := target{required: 4, aim: 5, atLeast: true}
	for _, c := range []struct {
		target
		v    float64
		want string
	}{
		{most, 0.7, "reached, aim too"},
		{most, 0.85, "reached"},
		{most, 0.86, "**missed**"},
		{least, 5, "reached, aim too"},
		{least, 4.5, "reached"},
		{least, 3.9, "**missed**"},
		{target{required: 1.05}, 1, "reached"},
		{target{before: 1}, 1, "-"},
		{target{}, 1, "no base"},
	} {
		if got := c.verdict(c.v); got != c.want {
			t.Errorf("%v of %+v: %s, want %s", c.v, c.target, got, c.want)
		}
	}
}

// A pending record costs what the larger of two full queues has more.
func TestPendingBytes(t *testing.T) {
	const inFlight = 5 << 20
	r := &Results{Enqueue: []measure.Enqueue{
		{Peer: "slogship", Variant: measure.Full, Held: inFlight + 130*measure.OutageQueue},
		{Peer: "slogship", Variant: measure.Double, Held: inFlight + 260*measure.OutageQueue},
	}}
	if got := r.pendingBytes("slogship").median(); got != 130 {
		t.Errorf("%v B a record, want 130", got)
	}
	var d doc
	d.pending(r)
	if !strings.Contains(d.String(), "| **slogship** | 130 B |") {
		t.Errorf("the report has\n%s", d.String())
	}
}

// The best peer is never slogship itself; one that cannot but compress is among both.
func TestBestPeerIsAnother(t *testing.T) {
	r := &Results{Throughput: []measure.Throughput{
		sample("slogship", peers.None, 1000, 1000, 0.1), sample("otel", peers.None, 1000, 1000, 2), sample("axiom", peers.Zstd, 1000, 1000, 1),
	}}
	fastest, _, compressing := r.best()
	if fastest.peer != "axiom" || compressing.peer != "axiom" {
		t.Errorf("best peers: %v, %v; want axiom", fastest, compressing)
	}
}
