package report

import "time"

// What the version before had, in the run of 2026-11-21 of this benchmark on
// the same machine: it wrote the backend's JSON in the call, and kept that. A
// machine is not as fast as itself a week ago, so that ratios are compared, not
// figures. They are ratios of medians: that run did not note its rounds.
const (
	beforePhuslu    = 736. / 699         // a call, ns, ring full, to phuslu/log
	beforeJSON      = 736. / 1406        // to slog.JSONHandler
	beforeTen       = 840. / 718         // with ten attributes by With, to phuslu/log; not full
	beforeSource    = 789. / 765         // with AddSource / without
	beforeFull      = 736. / 765         // ring full / healthy
	beforeTail      = 15.9 / 14.5        // p99.9, µs, hanging / healthy
	beforeWriters   = 1589. / 1166       // thousands of records a second, 32 goroutines / 2
	beforeDelivered = 1195.202 / 288.090 // the same, uncompressed, to the best peer
	beforeCPU       = 0.89 / 4.03        // CPU seconds a million, uncompressed, to the best peer
	beforeCPUGzip   = 1.13 / 4.56        // with gzip, to the best compressing peer
	beforeAllocs    = 0.0068             // a delivered record
	beforeRingBytes = 256                // a record in the ring: the JSON that was sent
)

// Table 5 with one request at a time, thousands of records a second, to the best peer.
var beforeDistance = map[time.Duration]float64{
	0:                      1031. / 216,
	10 * time.Millisecond:  623. / 244,
	100 * time.Millisecond: 205. / 176,
	300 * time.Millisecond: 77. / 99,
}
