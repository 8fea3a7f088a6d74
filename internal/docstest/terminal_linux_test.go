package docstest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long anything may take on a busy machine, building included.
const patience = 4 * time.Minute

// screen is a pseudo-terminal and everything that was written to it.
type screen struct {
	master *os.File
	done   chan struct{} // closed when nobody can write to it any more

	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed at the next write, then made anew
}

// newScreen opens a pseudo-terminal, 200 columns wide so that no link is broken,
// and returns it with the end that programs get.
func newScreen(t *testing.T) (*screen, *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("opening a pseudo-terminal: %v", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 60, Col: 200}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{master: os.NewFile(uintptr(fd), "/dev/ptmx"), done: make(chan struct{}), more: make(chan struct{})}
	go s.fill()
	return s, slave
}

// fill copies what programs write, until the last of them has gone.
func (s *screen) fill() {
	defer close(s.done)
	b := make([]byte, 4096)
	half := "" // of a line end that two reads may bring
	for {
		n, err := s.master.Read(b)
		if n > 0 {
			text := half + string(b[:n])
			half = ""
			if strings.HasSuffix(text, "\r") {
				text, half = text[:len(text)-1], "\r"
			}
			s.mu.Lock()
			s.text.WriteString(strings.ReplaceAll(text, "\r\n", "\n"))
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await returns the first match of the pattern behind the byte from, and where it
// ends.
func (s *screen) await(t *testing.T, from int, pattern string) ([]string, int) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		s.mu.Lock()
		text, more := s.text.String(), s.more
		s.mu.Unlock()
		if at := re.FindStringSubmatchIndex(text[from:]); at != nil {
			return re.FindStringSubmatch(text[from:]), from + at[1]
		}
		select {
		case <-more:
		case <-s.done:
			t.Fatalf("the terminal closed before it showed %q:\n%s", pattern, s)
		case <-late:
			t.Fatalf("%q did not come; the terminal shows:\n%s", pattern, s)
		}
	}
}

func (s *screen) send(t *testing.T, text string) {
	t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// program runs in a terminal of its own.
type program struct {
	*screen
	cmd    *exec.Cmd
	ended  chan struct{}
	result error
}

// run starts a command in a new terminal, as its session's leader: Ctrl-C works.
func run(t *testing.T, dir string, env []string, name string, args ...string) *program {
	t.Helper()
	s, slave := newScreen(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	p := &program{screen: s, cmd: cmd, ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go func() {
		p.result = cmd.Wait()
		// What it left behind would hold the terminal open.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
		cancel()
		close(p.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
		s.master.Close()
	})
	return p
}

// wait returns what the program ended with, when all that it wrote has arrived.
func (p *program) wait() error {
	<-p.ended
	return p.result
}
