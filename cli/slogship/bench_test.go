package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/goccy/go-json"

	"github.com/slogship/slogship/cli/internal/command"
)

const benchLines = 200_000

// benchFile is a file of JSON lines as a service writes them, some 190 bytes each.
var benchFile = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	for i := range benchLines {
		fmt.Fprintf(&b, `{"time":"2026-03-01T08:%02d:%02d.%06dZ","level":"info","msg":"request served","method":"GET",`+
			`"path":"/api/v1/orders/%d","status":200,"bytes":%d,"duration":0.0%d,"user":{"id":"u-%d","plan":"free"}}`+"\n",
			i/60%60, i%60, i%1_000_000, i, i%5000, i%1000, i%7919)
	}
	return b.Bytes()
})

// The command, from a file to a healthy receiver on loopback:
//
//	go test -run '^$' -bench 'Lines' -benchtime 5x -count 3 ./slogship
//
// Beside it is what reading the file, and decoding each line into a map, costs: the
// ratio says more than either on a machine that does other things, too.
func BenchmarkLinesShipped(b *testing.B) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	path := filepath.Join(b.TempDir(), "app.log")
	if err := os.WriteFile(path, benchFile(), 0o644); err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name string
		args []string
	}{
		{"follow.gzip", []string{"-once", "-follow", path}},
		{"follow.none", []string{"-once", "-compression", "none", "-follow", path}},
		{"pipe.gzip", nil},
		{"pipe.gzip.spool", []string{"-spool", filepath.Join(b.TempDir(), "spool")}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(benchFile())))
			for b.Loop() {
				in, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				var stderr bytes.Buffer
				status := command.Main(append([]string{"-to", "ndjson", "-url", receiver.URL + "/"}, bb.args...),
					command.Env{Stdin: in, Stdout: io.Discard, Stderr: &stderr, Getenv: func(string) string { return "" }})
				in.Close()
				if status != 0 {
					b.Fatalf("status %d: %s", status, &stderr)
				}
			}
			b.ReportMetric(benchLines*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

func BenchmarkLinesDecoded(b *testing.B) {
	path := filepath.Join(b.TempDir(), "app.log")
	if err := os.WriteFile(path, benchFile(), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(benchFile())))
	for b.Loop() {
		in, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		for s := bufio.NewScanner(in); s.Scan(); {
			m := map[string]any{}
			if err := json.Unmarshal(s.Bytes(), &m); err != nil {
				b.Fatal(err)
			}
		}
		in.Close()
	}
	b.ReportMetric(benchLines*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
