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
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
)

var update = flag.Bool("update", false, "write the golden bodies under testdata/ anew")

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

// The body of a fixed set of records is the one under testdata/. Write that
// anew with go test ./formats -run Golden -update, and read the difference.
func TestGoldenBodies(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // the time is always the same there
				var b backend
				h := ship(t, s.format, &b, slogship.Options{AddSource: true})
				for _, r := range goldenRecords() {
					h.Handle(context.Background(), r)
				}
				h.Close()
				requests := b.got()
				if len(requests) != 1 {
					t.Fatalf("%d requests, want 1", len(requests))
				}
				got := mask(requests[0].body)
				if n, want := len(s.events(t, got)), len(goldenRecords()); n != want {
					t.Errorf("%d events, want %d", n, want)
				}
				path := filepath.Join("testdata", s.name+".golden")
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
			})
		})
	}
}
