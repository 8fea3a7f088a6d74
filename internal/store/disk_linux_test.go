package store

import (
	"path/filepath"
	"syscall"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestARealDiskRunsFull fills a disk of 3 MiB. Where this process may not mount
// one, the limit of the test before is what is known.
func TestARealDiskRunsFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Logf("no disk of its own to fill (%v)", err)
		return
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	f := openFixture(t, filepath.Join(dir, "data"), true)
	defer func() { f.stop() }()
	c := f.addConnection(f.addKey("herald"))
	stored := 0
	for {
		e := f.entry(c)
		e.Reply.Bytes = make([]byte, 50_000)
		r := f.commit(e)
		if r.Outcome != bunker.Committed {
			wantSentence(t, r.Err, "is full", "free some space")
			break
		}
		stored++
	}
	f.reopen() // also a start on the full disk finds everything
	f.expectRows("request", stored)
	f.expectWhole()
}
