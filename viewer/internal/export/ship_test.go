package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slogship/slogship/slogshiptest"
	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/store"
)

// said is what the user would read.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// to returns a Ship to a backend that is up.
func to(ctx context.Context, t *testing.T, name string, backend *slogshiptest.Server, s *said) *Ship {
	t.Helper()
	target, err := NewTarget(name, backend.URL, "", backend.Header())
	if err != nil {
		t.Fatal(err)
	}
	return NewShip(ctx, target, ShipOptions{GiveUp: time.Hour, Grace: time.Millisecond, Say: s.say})
}

// Records arrive at every kind of backend with their own time, level, source,
// attributes and ids; a second export brings the same ids, so that it adds none.
func TestBackends(t *testing.T) {
	for _, c := range []struct {
		name    string
		backend slogshiptest.Backend
		source  func(r *slogshiptest.Record) any
		level   string
	}{
		{"logflare", slogshiptest.Logflare, attr("service"), "info+2"},
		{"axiom", slogshiptest.Axiom, attr("service"), "info+2"},
		{"betterstack", slogshiptest.BetterStack, attr("service"), "info+2"},
		{"datadog", slogshiptest.Datadog, nil, ""},
		{"elasticsearch", slogshiptest.Elasticsearch, attr("service"), "info+2"},
		{"honeycomb", slogshiptest.Honeycomb, attr("service"), "info+2"},
		{"loki", slogshiptest.Loki, func(r *slogshiptest.Record) any { return r.Context["service_name"] }, "info+2"},
		{"newrelic", slogshiptest.NewRelic, attr("service.name"), ""},
		{"otlp", slogshiptest.OTLP, func(r *slogshiptest.Record) any { return r.Context["service.name"] }, ""},
		{"seq", slogshiptest.Seq, attr("service"), ""},
		{"splunk", slogshiptest.Splunk, attr("service"), "info+2"},
		{"victorialogs", slogshiptest.VictoriaLogs, attr("service"), "info+2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newViewer(t, 400)
			backend := slogshiptest.NewServer(t, c.backend)
			for round := range 2 {
				var s said
				p, err := (&Export{Get: v.get}).Run(t.Context(), to(t.Context(), t, c.name, backend, &s))
				if err != nil || p.Records != 400 || p.Broken {
					t.Fatalf("%+v, %v\n%v", p, err, &s)
				}
				if n, twice := len(backend.Records()), backend.Duplicates(); n != 400 || twice != 400*round {
					t.Fatalf("%d records, %d twice, in round %d", n, twice, round)
				}
			}
			r, ok := backend.Find("request 7")
			if !ok {
				t.Fatal("a record is missing")
			}
			when := v.when(7)
			if d := when.Sub(r.Time); d < 0 || d >= time.Millisecond {
				t.Errorf("its time is %v, want %v", r.Time, when)
			}
			if c.level != "" && r.Level != c.level {
				t.Errorf("its level is %q", r.Level)
			}
			if c.source != nil && c.source(&r) != "web" {
				t.Errorf("its source is %v: %s", c.source(&r), r.Raw)
			}
			raw := fmt.Sprint(string(r.Raw), r.Attrs, r.Context)
			for _, want := range []string{traceID, "0100000000000000", "web"} {
				if !strings.Contains(raw, want) {
					t.Errorf("no %s in %s", want, raw)
				}
			}
			if strings.Contains(raw, "viewer.identity") || len(r.ID) != 48 {
				t.Errorf("the id is %q, in %s", r.ID, raw)
			}
			if n := fmt.Sprint(r.Attrs["n"]); n != "7" {
				t.Errorf("n is %s in %v", n, r.Attrs)
			}
		})
	}
}

func attr(name string) func(r *slogshiptest.Record) any {
	return func(r *slogshiptest.Record) any { return r.Attrs[name] }
}

// Two records have different ids, even where two viewers give them the same key.
func TestIdentity(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	when := time.Now().Truncate(time.Millisecond)
	for _, message := range []string{"of one machine", "of another"} {
		v := newViewer(t, 0)
		if err := v.Append(t.Context(), &store.Batch{Logs: []event.Log{{Time: when.UnixNano(), Source: "api", Message: message}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := (&Export{Get: v.get}).Run(t.Context(), to(t.Context(), t, "logflare", backend, &said{})); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(backend.Records()); n != 2 || backend.Duplicates() != 0 {
		t.Errorf("%d records, %d twice", n, backend.Duplicates())
	}
}

// Ctrl-C ends an export also while the backend is away. The cursor is before the
// first record that it has not: going on brings all, none twice in the end.
func TestInterrupted(t *testing.T) {
	const n = 30_000 // more than waits in memory
	v := newViewer(t, n)
	backend := slogshiptest.NewServer(t)
	ctx, stop := context.WithCancel(t.Context())
	e := &Export{Get: v.get, Progress: func(p Progress) {
		if p.Records >= 25_000 && p.Records < 26_000 {
			backend.Fail(slogshiptest.Failure{Status: 503})
			time.AfterFunc(50*time.Millisecond, stop) // records are on their way, or wait for room: either is good
		}
	}}
	var s said
	p, err := e.Run(ctx, to(ctx, t, "logflare", backend, &s))
	if !p.Broken || err == nil {
		t.Fatalf("it was not broken off: %+v, %v", p, err)
	}
	arrived := len(backend.Records())
	if arrived == 0 || arrived == n || p.Cursor == 0 {
		t.Fatalf("%d arrived: nothing is shown by this", arrived)
	}
	backend.Recover()
	if p, err = (&Export{Get: v.get, Query: p.Query, Cursor: p.Cursor}).Run(t.Context(), to(t.Context(), t, "logflare", backend, &s)); err != nil {
		t.Fatal(p, err)
	}
	if got := len(backend.Records()); got != n || backend.Duplicates() > n/2 {
		t.Errorf("%d records of %d, %d twice\n%v", got, n, backend.Duplicates(), &s)
	}
}

// A backend that does not come back ends the export, and it says with which cursor
// to go on.
func TestGiveUp(t *testing.T) {
	v := newViewer(t, 500)
	backend := slogshiptest.NewServer(t, slogshiptest.Loki)
	backend.Fail(slogshiptest.Failure{Status: 503})
	var s said
	target, err := NewTarget("loki", backend.URL, "", backend.Header())
	if err != nil {
		t.Fatal(err)
	}
	ship := NewShip(t.Context(), target, ShipOptions{GiveUp: time.Millisecond, Grace: time.Hour, Say: s.say})
	p, err := (&Export{Get: v.get}).Run(t.Context(), ship)
	if err == nil || !p.Broken || !strings.Contains(err.Error(), "unsent") {
		t.Errorf("%+v, %v", p, err)
	}
	if lines := s.String(); strings.Count(lines, "503") != 1 {
		t.Errorf("three sources fail together, and it is said:\n%s", lines)
	}
	backend.Recover()
	if _, err = (&Export{Get: v.get, Query: p.Query, Cursor: p.Cursor}).Run(t.Context(), to(t.Context(), t, "loki", backend, &s)); err != nil || len(backend.Records()) != 500 {
		t.Errorf("%d records, %v", len(backend.Records()), err)
	}
}

// A record that the backend refuses is named, and does not stop the others; the
// export says that it is not complete.
func TestRefused(t *testing.T) {
	v := newViewer(t, 300)
	backend := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	backend.RejectRecords(func(r slogshiptest.Record) string {
		if n := fmt.Sprint(r.Attrs["n"]); len(n) == 2 && n[1] == '5' {
			return "no fives"
		}
		return ""
	})
	var s said
	p, err := (&Export{Get: v.get}).Run(t.Context(), to(t.Context(), t, "elasticsearch", backend, &s))
	if err == nil || !strings.Contains(err.Error(), "9 records were refused") || p.Broken || len(backend.Records()) != 291 {
		t.Errorf("%d records, %+v, %v", len(backend.Records()), p, err)
	}
	if n := strings.Count(s.String(), "is refused (rejected)"); n != 9 {
		t.Errorf("%d are named:\n%v", n, &s)
	}
}

// More sources than there may be Handlers are an error that says what to do.
func TestManySources(t *testing.T) {
	v := newViewer(t, 0)
	var logs []event.Log
	for i := range maxSources + 1 {
		logs = append(logs, event.Log{Time: time.Now().Add(time.Duration(i) * time.Millisecond).UnixNano(), Source: fmt.Sprint("source ", i), Message: "x"})
	}
	if err := v.Append(t.Context(), &store.Batch{Logs: logs}); err != nil {
		t.Fatal(err)
	}
	backend := slogshiptest.NewServer(t)
	p, err := (&Export{Get: v.get}).Run(t.Context(), to(t.Context(), t, "logflare", backend, &said{}))
	if err == nil || !strings.Contains(err.Error(), "source:a,b,c") || !p.Broken || len(backend.Records()) != maxSources {
		t.Errorf("%d records, %+v, %v", len(backend.Records()), p, err)
	}
}

// A target says what is wrong before anything is read; it shows no secret.
func TestTarget(t *testing.T) {
	for _, c := range []struct{ name, url, token, want string }{
		{"nowhere", "http://127.0.0.1:1", "", "-to nowhere is not a backend that slogship knows; there are axiom, "},
		{"loki", "", "", "-url is not set"},
		{"loki", "127.0.0.1:1/x", "", "slogship: "},
		{"loki", "http://127.0.0.1:1", "a\nb", "control character"},
	} {
		if _, err := NewTarget(c.name, c.url, c.token, nil); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "a\nb") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for name, want := range map[string][3]string{
		"loki": {"http://h:1/loki/api/v1/push", "Authorization", "Bearer x"}, "splunk": {"http://h:1/services/collector/event", "Authorization", "Splunk x"},
		"datadog": {"http://h:1/api/v2/logs", "Dd-Api-Key", "x"}, "elasticsearch": {"http://h:1/_bulk", "Authorization", "ApiKey x"},
	} {
		target, err := NewTarget(name, "http://h:1/", "x", nil)
		if err != nil || target.endpoint != want[0] || target.header.Get(want[1]) != want[2] {
			t.Errorf("%s: %+v, %v", name, target, err)
		}
	}
	target, err := NewTarget("loki", "http://h:1/own/path", "", nil)
	if err != nil || target.endpoint != "http://h:1/own/path" {
		t.Errorf("%+v, %v", target, err)
	}
	if errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
