package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A client that sends its request slowly, or a long header, does not cost more than
// it is given.
func TestSlowAndLongClients(t *testing.T) {
	s := newServer(t.Context(), http.NotFoundHandler(), io.Discard)
	if s.ReadHeaderTimeout > 10*time.Second || s.ReadHeaderTimeout <= 0 || s.ReadTimeout > time.Minute || s.ReadTimeout <= 0 || s.IdleTimeout <= 0 {
		t.Errorf("a slow client has %v, %v and %v", s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout)
	}
	url := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { // ends with the connection
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n")
		for i := range 100_000 {
			if _, err := fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("x", 100)); err != nil {
				return
			}
		}
	}()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "431") {
		t.Errorf("an endless header is answered %q, %v", line, err)
	}
}

// What the viewer prints about itself holds neither the token, nor what was
// searched for, nor what was logged.
func TestOwnLogs(t *testing.T) {
	var diag lockedBuffer
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	t.Setenv("SLOGSHIP_VIEWER_TOKEN", "topsecret")
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-dir", t.TempDir()}, nil, io.Discard, &diag)
	}()
	url := ""
	for url == "" {
		url = regexp.MustCompile(`http://[^/]+`).FindString(diag.String())
		time.Sleep(time.Millisecond) // it prints, and tells nobody
	}
	for _, target := range []string{"/?token=topsecret&q=hidden", "/api/logs?token=topsecret&q=hidden", "/api/logs?q=hidden", "/%zz?token=topsecret"} {
		if res, err := http.Get(url + target); err == nil {
			res.Body.Close()
		}
	}
	for _, body := range []string{`{"msg":"hidden"}`, `{"msg":"hidden"`, "hidden"} {
		req, _ := http.NewRequest(http.MethodPost, url+"/ndjson", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer topsecret")
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
		}
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
		fmt.Fprint(conn, "GET /?token=topsecret HTTP/9.9\r\nAuthorization: topsecret\r\n\r\n")
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if said := diag.String(); strings.Contains(said, "topsecret") || strings.Contains(said, "hidden") || strings.Count(said, "\n") > 2 {
		t.Errorf("it prints\n%s", said)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
