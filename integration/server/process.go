// Package server starts the backends of the integration tests on loopback, and
// reads back what they have stored.
//
//	Process      a server that can be killed and started again on its port
//	Loki         /loki/api/v1/push, /otlp/v1/logs -> query_range
//	Collector    /v1/logs -> the file exporter's JSON lines
//	ClickHouse   INSERT ... FORMAT JSONEachRow -> SELECT ... FORMAT JSONEachRow
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startLimit is generous: a machine may be busy compiling beside the tests.
const startLimit = 2 * time.Minute

// A Process is a server that runs, or did, or will. It is not for concurrent
// use.
type Process struct {
	name, dir string
	binary    string
	args      []string
	ready     func() error // nil once requests are served

	cmd   *exec.Cmd
	ended chan struct{} // closed by Start's goroutine when cmd has ended
}

// Start starts the server, and waits until it serves.
func (p *Process) Start() error {
	if p.cmd != nil {
		return fmt.Errorf("%s runs already", p.name)
	}
	logs, err := os.OpenFile(p.logs(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = logs.Close() }() // the server has its own handle
	cmd := exec.Command(p.binary, p.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, logs, logs
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	ended := make(chan struct{})
	go func() { // ends with the server
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}()
	p.cmd, p.ended = cmd, ended

	deadline := time.Now().Add(startLimit)
	for {
		err := p.ready()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			p.cmd = nil
			return fmt.Errorf("%s ended at once:\n%s", p.name, p.lastLogs())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%s does not serve after %v: %w\n%s", p.name, startLimit, err, p.lastLogs()), p.Kill())
		}
	}
}

// Kill ends the server with SIGKILL: it has no time to write anything.
func (p *Process) Kill() error {
	if p.cmd == nil {
		return nil
	}
	err := p.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = fmt.Errorf("%s had ended by itself:\n%s", p.name, p.lastLogs())
	}
	<-p.ended
	p.cmd = nil
	return err
}

// Close kills the server if it runs, and removes its files.
func (p *Process) Close() error { return errors.Join(p.Kill(), os.RemoveAll(p.dir)) }

func (p *Process) logs() string { return filepath.Join(p.dir, "server.log") }

// lastLogs is the end of what the server has printed.
func (p *Process) lastLogs() string {
	const most = 4 << 10
	text, err := os.ReadFile(p.logs())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// newProcess prepares a server whose binary the environment variable names, and
// gives it a directory with files, in which DIR stands for its name.
func newProcess(name, variable string, files map[string]string) (*Process, error) {
	binary := os.Getenv(variable)
	if binary == "" {
		return nil, fmt.Errorf("%s is not set: run make in integration/, which installs the servers", variable)
	}
	dir, err := os.MkdirTemp("", "slogship-"+name+"-")
	if err != nil {
		return nil, err
	}
	for file, text := range files {
		text = strings.ReplaceAll(text, "DIR", dir)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return &Process{name: name, dir: dir, binary: binary}, nil
}

// freePorts returns ports of loopback that nobody listens on.
func freePorts(n int) (ports []int, err error) {
	var open []net.Listener
	defer func() { // all are open until the last is found: they differ
		for _, l := range open {
			_ = l.Close() // nobody has connected
		}
	}()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		open = append(open, l)
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// post sends a body, and returns an error that has the answer's unless the
// status is a 2xx.
func post(url, contentType, body string, header http.Header) error {
	_, err := do(http.MethodPost, url, body, withHeader(header, "Content-Type", contentType))
	return err
}

func withHeader(h http.Header, name, value string) http.Header {
	h = h.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set(name, value)
	return h
}

var client = &http.Client{Timeout: time.Minute}

func do(method, url, body string, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %.1000s", method, url, resp.Status, text)
	}
	return text, nil
}
