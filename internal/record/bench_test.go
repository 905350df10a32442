package record

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"
)

type made struct{}

func (made) JSON(text string) any                      { return &text }
func (made) Bytes(data []byte) any                     { return &data }
func (made) Error(text, _ string, _ []slog.Source) any { return &text }

// capturing is the least of a handler that captures: what Handle spends, but
// for the books of the ring.
type capturing struct {
	s *State
}

func (capturing) Enabled(context.Context, slog.Level) bool { return true }
func (h capturing) Handle(ctx context.Context, r slog.Record) error {
	h.s.Capture(ctx, &r).Free()
	return nil
}
func (h capturing) WithAttrs(attrs []slog.Attr) slog.Handler { return capturing{h.s.WithAttrs(attrs)} }
func (h capturing) WithGroup(name string) slog.Handler       { return capturing{h.s.WithGroup(name)} }

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
	five := Options{MaxRecordBytes: 256 << 10}
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
		{"five scalars", capturing{New(five)}, logFive},
		{"request", capturing{New(five)}, logRequest},
		{"no attributes", capturing{New(five)}, none},
		{"with ten", capturing{New(five)}.WithAttrs(tenAttrs()), logFive},
		{"with source", capturing{New(source)}, logFive},
		{"with ReplaceAttr", capturing{New(replaced)}, logFive},
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

// keeping keeps a copy of what it captured last.
type keeping struct {
	capturing
	kept *[]byte
}

func (h keeping) Handle(ctx context.Context, r slog.Record) error {
	c := h.s.Capture(ctx, &r)
	*h.kept = append((*h.kept)[:0], c.Bytes...)
	c.Free()
	return nil
}

// BenchmarkDecode is one record decoded.
func BenchmarkDecode(b *testing.B) {
	for name, log := range map[string]func(*slog.Logger){"five scalars": logFive, "request": logRequest} {
		b.Run(name, func(b *testing.B) {
			var rec []byte
			log(slog.New(keeping{capturing{New(Options{MaxRecordBytes: 256 << 10})}, &rec}))
			d := NewDecoder(made{})
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
