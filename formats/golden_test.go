package formats_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

var update = flag.Bool("update", false, "write the golden bodies under testdata/ anew")

// A golden is a format whose body for goldenEvents is under testdata.
type golden struct {
	name    string
	format  slogship.Format
	sourced bool // with sources
}

func goldens() (all []golden) {
	for _, s := range subjects() {
		all = append(all, golden{s.name, s.format, true})
	}
	labels := map[string]string{"service_name": "checkout"}
	otlp := formats.OTLPOptions{
		Resource: []slog.Attr{
			slog.String("service.name", "checkout"), slog.String("service.version", "1.42.0"),
			slog.Int("process.pid", 4711), slog.Group("host", slog.String("name", "web-17")),
		},
		ScopeName: "example.com/checkout", ScopeVersion: "v2",
	}
	otlpJSON := otlp
	otlpJSON.Encoding = formats.OTLPJSON
	return append(all,
		golden{"loki", formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": "checkout", "env": "prod"}}), false},
		golden{"loki_streams", formats.Loki(formats.LokiOptions{
			Labels: labels, LabelAttrs: []string{"method", "user_address_city"}, LevelLabel: "level", ID: "-", Tenant: "team-a",
		}), false},
		golden{"otlp_protobuf", formats.OTLP(otlp), false},
		golden{"otlp_json", formats.OTLP(otlpJSON), false},
	)
}

// The body of a fixed set of events is the one under testdata. Write that anew
// with go test ./formats -run Golden -update, and read the difference.
func TestGoldenBodies(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.name, func(t *testing.T) {
			events := goldenEvents()
			for i := range events {
				if !g.sourced {
					events[i].Source = nil
				}
			}
			checkGolden(t, g.name, encodedBody(g.format, events...))
		})
	}
}

// checkGolden compares a body with a file, or writes it.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the body is\n%s\nwant\n%s", got, want)
	}
}

// goldenRecords is a fixed set of records with something of everything.
func goldenRecords() []slog.Record {
	at := func(d time.Duration, level slog.Level, message string, attrs ...slog.Attr) slog.Record {
		r := slog.NewRecord(someTime.Add(d), level, message, 0)
		r.AddAttrs(attrs...)
		return r
	}
	var pc [1]uintptr
	runtime.Callers(1, pc[:])
	sourced := slog.NewRecord(someTime, slog.LevelInfo, "with a source", pc[0])
	return []slog.Record{
		at(0, slog.LevelInfo, "request handled",
			slog.String("method", "GET"), slog.Int("code", 200), slog.Duration("took", 1503*time.Microsecond),
			slog.Bool("cached", false), slog.Float64("ratio", 0.875)),
		at(time.Millisecond, slog.LevelDebug, "groups",
			slog.Group("user", slog.Int("id", 42), slog.Group("address", slog.String("city", "Łódź")))),
		at(time.Second, slog.LevelWarn, "quote \" backslash \\ newline \n and 日本 🚢", slog.String("tab", "a\tb")),
		at(2*time.Second, slog.LevelError, "failed", slog.Any("error", errors.New("no such file")),
			slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), slog.String("span_id", "00f067aa0ba902b7")),
		at(3*time.Second, slog.LevelInfo+2, "edges",
			slog.Int64("int64", math.MinInt64), slog.Uint64("uint64", math.MaxUint64), slog.Float64("float64", math.MaxFloat64)),
		at(4*time.Second, slog.LevelInfo, "names that formats have for themselves",
			slog.String("time", "t"), slog.String("level", "l"), slog.String("msg", "m"), slog.String("message", "M"),
			slog.Int("status", 200), slog.String("@timestamp", "@"), slog.String("_time", "_"), slog.String("event_id", "e"),
			slog.String("@t", "clef"), slog.String("_id", "id"), slog.String("log", "log"), slog.String("timestamp", "ts"),
			slog.String("source", "s"), slog.String("attributes", "a")),
		at(5*time.Second, slog.LevelInfo, "equal names", slog.Int("n", 1), slog.Int("n", 2)),
		at(24*time.Hour, slog.LevelInfo, "the next day"),
		slog.NewRecord(time.Time{}, slog.LevelInfo, "no time", 0),
		slog.NewRecord(time.Date(12026, 1, 2, 3, 4, 5, 6, time.UTC), slog.LevelInfo, "a time that no layout has", 0),
		sourced,
		slog.NewRecord(someTime, slog.LevelInfo, "", 0),
	}
}

// What differs from run to run, and from machine to machine.
var (
	randomID   = regexp.MustCompile(`[0-9a-f]{32}([0-9a-f]{16})`)
	sourceFile = regexp.MustCompile(`[^"\\]*/formats/(\w+\.go)`)
	sourceLine = regexp.MustCompile(`(line\\*"):\d+`)
)

func mask(body string) string {
	body = randomID.ReplaceAllString(body, "00000000000000000000000000000000$1")
	body = sourceFile.ReplaceAllString(body, "/formats/$1")
	return sourceLine.ReplaceAllString(body, "$1:0")
}

// idDigits are those of an id in Protocol Buffers.
var idDigits = regexp.MustCompile(`(log\.record\.uid\x12\x32\x0a\x30)[0-9a-f]{32}`)

// What a handler makes of a fixed set of records is the golden body, too.
func TestShippedGoldenBodies(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // the time is always the same there
				var b backend
				h := ship(t, g.format, &b, slogship.Options{AddSource: g.sourced})
				for _, r := range goldenRecords() {
					h.Handle(context.Background(), r)
				}
				h.Close()
				if len(b.got()) != 1 {
					t.Fatalf("%d requests, want 1; %+v", len(b.got()), h.Stats())
				}
				got := b.got()[0].body
				if strings.Contains(g.name, "protobuf") {
					got = idDigits.ReplaceAllString(got, "${1}00000000000000000000000000000000")
				} else {
					got = mask(got)
				}
				want, err := os.ReadFile(filepath.Join("testdata", g.name+".golden"))
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("the body is\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}
