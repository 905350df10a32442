package formats_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// encoded are the formats that do not write attributes as a JSON object.
var encoded = []struct {
	name   string
	format slogship.Format
}{
	{"loki", formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": "checkout"}})},
	{"loki_streams", formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": "checkout"}, LevelLabel: "level", LabelAttrs: []string{"method"}})},
	{"otlp_protobuf", formats.OTLP(formats.OTLPOptions{})},
	{"otlp_json", formats.OTLP(formats.OTLPOptions{Encoding: formats.OTLPJSON})},
}

// contextOfTen is the context of a service, given once by WithAttrs.
var contextOfTen = []slog.Attr{
	slog.String("service", "checkout"), slog.String("version", "1.42.0"), slog.String("host", "web-17"),
	slog.String("region", "eu-central-1"), slog.Int("pid", 4711), slog.Bool("canary", false),
	slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), slog.String("span_id", "00f067aa0ba902b7"),
	slog.Int64("tenant", 90210), slog.Float64("sampled", 0.25),
}

// logScalars logs the record that all comparisons are about.
func logScalars(l *slog.Logger) {
	l.LogAttrs(context.Background(), slog.LevelInfo, "request handled",
		slog.String("method", "GET"), slog.Int("code", 200), slog.Duration("took", 1503*time.Microsecond),
		slog.Bool("cached", false), slog.Float64("ratio", 0.875))
}

// BenchmarkEncoded is one call of a logger, as BenchmarkHandle has it, with
// Logflare's format as the measure: OTLP in protobuf is not to take longer.
//
//	go test -run '^$' -bench Encoded -count 6 ./formats
func BenchmarkEncoded(b *testing.B) {
	for _, f := range append(slices.Clip(encoded), struct {
		name   string
		format slogship.Format
	}{"logflare", slogship.Logflare()}) {
		for name, with := range map[string][]slog.Attr{"": nil, "/with a context of 10 attrs": contextOfTen} {
			b.Run(f.name+name, func(b *testing.B) {
				l := slog.New(benchHandler(b, subject{format: f.format}).WithAttrs(with))
				b.ReportAllocs()
				for b.Loop() {
					logScalars(l)
				}
			})
		}
	}
}

// A record of scalar attributes allocates nothing, however it comes by them.
func TestEncodedScalarsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, f := range encoded {
		t.Run(f.name, func(t *testing.T) {
			for name, o := range map[string]slogship.Options{
				"plain":       {},
				"AddSource":   {AddSource: true},
				"ReplaceAttr": {ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }},
			} {
				o.FlushInterval = time.Hour
				h := ship(t, f.format, &backend{discard: true}, o)
				t.Cleanup(func() { h.Close() })
				for _, l := range []*slog.Logger{
					slog.New(h), slog.New(h.WithAttrs(contextOfTen)), slog.New(h.WithGroup("g").WithAttrs(contextOfTen[:5])),
				} {
					log := func() {
						logScalars(l)
						l.LogAttrs(context.Background(), slog.LevelWarn, "more",
							slog.Uint64("u", 1<<63), slog.String("http.method", "POST"), slog.String("with space", "é"),
							slog.String("span_id", "00f067aa0ba902b7"), slog.Time("at", someTime))
					}
					for range 100 {
						log() // buffers grow, blocks are made
					}
					// The average is rounded down: a block now and then is not a record's.
					if n := testing.AllocsPerRun(200, log); n != 0 {
						t.Errorf("%s: %v allocations for two records", name, n)
					}
				}
			}
		})
	}
}

// Handlers that share all there is, used at once, do not disturb each other:
// whole records, records that are cut, and what must be asked for its value.
func TestEncodedConcurrently(t *testing.T) {
	const goroutines, records = 4, 100
	for _, f := range encoded {
		t.Run(f.name, func(t *testing.T) {
			var b backend
			h := ship(t, f.format, &b, slogship.Options{MaxRecordBytes: 2000, BatchRecords: 50})
			shared := h.WithAttrs([]slog.Attr{slog.String("shared", "s"), slog.Any("list", []int{1, 2})}).WithGroup("g").WithAttrs(contextOfTen[:3])
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Go(func() {
					mine := shared.WithAttrs([]slog.Attr{slog.Int("goroutine", g)})
					for i := range records {
						message := fmt.Sprintf("%d/%d ", g, i)
						if i%10 == 0 {
							message += strings.Repeat("long ", 1000)
						}
						mine.Handle(context.Background(), record(slog.LevelInfo, message, slog.Int("i", i), slog.Any("v", valuer{slog.IntValue(i)}), slog.Any("m", map[string]int{"i": i})))
					}
				})
			}
			wg.Wait()
			h.Close()
			seen := map[string]bool{}
			check := func(message string, attrs map[string]string) {
				var g, i int
				if _, err := fmt.Sscanf(message, "%d/%d ", &g, &i); err != nil || seen[fmt.Sprint(g, i)] {
					t.Errorf("%v: %q", err, message)
				}
				seen[fmt.Sprint(g, i)] = true
				if attrs["goroutine"] != strconv.Itoa(g) || attrs["i"] != strconv.Itoa(i) || attrs["v"] != strconv.Itoa(i) || attrs["version"] != "1.42.0" {
					t.Errorf("%q has %v", message, attrs)
				}
			}
			for _, r := range b.got() {
				if strings.HasPrefix(f.name, "loki") {
					for _, e := range decodeLoki(t, r) {
						attrs := map[string]string{}
						for name, v := range e.metadata {
							attrs[strings.TrimPrefix(name, "g_")] = v
						}
						check(e.line, attrs)
					}
				} else {
					for _, e := range decodeOTLP(t, r).records {
						check(fmt.Sprint(e.body), texts(e.attrs["g"].(object)))
					}
				}
			}
			if s := h.Stats(); len(seen) != goroutines*records || s.Cut != goroutines*records/10 {
				t.Errorf("%d records; %+v", len(seen), s)
			}
		})
	}
}
