//go:build race

package bunkertest

const raceDetector = true
