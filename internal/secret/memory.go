//go:build unix

package secret

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapping is memory from the system, outside the Go heap, between two guard
// pages that end the process when they are touched.
type mapping struct {
	all   []byte
	guard int // length of each guard, in bytes
}

func mapMemory(size int) (*mapping, error) {
	guard := os.Getpagesize()
	size = (size + guard - 1) / guard * guard
	all, err := unix.Mmap(-1, 0, size+2*guard, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("asking the system for %d KiB: %w", size/1024, err)
	}
	m := &mapping{all: all, guard: guard}
	if err := unix.Mprotect(m.inner(), unix.PROT_READ|unix.PROT_WRITE); err != nil {
		_ = m.unmap()
		return nil, fmt.Errorf("opening %d KiB for writing: %w", size/1024, err)
	}
	if err := m.advise(); err != nil {
		_ = m.unmap()
		return nil, fmt.Errorf("keeping it out of core dumps: %w", err)
	}
	return m, nil
}

func (m *mapping) inner() []byte { return m.all[m.guard : len(m.all)-m.guard] }

func (m *mapping) base() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(m.inner())) }

func (m *mapping) unmap() error { return unix.Munmap(m.all) }

// lockLimit returns how many bytes this process may lock.
func lockLimit() (uint64, bool) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil {
		return 0, false
	}
	return r.Cur, true
}
