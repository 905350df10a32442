//go:build race

package record

// raceDetector reports whether the race detector is on.
const raceDetector = true
