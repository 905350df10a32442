package formats_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
)

// unbounded are Options that would have all in one request.
func unbounded() slogship.Options {
	return slogship.Options{
		MaxPending: 1 << 20, MaxPendingBytes: 256 << 20, MaxRecordBytes: 64 << 20,
		BatchRecords: 1 << 20, BatchBytes: 128 << 20, FlushInterval: time.Hour,
	}
}

// Nothing that Options allow makes a request longer than the backend takes, and
// nothing is lost by that.
func TestRequestLimits(t *testing.T) {
	for _, s := range subjects() {
		l := s.format.Layout()
		records := 20
		if l.MaxRecords > 0 && l.MaxRecords <= 10_000 { // a limit of a million is for TestDocumentedLimits
			records = 5 * l.MaxRecords / 2
		}
		if l.MaxRecordBytes > 0 {
			records = max(records, 5*l.MaxBytes/l.MaxRecordBytes) // none of them is to be cut
		}
		long := strings.Repeat("x", 5*l.MaxBytes/(2*records)+1)
		t.Run(s.name, func(t *testing.T) {
			var b backend
			h := ship(t, s.format, &b, unbounded())
			for range records {
				h.Handle(context.Background(), record(slog.LevelInfo, "limited"+long))
			}
			h.Close()
			if got := h.Stats(); got.Delivered != int64(records) {
				t.Errorf("%+v, want all %d delivered", got, records)
			}
			requests := b.got()
			if (l.MaxBytes > 0 || l.MaxRecords > 0 && l.MaxRecords < records) && len(requests) < 3 {
				t.Errorf("%d requests, want 3 for two and a half times the limit", len(requests))
			}
			for i, r := range requests {
				if n := strings.Count(r.body, "limited"); l.MaxRecords > 0 && n > l.MaxRecords {
					t.Errorf("request %d has %d records, want at most %d", i, n, l.MaxRecords)
				}
				if l.MaxBytes > 0 && len(r.body) > l.MaxBytes {
					t.Errorf("request %d has %d bytes, want at most %d", i, len(r.body), l.MaxBytes)
				}
			}
		})
	}
}

// Nor does it make a record longer: it is cut.
func TestRecordLimits(t *testing.T) {
	for _, s := range subjects() {
		l := s.format.Layout()
		if l.MaxRecordBytes == 0 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			var b backend
			h := ship(t, s.format, &b, unbounded())
			h.Handle(context.Background(), record(slog.LevelInfo, "m", slog.String("long", strings.Repeat("x", 2*l.MaxRecordBytes))))
			h.Close()
			if got := h.Stats(); got.Delivered != 1 || got.Cut != 1 {
				t.Fatalf("%+v, want one cut and delivered", got)
			}
			if got := len(b.got()[0].body) - len(l.Head) - len(l.Tail); got > l.MaxRecordBytes || got < l.MaxRecordBytes*9/10 {
				t.Errorf("the record has %d bytes, want nearly %d", got, l.MaxRecordBytes)
			}
		})
	}
}

// The limits are those that the backends document.
func TestDocumentedLimits(t *testing.T) {
	type limits struct{ records, bytes, recordBytes int }
	want := map[string]limits{
		"betterstack": {0, 10 << 20, 10 << 20}, "newrelic": {0, 1_000_000, 0}, "honeycomb": {0, 5_000_000, 1_000_000},
		"axiom": {10_000, 0, 1_000_000}, "victorialogs": {0, 0, 256 << 10}, "clickhouse": {1_000_000, 0, 0},
		"clickhouse_spread": {1_000_000, 0, 0}, "seq": {0, 10 << 20, 256 << 10}, "elasticsearch": {0, 10 << 20, 0},
		"elasticsearch_stream": {0, 10 << 20, 0}, "splunk": {0, 1_000_000, 0}, "datadog": {1_000, 5_000_000, 1_000_000},
	}
	for _, s := range subjects() {
		l := s.format.Layout()
		if got := (limits{l.MaxRecords, l.MaxBytes, l.MaxRecordBytes}); got != want[s.name] {
			t.Errorf("%s: limits are %v, want %v", s.name, got, want[s.name])
		}
	}
}

// A record that is too long is cut and stays what the format writes: whatever it
// is that makes it long, and however much longer the format makes that.
func TestCutRecords(t *testing.T) {
	const most = 2000
	for _, c := range []struct {
		name  string
		r     slog.Record
		whole bool // all attributes are still there
	}{
		{"message", record(slog.LevelInfo, strings.Repeat("m", 5000), slog.String("a", "b")), true},
		{"attribute", record(slog.LevelInfo, "m", slog.String("long", strings.Repeat("é", 5000)), slog.String("a", "b")), true},
		{"quotes", record(slog.LevelInfo, "m", slog.String("long", strings.Repeat(`{"a\":`, 5000)), slog.String("a", "b")), true},
		{"group", record(slog.LevelInfo, "m", slog.Group("g", slog.String("long", strings.Repeat("x", 5000)), slog.String("a", "b"))), true},
		{"many", record(slog.LevelInfo, "m", slog.Any("many", make(map[string]int)), slog.Any("long", strings.Split(strings.Repeat("x,", 5000), ","))), false},
		{"ids", record(slog.LevelInfo, strings.Repeat("m", 5000), slog.String("trace_id", strings.Repeat("a", 32)), slog.String("err", "e")), true},
	} {
		for _, s := range subjects() {
			t.Run(c.name+"/"+s.name, func(t *testing.T) {
				var b backend
				h := ship(t, s.format, &b, slogship.Options{MaxRecordBytes: most})
				h.Handle(context.Background(), c.r)
				h.Close()
				if got := h.Stats(); got.Cut != 1 || got.Delivered != 1 {
					t.Fatalf("%+v, want one record cut and delivered", got)
				}
				body := b.got()[0].body
				if l := s.format.Layout(); len(body) > most+len(l.Head)+len(l.Tail) {
					t.Errorf("%d bytes, want at most %d", len(body), most)
				}
				attrs := s.attrs(t, s.events(t, body)[0])
				if attrs["_cut"] != true {
					t.Errorf("%v has no mark", attrs)
				}
				if a, ok := attrs["a"]; c.whole && ok && a != "b" {
					t.Errorf("a is %v", a)
				}
			})
		}
	}
}

// Records that are logged at once, over a change of day, do not meet in what a
// format keeps between them.
func TestConcurrentRecords(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			var b backend
			h := ship(t, s.format, &b, slogship.Options{FlushInterval: time.Hour})
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					for i := range 50 {
						r := slog.NewRecord(someTime.Add(time.Duration(i-g)*6*time.Hour), slog.LevelInfo, "m", 0)
						r.AddAttrs(slog.Int("g", g), slog.String("@i", "x"), slog.String("trace_id", "y"))
						h.Handle(context.Background(), r)
					}
				})
			}
			wg.Wait()
			h.Close()
			seen := map[any]int{}
			for _, e := range s.events(t, b.got()[0].body) {
				seen[s.attrs(t, e)["g"]]++
			}
			for g, n := range seen {
				if n != 50 {
					t.Errorf("%d records of goroutine %v, want 50", n, g)
				}
			}
			if len(seen) != 8 {
				t.Errorf("records of %d goroutines, want 8", len(seen))
			}
		})
	}
}

// An event's id and bytes are the same however often it is sent.
func TestSentAgain(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{answer: func(n int, r request) response {
					if n == 0 {
						return response{status: 503}
					}
					return response{status: 200}
				}}
				h := ship(t, s.format, b, slogship.Options{})
				for _, r := range goldenRecords() {
					h.Handle(context.Background(), r)
				}
				time.Sleep(time.Minute)
				h.Close()
				requests := b.got()
				if len(requests) != 2 || requests[0].body != requests[1].body {
					t.Errorf("%d requests, want two that are the same", len(requests))
				}
			})
		})
	}
}
