package cli

import "golang.org/x/sys/unix"

// How Linux asks for and changes the modes of a terminal.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
