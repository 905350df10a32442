package report

import "time"

// What the version before had, in the run of 2026-11-21 of this benchmark on
// the same machine: it wrote the backend's JSON in the call, and kept that. A
// machine is not as fast as itself a week ago, so that ratios are compared, not
// figures. They are ratios of medians: that run did not note its rounds.
const (
	beforePhuslu     = 1.05 // a call, ring full, to phuslu/log: 736 / 699 ns
	beforeJSON       = 0.52 // to slog.JSONHandler: 736 / 1,406 ns
	beforeTen        = 1.17 // with ten attributes by With, to phuslu/log, not full: 840 / 718 ns
	beforeSource     = 1.03 // with AddSource / without: 789 / 765 ns
	beforeFull       = 0.96 // ring full / healthy: 736 / 765 ns
	beforeTail       = 1.09 // p99.9, hanging / healthy: 15.9 / 14.5 µs
	beforeWriters    = 1.36 // 32 goroutines / 2: 1,589k / 1,166k records/s
	beforeDelivered  = 4.15 // records/s to the best peer, uncompressed: 1,195k / 288k
	beforeCPU        = 0.22 // CPU a record to the best peer, uncompressed: 0.89 / 4.03 s a million
	beforeCPUGzip    = 0.25 // with gzip to the best compressing peer: 1.13 / 4.56 s a million
	beforeAllocs     = 0.0068
	beforeRingBytes  = 256 // a record in the ring: the JSON that was sent
	beforeHeapRecord = 343 // heap a record, 65,536 held, with what is in flight
)

// Table 5 with one request at a time, to the best peer.
var beforeDistance = map[time.Duration]float64{
	0:                      4.78, // 1,031k / 216k records/s
	10 * time.Millisecond:  2.56, // 623k / 244k
	100 * time.Millisecond: 1.16, // 205k / 176k
	300 * time.Millisecond: 0.78, // 77k / 99k
}
