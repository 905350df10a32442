package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slogship/slogship/viewer/internal/export"
)

// exporter is the command export: all that a query finds goes to standard output,
// or to a log backend.
type exporter struct {
	client   client
	query    string
	format   string
	cursor   int64
	to, url  string
	headers  http.Header
	giveUp   time.Duration
	grace    time.Duration
	progress time.Duration

	mu   sync.Mutex // guards diag: the backend's troubles are said in between
	diag io.Writer
}

func runExport(ctx context.Context, args []string, out, diag io.Writer) error {
	e := &exporter{diag: diag, headers: http.Header{}}
	f := flag.NewFlagSet("slogship-viewer export 'last:1h'", flag.ContinueOnError)
	f.SetOutput(diag)
	e.client.flags(f)
	f.StringVar(&e.format, "format", "ndjson", "what is written to standard output: `ndjson` or csv")
	f.StringVar(&e.to, "to", "", "ship to this `backend` instead: "+export.Backends())
	f.StringVar(&e.url, "url", "", "the backend's `address`; without a path, its own is added. Its token is taken from SLOGSHIP_TOKEN")
	f.Func("H", "a `header` of requests to the backend, 'Name: value'; may be repeated", e.header)
	f.Int64Var(&e.cursor, "cursor", 0, "go on after this `cursor` of an export that was broken off")
	f.DurationVar(&e.giveUp, "give-up", 2*time.Minute, "end when the backend has failed for so long")
	f.DurationVar(&e.grace, "grace", 5*time.Second, "wait so long for the backend after Ctrl-C")
	f.DurationVar(&e.progress, "progress", 2*time.Second, "how often progress is written to standard error; 0: never")
	var err error
	if e.query, err = parseFlags(f, args); err != nil {
		return err
	}
	sink, err := e.sink(ctx, out)
	if err != nil {
		return err
	}
	return e.run(ctx, sink)
}

// header takes a header without showing it: it may be a secret.
func (e *exporter) header(s string) error {
	name, value, ok := strings.Cut(s, ":")
	if name, value = strings.TrimSpace(name), strings.TrimSpace(value); !ok || name == "" {
		return errors.New("want 'Name: value'")
	}
	e.headers.Add(name, value)
	return nil
}

func (e *exporter) sink(ctx context.Context, out io.Writer) (export.Sink, error) {
	switch {
	case e.cursor < 0:
		return nil, fmt.Errorf("-cursor is %d, want what an export printed", e.cursor)
	case e.to != "":
		target, err := export.NewTarget(e.to, e.url, strings.TrimSpace(os.Getenv("SLOGSHIP_TOKEN")), e.headers)
		if err != nil {
			return nil, err
		}
		return export.NewShip(ctx, target, export.ShipOptions{GiveUp: e.giveUp, Grace: e.grace, Say: e.say}), nil
	case e.url != "" || len(e.headers) > 0:
		return nil, errors.New("-url and -H need -to, which says what the backend is")
	case e.format == "ndjson":
		return export.NDJSON(out), nil
	case e.format == "csv":
		return export.CSV(out), nil
	}
	return nil, fmt.Errorf("-format is %q, want ndjson or csv", e.format)
}

func (e *exporter) say(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	say(e.diag, "%s", line)
}

func (e *exporter) run(ctx context.Context, sink export.Sink) error {
	start := time.Now()
	next := start.Add(e.progress)
	ex := export.Export{Get: e.client.get, Query: e.query, Cursor: e.cursor, Progress: func(p export.Progress) {
		if e.progress > 0 && time.Now().After(next) {
			next = time.Now().Add(e.progress)
			e.say(fmt.Sprintf("%d records, %s, up to %.23s", p.Records, rate(p.Records, start), p.Time))
		}
	}}
	p, err := ex.Run(ctx, sink)
	if err == nil {
		if e.progress > 0 {
			e.say(fmt.Sprintf("all %d records in %v, %s", p.Records, time.Since(start).Round(time.Millisecond), rate(p.Records, start)))
		}
		return nil
	}
	if ctx.Err() != nil {
		err = errInterrupted
	}
	if p.Broken {
		e.say("export is broken off. To go on, repeat the command with -cursor " + strconv.FormatInt(p.Cursor, 10) + " and the query " + quoted(p.Query))
	}
	return err
}

var errInterrupted = errors.New("interrupted")

func rate(n int64, start time.Time) string {
	return fmt.Sprintf("%.0f a second", float64(n)/max(time.Since(start).Seconds(), 0.001))
}

// quoted is s as a shell takes it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
