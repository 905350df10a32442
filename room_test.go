package slogship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func recordOf(message string) slog.Record {
	return slog.NewRecord(time.Now(), slog.LevelInfo, message, 0)
}

// With Block a call waits for room, and nothing is lost: not when all comes back
// that was in flight, nor what came while it was.
func TestBlockLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(append(times(3, status(503).after(time.Second)), status(200))...),
			Options{OnFull: Block, MaxPending: 4})
		var want []string
		for i := range 20 {
			want = append(want, fmt.Sprint(i))
			tr.say(want[i])
			if s := tr.Stats(); s.Pending+s.InFlight > 4 {
				t.Fatalf("%d records are held", s.Pending+s.InFlight)
			}
		}
		if time.Since(tr.began) < 3*time.Second {
			t.Error("no call waited for the backend")
		}
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.wantTaken(want...)
		tr.wantBooks(20, Dropped{}, 0)
		if n := tr.core.pending.inFlightBytes; n != 0 {
			t.Errorf("%d bytes are in flight", n)
		}
	})
}

// What is in flight has its place kept: it may come back.
func TestBlockKeepsRoomForFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503).after(time.Second), status(200).after(time.Second)), Options{OnFull: Block, MaxPending: 4})
		tr.say("a", "b")
		synctest.Wait()
		go tr.say("c", "d", "e", "f")
		time.Sleep(time.Millisecond)
		if s := tr.Stats(); s.InFlight != 2 || s.Pending != 2 {
			t.Errorf("in flight %d, pending %d, want 2 and 2", s.InFlight, s.Pending)
		}
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b", "c", "d", "e", "f")
	})
}

// When a call gives up, the next one may have room.
func TestBlockGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{OnFull: Block, MaxPendingBytes: 4 << 10})
		tr.say(strings.Repeat("x", 3<<10))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go tr.Handle(ctx, recordOf(strings.Repeat("y", 3<<10)))
		synctest.Wait()
		go tr.say("short")
		synctest.Wait()
		tr.wantBooks(0, Dropped{}, 1) // the short one waits its turn
		time.Sleep(2 * time.Second)
		tr.wantBooks(0, Dropped{Overflow: 1}, 2)
	})
}

// net/http's own words, which its goroutines log, do not wait.
func TestBlockConnLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{OnFull: Block, MaxPending: 2})
		tr.say("a", "b")
		tr.say("Unsolicited response received on idle HTTP channel starting with \"x\"; err=<nil>")
		if time.Since(tr.began) > 0 {
			t.Error("the call waited")
		}
		tr.wantBooks(0, Dropped{Overflow: 1}, 2)
	})
}

// Blocks may cost more than the records in them: that is bounded, too, but a record
// always finds room where nothing else is held.
func TestBlockBoundsBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{OnFull: Block})
		p := tr.core.pending
		p.maxHeld = 200 << 10
		long := strings.Repeat("x", 30<<10)
		for range 20 {
			tr.say(long)
			p.mu.Lock()
			if p.held > p.maxHeld+blockBytes {
				t.Fatalf("held %d of %d", p.held, p.maxHeld)
			}
			p.mu.Unlock()
		}
		tr.say(strings.Repeat(long, 8))
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.wantBooks(21, Dropped{}, 0)
	})
}

// Calls that wait are served in the order in which they came, a long record's too,
// although a short one that came later would have had room.
func TestBlockServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{OnFull: Block, MaxPendingBytes: 4 << 10, BatchBytes: 1 << 10})
		long := "long" + strings.Repeat("x", 2<<10)
		for i := range 12 {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				if i%3 == 2 {
					tr.say(fmt.Sprintf("%02d%s", i, long))
				} else {
					tr.say(fmt.Sprintf("%02d", i))
				}
			}()
		}
		time.Sleep(time.Minute)
		tr.wantBooks(12, Dropped{}, 0)
		if got := tr.acknowledged(); !slices.IsSorted(got) {
			t.Errorf("not in order: %.40q", got)
		}
	})
}

// A wait ends with the call's context: the record is dropped, and counted.
func TestBlockEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{OnFull: Block, MaxPending: 2})
		tr.say("a", "b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		tr.Handle(ctx, recordOf("c"))
		if passed := time.Since(began); passed != time.Second {
			t.Errorf("the call took %v, want 1 s", passed)
		}
		tr.wantBooks(0, Dropped{Overflow: 1}, 2)
		synctest.Wait()
		if told := tr.reports(); !slices.ContainsFunc(told, func(err error) bool { return errors.Is(err, ErrOverflow) }) {
			t.Errorf("OnError was told %q", told)
		}
		tr.answerWith(always(status(200)))
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.Handle(cancelled(t), recordOf("d")) // there is room: it is not asked
		tr.Flush(t.Context())
		tr.wantTaken("a", "b", "d")
	})
}

// Shutdown ends all waits.
func TestBlockEndsWithShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{OnFull: Block, MaxPending: 2})
		tr.say("a", "b")
		for range 3 {
			go tr.say("late")
		}
		synctest.Wait()
		if err := tr.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		tr.wantBooks(2, Dropped{Closed: 3}, 0)
	})
}

// Discard makes room.
func TestBlockDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{OnFull: Block, MaxPending: 2})
		tr.say("a", "b")
		synctest.Wait()
		go tr.say("c")
		synctest.Wait()
		tr.Discard()
		synctest.Wait()
		tr.wantBooks(0, Dropped{Discarded: 2}, 1)
	})
}

// Who is called by delivery does not wait for it.
func TestBlockInsideDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr *trial
		told := 0
		tr = start(t, script(status(503), status(200)), Options{OnFull: Block, MaxPending: 2, OnError: func(error) {
			told++
			tr.say("from OnError")
		}})
		tr.say("a", "b", "c")
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if told < 1 {
			t.Fatal("OnError was not called")
		}
		if s := tr.Stats(); s.Dropped.Overflow < 1 {
			t.Errorf("nothing was dropped: %v", s)
		}
		for _, m := range []string{"a", "b", "c"} {
			if !slices.Contains(tr.acknowledged(), m) {
				t.Errorf("%q was lost", m)
			}
		}
	})
}

// A full queue does not wait for FlushInterval when somebody waits for room.
func TestBlockCutsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{OnFull: Block, MaxPendingBytes: 2 << 10, FlushInterval: time.Hour})
		for range 10 {
			tr.say(strings.Repeat("x", 300), strings.Repeat("y", 1700)) // the first is no full batch
		}
		if passed := time.Since(tr.began); passed > time.Minute {
			t.Errorf("it took %v", passed)
		}
	})
}

// The bounds hold in bytes, too: also with records that cost much more memory than
// they have bytes.
func TestBlockBoundsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{OnFull: Block, MaxPendingBytes: 1 << 20})
		long := strings.Repeat("x", 9<<10)
		n := 0
		for range 500 {
			tr.say(long, "short")
			p := tr.core.pending
			p.mu.Lock()
			if p.bytes+p.inFlightBytes > 1<<20 || p.held > p.maxHeld+blockBytes {
				t.Fatalf("%d bytes pending, %d in flight, held %d of %d", p.bytes, p.inFlightBytes, p.held, p.maxHeld)
			}
			p.mu.Unlock()
			n += 2
		}
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		tr.wantBooks(int64(n), Dropped{}, 0)
		if p := tr.core.pending; p.inFlightBytes != 0 {
			t.Errorf("%d bytes are in flight", p.inFlightBytes)
		}
	})
}

func TestOnFullInvalid(t *testing.T) {
	if _, err := New(testEndpoint, &Options{OnFull: 2}); err == nil || !strings.Contains(err.Error(), "OnFull") {
		t.Errorf("err = %v", err)
	}
}
