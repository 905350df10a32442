package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/receiver"
)

func sample(peer string, c peers.Compression, logged, delivered int, seconds float64) measure.Throughput {
	return measure.Throughput{
		Peer: peer, Compression: c, Writers: 1, Rounds: 1, Logged: logged, Delivered: delivered,
		LogSeconds: seconds / 2, Seconds: seconds, CPUSeconds: seconds,
		Arrived: receiver.Counts{Records: delivered, Distinct: delivered, WireBytes: int64(delivered) * 200},
	}
}

// The report shows medians, names who loses records, and compares slogship to
// the best peer, loser or not.
func TestReportSaysWhoLoses(t *testing.T) {
	dir := t.TempDir()
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Describe("go run . -test", false)
	r.Throughput = []measure.Throughput{
		sample("slogship", peers.None, 1000, 1000, 0.1),
		sample("slogship", peers.None, 1000, 1000, 0.2),
		sample("slogship", peers.None, 1000, 1000, 0.9),
		sample("otel", peers.None, 1000, 1000, 2),
		sample("sentry", peers.None, 1000, 250, 4),
	}
	r.Outage = []measure.Outage{{Peer: "axiom", Kind: "hanging", Logged: 20_000, Offered: 85_000, BlockedAt: 19_999, Blocked: 29 * time.Second, Delivered: 10_000}}
	r.Measured(1)
	r.Measured(2)
	r.Measured(3)
	if err := Write(dir, r); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "RESULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| **slogship** | none | 5,000 ±", // the median of three
		"**25.0 %**",
		"10.00: 5k / 0k records/s of OpenTelemetry",
		"**at record 20,000, 29.0 s**",
		"20,000 of 85,000 | 10,000, 50.0 % of logged",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%q is missing in\n%s", want, b)
		}
	}
	for _, plot := range []string{"enqueue.svg", "throughput.svg", "cpu-dark.svg", "outage.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "plots", plot)); err != nil {
			t.Error(err)
		}
	}

	again, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	otel, _ := peers.Find("otel")
	left := Without(again.Throughput, []peers.Peer{otel}, func(t measure.Throughput) string { return t.Peer })
	if len(left) != 4 {
		t.Errorf("%d samples without OpenTelemetry's, want 4", len(left))
	}
}
