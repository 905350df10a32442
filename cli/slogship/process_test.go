package main

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slogship/slogship/slogshiptest"
)

// linesOf is how many lines a test is about: fewer than SLOGSHIP_TEST_LINES says.
func linesOf(t *testing.T, usually int) int {
	if text := os.Getenv("SLOGSHIP_TEST_LINES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return usually / 10
	}
	return usually
}

// process is the command, running.
type process struct {
	*exec.Cmd
	stderr bytes.Buffer
}

func slogshipWith(t testing.TB, s *slogshiptest.Server, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, append([]string{"-url", s.URL}, args...)...)}
	key := strings.Fields(s.Header().Get("Authorization"))
	p.Env = append(os.Environ(), asCommand+"=1", "SLOGSHIP_TOKEN="+key[len(key)-1])
	p.Stderr = &p.stderr
	return p
}

// end ends a process with a signal, unless it has ended, and returns its exit
// status, -1 if the signal ended it.
func (p *process) end(t testing.TB, sig syscall.Signal) (status int) {
	t.Helper()
	_ = p.Process.Signal(sig)
	_ = p.Wait()
	return p.ProcessState.ExitCode()
}

// arrived waits until n records have arrived, and fails when nothing comes any more.
func arrived(t testing.TB, s *slogshiptest.Server, n int) {
	t.Helper()
	last, since := 0, time.Now()
	for {
		switch got := s.Len(); {
		case got >= n:
			return
		case got > last:
			last, since = got, time.Now()
		case time.Since(since) > time.Minute:
			once(t, s, n)
			t.Fatalf("%d records arrived, want %d", got, n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// once wants the records to be the messages 0 to n-1, each once.
func once(t testing.TB, s *slogshiptest.Server, n int) {
	t.Helper()
	seen := make([]int, n)
	for _, r := range s.Records() {
		i, err := strconv.Atoi(strings.TrimPrefix(r.Message, "line "))
		if err != nil || i >= n {
			t.Fatalf("unexpected record %.200q", r.Message)
		}
		seen[i]++
	}
	lost, more := 0, 0
	for i, k := range seen {
		switch {
		case k == 0:
			if lost++; i == 0 || i == n-1 || seen[i-1] > 0 || seen[i+1] > 0 { // the ends of a gap
				t.Errorf("line %d is lost", i)
			}
		case k > 1:
			if more++; more < 5 {
				t.Errorf("line %d arrived %d times", i, k)
			}
		}
	}
	if lost+more > 0 {
		t.Fatalf("of %d lines %d are lost, %d arrived more than once", n, lost, more)
	}
}
