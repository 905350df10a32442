// Replay ships the lines of log files as records, and reports what arrived.
//
//	go run ./examples/replay [-url URL] [-format NAME] [-header 'Name: value'] FILE...
//	journalctl | go run ./examples/replay -
//
// A file called - is standard input.
//
// Without -url, replay starts a receiver, and compares every line with what arrived
// there. With -url it ships to that backend, whose format -format names:
//
//	-format loki -url http://localhost:3100/loki/api/v1/push    with reject_old_samples: false, if the lines are old
//	-format otlp -url http://localhost:4318/v1/logs             or otlp-json
//	-format clickhouse -url 'http://localhost:8123/?query=INSERT+INTO+logs+FORMAT+JSONEachRow'
//	-format elasticsearch -url http://localhost:9200/INDEX/_bulk
//	-format ndjson -url URL                                     or json
//
// -h lists all formats.
//
// Time, level and program are read from a line if recognise.go knows its layout. Any
// other line is shipped at level INFO with the current time.
//
// The exit status is 0 if every line arrived, 1 if one was lost, and 2 if the
// arguments are wrong or a file cannot be read.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/slogship/slogship"
)

// The exit statuses.
const (
	exitDelivered = 0
	exitLost      = 1
	exitInvalid   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run ships the files that args name, and returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (status int) {
	printf := func(w io.Writer, format string, args ...any) {
		_, _ = fmt.Fprintf(w, format, args...) // there is no other place to report an error
	}
	a, err := parseArgs(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDelivered
	}
	if err != nil {
		printf(stderr, "replay: %v\n", err)
		return exitInvalid
	}
	files, err := openAll(ctx, a.files, stdin)
	defer closeAll(files)
	if err != nil {
		printf(stderr, "replay: %v\n", err)
		return exitInvalid
	}
	r, err := newReplay(a.url, a.header, a.format)
	if err != nil {
		printf(stderr, "replay: %v\n", err)
		return exitInvalid
	}
	defer r.close()

	printf(stdout, "shipping to %v\n", r.handler)
	var total tally
	for _, f := range files {
		t, err := r.ship(ctx, f)
		printf(stdout, "\n%s\n%v", f.name, t)
		total.add(t)
		if err != nil {
			printf(stderr, "replay: %v\n", err)
			return exitInvalid
		}
		if ctx.Err() != nil {
			printf(stderr, "replay: interrupted\n")
			return exitLost
		}
	}
	if len(files) > 1 {
		printf(stdout, "\n%d files\n%v", len(files), &total)
	}
	if total.lost() {
		printf(stderr, "replay: not every line arrived\n")
		return exitLost
	}
	return exitDelivered
}

// arguments are those of the command line.
type arguments struct {
	url    string
	header http.Header
	format slogship.Format
	files  []string
}

func parseArgs(args []string, stderr io.Writer) (a arguments, err error) {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints the error, once
	flags.StringVar(&a.url, "url", "", "ship to this `URL` (default: a receiver that replay starts)")
	format := flags.String("format", "logflare", "how to write records: "+allFormats())
	var headers []string
	flags.Func("header", "send `'Name: value'` with each request; may be repeated", func(s string) error {
		headers = append(headers, s) // an error from here would show s, which may be a secret
		return nil
	})
	err = flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(stderr, "usage: replay [-url URL] [-format NAME] [-header 'Name: value'] FILE...\n")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
	}
	if err != nil {
		return a, err
	}
	a.files = flags.Args()
	switch {
	case len(a.files) == 0:
		return a, errors.New("no file given; -h shows the usage")
	case a.url == "" && len(headers) > 0:
		return a, errors.New("-header is given without -url")
	case a.url == "" && *format != "logflare":
		return a, errors.New("-format is given without -url: the receiver that replay starts is Logflare's")
	}
	if a.format, err = formatOf(*format); err != nil {
		return a, err
	}
	a.header = http.Header{}
	for i, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return a, fmt.Errorf("-header number %d (not shown) has no colon, want 'Name: value'", i+1)
		}
		a.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return a, nil
}
