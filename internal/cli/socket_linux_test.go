package cli

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestAnotherUsersBunkerIsNotSaidToBeDown: who lacks the right to look into its
// folder cannot know that it does not run.
func TestAnotherUsersBunkerIsNotSaidToBeDown(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, socketFile))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, _, _ := newApp(t, nil, "")
	a.data = dir
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if os.Getuid() == 0 {
			const nobody = 65534
			if err := syscall.Setfsuid(nobody); err != nil {
				done <- err
				return
			}
		} else if err := os.Chmod(dir, 0); err != nil {
			done <- err
			return
		}
		_, err := dialSocket(t.Context(), a)
		done <- err
	}()
	err = <-done
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f := explain(err)
	if f.code != exitFailed || !strings.Contains(f.words, "is not this user's") || !strings.Contains(f.hint, "sudo -u nsecbunker nsecbunker --data "+dir) {
		t.Errorf("got %d, %q, %q", f.code, f.words, f.hint)
	}
}
