package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
	"github.com/slogship/slogship/spooldir"
)

// A pipe with -spool whose slogship is killed again and again, while the backend is
// down half of the time: every line that was on disk arrives, and by its id once.
//
//	SLOGSHIP_TEST_LINES=1000000 go test -v -run SpoolPipeKill -timeout 30m ./slogship
func TestSpoolPipeKill(t *testing.T) {
	t.Parallel()
	const rounds = 8
	n := linesOf(t, 40_000) / rounds * rounds
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	spool := filepath.Join(t.TempDir(), "spool")
	a := arrivalsAt(s)
	down := slogshiptest.Failure{Status: http.StatusServiceUnavailable}
	next := 0
	for range rounds {
		s.Fail(down)
		p, in := pipeTo(t, s, "-spool", spool, "-interval", "20ms", "-quiet")
		w := bufio.NewWriter(in)
		until := next + n/rounds
		for ; next < until; next++ {
			if next == until-n/rounds/2 && rand.IntN(2) == 0 {
				s.Recover()
			}
			fmt.Fprintf(w, `{"level":"info","msg":"line %d"}`+"\n", next)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		// All lines are delivered or on disk; then it is killed, maybe amid a request.
		for !a.spooled(t, spool, next) {
			time.Sleep(10 * time.Millisecond)
		}
		if rand.IntN(2) == 0 {
			s.Recover()
			time.Sleep(rand.N(50 * time.Millisecond)) // more or less of it is delivered
		}
		p.end(t, syscall.SIGKILL)
		in.Close()
	}
	s.Recover()
	p, in := pipeTo(t, s, "-spool", spool, "-grace", "5m")
	in.Close()
	if err := p.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &p.stderr)
	}
	once(t, s, n)
	t.Logf("%d lines, %d kills; %d records came again, with the same ids", n, rounds, s.Duplicates())
}

// arrivals are the lines that have arrived, or were seen in a spool.
type arrivals struct {
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

func (a *arrivals) add(line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.seen[line] {
		a.seen[strings.Clone(line)] = true
	}
}

// spooled reports whether each of the first n lines has arrived, or is in the spool.
func (a *arrivals) spooled(t *testing.T, dir string, n int) bool {
	t.Helper()
	_, err := spooldir.Inspect(dir, func(e *slogship.Event) error {
		a.add(e.Message)
		return nil
	})
	if errors.Is(err, spooldir.ErrNotSpool) || errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen) >= n
}

// arrivalsAt notes what arrives at s. It rejects nothing.
func arrivalsAt(s *slogshiptest.Server) *arrivals {
	a := &arrivals{seen: map[string]bool{}}
	s.RejectRecords(func(r slogshiptest.Record) string {
		a.add(r.Message)
		return ""
	})
	return a
}

// pipeTo starts the command, and returns what is its standard input.
func pipeTo(t *testing.T, s *slogshiptest.Server, args ...string) (*process, io.WriteCloser) {
	t.Helper()
	p := slogshipWith(t, s, args...)
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() }) // unless it has ended
	return p, in
}

// When the disk is full as well, a pipe is slowed down and never thinned.
func TestSpoolFull(t *testing.T) {
	t.Parallel()
	const n, room = 2000, 64 << 20 // lines of 60 kB
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	s.Fail(slogshiptest.Failure{Status: http.StatusServiceUnavailable})
	spool := filepath.Join(t.TempDir(), "spool")
	p, in := pipeTo(t, s, "-spool", spool, "-spool-bytes", fmt.Sprint(room), "-quiet", "-grace", "10m", "-timeout", "1m")
	ended := make(chan error, 1)
	go func() {
		var err error
		long := strings.Repeat("x", 60_000)
		for i := 0; i < n && err == nil; i++ {
			_, err = fmt.Fprintf(in, `{"level":"info","msg":"line %d","long":"%s"}`+"\n", i, long)
		}
		ended <- errors.Join(err, in.Close())
	}()
	for used := int64(0); used < room/4*3; time.Sleep(10 * time.Millisecond) {
		if r, err := spooldir.Inspect(spool, nil); err == nil {
			used = r.Bytes
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("all was read, although there is no room for it: %v", err)
	case <-time.After(time.Second): // for it to overflow, if it does; the test holds on a slow machine, too
	}
	s.Recover()
	if err := errors.Join(<-ended, p.Wait()); err != nil {
		t.Fatalf("%v\n%s", err, &p.stderr)
	}
	once(t, s, n)
}

// A follower's position moves on when the lines are on disk: after a kill it reads
// none of them again, although the file is gone and nothing was delivered.
func TestSpoolFollow(t *testing.T) {
	t.Parallel()
	const n = 5000
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	s.Fail(slogshiptest.Failure{Status: http.StatusServiceUnavailable})
	a := arrivalsAt(s)
	dir := t.TempDir()
	w := &writer{t: t, s: s, path: filepath.Join(dir, "app.log"), rotated: map[string][2]int{}}
	w.open()
	for w.next < n {
		w.line()
	}
	spool := filepath.Join(dir, "spool")
	args := []string{"-spool", spool, "-state", filepath.Join(dir, "state"), "-follow", w.path, "-grace", "100ms"}
	p := slogshipWith(t, s, args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	for !a.spooled(t, spool, n) || position(filepath.Join(dir, "state")) < size(t, w.path) {
		time.Sleep(5 * time.Millisecond)
	}
	p.end(t, syscall.SIGKILL)
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	w.open()
	for range 100 {
		w.line()
	}
	p = slogshipWith(t, s, append(args, "-once")...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err == nil || p.ProcessState.ExitCode() != 5 {
		t.Fatalf("%v, want status 5\n%s", err, &p.stderr)
	}
	s.Recover()
	p = slogshipWith(t, s, args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	arrived(t, s, w.next)
	if status := p.end(t, syscall.SIGTERM); status != 0 {
		t.Errorf("status %d\n%s", status, &p.stderr)
	}
	once(t, s, w.next)
	if s.Duplicates() > 0 {
		t.Errorf("%d records came again", s.Duplicates())
	}
}

// position is what a follower of one file has saved, 0 if nothing.
func position(state string) int64 {
	text, err := os.ReadFile(filepath.Join(state, "positions.json"))
	if err != nil {
		return 0
	}
	var p struct{ Files []struct{ Offset int64 } }
	if err := json.Unmarshal(text, &p); err != nil || len(p.Files) == 0 {
		return 0
	}
	return p.Files[0].Offset
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
