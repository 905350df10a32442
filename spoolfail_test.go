package slogship

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
		told := func(what error) (n int) {
			for _, err := range tr.reports() {
				if errors.Is(err, what) {
					n++
				}
			}
			return n
		}
		if told(ErrSpool) != 1 || told(ErrSpoolRecovered) != 0 {
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
		if told(ErrSpool) != 1 || told(ErrSpoolRecovered) != 1 {
			t.Errorf("told %v", tr.reports())
		}
		tr.answerWith(always(status(200)))
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.wantTaken(append(counted(0, 100), "it does not wait for what fails")...)
	})
}
