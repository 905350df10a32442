// Slogship-viewer receives logs and traces, keeps them in SQLite, and shows them in
// a browser.
//
//	slogship-viewer                          serve on 127.0.0.1:7777
//	slogship-viewer query 'level>=warn'      ask a viewer that runs
//	slogship-viewer export 'last:1h'         all of a query's result, as NDJSON or CSV, or to a log backend
//	slogship-viewer mcp                      answer an agent on standard input and output
//
// Each has -h.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/slogship/slogship/viewer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status(err, os.Stderr))
}

// The exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitInterrupted = 130 // as shells have it for Ctrl-C
)

// status says what went wrong, if anything did.
func status(err error, diag io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	}
	say(diag, "%v", err)
	return exitFailed
}

// say tells the user. Who does not read cannot be told.
func say(diag io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(diag, "slogship-viewer: "+format+"\n", args...)
}

func run(ctx context.Context, args []string, in io.Reader, out, diag io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "query":
			return ask(ctx, args[1:], out, diag)
		case "export":
			return runExport(ctx, args[1:], out, diag)
		case "mcp":
			return serveAgent(ctx, args[1:], in, out, diag)
		case "help":
			args[0] = "-h"
		}
	}
	return serve(ctx, args, diag)
}

// hosts is a flag that may be given more than once.
type hosts []string

func (h *hosts) String() string     { return strings.Join(*h, ",") }
func (h *hosts) Set(s string) error { *h = append(*h, s); return nil }

const usage = `Usage:
  slogship-viewer [flags]                   serve the pages, and receive logs and traces
  slogship-viewer query 'level>=warn'       what a query finds
  slogship-viewer export 'last:1h'          all that it finds, as lines or to a log backend
  slogship-viewer mcp                       answer an agent on standard input and output

Each command has -h. Flags of the first:
`

func serve(ctx context.Context, args []string, diag io.Writer) error {
	f := flag.NewFlagSet("slogship-viewer", flag.ContinueOnError)
	f.SetOutput(diag)
	f.Usage = func() {
		_, _ = io.WriteString(diag, usage) // as the flag package writes the rest
		f.PrintDefaults()
	}
	addr := f.String("addr", "127.0.0.1:7777", "where to listen; any address but loopback needs a token, which is made if there is none")
	dir := f.String("dir", defaultDir(), "where the database is")
	var o viewer.Options
	f.DurationVar(&o.MaxAge, "max-age", 7*24*time.Hour, "how long records are kept")
	f.Int64Var(&o.MaxBytes, "max-bytes", 1_000_000_000, "size of the database above which the oldest records go")
	f.Int64Var(&o.MaxBodyBytes, "max-body", 16<<20, "size of a request, also inflated, above which it is refused")
	f.BoolVar(&o.FastCommits, "fast", false, "answer before the disk has said that it has the records")
	f.StringVar(&o.Token, "token", os.Getenv("SLOGSHIP_VIEWER_TOKEN"), "the token that every request needs; better given as SLOGSHIP_VIEWER_TOKEN")
	f.Lookup("token").DefValue = "" // -h does not show the environment's
	f.Var((*hosts)(&o.Hosts), "host", "a name under which the viewer is reached, besides localhost; may be repeated")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q is neither a flag nor a command: query, export and mcp are", f.Arg(0))
	}
	made := false
	if !loopback(*addr) && o.Token == "" {
		o.Token, made = rand.Text(), true
	}
	o.OnError = func(err error) { say(diag, "%v", err) }
	v, err := viewer.New(*dir, &o)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", *addr)
	if err != nil {
		return errors.Join(err, v.Close())
	}
	say(diag, "http://%s/%s, records in %s", ln.Addr(), shownToken(made, o.Token), *dir)
	server := newServer(ctx, v, diag)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }() // ends with Shutdown
	select {
	case err = <-served:
	case <-ctx.Done():
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = server.Shutdown(end) // ctx is done
	}
	return errors.Join(err, v.Close())
}

// newServer bounds what a client may cost: a slow one its time, a long one its
// headers. Answers have no time limit: a live tail lasts.
func newServer(ctx context.Context, h http.Handler, diag io.Writer) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(diag, "slogship-viewer: ", 0),
		// A live tail ends when its request's context does: at the end of ours.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
}

// shownToken is printed only if nobody else knows the token.
func shownToken(made bool, token string) string {
	if made {
		return "?token=" + token
	}
	return ""
}

// loopback reports whether only this machine reaches the address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func defaultDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "slogship-viewer"
	}
	return filepath.Join(dir, "slogship-viewer")
}
