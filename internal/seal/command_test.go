package seal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsecbunker/internal/bunker"
)

func mkfifo(path string) error { return unix.Mkfifo(path, 0o600) }

func withCommand(words ...string) func(*Config) {
	return func(c *Config) { c.Commands["kms"] = words }
}

func TestACommandOpensItsSlot(t *testing.T) {
	exe := testChild(t).Exe
	key := strings.Repeat("k", MinKeyMaterial)
	f := newFixture(t, withCommand(exe, "print", key+"\r\n"))
	s := f.wrap(t, bunker.SlotCommand, Input{Command: "kms"})
	f.opens(t, s, Input{})
	// The line end is not a part of the key.
	bare := newFixture(t, withCommand(exe, "print", key))
	bare.opens(t, s, Input{})
	other := newFixture(t, withCommand(exe, "print", strings.Repeat("x", MinKeyMaterial)))
	wantErr(t, other.refuses(t, s, Input{}), ErrWrong)
	if strings.Contains(string(s.Params), exe) {
		t.Fatal("the store says what to run")
	}
}

func TestACommandsFaultsAreNamed(t *testing.T) {
	exe := testChild(t).Exe
	key := strings.Repeat("k", MinKeyMaterial)
	s := newFixture(t, withCommand(exe, "print", key)).wrap(t, bunker.SlotCommand, Input{Command: "kms"})
	short := func(c *Config) { c.CommandTimeout = 200 * time.Millisecond }
	for name, f := range map[string]*fixture{
		"unknown":           newFixture(t),
		"relative":          newFixture(t, withCommand("print", key)),
		"missing":           newFixture(t, withCommand(filepath.Join(t.TempDir(), "none"))),
		"failing":           newFixture(t, withCommand(exe, "fail", key)),
		"hanging":           newFixture(t, withCommand(exe, "hang"), short),
		"leaves a child":    newFixture(t, withCommand(exe, "leave"), short),
		"silent":            newFixture(t, withCommand(exe, "print", "")),
		"short":             newFixture(t, withCommand(exe, "print", key[1:]+"\n")),
		"one byte too long": newFixture(t, withCommand(exe, "print", strings.Repeat("k", MaxCommandOutput+1))),
	} {
		err := f.refuses(t, s, Input{})
		if bunker.AsError(err).Code != bunker.CodeInvalid || !strings.Contains(err.Error(), "seal command") {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), key) {
			t.Errorf("%s: the error holds what was printed", name)
		}
	}
	full := newFixture(t, withCommand(exe, "print", strings.Repeat("k", MaxCommandOutput)))
	full.opens(t, full.wrap(t, bunker.SlotCommand, Input{Command: "kms"}), Input{})
}

func TestACommandGetsNeitherOurEnvironmentNorInput(t *testing.T) {
	t.Setenv("NSECBUNKER_PASSPHRASE_FILE", "/run/secret")
	exe := testChild(t).Exe
	f := newFixture(t, withCommand(exe, "env"))
	out, err := f.runCommand(context.Background(), "kms")
	must(t, err)
	if strings.Contains(string(out), "NSECBUNKER") || strings.Contains(string(out), "HOME=") || !strings.Contains(string(out), "PATH=") {
		t.Fatalf("its environment: %s", out)
	}
	f = newFixture(t, withCommand(exe, "stdin"))
	out, err = f.runCommand(context.Background(), "kms")
	must(t, err)
	if !strings.Contains(string(out), "read 0 bytes") || !strings.Contains(string(out), "EOF") {
		t.Fatalf("its input: %s", out)
	}
}

func TestACommandThatTookTooLongIsGone(t *testing.T) {
	noted := filepath.Join(t.TempDir(), "pid")
	short := func(c *Config) { c.CommandTimeout = time.Minute } // time to start, on a busy machine
	f := newFixture(t, withCommand(testChild(t).Exe, "hang", noted), short)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel() // as soon as it runs
		for ctx.Err() == nil {
			if b, err := os.ReadFile(noted); err == nil && strings.HasSuffix(string(b), "\n") {
				return
			}
		}
	}()
	if _, err := f.runCommand(ctx, "kms"); err == nil {
		t.Fatal("it ended well")
	}
	b, err := os.ReadFile(noted)
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	must(t, err)
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Fatalf("the process %d is still there: %v", pid, err)
	}
}
