package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// The whole program, in less time: all checks hold, and what it prints where
// there is no terminal has no control characters and no credentials.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	p := plan{before: 400 * time.Millisecond, outage: time.Second, after: 600 * time.Millisecond, clients: 4}
	ok, err := run(t.Context(), p, newScreenOn(&out, false))
	if !ok || err != nil {
		t.Fatalf("ok %v, error %v\n%s", ok, err, out.String())
	}
	text := out.String()
	for _, want := range []string{
		"accepted", "delivered", "dropped", "batches", "retries", "compression", "p50", "p99", "before", "outage", "after",
		"OnError: slogship: POST http://", "OnError: slogship: delivery recovered",
		"a record as it was shipped", `"message": "request served"`, `"request_id": "client`, "read next: " + readNext,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, secret := range []string{"Bearer", "source="} {
		if strings.Contains(text, secret) {
			t.Errorf("%q in\n%s", secret, text)
		}
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }); i >= 0 {
		t.Errorf("control character at %d of %q", i, text)
	}
}

// The file to read next is there.
func TestReadNext(t *testing.T) {
	if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(readNext))); err != nil {
		t.Error(err)
	}
}

// Ctrl-C ends the program soon. It says that it was interrupted: nothing failed.
func TestInterrupted(t *testing.T) {
	for name, p := range map[string]plan{
		"before the outage": {before: time.Hour, outage: time.Hour, after: time.Hour, clients: 2},
		"within the outage": {outage: time.Hour, after: time.Hour, clients: 2},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			var out bytes.Buffer
			ok, err := run(ctx, p, newScreenOn(&out, false))
			text := out.String()
			if !ok || !errors.Is(err, errInterrupted) || strings.Contains(text, "FAILED") {
				t.Errorf("ok %v, error %v\n%s", ok, err, text)
			}
			for _, want := range []string{"ok      everything was delivered", "interrupted: the rest of the plan was left out"} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}

// Each check fails where what it checks is not so.
func TestChecks(t *testing.T) {
	record := func(id, client, n int) slogshiptest.Record {
		return slogshiptest.Record{ID: fmt.Sprint(id), Attrs: map[string]any{"request_id": requestID(client, n)}}
	}
	failure, recovery := errors.New("503"), fmt.Errorf("%w: after 3s", slogship.ErrRecovered)
	good := func() *report {
		return &report{
			stats:    slogship.Stats{Accepted: 4, Delivered: 4},
			troubles: []error{failure, recovery},
			sent:     []int{3, 1},
			arrived:  []slogshiptest.Record{record(1, 0, 1), record(2, 1, 1), record(3, 0, 2), record(4, 0, 3)},
		}
	}
	for _, c := range []struct {
		name   string
		spoil  func(*report)
		failed string // the check that is to fail; "" for none
	}{
		{"nothing", func(*report) {}, ""},
		{"a client gave up", func(r *report) { r.failed = errors.New("EOF") }, "every request was served"},
		{"not accepted", func(r *report) { r.stats.Accepted, r.stats.Delivered = 3, 3 }, "everything was delivered"},
		{"not delivered", func(r *report) { r.stats.Delivered, r.stats.Dropped.Overflow = 3, 1 }, "everything was delivered"},
		{"not closed", func(r *report) { r.closeErr = slogship.ErrUnsent }, "everything was delivered"},
		{"the last one did not arrive", func(r *report) { r.arrived = r.arrived[:3] }, "everything was delivered"},
		{"unbalanced", func(r *report) { r.unbalanced = errors.New("1 and 2") }, "accepted = delivered"},
		{"one missing in between", func(r *report) { r.arrived[2] = record(3, 1, 2) }, "each client's requests"},
		{"swapped within a client", func(r *report) { r.arrived[0], r.arrived[2] = record(1, 0, 2), record(3, 0, 1) }, "each client's requests"},
		{"swapped between clients", func(r *report) { r.arrived[0], r.arrived[1] = r.arrived[1], r.arrived[0] }, "each client's requests"},
		{"no request_id", func(r *report) { r.arrived[0].Attrs = nil }, "each client's requests"},
		{"a client nobody knows", func(r *report) { r.arrived[0] = record(1, 2, 1) }, "each client's requests"},
		{"sent again", func(r *report) { r.repeated = 1 }, "no record arrived twice"},
		{"stored twice", func(r *report) { r.arrived[3].ID = "3" }, "no record arrived twice"},
		{"no recovery", func(r *report) { r.troubles = r.troubles[:1] }, "OnError"},
		{"two failures", func(r *report) { r.troubles = append(r.troubles, failure) }, "OnError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := good()
			c.spoil(r)
			var out bytes.Buffer
			if ok := r.print(newScreenOn(&out, false)); ok != (c.failed == "") {
				t.Errorf("ok is %v\n%s", ok, out.String())
			}
			if c.failed != "" && !strings.Contains(out.String(), "FAILED  "+c.failed) {
				t.Errorf("%q did not fail\n%s", c.failed, out.String())
			}
		})
	}
}

// On a terminal a state replaces the one before, and an event stays.
func TestScreenOnTerminal(t *testing.T) {
	var out bytes.Buffer
	s := newScreenOn(&out, true)
	s.state(&slogship.Stats{Accepted: 1})
	s.event("gone")
	s.state(&slogship.Stats{Accepted: 2, LastError: errors.New("503")})
	lines := strings.Split(out.String(), eraseLine)
	if len(lines) != 4 || strings.Contains(lines[1], "\n") || !strings.HasSuffix(lines[2], "gone\n") || !strings.HasSuffix(lines[3], "failing") {
		t.Errorf("%q", lines)
	}
}

// A request is logged with its id, its status, and a level that fits.
func TestLogRequests(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header(), ContextAttrs: requestAttrs})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	service := logRequests(slog.New(h), newService())
	get := func(path, id string) {
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.Header.Set("X-Request-ID", id)
		service.ServeHTTP(httptest.NewRecorder(), r)
	}
	get("/orders/1", "a")
	get("/orders/50", "")
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := backend.Records()
	if len(got) != 2 {
		t.Fatalf("%d records", len(got))
	}
	for i, want := range []string{"info GET /orders/1 200", "warn GET /orders/50 404"} {
		a := got[i].Attrs
		if line := fmt.Sprint(got[i].Level, " ", a["method"], " ", a["path"], " ", a["status"]); line != want {
			t.Errorf("got %s, want %s", line, want)
		}
		if a["duration"] == nil {
			t.Errorf("no duration in %v", a)
		}
	}
	if a, b := got[0].Attrs["request_id"], got[1].Attrs["request_id"]; a != "a" || b == "" || b == nil {
		t.Errorf("request ids %v and %v", a, b)
	}
}
