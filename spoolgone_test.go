package slogship

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// The directory is removed while a Handler uses it: what only the disk had is counted as
// Corrupt, memory goes on alone, everything else comes, and nothing waits for ever.
func TestSpoolDirIsRemoved(t *testing.T) {
	for _, all := range []bool{true, false} { // or the files with records only
		synctest.Test(t, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			tr := start(t, always(status(503)), Options{MaxPending: 300, BatchRecords: 50, Spool: SpoolOptions{Dir: dir, MaxBytes: 16 << 20}})
			const n, more = 3000, 3000
			for part := range slices.Chunk(long(0, n), 100) {
				tr.say(part...)
				time.Sleep(time.Second)
			}
			paths := []string{dir}
			if !all {
				paths = segmentsOf(t, dir)
			}
			for _, path := range paths {
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
			}
			tr.answerWith(always(status(200)))
			for part := range slices.Chunk(long(n, more), 100) {
				tr.say(part...)
				time.Sleep(time.Second)
				tr.balanced()
			}
			err := tr.Flush(t.Context())
			s := tr.Stats()
			came := tr.acknowledged()
			if s.Pending+s.InFlight+s.Spooled != 0 || s.Dropped.Total() != s.Dropped.Corrupt+s.Dropped.Overflow || s.Delivered != int64(len(came)) ||
				s.Dropped.Corrupt == 0 || s.Dropped.Corrupt > n {
				t.Errorf("%v, %+v", err, s)
			}
			if !slices.IsSorted(came) || len(slices.Compact(came)) != len(came) {
				t.Error("not in order, or not once")
			}
			if err := tr.Shutdown(t.Context()); err != nil && s.Pending+s.InFlight > 0 {
				t.Error(err)
			}
			if failed, well := tr.toldOf(ErrSpool), tr.toldOf(ErrSpoolRecovered); well > failed || all && failed == 0 {
				t.Errorf("told %v", tr.reports())
			}
			t.Logf("%d of %d came, %d are counted as corrupt", len(came), n+more, s.Dropped.Corrupt)
		})
	}
}
