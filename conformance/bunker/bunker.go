// Package bunker runs the real program: built from this repository, started as a process, driven by its command line.
package bunker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	passphrase = "conformance battery staple horse"
	// startTime is how long a start may take, scrypt on a busy machine included.
	startTime = 3 * time.Minute
	// stopTime is how long an orderly stop may take.
	stopTime = 20 * time.Second
)

// Scratch is a folder for what is built, until Sweep.
var Scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "nsecbunker-conformance-") })

// Sweep removes Scratch's folder; it is the last that a test binary does.
func Sweep() {
	if dir, err := Scratch(); err == nil {
		_ = os.RemoveAll(dir) // in the temporary folder; the system's own sweep is left
	}
}

var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("NSECBUNKER_BIN"); bin != "" {
		return bin, nil
	}
	dir, err := Scratch()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "nsecbunker")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/nsecbunker")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the bunker: %w\n%s", err, out)
	}
	return bin, nil
})

// Binary is the program's path; it is built at the first call. $NSECBUNKER_BIN names one that is there.
func Binary(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Bunker is a running bunker with a data folder of its own.
type Bunker struct {
	Dir  string
	Addr string // where the embedded relay listens; the same after a restart
	t    testing.TB
	args []string
	pass string
	cmd  *exec.Cmd
	done chan error
	log  *safeBuffer
}

// safeBuffer is a buffer that two may use.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Config writes config.toml.
func (b *Bunker) Config(toml string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.Dir, "config.toml"), []byte(toml), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// Start sets up a new bunker and waits until it is unsealed; args go to `start`. It ends with the test.
func Start(t testing.TB, args ...string) *Bunker {
	t.Helper()
	b := New(t, args...)
	b.Run()
	return b
}

// New makes a data folder and takes a port, and starts nothing.
func New(t testing.TB, args ...string) *Bunker {
	t.Helper()
	b := &Bunker{Dir: t.TempDir(), Addr: FreeAddr(t), t: t, args: args, log: &safeBuffer{}}
	b.pass = filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(b.pass, []byte(passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.end(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("what the bunker said:\n%s", tail(b.log.String(), 8000))
		}
	})
	return b
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// Relay is the embedded relay's URL.
func (b *Bunker) Relay() string { return "ws://" + b.Addr }

// Log is what the process printed so far.
func (b *Bunker) Log() string { return b.log.String() }

// PID is the process's id.
func (b *Bunker) PID() int { return b.cmd.Process.Pid }

// Run starts the process and waits until it is unsealed.
func (b *Bunker) Run() {
	b.t.Helper()
	args := append([]string{"start", "--data", b.Dir, "--passphrase-file", b.pass, "--listen", b.Addr}, b.args...)
	b.cmd = exec.Command(Binary(b.t), args...)
	b.cmd.Stdout, b.cmd.Stderr = b.log, b.log
	b.cmd.Env = append(os.Environ(), "NSECBUNKER_DATA=", "XDG_DATA_HOME="+b.Dir)
	DieWithUs(b.cmd)
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	done := make(chan error, 1)
	b.done = done
	go func(cmd *exec.Cmd) { done <- cmd.Wait() }(b.cmd)
	for deadline := time.Now().Add(startTime); ; time.Sleep(50 * time.Millisecond) {
		var s struct{ State string }
		out, _, err := b.try(nil, "status", "--json")
		if err == nil && json.Unmarshal([]byte(out), &s) == nil && s.State == "unsealed" {
			return
		}
		select {
		case err := <-done:
			done <- err
			b.t.Fatalf("the bunker ended at its start: %v\n%s", err, tail(b.log.String(), 4000))
		default:
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the bunker is not unsealed after %s (status: %s)\n%s", startTime, out, tail(b.log.String(), 4000))
		}
	}
}

// Stop ends the process in good order.
func (b *Bunker) Stop() {
	b.t.Helper()
	if err := b.end(syscall.SIGTERM); err != nil {
		b.t.Fatalf("the bunker ended badly: %v\n%s", err, tail(b.log.String(), 4000))
	}
}

// Kill ends the process as a power cut does.
func (b *Bunker) Kill() { _ = b.end(syscall.SIGKILL) }

// Restart stops and starts it again on the same data and port.
func (b *Bunker) Restart() {
	b.t.Helper()
	b.Stop()
	b.Run()
}

func (b *Bunker) end(how syscall.Signal) error {
	if b.cmd == nil || b.cmd.Process == nil {
		return nil
	}
	_ = b.cmd.Process.Signal(how)
	select {
	case err := <-b.done:
		b.cmd = nil
		return err
	case <-time.After(stopTime):
		_ = b.cmd.Process.Kill()
		<-b.done
		b.cmd = nil
		return errors.New("it did not end when told to")
	}
}

// Alive fails the test if the process is gone.
func (b *Bunker) Alive() {
	b.t.Helper()
	select {
	case err := <-b.done:
		b.done <- err
		b.t.Fatalf("the bunker is gone: %v\n%s", err, tail(b.log.String(), 8000))
	default:
	}
}

// try runs one command line against the bunker.
func (b *Bunker) try(stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	cmd := exec.Command(Binary(b.t), append(args, "--data", b.Dir)...)
	var out, talk bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &talk
	err = cmd.Run()
	return out.String(), talk.String(), err
}

// Refused runs a command line that must fail, and returns what it said.
func (b *Bunker) Refused(args ...string) string {
	b.t.Helper()
	out, talk, err := b.try(nil, args...)
	if err == nil {
		b.t.Fatalf("nsecbunker %s: should have failed; it said %s", strings.Join(args, " "), out)
	}
	return talk
}

// CLI runs one command line and returns its stdout; a failure ends the test.
func (b *Bunker) CLI(args ...string) string {
	b.t.Helper()
	out, talk, err := b.try(nil, args...)
	if err != nil {
		b.t.Fatalf("nsecbunker %s: %v\n%s%s", strings.Join(args, " "), err, out, talk)
	}
	return out
}

// JSON runs one command line with --json and reads what it prints into v.
func (b *Bunker) JSON(v any, args ...string) {
	b.t.Helper()
	out := b.CLI(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		b.t.Fatalf("nsecbunker %s --json: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

// UserKey is a key of the bunker.
type UserKey struct {
	ID, Name, Npub string
	Pub            string `json:"pubkey"`
}

// AddKey makes a key; flags are those of `key add`. Without --deny, what no grant covers is asked.
func (b *Bunker) AddKey(name string, flags ...string) UserKey {
	b.t.Helper()
	var got struct{ Key UserKey }
	b.JSON(&got, append([]string{"key", "add", name}, flags...)...)
	return got.Key
}

// Token makes a bunker:// link.
func (b *Bunker) Token(key, client, perms string, more ...string) Token {
	b.t.Helper()
	var got struct {
		ID        string
		URI       string
		NpubToken string `json:"npub_token"`
	}
	b.JSON(&got, append([]string{"token", "create", key, "--client", client, "--perms", perms}, more...)...)
	u, err := url.Parse(got.URI)
	if err != nil {
		b.t.Fatal(err)
	}
	return Token{ID: got.ID, URI: got.URI, Npub: got.NpubToken, Signer: u.Host, Secret: u.Query().Get("secret"), Relays: u.Query()["relay"]}
}

// Token is a bunker:// link and its parts.
type Token struct {
	ID, URI, Npub, Signer, Secret string
	Relays                        []string
}

// With is the link with other relays.
func (k Token) With(relays ...string) string {
	return URI(k.Signer, k.Secret, relays...)
}

// Bare is the link without its secret, as a client keeps it.
func (k Token) Bare() string { return URI(k.Signer, "", k.Relays...) }

// URI writes a bunker:// URI.
func URI(signer, secret string, relays ...string) string {
	var q []string
	for _, r := range relays {
		q = append(q, "relay="+url.QueryEscape(r))
	}
	if secret != "" {
		q = append(q, "secret="+secret)
	}
	return "bunker://" + signer + "?" + strings.Join(q, "&")
}

// Connection is a connection as the command line shows it.
type Connection struct {
	ID, Name, State string
	ClientNpub      string `json:"client_npub"`
	Relays          []string
	App             struct{ Name, URL string }
}

// Connections lists them, in one state or ("") all.
func (b *Bunker) Connections(key, state string) []Connection {
	b.t.Helper()
	args := []string{"connections", "list", "--key", key}
	if state != "" {
		args = append(args, "--state", state)
	}
	var got []Connection
	b.JSON(&got, args...)
	return got
}

// Of returns the connection of a client, by its pubkey.
func (b *Bunker) Of(key, client string) Connection {
	b.t.Helper()
	for _, c := range b.Connections(key, "") {
		if npubHex(b.t, c.ClientNpub) == client {
			return c
		}
	}
	b.t.Fatalf("there is no connection of %s", client)
	return Connection{}
}

// Seal takes every key out of memory.
func (b *Bunker) Seal() {
	b.t.Helper()
	b.CLI("seal")
}

// DeleteKey has a key wait to be gone.
func (b *Bunker) DeleteKey(name string) {
	b.t.Helper()
	b.CLI("key", "delete", name, "--yes", "--passphrase-file", b.pass)
}

// Unseal brings them back.
func (b *Bunker) Unseal() {
	b.t.Helper()
	b.CLI("unseal", "--passphrase-file", b.pass)
}
