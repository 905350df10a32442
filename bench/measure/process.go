package measure

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// cpu returns the user and system time that the whole process, with all its
// threads, has used.
func cpu() time.Duration {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// memory returns the resident set of the process, now and at its peak, in
// bytes. It is read from the kernel's account of this address space: the
// rusage of a child begins, on Linux, with what its parent used.
func memory() (now, peak int64) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	return kilobytes(b, "VmRSS:"), kilobytes(b, "VmHWM:")
}

func kilobytes(status []byte, key string) int64 {
	_, rest, _ := bytes.Cut(status, []byte(key))
	f := bytes.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(f[0]), 10, 64)
	return n << 10
}

// heap is what the garbage collector sees of a process that holds records.
type heap struct {
	bytes, objects uint64
	gc             time.Duration // of a full collection
}

func liveHeap() heap {
	runtime.GC()
	start := time.Now()
	runtime.GC()
	took := time.Since(start)
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return heap{ms.HeapAlloc, ms.HeapObjects, took}
}

// allocs returns what was allocated since the process began.
func allocs() (n, bytes uint64) {
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return ms.Mallocs, ms.TotalAlloc
}
