//go:build !unix

package main

import "time"

// pause does nothing: a process cannot be stopped here.
func (p *process) pause(time.Duration) {}
