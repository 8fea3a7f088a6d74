package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Only a mapping of a file that nobody may write to, and of which no page is the
// process's own, is given back: anything else would lose what is in it.
func TestOnlyPagesThatAreTheFilesAreGivenBack(t *testing.T) {
	mapping := func(head string, rest ...string) string { return head + "\n" + strings.Join(rest, "\n") + "\n" }
	clean := []string{"Size: 100 kB", "Rss: 90 kB", "Anonymous: 0 kB", "Swap: 0 kB", "Locked: 0 kB", "VmFlags: rd ex mr mw me"}
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"text":           {mapping("00400000-00500000 r-xp 00000000 fe:00 123    /usr/bin/nsecbunker", clean...), 1},
		"constants":      {mapping("00400000-00500000 r--p 00000000 fe:00 123    /usr/bin/nsecbunker", clean...), 1},
		"a path apart":   {mapping("00400000-00500000 r--p 00000000 fe:00 123    /usr/my bin/nsecbunker", clean...), 1},
		"data":           {mapping("00400000-00500000 rw-p 00000000 fe:00 123    /usr/bin/nsecbunker", clean...), 0},
		"shared":         {mapping("00400000-00500000 r--s 00000000 fe:00 123    /data/bunker.db-shm", clean...), 0},
		"no file":        {mapping("00400000-00500000 r--p 00000000 00:00 0", clean...), 0},
		"the kernel's":   {mapping("00400000-00500000 r-xp 00000000 00:00 0    [vdso]", clean...), 0},
		"moved at start": {mapping("00400000-00500000 r--p 00000000 fe:00 123    /usr/bin/nsecbunker", "Anonymous: 8 kB", "Swap: 0 kB", "Locked: 0 kB"), 0},
		"swapped out":    {mapping("00400000-00500000 r--p 00000000 fe:00 123    /usr/bin/nsecbunker", "Anonymous: 0 kB", "Swap: 4 kB", "Locked: 0 kB"), 0},
		"locked":         {mapping("00400000-00500000 r-xp 00000000 fe:00 123    /usr/bin/nsecbunker", "Anonymous: 0 kB", "Swap: 0 kB", "Locked: 4 kB"), 0},
		"does not say":   {mapping("00400000-00500000 r-xp 00000000 fe:00 123    /usr/bin/nsecbunker", "Rss: 4 kB"), 0},
		"nonsense":       {mapping("zz-00500000 r-xp 00000000 fe:00 123    /usr/bin/nsecbunker", clean...), 0},
		"backwards":      {mapping("00500000-00400000 r-xp 00000000 fe:00 123    /usr/bin/nsecbunker", clean...), 0},
		"the next one":   {mapping("00400000-00500000 rw-p 00000000 fe:00 123    /x", clean...) + mapping("00500000-00600000 r--p 00000000 fe:00 123    /x", clean...), 1},
		"many":           {strings.Repeat(mapping("00400000-00500000 r--p 00000000 fe:00 123    /x", clean...), maxMaps+3), maxMaps},
	} {
		if got := wholeFileMaps(strings.NewReader(c.text)); len(got) != c.want || c.want == 1 && got[0].to-got[0].from != 0x100000 {
			t.Errorf("%s: %v, want %d", name, got, c.want)
		}
	}
}

// What was given back is there again at its next use.
func TestPagesThatAreGivenBackComeBack(t *testing.T) {
	const size = 1 << 20
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(strings.Repeat("a", size)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	count := func() (n int) {
		for i := 0; i < size; i += 4096 {
			if b[i] == 'a' {
				n++
			}
		}
		return n
	}
	if n := count(); n != size/4096 || resident(t, path) < size/1024 {
		t.Fatalf("%d pages are as they were, %d kB are in memory", n, resident(t, path))
	}
	if err := giveBackPages(); err != nil {
		t.Fatal(err)
	}
	if kb := resident(t, path); kb != 0 {
		t.Errorf("%d kB stayed", kb)
	}
	if n := count(); n != size/4096 {
		t.Errorf("%d of %d pages are as they were", n, size/4096)
	}
}

// resident is how much of a file is in the process's memory, in kB.
func resident(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), path)
	if !ok {
		t.Fatal("the file is not mapped")
	}
	for line := range strings.Lines(after) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Rss:" {
			n := 0
			for _, d := range f[1] {
				n = 10*n + int(d-'0')
			}
			return n
		}
	}
	t.Fatal("smaps says nothing of it")
	return 0
}
