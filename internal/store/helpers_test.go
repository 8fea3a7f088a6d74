package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// hmacAuth is the vault's part in this test: HMAC under a fixed key.
type hmacAuth struct{ sealed atomic.Bool }

var errSealed = bunker.Errorf(bunker.CodeSealed, "the bunker is sealed")

func mac(label string, msg []byte) [32]byte {
	h := hmac.New(sha256.New, []byte("test key "+label))
	h.Write(msg)
	return [32]byte(h.Sum(nil))
}

func (a *hmacAuth) Tag(row bunker.Authority) ([32]byte, error) {
	if a.sealed.Load() {
		return [32]byte{}, errSealed
	}
	return mac("rows", bunker.MACMessage(row)), nil
}

func (a *hmacAuth) Verify(row bunker.Authority, stored []byte) error {
	want, err := a.Tag(row)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want[:], stored) != 1 {
		return bunker.TamperedError(row)
	}
	return nil
}

func (a *hmacAuth) TagService(t bunker.TenantID, label string, data []byte) ([32]byte, error) {
	return mac("service "+string(t)+label, data), nil
}

func (a *hmacAuth) VerifyService(t bunker.TenantID, label string, data, stored []byte) error {
	want := mac("service "+string(t)+label, data)
	if subtle.ConstantTimeCompare(want[:], stored) != 1 {
		return bunker.ErrTampered
	}
	return nil
}

// testClock is a wall clock that stands still until it is moved.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

// fixture is an open store, set up, with its committer running.
type fixture struct {
	*Store
	t       testing.TB
	auth    *hmacAuth
	clock   *testClock
	faults  *faultList
	cfg     Config
	outside *sql.DB // see tamper
	stop    func()
}

// faultList fails the points that a test names.
type faultList struct {
	mu   sync.Mutex
	fail map[string]int // point → how many times more; -1: always
	skip int            // of the failing points, this many pass first
}

var errFault = errors.New("a fault of the test")

func (f *faultList) At(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.fail[point]; n != 0 {
		if f.skip > 0 {
			f.skip--
			return nil
		}
		f.fail[point]--
		return errFault
	}
	return nil
}

func (f *faultList) set(point string, n int) {
	f.mu.Lock()
	f.fail[point] = n
	f.mu.Unlock()
}

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// openFixture opens a store in dir with its committer running; setUp says
// whether the tenant gets its root key.
func openFixture(t testing.TB, dir string, setUp bool) *fixture {
	t.Helper()
	return openFixtureIn(t, dir, "", setUp)
}

// openFixtureIn is openFixture with the store in a database; "": SQLite.
func openFixtureIn(t testing.TB, dir, database string, setUp bool) *fixture {
	t.Helper()
	f := &fixture{
		t: t, auth: &hmacAuth{}, clock: &testClock{now: start},
		faults: &faultList{fail: map[string]int{}},
	}
	f.cfg = Config{
		Path: filepath.Join(dir, "bunker.db"), Database: database, Auth: f.auth, Flags: f.auth, Now: f.clock.Now, Log: slog.New(slog.DiscardHandler), Faults: f.faults,
	}
	f.open()
	t.Cleanup(func() { f.stop() })
	if !setUp {
		f.auth.sealed.Store(true)
		return f
	}
	f.change(func(tx *Tx) error {
		st := tx.Tenant()
		st.SetUp = true
		return tx.PutTenant(st)
	})
	return f
}

func newFixture(t testing.TB) *fixture { return openFixture(t, t.TempDir(), true) }

func (f *fixture) open() {
	f.t.Helper()
	s, err := Open(context.Background(), f.cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	f.Store = s
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			f.t.Errorf("closing: %v", err)
		}
	})
}

// reopen closes the store and opens it again, as a restart does.
func (f *fixture) reopen() {
	f.t.Helper()
	f.stop()
	f.open()
}

var local = bunker.Principal{Name: "local", Role: bunker.Owner, Door: bunker.DoorSocket}

// change makes a change with an audit record of its own.
func (f *fixture) change(do func(tx *Tx) error) {
	f.t.Helper()
	if err := f.tryChange(do); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) tryChange(do func(tx *Tx) error) error {
	return f.Change(context.Background(), bunker.SelfHosted, local, func(tx *Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "test"})
	})
}

func random32() (b [32]byte) {
	rand.Read(b[:])
	return b
}

func (f *fixture) addKey(name string) *bunker.UserKey {
	f.t.Helper()
	k := &bunker.UserKey{
		Tenant: bunker.SelfHosted, ID: bunker.NewKeyID(), Name: name, PubKey: random32(), State: bunker.KeyActive, Default: bunker.Ask,
		CreatedAt: f.clock.Now().UnixMilli(), Ciphertext: []byte("sealed"),
	}
	f.change(func(tx *Tx) error { return tx.PutKey(k) })
	return k
}

func (f *fixture) addToken(k *bunker.UserKey, uses int64) (*bunker.Token, string) {
	f.t.Helper()
	secret := bunker.NewSecret()
	tok := &bunker.Token{
		Tenant: bunker.SelfHosted, ID: bunker.NewTokenID(), Key: k.ID, Signer: random32(), SecretHash: bunker.HashSecret(secret),
		Permissions: "all", MaxUses: uses, State: bunker.TokenOpen, CreatedAt: f.clock.Now().UnixMilli(),
	}
	f.change(func(tx *Tx) error {
		err := tx.AddServiceKey(&bunker.ServiceKey{Tenant: tok.Tenant, PubKey: tok.Signer, Role: bunker.RoleSigner, Ciphertext: []byte("x")})
		return errors.Join(err, tx.PutToken(tok))
	})
	return tok, secret
}

// addConnection makes an active connection with one grant for everything.
func (f *fixture) addConnection(k *bunker.UserKey) *bunker.Connection {
	f.t.Helper()
	c := &bunker.Connection{
		Tenant: bunker.SelfHosted, ID: bunker.NewConnectionID(), Key: k.ID, Signer: random32(), Client: random32(), State: bunker.ConnActive,
		Name: "app", Relays: []string{"wss://relay.example"}, CreatedAt: f.clock.Now().UnixMilli(),
	}
	f.change(func(tx *Tx) error {
		err := tx.AddServiceKey(&bunker.ServiceKey{Tenant: c.Tenant, PubKey: c.Signer, Role: bunker.RoleSigner, Ciphertext: []byte("x")})
		return errors.Join(err, tx.PutConnection(c), tx.putGrant(f.newGrant(c, 0)))
	})
	return c
}

func (f *fixture) newGrant(c *bunker.Connection, uses int64) *bunker.Grant {
	return &bunker.Grant{
		Tenant: c.Tenant, ID: bunker.NewGrantID(), Connection: c.ID, Effect: bunker.Allow, Permissions: "all", MaxUses: uses,
		GivenBy: "local", CreatedAt: f.clock.Now().UnixMilli(),
	}
}

func (f *fixture) view(c *bunker.Connection) bunker.View {
	f.t.Helper()
	v, err := f.View(context.Background(), c.Tenant, c.Signer, c.Client)
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

// entry is an allowed request of a connection, as decided now.
func (f *fixture) entry(c *bunker.Connection) *bunker.Entry {
	f.t.Helper()
	return entryOf(f.view(c), f.clock.Now())
}

func entryOf(v bunker.View, now time.Time) *bunker.Entry {
	c := v.Connection
	kind := int64(1)
	id := nostr.ID(random32())
	return &bunker.Entry{
		Tenant: c.Tenant, EventID: id, Signer: c.Signer, Client: c.Client, Method: "sign_event", OpDigest: random32(),
		CreatedAt: now.Unix(), To: bunker.RequestReady, Relays: c.Relays, Connection: c.ID,
		Basis: bunker.Basis{Tenant: v.Tenant.Version, Connection: c.ID, ConnectionVersion: c.Version, Key: v.Key.ID, KeyVersion: v.Key.Version, Moment: v.Moment},
		Audit: bunker.AuditRecord{
			Principal: "client " + c.Client.String(), Door: "relay", Action: "sign_event", Key: v.Key.PubKey.String(), Connection: string(c.ID),
			Effect: "allow", Rule: "grant g1", Reason: "granted by local", Kind: &kind, Size: 5, SignedID: id.String(),
		},
		Reply: &bunker.Reply{Part: bunker.PartFinal, EventID: random32(), Bytes: make([]byte, 1000)},
	}
}

// park turns an entry into a question.
func park(e *bunker.Entry, now time.Time) *bunker.Entry {
	e.To, e.Envelope, e.Reply, e.Audit.Effect = bunker.RequestParked, []byte(`{"kind":24133}`), nil, "ask"
	e.NewApproval = &bunker.Approval{
		Tenant: e.Tenant, ID: bunker.NewApprovalID(), EventID: e.EventID, Connection: e.Connection, Key: e.Basis.Key, Method: e.Method, Kind: 1,
		OpDigest: e.OpDigest, Answers: "default", ReplyBy: now.Add(30 * time.Second).UnixMilli(),
		QuestionUntil: now.Add(24 * time.Hour).UnixMilli(), State: bunker.ApprovalPending, CreatedAt: now.UnixMilli(),
	}
	return e
}

func (f *fixture) commit(e *bunker.Entry) bunker.Result {
	f.t.Helper()
	r, _ := f.Commit(context.Background(), e) // tests look at Result.Err
	return r
}

func (f *fixture) mustCommit(e *bunker.Entry) bunker.Result {
	f.t.Helper()
	r := f.commit(e)
	if r.Outcome != bunker.Committed {
		f.t.Fatalf("outcome %d, %v", r.Outcome, r.Err)
	}
	return r
}

// tamper runs statements on a handle of its own, as somebody with the file in
// their hands would. Temporary tables last until the test ends.
func (f *fixture) tamper(statements ...string) {
	f.t.Helper()
	f.openOutside()
	for _, st := range statements {
		if _, err := f.outside.Exec(f.inEngine(st)); err != nil {
			f.t.Fatalf("%s: %v", st, err)
		}
	}
}

// tamperDatabase is tamper on the database of a store that is in a file.
func (f *fixture) tamperDatabase(statements ...string) {
	f.t.Helper()
	db, err := sql.Open("pgx", f.cfg.Database)
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	for _, st := range statements {
		if _, err := db.Exec(st); err != nil {
			f.t.Fatalf("%s: %v", st, err)
		}
	}
}

func (f *fixture) openOutside() {
	f.t.Helper()
	if f.outside != nil {
		return
	}
	db, err := sql.Open("sqlite", dsn(f.cfg.Path))
	if f.cfg.Database != "" {
		db, err = sql.Open("pgx", f.cfg.Database+"&default_query_exec_mode=exec")
	}
	if err != nil {
		f.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	f.outside = db
	f.t.Cleanup(func() { db.Close() })
}

// postgresWords are what tests write for SQLite, and how PostgreSQL has it.
var postgresWords = strings.NewReplacer(
	"PRAGMA foreign_keys = 0", "SET session_replication_role = replica",
	"DROP TRIGGER audit_stays", "DROP TRIGGER audit_stays ON audit",
	"DROP TRIGGER policy_version_stays_there", "DROP TRIGGER policy_version_stays_there ON policy_version",
	"DROP TRIGGER policy_version_stays", "DROP TRIGGER policy_version_stays ON policy_version",
	"zeroblob(32)", `'\x`+strings.Repeat("00", 32)+`'::bytea`,
	"randomblob(32)", `'\x`+strings.Repeat("5a", 32)+`'::bytea`,
	"randomblob(9)", `'\x`+strings.Repeat("5a", 9)+`'::bytea`,
	"x'00'", `'\x00'::bytea`,
	"CAST(replace(CAST(body AS TEXT), 'allow', 'deny') AS BLOB)", "convert_to(replace(convert_from(body, 'UTF8'), 'allow', 'deny'), 'UTF8')",
)

// inEngine is a statement as the fixture's engine takes it.
func (f *fixture) inEngine(st string) string {
	if f.cfg.Database == "" {
		return st
	}
	return postgresWords.Replace(st)
}

// columns are a table's, by the engine's own account.
func (f *fixture) columns(table string) []string {
	f.t.Helper()
	cols, err := f.engine.columns(context.Background(), f.read, table)
	if err != nil {
		f.t.Fatal(err)
	}
	return cols
}

// afterEdit wants what becomes of the first commit after an edit from outside. Where
// views are kept, all are read anew; else it rests on rows that were read for it.
func (f *fixture) afterEdit(r bunker.Result) {
	f.t.Helper()
	want := bunker.Moved
	if !f.keeps() {
		want = bunker.Committed
	}
	if r.Outcome != want || r.Err != nil {
		f.t.Fatalf("the first commit after an edit: %+v", r)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
