package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/pgtest"
	"nsecbunker/nostr"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := pgtest.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// newPostgresFixture is newFixture with a database of its own on a real server.
func newPostgresFixture(t testing.TB) *fixture {
	t.Helper()
	return openFixtureIn(t, t.TempDir(), pgtest.Shared(t).Database(t), true)
}

func TestPostgreSQLKeepsTheContract(t *testing.T) {
	testContract(t, newPostgresFixture)
}

func TestPostgreSQLsSchemaIsTheCommittedOne(t *testing.T) {
	newPostgresFixture(t).schemaIs("schema.postgres.sql")
}

// A table or column that one engine lacks would be lost in a move to it.
func TestBothEnginesHaveTheSameSchema(t *testing.T) {
	ctx := context.Background()
	lite, pg := newFixture(t), newPostgresFixture(t)
	tables, err := sameTables(ctx, lite.engine, lite.read, pg.engine, pg.read)
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) < 25 || tables[len(tables)-1].name != "person" {
		t.Errorf("%d tables, the last one %+v", len(tables), tables[len(tables)-1])
	}
	after := func(dir string) []string {
		names, err := fs.Glob(migrations, dir+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range names {
			names[i] = filepath.Base(n)
		}
		return slices.DeleteFunc(names, func(n string) bool { return n < "0061" })
	}
	if a, b := after("migrations/sqlite"), after("migrations/postgres"); !slices.Equal(a, b) {
		t.Errorf("migrations after 0060 come in pairs: SQLite has %v, PostgreSQL %v", a, b)
	}
}

func TestASecondInstanceOnADatabaseIsToldOfTheFirst(t *testing.T) {
	f := newPostgresFixture(t)
	elsewhere := f.cfg
	elsewhere.Path = filepath.Join(t.TempDir(), "bunker.db")
	_, err := Open(context.Background(), elsewhere)
	wantSentence(t, err, "another instance", fmt.Sprintf("process %d", os.Getpid()), "--database")
	got, err := childOn("open", elsewhere.Path, f.cfg.Database).CombinedOutput()
	if err == nil || !strings.Contains(string(got), "another instance") {
		t.Errorf("another process: %v: %s", err, got)
	}
	f.stop()
	if got, err := childOn("open", elsewhere.Path, f.cfg.Database).CombinedOutput(); err != nil {
		t.Errorf("after the first ended: %v: %s", err, got)
	}
}

func TestADatabaseThatCannotBeUsedIsSaidInASentence(t *testing.T) {
	s := pgtest.Shared(t)
	good := s.Database(t)
	f := &fixture{t: t, cfg: Config{Path: filepath.Join(t.TempDir(), "bunker.db"), Auth: &hmacAuth{}, Now: (&testClock{now: start}).Now, Log: quiet()}}
	on := func(database string) error {
		f.cfg.Database = database
		return f.tryOpen()
	}
	base, socket, _ := strings.Cut(good, "?")
	name := filepath.Base(base)
	wantSentence(t, on("mysql://db.example/bunker"), "no URL of PostgreSQL", "postgres://")
	for _, secret := range []string{"postgres://me:hush-hush@db.example/bunker", "postgres://me@db.example/bunker?password=hush-hush", "postgres://me:hush-hush@db .example/x"} {
		err := on(secret)
		wantSentence(t, err, "the database")
		if err == nil || strings.Contains(fmt.Sprintf("%+v %s", err, bunker.AsError(err).Words), "hush-hush") {
			t.Errorf("the password is repeated: %v", err)
		}
	}
	wantSentence(t, on("postgres://me:hush-hush@db.example/bunker"), "holds a password", "PGPASSWORD", "PGPASSFILE")
	wantSentence(t, on("postgres://postgres@/bunker?host="+t.TempDir()), "cannot be reached")
	wantSentence(t, on("postgres://postgres@/nobodys?"+socket), "there is no", "nobodys")
	wantSentence(t, on("postgres://nobody@/"+name+"?"+socket), "refuses the user", "nobody")

	s.Exec(t, "CREATE ROLE "+pgtest.Guarded+" LOGIN PASSWORD '"+pgtest.Password+"'", "ALTER DATABASE "+name+" OWNER TO "+pgtest.Guarded)
	guarded := "postgres://" + pgtest.Guarded + "@/" + name + "?" + socket
	wantSentence(t, on(guarded), "refuses the user", "PGPASSFILE")
	t.Setenv("PGPASSWORD", pgtest.Password)
	if err := on(guarded); err != nil {
		t.Errorf("with its password: %v", err)
	}

	for setting, word := range map[string]string{"synchronous_commit": "synchronous_commit is off", "default_transaction_read_only": "takes no writes"} {
		loose := s.Database(t)
		base, _, _ := strings.Cut(loose, "?")
		value := "on"
		if setting == "synchronous_commit" {
			value = "off"
		}
		s.Exec(t, "ALTER DATABASE "+filepath.Base(base)+" SET "+setting+" = "+value)
		wantSentence(t, on(loose), word, filepath.Base(base))
	}
}

func TestAServerElsewhereIsReachedWithTLSOnly(t *testing.T) {
	for database, want := range map[string]bool{
		"postgres://me@db.example/bunker":                 true,
		"postgres://me@10.0.0.7/bunker":                   true,
		"postgres://me@db.example/bunker?sslmode=disable": false, // as its administrator says
		"postgres://me@localhost/bunker":                  false,
		"postgres://me@127.0.0.1/bunker?sslmode=disable":  false,
		"postgres://me@/bunker?host=/run/postgresql":      false,
		"postgres://me@localhost,db.example/bunker":       true,
		"postgresql://me@db.example:5433/bunker?x=y":      true,
		"postgres://me@db.example/bunker?sslmode=prefer":  false,
	} {
		e, err := newPostgres(database, "")
		if err != nil {
			t.Fatal(err)
		}
		plain := e.config.TLSConfig == nil || e.config.TLSConfig.InsecureSkipVerify
		for _, f := range e.config.Fallbacks {
			plain = plain || f.TLSConfig == nil || f.TLSConfig.InsecureSkipVerify
		}
		if plain == want {
			t.Errorf("%s: a connection that is not verified: %v", database, plain)
		}
	}
}

func TestANewerDatabaseIsLeftAlone(t *testing.T) {
	f := newPostgresFixture(t)
	f.stop()
	f.tamper("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)")
	wantSentence(t, f.tryOpen(), "newer nsecbunker", "999")
	var n int
	if err := f.outside.QueryRow("SELECT count(*) FROM goose_db_version WHERE version_id = 999").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestAnEntryThatTheServerCannotHoldHurtsNoOther(t *testing.T) {
	f := newPostgresFixture(t)
	c := f.addConnection(f.addKey("herald"))
	outcomes := f.commitAll(10, func(i int) *bunker.Entry {
		e := f.entry(c)
		if i == 3 {
			e.Audit.Principal = "client \x00" // no text of PostgreSQL's
		}
		return e
	})
	if outcomes[bunker.Committed] != 9 || outcomes[bunker.Failed] != 1 {
		t.Errorf("%v", outcomes)
	}
	f.expectWhole()
}

func TestAnotherSessionsLockIsSaidAndOvercome(t *testing.T) {
	f := newPostgresFixture(t)
	c := f.addConnection(f.addKey("herald"))
	e := f.entry(c)
	f.openOutside()
	tx, err := f.outside.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("SELECT * FROM tenant_head FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	r := f.commit(e)
	wantSentence(t, r.Err, "locked", "another session")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.mustCommit(e)
	f.expectWhole()
}

// What somebody else has made of a failed transaction is never taken for a commit.
func TestAFailedTransactionIsNotCommitted(t *testing.T) {
	f := newPostgresFixture(t)
	k := f.addKey("herald")
	err := f.tryChange(func(tx *Tx) error {
		if err := tx.PutSetting("a", "b"); err != nil {
			return err
		}
		if err := tx.exec("INSERT INTO setting (tenant, name, value) VALUES ('self', 'a', 'c')"); troubleOf(err) != duplicate {
			t.Errorf("a double: %v", err)
		}
		return nil // as if nothing had happened
	})
	if err == nil {
		t.Error("a change of which nothing is stored succeeded")
	}
	if v, err := f.Setting(context.Background(), bunker.SelfHosted, "a"); err != nil || v != "" {
		t.Errorf("%q, %v", v, err)
	}
	k.Locked = true
	f.change(func(tx *Tx) error { return tx.PutKey(k) })
	f.expectWhole()
}

func TestAnInstanceGoesOnAfterItsServerWasStartedAgain(t *testing.T) {
	s := pgtest.Own(t)
	f := openFixtureIn(t, t.TempDir(), s.Database(t), true)
	c := f.addConnection(f.addKey("herald"))
	e := f.entry(c)
	for _, end := range []func(){s.Stop, s.Kill} {
		f.mustCommit(e)
		end()
		e = entryOf(bunker.View{Tenant: bunker.TenantState{Version: e.Basis.Tenant}, Connection: c, Key: &bunker.UserKey{ID: c.Key, Version: 1}}, f.clock.Now())
		r := f.commit(e)
		wantSentence(t, r.Err, "cannot be reached", "nothing was stored")
		if _, err := f.View(context.Background(), c.Tenant, c.Signer, c.Client); err == nil {
			t.Error("a view without a server")
		}
		wantSentence(t, f.tryChange(func(tx *Tx) error { return tx.PutSetting("a", "b") }), "cannot be reached")
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		e = f.entry(c) // by every reading connection, some of them twice
		for range 2 * readers {
			f.view(c)
		}
	}
	f.mustCommit(e)
	f.expectRows("request", 3)
	f.expectWhole()
}

// The connection that writes is ended between the groups and within them, by the
// server's administrator, while others commit: what was answered is stored, and once.
// Each of an entry's first tries is cut off at some moment of it. Cuts that come by the clock
// would be faster than a transaction on a busy machine, and let none through.
func TestWhatWasAnsweredIsStoredThoughConnectionsAreCut(t *testing.T) {
	const cuts, again = 4, 20
	f := newPostgresFixture(t)
	c := f.addConnection(f.addKey("herald"))
	f.openOutside()
	cut := func() {
		<-time.After(time.Duration(rand.IntN(4000)) * time.Microsecond)
		_, err := f.outside.Exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		if err != nil {
			t.Error(err)
		}
	}
	answered, failed := map[string]int{}, 0
	for range 60 {
		e := f.entry(c)
		var r bunker.Result
		for try := range again { // as an app that sends the same event again
			var cutting sync.WaitGroup
			if try < cuts {
				cutting.Go(cut)
			}
			r = f.commit(e)
			cutting.Wait()
			if r.Outcome == bunker.Committed || r.Outcome == bunker.Taken {
				break
			}
			failed++
		}
		if len(r.Replies) != 1 || r.Replies[0].Reply().EventID != e.Reply.EventID {
			t.Fatalf("%+v", r)
		}
		answered[e.EventID.String()]++
	}
	if failed == 0 {
		t.Error("no try was cut off: the test has lost its teeth")
	}
	t.Logf("%d entries, %d tries that were cut off", len(answered), failed)
	f.expectRows("request", len(answered))
	f.expectWhole()
}

// A server that was restarted has cut all connections; what is read first after it is
// read all the same, whichever of them it would have taken.
func TestAViewIsReadAfterAllConnectionsWereCut(t *testing.T) {
	ctx := context.Background()
	f := newPostgresFixture(t)
	c := f.addConnection(f.addKey("herald"))
	f.openOutside()
	f.outside.SetMaxIdleConns(1)
	for range 10 {
		// Taken a second time within the second for which the driver believes a connection.
		for range 2 {
			var held []*sql.Conn // so that each is a connection of its own, idle afterwards
			for range extraReaders {
				conn, err := f.read.Conn(ctx)
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, conn)
			}
			for _, conn := range held {
				if err := conn.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := f.read.Stats().Idle; n != extraReaders {
			t.Fatalf("%d idle connections, want %d: the test has lost its teeth", n, extraReaders)
		}
		if _, err := f.outside.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
			t.Fatal(err)
		}
		for left := 1; left > 0; {
			if err := f.outside.QueryRow(`SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&left); err != nil {
				t.Fatal(err)
			}
		}
		for range readers { // each of the viewers is gone; a stranger's view is kept nowhere
			if _, err := f.View(ctx, bunker.SelfHosted, c.Signer, nostr.PubKey{1}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestWhatWasSentIsStoredInPostgreSQLAfterAKill(t *testing.T) {
	storedAfterKills(t, newPostgresFixture(t), 8)
}

func TestABackupOfPostgreSQLIsAWholeSQLiteStore(t *testing.T) {
	ctx := context.Background()
	f := newPostgresFixture(t)
	f.filled(t)
	c := f.addConnection(f.addKey("second"))
	for range 5 {
		f.mustCommit(f.entry(c))
	}
	f.mustCommit(park(f.entry(c), f.clock.Now()))
	path := filepath.Join(t.TempDir(), "bunker.db")
	if err := f.BackupTo(ctx, path); err != nil {
		t.Fatal(err)
	}
	wantSentence(t, f.BackupTo(ctx, path), "exists already")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("%v %v", info, err)
	}
	copied := &fixture{t: t, auth: f.auth, clock: f.clock, faults: f.faults, cfg: f.cfg}
	copied.cfg.Path, copied.cfg.Database = path, ""
	copied.open()
	defer copied.stop()
	copied.expectWhole()
	copied.expectRows("request", f.count("request"))
	if v := copied.view(c); v.Unverified || v.Key.Name != "second" {
		t.Errorf("%+v", v)
	}
	copied.mustCommit(copied.entry(c))
}

func TestDanglingReferencesAndLooseSettingsAreFound(t *testing.T) {
	f := newPostgresFixture(t)
	f.addConnection(f.addKey("herald"))
	f.tamper("SET session_replication_role = replica", "DELETE FROM connection")
	found, err := f.Check(context.Background(), bunker.SelfHosted)
	if err != nil || !slices.ContainsFunc(found.Damage, func(s string) bool {
		return strings.Contains(s, "connection_grant refers to a missing row of connection")
	}) {
		t.Errorf("%+v, %v", found.Damage, err)
	}
}

// sql.ErrNoRows and our own errors are no troubles of an engine.
func TestErrorsOfOurOwnAreNoTroubles(t *testing.T) {
	for _, err := range []error{nil, sql.ErrNoRows, errors.New("a bug"), conflict("no"), context.Canceled} {
		if got := troubleOf(err); got != otherTrouble {
			t.Errorf("%v: %d", err, got)
		}
	}
}
