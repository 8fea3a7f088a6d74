package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"nsecbunker/internal/bunker"
)

const (
	fileMode = 0o600
	dirMode  = 0o700
	// lockName is the file in the data folder whose lock is the instance.
	lockName = "instance.lock"
)

// Lock is the exclusive hold on a data folder: one instance a folder.
type Lock struct{ f *os.File }

// LockFolder makes the data folder where there is none (0700) and takes its
// lock, or says in one sentence which process has it. The lock goes with the
// process, however that ends.
func LockFolder(dir string) (*Lock, error) {
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, folderError(dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, bunker.Errorf(bunker.CodeError, "the lock %s cannot be taken; is %s on a network file system?", path, dir).WithCause(err)
		}
		return nil, bunker.Errorf(bunker.CodeConflict, "another nsecbunker (%s) is running on the data folder %s; stop it first, or give another folder with --data", holder(f), dir)
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(folderError(dir, err), f.Close())
	}
	return &Lock{f}, nil
}

// Release gives the folder free. It unlocks before it closes: a child that was
// forked and has not reached its program yet holds the file, too, and would keep
// the lock of an instance that has ended.
func (l *Lock) Release() error {
	return errors.Join(syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN), l.f.Close())
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

func holder(f *os.File) string {
	b, err := io.ReadAll(io.LimitReader(f, 20))
	pid, atoiErr := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || atoiErr != nil {
		return "process unknown"
	}
	return fmt.Sprintf("process %d", pid)
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return folderError(dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return folderError(dir, err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	ours, err := ownFolder(dir)
	if err != nil {
		return folderError(dir, err)
	}
	switch {
	case ours && os.Chmod(dir, dirMode) == nil:
		return nil
	case info.Mode().Perm()&0o002 != 0:
		return bunker.Errorf(bunker.CodeError, "everybody may write to the folder %s, so others could replace its files; give a folder of its own with --data, such as %s", dir, filepath.Join(dir, "nsecbunker"))
	}
	// A home folder, or a volume that is ours by its group only: its mode is not
	// for us to change, and the files in it are ours alone.
	return nil
}

// ownFolder reports whether a folder is empty or was a data folder before; one
// that holds other things is somebody's.
func ownFolder(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.Name() == lockName {
			return true, nil
		}
	}
	return len(entries) == 0, nil
}

// makeFile creates the database's file with its mode, which SQLite gives to the
// files beside it, and closes one that others could read. It reports whether
// there was one.
func makeFile(path string) (existed bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return false, folderError(filepath.Dir(path), err)
	}
	info, err := f.Stat()
	if err == nil && info.Mode().Perm() != fileMode {
		err = f.Chmod(fileMode)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return false, folderError(filepath.Dir(path), err)
	}
	return info.Size() > 0, nil
}

func folderError(dir string, err error) error {
	e := bunker.Errorf(bunker.CodeError, "the data folder %s cannot be used", dir)
	switch {
	case errors.Is(err, syscall.EROFS):
		e = bunker.Errorf(bunker.CodeError, "the data folder %s is on a read-only disk; mount it writable or give another one with --data", dir)
	case errors.Is(err, fs.ErrPermission):
		e = bunker.Errorf(bunker.CodeError, "the data folder %s cannot be written; make it belong to the user who runs nsecbunker, or give another one with --data", dir).
			WithHint("chown -R $(id -u) %s", dir)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		e = bunker.Errorf(bunker.CodeError, "the data folder %s is, or lies in, a file; give a folder with --data", dir)
	case errors.Is(err, syscall.EISDIR):
		e = bunker.Errorf(bunker.CodeError, "in the data folder %s there is a folder where the database should be; move it away or give another one with --data", dir)
	case errors.Is(err, syscall.ENOSPC):
		e = bunker.Errorf(bunker.CodeError, "the disk that holds %s is full; free some space and try again", dir).WithHint("df -h %s", dir)
	}
	return e.WithCause(err)
}
