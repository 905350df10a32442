package slogship

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"
)

func benchRecord(log *slog.Logger) {
	log.Info("request served", "method", "GET", "path", "/api/orders", "status", 200, "bytes", 5120, "duration", 12*time.Millisecond)
}

// BenchmarkSpool is a call with the disk off and on, in an outage with the ring full. Run
// both in one go, several times, and compare pairs:
//
//	go test -run '^$' -bench 'Spool$' -count 6 .
func BenchmarkSpool(b *testing.B) {
	for _, name := range []string{"off", "on"} {
		b.Run(name, func(b *testing.B) {
			o := Options{FlushInterval: time.Hour, BatchRecords: math.MaxInt}
			if name == "on" {
				o.Spool.Dir = b.TempDir()
			}
			h := shipTo(b, hanging, o)
			log := slog.New(h)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				benchRecord(log)
				if n++; n%20_000 == 0 { // a pace that the disk can follow: a ring holds 65,536
					b.StopTimer()
					time.Sleep(20 * time.Millisecond)
					b.StartTimer()
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(h.Stats().Dropped.Overflow), "lost")
		})
	}
}

// BenchmarkSpoolSync is a record at SyncLevel: until write(2) has returned. TMPDIR says on
// which file system.
func BenchmarkSpoolSync(b *testing.B) {
	h := shipTo(b, hanging, Options{
		FlushInterval: time.Hour, BatchRecords: math.MaxInt, Spool: SpoolOptions{Dir: b.TempDir(), SyncLevel: slog.LevelInfo},
	})
	log := slog.New(h)
	took := make([]time.Duration, 0, 1<<20)
	for b.Loop() {
		began := time.Now()
		benchRecord(log)
		if len(took) < cap(took) {
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
	b.ReportMetric(float64(h.Stats().SyncMissed), "missed")
}

// BenchmarkSpoolDelivered is how many records a second a healthy backend gets, with the
// disk off and on.
func BenchmarkSpoolDelivered(b *testing.B) {
	for _, name := range []string{"off", "on"} {
		b.Run(name, func(b *testing.B) {
			var o Options
			if name == "on" {
				o.Spool.Dir = b.TempDir()
			}
			h := shipTo(b, func(r *http.Request) (*http.Response, error) {
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return nil, err
				}
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
			}, o)
			log := slog.New(h)
			const burst = 30_000
			for b.Loop() {
				for range burst {
					benchRecord(log)
				}
				if err := h.Flush(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			s := h.Stats()
			b.ReportMetric(float64(s.Delivered)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(100*float64(s.Written)/float64(s.Delivered), "%written")
		})
	}
}
