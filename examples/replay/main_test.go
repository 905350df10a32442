package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/slogshiptest"
)

func write(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// replayed runs the program to its end.
func replayed(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	return replayedFrom(ctx, strings.NewReader(""), args...)
}

// replayedFrom runs it with a standard input.
func replayedFrom(ctx context.Context, stdin io.Reader, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(ctx, args, stdin, &out, &errs)
	return status, out.String(), errs.String()
}

func wantIn(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in\n%s", p, text)
		}
	}
}

// Lines of any length and any bytes, in files of any format, arrive in the
// receiver of the program's own as they are.
func TestReplay(t *testing.T) {
	long := strings.Repeat("a line longer than a bufio.Scanner takes ", 2000)
	strange := write(t, "strange.log", strings.Join([]string{
		"2015-03-04 05:06:07,747 - WARN  [a:B@1] - with a carriage return\r",
		"",
		"\tat no.format(Of.java:1)",
		"not UTF-8: \xff\xfe, a NUL: \x00, quotes: \"\\",
		long,
		strings.Repeat("longer than MaxRecordBytes, é ", 20_000),
		"Dec 24 18:00:01 host sshd[77]: without a newline at its end",
	}, "\n"))
	many := write(t, "many.log", strings.Repeat("[Fri Jan 06 10:20:30 2006] [error] x\n", 2*chunkLines+1))
	empty := write(t, "empty.log", "")

	status, stdout, stderr := replayed(t.Context(), strange, many, empty)
	if status != exitDelivered || stderr != "" {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	wantIn(t, stdout,
		strange, "7 read, 7 delivered, 0 dropped (none), 1 cut", "debug 0, info 6, warn 1, error 0", "2015-03-04 05:06:07.747", "times     2015-03-04 05:06:07.747",
		many, "20001 read, 20001 delivered, 0 dropped (none), 0 cut", "error 20001", "2006-01-06 10:20:30.000",
		empty, "0 read", "on no line",
		"3 files", "20008 read, 20008 delivered",
		"compared  all lines arrived as they were sent, in order",
	)
}

// With -url and -header the lines go there, with their attributes.
func TestReplayToURL(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	key := backend.Header().Get("Authorization")
	file := write(t, "a.log", "Feb  1 18:00:01 host sshd[77]: in\n2018-09-10 11:12:13.008 4711 WARNING nova.api out\n")
	status, stdout, stderr := replayed(t.Context(), "-url", backend.URL, "-header", "Authorization: "+key, file)
	if status != exitDelivered {
		t.Fatalf("exit status %d\n%s%s", status, stdout, stderr)
	}
	wantIn(t, stdout, "2 read, 2 delivered", "info 1, warn 1")
	if strings.Contains(stdout+stderr, key) || strings.Contains(stdout+stderr, "source=") || strings.Contains(stdout, "compared") {
		t.Errorf("the output has a secret, or a comparison that was not made:\n%s%s", stdout, stderr)
	}
	var got []string
	for _, r := range backend.Records() {
		got = append(got, fmt.Sprint(r.Level, " ", r.Message, " ", r.Attrs["file"] == file, " ", r.Attrs["line"], " ", r.Attrs["program"]))
	}
	want := []string{
		"info Feb  1 18:00:01 host sshd[77]: in true 1 sshd",
		"warn 2018-09-10 11:12:13.008 4711 WARNING nova.api out true 2 nova.api",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if at := backend.Records()[1].Time; !at.Equal(time.Date(2018, 9, 10, 11, 12, 13, 8000000, time.Local)) {
		t.Errorf("the time is %v", at)
	}
}

// A file called - is standard input, between others if need be.
func TestStandardInput(t *testing.T) {
	file := write(t, "a.log", "x\n")
	status, stdout, stderr := replayedFrom(t.Context(), strings.NewReader("a\nb"), "-", file)
	if status != exitDelivered || stderr != "" {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	wantIn(t, stdout, "\nstandard input\n  lines     2 read, 2 delivered", file, "3 read, 3 delivered", "compared  all lines arrived")
}

// Ctrl-C ends the wait for a standard input that says nothing, and what it said
// before arrives.
func TestStandardInputInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdin, keyboard := io.Pipe()
	defer keyboard.Close()
	go func() {
		_, _ = io.WriteString(keyboard, "a\nb\n")
		cancel()
	}()
	status, stdout, stderr := replayedFrom(ctx, stdin, "-")
	if status != exitLost {
		t.Errorf("exit status %d", status)
	}
	wantIn(t, stdout, "delivered, 0 dropped")
	wantIn(t, stderr, "interrupted")
}

// The times are from the earliest to the latest, whatever the order of lines and
// of files.
func TestTimes(t *testing.T) {
	line := func(day string) string { return day + " 05:06:07,747 - WARN  [a:B@1] - x\n" }
	newer := write(t, "newer.log", line("2015-03-04")+line("2015-03-02")+line("2015-03-05")+line("2015-03-03"))
	older := write(t, "older.log", line("2014-03-04"))
	_, stdout, _ := replayed(t.Context(), newer, older)
	var got []string
	for text := range strings.Lines(stdout) {
		if fields := strings.Fields(text); len(fields) > 0 && fields[0] == "times" {
			got = append(got, fmt.Sprint(fields[1], " ", fields[5], " ", strings.Join(fields[8:], " ")))
		}
	}
	want := []string{"2015-03-02 2015-03-05 on 4 lines", "2014-03-04 2014-03-04 on 1 line", "2014-03-04 2015-03-05 on 5 lines"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q in\n%s", got, want, stdout)
	}
}

// With -format the lines go out as the backend wants them: all of package
// formats are there.
func TestFormat(t *testing.T) {
	file := write(t, "a.log", "2018-09-10 11:12:13.008 4711 WARNING nova.api out\n")
	backends := map[string]slogshiptest.Backend{
		"axiom": slogshiptest.Axiom, "betterstack": slogshiptest.BetterStack, "datadog": slogshiptest.Datadog,
		"elasticsearch": slogshiptest.Elasticsearch, "honeycomb": slogshiptest.Honeycomb, "logflare": slogshiptest.Logflare,
		"loki": slogshiptest.Loki, "newrelic": slogshiptest.NewRelic, "otlp": slogshiptest.OTLP, "otlp-json": slogshiptest.OTLP,
		"seq": slogshiptest.Seq, "splunk": slogshiptest.Splunk, "victorialogs": slogshiptest.VictoriaLogs,
	}
	for name, as := range backends {
		t.Run(name, func(t *testing.T) {
			backend := slogshiptest.NewServer(t, as)
			args := []string{"-url", backend.URL, "-format", name}
			for header, values := range backend.Header() {
				args = append(args, "-header", header+": "+values[0])
			}
			status, stdout, stderr := replayed(t.Context(), append(args, file)...)
			if status != exitDelivered {
				t.Fatalf("exit status %d\n%s%s", status, stdout, stderr)
			}
			got := backend.Records()
			if len(got) != 1 || !strings.HasPrefix(strings.ToLower(got[0].Level), "warn") || !strings.Contains(got[0].Message, "nova.api out") {
				t.Errorf("got %+v", got)
			}
		})
	}
	// Those that no Backend stands for.
	others := map[string]struct{ contentType, want string }{
		"json":       {"application/json", `"level":"WARN","msg":"2018-09-10`},
		"ndjson":     {"application/x-ndjson", `"level":"WARN","msg":"2018-09-10`},
		"clickhouse": {"application/x-ndjson", `"level":"warn","message":"2018-09-10`},
	}
	for name, c := range others {
		t.Run(name, func(t *testing.T) {
			var body []byte
			var contentType string
			backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				contentType = r.Header.Get("Content-Type")
				z, err := gzip.NewReader(r.Body)
				if err != nil {
					t.Error(err)
					return
				}
				body, _ = io.ReadAll(z)
			}))
			status, stdout, stderr := replayed(t.Context(), "-url", backend.URL, "-format", name, file)
			backend.Close() // its handler has ended
			if status != exitDelivered || contentType != c.contentType {
				t.Errorf("exit status %d, Content-Type %q\n%s%s", status, contentType, stdout, stderr)
			}
			wantIn(t, string(body), c.want)
		})
	}
	if n := len(backends) + len(others); len(formatNames) != n {
		t.Errorf("%d formats, of which %d are tested", len(formatNames), n)
	}
}

// A line that the server refuses is lost, is counted, and is the exit status.
func TestLost(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	backend.RejectRecords(func(r slogshiptest.Record) string {
		if r.Message == "b" {
			return "no"
		}
		return ""
	})
	status, stdout, stderr := replayed(t.Context(), "-url", backend.URL,
		"-header", "Authorization: "+backend.Header().Get("Authorization"), write(t, "a.log", "a\nb\nc\n"))
	if status != exitLost {
		t.Errorf("exit status %d", status)
	}
	wantIn(t, stdout, "3 read, 2 delivered, 1 dropped (rejected 1)")
	wantIn(t, stderr, "not every line arrived")
}

// Ctrl-C ends the wait for a server that is away, and what is lost is counted.
func TestInterrupted(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	backend.Fail(slogshiptest.Failure{Status: http.StatusServiceUnavailable, RetryAfter: "300"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for len(backend.Requests()) == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond) // until the answer is read; with less, Close takes its 5 s
		cancel()
	}()
	status, stdout, stderr := replayed(ctx, "-url", backend.URL, write(t, "a.log", "a\nb\n"))
	if status != exitLost {
		t.Errorf("exit status %d", status)
	}
	wantIn(t, stdout, "2 read, 0 delivered, 2 dropped (shutdown 2)")
	wantIn(t, stderr, "interrupted")
}

// Wrong arguments are told, with exit status 2, before anything is shipped. What
// could be a secret is not repeated.
func TestInvalid(t *testing.T) {
	file := write(t, "a.log", "a\n")
	const secret = "hunter2"
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no file", nil, "no file given"},
		{"a file that there is not", []string{file, file + "x"}, "no such file"},
		{"standard input twice", []string{"-", file, "-"}, "- is given twice"},
		{"a directory", []string{t.TempDir()}, "is a directory"},
		{"an unknown flag", []string{"-color", file}, "-color"},
		{"a header without a colon", []string{"-url", "http://localhost", "-header", "X-API-KEY " + secret, file}, "no colon"},
		{"a header that is none", []string{"-url", "http://localhost", "-header", "X API KEY: " + secret, file}, "X API KEY"},
		{"a header for nobody", []string{"-header", "X-API-KEY: " + secret, file}, "without -url"},
		{"an unknown format", []string{"-url", "http://localhost", "-format", "xml", file}, "want one of axiom, betterstack, clickhouse, datadog, elasticsearch, honeycomb, json, logflare, loki, ndjson, newrelic, otlp, otlp-json, seq, splunk, victorialogs"},
		{"a format for nobody", []string{"-format", "loki", file}, "without -url"},
		{"no URL", []string{"-url", "localhost?api_key=" + secret, file}, "not an absolute http(s) URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := replayed(t.Context(), c.args...)
			if status != exitInvalid || stdout != "" || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
			}
			wantIn(t, stderr, c.want)
			if strings.Contains(stderr, secret) {
				t.Errorf("a secret in %s", stderr)
			}
		})
	}
}

// The comparison sees every way in which what arrived can differ.
func TestCompare(t *testing.T) {
	at := time.Date(2015, 3, 4, 5, 6, 7, 747000000, time.UTC)
	sent := func(n int) sentLine {
		return sentLine{text: fmt.Sprintf("line %d", n), number: n, entry: entry{time: at}}
	}
	arrived := func(n int) string {
		return fmt.Sprintf(`{"id":"%d","timestamp":"2015-03-04T05:06:07.747Z","message":"line %d","metadata":{"level":"info","line":%d}}`, n, n, n)
	}
	for _, c := range []struct {
		name     string
		arrived  []string
		mistakes int
		want     string
	}{
		{"all", []string{arrived(1), arrived(2), arrived(3)}, 0, ""},
		{"none", nil, 3, "line 1 did not arrive"},
		{"one missing", []string{arrived(1), arrived(3)}, 1, "line 2 did not arrive"},
		{"the last missing", []string{arrived(1), arrived(2)}, 1, "line 3 did not arrive"},
		{"two swapped", []string{arrived(2), arrived(1), arrived(3)}, 2, "line 1 did not arrive"},
		{"one too many", []string{arrived(1), arrived(2), arrived(3), arrived(4)}, 1, "line 4 arrived again"},
		{"another text", []string{strings.Replace(arrived(1), "line 1", "line ?", 1), arrived(2), arrived(3)}, 1, `line 1 "line 1" arrived as "line ?"`},
		{"another level", []string{strings.Replace(arrived(1), "info", "warn", 1), arrived(2), arrived(3)}, 1, `arrived with level "warn"`},
		{"another time", []string{strings.Replace(arrived(1), "747", "748", 1), arrived(2), arrived(3)}, 1, "arrived with time"},
		{"cut", []string{strings.NewReplacer("line 1", "lin…", "{\"level", "{\"_cut\":true,\"level").Replace(arrived(1)), arrived(2), arrived(3)}, 0, ""},
		{"cut wrong", []string{strings.NewReplacer("line 1", "lim…", "{\"level", "{\"_cut\":true,\"level").Replace(arrived(1)), arrived(2), arrived(3)}, 1, "arrived as"},
	} {
		t.Run(c.name, func(t *testing.T) {
			backend := slogshiptest.NewServer(t)
			post(t, backend, c.arrived)
			var got tally
			r := &replay{backend: backend}
			r.compare(&got, []sentLine{sent(1), sent(2), sent(3)})
			if got.mistakes != c.mistakes || !strings.Contains(fmt.Sprint(got.mistaken), c.want) {
				t.Errorf("%d mistakes, the first: %v", got.mistakes, got.mistaken)
			}
			if got.lines = 3; !got.lost() {
				t.Error("lines that were never delivered are not lost")
			}
		})
	}
}

// post gives events to a receiver, around slogship.
func post(t *testing.T, backend *slogshiptest.Server, events []string) {
	t.Helper()
	raw := make([]json.RawMessage, len(events))
	for i, e := range events {
		raw[i] = json.RawMessage(e)
	}
	body, err := json.Marshal(map[string]any{"batch": raw})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, backend.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = backend.Header()
	req.Header.Set("Content-Type", "application/json")
	resp, err := backend.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
}
