package slogship

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// listen answers each connection on loopback with serve, until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go serve(c)
		}
	}()
	return "http://" + l.Addr().String() + "/logs"
}

// readHTTP reads requests from c, and calls answer after each.
func readHTTP(c net.Conn, answer func()) {
	for r := bufio.NewReader(c); ; {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		answer()
	}
}

// A 101 hands over the connection. It is closed at once, without a read that nothing
// would end: delivery goes on, and nothing is left behind.
func TestSwitchingProtocols(t *testing.T) {
	before := runtime.NumGoroutine()
	var connections atomic.Int64
	closed := make(chan struct{}, 100)
	told := make(chan error, 100)
	url := listen(t, func(c net.Conn) {
		n := connections.Add(1)
		readHTTP(c, func() {
			if n < 3 {
				io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsome bytes")
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		})
		closed <- struct{}{}
	})
	h, err := New(url, &Options{
		MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond, FlushInterval: time.Millisecond, OnError: func(err error) { told <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	slog.New(h).Info("a")
	if err := h.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 { // the server sees that its connection is closed
		<-closed
	}
	if err := <-told; !strings.Contains(err.Error(), "101 Switching Protocols: the server switched to another protocol") {
		t.Error(err)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-closed                                                         // idle connections are closed by Shutdown
	for i := 0; runtime.NumGoroutine() > before+1 && i < 1000; i++ { // the listener's is left
		time.Sleep(time.Millisecond) // goroutines of net/http and of the server end a little later
	}
	if n := runtime.NumGoroutine(); n > before+1 {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines, want %d:\n%s", n, before+1, buf[:runtime.Stack(buf, true)])
	}
}

// What is inflated of an answer is bounded: a body of a few KiB that would be
// gigabytes costs what is read of it.
func TestGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	for range 64 {
		z.Write(bytes.Repeat([]byte("[{},{},"), 1<<20/7))
	}
	z.Close()
	var n atomic.Int64
	url := listen(t, func(c net.Conn) {
		readHTTP(c, func() {
			status := []string{"200 OK", "400 Bad Request", "406 Not Acceptable", "503 Busy"}[n.Add(1)%4]
			fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", status, bomb.Len(), bomb.Bytes())
		})
	})
	const attempts = 12
	told := make(chan error, 100)
	f := fakeFormat{read: func(a Answer) Verdict {
		v := logflare{}.ReadAnswer(a)
		if v.Action = Retry; n.Load() >= attempts {
			v = Verdict{Action: Accept}
		}
		return v
	}}
	h, err := New(url, &Options{
		Format: f, FlushInterval: time.Millisecond, MinBackoff: time.Microsecond, MaxBackoff: time.Microsecond, OnError: func(err error) { told <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	slog.New(h).Info("a")
	h.Flush(t.Context())
	runtime.ReadMemStats(&after)
	each := (after.TotalAlloc - before.TotalAlloc) / uint64(n.Load())
	t.Logf("%d KiB allocated for each of %d answers of %d KiB, %d MiB inflated", each>>10, n.Load(), bomb.Len()>>10, 64)
	if each > 2<<20 && !raceDetector {
		t.Errorf("an answer costs %d bytes", each)
	}
	if text := (<-told).Error(); len(text) > 1000 {
		t.Errorf("an error of %d bytes", len(text))
	}
}
