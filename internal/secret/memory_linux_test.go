package secret

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The kernel is asked what it will do with the memory.
func TestArenaIsLockedOutOfDumpsAndWipedOnFork(t *testing.T) {
	a := newArena(t, 1<<20)
	wanted := []string{" dd", " wf"}
	if a.Locked() {
		wanted = append(wanted, " lo")
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mine := false
	base := uint64(uintptr(a.base))
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var start, end uint64
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &start, &end); n == 2 {
			mine = start <= base && base < end
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && mine {
			for _, want := range wanted {
				if !strings.Contains(flags, want) {
					t.Errorf("the flag%s is missing from%s", want, flags)
				}
			}
			return
		}
	}
	t.Error("the memory was not found")
}
