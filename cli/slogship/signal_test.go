package main

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/slogship/slogship/slogshiptest"
)

// SIGTERM ends a command that waits for a backend that is down: within -grace, with
// the status for what is undelivered.
func TestSignalWhileBlocked(t *testing.T) {
	t.Parallel()
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	s.Fail(slogshiptest.Failure{Status: http.StatusServiceUnavailable})
	p := slogshipWith(t, s, "-grace", "500ms")
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	written := make(chan int)
	go func() { // until nobody reads any more
		for n := 0; ; n++ {
			if _, err := fmt.Fprintf(in, "line %d\n", n); err != nil {
				written <- n
				return
			}
		}
	}()
	for len(s.Requests()) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Second) // for the queue to be full; the test holds if it is not, too
	if status := p.end(t, syscall.SIGTERM); status != 4 {
		t.Errorf("status %d, want 4:\n%s", status, &p.stderr)
	}
	<-written
}

// SIGTERM while all is well delivers what was written before it.
func TestSignalDelivers(t *testing.T) {
	t.Parallel()
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	p := slogshipWith(t, s, "-interval", "1h")
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		fmt.Fprintf(in, "line %d\n", i)
	}
	time.Sleep(300 * time.Millisecond) // for the signal handler; what is in the pipe is read in any case
	if status := p.end(t, syscall.SIGTERM); status != 0 {
		t.Errorf("status %d, want 0:\n%s", status, &p.stderr)
	}
	once(t, s, 10)
}
