package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// viewerFlag is the flag -viewer. Without a value the program starts a viewer; with a
// URL it uses a viewer that runs.
type viewerFlag struct {
	on  bool
	url string
}

// String is the flag's value.
func (v *viewerFlag) String() string { return v.url }

// IsBoolFlag lets the flag be given without a value.
func (v *viewerFlag) IsBoolFlag() bool { return true }

// Set takes "true", which the flag package gives for -viewer alone, or a URL.
func (v *viewerFlag) Set(s string) error {
	switch {
	case s == "true":
		v.on = true
	case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
		v.on, v.url = true, strings.TrimRight(s, "/")
	default:
		return errors.New("want -viewer, or -viewer=http://127.0.0.1:7777")
	}
	return nil
}

// A viewer shows in a browser what the receiver has acknowledged. It is a program,
// built from the tree or downloaded, because this module must not depend on it.
type viewer struct {
	url string
	end func() // ends the program, if we started it
}

// startViewer builds and starts slogship-viewer with an empty database.
func startViewer(ctx context.Context, out *screen) (*viewer, error) {
	dir, err := os.MkdirTemp("", "quickstart-viewer-")
	if err != nil {
		return nil, err
	}
	v := &viewer{end: func() { _ = os.RemoveAll(dir) }}
	out.event("building the viewer; the first time this takes a minute or two")
	program := filepath.Join(dir, "slogship-viewer")
	build := buildViewer(ctx, dir, program)
	if said, err := build.CombinedOutput(); err != nil {
		v.end()
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(build.Args, " "), err, said)
	}
	run := exec.CommandContext(ctx, program, "-addr", "127.0.0.1:0", "-dir", filepath.Join(dir, "records"))
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	run.WaitDelay = 5 * time.Second
	diag, err := run.StderrPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		v.end()
		return nil, err
	}
	v.end = sync.OnceFunc(func() {
		_ = run.Process.Signal(os.Interrupt)
		_ = run.Wait() // it was told to end
		_ = os.RemoveAll(dir)
	})
	line, err := bufio.NewReader(diag).ReadString('\n') // its address is the only line that it prints
	if v.url = regexp.MustCompile(`http://[^/\s]+`).FindString(line); v.url == "" {
		v.end()
		return nil, fmt.Errorf("the viewer says %q: %w", line, err)
	}
	return v, nil
}

// buildViewer returns the command that builds the viewer, from this tree if the
// program runs in it.
func buildViewer(ctx context.Context, dir, program string) *exec.Cmd {
	const source = "viewer/cmd/slogship-viewer"
	if _, err := os.Stat(filepath.FromSlash(source + "/main.go")); err == nil {
		c := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", program, "./cmd/slogship-viewer")
		c.Dir = "viewer"
		c.Env = append(os.Environ(), "GOWORK=") // the viewer has its own
		return c
	}
	c := exec.CommandContext(ctx, "go", "install", "github.com/slogship/slogship/"+source+"@latest")
	c.Env = append(os.Environ(), "GOBIN="+dir)
	return c
}

// page passes requests to the receiver. If there is a viewer, it also gets each
// request that the receiver has acknowledged.
type page struct {
	viewer string
	out    *screen
	once   sync.Once // that the viewer does not answer is said once
}

func newPage(viewer string, out *screen) *page { return &page{viewer: viewer, out: out} }

// client returns the Client of the handler's Options: nil without a viewer.
func (p *page) client() *http.Client {
	if p.viewer == "" {
		return nil
	}
	return &http.Client{Transport: p}
}

// RoundTrip sends to the receiver.
func (p *page) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	sent := req.Clone(req.Context())
	sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := http.DefaultTransport.RoundTrip(sent)
	if err == nil && resp.StatusCode == http.StatusOK {
		p.post(req.Context(), "/logs?source=quickstart", req.Header, body)
	}
	return resp, err
}

// note prints what happens to the receiver, and logs it in the viewer, so that it is
// shown between the records.
func (p *page) note(ctx context.Context, level, text string) {
	p.out.event("%s", text)
	if p.viewer != "" {
		p.post(ctx, "/ndjson?source=receiver", nil, fmt.Appendf(nil, "{\"level\":%q,\"msg\":%q}\n", level, text))
	}
}

// post posts to the viewer, without the receiver's credentials.
func (p *page) post(ctx context.Context, path string, like http.Header, body []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.viewer+path, bytes.NewReader(body))
	if err == nil {
		for _, name := range []string{"Content-Type", "Content-Encoding"} {
			req.Header.Set(name, like.Get(name))
		}
		var resp *http.Response
		if resp, err = http.DefaultTransport.RoundTrip(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			err = fmt.Errorf("it answers %s", resp.Status)
		}
	}
	p.once.Do(func() { p.out.event("the viewer's page is not complete: %v", err) })
}
