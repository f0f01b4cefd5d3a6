//go:build !race

package integration

// raceDetector tells whether this test binary has the race detector.
const raceDetector = false
