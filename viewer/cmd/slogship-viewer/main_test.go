package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// start serves on a port of its own, and returns its address.
func start(t *testing.T, args ...string) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	diag, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"-addr", "127.0.0.1:0", "-dir", t.TempDir()}, args...), nil, io.Discard, w)
		w.CloseWithError(io.EOF)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line := make([]byte, 1000)
	n, _ := diag.Read(line)
	go io.Copy(io.Discard, diag)
	if url = regexp.MustCompile(`http://[^/]+`).FindString(string(line[:n])); url == "" {
		t.Fatalf("it says %q", line[:n])
	}
	return url
}

// send posts lines of JSON to a viewer.
func send(t *testing.T, url, token, lines string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url+"/ndjson?source=api", strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
}

// What was posted is found by query and export; an error of the query is shown at
// its place; what was logged does not steer the terminal.
func TestQuery(t *testing.T) {
	url := start(t, "-token", "secret")
	send(t, url, "secret", "{\"msg\":\"one\"}\n{\"msg\":\"two \\u001b[31m\",\"level\":\"error\",\"n\":1}")
	ask := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append(args, "-viewer", url, "-token", "secret"), nil, &out, io.Discard)
		return out.String(), err
	}
	if out, err := ask("query", "level>=error"); err != nil || !strings.Contains(out, `error api two`) || strings.Contains(out, "\x1b") || strings.Contains(out, "one") {
		t.Errorf("query: %q, %v", out, err)
	}
	if out, err := ask("query", "n=1", "--json"); err != nil || !strings.HasPrefix(out, `{"id":"`) || strings.Count(out, "\n") != 1 {
		t.Errorf("query as JSON: %q, %v", out, err)
	}
	if out, err := ask("export", ""); err != nil || strings.Count(out, "\n") != 2 {
		t.Errorf("export: %q, %v", out, err)
	}
	if _, err := ask("query", "level:loud"); err == nil || !strings.Contains(err.Error(), "level:loud\n      ^^^^") {
		t.Errorf("a wrong query: %v", err)
	}
	if err := run(t.Context(), []string{"query", "-viewer", url}, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("without the token: %v", err)
	}
	if err := run(t.Context(), []string{"qeury"}, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "qeury") {
		t.Errorf("no such command: %v", err)
	}
}

// Only loopback goes without a token.
func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:7777": true, "[::1]:1": true, "localhost:1": true, ":7777": false, "0.0.0.0:1": false, "10.0.0.1:1": false, "[::]:1": false, "x": false,
	} {
		if loopback(addr) != want {
			t.Errorf("%s: %t", addr, !want)
		}
	}
}
