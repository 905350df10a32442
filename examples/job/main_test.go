package main

import (
	"bytes"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if way := os.Getenv(wayVar); way != "" { // a child of show
		os.Exit(job(way))
	}
	os.Exit(m.Run())
}

// Whatever the way in which the job ends, its last record arrives.
func TestShow(t *testing.T) {
	var out bytes.Buffer
	if err := show(&out); err != nil {
		t.Fatal(err)
	}
	const want = `return: exit code 0
	info  job begins
	info  job done
exit: exit code 3
	info  job begins
	error no input
panic: exit code 2
	info  job begins
	error panic
goroutine: exit code 2
next start: exit code 0
	error panic: boom
	info  job begins
	info  job done
invocations: exit code 0
	info  job begins
	info  invocation
	info  invocation
	info  invocation
	info  job done
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
