package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/slogshiptest"
)

// post fills a viewer with n records.
func post(t *testing.T, url string, n int) {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"time":%q,"msg":"request %d","n":%d}`+"\n", time.Now().Add(time.Duration(i-n)*time.Millisecond).Format(time.RFC3339Nano), i, i)
	}
	send(t, url, "", b.String())
}

// A query's result goes to a backend, whose token comes from the environment and
// is never shown; the exit status is 0 only if all arrived.
func TestExportTo(t *testing.T) {
	url := start(t)
	post(t, url, 2500)
	backend := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	_, token, _ := strings.Cut(backend.Header().Get("Authorization"), " ")
	t.Setenv("SLOGSHIP_TOKEN", token)
	var diag bytes.Buffer
	args := []string{"export", "n>=500", "-viewer", url, "-to", "elasticsearch", "-url", backend.URL}
	err := run(t.Context(), args, nil, io.Discard, &diag)
	if code := status(err, &diag); code != exitDone || len(backend.Records()) != 2000 || !strings.Contains(diag.String(), "slogship-viewer: all 2000 records in ") {
		t.Errorf("status %d, %d records\n%s", code, len(backend.Records()), diag.String())
	}
	t.Setenv("SLOGSHIP_TOKEN", token+"x")
	diag.Reset()
	err = run(t.Context(), append(args, "-give-up", "1ms"), nil, io.Discard, &diag)
	if code := status(err, &diag); code != exitFailed || !strings.Contains(diag.String(), "401") || strings.Contains(diag.String(), token) {
		t.Errorf("status %d with a wrong token\n%s", code, diag.String())
	}
	for _, want := range []string{"export is broken off. To go on, repeat the command with -cursor ", "and the query 'n>=500 until:"} {
		if !strings.Contains(diag.String(), want) {
			t.Errorf("no %q in\n%s", want, diag.String())
		}
	}
}

// Ctrl-C ends an export with status 130, and what it prints leads to the rest.
func TestExportInterrupted(t *testing.T) {
	url := start(t)
	post(t, url, 5000)
	ctx, stop := context.WithCancel(t.Context())
	var first, second, diag bytes.Buffer
	out := writer(func(b []byte) (int, error) {
		if first.Len() > 100_000 {
			stop()
		}
		return first.Write(b)
	})
	err := run(ctx, []string{"export", "-viewer", url, "source:api last:1h"}, nil, out, &diag)
	if code := status(err, &diag); code != exitInterrupted {
		t.Fatalf("status %d\n%s", code, diag.String())
	}
	m := regexp.MustCompile(`-cursor (\d+) and the query '(.*)'`).FindStringSubmatch(diag.String())
	if m == nil {
		t.Fatal(diag.String())
	}
	if err := run(t.Context(), []string{"export", "-viewer", url, "-cursor", m[1], m[2]}, nil, &second, io.Discard); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(first.String() + second.String()) {
		seen[line] = true
	}
	if n := strings.Count(first.String(), "\n") + strings.Count(second.String(), "\n"); n != 5000 || len(seen) != 5000 || second.Len() == 0 {
		t.Errorf("%d lines, %d of them different, %d bytes after the break", n, len(seen), second.Len())
	}
}

type writer func(b []byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// Flags that make no sense are errors that say what does; no header is shown.
func TestExportFlags(t *testing.T) {
	url := start(t)
	for want, args := range map[string][]string{
		"-to nowhere is not a backend": {"-to", "nowhere"},
		"-url is not set":              {"-to", "loki"},
		"need -to":                     {"-url", "http://127.0.0.1:1"},
		`-format is "xml"`:             {"-format", "xml"},
		"want 'Name: value'":           {"-to", "loki", "-H", "secret"},
		"-cursor is -1":                {"-cursor", "-1"},
		"^^^^":                         {"level:loud"},
		"is a viewer running?":         {"-viewer", "http://127.0.0.1:1"},
	} {
		err := run(t.Context(), append([]string{"export", "-viewer", url}, args...), nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if code := status(run(t.Context(), []string{"export", "-h"}, nil, io.Discard, io.Discard), io.Discard); code != exitDone {
		t.Errorf("status %d of -h", code)
	}
	if code := status(errors.New("x"), io.Discard); code != exitFailed {
		t.Errorf("status %d of an error", code)
	}
}

// -h shows no token of the environment.
func TestHelpHidesToken(t *testing.T) {
	t.Setenv("SLOGSHIP_VIEWER_TOKEN", "topsecret")
	for _, command := range []string{"query", "export", "mcp", "-h"} {
		var diag bytes.Buffer
		_ = run(t.Context(), []string{command, "-h"}, nil, io.Discard, &diag)
		if diag.Len() == 0 || strings.Contains(diag.String(), "topsecret") {
			t.Errorf("%s:\n%s", command, diag.String())
		}
	}
}
