//go:build unix

package command

import (
	"os"
	"syscall"
)

// passedOn are the signals that a command gets that was started by exec.
var passedOn = []os.Signal{
	os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
	syscall.SIGCONT, syscall.SIGWINCH,
}

// exitCode is what a shell would make of the end of a process: 128 and the signal's
// number, if that ended it.
func exitCode(p *os.ProcessState) int {
	if p == nil {
		return exitFailed
	}
	if ws, ok := p.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return p.ExitCode()
}

// signalOf is the signal that ended a process, "" if none did.
func signalOf(p *os.ProcessState) string {
	if p == nil {
		return ""
	}
	if ws, ok := p.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return ws.Signal().String()
	}
	return ""
}
