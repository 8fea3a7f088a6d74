//go:build unix

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// keys reads a terminal key by key, without showing them. Ctrl-C still interrupts.
type keys struct {
	f           *os.File
	old         *unix.Termios
	ready, wake *os.File
}

// openKeys sets the terminal; close puts it back.
func openKeys(f *os.File) (*keys, error) {
	old, err := unix.IoctlGetTermios(int(f.Fd()), getTermios)
	if err != nil {
		return nil, fmt.Errorf("asking the terminal: %w", err)
	}
	k := &keys{f: f, old: old}
	if k.ready, k.wake, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("asking the terminal: %w", err)
	}
	raw := *old
	raw.Lflag &^= unix.ECHO | unix.ICANON
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(f.Fd()), setTermios, &raw); err != nil {
		k.ready.Close()
		k.wake.Close()
		return nil, fmt.Errorf("asking the terminal: %w", err)
	}
	return k, nil
}

func (k *keys) close() {
	_ = unix.IoctlSetTermios(int(k.f.Fd()), setTermios, k.old)
	k.ready.Close()
	k.wake.Close()
}

// next waits at most so long for a key; ok is false when none came. Keys that send
// several bytes (arrows, …) and what was pasted beside count as none.
func (k *keys) next(ctx context.Context, wait time.Duration) (key rune, ok bool, err error) {
	stop := context.AfterFunc(ctx, func() { _, _ = k.wake.Write([]byte{0}) })
	defer stop()
	p := []unix.PollFd{{Fd: int32(k.f.Fd()), Events: unix.POLLIN}, {Fd: int32(k.ready.Fd()), Events: unix.POLLIN}}
	_, err = unix.Poll(p, int(wait.Milliseconds()))
	switch {
	case ctx.Err() != nil:
		return 0, false, context.Cause(ctx)
	case errors.Is(err, unix.EINTR), err == nil && p[0].Revents == 0:
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("reading the terminal: %w", err)
	}
	b := make([]byte, 256)
	n, err := unix.Read(int(k.f.Fd()), b)
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("reading the terminal: %w", err)
	case n == 0 || b[0] == 4: // Ctrl-D
		return 0, false, fmt.Errorf("nothing was typed: %w", io.EOF)
	}
	r, size := utf8.DecodeRune(b[:n])
	return r, size == n && r >= ' ', nil
}

// drain takes what is typed for so long and forgets it.
func (k *keys) drain(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if _, _, err := k.next(ctx, max(left, time.Millisecond)); err != nil {
			return err
		}
	}
}
