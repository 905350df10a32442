//go:build !unix

package agent

import "time"

func (s *sampler) cpuTime() time.Duration { return s.runtimeCPU() }
