//go:build unix

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxLine is the longest line that a terminal hands over.
const maxLine = 4096

// readTerminal asks and reads one line of a terminal, without its line end, and
// shows what is typed or does not: then it asks only when nothing is shown any
// more, because what answers at once (a password manager) would be seen. Unlike
// term.ReadPassword it ends, and puts the terminal back, when ctx does: on an
// interrupt, or because somebody else answered in another terminal. The caller
// wipes the line if it is a secret.
func readTerminal(ctx context.Context, f *os.File, echo bool, ask func()) ([]byte, error) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, fmt.Errorf("asking the terminal: %w", err)
	}
	if !echo {
		quiet := *old
		quiet.Lflag &^= unix.ECHO
		quiet.Lflag |= unix.ICANON | unix.ISIG | unix.ECHONL
		quiet.Iflag |= unix.ICRNL
		if err := unix.IoctlSetTermios(fd, setTermios, &quiet); err != nil {
			return nil, fmt.Errorf("asking the terminal: %w", err)
		}
		defer func() { _ = unix.IoctlSetTermios(fd, setTermios, old) }()
	}
	ask()
	ready, wake, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("asking the terminal: %w", err)
	}
	defer ready.Close()
	defer wake.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = wake.Write([]byte{0}) })
	defer stop()
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(ready.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(p, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("asking the terminal: %w", err)
		}
		if p[0].Revents == 0 {
			continue
		}
		line := make([]byte, maxLine)
		n, err := unix.Read(fd, line)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading the terminal: %w", err)
		case n == 0:
			return nil, fmt.Errorf("nothing was typed: %w", io.EOF)
		}
		line = line[:n]
		if line[n-1] == '\n' {
			line = line[:n-1]
		}
		return line, nil
	}
}
