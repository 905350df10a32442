package spool

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killDir asks the test binary to be the child of TestKill.
const killDir = "SPOOL_TEST_CHILD_DIR"

func killOptions(dir string) Options {
	return Options{
		Dir: dir, MaxBytes: 1 << 20, segmentBytes: 64 << 10,
		Delay: time.Millisecond, SyncBytes: 32 << 10, SyncDelay: 5 * time.Millisecond,
	}
}

// TestKillChild is no test: TestKill runs it in a process of its own, which logs
// until it is killed, and says on standard output what it was promised.
//
//	w 120     all up to 120 is written
//	s 100     all up to 100 is about to be settled
//	n 7 81    it opened, found 7 records, and appends from 81 on
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("the child of TestKill")
	}
	say := func(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }
	s, err := Open(killOptions(dir))
	if err != nil {
		say("e %v", err)
		return
	}
	say("n %d %d", s.Stats().Recovered, s.Next())
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 5))
	next := s.Next()
	var p Page
	for {
		n := 1 + rng.IntN(100)
		for s.Stats().SpooledBytes > 700<<10 { // nothing is to be dropped: settle what is old
			if err := s.Read(&p); err != nil {
				break
			}
			settled := p.First + uint64(len(p.Sizes)) - 1
			say("s %d", settled)
			s.Settle(1, settled)
			time.Sleep(100 * time.Microsecond)
		}
		if _, err := s.Append(span(next, n)); err != nil {
			say("e %v", err)
			return
		}
		s.Release(next, next+uint64(n)-1)
		next += uint64(n)
		wait := s.WaitWritten
		if rng.IntN(20) == 0 {
			wait = s.WaitDurable
		}
		if err := wait(context.Background(), next-1); err != nil {
			say("e %v", err)
			return
		}
		say("w %d", next-1)
		if rng.IntN(200) == 0 { // a clean end now and then
			say("c 0")
			s.Close()
			return
		}
	}
}

// However a process ends, what was written is there: the child is killed at
// random, while it appends, rolls, acknowledges, removes and recovers.
func TestKill(t *testing.T) {
	kills := 100
	if soak {
		kills = 1000
	}
	if v, err := strconv.Atoi(os.Getenv("SPOOL_KILLS")); err == nil {
		kills = v
	}
	if quick || testing.Short() {
		kills = min(kills, 10)
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(6, 6))
	written, settled, appended := uint64(0), uint64(0), uint64(0)
	clean, read := 0, 0
	for kill := range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
		cmd.Env = append(os.Environ(), killDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		timer := (*time.Timer)(nil)
		for lines.Scan() {
			kind, rest, _ := strings.Cut(lines.Text(), " ")
			fields := strings.Fields(rest)
			switch kind {
			case "n":
				// From here on it works; before, it was recovering, and may be killed
				// there as well.
				if n, _ := strconv.ParseUint(fields[1], 10, 64); n <= written {
					t.Fatalf("kill %d: next is %d after %d", kill, n, written)
				}
				after := rng.IntN(40_000)
				if kill%10 == 0 {
					after = rng.IntN(200_000)
				}
				timer = time.AfterFunc(time.Duration(after)*time.Microsecond, func() { cmd.Process.Kill() })
			case "w":
				written, _ = strconv.ParseUint(fields[0], 10, 64)
			case "s":
				settled, _ = strconv.ParseUint(fields[0], 10, 64)
			case "c":
				clean++
			case "e":
				t.Fatalf("kill %d: %s", kill, rest)
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		if timer != nil {
			timer.Stop()
		}
		if kill%10 == 9 { // one that is killed while it opens
			cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
			cmd.Env = append(os.Environ(), killDir+"="+dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rng.IntN(8000)) * time.Microsecond)
			cmd.Process.Kill()
			cmd.Wait()
			settled = max(settled, appended) // what it settled is not known
			r, err := Inspect(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			settled = max(settled, r.Settled)
		}
		// The lock went with the process, and what it was told holds.
		next, last := settled+1, uint64(0)
		r, err := Inspect(dir, func(p *Page) error {
			for _, seq := range checkPage(t, p) {
				if seq <= last {
					return fmt.Errorf("%d after %d", seq, last)
				}
				if seq == next {
					next++
				}
				last = seq
				read++
			}
			return nil
		})
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		if next <= written || r.Missing != 0 || r.Lost.Total() != 0 {
			t.Fatalf("kill %d: %d is missing, written up to %d, settled up to %d: %+v", kill, next, written, settled, r)
		}
		appended = last
	}
	t.Logf("%d kills, %d clean ends, %d records written, %d read: none lost, invented or out of order", kills, clean, written, read)
}
