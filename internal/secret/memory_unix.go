//go:build unix && !linux

package secret

import "golang.org/x/sys/unix"

func (m *mapping) lock() error { return unix.Mlock(m.inner()) }

// advise has nothing to say to systems other than Linux.
func (m *mapping) advise() error { return nil }
