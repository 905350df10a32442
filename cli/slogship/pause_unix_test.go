//go:build unix

package main

import (
	"syscall"
	"time"
)

// pause stops a process for a while, as a machine does that is busy.
func (p *process) pause(d time.Duration) {
	_ = p.Process.Signal(syscall.SIGSTOP)
	time.Sleep(d)
	_ = p.Process.Signal(syscall.SIGCONT)
}
