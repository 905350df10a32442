package slogship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// When the disk fails, memory goes on, and that is said once. When it works again,
// what is held is written, and nothing was lost.
func TestSpoolDiskFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		tr := start(t, always(status(503)), Options{MaxPending: 1000, Spool: SpoolOptions{Dir: dir, SyncLevel: slog.LevelError}})
		var inTheWay []string // of the first segments: each try has a name of its own
		for n := range 64 {
			path := filepath.Join(dir, fmt.Sprintf("seg-%016x", n+1))
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			inTheWay = append(inTheWay, path)
		}
		tr.say(counted(0, 100)...)
		time.Sleep(10 * time.Second)
		s := tr.Stats()
		if s.Written != 0 || s.Unprotected != 100 || s.Pending+s.InFlight != 100 {
			t.Errorf("%+v, unprotected %d", s, s.Unprotected)
		}
		began := time.Now()
		tr.log.Error("it does not wait for what fails")
		if s := tr.Stats(); s.SyncMissed != 1 || time.Since(began) > syncLimit {
			t.Errorf("missed %d, after %v", s.SyncMissed, time.Since(began))
		}
		if tr.toldOf(ErrSpool) != 1 || tr.toldOf(ErrSpoolRecovered) != 0 {
			t.Errorf("told %v", tr.reports())
		}
		for _, path := range inTheWay {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		if s := tr.Stats(); s.Written != 101 || s.Unprotected != 0 {
			t.Errorf("%+v: written %d", s, s.Written)
		}
		if tr.toldOf(ErrSpool) != 1 || tr.toldOf(ErrSpoolRecovered) != 1 {
			t.Errorf("told %v", tr.reports())
		}
		tr.answerWith(always(status(200)))
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.wantTaken(append(counted(0, 100), "it does not wait for what fails")...)
	})
}

// told counts what OnError was told that matches what.
func (tr *trial) toldOf(what error) (n int) {
	for _, err := range tr.reports() {
		if errors.Is(err, what) {
			n++
		}
	}
	return n
}

// until waits, in real time, until ok.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 60_000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

// diskFails is a disk that begins to fail and is well again, several times, in real time:
// each time is told once, memory goes on alone, which is counted, and in the end
// everything is on disk and comes, in order.
func diskFails(t *testing.T, dir string, fail, heal func()) {
	tr := start(t, always(status(503)), Options{Spool: SpoolOptions{Dir: dir, Delay: time.Millisecond, MaxBytes: 16 << 20}})
	said := 0
	say := func(n int) {
		tr.say(long(said, n)...)
		said += n
	}
	say(10)
	until(t, "the first records are written", func() bool { return tr.Stats().Written == 10 })
	const times = 3
	for i := range times {
		fail()
		for tr.toldOf(ErrSpool) == i { // at the latest when the next segment is begun
			say(100)
			tr.balanced()
			time.Sleep(time.Millisecond)
		}
		say(50)
		s := tr.Stats()
		if s.Unprotected < 50 || s.Dropped.Total() != 0 || s.Pending+s.InFlight+s.Spooled != int64(said) {
			t.Fatalf("%d said: %+v", said, s)
		}
		heal()
		until(t, "it is well again", func() bool { return tr.toldOf(ErrSpoolRecovered) == i+1 })
		until(t, "all is written", func() bool { s := tr.Stats(); return s.Unprotected == 0 && s.Written == int64(said) })
		if n := tr.toldOf(ErrSpool); n != i+1 {
			t.Fatalf("told %d times: %v", n, tr.reports())
		}
	}
	tr.answerWith(always(status(200)))
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	tr.wantTaken(long(0, said)...)
	if err := tr.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("failed and well again %d times: %d records, none lost", times, said)
}

// again runs the test of t once more, by a command that ends with the test binary's own
// arguments; in is where the test finds that it is there.
func again(t *testing.T, cmd *exec.Cmd, in, value string) {
	t.Helper()
	cmd.Args = append(cmd.Args, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), in+"="+value)
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil && !strings.Contains(string(out), "=== RUN"):
		t.Skipf("not possible here: %v %s", err, out)
	case err != nil:
		t.Fatalf("%s", out)
	}
	t.Logf("%s", out)
}

// A disk that is full: a small tmpfs, so that it is the kernel who says so.
func TestSpoolDiskIsFull(t *testing.T) {
	const in = "SLOGSHIP_TEST_FULL"
	at := os.Getenv(in)
	if at == "" {
		dir := t.TempDir()
		again(t, exec.Command("unshare", "-rm", "sh", "-c",
			`mount -t tmpfs -o size=24m,mode=0700 tmpfs "$0" && exec "$@"`, dir, os.Args[0]), in, dir)
		return
	}
	filler := filepath.Join(at, "filler")
	diskFails(t, filepath.Join(at, "spool"), func() {
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		for b := make([]byte, 4<<10); ; {
			if _, err := f.Write(b); err != nil {
				break
			}
		}
		f.Close()
	}, func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	})
}

// A directory that is read-only for a while. Root may write to it all the same.
func TestSpoolDirIsReadOnly(t *testing.T) {
	const in = "SLOGSHIP_TEST_READONLY"
	dir := os.Getenv(in)
	if dir == "" {
		dir = t.TempDir()
		if os.Getuid() == 0 {
			if _, err := exec.LookPath("setpriv"); err != nil {
				t.Skip(err)
			}
			again(t, exec.Command("setpriv", "--bounding-set", "-dac_override,-dac_read_search", os.Args[0]), in, dir)
			return
		}
	}
	dir = filepath.Join(dir, "spool")
	mode := func(mode os.FileMode) func() {
		return func() {
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	diskFails(t, dir, mode(0o500), mode(0o700))
}

// A transport that ignores that its request is cancelled holds Shutdown up for a moment
// only. What it has is on disk, and the next Handler sends it; what it does later
// changes nothing.
func TestSpoolOutlivesTransport(t *testing.T) {
	for _, requests := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			release := make(chan struct{})
			h := shipTo(t, func(r *http.Request) (*http.Response, error) {
				<-release
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
			}, Options{BatchRecords: 50, Requests: requests, MaxPending: 300, Spool: SpoolOptions{Dir: dir}})
			logTo(h, counted(0, 500)...)
			time.Sleep(5 * time.Second)
			logTo(h, counted(500, 10)...) // not due on disk yet
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			loss := lossOf(t, h.Shutdown(ctx))
			if took := time.Since(began); took > time.Second+leaveLimit+stopGrace {
				t.Errorf("Shutdown took %v", took)
			}
			if loss.Unsent != 510 || loss.Durable != 510 || loss.Dropped.Total() != 0 {
				t.Errorf("%+v", loss)
			}
			before := h.Stats()
			if before.Spooled != 510 || before.Accepted != 510 {
				t.Errorf("%+v", before)
			}

			next := start(t, always(status(200)), Options{Spool: SpoolOptions{Dir: dir}})
			if err := next.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			next.wantTaken(counted(0, 510)...)
			close(release)
			time.Sleep(time.Second)
			if s := h.Stats(); s.Delivered != 0 || s.Spooled != before.Spooled || s.Accepted != before.Accepted || s.InFlight != 0 {
				t.Errorf("%+v, before %+v", s, before)
			}
		})
	}
}
