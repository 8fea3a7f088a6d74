package bunkertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/freeport"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store/storetest"
)

// Passphrase opens every bunker of this package.
const Passphrase = "correct horse battery staple"

// patience is how long anything may take before a test fails. No test asserts a
// time; this only ends one that hangs.
const patience = 2 * time.Minute

// Options change what Start makes.
type Options struct {
	Dir      string   // the data folder; "": a new one
	Relays   []string // that apps shall use; none: the embedded one
	NotSetUp bool     // leave it not set up
	Sealed   bool     // leave a folder that is set up sealed
	Config   func(*config.Config)
}

// Bunker is a whole bunker in this process.
type Bunker struct {
	*daemon.Daemon
	Dir   string
	Clock *Clock
	Arena *secret.Arena // for the keys of the apps around it

	t      testing.TB
	opts   Options
	config config.Config
	as     bunker.TenantID // whose commands Try runs; "": the house's
	among  bool            // other instances share it
	faults *Faults
	end    context.CancelFunc
	ended  chan error
}

// quickKDF stands in for scrypt, which takes a second and a child process.
func quickKDF(password, salt []byte, logN uint8) ([]byte, error) {
	h := sha256.Sum256(bytes.Join([][]byte{password, salt, {logN}}, []byte{0}))
	return h[:], nil
}

// Start runs a bunker, set up and unsealed unless the options say otherwise,
// until the test ends.
func Start(t testing.TB, o Options) *Bunker {
	t.Helper()
	b := &Bunker{t: t, opts: o, Dir: o.Dir, Clock: new(Clock), Arena: newArena(t)}
	fresh := b.Dir == ""
	if fresh {
		b.Dir = t.TempDir()
	}
	b.config = config.Default()
	b.config.AllowSwap, b.config.Listen = true, freeport.Address(t)
	for _, r := range o.Relays { // test relays are on this machine
		b.config.Allow = append(b.config.Allow, strings.TrimPrefix(r, "ws://"))
	}
	if o.Config != nil {
		o.Config(&b.config)
	}
	if fresh && b.config.Database == "" {
		storetest.Fresh(t, filepath.Join(b.Dir, daemon.DatabaseFile))
	}
	t.Cleanup(b.Stop)
	b.Run()
	switch {
	case o.NotSetUp:
	case b.State() == daemon.NotSetUp:
		b.SetUp()
	case b.State() == daemon.Sealed && !o.Sealed:
		b.Unseal()
	}
	return b
}

func newArena(t testing.TB) *secret.Arena {
	t.Helper()
	a, err := secret.NewArena(1<<20, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// Run runs the bunker after Stop or Crash, on the same folder, address and clock.
func (b *Bunker) Run() {
	b.t.Helper()
	b.faults = new(Faults)
	d, err := b.open()
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Daemon, b.end, b.ended = d, cancel, make(chan error, 1)
	go func(ended chan<- error) { ended <- d.Run(ctx) }(b.ended)
}

func (b *Bunker) open() (*daemon.Daemon, error) {
	return daemon.Open(context.Background(), daemon.Options{
		Dir: b.Dir, Config: b.config, Version: "test", Now: b.Clock.Now, KDF: quickKDF, Faults: b.faults,
		Log: slog.New(slog.NewTextHandler(b.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
}

// Stop ends it as an interrupt does. What it ended with fails the test.
func (b *Bunker) Stop() {
	b.t.Helper()
	if err := b.halt(); err != nil {
		b.t.Errorf("the bunker ended with: %v", err)
	}
}

// Crash ends it in such a way that nothing is stored after the call: the last
// thing that a reader of its folder sees is what was committed before.
func (b *Bunker) Crash() {
	b.t.Helper()
	b.faults.die()
	_ = b.halt() // of course
}

func (b *Bunker) halt() error {
	if b.end == nil {
		return nil
	}
	b.end()
	b.end = nil
	return <-b.ended
}

// Restart stops it and runs it again, unsealed if the options do not say
// otherwise.
func (b *Bunker) Restart() {
	b.t.Helper()
	b.Stop()
	b.again()
}

// CrashAndRestart is Restart with Crash.
func (b *Bunker) CrashAndRestart() {
	b.t.Helper()
	b.Crash()
	b.again()
}

func (b *Bunker) again() {
	b.t.Helper()
	b.Run()
	if !b.opts.Sealed && b.State() == daemon.Sealed {
		b.Unseal()
	}
}

// SetUp sets it up.
func (b *Bunker) SetUp() {
	b.t.Helper()
	b.Admin("setup", Params{"passphrase": Passphrase, "relays": append([]string{}, b.opts.Relays...)})
}

// Unseal opens it with its passphrase.
func (b *Bunker) Unseal() Answer {
	b.t.Helper()
	return b.Admin("unseal", Params{"passphrase": Passphrase})
}

// Faults are those of the store of the present run.
func (b *Bunker) Faults() *Faults { return b.faults }

// Params are a command's.
type Params map[string]any

// Try runs an admin command as whoever sits at the machine, freshly proved.
func (b *Bunker) Try(command string, p Params) (Answer, error) {
	b.t.Helper()
	params, err := json.Marshal(p)
	if err != nil {
		b.t.Fatal(err)
	}
	by := daemon.Local()
	by.Fresh = true
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	of := b.as
	if of == "" {
		of = bunker.SelfHosted
	}
	v, err := b.DispatchTo(ctx, of, by, command, params)
	if err != nil {
		return nil, err
	}
	return answerOf(b.t, v), nil
}

// Admin is Try for what must succeed.
func (b *Bunker) Admin(command string, p Params) Answer {
	b.t.Helper()
	a, err := b.Try(command, p)
	if err != nil {
		b.t.Fatalf("%s: %v", command, err)
	}
	return a
}

// Refused is Try for what must fail; it returns the error.
func (b *Bunker) Refused(command string, p Params) *bunker.Error {
	b.t.Helper()
	a, err := b.Try(command, p)
	if err == nil {
		b.t.Fatalf("%s was not refused: %v", command, a)
	}
	return bunker.AsError(err)
}

// AddKey makes a user key and returns its pubkey in hex.
func (b *Bunker) AddKey(name string) string {
	b.t.Helper()
	return b.Admin("key.add", Params{"name": name}).Text("key.pubkey")
}

// Token makes a bunker:// string for a key. Of extra, more parameters.
func (b *Bunker) Token(key, perms string, extra ...Params) string {
	b.t.Helper()
	p := Params{"key": key, "client": "app", "perms": perms}
	for _, e := range extra {
		for k, v := range e {
			p[k] = v
		}
	}
	return b.Admin("token.create", p).Text("uri")
}

// Until waits until something is so.
func (b *Bunker) Until(what string, so func() bool) {
	b.t.Helper()
	until(b.t, what, so)
}

func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	look, end := time.NewTicker(5*time.Millisecond), time.NewTimer(patience)
	defer look.Stop()
	defer end.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-end.C:
			t.Fatalf("it did not happen in %s: %s", patience, what)
		}
	}
}
