//go:build !race

package slogship

const raceDetector = false
