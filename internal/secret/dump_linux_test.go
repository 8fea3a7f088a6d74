package secret

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// The test's own program plays a process that is not to be dumped: the change
// cannot be taken back.
func TestAProcessIsKeptOutOfDumps(t *testing.T) {
	if os.Getenv("NO_DUMPS") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAProcessIsKeptOutOfDumps$")
		cmd.Env = append(os.Environ(), "NO_DUMPS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	if err := NoDumps(); err != nil {
		t.Fatal(err)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || dumpable != 0 {
		t.Errorf("dumpable is %d (%v)", dumpable, err)
	}
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil || core.Cur != 0 || core.Max != 0 {
		t.Errorf("core dumps may have %d bytes (%v)", core.Cur, err)
	}
}
