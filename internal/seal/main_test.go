package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// TestMain lets the test's program play the children: the KDF's, and external
// commands.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "kdf":
			exitOn(RunKDFChild(os.Stdin, os.Stdout))
		case "print":
			fmt.Print(os.Args[2])
			os.Exit(0)
		case "fail":
			fmt.Print(os.Args[2])
			os.Exit(3)
		case "env":
			fmt.Print(os.Environ())
			os.Exit(0)
		case "stdin":
			var b [1]byte
			n, err := os.Stdin.Read(b[:])
			fmt.Printf("read %d bytes from standard input: %v", n, err)
			os.Exit(0)
		case "hang": // says where it is first, if it is asked to
			if len(os.Args) > 2 {
				if err := os.WriteFile(os.Args[2], fmt.Appendln(nil, os.Getpid()), 0o600); err != nil {
					exitOn(err)
				}
			}
			time.Sleep(time.Hour)
		case "leave": // ends, but leaves a child behind that holds the pipe
			cmd := exec.Command(os.Args[0], "hang")
			cmd.Stdout = os.Stdout
			exitOn(cmd.Start())
		}
	}
	os.Exit(m.Run())
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

const testLogN = MinLogN

var testNow = time.Unix(1_800_000_000, 0)

// memoryTries keeps tries as the store will.
type memoryTries struct {
	mu    sync.Mutex
	tries Tries
	fail  error
	other func() // what another instance does between a reading and a writing; once
}

func (m *memoryTries) LoadTries(context.Context) (Tries, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tries, m.fail
}

func (m *memoryTries) SwapTries(_ context.Context, was, t Tries) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if other := m.other; other != nil {
		m.other = nil
		other()
	}
	if m.fail != nil || m.tries != was {
		return false, m.fail
	}
	m.tries = t
	return true, nil
}

func (m *memoryTries) StoreTries(_ context.Context, t Tries) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tries = t
	return m.fail
}

// fixture is Slots with a clock and a root key.
type fixture struct {
	*Slots
	tries *memoryTries
	now   time.Time
	root  []byte
}

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	must(t, err)
	t.Cleanup(a.Close)
	f := &fixture{tries: new(memoryTries), now: testNow, root: bytes.Repeat([]byte{7}, 32)}
	c := Config{
		Arena: a, KDF: hashKDF, Attempts: f.tries, Now: func() time.Time { return f.now }, LogN: testLogN,
		Commands: map[string][]string{},
	}
	for _, ch := range change {
		ch(&c)
	}
	f.Slots, err = New(c)
	must(t, err)
	return f
}

// hashKDF stands in for scrypt where what it costs does not matter: the race
// detector makes scrypt and each child a matter of seconds.
func hashKDF(password, salt []byte, logN uint8) ([]byte, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d ", logN, len(salt))
	h.Write(salt)
	h.Write(password)
	return h.Sum(nil), nil
}

// realChild is the KDF of the product.
func realChild(t testing.TB) func(*Config) {
	return func(c *Config) { c.KDF = testChild(t).Scrypt }
}

func testChild(t testing.TB) *ChildKDF {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	return &ChildKDF{Exe: exe, Args: []string{"kdf"}}
}

func (f *fixture) lend(use func(root []byte) error) error { return use(bytes.Clone(f.root)) }

func (f *fixture) wrap(t testing.TB, kind bunker.SlotKind, in Input) bunker.Slot {
	t.Helper()
	s, err := f.Wrap(context.Background(), bunker.SelfHosted, kind, in, f.lend)
	must(t, err)
	return s
}

// opens fails the test unless the slot gives the root key.
func (f *fixture) opens(t testing.TB, s bunker.Slot, in Input) {
	t.Helper()
	root, err := f.Open(context.Background(), s, in)
	must(t, err)
	defer root.Destroy()
	must(t, root.Use(func(b []byte) {
		if !bytes.Equal(b, f.root) {
			t.Fatal("another root key")
		}
	}))
}

func (f *fixture) refuses(t testing.TB, s bunker.Slot, in Input) error {
	t.Helper()
	root, err := f.Open(context.Background(), s, in)
	if err == nil {
		root.Destroy()
		t.Fatal("the slot opened")
	}
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func wantCode(t testing.TB, err error, want bunker.Code) {
	t.Helper()
	if err == nil || bunker.AsError(err).Code != want {
		t.Fatalf("got %v, want the code %s", err, want)
	}
}

func pass(s string) Input { return Input{Passphrase: []byte(s)} }
