package slogship

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"testing"
	"time"
)

// BenchmarkSpool is a call with the disk on and off, in an outage with the ring full,
// and a record at SyncLevel. Run both in one go, several times, and compare.
func BenchmarkSpool(b *testing.B) {
	for _, c := range []struct {
		name  string
		spool SpoolOptions
	}{
		{"off", SpoolOptions{}},
		{"on", SpoolOptions{Dir: "set"}},
		{"sync", SpoolOptions{Dir: "set", SyncLevel: slog.LevelInfo}},
	} {
		b.Run(c.name, func(b *testing.B) {
			if c.spool.Dir != "" {
				c.spool.Dir = b.TempDir()
			}
			h, err := New(testEndpoint, &Options{
				Client: &http.Client{Transport: silent{}}, Spool: c.spool, FlushInterval: time.Hour, BatchRecords: math.MaxInt,
				OnError: func(error) {},
			})
			if err != nil {
				b.Fatal(err)
			}
			log := slog.New(h)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				log.Info("request served", "method", "GET", "path", "/api/orders", "status", 200, "bytes", 5120, "duration", 12*time.Millisecond)
				if n++; n%20_000 == 0 && c.name != "sync" { // a pace that the disk can follow: a ring holds 65,536
					b.StopTimer()
					time.Sleep(20 * time.Millisecond)
					b.StartTimer()
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(h.Stats().Dropped.Overflow), "lost")
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			h.Shutdown(ctx)
		})
	}
}

// silent is a backend that does not answer.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
