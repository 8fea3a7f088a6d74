//go:build unix

package cli

import "syscall"

// privateFiles makes every file that the bunker writes its owner's alone.
func privateFiles() { syscall.Umask(0o077) }
