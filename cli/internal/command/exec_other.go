//go:build !unix

package command

import "os"

// passedOn are the signals that a command gets that was started by exec.
var passedOn = []os.Signal{os.Interrupt}

func exitCode(p *os.ProcessState) int {
	if p == nil {
		return exitFailed
	}
	return p.ExitCode()
}

func signalOf(*os.ProcessState) string { return "" }
