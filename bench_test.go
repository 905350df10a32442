package slogship

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The benchmarks log as a user does, through slog.Logger: the time of the call,
// the program counter and the record that slog makes are inside the timer, for
// slogship and for the handlers beside it. Their own names are the command:
//
//	go test -run '^$' -bench 'Handle$/^idle$|Handle$/JSONHandler' -count 6 .
//
// The backends answer in the process, at once or never, and nothing is
// compressed: what is measured is the caller, not the other core's work.

// transportFunc is a backend inside the process.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r,
	}
}

// healthy takes everything at once.
func healthy(r *http.Request) (*http.Response, error) {
	return answer(r, http.StatusOK), nil
}

// hanging never answers.
func hanging(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// shipTo returns a handler that ships to backend, and ends with the test; what
// backend has not taken by then is given up.
func shipTo(tb testing.TB, backend transportFunc, o Options) *Handler {
	tb.Helper()
	o.Client = &http.Client{Transport: backend}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	h, err := New("http://backend.test/logs", &o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		h.Shutdown(ctx)
	})
	return h
}

// fill logs until the oldest record has been dropped, and the batch that hangs
// has left.
func fill(tb testing.TB, h *Handler) {
	tb.Helper()
	l := slog.New(h)
	for s := h.Stats(); s.Dropped.Overflow == 0 || s.InFlight == 0; s = h.Stats() {
		for range 1000 {
			logFive(l)
		}
		runtime.Gosched()
	}
}

// logFive logs the record that all comparisons are about: five scalar
// attributes, of five kinds.
func logFive(l *slog.Logger) {
	l.LogAttrs(context.Background(), slog.LevelInfo, "request handled",
		slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", 1503*time.Microsecond),
		slog.Bool("cached", false), slog.Float64("ratio", 0.875))
}

type user struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

var someUser = &user{7, "Ada", []string{"admin", "ops"}}

// logFiveWithObject has a value that is not scalar in the place of one that is.
func logFiveWithObject(l *slog.Logger) {
	l.LogAttrs(context.Background(), slog.LevelInfo, "request handled",
		slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", 1503*time.Microsecond),
		slog.Bool("cached", false), slog.Any("user", someUser))
}

// logInfo is logFive as it is mostly written.
func logInfo(l *slog.Logger) {
	l.Info("request handled",
		"method", "GET", "status", 200, "took", 1503*time.Microsecond, "cached", false, "ratio", 0.875)
}

// tenAttrs is the context of a service, given once by WithAttrs.
func tenAttrs() []slog.Attr {
	return []slog.Attr{
		slog.String("service", "checkout"), slog.String("version", "1.42.0"), slog.String("host", "web-17"),
		slog.String("region", "eu-central-1"), slog.Int("pid", 4711), slog.Bool("canary", false),
		slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), slog.String("span_id", "00f067aa0ba902b7"),
		slog.Int64("tenant", 90210), slog.Float64("sampled", 0.25),
	}
}

// discard is the least that a handler can do: slogship's distance from it is
// what shipping costs the caller.
type discard struct{}

func (discard) Enabled(context.Context, slog.Level) bool  { return true }
func (discard) Handle(context.Context, slog.Record) error { return nil }
func (d discard) WithAttrs([]slog.Attr) slog.Handler      { return d }
func (d discard) WithGroup(string) slog.Handler           { return d }

// BenchmarkHandle is one call of a logger, by what the record is and what the
// backend does.
func BenchmarkHandle(b *testing.B) {
	ship := func(backend transportFunc, o Options) func(*testing.B) slog.Handler {
		return func(b *testing.B) slog.Handler {
			o.Compression = None
			h := shipTo(b, backend, o)
			reportBooks(b, h)
			return h
		}
	}
	full := func(b *testing.B) slog.Handler {
		h := ship(hanging, Options{RequestTimeout: time.Hour})(b).(*Handler)
		fill(b, h)
		return h
	}
	jsonTo := func(o slog.HandlerOptions) func(*testing.B) slog.Handler {
		return func(*testing.B) slog.Handler { return slog.NewJSONHandler(io.Discard, &o) }
	}
	nothing := func(*testing.B) slog.Handler { return discard{} }

	for _, c := range []struct {
		name    string
		handler func(*testing.B) slog.Handler
		log     func(*slog.Logger)
	}{
		{"idle", ship(healthy, Options{}), logFive},
		{"ring full and backend hanging", full, logFive},
		{"with a context of 10 attrs", func(b *testing.B) slog.Handler { return ship(healthy, Options{})(b).WithAttrs(tenAttrs()) }, logFive},
		{"with AddSource", ship(healthy, Options{AddSource: true}), logFive},
		{"with one non-scalar", ship(healthy, Options{}), logFiveWithObject},
		{"by Logger.Info", ship(healthy, Options{}), logInfo},

		{"JSONHandler", jsonTo(slog.HandlerOptions{}), logFive},
		{"JSONHandler with a context of 10 attrs", func(b *testing.B) slog.Handler { return jsonTo(slog.HandlerOptions{})(b).WithAttrs(tenAttrs()) }, logFive},
		{"JSONHandler with AddSource", jsonTo(slog.HandlerOptions{AddSource: true}), logFive},
		{"JSONHandler with one non-scalar", jsonTo(slog.HandlerOptions{}), logFiveWithObject},
		{"JSONHandler by Logger.Info", jsonTo(slog.HandlerOptions{}), logInfo},

		{"handler that does nothing", nothing, logFive},
		{"handler that does nothing by Logger.Info", nothing, logInfo},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := slog.New(c.handler(b))
			b.ReportAllocs()
			for b.Loop() {
				c.log(l)
			}
		})
	}
}

// BenchmarkParallel is the time between two records that the process logs, from
// 1, 2, 8, 16 or 32 goroutines at once.
func BenchmarkParallel(b *testing.B) {
	for _, c := range []struct {
		name    string
		handler func(*testing.B) slog.Handler
	}{
		{"slogship", func(b *testing.B) slog.Handler {
			h := shipTo(b, healthy, Options{Compression: None})
			reportBooks(b, h)
			return h
		}},
		{"JSONHandler", func(*testing.B) slog.Handler { return slog.NewJSONHandler(io.Discard, nil) }},
		{"handler that does nothing", func(*testing.B) slog.Handler { return discard{} }},
	} {
		for _, goroutines := range []int{1, 2, 8, 16, 32} {
			b.Run(fmt.Sprintf("%s/goroutines=%d", c.name, goroutines), func(b *testing.B) {
				l := slog.New(c.handler(b))
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for g := range goroutines {
					wg.Go(func() {
						for range b.N/goroutines + min(1, max(0, b.N%goroutines-g)) {
							logFive(l)
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// BenchmarkSlowestCalls is what a caller meets at worst: the quantiles of single
// calls, from two goroutines with a pause between their calls. The timer's own
// 50 ns or so are in them.
func BenchmarkSlowestCalls(b *testing.B) {
	const goroutines, pause = 2, 500 * time.Nanosecond
	for _, c := range []*struct {
		name    string
		backend transportFunc
		o       Options
		full    bool
	}{
		{"idle", healthy, Options{}, false},
		{"ring growing and backend hanging", hanging, Options{MaxPending: 1 << 30, MaxPendingBytes: math.MaxInt, RequestTimeout: time.Hour}, false},
		{"ring full and backend hanging", hanging, Options{RequestTimeout: time.Hour}, true},
		{"backend failing", refusing, Options{MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond}, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.o.Compression = None
			h := shipTo(b, c.backend, c.o)
			if c.full {
				fill(b, h)
			}
			l := slog.New(h)
			took := make([]time.Duration, b.N)
			b.ResetTimer()
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Go(func() {
					for n := g; n < b.N; n += goroutines {
						began := time.Now()
						logFive(l)
						ended := time.Now()
						took[n] = ended.Sub(began)
						for time.Since(ended) < pause {
							continue
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			slices.Sort(took)
			for _, q := range []struct {
				name string
				of   float64
			}{{"p50-ns", 0.5}, {"p99-ns", 0.99}, {"p99.9-ns", 0.999}, {"max-ns", 1}} {
				b.ReportMetric(float64(took[int(float64(b.N-1)*q.of)]), q.name)
			}
			b.ReportMetric(0, "ns/op") // is the pause
		})
	}
}

// BenchmarkThousand is 1,000 records, in the measure of Logflare's Elixir
// client: 24.24 ms and 18.23 MB (its pull request 120). The first has the
// caller's part only, as that client's has; the other waits until all of them
// are delivered, compressed by gzip.
func BenchmarkThousand(b *testing.B) {
	thousand := func(l *slog.Logger) {
		for range 1000 {
			logFive(l)
		}
	}
	b.Run("logged", func(b *testing.B) {
		l := slog.New(shipTo(b, healthy, Options{Compression: None}))
		b.ReportAllocs()
		for b.Loop() {
			thousand(l)
		}
	})
	b.Run("delivered", func(b *testing.B) {
		h := shipTo(b, healthy, Options{})
		l := slog.New(h)
		b.ReportAllocs()
		for b.Loop() {
			thousand(l)
			if err := h.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEncode is what the batcher spends on a record: to decode it and to write it as
// Logflare's event, without and with gzip.
func BenchmarkEncode(b *testing.B) {
	for _, compression := range []Compression{None, Gzip} {
		b.Run(compression.String(), func(b *testing.B) {
			h := shipTo(b, hanging, Options{Compression: compression, FlushInterval: time.Hour})
			l := slog.New(h)
			for range 3000 {
				logFive(l)
			}
			pc := h.core.pending.swap()
			e := newEncoder(h.core.batcher.bodies.encoders[0].wording)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += pc.records {
				if body := e.encode(pc, math.MaxInt); body.taken.records != pc.records {
					b.Fatalf("%d of %d records have room", body.taken.records, pc.records)
				}
			}
			b.ReportMetric(float64(pc.bytes)/float64(pc.records)+markBytes, "ring-B/record")
		})
	}
}

// reportBooks adds what became of the records to the result: an idle handler
// that dropped some was not idle.
func reportBooks(b *testing.B, h *Handler) {
	b.Cleanup(func() {
		if s := h.Stats(); s.Dropped.Overflow > 0 {
			b.ReportMetric(float64(s.Dropped.Overflow)/float64(s.Accepted), "dropped/op")
		}
	})
}
