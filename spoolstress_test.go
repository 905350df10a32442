package slogship

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// While the disk fails and is well again, the backend fails at random, and several
// goroutines log, flush and look: the balance holds in every snapshot, and in the end
// each record came once, in the order of its goroutine, or is counted.
func TestSpoolStress(t *testing.T) {
	stressSpool(t, 1, 16<<20) // there is room on disk for all
	stressSpool(t, 3, 4<<20)
}

func stressSpool(t *testing.T, requests int, maxBytes int64) {
	dir := t.TempDir()
	var calm atomic.Bool
	tr := start(t, func(*request) answered {
		n := rand.IntN(10)
		if calm.Load() {
			n = 9
		}
		return status([]int{503, 503, 429, 429, 503, 503, 200, 200, 200, 200}[n])
	}, Options{
		MaxPending: 200, BatchRecords: 40, Requests: requests, FlushInterval: time.Millisecond,
		MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond,
		Spool: SpoolOptions{Dir: dir, MaxBytes: maxBytes, Delay: time.Millisecond},
	})
	if requests > 1 {
		tr.open = -1 << 20 // several at once
	}
	const loggers, rounds = 3, 60
	done := make(chan struct{})
	var aside, loggings sync.WaitGroup
	samples := 0
	aside.Go(func() {
		for ; ; samples++ {
			select {
			case <-done:
				return
			default:
				tr.balanced()
				time.Sleep(20 * time.Microsecond)
			}
		}
	})
	aside.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(3000))*time.Microsecond)
			var loss *LossError
			if err := tr.Flush(ctx); errors.As(err, &loss) && (loss.Unsent < 0 || loss.Durable > loss.Written || loss.Written > loss.Unsent) {
				t.Errorf("%+v", loss)
			}
			cancel()
		}
	})
	faults := 0
	aside.Go(func() {
		for ; ; faults++ {
			ways := bar(t, dir)
			time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
			for _, way := range ways {
				if err := os.Remove(way); err != nil {
					t.Error(err)
				}
			}
			select {
			case <-done:
				return
			case <-time.After(time.Duration(rand.IntN(20)) * time.Millisecond):
			}
		}
	})
	var said atomic.Int64
	for g := range loggers {
		loggings.Go(func() {
			text := strings.Repeat("x", 700)
			for round := range rounds {
				burst := 1 + rand.IntN(100)
				for i := range burst {
					tr.log.Info(fmt.Sprintf("%d:%04d:%04d:%s", g, round, i, text))
				}
				said.Add(int64(burst))
				time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
			}
		})
	}
	loggings.Wait()
	close(done)
	aside.Wait()
	calm.Store(true)
	if err := tr.Flush(t.Context()); err != nil && lossOf(t, err).Unsent != 0 {
		t.Fatal(err)
	}
	s := tr.Stats()
	came := tr.acknowledged()
	if s.Accepted != said.Load() || s.Delivered != int64(len(came)) || s.Pending+s.InFlight+s.Spooled != 0 || s.Dropped.Total() != s.Dropped.Overflow {
		t.Errorf("%d said, %d came: %+v", said.Load(), len(came), s)
	}
	if requests == 1 {
		last := map[byte]string{}
		for _, m := range came {
			if m <= last[m[0]] {
				t.Fatalf("%.12s came after %.12s", m, last[m[0]])
			}
			last[m[0]] = m
		}
	}
	slices.Sort(came)
	if n := len(slices.Compact(came)); n != int(s.Delivered) {
		t.Errorf("%d came, %d of them for the first time", s.Delivered, n)
	}
	tr.wantOneID()
	if err := tr.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("requests %d: %d records came, %d were dropped; %d faults (%d times told), %d snapshots balanced; %d were written",
		requests, s.Delivered, s.Dropped.Total(), faults, tr.toldOf(ErrSpool), samples, s.Written)
}

// bar puts directories where the next segments were to be.
func bar(t *testing.T, dir string) (ways []string) {
	newest := uint64(0)
	paths, _ := filepath.Glob(filepath.Join(dir, "seg-*"))
	for _, path := range paths {
		var n uint64
		if _, err := fmt.Sscanf(filepath.Base(path), "seg-%x", &n); err == nil {
			newest = max(newest, n)
		}
	}
	for n := newest + 1; n < newest+64; n++ {
		way := filepath.Join(dir, fmt.Sprintf("seg-%016x", n))
		if err := os.Mkdir(way, 0o700); err == nil {
			ways = append(ways, way)
		} else if !errors.Is(err, os.ErrExist) {
			t.Error(err)
		}
	}
	return ways
}
