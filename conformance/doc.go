// Package conformance holds the bunker to what real clients do: its tests start the real binary and drive it with the real
// libraries (libraries_test.go, steps_test.go) and by hand over the wire (raw_*_test.go). Everything here is a test.
package conformance
