package secret

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// lock has each page locked when it is touched first: until then there is nothing
// in it, and it need not take any memory. The limit is asked for all of it at once.
func (m *mapping) lock() error {
	b := m.inner()
	_, _, no := unix.Syscall(unix.SYS_MLOCK2, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MLOCK_ONFAULT)
	if no == 0 {
		return nil
	}
	return unix.Mlock(b) // before Linux 4.4, or where a filter knows only this one; else it says what is wrong
}

// advise keeps the memory out of core dumps and away from forked children.
func (m *mapping) advise() error {
	b := m.inner()
	if err := unix.Madvise(b, unix.MADV_DONTDUMP); err != nil {
		return err
	}
	// Kernels before 4.14 do not know it; a child of ours runs exec at once.
	_ = unix.Madvise(b, unix.MADV_WIPEONFORK)
	return nil
}
