package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// process is a viewer that runs.
type process struct {
	cmd *exec.Cmd
	url string
}

var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}

func startViewer(binary, dir string, args ...string) (*process, error) {
	cmd := exec.Command(binary, append([]string{"-addr", "127.0.0.1:0", "-dir", dir}, args...)...) //nolint:noctx // stop ends it
	diag, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(diag)
	for lines.Scan() {
		if url := regexp.MustCompile(`http://[^/]+`).FindString(lines.Text()); url != "" {
			go func() { _, _ = io.Copy(os.Stderr, diag) }() // until the viewer ends
			return &process{cmd, url}, nil
		}
	}
	return nil, errors.Join(errors.New("the viewer did not start"), cmd.Wait())
}

func (v *process) stop(sig os.Signal) error {
	if err := v.cmd.Process.Signal(sig); err != nil {
		return err
	}
	err := v.cmd.Wait()
	if sig == os.Kill {
		return nil // it ended as it was told to
	}
	return err
}

func (v *process) post(path string, body []byte) error { return v.send(path, "application/json", body) }

// send sends a batch until it is taken: a full queue says when to come again.
func (v *process) send(path, contentType string, body []byte) error {
	for {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, v.url+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Content-Encoding", "gzip")
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		switch {
		case err != nil:
			return err
		case res.StatusCode == http.StatusTooManyRequests:
			time.Sleep(time.Second)
		case res.StatusCode != http.StatusOK:
			return fmt.Errorf("%s: %s", res.Status, answer)
		default:
			return nil
		}
	}
}

func (v *process) get(path string, into any) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, v.url+path, http.NoBody)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %.200s", path, res.Status, body)
	}
	if into != nil {
		return json.Unmarshal(body, into)
	}
	return nil
}

// middle returns a key in the middle of what is there.
func (v *process) middle() (int64, error) {
	var status struct{ Oldest, Newest int64 }
	err := v.get("/api/status", &status)
	return (status.Oldest + status.Newest) / 2 << 20, err
}

// sizes prints what the viewer takes of disk and memory.
func (v *process) sizes(dir string, rows int) error {
	info, err := os.Stat(filepath.Join(dir, "viewer.db"))
	if err != nil {
		return err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.cmd.Process.Pid))
	if err != nil {
		return err
	}
	binary, err := os.Stat(v.cmd.Path)
	if err != nil {
		return err
	}
	fmt.Printf("\n## sizes\n\n%d bytes a row on disk; resident: %s now, %s at most; program %d MB\n", info.Size()/int64(rows),
		field(string(status), "VmRSS"), field(string(status), "VmHWM"), binary.Size()/1_000_000)
	return nil
}

// number reads the digits of a word such as n42.
func number(s string) int {
	n, err := strconv.Atoi(strings.TrimLeft(s, "n"))
	if err != nil {
		return -1
	}
	return n
}
