//go:build !race

package lines

const raceDetector = false
