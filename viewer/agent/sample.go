package agent

import (
	"math"
	"runtime/metrics"
	"time"
)

// process is what one report says: of the interval since the last one.
type process struct {
	interval   time.Duration
	cpu        float64 // cores in use, on average
	memory     uint64  // bytes that the Go runtime holds of the system
	heap       uint64  // bytes of objects, dead ones that are not swept yet among them
	goroutines uint64
	allocated  uint64 // bytes, since the last report
	gcs        uint64 // collections, since the last report
	pause      time.Duration
}

// What is read of runtime/metrics, in the order of sampler.samples.
const (
	totalBytes = iota
	releasedBytes
	heapBytes
	goroutines
	allocatedBytes
	collections
	pauses
	totalCPU
	idleCPU
	metricCount
)

var metricNames = [metricCount]string{
	"/memory/classes/total:bytes", "/memory/classes/heap/released:bytes", "/memory/classes/heap/objects:bytes",
	"/sched/goroutines:goroutines", "/gc/heap/allocs:bytes", "/gc/cycles/total:gc-cycles", "/sched/pauses/total/gc:seconds",
	"/cpu/classes/total:cpu-seconds", "/cpu/classes/idle:cpu-seconds",
}

// sampler reads the runtime's metrics, and remembers what it read last. Its owner
// is the agent's goroutine.
type sampler struct {
	samples   [metricCount]metrics.Sample
	at        time.Time
	cpu       time.Duration
	allocated uint64
	gcs       uint64
	pauses    []uint64 // counts by bucket
}

func newSampler() *sampler {
	s := &sampler{}
	for i, name := range metricNames {
		s.samples[i].Name = name
	}
	s.sample(time.Now()) // what follows is told as differences
	return s
}

// sample reads how the process is, and what it did since the last call.
func (s *sampler) sample(now time.Time) process {
	metrics.Read(s.samples[:])
	cpu := s.cpuTime()
	p := process{
		interval: now.Sub(s.at), memory: s.uint(totalBytes) - s.uint(releasedBytes), heap: s.uint(heapBytes),
		goroutines: s.uint(goroutines), allocated: s.uint(allocatedBytes) - s.allocated, gcs: s.uint(collections) - s.gcs,
		pause: s.longest(),
	}
	if p.interval > 0 {
		p.cpu = max(float64(cpu-s.cpu)/float64(p.interval), 0)
	}
	s.at, s.cpu, s.allocated, s.gcs = now, cpu, s.uint(allocatedBytes), s.uint(collections)
	return p
}

// uint returns a metric, 0 if this version of Go does not have it.
func (s *sampler) uint(i int) uint64 {
	if v := s.samples[i].Value; v.Kind() == metrics.KindUint64 {
		return v.Uint64()
	}
	return 0
}

func (s *sampler) float(i int) float64 {
	if v := s.samples[i].Value; v.Kind() == metrics.KindFloat64 {
		return v.Float64()
	}
	return 0
}

// longest returns the longest pause since the last call: the upper end of its
// bucket, or the lower one where there is no end.
func (s *sampler) longest() (pause time.Duration) {
	v := s.samples[pauses].Value
	if v.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := v.Float64Histogram()
	if len(s.pauses) != len(h.Counts) {
		s.pauses = make([]uint64, len(h.Counts))
	}
	for i, n := range h.Counts {
		if n > s.pauses[i] {
			end := h.Buckets[i+1]
			if math.IsInf(end, 1) {
				end = h.Buckets[i]
			}
			pause = time.Duration(end * float64(time.Second))
		}
	}
	copy(s.pauses, h.Counts)
	return pause
}

// runtimeCPU is the runtime's own estimate of the CPU time, which it renews at each
// garbage collection: for systems that do not say themselves.
func (s *sampler) runtimeCPU() time.Duration {
	return time.Duration((s.float(totalCPU) - s.float(idleCPU)) * float64(time.Second))
}
