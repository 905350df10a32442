package slogship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// counted is n messages, from one number on.
func counted(from, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("m%06d", from+i))
	}
	return all
}

// What is not delivered at the end is on disk, and the next Handler sends it first,
// with the same ids; also in another Format. Nothing of it is dropped.
func TestSpoolOutlivesShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		tr := start(t, always(status(503)), Options{Spool: SpoolOptions{Dir: dir, Delay: time.Hour}})
		tr.say(counted(0, 100)...)
		time.Sleep(time.Minute)
		tr.say(counted(100, 100)...) // the last of them are not due on disk yet
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := tr.Shutdown(ctx)
		loss := lossOf(t, err)
		if !errors.Is(err, ErrUnsent) || loss.Unsent != 200 || loss.Written != 200 || loss.Durable != 200 || loss.Dropped.Total() != 0 {
			t.Fatalf("%+v", loss)
		}
		if !strings.Contains(err.Error(), "200 records unsent after 1 s, all of them durable on disk; last attempt: 503") {
			t.Error(err)
		}
		tr.balanced()
		if s := tr.Stats(); s.Spooled != 200 || s.Dropped.Total() != 0 {
			t.Fatalf("%+v", s)
		}
		first := tr.got()[0]

		next := start(t, always(status(200)), Options{Spool: SpoolOptions{Dir: dir}})
		next.say("new")
		if err := next.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		next.wantTaken(append(counted(0, 200), "new")...)
		if r := next.got()[0]; r.ids[0] != first.ids[0] || r.messages[0] != first.messages[0] {
			t.Fatalf("%q was %q", r.ids[0], first.ids[0])
		}
		if s := next.Stats(); s.Recovered != 200 || s.Accepted != 201 || s.Delivered != 201 || s.Spooled != 0 {
			t.Fatalf("%+v", s)
		}
		next.wantOneID()
		if err := next.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "seg-*")); len(left) != 0 {
			t.Fatalf("all is delivered, and there is %q", left)
		}
	})
}

// When memory overflows, records live on disk: nothing is dropped, and all come in
// order, each once, once the outage is over.
func TestSpoolTakesOverflow(t *testing.T) {
	for _, requests := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			o := Options{MaxPending: 500, BatchRecords: 100, Requests: requests, Spool: SpoolOptions{Dir: t.TempDir()}}
			o.Client = nil
			tr := start(t, always(status(503).after(200*time.Millisecond)), o) // memory overflows meanwhile
			if requests > 1 {
				tr.open = -1 << 20 // several at once
			}
			const n = 10_000
			for i := 0; i < n; i += 50 {
				tr.say(counted(i, 50)...)
				time.Sleep(60 * time.Millisecond)
				tr.balanced()
			}
			s := tr.Stats()
			if s.Dropped.Total() != 0 || s.Spooled < n-1000 || s.Pending > 500 || s.Written < n-100 {
				t.Fatalf("%+v", s)
			}
			tr.answerWith(func(r *request) answered { // and now and then it fails again
				if r.n%5 == 0 {
					return status(503).after(50 * time.Millisecond)
				}
				return status(200).after(50 * time.Millisecond)
			})
			const more = 2000
			for i := 0; i < more; i += 50 { // records go on coming
				tr.say(counted(n+i, 50)...)
				time.Sleep(60 * time.Millisecond)
			}
			if err := tr.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := tr.acknowledged()
			if requests > 1 {
				slices.Sort(got)
			}
			if want := counted(0, n+more); !slices.Equal(got, want) {
				t.Fatalf("%d records came, not the %d in order", len(got), n+more)
			}
			tr.wantOneID()
			tr.wantBooks(n+more, Dropped{}, 0)
			tr.say("after")
			if err := tr.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A burst that fills memory before the disk pulls goes to disk as well: nothing of it is
// lost, and it comes in order.
func TestSpoolTakesBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{MaxPending: 100, BatchRecords: 50, Spool: SpoolOptions{Dir: t.TempDir()}})
		const n, rounds = 3000, 5 // together they are shorter than what the disk takes without writing
		for i := range rounds {
			tr.say(counted(i*n, n)...)
			tr.balanced()
			time.Sleep(time.Second)
		}
		if s := tr.Stats(); s.Dropped.Total() != 0 || s.Pending > 100 || s.Written != n*rounds || s.Unprotected != 0 {
			t.Fatalf("%+v", s)
		}
		tr.answerWith(always(status(200)))
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.wantTaken(counted(0, n*rounds)...)
	})
}

// While delivery is quicker than Delay, nothing touches the disk.
func TestSpoolIsNotTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		tr := start(t, always(status(200)), Options{FlushInterval: 10 * time.Millisecond, Spool: SpoolOptions{Dir: dir}})
		for i := range 50 {
			tr.say(counted(i*10, 10)...)
			time.Sleep(time.Second)
		}
		if s := tr.Stats(); s.Written != 0 || s.Delivered != 500 || s.SpooledBytes != 0 || s.Unprotected != 0 {
			t.Fatalf("%+v", s)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "seg-*")); len(left) != 0 {
			t.Fatalf("there is %q", left)
		}
		if n := tr.core.pending.fresh.records; n != 0 {
			t.Fatalf("%d records are kept for the disk", n)
		}
	})
}

// MaxAge is decided when a record would be sent, by when it was logged.
func TestSpoolMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dropped
		o := Options{MaxPending: 100, BatchRecords: 20, OnDrop: d.note, Spool: SpoolOptions{Dir: t.TempDir(), MaxAge: time.Hour}}
		tr := start(t, always(status(503).with("Retry-After", "60")), o)
		for i := range 30 {
			tr.say(counted(10*i, 10)...)
			time.Sleep(time.Second)
		}
		time.Sleep(50 * time.Minute)
		tr.say(counted(300, 100)...)
		time.Sleep(20 * time.Minute)
		tr.answerWith(always(status(200)))
		tr.Flush(t.Context())
		tr.wantBooks(100, Dropped{Expired: 300}, 0)
		tr.wantTaken(counted(300, 100)...)
		var told [][2]string
		for _, msg := range counted(0, 300) {
			told = append(told, [2]string{"expired", msg})
		}
		d.want(t, told...)
	})
}

// A directory has one Handler. The second one is told where, and what to do.
func TestSpoolIsLocked(t *testing.T) {
	dir := t.TempDir()
	o := &Options{Spool: SpoolOptions{Dir: dir}}
	first, err := New(testEndpoint, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(testEndpoint, o); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) ||
		!strings.HasPrefix(err.Error(), "slogship: Options.Spool: ") {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := New(testEndpoint, o)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

// A directory that others may write to is refused, and one behind a symbolic link.
func TestSpoolUnsafe(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{open, link} {
		if _, err := New(testEndpoint, &Options{Spool: SpoolOptions{Dir: path}}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A record at SyncLevel, and all before it, is on disk when Handle returns; a lower
// one is not.
func TestSyncLevel(t *testing.T) {
	for _, durable := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(503)), Options{Spool: SpoolOptions{
				Dir: t.TempDir(), SyncLevel: slog.LevelError, Durable: durable, Delay: time.Hour,
			}})
			tr.say(counted(0, 50)...)
			if s := tr.Stats(); s.Written != 0 || s.Unprotected != 50 {
				t.Fatalf("%+v", s)
			}
			began := time.Now()
			tr.log.Error("last words")
			s := tr.Stats()
			if s.Written != 51 || (s.Durable == 51) != durable || s.Unprotected != 0 || s.SyncMissed != 0 {
				t.Fatalf("durable %t: %d written, %d durable, %d unprotected, %d missed", durable, s.Written, s.Durable, s.Unprotected, s.SyncMissed)
			}
			if passed := time.Since(began); passed != 0 {
				t.Fatalf("it took %v", passed)
			}
		})
	}
}

// Flush says what waits where: on disk, or in memory only.
func TestFlushSaysWhatIsOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{MaxPending: 100, BatchRecords: 10, Spool: SpoolOptions{Dir: t.TempDir(), Delay: time.Second}})
		for i := range 30 {
			tr.say(counted(10*i, 10)...)
			time.Sleep(2 * time.Second)
		}
		tr.say(counted(300, 7)...)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := tr.Flush(ctx)
		loss := lossOf(t, err)
		if loss.Unsent != 307 || loss.Written != 300 || loss.Durable < 280 || loss.Dropped.Total() != 0 {
			t.Fatalf("%+v", loss)
		}
	})
}

// Discard empties the disk, too.
func TestDiscardEmptiesDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{MaxPending: 100, BatchRecords: 10, Spool: SpoolOptions{Dir: t.TempDir()}})
		for i := range 30 {
			tr.say(counted(10*i, 10)...)
			time.Sleep(time.Second)
		}
		flushed := make(chan error)
		go func() { flushed <- tr.Flush(context.Background()) }()
		synctest.Wait()
		s := tr.Stats()
		if n := tr.Discard(); int64(n) != 300-s.InFlight || s.InFlight > 10 {
			t.Fatalf("%d, %+v", n, s)
		}
		tr.balanced()
		tr.answerWith(always(status(200)))
		loss := lossOf(t, <-flushed)
		if loss.Dropped.Discarded != 300-s.InFlight || loss.Unsent != 0 {
			t.Fatalf("%+v", loss)
		}
	})
}
