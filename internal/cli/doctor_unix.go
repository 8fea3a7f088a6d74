//go:build unix

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// freeBytes is the room that is left for us where path is.
func freeBytes(path string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}

// memlock is the limit of locked memory in bytes; without one, or for root, as
// much as there is.
func memlock() (uint64, error) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil {
		return 0, fmt.Errorf("RLIMIT_MEMLOCK: %w", err)
	}
	if os.Geteuid() == 0 {
		return 1 << 62, nil
	}
	return uint64(r.Cur), nil
}

// ownedByUs reports whether the folder belongs to us; for root, always.
func ownedByUs(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return !ok || os.Geteuid() == 0 || int(s.Uid) == os.Geteuid()
}
