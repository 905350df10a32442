//go:build race

package slogship

// raceDetector is on: everything takes some ten times as long.
const raceDetector = true
