package slogship

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// long is counted with messages of about a KiB.
func long(from, n int) []string {
	all := counted(from, n)
	for i := range all {
		all[i] += strings.Repeat("x", 1000)
	}
	return all
}

// leave has a Handler log messages that nobody takes, and leave them to dir.
func leave(t *testing.T, dir string, messages []string) {
	t.Helper()
	tr := start(t, always(status(503)), Options{Spool: SpoolOptions{Dir: dir, MaxBytes: 16 << 20}})
	for part := range slices.Chunk(messages, 500) {
		tr.say(part...)
		time.Sleep(time.Second)
	}
	tr.Shutdown(cancelled(t))
	if s := tr.Stats(); s.Spooled != int64(len(messages)) {
		t.Fatalf("%+v", s)
	}
}

// segmentsOf is the files of dir that have records, oldest first.
func segmentsOf(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "seg-*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%q, %v", paths, err)
	}
	return paths
}

func change(t *testing.T, path string, how func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, how(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// However a spool is damaged, the next Handler delivers what is left of it, in order, and
// counts the rest as Corrupt; Flush says how many that were.
func TestSpoolDamaged(t *testing.T) {
	const n = 4000
	for _, c := range []struct {
		name        string
		least, most int // records that are lost
		damage      func(t *testing.T, segments []string)
	}{
		{"nothing", 0, 0, func(*testing.T, []string) {}},
		{"one bit", 1, 70, func(t *testing.T, segments []string) {
			change(t, segments[1], func(b []byte) []byte { b[len(b)/2] ^= 4; return b })
		}},
		{"a run of zeros", 90, 250, func(t *testing.T, segments []string) {
			change(t, segments[0], func(b []byte) []byte { clear(b[200_000:300_000]); return b })
		}},
		{"the first header", 0, 0, func(t *testing.T, segments []string) {
			change(t, segments[0], func(b []byte) []byte { clear(b[:64]); return b })
		}},
		{"half of the first", 400, 600, func(t *testing.T, segments []string) {
			change(t, segments[0], func(b []byte) []byte { return b[:len(b)/2] })
		}},
		{"the end of the last", 1, 70, func(t *testing.T, segments []string) {
			change(t, segments[len(segments)-1], func(b []byte) []byte { return b[:len(b)-10] })
		}},
		{"garbage after the last", 0, 0, func(t *testing.T, segments []string) {
			change(t, segments[len(segments)-1], func(b []byte) []byte {
				return append(b, bytes.Repeat([]byte("garbage"), 9000)...)
			})
		}},
		{"a file in the middle", 900, 1100, func(t *testing.T, segments []string) {
			if err := os.Remove(segments[1]); err != nil {
				t.Fatal(err)
			}
		}},
		{"all of a file", 900, 1100, func(t *testing.T, segments []string) {
			change(t, segments[1], func(b []byte) []byte { clear(b); return b })
		}},
		{"every file", n, n, func(t *testing.T, segments []string) {
			for _, path := range segments {
				change(t, path, func(b []byte) []byte { clear(b[64:]); return b })
			}
		}},
		{"what is acknowledged", 0, 0, func(t *testing.T, segments []string) {
			change(t, filepath.Join(filepath.Dir(segments[0]), "ACK"), func(b []byte) []byte { clear(b); return b })
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			messages := long(0, n)
			leave(t, dir, messages)
			segments := segmentsOf(t, dir)
			if len(segments) < 4 {
				t.Fatalf("%d segments", len(segments))
			}
			c.damage(t, segments)

			tr := start(t, always(status(200).after(time.Millisecond)), Options{Spool: SpoolOptions{Dir: dir, MaxBytes: 16 << 20}})
			tr.say("new")
			known := tr.Stats().Dropped.Corrupt // since New
			err := tr.Flush(t.Context())
			s := tr.Stats()
			lost := s.Dropped.Corrupt
			if int(lost) < c.least || int(lost) > c.most || s.Dropped.Total() != lost ||
				s.Delivered != n+1-lost || s.Accepted != n+1 || s.Recovered != n || s.Pending+s.InFlight+s.Spooled != 0 {
				t.Errorf("%s: %+v", c.name, s)
			}
			if lost == known && err != nil || lost > known && lossOf(t, err).Dropped != (Dropped{Corrupt: lost - known}) {
				t.Errorf("%s: %v, and %d were lost", c.name, err, lost)
			}
			got := tr.acknowledged()
			if int64(len(got)) != s.Delivered || !slices.IsSorted(got[:len(got)-1]) || got[len(got)-1] != "new" {
				t.Errorf("%s: %d came, not in order", c.name, len(got))
			}
			for _, m := range got[:len(got)-1] {
				if _, ok := slices.BinarySearch(messages, m); !ok {
					t.Errorf("%s: %.20q came", c.name, m)
				}
			}
			if err := tr.Shutdown(t.Context()); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			t.Logf("%s: %d records lost, the other %d came", c.name, lost, n-lost)
		})
	}
}

// Where MaxBytes is reached, the oldest records go: each is counted once, and a Flush that
// waits for some of them is told how many these were.
func TestSpoolIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503).after(10*time.Millisecond)), Options{
			MaxPending: 100, BatchRecords: 20, Spool: SpoolOptions{Dir: t.TempDir(), MaxBytes: 4 << 20},
		})
		const n, more = 2000, 8000
		for i := range n / 50 {
			tr.say(long(50*i, 50)...)
			time.Sleep(time.Second)
		}
		flushed := make(chan error, 1)
		go func() { flushed <- tr.Flush(t.Context()) }()
		synctest.Wait()
		for i := range more / 50 {
			if i == more/100 { // some of what is waited for arrives in time
				tr.answerWith(func(r *request) answered { return status([]int{200, 503}[r.n%2]).after(time.Second) })
			}
			tr.say(long(n+50*i, 50)...)
			tr.balanced()
			time.Sleep(time.Second)
			if s := tr.Stats(); s.SpooledBytes > 4<<20 {
				t.Fatalf("%d bytes on disk", s.SpooledBytes)
			}
		}
		tr.answerWith(always(status(200).after(10 * time.Millisecond)))
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		came := tr.acknowledged()
		early := 0
		for _, m := range came {
			if m < long(n, 1)[0] {
				early++
			}
		}
		s := tr.Stats()
		if s.Dropped.Overflow != int64(n+more-len(came)) || s.Dropped.Total() != s.Dropped.Overflow || s.Delivered != int64(len(came)) {
			t.Errorf("%d came: %+v", len(came), s)
		}
		if loss := lossOf(t, <-flushed); loss.Dropped != (Dropped{Overflow: int64(n - early)}) || loss.Unsent != 0 {
			t.Errorf("%d of %d came: %+v", early, n, loss)
		}
		if !slices.IsSorted(came) || len(slices.Compact(came)) != int(s.Delivered) {
			t.Error("not in order, or not once")
		}
		told := 0
		for _, err := range tr.reports() {
			if strings.Contains(err.Error(), ErrOverflow.Error()) {
				told++
			}
		}
		if told == 0 {
			t.Errorf("told %v", tr.reports())
		}
		t.Logf("%d of %d came, %d were dropped; of the %d that Flush waited for %d and %d",
			len(came), n+more, s.Dropped.Overflow, n, early, n-early)
	})
}

// A spool that an earlier release wrote is read: the directory is committed.
func TestSpoolOfEarlierRelease(t *testing.T) {
	from := os.DirFS(filepath.Join("testdata", "spool-v1"))
	if dir := os.Getenv("SPOOL_WRITE_TESTDATA"); dir != "" { // to add one of another version
		synctest.Test(t, func(t *testing.T) { leave(t, dir, spoolV1()) })
		return
	}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, from); err != nil {
			t.Fatal(err)
		}
		for _, path := range segmentsOf(t, dir) { // a checkout may have other modes
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		tr := start(t, always(status(200)), Options{Spool: SpoolOptions{Dir: dir}})
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.wantTaken(spoolV1()...)
		const id = "00000000000000000000000000000000" + "0000000000000001"
		if got := tr.got()[0]; len(got.ids[0]) != len(id) || got.ids[0][prefixDigits:] != id[prefixDigits:] {
			t.Errorf("the first id is %s", got.ids[0])
		}
	})
}

func spoolV1() (all []string) {
	for i := range 300 {
		all = append(all, fmt.Sprintf("release 1, record %d", i))
	}
	return all
}
