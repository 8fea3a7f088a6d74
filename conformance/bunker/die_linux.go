package bunker

import (
	"os/exec"
	"syscall"
)

// DieWithUs ends the process when this one ends, however it does.
func DieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
