package bunkertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/store"
)

// sentence checks an error that a person reads: it names the thing, and says what
// to do.
func sentence(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it went on")
	}
	text := err.Error()
	var e *bunker.Error
	if errors.As(err, &e) {
		text = e.Words + " " + e.Hint
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
	if strings.Contains(text, "\n") && !strings.HasSuffix(strings.TrimSpace(text), "\n") && strings.Count(strings.TrimSpace(text), "\n") > 0 {
		t.Errorf("more than one sentence: %q", text)
	}
}

// refusesToOpen stops a working bunker, harms it, and has it refuse with a
// sentence; mend then brings it back, and nothing is lost.
func refusesToOpen(t *testing.T, harm func(b *Bunker) (mend func()), words ...string) {
	t.Helper()
	b, a := signing(t)
	e := a.Sign(1, "before")
	b.Stop()
	mend := harm(b)
	b.faults = new(Faults)
	d, err := b.open()
	if err == nil {
		_ = d.Close()
	}
	sentence(t, err, words...)
	mend()
	b.Run()
	b.Unseal()
	a.Sign(1, "after")
	if r := b.Records(Params{"action": "sign_event"}); len(r) != 2 || r[1].Text("signed") != e.ID.String() {
		t.Errorf("%d records after it was mended", len(r))
	}
	b.Verify()
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	refusesToOpen(t, func(b *Bunker) func() {
		path := filepath.Join(b.Dir, daemon.DatabaseFile)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := bytes.Clone(whole)
		for i := 8192; i < len(damaged); i += 512 {
			damaged[i] ^= 0xff
		}
		write(t, path, damaged)
		return func() { write(t, path, whole) }
	}, daemon.DatabaseFile, "damaged", "restore the last backup")
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	refusesToOpen(t, func(b *Bunker) func() {
		path := filepath.Join(b.Dir, daemon.DatabaseFile)
		rename(t, path, path+".kept")
		write(t, path, bytes.Repeat([]byte("this is a letter to my aunt "), 1000))
		return func() { rename(t, path+".kept", path) }
	}, daemon.DatabaseFile, "no database of nsecbunker", "restore the last backup")
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAPortInUseIsTold(t *testing.T) {
	t.Parallel()
	refusesToOpen(t, func(b *Bunker) func() {
		l, err := net.Listen("tcp", b.config.Listen)
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	}, "port in use", "--listen")
}

func TestASecondInstanceOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	refusesToOpen(t, func(b *Bunker) func() {
		lock, err := store.LockFolder(b.Dir)
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := lock.Release(); err != nil {
				t.Error(err)
			}
		}
	}, "another nsecbunker", fmt.Sprint(os.Getpid()), "stop it first", "--data")
}

func TestAMissingServiceKeyIsNotReplaced(t *testing.T) {
	t.Parallel()
	refusesToOpen(t, func(b *Bunker) func() {
		path := filepath.Join(b.Dir, "service.key")
		rename(t, path, path+".kept")
		return func() {
			if _, err := os.Stat(path); err == nil {
				t.Error("a new service key was made beside the old data")
			}
			rename(t, path+".kept", path)
		}
	}, "service.key", "missing", "backup")
}

func TestAWrongServiceKeyIsRefused(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{"another": bytes.Repeat([]byte{7}, 32), "garbage": []byte("x")} {
		t.Run(name, func(t *testing.T) {
			refusesToOpen(t, func(b *Bunker) func() {
				path := filepath.Join(b.Dir, "service.key")
				rename(t, path, path+".kept")
				write(t, path, content)
				return func() { rename(t, path+".kept", path) }
			}, "service.key", map[string]string{"another": "backup", "garbage": "32 bytes"}[name])
		})
	}
}

func TestADataFolderThatIsAFileIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := daemon.Open(context.Background(), daemon.Options{Dir: dir, Config: config.Default(), Log: quiet(), KDF: quickKDF})
		sentence(t, err, dir, "--data")
	}
}

// A folder that cannot be written: a read-only mount where we may make one, else
// its mode.
func TestAReadOnlyFolderIsRefused(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		_, err := daemon.Open(context.Background(), daemon.Options{Dir: dir, Config: config.Default(), Log: quiet(), KDF: quickKDF})
		sentence(t, err, dir, "cannot be written", "--data")
		return
	}
	dir := mount(t, "size=8m")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8m"); err != nil {
		t.Fatal(err)
	}
	_, err := daemon.Open(context.Background(), daemon.Options{Dir: dir, Config: config.Default(), Log: quiet(), KDF: quickKDF})
	sentence(t, err, dir, "read-only", "--data")
}

// mount makes a small disk of its own; only root may.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// On a full disk nothing is signed and nothing is lost; when there is room again
// the bunker goes on by itself.
func TestOnAFullDiskNothingLeavesAndNothingIsLost(t *testing.T) {
	t.Parallel()
	o, fill := Options{}, func(b *Bunker) (free func()) {
		b.Faults().Set(func(string) error { return errFull(b.Dir) })
		return func() { b.Faults().Set(nil) }
	}
	if os.Getuid() == 0 {
		o.Dir = mount(t, "size=12m")
		fill = func(b *Bunker) func() {
			path := filepath.Join(b.Dir, "ballast")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			for chunk := 1 << 20; chunk > 0; {
				if _, err := f.Write(make([]byte, chunk)); err != nil {
					chunk /= 2
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	b := Start(t, o)
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	a.Sign(1, "before")
	free := fill(b)
	// The log has room for some more; then the disk is full for good.
	refused := 0
	var last *Asked
	for n := 0; refused < 3 && n < 2000; n++ {
		last = a.Prepare("sign_event", a.Note(1, strings.Repeat("x", 8000)+fmt.Sprint(n)))
		if err := a.Publish(last.Event); err != nil {
			refused++
			if !strings.Contains(err.Error(), "send it again") {
				t.Errorf("the relay says %v", err)
			}
			last.Quiet()
		}
	}
	if refused != 3 {
		t.Fatalf("%d refusals on a full disk", refused)
	}
	e := b.Refused("token.create", Params{"key": "herald", "client": "x"})
	sentence(t, e, "full", b.Dir, "free some space")
	free()
	last.Send()
	last.Signed()
	b.Admin("token.create", Params{"key": "herald", "client": "x"})
	b.CrashAndRestart()
	a.Sign(1, "after")
	b.VerifyOutside()
}

func errFull(dir string) error {
	return bunker.Errorf(bunker.CodeError, "the disk that holds %s is full, so nothing was stored; free some space and try again", dir)
}

func TestAWrongPassphraseCostsATryAndNothingElse(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	b.Admin("seal", nil)
	var e *bunker.Error
	for range 20 {
		e = b.Refused("unseal", Params{"passphrase": "a wrong passphrase"})
		if e.Code == bunker.CodeRateLimited {
			break
		}
		sentence(t, e, "passphrase")
	}
	if e.Code != bunker.CodeRateLimited {
		t.Fatalf("twenty wrong passphrases in a row: %v", e)
	}
	b.Crash()
	b.Run()
	if e := b.Refused("unseal", Params{"passphrase": Passphrase}); e.Code != bunker.CodeRateLimited {
		t.Errorf("a restart gives new tries: %v", e)
	}
	b.Pass(2 * time.Hour)
	b.Unseal()
	a.Sign(1, "x")
	b.Verify()
}

// The real program: one line on standard error, a status that is not 0.
func TestTheProgramSaysWhatIsWrongInOneLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(args ...string) (string, int) {
		cmd := exec.Command(Binary(t), append([]string{"start", "--data", dir, "--allow-swap"}, args...)...)
		cmd.Env = append(os.Environ(), "NSECBUNKER_PASSPHRASE_FILE=")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		return stderr.String(), exit.ExitCode()
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	if text, code := run("--listen", busy.Addr().String()); code == 0 || !strings.Contains(text, "port in use") || !strings.Contains(text, "--listen") {
		t.Errorf("a port in use: %d %q", code, text)
	}
	for content, words := range map[string][]string{
		"listn = \"127.0.0.1:1\"\n":         {"config.toml", "line 1", "listn", "nsecbunker config"},
		"\nlisten = \"nowhere\"\n":          {"config.toml", "listen", "host:port"},
		"listen = [\n":                      {"config.toml", "line"},
		"delete_wait = \"1 week\"\n":        {"config.toml", "delete_wait", "168h"},
		"relays = [\"http://example.com\"]": {"config.toml", "relays"},
	} {
		write(t, filepath.Join(dir, config.File), []byte(content))
		text, code := run()
		for _, w := range words {
			if code == 0 || !strings.Contains(text, w) {
				t.Errorf("%q: status %d, %q does not say %q", content, code, text, w)
			}
		}
		if n := strings.Count(strings.TrimSpace(text), "\n"); n > 1 {
			t.Errorf("%q: %d lines: %q", content, n+1, text)
		}
	}
}
