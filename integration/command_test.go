package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slogship/slogship/integration/server"
)

// A commandBackend is a server that the command ships to, and what it has of the
// lines: the number of each, as often as it is there.
type commandBackend struct {
	name    string
	server  restartable
	args    []string // -to, -url, -H
	numbers func(t *testing.T) []string
}

// commandBackends prepare a server of the test's own each; start starts it.
func commandBackends(t *testing.T) []commandBackend {
	t.Helper()
	l := own[*server.Loki](t)(server.NewLoki(server.LokiConfig{}))
	o := own[*server.Loki](t)(server.NewLoki(server.LokiConfig{}))
	col := own[*server.Collector](t)(server.NewCollector(server.CollectorConfig{}))
	c := own[*server.ClickHouse](t)(server.NewClickHouse())
	fromLoki := func(l *server.Loki, selector string) func(t *testing.T) []string {
		return func(t *testing.T) (numbers []string) {
			for _, e := range lokiEntries(t, l, "command", selector) {
				numbers = append(numbers, e.Metadata["n"])
			}
			return numbers
		}
	}
	return []commandBackend{
		{"loki", l, []string{"-url", l.Push(), "-H", "X-Scope-OrgID: command", "-a", "app=command"}, fromLoki(l, `{app="command"}`)},
		{
			"loki by OTLP", o,
			[]string{"-to", "otlp", "-url", o.OTLP(), "-H", "X-Scope-OrgID: command", "-a", "app=command"},
			fromLoki(o, `{service_name="command"}`),
		},
		{"collector", col, []string{"-url", col.Logs(), "-a", "app=command"}, func(t *testing.T) (numbers []string) {
			records, err := col.Records()
			if err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{} // it keeps what was sent again; log.record.uid tells
			for _, r := range records {
				attrs, _ := collectedAttrs(r.Attributes)
				if id, _ := attrs["log.record.uid"].(string); !ids[id] {
					ids[id] = true
					numbers = append(numbers, fmt.Sprint(attrs["n"]))
				}
			}
			return numbers
		}},
		{"clickhouse", c, []string{"-url", c.Insert("logs"), "-a", "app=command"}, func(t *testing.T) (numbers []string) {
			rows, err := c.Rows("logs FINAL")
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				var attrs struct {
					N   json.Number `json:"n"`
					App string      `json:"app"`
				}
				if err := json.Unmarshal([]byte(r.Attributes), &attrs); err != nil || attrs.App != "command" {
					t.Fatal(r.Attributes, err)
				}
				numbers = append(numbers, attrs.N.String())
			}
			return numbers
		}},
	}
}

// start starts the server, and makes its table.
func (b commandBackend) start(t *testing.T) {
	t.Helper()
	start(t, b.server)
	if c, ok := b.server.(*server.ClickHouse); ok {
		table(t, c, "logs", "String", "ReplacingMergeTree() ORDER BY event_id")
	}
}

// wantLines waits until the server has the lines 0 to n-1, each once.
func (b commandBackend) wantLines(t *testing.T, n int) {
	t.Helper()
	var numbers []string
	eventually(t, fmt.Sprintf("%d lines are there", n), func() bool {
		numbers = b.numbers(t)
		return len(numbers) >= n
	})
	times := map[string]int{}
	for _, number := range numbers {
		times[number]++
	}
	for i := range n {
		if times[fmt.Sprint(i)] != 1 {
			t.Fatalf("line %d is there %d times", i, times[fmt.Sprint(i)])
		}
	}
	if len(times) != n {
		t.Fatalf("%d different lines are there, want %d", len(times), n)
	}
}

// command is the command slogship with arguments for b.
func (b commandBackend) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	// It gets its own end from the test, by a signal, or from the end of its input.
	cmd := exec.Command(os.Getenv("SLOGSHIP"), append(args, b.args...)...)
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

// wantStatus wants the exit status of a command that has ended.
func wantStatus(t *testing.T, cmd *exec.Cmd, status int, says string) {
	t.Helper()
	text := fmt.Sprint(cmd.Stderr)
	if cmd.ProcessState.ExitCode() != status || !strings.Contains(text, says) {
		t.Fatalf("%v, want status %d and %q:\n%s", cmd.ProcessState, status, says, text)
	}
}

// commandLines are lines with the numbers from to to-1.
func commandLines(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, `{"time":%q,"level":"info","msg":"line","n":%d}`+"\n", time.Now().Format(time.RFC3339Nano), n)
	}
	return b.String()
}

// A pipe, into a server that starts late and is killed once; and slogship check.
func TestCommandPipe(t *testing.T) {
	const n = 3000
	for _, b := range commandBackends(t) {
		t.Run(b.name, func(t *testing.T) {
			b.start(t)
			if err := b.server.Kill(); err != nil { // it has its table
				t.Fatal(err)
			}
			cmd := b.command(t, "-interval", "20ms")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			io.WriteString(in, commandLines(0, n/3))
			check := b.command(t, "check")
			check.Run()
			wantStatus(t, check, 4, "nothing listens at that host and port")
			start(t, b.server)
			io.WriteString(in, commandLines(n/3, n*2/3))
			eventually(t, "most is there", func() bool { return len(b.numbers(t)) >= n*2/3 })
			if _, ok := b.server.(*server.Collector); !ok { // what that has acknowledged it may not have written
				if err := b.server.Kill(); err != nil {
					t.Fatal(err)
				}
				start(t, b.server)
			}
			io.WriteString(in, commandLines(n*2/3, n))
			in.Close()
			cmd.Wait()
			wantStatus(t, cmd, 0, fmt.Sprintf("%d delivered", n))
			b.wantLines(t, n)
			check = b.command(t, "check")
			check.Run()
			wantStatus(t, check, 0, "taken")
		})
	}
}

// What a server that is down does not take is in the spool, and is shipped from there.
func TestCommandSpool(t *testing.T) {
	const n = 1000
	for _, b := range commandBackends(t) {
		t.Run(b.name, func(t *testing.T) {
			spool := filepath.Join(t.TempDir(), "spool")
			cmd := b.command(t, "-spool", spool, "-grace", "50ms")
			cmd.Stdin = strings.NewReader(commandLines(0, n))
			cmd.Run()
			wantStatus(t, cmd, 5, fmt.Sprintf("%d records are in %s", n, spool))
			b.start(t)
			cmd = b.command(t, "spool", spool, "ship")
			cmd.Run()
			wantStatus(t, cmd, 0, fmt.Sprintf("%d delivered", n))
			b.wantLines(t, n)
		})
	}
}

// A file that is rotated, by name and by copy, while slogship and the server are
// killed: every line is there once, for it has the same id again.
func TestCommandFollow(t *testing.T) {
	const n = 6000
	for _, b := range commandBackends(t)[:1] {
		t.Run(b.name, func(t *testing.T) {
			b.start(t)
			dir := t.TempDir()
			path := filepath.Join(dir, "app.log")
			args := []string{"-state", filepath.Join(dir, "state"), "-follow", path, "-interval", "20ms"}
			for i := range 6 {
				cmd := b.command(t, args...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				from, to := i*n/6, (i+1)*n/6
				io.WriteString(f, commandLines(from, to))
				eventually(t, "some of it is there", func() bool { return len(b.numbers(t)) > from })
				if i == 2 {
					if err := b.server.Kill(); err != nil {
						t.Fatal(err)
					}
					start(t, b.server)
				}
				switch i % 3 {
				case 0: // rename
					if err := os.Rename(path, fmt.Sprintf("%s.%d", path, i)); err != nil {
						t.Fatal(err)
					}
				case 1: // copytruncate
					text, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(fmt.Sprintf("%s.%d", path, i), text, 0o600); err != nil {
						t.Fatal(err)
					}
					f.Truncate(0)
				}
				f.Close()
				cmd.Process.Signal(syscall.SIGKILL)
				cmd.Wait()
			}
			cmd := b.command(t, append(args, "-once")...)
			cmd.Run()
			wantStatus(t, cmd, 0, "delivered")
			b.wantLines(t, n)
		})
	}
}

// slogship check says what is wrong in the words of the real servers.
func TestCommandCheck(t *testing.T) {
	l, c := loki(t), clickHouse(t)
	table(t, c, "checked", "String", "Log")
	run := func(status int, says string, args ...string) {
		t.Helper()
		cmd := exec.Command(os.Getenv("SLOGSHIP"), append([]string{"check"}, args...)...)
		cmd.Env = append(os.Environ(), "SLOGSHIP_TOKEN=wrong")
		cmd.Stderr = &bytes.Buffer{}
		cmd.Run()
		wantStatus(t, cmd, status, says)
	}
	run(4, "credentials", "-url", l.Push()) // without a tenant
	run(4, "path: loki takes records at /loki/api/v1/push", "-to", "loki", "-url", l.Push()+"/nowhere")
	run(0, "taken", "-url", l.Push(), "-H", "X-Scope-OrgID: check")
	run(4, "credentials", "-url", c.Insert("checked"), "-H", "X-ClickHouse-User: app")
	run(4, "nosuch", "-url", c.Insert("nosuch"), "-H", "X-ClickHouse-User: app", "-H", "X-ClickHouse-Key: right")
	run(0, "taken", "-url", c.Insert("checked"), "-H", "X-ClickHouse-User: app", "-H", "X-ClickHouse-Key: right")
}
