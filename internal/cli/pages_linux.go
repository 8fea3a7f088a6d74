package cli

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxMaps is how many mappings of the process are looked at: it has some hundred.
const maxMaps = 4096

// giveBackPages takes the pages of files that nobody can have written to, the
// program's text and constants before all, out of the process's memory. Starting has
// touched three times as many of them as working does: what is needed comes back from
// the system's cache of the file at its next use, and the rest stays there. Without it
// half of an idle bunker's memory was the program itself.
func giveBackPages() error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	for _, m := range wholeFileMaps(f) {
		// An error is of a mapping that is locked or gone meanwhile: it stays as it is.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
	return nil
}

// fileMap is a mapping: from is its first address, to that behind its last.
type fileMap struct{ from, to uintptr }

// wholeFileMaps reads smaps (proc(5)) and returns the mappings of files whose pages
// all are the file's: nobody may write to them, and nobody has (a program that was
// moved at its start has pages of its own in a mapping that cannot be written to any
// more: those would be lost).
func wholeFileMaps(smaps io.Reader) (out []fileMap) {
	var m fileMap
	ours, untouched := false, 0
	for in := bufio.NewScanner(smaps); in.Scan() && len(out) < maxMaps; {
		f := strings.Fields(in.Text())
		switch {
		case len(f) >= 5 && !strings.HasSuffix(f[0], ":"):
			m, ours = mapHeader(f)
			untouched = 0
		case !ours || len(f) != 3:
		case (f[0] == "Anonymous:" || f[0] == "Swap:" || f[0] == "Locked:") && f[1] == "0":
			// All three have to be said.
			if untouched++; untouched == 3 {
				out = append(out, m)
			}
		}
	}
	return out
}

// mapHeader reads the first line of a mapping; ok is false unless it is of a file,
// private, and not to be written to.
func mapHeader(f []string) (m fileMap, ok bool) {
	from, to, _ := strings.Cut(f[0], "-")
	a, e1 := strconv.ParseUint(from, 16, 64)
	b, e2 := strconv.ParseUint(to, 16, 64)
	if e1 != nil || e2 != nil || b <= a || len(f) < 6 {
		return m, false
	}
	mode, inode, path := f[1], f[4], f[5]
	ok = len(mode) == 4 && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p' && inode != "0" && strings.HasPrefix(path, "/")
	return fileMap{uintptr(a), uintptr(b)}, ok
}
