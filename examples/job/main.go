// Job shows how a short program ends without losing its last records: when main
// returns, with os.Exit, after a panic, and after a panic in another goroutine.
// It also shows how a cloud function, which may be frozen between invocations,
// ships its records.
//
//	go run ./examples/job
//
// It runs itself once for each of these ways, with a log backend in memory, and
// prints what arrived.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// What the parent tells the child.
const (
	wayVar   = "JOB_WAY"
	urlVar   = "JOB_LOG_URL"
	authVar  = "JOB_LOG_AUTHORIZATION"
	crashVar = "JOB_CRASH_FILE"
)

// ways are how the job ends, in the order in which they are shown.
var ways = []string{"return", "exit", "panic", "goroutine", "next start", "invocations"}

func main() {
	if way := os.Getenv(wayVar); way != "" {
		os.Exit(job(way))
	}
	if err := show(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "job:", err)
		os.Exit(1)
	}
}

// job is the program. Its exit code is what it returns, so that deferred calls
// have run before os.Exit.
func job(way string) (code int) {
	h, err := slogship.New(os.Getenv(urlVar), &slogship.Options{Header: http.Header{"Authorization": {os.Getenv(authVar)}}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer h.Close() // sends the records left, also during a panic
	if err := slogship.ReportCrash(h, os.Getenv(crashVar)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	log := slog.New(h)
	defer func() {
		if v := recover(); v != nil {
			log.Error("panic", "value", v)
			panic(v) // the exit code stays that of a panic
		}
	}()
	log.Info("job begins", "way", way)

	switch way {
	case "exit":
		// os.Exit skips deferred calls. With NewFlushHandler, log.Error returns when
		// its record has arrived.
		log := slog.New(slogship.NewFlushHandler(h, slog.LevelError, 2*time.Second))
		log.Error("no input", "wanted", "orders.csv")
		os.Exit(3) //nolint:gocritic // that deferred calls do not run is what is shown
	case "panic":
		var orders map[string]int
		orders["a"]++
	case "goroutine":
		// No deferred call of ours can recover this panic. The runtime writes it to
		// the crash file, and the next start ships it.
		go func() { panic("boom") }()
		select {}
	case "invocations":
		// Between two invocations the process may be frozen, or end.
		for i := range 3 {
			log.Info("invocation", "n", i)
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			if err := h.Flush(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			cancel()
		}
	}
	log.Info("job done")
	return 0
}

// show runs the job in each way.
func show(out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "job")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, way := range ways {
		backend := slogshiptest.StartServer()
		child := exec.Command(self)
		child.Env = append(os.Environ(), wayVar+"="+way, urlVar+"="+backend.URL,
			authVar+"="+backend.Header().Get("Authorization"), crashVar+"="+filepath.Join(dir, "crash"))
		_ = child.Run() // its exit code is shown
		fmt.Fprintf(out, "%s: exit code %d\n", way, child.ProcessState.ExitCode())
		for _, r := range backend.Records() {
			fmt.Fprintf(out, "\t%-5s %s\n", r.Level, r.Message)
		}
		backend.Close()
	}
	return nil
}
