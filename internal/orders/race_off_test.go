//go:build !race

package orders

const raceDetector = false
