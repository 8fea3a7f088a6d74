//go:build unix && !linux

package secret

// advise has nothing to say to systems other than Linux.
func (m *mapping) advise() error { return nil }
