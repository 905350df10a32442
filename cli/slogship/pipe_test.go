package main

import (
	"bufio"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/slogship/slogship/slogshiptest"
)

// A pipe into a receiver that is down half of the time loses nothing.
//
//	SLOGSHIP_TEST_LINES=1000000 go test -run PipeOutage -timeout 30m ./slogship
func TestPipeOutage(t *testing.T) {
	t.Parallel()
	n := linesOf(t, 50_000)
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	p := slogshipWith(t, s, "-quiet")
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer s.Recover()
		for {
			s.Fail(slogshiptest.Failure{Status: http.StatusServiceUnavailable})
			time.Sleep(300 * time.Millisecond)
			s.Recover()
			select {
			case <-stop:
				return
			case <-time.After(300 * time.Millisecond):
			}
		}
	}()
	w := bufio.NewWriter(in)
	for i := range n {
		fmt.Fprintf(w, `{"level":"info","msg":"line %d"}`+"\n", i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	close(stop)
	err = p.Wait()
	<-ended
	if err != nil {
		t.Fatalf("%v\n%s", err, &p.stderr)
	}
	once(t, s, n)
}
