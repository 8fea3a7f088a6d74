//go:build unix

package seal

import (
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// waitDelay is how long a killed program may take to go.
const waitDelay = 2 * time.Second

// ownGroup makes the program leader of a process group, which is killed as one.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = waitDelay
}
