package main

import (
	"bytes"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if way := os.Getenv(wayVar); way != "" { // a child of show
		child(way)
		return
	}
	os.Exit(m.Run())
}

// What was written outlives SIGKILL, and what is at SyncLevel log.Fatal.
func TestShow(t *testing.T) {
	var out bytes.Buffer
	if err := show(&out); err != nil {
		t.Fatal(err)
	}
	const want = `the backend is down; a child process logs, and is killed with SIGKILL
started again: every record that was written has arrived, and no id twice
another child process logs an error, and ends with log.Fatal
started again: the last record to arrive is "no database"
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
