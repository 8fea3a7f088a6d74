package bunkertest

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/socket"
)

var (
	buildOnce sync.Once
	builtAt   string
	buildErr  error
)

// Binary builds the real program, once for each run of tests.
func Binary(t testing.TB) string {
	t.Helper()
	buildOnce.Do(func() {
		dir, err := os.MkdirTemp("", "nsecbunker-test-")
		if err != nil {
			buildErr = err
			return
		}
		builtAt = filepath.Join(dir, "nsecbunker")
		cmd := exec.Command("go", "build", "-o", builtAt, "./cmd/nsecbunker")
		cmd.Dir, cmd.Env = Root(), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			buildErr = errors.Join(err, errors.New(string(out)))
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return builtAt
}

// removeBinary is for TestMain.
func removeBinary() error {
	if builtAt == "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(builtAt))
}

// Process is a bunker as the real program, which a test can kill.
type Process struct {
	Dir      string
	Listen   string // the embedded relay
	Database string // given with --database; "": SQLite

	t       testing.TB
	program string // "": Binary
	env     []string
	cmd     *exec.Cmd
	out     *os.File
}

// NewProcess prepares a folder that is set up and opens without a person, and
// starts the program on it. Dangerous commands are done by prepare, in this
// process, before.
func NewProcess(t testing.TB, relays []string, prepare func(b *Bunker)) *Process {
	t.Helper()
	return NewProcessOn(t, "", relays, prepare)
}

// NewProcessOn is NewProcess with the store in a PostgreSQL database.
func NewProcessOn(t testing.TB, database string, relays []string, prepare func(b *Bunker)) *Process {
	t.Helper()
	p := &Process{t: t, Dir: t.TempDir(), Database: database}
	key := filepath.Join(p.Dir, "slot.key")
	if err := os.WriteFile(key, []byte(strings.Repeat("0123456789abcdef", 2)+"0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := Start(t, Options{Dir: p.Dir, Relays: relays, Config: p.inDatabase})
	b.Admin("slot.add", Params{"kind": "file", "name": "unattended", "path": key})
	prepare(b)
	p.Listen = b.config.Listen
	b.Stop()
	c := config.Default()
	c.Listen, c.AllowSwap, c.Allow = p.Listen, true, b.config.Allow
	text, err := c.Print()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.Dir, config.File), text, 0o600); err != nil {
		t.Fatal(err)
	}
	p.keepLog()
	p.Start()
	return p
}

// keepLog keeps what the program says, and ends it with the test.
func (p *Process) keepLog() {
	p.t.Helper()
	var err error
	if p.out, err = os.CreateTemp(p.t.TempDir(), "log"); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		p.Kill()
		if p.t.Failed() {
			b, _ := os.ReadFile(p.out.Name())
			p.t.Logf("the program said:\n%s", b)
		}
		if err := p.out.Close(); err != nil {
			p.t.Error(err)
		}
	})
}

// Start runs the program and returns when its socket answers.
func (p *Process) Start() {
	p.t.Helper()
	program := p.program
	if program == "" {
		program = Binary(p.t)
	}
	p.cmd = exec.Command(program, "start", "--data", p.Dir)
	if p.Database != "" {
		p.cmd.Args = append(p.cmd.Args, "--database", p.Database)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.Env = append(os.Environ(), p.env...)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	until(p.t, "the program listens", func() bool {
		c, err := net.Dial("unix", filepath.Join(p.Dir, daemon.SocketFile))
		return err == nil && c.Close() == nil
	})
}

// Kill ends it with SIGKILL.
func (p *Process) Kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended by itself
	_ = p.cmd.Wait()
	p.cmd = nil
}

// Stop ends it with SIGTERM and waits until it has handed over and ended.
func (p *Process) Stop() {
	p.t.Helper()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("ended by SIGTERM: %v", err)
	}
	p.cmd = nil
}

// signal sends a signal that ends nothing.
func (p *Process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Admin calls a command over the socket.
func (p *Process) Admin(command string, params Params) Answer {
	p.t.Helper()
	return p.call(command, params, nil)
}

// call calls a command over the socket, with a passphrase as its proof.
func (p *Process) call(command string, params Params, proof []byte) Answer {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := socket.Dial(ctx, filepath.Join(p.Dir, daemon.SocketFile))
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	body, err := json.Marshal(params)
	if err != nil {
		p.t.Fatal(err)
	}
	var result json.RawMessage
	if err := c.Call(ctx, command, body, proof, &result); err != nil {
		p.t.Fatalf("%s: %v", command, err)
	}
	return parseAnswer(p.t, result)
}

// Inside stops the program and opens its folder in this process.
func (p *Process) Inside() *Bunker {
	p.t.Helper()
	p.Kill()
	b := Start(p.t, Options{Dir: p.Dir, Config: p.inDatabase})
	return b
}

func (p *Process) inDatabase(c *config.Config) { c.Database = p.Database }

// Command runs another command of the program on the folder and returns what it said.
func (p *Process) Command(args ...string) (string, error) {
	p.t.Helper()
	out, err := exec.Command(Binary(p.t), append(args, "--data", p.Dir)...).CombinedOutput()
	return string(out), err
}
