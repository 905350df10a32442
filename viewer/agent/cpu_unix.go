//go:build unix

package agent

import (
	"syscall"
	"time"
)

// cpuTime is the CPU time of the process, as the system counts it: user and system.
func (s *sampler) cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return s.runtimeCPU()
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
