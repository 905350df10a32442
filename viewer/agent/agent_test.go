package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// recorder keeps what it is given.
type recorder struct {
	level  slog.Level
	handle func(ctx context.Context) error // nil: nothing more

	mu      sync.Mutex
	records []slog.Record
}

func (r *recorder) Enabled(_ context.Context, l slog.Level) bool { return l >= r.level }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler           { return r }
func (r *recorder) WithGroup(string) slog.Handler                { return r }
func (r *recorder) Handle(ctx context.Context, rec slog.Record) error {
	r.mu.Lock()
	r.records = append(r.records, rec)
	r.mu.Unlock()
	if r.handle != nil {
		return r.handle(ctx)
	}
	return nil
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.records)
}

// A report comes every interval, and a last one at Stop; after Stop none does.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &recorder{}
		a := Start(h, nil)
		time.Sleep(17 * time.Second)
		synctest.Wait()
		if n := h.count(); n != 3 {
			t.Errorf("%d reports in 17 s, want 3", n)
		}
		a.Stop()
		a.Stop()
		if n := h.count(); n != 4 {
			t.Errorf("%d reports after Stop, want 4", n)
		}
		time.Sleep(time.Minute)
		if n := h.count(); n != 4 {
			t.Errorf("%d reports a minute after Stop", n)
		}
	})
}

// A report says what the process did in the interval.
func TestReport(t *testing.T) {
	var b bytes.Buffer
	a := Start(slog.NewJSONHandler(&b, nil), &Options{Interval: time.Hour})
	garbage := 0
	for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
		sink = make([]byte, 1<<16)
		garbage += len(sink)
	}
	runtime.GC()
	a.Stop()
	var r struct {
		Msg     string
		Level   string
		Process struct {
			Run                            string
			CPU                            float64
			CPUs, Memory, Heap, Goroutines int64
			Allocated, GCs                 int64
			PauseNS                        int64 `json:"pause_ns"`
			IntervalMS                     int64 `json:"interval_ms"`
		}
	}
	if err := json.Unmarshal(b.Bytes(), &r); err != nil {
		t.Fatal(err, b.String())
	}
	p := r.Process
	if r.Msg != Message || r.Level != "INFO" || len(p.Run) < 20 || p.CPUs != int64(runtime.GOMAXPROCS(0)) || p.IntervalMS < 20 {
		t.Errorf("the report is %s", &b)
	}
	if p.CPU <= 0 || p.CPU > 1000 || p.Memory < p.Heap || p.Heap <= 0 || p.Goroutines < 2 || p.Allocated < int64(garbage)/2 || p.GCs < 1 || p.PauseNS <= 0 {
		t.Errorf("the numbers are %+v, %d bytes were allocated", p, garbage)
	}
}

// Numbers are of the interval, not of the process's life.
func TestDifferences(t *testing.T) {
	s := newSampler()
	sink = make([]byte, 8<<20)
	runtime.GC()
	now := time.Now()
	if p := s.sample(now); p.allocated < 8<<20 || p.gcs == 0 || p.pause == 0 {
		t.Errorf("after garbage: %+v", p)
	}
	if p := s.sample(now.Add(time.Second)); p.allocated >= 8<<20 || p.gcs > 1 || p.gcs == 0 && p.pause != 0 || p.interval != time.Second {
		t.Errorf("after nothing: %+v", p)
	}
}

var sink []byte

// A handler that is not enabled, panics, or is missing, harms nobody.
func TestHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := &recorder{level: slog.LevelError}
		a := Start(quiet, nil)
		time.Sleep(time.Minute)
		a.Stop()
		if quiet.count() != 0 {
			t.Error("a handler for errors got a report")
		}
		loud := Start(quiet, &Options{Level: slog.LevelError})
		loud.Stop()
		Start(nil, nil).Stop()

		angry := &recorder{handle: func(context.Context) error { panic("no") }}
		a = Start(angry, nil)
		time.Sleep(time.Minute)
		a.Stop()
		if n := angry.count(); n != 1 {
			t.Errorf("a handler that panics got %d reports", n)
		}
	})
}

// Stop returns although the handler hangs, and tells it by its context.
func TestHangingHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var told atomic.Bool
		h := &recorder{handle: func(ctx context.Context) error {
			<-ctx.Done() // the last report's is done after a second
			told.Store(true)
			<-free
			return nil
		}}
		a := Start(h, nil)
		time.Sleep(6 * time.Second)
		start := time.Now()
		a.Stop()
		if waited := time.Since(start); waited != stopWait || !told.Load() {
			t.Errorf("Stop waited %s, told %t", waited, told.Load())
		}
		close(free)
		<-a.done
	})
}

// An interval below a second is a second.
func TestShortInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &recorder{}
		a := Start(h, &Options{Interval: time.Millisecond})
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		if n := h.count(); n != 10 {
			t.Errorf("%d reports in 10 s", n)
		}
		a.Stop()
	})
}

func BenchmarkReport(b *testing.B) {
	s := newSampler()
	a := &Agent{h: enabled{}, run: "x"}
	b.ReportAllocs()
	for b.Loop() {
		a.report(context.Background(), s)
	}
}

// enabled takes every record and does nothing.
type enabled struct{}

func (enabled) Enabled(context.Context, slog.Level) bool  { return true }
func (enabled) Handle(context.Context, slog.Record) error { return nil }
func (e enabled) WithAttrs([]slog.Attr) slog.Handler      { return e }
func (e enabled) WithGroup(string) slog.Handler           { return e }
