package slogship

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"
)

// backlogLimit is GOMEMLIMIT while a backlog is shipped. It is a soft limit: the rest is
// for the moment before a collection.
const (
	backlogLimit = 64 << 20
	backlogRest  = 16 << 20
)

// However long the backlog, it is shipped in the memory that a Handler always has: all of
// it, in order, each record once. 48 MiB, in soak 8 GiB.
func TestSpoolBacklog(t *testing.T) {
	total := int64(48 << 20)
	switch {
	case os.Getenv("SPOOL_SOAK") != "":
		total = 8 << 30
	case raceDetector:
		total = 4 << 20
	}
	o := Options{
		Format: lineFormat{}, Compression: None,
		Spool: SpoolOptions{Dir: t.TempDir(), MaxBytes: 2 * total, SyncLevel: slog.LevelError},
	}
	began := time.Now()
	h := shipTo(t, refusing, o)
	text := strings.Repeat("x", 1000)
	records := int(total / 1024)
	for n := range records {
		level := slog.LevelInfo
		if n%1000 == 999 { // at the pace of the disk
			level = slog.LevelError
		}
		h.Handle(context.Background(), slog.NewRecord(time.Time{}, level, fmt.Sprintf("%012d%s", n, text), 0))
	}
	h.Shutdown(cancelled(t))
	s := h.Stats()
	if s.Spooled != int64(records) || s.Dropped.Total() != 0 {
		t.Fatalf("%+v", s)
	}
	wrote := time.Since(began)

	defer debug.SetMemoryLimit(debug.SetMemoryLimit(backlogLimit))
	debug.FreeOSMemory()
	next, requests, most := 0, 0, uint64(0)
	began = time.Now()
	h = shipTo(t, func(r *http.Request) (*http.Response, error) {
		if requests++; requests%16 == 0 {
			most = max(most, memoryInUse())
		}
		body, err := io.ReadAll(r.Body) // a copy, as a server in the same process has one
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(body) {
			_, message, _ := bytes.Cut(line, []byte(`"message":"`))
			if n, err := strconv.Atoi(string(message[:12])); err != nil || n != next {
				t.Errorf("record %d came, want %d", n, next)
				return nil, io.ErrUnexpectedEOF
			}
			next++
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	}, o)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	s = h.Stats()
	if next != records || s.Recovered != int64(records) || s.Delivered != s.Recovered || s.Accepted != s.Recovered || s.Spooled != 0 {
		t.Fatalf("%d of %d came: %+v", next, records, s)
	}
	if most > backlogLimit+backlogRest && !raceDetector {
		t.Errorf("%d bytes of memory, at most %d", most, backlogLimit+backlogRest)
	}
	t.Logf("%d MiB, %d records, written in %v, shipped in %v, at most %d MiB of memory in the whole process",
		total>>20, records, wrote.Round(time.Millisecond), took.Round(time.Millisecond), most>>20)
}

// memoryInUse is what GOMEMLIMIT bounds.
func memoryInUse() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
