package store

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestSchemaIsTheCommittedOne(t *testing.T) {
	f := newFixture(t)
	for _, table := range f.schemaIs("schema.sqlite.sql") {
		if strings.HasPrefix(table, "CREATE TABLE") && (!strings.Contains(table, "STRICT") || !strings.Contains(table, "tenant ") && !ofDatabase(strings.Fields(table)[2])) {
			t.Errorf("not strict, or without a tenant: %s", table)
		}
	}
}

// schemaIs holds the schema against a golden file.
func (f *fixture) schemaIs(name string) []string {
	f.t.Helper()
	dump, err := f.engine.schema(context.Background(), f.read)
	if err != nil {
		f.t.Fatal(err)
	}
	got := strings.Join(dump, "\n\n") + "\n"
	golden := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			f.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		f.t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		f.t.Errorf("the schema has changed; if that is meant, run go test -update: %s", d)
	}
	return dump
}

func TestEngineIsAsDurableAsAsked(t *testing.T) {
	f := newFixture(t)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0", "busy_timeout": fmt.Sprint(busyTimeout),
		"journal_size_limit": fmt.Sprint(walLimit), "wal_autocheckpoint": fmt.Sprint(checkpointPages), "query_only": "0",
	} {
		var got string
		if err := f.write.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s; %v", pragma, got, want, err)
		}
	}
	if _, err := f.read.Exec("DELETE FROM audit"); err == nil {
		t.Error("the reading handle writes")
	}
	for range readers + extraReaders - 1 {
		if _, err := f.read.Exec("DELETE FROM audit"); err == nil {
			t.Error("a reading connection writes")
		}
	}
}

func TestFilesAreOurs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	f := openFixture(t, dir, true)
	f.addKey("herald")
	modes := func() {
		t.Helper()
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %o", path, info.Mode().Perm())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	modes()
	f.stop()
	for _, name := range []string{"", "bunker.db"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.open()
	modes()
}

func TestASecondInstanceIsToldOfTheFirst(t *testing.T) {
	f := newFixture(t)
	_, err := Open(context.Background(), f.cfg)
	wantSentence(t, err, fmt.Sprintf("process %d", os.Getpid()), filepath.Dir(f.cfg.Path), "--data")
	cmd := child("open", f.cfg.Path)
	got, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(got), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("another process: %v: %s", err, got)
	}
	f.stop()
	if got, err := child("open", f.cfg.Path).CombinedOutput(); err != nil {
		t.Errorf("after the first ended: %v: %s", err, got)
	}
}

// child runs this test program as another process that does one thing; see
// TestChild.
func child(do, path string) *exec.Cmd {
	return childOn(do, path, "")
}

// childOn is child with a store in a database.
func childOn(do, path, database string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), "STORE_CHILD="+do, "STORE_PATH="+path, "STORE_DATABASE="+database)
	return cmd
}

// TestChild is no test of its own: it is what the other process does.
// TestALockIsReleasedThoughAChildHoldsItsFile: between fork and exec a child has a
// copy of every open file, those that are closed on exec as well.
func TestALockIsReleasedThoughAChildHoldsItsFile(t *testing.T) {
	dir := t.TempDir()
	lock, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	child, err := syscall.Dup(int(lock.f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(child)
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

func TestChild(t *testing.T) {
	path, database := os.Getenv("STORE_PATH"), os.Getenv("STORE_DATABASE")
	switch os.Getenv("STORE_CHILD") {
	case "open":
		s, err := Open(context.Background(), Config{Path: path, Database: database, Auth: &hmacAuth{}, Now: (&testClock{now: start}).Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			fmt.Println(bunker.AsError(err).Words)
			os.Exit(3)
		}
		if err := s.Close(); err != nil {
			fmt.Println(err)
			os.Exit(4)
		}
	case "commit":
		commitUntilKilled(t, path, database)
	}
}

// wantSentence wants an error whose public words are one sentence with parts.
func wantSentence(t *testing.T, err error, parts ...string) {
	t.Helper()
	var e *bunker.Error
	if !errors.As(err, &e) {
		t.Errorf("no sentence: %v", err)
		return
	}
	for _, p := range parts {
		if !strings.Contains(e.Words, p) {
			t.Errorf("%q does not say %q", e.Words, p)
		}
	}
	if strings.ContainsAny(e.Words, "\n\r") {
		t.Errorf("more than one line: %q", e.Words)
	}
}

func (f *fixture) tryOpen() error {
	f.t.Helper()
	s, err := Open(context.Background(), f.cfg)
	if err == nil {
		err2 := s.Close()
		if err2 != nil {
			f.t.Error(err2)
		}
	}
	return err
}

func TestANewerStoreIsLeftAlone(t *testing.T) {
	f := newFixture(t)
	f.stop()
	f.tamper("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
	before, err := os.ReadFile(f.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	wantSentence(t, f.tryOpen(), "newer nsecbunker", "999")
	after, err := os.ReadFile(f.cfg.Path)
	if err != nil || string(before) != string(after) {
		t.Errorf("the file was touched: %v", err)
	}
}

func TestAMigrationCopiesTheStoreFirst(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "bunker.db")
	log := slog.New(slog.DiscardHandler)
	step := func(n int, do string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(fmt.Sprintf("-- +goose Up\n%s;\n", do)), Mode: fs.FileMode(n)}
	}
	run := func(steps fstest.MapFS, existed bool) error {
		db, err := sql.Open("sqlite", dsn(path, "journal_mode(WAL)"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		return migrateWith(ctx, &sqliteEngine{path: path}, db, steps, existed, log)
	}
	steps := fstest.MapFS{"0001_a.sql": step(1, "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (7)")}
	if err := run(steps, false); err != nil {
		t.Fatal(err)
	}
	kept := path + ".before-migration-from-1"
	if _, err := os.Stat(kept); err == nil {
		t.Error("a new store was copied")
	}
	steps["0002_b.sql"] = step(2, "INSERT INTO nowhere VALUES (1)")
	for range 2 { // a migration that fails, twice: the copy is made anew
		if err := run(steps, true); err == nil {
			t.Error("the broken migration passed")
		}
	}
	steps["0002_b.sql"] = step(2, "UPDATE a SET x = 8")
	if err := run(steps, true); err != nil {
		t.Fatal(err)
	}
	value := func(path string) (x int) {
		db, err := sql.Open("sqlite", dsn(path))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow("SELECT x FROM a").Scan(&x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	if now, before := value(path), value(kept); now != 8 || before != 7 {
		t.Errorf("store %d, copy %d", now, before)
	}
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("%v %v", info, err)
	}
	if err := run(steps, true); err != nil {
		t.Errorf("up to date: %v", err)
	}
}

func TestDamageIsSaidInASentence(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"not a database": func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("hello, I am no database. ", 400)), 0o600)
		},
		"cut short": func(path string) error { return os.Truncate(path, 20_000) },
		"overwritten": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte(strings.Repeat("\xa5", 60_000)), 4096)
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			c := f.addConnection(f.addKey("herald"))
			for range 50 {
				f.mustCommit(f.entry(c))
			}
			f.stop()
			if err := spoil(f.cfg.Path); err != nil {
				t.Fatal(err)
			}
			err := f.tryOpen()
			wantSentence(t, err, f.cfg.Path, "damaged", "restore")
			if err := f.tryOpen(); err == nil { // and the lock was given back
				t.Error("opened at the second try")
			}
		})
	}
}

func TestAFolderThatCannotBeUsedIsSaidInASentence(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, cfg: Config{Auth: &hmacAuth{}, Now: (&testClock{now: start}).Now, Log: slog.New(slog.DiscardHandler)}}
	f.cfg.Path = filepath.Join(dir, "file", "bunker.db")
	wantSentence(t, f.tryOpen(), "file", "--data")
	shared := filepath.Join(dir, "shared")
	if err := errors.Join(os.Mkdir(shared, 0o755), os.WriteFile(filepath.Join(shared, "letter.txt"), nil, 0o600), os.Chmod(shared, 0o777)); err != nil {
		t.Fatal(err)
	}
	f.cfg.Path = filepath.Join(shared, "bunker.db")
	wantSentence(t, f.tryOpen(), shared, "everybody may write", "--data")
	if err := os.Chmod(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.tryOpen(); err != nil {
		t.Errorf("a folder that others may list: %v", err)
	}
	if info, err := os.Stat(shared); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("somebody else's folder was changed: %v %v", info, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data", "bunker.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	f.cfg.Path = filepath.Join(dir, "data", "bunker.db")
	wantSentence(t, f.tryOpen(), "folder where the database should be")
	for _, missing := range []Config{{}, {Path: f.cfg.Path}, {Path: f.cfg.Path, Auth: f.cfg.Auth}, {Path: f.cfg.Path, Auth: f.cfg.Auth, Now: f.cfg.Now}} {
		if _, err := Open(context.Background(), missing); err == nil {
			t.Errorf("opened with %+v", missing)
		}
	}
	// A read-only folder, as somebody who is not root: this process, or one that
	// gives its rights up.
	sealed := filepath.Join(dir, "sealed")
	if err := errors.Join(os.Mkdir(sealed, 0o500), os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := child("open", filepath.Join(sealed, "bunker.db"))
	if os.Geteuid() == 0 {
		if err := os.Chown(sealed, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		// The test program may lie where nobody else looks: run a copy.
		exe := filepath.Join(dir, "store.test")
		b, err := os.ReadFile(os.Args[0])
		if err == nil {
			err = os.WriteFile(exe, b, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path, cmd.Dir = exe, dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "cannot be written") || !strings.Contains(string(out), sealed) {
		t.Errorf("a read-only folder: %v: %s", err, out)
	}
}

func TestAFullDiskIsSaidAndOvercome(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	var n int
	if err := f.write.QueryRowContext(context.Background(), "PRAGMA page_count").Scan(&n); err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) {
		t.Helper()
		f.writing.Lock()
		defer f.writing.Unlock()
		if _, err := f.write.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(n)
	big := f.entry(c)
	big.Reply.Bytes = make([]byte, 1<<20)
	r := f.commit(big)
	if r.Outcome != bunker.Failed {
		t.Fatalf("%+v", r)
	}
	wantSentence(t, r.Err, "is full", filepath.Dir(f.cfg.Path))
	wantSentence(t, f.tryChange(func(tx *Tx) error { return tx.PutSetting("a", strings.Repeat("x", 1<<20)) }), "is full")
	limit(1 << 30)
	f.mustCommit(big)
	f.expectWhole()
}

func TestABackupIsWholeWhileTheBunkerRuns(t *testing.T) {
	f := newFixture(t)
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	f.mustCommit(f.entry(c))
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				v, err := f.View(ctx, c.Tenant, c.Signer, c.Client)
				if err == nil {
					f.commit(entryOf(v, start))
				}
			}
		}
	}()
	path := filepath.Join(t.TempDir(), "copy", "bunker.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	err := f.BackupTo(ctx, path)
	again := f.BackupTo(ctx, path)
	close(stop)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	wantSentence(t, again, "exists already")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("%v %v", info, err)
	}
	wantSentence(t, f.BackupTo(ctx, filepath.Join(f.cfg.Path, "x")), f.cfg.Path)
	copied := &fixture{t: t, auth: f.auth, clock: f.clock, faults: f.faults, cfg: f.cfg}
	copied.cfg.Path = path
	copied.open()
	defer copied.stop()
	copied.expectWhole()
	if v := copied.view(c); v.Unverified || v.Key.Name != "herald" {
		t.Errorf("%+v", v)
	}
	if found, err := copied.Check(ctx, bunker.SelfHosted); err != nil || found.Chain.Seq < 4 {
		t.Errorf("%+v %v", found, err)
	}
}
