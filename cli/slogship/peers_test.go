package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// The command beside other shippers: each reads the same file of JSON lines, decodes
// them, and sends them to a receiver on loopback that does nothing with them. Of each
// pair both send the same format, compressed in the same way.
//
//	make -C cli peers
func TestPeers(t *testing.T) {
	dir := os.Getenv("PEERS")
	if dir == "" {
		t.Skip("make -C cli peers builds them and runs this")
	}
	n := linesOf(t, 1_000_000)
	path := filepath.Join(t.TempDir(), "app.log")
	text := benchFile()
	for len(text)/len(benchFile()) < n/benchLines {
		text = append(text, benchFile()...)
	}
	n = len(text) / len(benchFile()) * benchLines
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range []struct {
		name  string
		count func(t *testing.T, body []byte) int
		peers []peer
	}{
		{"OTLP, protobuf, gzip", countOTLP, []peer{
			{"slogship", func(url, _ string) *exec.Cmd {
				return exec.Command(self, "-to", "otlp", "-url", url, "-once", "-follow", path, "-quiet")
			}},
			{"OpenTelemetry Collector v0.160.0", func(url, tmp string) *exec.Cmd {
				config := filepath.Join(tmp, "config.yaml")
				if err := os.WriteFile(config, fmt.Appendf(nil, collectorConfig, path, url), 0o600); err != nil {
					t.Fatal(err)
				}
				return exec.Command(filepath.Join(dir, "otelcol"), "--config", config)
			}},
		}},
		{"JSON lines, zstd", countLines, []peer{
			{"slogship", func(url, _ string) *exec.Cmd {
				return exec.Command(self, "-to", "victorialogs", "-url", url, "-compression", "zstd", "-once", "-follow", path, "-quiet")
			}},
			{"vlagent v1.52.1", func(url, tmp string) *exec.Cmd {
				return exec.Command(filepath.Join(dir, "vlagent"), "-fileCollector.glob="+path, "-fileCollector.timeField=time", "-fileCollector.msgField=msg",
					"-remoteWrite.url="+url+"/insert/jsonline", "-remoteWrite.format=jsonline", "-tmpDataPath="+tmp, "-httpListenAddr=127.0.0.1:0", "-loggerLevel=ERROR")
			}},
		}},
	} {
		t.Run(pair.name, func(t *testing.T) {
			results := make([][]result, len(pair.peers))
			for range 3 {
				for i, p := range pair.peers {
					results[i] = append(results[i], p.run(t, n, pair.count))
				}
			}
			for i, p := range pair.peers {
				r := results[i]
				slices.SortFunc(r, func(a, b result) int { return int(a.took - b.took) })
				m := r[len(r)/2]
				t.Logf("%-33s %7.0f lines/s, %5.2f us of CPU a line, %4d MB of memory at most, %3d bytes a line sent (%.0f to %.0f lines/s)", p.name,
					float64(n)/m.took.Seconds(), m.cpu.Seconds()*1e6/float64(n), m.memory>>20, m.bytes/n,
					float64(n)/r[len(r)-1].took.Seconds(), float64(n)/r[0].took.Seconds())
			}
		})
	}
}

const collectorConfig = `
receivers:
  filelog:
    include: [%q]
    start_at: beginning
    operators:
      - type: json_parser
        timestamp: {parse_from: attributes.time, layout_type: gotime, layout: "2006-01-02T15:04:05.999999999Z07:00"}
        severity: {parse_from: attributes.level}
      - {type: move, from: attributes.msg, to: body}
      - {type: remove, field: attributes.time}
      - {type: remove, field: attributes.level}
processors:
  batch: {send_batch_size: 8192, timeout: 1s}
exporters:
  otlphttp: {endpoint: %q, compression: gzip}
service:
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines:
    logs: {receivers: [filelog], processors: [batch], exporters: [otlphttp]}
`

// A peer is a shipper of files.
type peer struct {
	name  string
	start func(url, tmp string) *exec.Cmd
}

// A result is that of one run.
type result struct {
	took, cpu time.Duration
	memory    int64
	bytes     int
}

// run ships the file, and wants n records to arrive. They are counted afterwards, so
// that this costs nothing meanwhile.
func (p peer) run(t *testing.T, n int, count func(*testing.T, []byte) int) (r result) {
	t.Helper()
	var mu sync.Mutex
	var bodies [][]byte
	began := time.Now()
	last := began
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		bodies = append(bodies, body)
		last = time.Now()
		mu.Unlock()
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer receiver.Close()
	cmd := p.start(receiver.URL, t.TempDir())
	cmd.Env = append(os.Environ(), asCommand+"=1")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	began = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for quiet := false; !quiet; {
		select {
		case err := <-ended:
			ended <- err
			quiet = true
		case <-time.After(50 * time.Millisecond):
			r.memory = max(r.memory, peakMemory(cmd.Process.Pid))
			mu.Lock()
			quiet = len(bodies) > 0 && time.Since(last) > 3*time.Second
			mu.Unlock()
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	<-ended
	got := 0
	for _, body := range bodies {
		r.bytes += len(body)
		got += count(t, body)
	}
	if got != n {
		t.Fatalf("%s: %d records arrived, want %d\n%.2000s", p.name, got, n, &output)
	}
	r.took, r.cpu = last.Sub(began), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	return r
}

// peakMemory is the most that a process ever had in memory; 0 where that is not known.
// Of the rusage of a process its parent's memory is part, until it has called exec.
func peakMemory(pid int) (size int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	if _, after, ok := bytes.Cut(text, []byte("VmHWM:")); ok {
		_, _ = fmt.Sscan(string(after), &size) // in kB
	}
	return size << 10
}

// countLines counts the lines of a body.
func countLines(t *testing.T, body []byte) int {
	z, err := zstd.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte{'\n'})
}

// countOTLP counts the records of a body: resource_logs 1, of these scope_logs 2, of
// these log_records 2.
func countOTLP(t *testing.T, body []byte) (n int) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	eachField(text, 1, func(resource []byte) {
		eachField(resource, 2, func(scope []byte) {
			eachField(scope, 2, func([]byte) { n++ })
		})
	})
	return n
}

// eachField calls f for each field of a number in a message that has fields with a
// length only.
func eachField(b []byte, number uint64, f func([]byte)) {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		size, m := binary.Uvarint(b[n:])
		b = b[n+m:]
		if tag>>3 == number {
			f(b[:size])
		}
		b = b[size:]
	}
}
