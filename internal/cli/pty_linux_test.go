package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsecbunker/internal/describe"
)

// openPTY makes a terminal: what is written to the first end is typed at the
// second (pts(4)).
func openPTY(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

// sitting is a person at a terminal with a running program.
type sitting struct {
	t        *testing.T
	keyboard *os.File
	cmd      *exec.Cmd
	mu       sync.Mutex
	text     string // all that was shown
	read     int    // how much of it the person has read
	ended    chan struct{}
}

// sit runs the program on a terminal.
func sit(t *testing.T, data string, args ...string) *sitting {
	t.Helper()
	return sitTyping(t, "", data, args...)
}

// sitTyping is sit with keys that were pressed before the program began.
func sitTyping(t *testing.T, keys, data string, args ...string) *sitting {
	t.Helper()
	keyboard, terminal := openPTY(t)
	if _, err := io.WriteString(keyboard, keys); err != nil {
		t.Fatal(err)
	}
	s := &sitting{t: t, keyboard: keyboard, cmd: exec.Command(binary, args...), ended: make(chan struct{})}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = terminal, terminal, terminal
	s.cmd.Env = []string{"HOME=" + data, "NSECBUNKER_DATA=" + filepath.Join(data, "data"), "TERM=xterm"}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	go func() {
		defer close(s.ended)
		b := make([]byte, 4096)
		for {
			n, err := keyboard.Read(b)
			s.mu.Lock()
			s.text += strings.ReplaceAll(string(b[:n]), "\r", "")
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

// sees waits until something is shown that was not read yet, and returns it with
// what came before.
func (s *sitting) sees(what string) string {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		i := strings.Index(s.text[s.read:], what)
		if i >= 0 {
			seen := s.text[s.read : s.read+i+len(what)]
			s.read += i + len(what)
			s.mu.Unlock()
			return seen
		}
		s.mu.Unlock()
	}
	s.t.Fatalf("%q is not shown; on the screen:\n%s", what, s.text)
	return ""
}

// types writes a line.
func (s *sitting) types(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.keyboard, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
}

// interrupts is Ctrl-C.
func (s *sitting) interrupts() {
	s.t.Helper()
	if _, err := s.keyboard.Write([]byte{3}); err != nil {
		s.t.Fatal(err)
	}
}

// leaves waits for the program to end and returns its exit code and all that was
// shown.
func (s *sitting) leaves() (int, string) {
	s.t.Helper()
	err := s.cmd.Wait()
	<-s.ended
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		s.t.Fatal(err)
	}
	return s.cmd.ProcessState.ExitCode(), s.text
}

func TestFirstStartAsksForWhatItNeeds(t *testing.T) {
	dir := t.TempDir()
	s := sit(t, dir, "start", "--listen", "127.0.0.1:0")
	s.sees("type your own (12 characters or more):")
	s.types("")
	s.sees("       ")
	made := regexp.MustCompile(`[a-z]+(-[a-z]+){5}`).FindString(s.sees("Write it down now"))
	if made == "" {
		t.Fatalf("no passphrase was shown:\n%s", s.text)
	}
	s.sees("Type it here when you have it")
	s.types("something else")
	s.sees("That was not it.")
	s.types(made)
	s.sees("\x1b[7A\x1b[J   The passphrase is set.")
	s.sees("2. Relays")
	s.types("ftp://example.com")
	s.sees("must begin with wss://")
	s.types("")
	s.sees("on this machine only, for now")
	s.types("npub1nonsense")
	s.sees("that is no npub")
	s.types("npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg")
	s.sees("It works on this machine only, for now.")
	s.sees("nsecbunker relay add")
	s.sees("nsecbunker key add NAME makes your first key.")
	s.interrupts()
	code, text := s.leaves()
	for line := range strings.Lines(homeWords) {
		if n := describe.Columns(strings.TrimSuffix(line, "\n")); n > columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.Contains(text, "bunker-admin://") || strings.Contains(text, "█") {
		t.Errorf("a connection string that leads nowhere is shown:\n%s", text)
	}
	if code != 0 || !strings.HasSuffix(text, "Stopped.\n") {
		t.Errorf("exit code %d after\n%s", code, text)
	}
	if n := strings.Count(text, made); n != 1 {
		t.Errorf("the passphrase is on the screen %d times, want once", n)
	}

	t.Run("LaterStartsAskForThePassphraseAndRunSealedMeanwhile", func(t *testing.T) { laterStart(t, dir, made) })
	t.Run("ThePromptEndsWhenSomebodyElseUnseals", func(t *testing.T) { unsealElsewhere(t, dir, made) })
	t.Run("AnInterruptAtThePromptStopsTheBunker", func(t *testing.T) {
		s := sit(t, dir, "start", "--listen", "127.0.0.1:0")
		s.sees("Passphrase:")
		s.interrupts()
		if code, text := s.leaves(); code != 0 || !strings.HasSuffix(text, "\nStopped.\n") {
			t.Errorf("exit code %d after\n%s", code, text)
		}
	})
}

// TestFirstStartShowsAdminsTheWayWhereThereIsOne: by text, and by a code to scan.
func TestFirstStartShowsAdminsTheWayWhereThereIsOne(t *testing.T) {
	s := sit(t, t.TempDir(), "start", "--listen", "127.0.0.1:0")
	s.sees("type your own (12 characters or more):")
	s.types("a passphrase of a test")
	s.sees("Once more:")
	s.types("a passphrase of a test")
	s.sees("2. Relays")
	s.types("relay.invalid")
	s.sees("Use it all the same?")
	s.types("y")
	s.sees("3. Admin")
	s.types("")
	s.sees("\nbunker-admin://")
	s.sees("relay.invalid")
	s.sees("█")
	s.sees("nsecbunker key add NAME makes your first key.")
	s.interrupts()
	if code, text := s.leaves(); code != 0 {
		t.Errorf("exit code %d after\n%s", code, text)
	}
}

func laterStart(t *testing.T, dir, passphrase string) {
	s := sit(t, dir, "start", "--listen", "127.0.0.1:0")
	s.sees("runs sealed")
	s.sees("Passphrase:")
	if out := beside(t, dir, "", "status"); !strings.Contains(out, "sealed") {
		t.Errorf("status says %s", out)
	}
	s.types("this is not the passphrase")
	s.sees("the passphrase is wrong")
	s.sees("Passphrase:")
	s.types(passphrase)
	s.sees("Unsealed. The bunker runs")
	s.interrupts()
	if code, text := s.leaves(); code != 0 || strings.Contains(text, passphrase) {
		t.Errorf("exit code %d, or the passphrase is on the screen:\n%s", code, text)
	}
}

func unsealElsewhere(t *testing.T, dir, passphrase string) {
	s := sit(t, dir, "start", "--listen", "127.0.0.1:0")
	s.sees("Passphrase:")
	beside(t, dir, passphrase+"\n", "unseal")
	s.sees("Unsealed from another terminal. The bunker runs.")
	s.interrupts()
	if code, text := s.leaves(); code != 0 {
		t.Errorf("exit code %d after\n%s", code, text)
	}
}

// beside runs the program in another terminal, so to speak.
func beside(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = []string{"HOME=" + dir, "NSECBUNKER_DATA=" + filepath.Join(dir, "data")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestSecretsTypedAreNotShown(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(file, []byte("a passphrase of a test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := sit(t, dir, "start", "--listen", "127.0.0.1:0", "--passphrase-file", file)
	b.sees("makes your first key")
	const nsec = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
	s := sit(t, dir, "key", "add", "herald", "--import", "--passphrase")
	s.sees("it is not shown):")
	s.types(nsec)
	s.sees("That is an nsec.")
	s.sees("Passphrase of the key herald:")
	s.types("short")
	s.sees("needs at least 12")
	s.sees("Passphrase of the key herald:") // only from then on is nothing shown again
	s.types("the key's own passphrase")
	s.sees("Once more:")
	s.types("another passphrase")
	s.sees("two different ones")
	s.sees("Passphrase of the key herald:")
	s.types("the key's own passphrase")
	s.sees("Once more:")
	s.types("the key's own passphrase")
	s.sees("Passphrase of the bunker:")
	s.types("a passphrase of a test")
	code, text := s.leaves()
	if code != 0 || strings.Contains(text, nsec) || strings.Contains(text, "own passphrase") || strings.Contains(text, "of a test") {
		t.Errorf("exit code %d, or a secret is on the screen:\n%s", code, text)
	}

	d := sit(t, dir, "key", "delete", "herald")
	d.sees("Type herald to go on:")
	d.types("no")
	if code, text := d.leaves(); code != 1 || !strings.Contains(text, "nothing was done") {
		t.Errorf("exit code %d after\n%s", code, text)
	}
	d = sit(t, dir, "key", "delete", "herald")
	d.sees("Type herald to go on:")
	d.types("herald")
	d.sees("Passphrase of the bunker:")
	d.types("a passphrase of a test")
	if code, text := d.leaves(); code != 0 || !strings.Contains(text, "erased in 7 days") {
		t.Errorf("exit code %d after\n%s", code, text)
	}
	b.interrupts()
	b.leaves()
}

func TestTheTerminalIsPutBackAsItWas(t *testing.T) {
	dir := t.TempDir()
	keyboard, terminal := openPTY(t)
	before, err := unix.IoctlGetTermios(int(terminal.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "start", "--listen", "127.0.0.1:0")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.Env = []string{"HOME=" + dir}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		now, err := unix.IoctlGetTermios(int(terminal.Fd()), getTermios)
		if err != nil {
			t.Fatal(err)
		}
		if now.Lflag&unix.ECHO == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the question for the passphrase never came")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, keyboard) }()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	after, err := unix.IoctlGetTermios(int(terminal.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	if *after != *before {
		t.Errorf("the terminal's modes were %+v and are %+v", before, after)
	}
}

// modeWriter notes the modes of a terminal whenever something is shown.
type modeWriter struct {
	t        *testing.T
	terminal *os.File
	echoed   []bool
}

func (w *modeWriter) Write(b []byte) (int, error) {
	now, err := unix.IoctlGetTermios(int(w.terminal.Fd()), getTermios)
	if err != nil {
		w.t.Error(err)
		return 0, err
	}
	w.echoed = append(w.echoed, now.Lflag&unix.ECHO != 0)
	return len(b), nil
}

// TestASecretIsAskedForWhenNothingTypedIsShown: whoever answers at once, as a password
// manager does, would else have it on the screen.
func TestASecretIsAskedForWhenNothingTypedIsShown(t *testing.T) {
	keyboard, terminal := openPTY(t)
	if _, err := io.WriteString(keyboard, "a passphrase of a test\n"); err != nil {
		t.Fatal(err)
	}
	w := &modeWriter{t: t, terminal: terminal}
	got, err := Streams{In: terminal, Err: w}.secret(t.Context(), "Passphrase:")
	if err != nil || string(got) != "a passphrase of a test" || len(w.echoed) != 1 || w.echoed[0] {
		t.Errorf("read %q, %v; at the question, typed text was shown: %v", []byte(got), err, w.echoed)
	}
}
