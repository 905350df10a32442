package formats_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// BenchmarkHandle is one record of five scalar attributes through slog.Logger,
// in each format and in Logflare's, which is the measure: no format is to take
// more than a quarter longer.
//
//	go test -run '^$' -bench Handle -count 6 ./formats
func BenchmarkHandle(b *testing.B) {
	all := append([]subject{{name: "logflare", format: slogship.Logflare()}}, subjects()...)
	for _, s := range all {
		b.Run(s.name, func(b *testing.B) {
			l := slog.New(benchHandler(b, s))
			b.ReportAllocs()
			for b.Loop() {
				logFive(l)
			}
		})
	}
}

// logFive logs five scalar attributes, of five kinds.
func logFive(l *slog.Logger) {
	l.LogAttrs(context.Background(), slog.LevelInfo, "request handled",
		slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", 1503*time.Microsecond),
		slog.Bool("cached", false), slog.Float64("ratio", 0.875))
}

// benchHandler ships to a backend that takes everything at once. What it has
// not taken at the end is given up.
func benchHandler(tb testing.TB, s subject) *slogship.Handler {
	tb.Helper()
	h := ship(tb, s.format, &backend{discard: true}, slogship.Options{})
	tb.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		h.Shutdown(ctx)
	})
	return h
}
