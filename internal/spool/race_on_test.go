//go:build race

package spool

// Under the race detector, which makes all ten times slower, tests that try
// every case try some; they run again without it.
const raceEnabled = true
