// Durable shows that records outlive the process that logged them.
//
//	go run ./examples/durable
//
// A child process logs while the log backend is down, and is killed with SIGKILL. When
// the backend is up again, a second process uses the same spool: every record that was
// written to disk arrives, exactly once by its id. A third process ends with log.Fatal,
// which runs no deferred calls. Its last record is at SyncLevel, so it arrives as well.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// What the parent tells the child.
const (
	wayVar  = "DURABLE_WAY"
	urlVar  = "DURABLE_LOG_URL"
	authVar = "DURABLE_LOG_AUTHORIZATION"
	dirVar  = "DURABLE_SPOOL"
)

func main() {
	if way := os.Getenv(wayVar); way != "" {
		child(way)
		return
	}
	if err := show(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "durable:", err)
		os.Exit(1)
	}
}

// child is the program that logs.
func child(way string) {
	h, err := slogship.New(os.Getenv(urlVar), &slogship.Options{
		Header:  http.Header{"Authorization": {os.Getenv(authVar)}},
		Spool:   slogship.SpoolOptions{Dir: os.Getenv(dirVar), SyncLevel: slog.LevelError},
		OnError: func(error) {}, // we know that the backend is down
	})
	if err != nil {
		log.Fatal(err)
	}
	logger := slog.New(h)
	switch way {
	case "killed":
		for n := 1; ; n++ { // until the parent kills this process
			logger.Info("order", "n", n)
			if n%100 == 0 {
				fmt.Println(h.Stats().Written) // so many records survive this process
				time.Sleep(10 * time.Millisecond)
			}
		}
	case "again":
		if err := h.Close(); err != nil {
			log.Fatal(err)
		}
	case "fatal":
		logger.Error("no database") // Handle returns when it is on disk
		log.Fatal("no database")    // no deferred call runs, nothing is flushed
	}
}

// show runs the child once for each way to end, and prints what arrived.
func show(out io.Writer) error {
	backend := slogshiptest.StartServer()
	defer backend.Close()
	dir, err := os.MkdirTemp("", "durable")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	backend.Fail(slogshiptest.Failure{Status: http.StatusServiceUnavailable})
	written, err := killInTheMiddle(start(backend, dir, "killed"))
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "the backend is down; a child process logs, and is killed with SIGKILL")
	backend.Recover()
	backend.Fail(slogshiptest.Failure{Requests: 1, Cut: true}) // it takes one batch, but its answer is lost
	if err := run(backend, dir, "again"); err != nil {
		return err
	}
	times := map[string]int{} // how often each id has arrived
	for _, r := range backend.Records() {
		times[r.ID]++
	}
	if len(times) < written {
		return fmt.Errorf("%d records were written, and %d arrived", written, len(times))
	}
	if len(times) != len(backend.Records()) {
		return fmt.Errorf("%d records arrived with %d ids", len(backend.Records()), len(times))
	}
	fmt.Fprintln(out, "started again: every record that was written has arrived, and no id twice")

	if err := run(backend, dir, "fatal"); err == nil {
		return errors.New("log.Fatal did not end the child")
	}
	fmt.Fprintln(out, "another child process logs an error, and ends with log.Fatal")
	if err := run(backend, dir, "again"); err != nil {
		return err
	}
	records := backend.Records()
	fmt.Fprintf(out, "started again: the last record to arrive is %q\n", records[len(records)-1].Message)
	return nil
}

// start prepares a child.
func start(backend *slogshiptest.Server, dir, way string) *exec.Cmd {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), wayVar+"="+way, urlVar+"="+backend.URL,
		authVar+"="+backend.Header().Get("Authorization"), dirVar+"="+filepath.Join(dir, "spool"))
	return child
}

// run runs a child to its end.
func run(backend *slogshiptest.Server, dir, way string) error {
	child := start(backend, dir, way)
	said, err := child.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", way, err, said)
	}
	return nil
}

// killInTheMiddle kills a child that has said that 1,000 of its records are written,
// and returns how many it last said were.
func killInTheMiddle(child *exec.Cmd) (written int, err error) {
	said, err := child.StdoutPipe()
	if err != nil {
		return 0, err
	}
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if written, err = strconv.Atoi(lines.Text()); err != nil {
			break
		}
		if written >= 1000 {
			_ = child.Process.Kill() // what it has printed until then is still read
		}
	}
	_ = child.Wait() // it was killed
	return written, err
}
