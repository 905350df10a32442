package formats_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// scalars are five attributes, of five kinds.
func scalars() []slog.Attr {
	return []slog.Attr{
		slog.String("method", "GET"), slog.Int("code", 200), slog.Duration("took", 1503*time.Microsecond),
		slog.Bool("cached", false), slog.Float64("ratio", 0.875),
	}
}

// contextOfTen is the context of a service.
var contextOfTen = []slog.Attr{
	slog.String("service", "checkout"), slog.String("version", "1.42.0"), slog.String("host", "web-17"),
	slog.String("region", "eu-central-1"), slog.Int("pid", 4711), slog.Bool("canary", false),
	slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), slog.String("span_id", "00f067aa0ba902b7"),
	slog.Int64("tenant", 90210), slog.Float64("sampled", 0.25),
}

// BenchmarkAppendEvent encodes an event of five scalar attributes in each format
// and in Logflare's, which is the measure.
//
//	go test -run '^$' -bench AppendEvent -count 6 ./formats
func BenchmarkAppendEvent(b *testing.B) {
	for _, g := range append([]golden{{name: "logflare", format: slogship.Logflare()}}, goldens()...) {
		b.Run(g.name, func(b *testing.B) {
			attrs := scalars()
			dst := make([]byte, 0, 4096)
			e := new(slogship.Event)
			b.ReportAllocs()
			for b.Loop() {
				*e = slogship.Event{
					ID: "00112233445566778899aabbccddeeff0000000000000000", Time: someTime, Observed: someTime,
					Message: "request handled", Attrs: attrs,
				}
				dst = g.format.AppendEvent(dst[:0], e)
			}
		})
	}
}

// An event of scalar attributes costs no allocation, nor do groups, times, ids of a
// trace, an error or a source.
func TestAppendEventAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	attrs := append(scalars(), contextOfTen...)
	attrs = append(attrs, slog.Group("g", slog.Group("h", slog.Uint64("u", 1<<63)), slog.Time("at", someTime)),
		slog.String("http.method", "é"), failure("error", "*fs.PathError", "no such file"))
	own := make([]slog.Attr, len(attrs))
	source := []slog.Attr{slog.String("function", "main.main"), slog.String("file", "/src/main.go"), slog.Int("line", 7)}
	for _, g := range goldens() {
		dst := make([]byte, 0, 8192)
		e := new(slogship.Event)
		n := testing.AllocsPerRun(100, func() {
			copy(own, attrs) // a format may change them
			*e = slogship.Event{
				ID: "00112233445566778899aabbccddeeff0000000000000000", Time: someTime, Observed: someTime,
				Level: slog.LevelWarn, Message: "request handled", Source: source, Attrs: own,
			}
			dst = g.format.AppendEvent(dst[:0], e)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations an event", g.name, n)
		}
	}
}
