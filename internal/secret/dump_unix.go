//go:build unix && !linux

package secret

import "golang.org/x/sys/unix"

// NoDumps keeps the whole process out of core dumps.
func NoDumps() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
