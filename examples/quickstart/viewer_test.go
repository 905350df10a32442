package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the receiver has acknowledged, and no more, is on the viewer's page, with
// what happened to the receiver; the viewer never sees the receiver's credentials.
func TestViewer(t *testing.T) {
	var mu sync.Mutex // guards what follows
	ids, notes := map[string]bool{}, ""
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("X-Api-Key") != "" || r.Header.Get("Authorization") != "" {
			t.Error("the viewer is sent credentials")
		}
		body, _ := io.ReadAll(r.Body)
		if r.URL.RequestURI() == "/ndjson?source=receiver" {
			notes += string(body)
			return
		}
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			body, _ = io.ReadAll(z)
		}
		var batch struct{ Batch []struct{ ID string } }
		if err := json.Unmarshal(body, &batch); err != nil || r.URL.RequestURI() != "/logs?source=quickstart" {
			t.Error(r.URL, err)
		}
		for _, e := range batch.Batch {
			ids[e.ID] = true
		}
	}))
	defer page.Close()
	var out bytes.Buffer
	p := plan{before: 200 * time.Millisecond, outage: 300 * time.Millisecond, after: 300 * time.Millisecond, clients: 2, viewer: page.URL}
	if ok, err := run(t.Context(), p, newScreenOn(&out, false)); !ok || err != nil {
		t.Fatalf("ok %v, error %v\n%s", ok, err, out.String())
	}
	m := regexp.MustCompile(`delivered +(\d+)`).FindStringSubmatch(out.String())
	if n, _ := strconv.Atoi(m[1]); len(ids) != n || n == 0 {
		t.Errorf("%d records on the page, %d were delivered", len(ids), n)
	}
	if !strings.Contains(notes, `{"level":"error","msg":"the receiver goes away`) || !strings.Contains(notes, "the receiver is back") {
		t.Errorf("it says %s", notes)
	}
}

// A viewer that is away is said to be, once, and changes nothing else.
func TestViewerAway(t *testing.T) {
	var out bytes.Buffer
	p := plan{before: 100 * time.Millisecond, outage: 200 * time.Millisecond, after: 300 * time.Millisecond, clients: 2, viewer: "http://127.0.0.1:1"}
	if ok, err := run(t.Context(), p, newScreenOn(&out, false)); !ok || err != nil || strings.Count(out.String(), "page is not complete") != 1 {
		t.Errorf("ok %v, error %v\n%s", ok, err, out.String())
	}
}

// The flag stands alone, or has a URL.
func TestViewerFlag(t *testing.T) {
	for arg, want := range map[string]viewerFlag{
		"-viewer": {on: true}, "-viewer=http://127.0.0.1:7777/": {on: true, url: "http://127.0.0.1:7777"}, "": {},
	} {
		var v viewerFlag
		f := flag.NewFlagSet("", flag.ContinueOnError)
		f.Var(&v, "viewer", "")
		if err := f.Parse(strings.Fields(arg)); err != nil || v != want {
			t.Errorf("%s: %+v, %v", arg, v, err)
		}
	}
	if new(viewerFlag).Set("localhost:7777") == nil {
		t.Error("no URL is no error")
	}
}

// In the tree the viewer is built from it, elsewhere it is fetched.
func TestBuildViewer(t *testing.T) {
	if c := buildViewer(t.Context(), "d", "p"); c.Args[1] != "install" || !strings.HasSuffix(c.Args[2], "/viewer/cmd/slogship-viewer@latest") {
		t.Errorf("elsewhere: %v", c.Args)
	}
	t.Chdir(filepath.Join("..", ".."))
	c := buildViewer(t.Context(), "d", "p")
	if _, err := os.Stat(filepath.Join(c.Dir, "go.work")); err != nil || c.Args[1] != "build" || c.Dir != "viewer" {
		t.Errorf("in the tree: %v in %q, %v", c.Args, c.Dir, err)
	}
}
