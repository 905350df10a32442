package server

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the server killed when the tests die, of a time-out say.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
