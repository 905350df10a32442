package record

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"
)

type nothing struct{}

func (nothing) Enabled(context.Context, slog.Level) bool  { return true }
func (nothing) Handle(context.Context, slog.Record) error { return nil }
func (nothing) WithAttrs([]slog.Attr) slog.Handler        { return nothing{} }
func (nothing) WithGroup(string) slog.Handler             { return nothing{} }

func logFive(l *slog.Logger) {
	l.LogAttrs(context.Background(), slog.LevelInfo, "request handled",
		slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", 1503*time.Microsecond),
		slog.Bool("cached", false), slog.Float64("ratio", 0.875))
}

func logRequest(l *slog.Logger) {
	l.LogAttrs(context.Background(), slog.LevelInfo, "request served",
		slog.String("method", "GET"), slog.String("path", "/api/v1/tenants/37/items/10911"), slog.Int("status", 200),
		slog.Float64("elapsed_ms", 12.345), slog.Int("seq", 123456))
}

func tenAttrs() []slog.Attr {
	return []slog.Attr{
		slog.String("service", "checkout"), slog.String("version", "1.42.0"), slog.String("host", "web-17"),
		slog.String("region", "eu-central-1"), slog.Int("pid", 4711), slog.Bool("canary", false),
		slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), slog.String("span_id", "00f067aa0ba902b7"),
		slog.Int64("tenant", 90210), slog.Float64("sampled", 0.25),
	}
}

// BenchmarkCapture is one call of a logger whose handler captures the record,
// beside handlers that do nothing and that write JSON.
func BenchmarkCapture(b *testing.B) {
	five := options()
	source := five
	source.AddSource = true
	replaced := five
	replaced.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr { return a }
	none := func(l *slog.Logger) { l.LogAttrs(context.Background(), slog.LevelInfo, "request handled") }
	for _, c := range []struct {
		name string
		h    slog.Handler
		log  func(*slog.Logger)
	}{
		{"five scalars", capturing{s: New(five)}, logFive},
		{"request", capturing{s: New(five)}, logRequest},
		{"no attributes", capturing{s: New(five)}, none},
		{"with ten", capturing{s: New(five)}.WithAttrs(tenAttrs()), logFive},
		{"with source", capturing{s: New(source)}, logFive},
		{"with ReplaceAttr", capturing{s: New(replaced)}, logFive},
		{"nothing", nothing{}, logFive},
		{"JSONHandler", slog.NewJSONHandler(io.Discard, nil), logFive},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := slog.New(c.h)
			b.ReportAllocs()
			for b.Loop() {
				c.log(l)
			}
		})
	}
}

// BenchmarkCaptureAlone is Capture without the logger around it.
func BenchmarkCaptureAlone(b *testing.B) {
	s := New(options())
	for name, log := range map[string]func(*slog.Logger){"five scalars": logFive, "request": logRequest} {
		b.Run(name, func(b *testing.B) {
			var r slog.Record
			log(slog.New(recordTo{&r}))
			b.ReportAllocs()
			for b.Loop() {
				s.Capture(context.Background(), &r).Free()
			}
		})
	}
}

// recordTo keeps the record that it is given.
type recordTo struct{ r *slog.Record }

func (recordTo) Enabled(context.Context, slog.Level) bool { return true }
func (h recordTo) Handle(_ context.Context, r slog.Record) error {
	*h.r = r.Clone()
	return nil
}
func (h recordTo) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h recordTo) WithGroup(string) slog.Handler      { return h }

// BenchmarkDecode is one record decoded.
func BenchmarkDecode(b *testing.B) {
	for name, log := range map[string]func(*slog.Logger){"five scalars": logFive, "request": logRequest} {
		b.Run(name, func(b *testing.B) {
			var rec []byte
			log(slog.New(capturing{New(options()), &rec}))
			d := NewDecoder(maker{})
			var r Record
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Decode(rec, &r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(rec)), "bytes")
		})
	}
}
