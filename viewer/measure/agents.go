package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"time"
)

// agents measures the tools as an agent calls them: over HTTP, one after another.
func agents(v *process) error {
	var page struct{ Records []struct{ ID string } }
	if err := v.get("/api/logs?limit=1&q=level%3E%3Derror", &page); err != nil {
		return err
	}
	if len(page.Records) == 0 {
		return errors.New("there is no error to look at")
	}
	fmt.Printf("\n## agents\n\n")
	for _, c := range []struct {
		tool string
		args map[string]any
	}{
		{"search_logs", map[string]any{"query": "level>=error", "limit": 100}},
		{"log_context", map[string]any{"id": page.Records[0].ID}},
		{"histogram", nil},
		{"log_kinds", nil},
		{"error_groups", nil},
		{"status", nil},
	} {
		if err := v.tool(c.tool, c.args); err != nil {
			return err
		}
	}
	return nil
}

// tool calls a tool of the viewer, and prints how long that took.
func (v *process) tool(name string, args map[string]any) error {
	call, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": name, "arguments": args},
	})
	if err != nil {
		return err
	}
	return timed("tool "+name, 50, func() error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, v.url+"/mcp", bytes.NewReader(call))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		var answer struct {
			Result *struct{ IsError bool }
		}
		if err := json.Unmarshal(body, &answer); err != nil || answer.Result == nil || answer.Result.IsError {
			return fmt.Errorf("%s: %s: %.200s", name, res.Status, body)
		}
		return nil
	})
}

// exported is about how many records are exported.
const exported = 200_000

// exports measures the command export: to standard output, and to a backend that
// takes all at once.
func exports(v *process) error {
	var status struct{ Oldest, Newest, Logs int64 }
	if err := v.get("/api/status", &status); err != nil {
		return err
	}
	since := status.Oldest
	if status.Logs > exported {
		since = status.Newest - int64(float64(status.Newest-status.Oldest)*exported/float64(status.Logs))
	}
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer backend.Close()
	fmt.Printf("\n## export\n\n")
	for _, args := range [][]string{{"-format", "ndjson"}, {"-format", "csv"}, {"-to", "logflare", "-url", backend.URL}} {
		if err := export(v, since, args); err != nil {
			return err
		}
	}
	return nil
}

func export(v *process, since int64, args []string) error {
	cmd := exec.CommandContext(context.Background(), v.cmd.Path, append([]string{"export", fmt.Sprintf("since:%d", since), "-viewer", v.url}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := make(chan struct{})
	resident := make(chan string)
	go func() { // ends when stop is closed
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		most := ""
		for {
			select {
			case <-tick.C:
				if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)); err == nil && field(string(status), "VmHWM") != "" {
					most = field(string(status), "VmHWM")
				}
			case <-stop:
				resident <- most
				return
			}
		}
	}()
	n, readErr := io.Copy(io.Discard, out)
	err = errors.Join(readErr, cmd.Wait())
	close(stop)
	most := <-resident
	if err != nil {
		return fmt.Errorf("export %v: %w: %s", args, err, said.String())
	}
	lines := bytes.Split(bytes.TrimSpace(said.Bytes()), []byte("\n"))
	fmt.Printf("%-26s %v, %d MB written; resident at most %s\n  %s\n", args[1], time.Since(start).Round(time.Millisecond), n/1_000_000, most, lines[len(lines)-1])
	return nil
}
