package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/signer"
	"nsecbunker/internal/store"
	"nsecbunker/internal/store/storetest"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
)

// A table over the real store, vault and slots. Only scrypt is replaced, by
// something quick, and the world around.

const passphrase = "correct horse battery"

// quickKDF stands in for scrypt.
func quickKDF(password, salt []byte, logN uint8) ([]byte, error) {
	h := sha256.Sum256(bytes.Join([][]byte{password, salt, {logN}}, []byte{0}))
	return h[:], nil
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

// tries keeps the count of wrong passphrases.
type tries struct{ seal.Tries }

func (a *tries) LoadTries(context.Context) (seal.Tries, error) { return a.Tries, nil }
func (a *tries) SwapTries(_ context.Context, was, t seal.Tries) (bool, error) {
	if a.Tries != was {
		return false, nil
	}
	a.Tries = t
	return true, nil
}
func (a *tries) StoreTries(_ context.Context, t seal.Tries) error { a.Tries = t; return nil }

func (f *fixture) keyTries(id bunker.KeyID) seal.Attempts {
	if f.spent[id] == nil {
		f.spent[id] = &tries{}
	}
	return f.spent[id]
}

// world is the bunker around the table.
type world struct {
	mu             sync.Mutex
	wakes, changes int
	behind         []string // instances that do not follow
	relays         []string
	own            []string // the embedded relay's addresses
	backups        []BackupRequest
	backupErr      error
	last           time.Time
}

func (w *world) Wake() { w.mu.Lock(); w.wakes++; w.mu.Unlock() }
func (w *world) Changed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes++
	return w.behind
}
func (w *world) AppRelays() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.relays...)
}
func (w *world) CheckRelay(url string, _ bool) error {
	if strings.Contains(url, "10.0.0.") {
		return bunker.Errorf(bunker.CodeRestricted, "10.0.0.1 is a private address").WithHint("allow it in config.toml")
	}
	return nil
}
func (w *world) RelayHealth() []RelayHealth {
	health := []RelayHealth{{URL: "wss://relay.example.com", State: "up", Latency: 12}}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.own {
		health = append(health, RelayHealth{URL: u, State: Embedded})
	}
	return health
}
func (w *world) Info() Info {
	return Info{Version: "test", Backend: "voi", Started: start, MemoryUsed: 1, MemorySize: 2, MemoryLocked: true}
}
func (w *world) Create(_ context.Context, r BackupRequest) (BackupFile, error) {
	r.Passphrase = bytes.Clone(r.Passphrase)
	w.backups = append(w.backups, r)
	return BackupFile{Path: r.Path, Size: 7, SHA256: "00"}, w.backupErr
}
func (w *world) Last(context.Context) (time.Time, error) { return w.last, nil }

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fixture is a table with everything behind it.
type fixture struct {
	*Table
	t     testing.TB
	clock *clock
	store *store.Store
	world *world
	out   *outside
	tries *tries
	spent map[bunker.KeyID]*tries // of keys' own passphrases
	kdfs  int
	path  string // of the database
}

// newFixture makes a bunker that is not set up.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	arena, err := secret.NewArena(1<<20, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	f := &fixture{t: t, clock: &clock{now: start}, world: &world{relays: []string{"wss://relay.example.com"}}, tries: &tries{}, spent: map[bunker.KeyID]*tries{}}
	v, err := vault.New(vault.Config{Arena: arena, Now: f.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	if err := v.OpenService(bunker.SelfHosted, []byte(strings.Repeat("s", 32))); err != nil {
		t.Fatal(err)
	}
	f.path = filepath.Join(t.TempDir(), "data", "b.db")
	storetest.Fresh(t, f.path)
	f.store, err = store.Open(t.Context(), store.Config{
		Path: f.path, Auth: v, Flags: v, Now: f.clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.store.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, f.store.Close()); err != nil {
			t.Error(err)
		}
	})
	kdf := func(password, salt []byte, logN uint8) ([]byte, error) {
		f.kdfs++
		return quickKDF(password, salt, logN)
	}
	slots, err := seal.New(seal.Config{Arena: arena, KDF: kdf, Attempts: f.tries, KeyAttempts: f.keyTries, Now: f.clock.Now, CredentialsDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	none := func() []string { return nil }
	nobody := func(nostr.PubKey) bool { return false }
	f.out = &outside{}
	f.out.Signer, err = signer.New(signer.Config{Tenant: bunker.SelfHosted, Store: f.store, Vault: v, Around: signer.Surroundings{
		Ours: nobody, Clients: nobody, Hosts: none, Relays: none, AppRelays: none,
	}})
	if err != nil {
		t.Fatal(err)
	}
	f.Table, err = New(Deps{
		Tenant: bunker.SelfHosted, Now: f.store.LedgerTime, Vault: v, Rows: rows{f.store}, Slots: slotMaker{slots, kdf}, KDF: kdf,
		Around: f.world, Backup: f.world, Events: f.out, DeleteWait: 7 * 24 * time.Hour, SetupCode: func() string { return "setup code" },
		Notices: f.world,
	})
	if err != nil {
		t.Fatal(err)
	}
	pub, wrapped, err := v.NewServiceKey(bunker.SelfHosted, bunker.RoleAdmin)
	if err != nil {
		t.Fatal(err)
	}
	k := bunker.ServiceKey{Tenant: bunker.SelfHosted, PubKey: pub, Role: bunker.RoleAdmin, Ciphertext: wrapped, CreatedAt: 1}
	err = f.store.Change(t.Context(), bunker.SelfHosted, System(), func(tx *store.Tx) error {
		return errors.Join(tx.AddServiceKey(&k), tx.Audit(bunker.AuditRecord{Action: "start"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// setUp makes a bunker that is set up, unsealed, with one owner.
func setUp(t testing.TB) *fixture {
	f := newFixture(t)
	f.do("setup", m{"passphrase": passphrase, "admins": []m{{"npub": npubOf(1)}}, "relays": []string{"wss://relay.example.com"}})
	return f
}

type m = map[string]any

func owner() bunker.Principal {
	return bunker.Principal{Name: "local", Role: bunker.Owner, Door: bunker.DoorSocket, Fresh: true}
}

// call runs a command as the freshly proven owner and returns its result as JSON
// would carry it.
func (f *fixture) call(name string, params m) (m, error) {
	f.t.Helper()
	p := owner()
	if c := f.commands[name]; c != nil && !slices.Contains(c.Doors, p.Door) && slices.Contains(c.Doors, bunker.DoorRelay) {
		p.Door = bunker.DoorRelay // only the admin app has it
	}
	return f.callAs(p, name, params)
}

func (f *fixture) callAs(p bunker.Principal, name string, params m) (m, error) {
	f.t.Helper()
	b, err := json.Marshal(params)
	if err != nil {
		f.t.Fatal(err)
	}
	res, err := f.Dispatch(context.Background(), p, name, b)
	if err != nil {
		return nil, err
	}
	if b, err = json.Marshal(res); err != nil {
		f.t.Fatalf("%s: the result has no JSON: %v", name, err)
	}
	var out m
	if err := json.Unmarshal(b, &out); err != nil {
		f.t.Fatal(err)
	}
	return out, nil
}

// do is call for what must work.
func (f *fixture) do(name string, params m) m {
	f.t.Helper()
	res, err := f.call(name, params)
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return res
}

// refused is call for what must not work: the code, and words that it must say.
func (f *fixture) refused(code bunker.Code, words, name string, params m) {
	f.t.Helper()
	_, err := f.call(name, params)
	var e *bunker.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Words, words) {
		f.t.Errorf("%s %v: got %v, want %s with %q", name, params, err, code, words)
	}
}

// last is the newest audit record.
func (f *fixture) last() bunker.AuditRecord {
	f.t.Helper()
	recs, err := f.store.Records(f.t.Context(), bunker.SelfHosted, store.RecordFilter{Limit: 1})
	if err != nil || len(recs) != 1 {
		f.t.Fatal(recs, err)
	}
	return recs[0]
}

func (f *fixture) seq() int64 { return f.last().Seq }

func (f *fixture) keyRow(name string) *bunker.UserKey {
	f.t.Helper()
	k, err := f.store.Key(f.t.Context(), bunker.SelfHosted, name)
	if err != nil {
		f.t.Fatal(err)
	}
	return k
}

// get digs in a result.
func get(v any, path ...string) any {
	for _, p := range path {
		mm, ok := v.(m)
		if !ok {
			return nil
		}
		v = mm[p]
	}
	return v
}

func str(v any, path ...string) string {
	s, _ := get(v, path...).(string)
	return s
}

// secretOf is a private key of a test, pubOf and npubOf what belongs to it.
func secretOf(n byte) []byte {
	b := make([]byte, 32)
	b[31] = n
	return b
}

func pubOf(n byte) nostr.PubKey {
	pub, err := pubKeyOf(secretOf(n))
	if err != nil {
		panic(err)
	}
	return pub
}

// tamper changes the database from outside.
func (f *fixture) tamper(statement string) {
	f.t.Helper()
	db, err := sql.Open("sqlite", "file:"+f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	_, err = db.Exec(statement)
	if err := errors.Join(err, db.Close()); err != nil {
		f.t.Fatal(err)
	}
}

// keyFile makes a file for a slot.
func (f *fixture) keyFile() string {
	f.t.Helper()
	path := filepath.Join(f.t.TempDir(), "root.key")
	if err := seal.CreateKeyFile(path); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// system runs a command of the bunker's own timers.
func (f *fixture) system(name string) m {
	f.t.Helper()
	res, err := f.callAs(System(), name, nil)
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return res
}

// passTime lets time pass in the small steps that a clock that is right makes.
func (f *fixture) passTime(d time.Duration) { f.clock.add(d) }

// opens tells whether a passphrase opens a slot.
func (f *fixture) opens(passphrase string) bool {
	f.t.Helper()
	slots, err := f.store.Slots(f.t.Context(), bunker.SelfHosted)
	if err != nil {
		f.t.Fatal(err)
	}
	root, _, err := f.Slots.OpenPassphrase(f.t.Context(), slots, []byte(passphrase))
	if err != nil {
		return false
	}
	root.Destroy()
	return true
}

// scopedSource is scoped.go and scopedtx.go as text.
func scopedSource(t testing.TB) string {
	t.Helper()
	var text strings.Builder
	for _, name := range []string{"scoped.go", "scopedtx.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	return text.String()
}

// Export implements Backup.
func (w *world) Export(context.Context, []byte, int64) ([]byte, error) { return []byte("sealed"), nil }
