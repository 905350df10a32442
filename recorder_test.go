package slogship

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"
)

// sayAt logs at a level.
func sayAt(ctx context.Context, h slog.Handler, level slog.Level, messages ...string) {
	for _, m := range messages {
		slog.New(h).Log(ctx, level, m)
	}
}

// flushed is what the backend has after a Flush.
func (tr *trial) flushed() []string {
	tr.t.Helper()
	if err := tr.Flush(tr.t.Context()); err != nil {
		tr.t.Fatal(err)
	}
	return tr.acknowledged()
}

// What was recorded comes right before the record that triggers it, oldest first,
// once; what the Handler's level lets through does not wait. Only what is shipped is
// in the books.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		tr := start(t, always(status(200)), Options{})
		r := NewRecorder(tr.Handler, nil)
		sayAt(ctx, r, slog.LevelDebug, "d1", "d2")
		sayAt(ctx, r, slog.LevelInfo, "i1")
		sayAt(ctx, r, slog.LevelDebug, "d3")
		sayAt(ctx, r, slog.LevelDebug-1, "too low")
		if s := tr.Stats(); s.Accepted != 1 || s.Recorded != 3 {
			t.Fatalf("accepted %d, recorded %d, want 1 and 3", s.Accepted, s.Recorded)
		}
		if got := tr.flushed(); !slices.Equal(got, []string{"i1"}) {
			t.Fatalf("%q before the trigger", got)
		}
		sayAt(ctx, r, slog.LevelError, "e1", "e2")
		sayAt(ctx, r, slog.LevelDebug, "d4")
		sayAt(ctx, r, slog.LevelError+1, "e3")
		want := strings.Fields("i1 d1 d2 d3 e1 e2 d4 e3")
		if got := tr.flushed(); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
		if s := tr.Stats(); s.Accepted != 8 || s.Recorded != 4 {
			t.Errorf("accepted %d, recorded %d, want 8 and 4", s.Accepted, s.Recorded)
		}
	})
}

// What was recorded keeps its time, is marked at the root, and has the attributes and
// groups of its logger. A user's attribute of the mark's name has another one.
func TestRecordedAttributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{})
		log := slog.New(NewRecorder(tr.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").(*Handler), nil))
		began := time.Now()
		log.With("b", 2).WithGroup("h").Debug("d", "c", 3)
		time.Sleep(time.Hour)
		log.Error("e", "_recorded", "in a group")
		slog.New(NewRecorder(tr.Handler, nil)).Error("f", "_recorded", "at the root")
		tr.flushed()
		var events []map[string]any
		for _, r := range tr.got() {
			var body struct{ Batch []map[string]any }
			if err := json.Unmarshal(r.body, &body); err != nil {
				t.Fatal(err)
			}
			events = append(events, body.Batch...)
		}
		for i, want := range []string{
			`{"_recorded":true,"a":1,"g":{"b":2,"h":{"c":3}}}`,
			`{"a":1,"g":{"_recorded":"in a group"}}`,
			`{"_recorded_":"at the root"}`,
		} {
			at := began
			if i > 0 {
				at = began.Add(time.Hour)
			}
			if got := events[i]["timestamp"]; got != at.UTC().Format("2006-01-02T15:04:05.000000Z") {
				t.Errorf("%v was logged at %v, want %v", events[i]["message"], got, at)
			}
			metadata, _ := json.Marshal(events[i]["metadata"])
			var got, wanted map[string]any
			json.Unmarshal(metadata, &got)
			json.Unmarshal([]byte(want), &wanted)
			delete(got, "level")
			if fmt.Sprint(got) != fmt.Sprint(wanted) {
				t.Errorf("%v has %v, want %v", events[i]["message"], got, wanted)
			}
		}
	})
}

// A recorder keeps the rules of a slog.Handler, for what waits in its ring, too.
func TestRecorderKeepsSlogsRules(t *testing.T) {
	for level, recorded := range map[slog.Level]int64{slog.LevelInfo: 0, slog.LevelError: 1} {
		var tr *trial
		var r slog.Handler
		slogtest.Run(t, func(t *testing.T) slog.Handler {
			tr = start(t, always(status(200)), Options{Level: level, FlushInterval: time.Hour})
			r = NewRecorder(tr.Handler, nil)
			return r
		}, func(t *testing.T) map[string]any {
			if s := tr.Stats(); s.Accepted != 1-recorded || s.Recorded != recorded {
				t.Fatalf("accepted %d, recorded %d", s.Accepted, s.Recorded)
			}
			sayAt(t.Context(), r, slog.LevelError, "trigger")
			return tr.firstRecord(t)
		})
	}
}

// A ring holds the last MaxRecords, within MaxBytes, whatever their lengths.
func TestRecorderBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		for _, o := range []RecorderOptions{
			{MaxRecords: 1},
			{MaxRecords: 7},
			{MaxBytes: 200},
			{MaxBytes: 5000},
			{MaxRecords: 100, MaxBytes: 9000},
			{MaxRecords: -1, MaxBytes: -1},
		} {
			tr := start(t, always(status(200)), Options{})
			r := NewRecorder(tr.Handler, &o).(*recorder)
			if o.MaxRecords <= 0 {
				o.MaxRecords = 1000
			}
			if o.MaxBytes <= 0 {
				o.MaxBytes = 256 << 10
			}
			var kept []string // a plain slice, beside the ring
			// The head, the length and the message, when it was logged (because the fake
			// clock has no monotonic reading), and the record's length.
			size := func(m string) int { return 24 + 1 + min(len(m)/0x80, 1) + len(m) + 12 + 4 }
			random := rand.New(rand.NewPCG(1, 2))
			for i := range 3000 {
				m := strconv.Itoa(i) + strings.Repeat("x", random.IntN(150))
				sayAt(ctx, r, slog.LevelDebug, m)
				if size(m) <= o.MaxBytes {
					kept = append(kept, m)
				}
				used := 0
				for _, m := range kept {
					used += size(m)
				}
				for used > o.MaxBytes || len(kept) > o.MaxRecords {
					used -= size(kept[0])
					kept = kept[1:]
				}
				if ring := &r.f.ring; ring.used != used || ring.records != len(kept) || len(ring.buf) > o.MaxBytes {
					t.Fatalf("%+v: %d records, %d of %d bytes; want %d, %d", o, ring.records, ring.used, len(ring.buf), len(kept), used)
				}
				if random.IntN(500) == 0 || i == 2999 {
					before := len(tr.acknowledged())
					sayAt(ctx, r, slog.LevelError, "e")
					if got, want := tr.flushed()[before:], slices.Concat(kept, []string{"e"}); !slices.Equal(got, want) {
						t.Fatalf("%+v: shipped %q, want %q", o, got, want)
					}
					kept = nil
				}
			}
		}
	})
}

// A record that just fits takes all of the ring. A longer one is not recorded, nor
// counted, and the rest stays.
func TestRecorderLeavesOutWhatIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const around = 24 + 2 + 12 + 4 // see TestRecorderBounds
		long := strings.Repeat("x", 20_000)
		tr := start(t, always(status(200)), Options{})
		r := NewRecorder(tr.Handler, &RecorderOptions{MaxBytes: around + 1 + len(long)})
		sayAt(t.Context(), r, slog.LevelDebug, "d", long, long+"x")
		sayAt(t.Context(), r, slog.LevelError, "e")
		if got := tr.flushed(); !slices.Equal(got, []string{long, "e"}) || tr.Stats().Recorded != 2 {
			t.Errorf("%.20q, recorded %d", got, tr.Stats().Recorded)
		}
	})
}

// Levels may change at any time. What triggers is shipped even below the Handler's
// level, and what the Handler ships anyway is not recorded.
func TestRecorderLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		var level, least, trigger slog.LevelVar
		level.Set(slog.LevelError)
		least.Set(slog.LevelInfo)
		trigger.Set(slog.LevelWarn)
		tr := start(t, always(status(200)), Options{Level: &level})
		r := NewRecorder(tr.Handler, &RecorderOptions{Level: &least, Trigger: &trigger})
		for l, want := range map[slog.Level]bool{slog.LevelDebug: false, slog.LevelInfo: true, slog.LevelWarn: true, slog.LevelError: true} {
			if got := r.Enabled(ctx, l); got != want {
				t.Errorf("Enabled(%v) is %v", l, got)
			}
		}
		r.Handle(ctx, slog.NewRecord(time.Now(), slog.LevelDebug, "unasked", 0))
		sayAt(ctx, r, slog.LevelInfo, "i")
		sayAt(ctx, r, slog.LevelWarn, "w")
		least.Set(slog.LevelError)
		trigger.Set(slog.LevelWarn)
		if !r.Enabled(ctx, slog.LevelWarn) {
			t.Error("what triggers is enabled")
		}
		level.Set(slog.LevelDebug)
		trigger.Set(slog.LevelError)
		sayAt(ctx, r, slog.LevelDebug, "d")
		if got := tr.flushed(); !slices.Equal(got, []string{"i", "w", "d"}) || tr.Stats().Recorded != 1 {
			t.Errorf("%q, recorded %d", got, tr.Stats().Recorded)
		}
	})
}

// Each context of Record has a ring of its own, for each recorder; the innermost
// counts. The process's ring is left alone.
func TestRecordKeepsRequestsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{})
		r := NewRecorder(tr.Handler, nil)
		other := start(t, always(status(200)), Options{})
		o := NewRecorder(other.Handler, nil)
		one, two := Record(t.Context()), Record(t.Context())
		inner := Record(one)
		debug, fail := slog.LevelDebug, slog.LevelError
		sayAt(t.Context(), r, debug, "process")
		for i := range 2 {
			sayAt(one, r, debug, fmt.Sprint("one", i))
			sayAt(one, o, debug, fmt.Sprint("other", i))
			sayAt(two, r.WithGroup("g"), debug, fmt.Sprint("two", i))
			sayAt(inner, r, debug, fmt.Sprint("inner", i))
		}
		sayAt(two, r, fail, "e2")
		sayAt(two, r, fail, "e2 again")
		sayAt(inner, r, fail, "e3")
		sayAt(one, r, fail, "e1")
		sayAt(one, o, fail, "eo")
		//nolint:staticcheck // a nil context is what a handler may be given
		r.Handle(nil, slog.NewRecord(time.Now(), fail, "e", 0))
		want := []string{"two0", "two1", "e2", "e2 again", "inner0", "inner1", "e3", "one0", "one1", "e1", "process", "e"}
		if got := tr.flushed(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if got := other.flushed(); !slices.Equal(got, []string{"other0", "other1", "eo"}) {
			t.Errorf("the other recorder shipped %q", got)
		}
	})
}

// From many goroutines: no record is shipped twice, and what a goroutine recorded is
// shipped before its own trigger.
func TestRecorderConcurrently(t *testing.T) {
	const goroutines, rounds, records = 8, 50, 5
	for _, c := range []struct{ name, first, each string }{
		{"the process's ring", "", ""}, {"one request", "Record", ""}, {"a request each", "", "Record"},
	} {
		var mu sync.Mutex
		var got []string
		tr := startTaking(t, func(messages []string) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, messages...)
		})
		r := NewRecorder(tr, &RecorderOptions{MaxRecords: 1 << 20, MaxBytes: 1 << 30})
		shared := t.Context()
		if c.first != "" {
			shared = Record(shared)
		}
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				for round := range rounds {
					ctx := shared
					if c.each != "" {
						ctx = Record(ctx)
					}
					for i := range records {
						sayAt(ctx, r, slog.LevelDebug, fmt.Sprint(g, " ", round, " ", i))
					}
					sayAt(ctx, r, slog.LevelError, fmt.Sprint(g, " ", round, " ", records))
				}
			})
		}
		wg.Wait()
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		next := map[string]int{}
		for _, m := range got {
			var g, round, i int
			fmt.Sscan(m, &g, &round, &i)
			if n := next[strconv.Itoa(g)]; n != round*(records+1)+i {
				t.Fatalf("%s: %q comes after %d records of its goroutine", c.name, m, n)
			}
			next[strconv.Itoa(g)]++
		}
		if want := goroutines * rounds * (records + 1); len(got) != want {
			t.Errorf("%s: %d records, want %d", c.name, len(got), want)
		}
	}
}

// Shutdown does not wait for what is recorded. Afterwards nothing is recorded, and a
// trigger is counted as any late record, without what the ring still has.
func TestRecorderAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{})
		r := NewRecorder(tr.Handler, nil)
		sayAt(t.Context(), r, slog.LevelDebug, "d1")
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		sayAt(t.Context(), r, slog.LevelDebug, "d2")
		sayAt(t.Context(), r, slog.LevelError, "e")
		s := tr.Stats()
		if s.Recorded != 1 || s.Accepted != 1 || s.Dropped != (Dropped{Closed: 1}) {
			t.Errorf("recorded %d, accepted %d, dropped %v", s.Recorded, s.Accepted, s.Dropped)
		}
		if ring := &r.(*recorder).f.ring; ring.records != 0 {
			t.Errorf("%d records in the ring", ring.records)
		}
	})
}

// Under the context of slogship's requests nothing is recorded or shipped, and what
// net/http says about connections is not kept: it may quote secrets.
func TestRecorderDoesNotRecordSlogship(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const line = "Unsolicited response received on idle HTTP channel starting with \"x\"; err=<nil>"
		tr := start(t, always(status(200)), Options{Level: slog.LevelWarn})
		r := NewRecorder(tr.Handler, nil)
		sending := context.WithValue(t.Context(), sendingKey{}, true)
		if r.Enabled(sending, slog.LevelDebug) || r.Enabled(sending, slog.LevelError) {
			t.Error("enabled under the context of slogship's requests")
		}
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelError} {
			r.Handle(sending, slog.NewRecord(time.Now(), level, "own", 0))
		}
		sayAt(t.Context(), r, slog.LevelDebug, line)
		if s := tr.Stats(); s.Accepted+s.Recorded != 0 {
			t.Fatalf("accepted %d, recorded %d", s.Accepted, s.Recorded)
		}
		sayAt(t.Context(), r, slog.LevelDebug, "d")
		sayAt(t.Context(), r, slog.LevelError, line, line) // once a minute, and no trigger
		if s := tr.Stats(); s.Accepted != 1 || s.Recorded != 1 {
			t.Errorf("accepted %d, recorded %d", s.Accepted, s.Recorded)
		}
	})
}

// A trigger at FlushLevel does not wait for the interval.
func TestRecorderFlushLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{FlushLevel: slog.LevelError, FlushInterval: time.Hour})
		r := NewRecorder(tr.Handler, nil)
		sayAt(t.Context(), r, slog.LevelDebug, "d")
		sayAt(t.Context(), r, slog.LevelError, "e")
		synctest.Wait()
		tr.wantTaken("d", "e")
	})
}

// A LogValuer may log an error while a record is captured, at whatever level.
func TestRecorderLogsWhileItCaptures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{})
		r := NewRecorder(tr.Handler, nil)
		v := loggingValuer(func() { sayAt(t.Context(), r, slog.LevelError, "inner") })
		slog.New(r).Debug("d", "v", v)
		slog.New(r).Error("e", "v", v)
		if got := tr.flushed(); !slices.Equal(got, []string{"inner", "inner", "e"}) && !slices.Equal(got, []string{"inner", "d", "inner", "e"}) {
			t.Errorf("%q", got)
		}
	})
}

type loggingValuer func()

func (f loggingValuer) LogValue() slog.Value {
	f()
	return slog.StringValue("")
}

// What is recorded costs no allocation once the ring has grown, in the process's ring
// and in a request's.
func TestRecorderAllocs(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	h := shipTo(t, healthy, Options{})
	log := slog.New(NewRecorder(h, nil))
	for name, ctx := range map[string]context.Context{"process": t.Context(), "request": Record(t.Context())} {
		for range 2000 {
			debugFive(ctx, log)
		}
		if n := testing.AllocsPerRun(1000, func() { debugFive(ctx, log) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// debugFive is logFive at DEBUG.
func debugFive(ctx context.Context, l *slog.Logger) {
	l.LogAttrs(ctx, slog.LevelDebug, "request handled",
		slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", 1503*time.Microsecond),
		slog.Bool("cached", false), slog.Float64("ratio", 0.875))
}

// BenchmarkRecorder is a call of a logger at DEBUG that a recorder keeps, beside one
// that a Handler ships, and one that is not enabled.
func BenchmarkRecorder(b *testing.B) {
	o := Options{Compression: None}
	debug := Options{Compression: None, Level: slog.LevelDebug}
	for _, c := range []struct {
		name    string
		handler func(*testing.B) slog.Handler
		ctx     func() context.Context
	}{
		{"recorded", func(b *testing.B) slog.Handler { return NewRecorder(shipTo(b, healthy, o), nil) }, context.Background},
		{
			"recorded in a request", func(b *testing.B) slog.Handler { return NewRecorder(shipTo(b, healthy, o), nil) },
			func() context.Context { return Record(context.Background()) },
		},
		{"shipped", func(b *testing.B) slog.Handler { return shipTo(b, healthy, debug) }, context.Background},
		{"disabled", func(b *testing.B) slog.Handler { return shipTo(b, healthy, o) }, context.Background},
		{"handler that does nothing", func(*testing.B) slog.Handler { return discard{} }, context.Background},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, ctx := slog.New(c.handler(b)), c.ctx()
			b.ReportAllocs()
			for b.Loop() {
				debugFive(ctx, l)
			}
		})
	}
}

// startTaking returns a Handler whose backend hands over the messages that it takes,
// in real time.
func startTaking(t *testing.T, take func(messages []string)) *Handler {
	t.Helper()
	return shipTo(t, func(r *http.Request) (*http.Response, error) {
		take(readRequest(t, r).messages)
		return healthy(r)
	}, Options{})
}

// With OnFull: Block what a recorder ships waits for room, as any record does.
func TestRecorderWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{MaxPending: 4, BatchRecords: 2, OnFull: Block})
		log := slog.New(NewRecorder(tr.Handler, &RecorderOptions{Level: slog.LevelDebug}))
		var want []string
		for i := range 9 {
			want = append(want, fmt.Sprint("kept ", i))
			log.Debug(want[i])
		}
		log.Error("trigger")
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		tr.wantTaken(append(want, "trigger")...)
	})
}
