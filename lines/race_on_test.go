//go:build race

package lines

// raceDetector is on: everything takes some ten times as long.
const raceDetector = true
