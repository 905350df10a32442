package slogship

import (
	"encoding/binary"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What net/http says of a server that answers twice is known, by HTTP/1 and HTTP/2,
// whatever package log puts before it.
func TestConnLinesOfNetHTTP(t *testing.T) {
	lines := make(chan string, 100)
	output, flags := log.Writer(), log.Flags()
	log.SetOutput(writerFunc(func(b []byte) (int, error) {
		lines <- string(b)
		return len(b), nil
	}))
	log.SetFlags(log.LstdFlags | log.Lshortfile)
	log.SetPrefix("app: ")
	defer func() { log.SetOutput(output); log.SetFlags(flags); log.SetPrefix("") }()

	http1 := listen(t, func(c net.Conn) {
		readHTTP(c, func() {
			io.WriteString(c, strings.Repeat("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 2))
		})
	})
	http2 := listen(t, func(c net.Conn) {
		frame := func(kind, flags byte, stream uint32, payload string) {
			b := append([]byte{0, 0, byte(len(payload)), kind, flags}, binary.BigEndian.AppendUint32(nil, stream)...)
			c.Write(append(b, payload...))
		}
		frame(4, 0, 0, "")                        // SETTINGS
		io.ReadFull(c, make([]byte, 24))          // the preface
		frame(4, 1, 0, "")                        // its acknowledgement
		frame(0, 0, 7, "on a stream that is not") // DATA
		io.Copy(io.Discard, c)
	})
	for _, c := range []struct {
		url string
		two bool
	}{{http1, false}, {http2, true}} {
		var p http.Protocols
		p.SetHTTP1(!c.two)
		p.SetUnencryptedHTTP2(c.two)
		transport := &http.Transport{Protocols: &p}
		if resp, err := (&http.Client{Transport: transport}).Post(c.url, "", nil); err == nil {
			resp.Body.Close()
		}
		line := <-lines
		if !isConnLine(line) {
			t.Errorf("%q is not known", line)
		}
		transport.CloseIdleConnections()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// Such a line is taken once a minute, without secrets, and has nothing sent; it
// goes with the next record, a Flush, or Shutdown.
func TestConnLineIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const line = `Unsolicited response received on idle HTTP channel starting with "HTTP/1.1 200 OK\r\n\r\n\x73ecret-key"; err=<nil>`
		tr := start(t, always(status(200)), Options{FlushLevel: slog.LevelDebug, Header: http.Header{"K": {"secret-key"}}})
		synctest.Wait() // the batcher sleeps
		for range 100 {
			tr.say(line)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Hour)
		tr.wantRequests(0)
		if s := tr.Stats(); s.Accepted != 1 || s.Pending != 1 {
			t.Fatalf("%+v", s)
		}
		tr.say(line, "b")
		time.Sleep(time.Minute)
		tr.wantRequests(1)
		tr.wantTaken("[redacted]", "[redacted]", "b")
		tr.say(line)
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		tr.wantRequests(2)
		time.Sleep(time.Minute)
		tr.say(line)
		if err := tr.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		tr.wantRequests(3)
		tr.wantBooks(5, Dropped{}, 0)
	})
}

// A server that answers twice, and package log that leads into the handler: no loop.
func TestNoLoopThroughPackageLog(t *testing.T) {
	output, flags := log.Writer(), log.Flags()
	defer func() { log.SetOutput(output); log.SetFlags(flags) }()
	url := listen(t, func(c net.Conn) {
		readHTTP(c, func() {
			io.WriteString(c, strings.Repeat("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 2))
		})
	})
	h, err := New(url, &Options{FlushInterval: time.Millisecond, OnError: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(h, slog.LevelInfo).Writer())
	for range 20 {
		slog.New(h).Info("a")
		if err := h.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if s := h.Stats(); s.Accepted > 21 {
		t.Errorf("%d records accepted, want 20 and one line", s.Accepted)
	}
}

// A line is known with attributes too, which a handler before this one adds; a log
// call that says the same with an attribute is a record like any other.
func TestConnLineWithAttributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const line = "Unsolicited response received on idle HTTP channel starting with x"
		tr := start(t, always(status(200)), Options{})
		for range 10 {
			r := slog.NewRecord(time.Now(), slog.LevelInfo, line, 0)
			r.AddAttrs(slog.String("service", "a"))
			tr.Handle(t.Context(), r)
		}
		if s := tr.Stats(); s.Accepted != 1 {
			t.Errorf("%d lines accepted, want 1", s.Accepted)
		}
		for range 10 {
			tr.log.Info(line, "my", "own")
		}
		if s := tr.Stats(); s.Accepted != 11 {
			t.Errorf("%d records accepted, want 11", s.Accepted)
		}
	})
}

// Other messages are nobody's line.
func TestIsConnLine(t *testing.T) {
	for _, m := range []string{
		"", "response received", "order received: 17", "http2: panic serving 127.0.0.1:1: boom", "request: done",
		strings.Repeat("x", 200) + "Unsolicited response received on idle HTTP channel",
	} {
		if isConnLine(m) {
			t.Errorf("%q", m)
		}
	}
	for _, m := range []string{
		"2026/03/04 05:06:07 Unsolicited response received on idle HTTP channel starting with", "Transport: unhandled response frame type *http.http2UnknownFrame",
		"protocol error: received DATA after END_STREAM", "protocol error: received *http.http2PingFrame before a SETTINGS frame",
		"RoundTripper returned a response & error; ignoring response", "http2: Transport received PING", "http2: Framer 0xc0: wrote HEADERS",
	} {
		if !isConnLine(m) {
			t.Errorf("%q", m)
		}
	}
}

func BenchmarkIsConnLine(b *testing.B) {
	for name, m := range map[string]string{
		"short": "request handled", "long": strings.Repeat("a message of a usual length, ", 10), "near": "GET /: response: 200",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				isConnLine(m)
			}
		})
	}
}
