package slogship

import (
	"testing"
	"testing/synctest"
	"time"
)

// Only MaxAge depends on the clock. One that is years behind when a process starts again,
// as it may be until the machine has asked for the time, loses nothing, and keeps the
// order.
func TestSpoolClockJumpsBack(t *testing.T) {
	dir := t.TempDir()
	const n = 100
	leave(t, dir, counted(0, n))
	synctest.Test(t, func(t *testing.T) { // in the year 2000
		tr := start(t, always(status(200)), Options{Spool: SpoolOptions{Dir: dir, MaxAge: time.Hour}})
		tr.say(counted(n, n)...)
		tr.Flush(t.Context())
		tr.wantBooks(2*n, Dropped{}, 0)
		tr.wantTaken(counted(0, 2*n)...)
	})
}

// One that is years ahead makes old what was logged before, and nothing else.
func TestSpoolClockJumpsAhead(t *testing.T) {
	dir := t.TempDir()
	const n = 100
	synctest.Test(t, func(t *testing.T) { leave(t, dir, counted(0, n)) })
	tr := start(t, always(status(200)), Options{Spool: SpoolOptions{Dir: dir, MaxAge: 24 * time.Hour}})
	tr.say(counted(n, n)...)
	tr.Flush(t.Context())
	tr.wantBooks(n, Dropped{Expired: n}, 0)
	tr.wantTaken(counted(n, n)...)
}
