package secret

import "golang.org/x/sys/unix"

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
