package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/pgtest"
)

// moving is a store in SQLite with something in every corner, and an empty database.
func moving(t *testing.T, s *pgtest.Server) (*fixture, *bunker.Connection) {
	t.Helper()
	f := newFixture(t)
	f.filled(t)
	k := f.addKey("second")
	c := f.addConnection(k)
	f.addToken(k, 3)
	f.addPolicy("newsroom")
	f.addChannel("ops")
	f.change(func(tx *Tx) error { return tx.PutSetting("colour", "blue") })
	for range 5 {
		f.mustCommit(f.entry(c))
	}
	f.mustCommit(park(f.entry(c), f.clock.Now()))
	kept := f.entry(c)
	kept.Keep = f.version(k.ID, 3, bunker.Address{1})
	f.mustCommit(kept)
	f.stop()
	f.cfg.Database = s.Database(t)
	return f, c
}

func untold(string, int64) {}

// movedStore opens what was moved, as a start does, and wants it whole, in its next life.
func (f *fixture) movedStore(c *bunker.Connection, m Moved, number int64) {
	f.t.Helper()
	ctx := context.Background()
	f.open()
	defer f.stop()
	f.expectWhole()
	if v := f.view(c); !v.Unverified {
		f.t.Error("a moved store decides before it is reviewed")
	}
	f.auth.sealed.Store(false)
	if err := f.VerifyAll(ctx, bunker.SelfHosted); err != nil {
		f.t.Error(err)
	}
	if did, err := f.ApplyPending(ctx, bunker.SelfHosted); err != nil || !did {
		f.t.Fatalf("nothing to do first: %v", err)
	}
	st, verified, err := f.Tenant(ctx, bunker.SelfHosted)
	if err != nil || !verified || st.IncarnationNo != number || st.Reviewed {
		f.t.Errorf("%+v %v %v", st, verified, err)
	}
	if v := f.view(c); v.Connection.State != bunker.ConnSuspended || !v.Key.Locked {
		f.t.Errorf("%+v", v)
	}
	recs, err := f.Records(ctx, bunker.SelfHosted, RecordFilter{Action: "store.incarnation"})
	if err != nil || len(recs) == 0 || !strings.Contains(recs[0].Reason, "moved from "+m.From+" to "+m.To) {
		f.t.Errorf("%+v, %v", recs, err)
	}
	for table, n := range m.Tables {
		if got := f.count(table); table != "audit" && got != int(n) {
			f.t.Errorf("%s: %d rows, %d were moved", table, got, n)
		}
	}
	if v, err := f.Setting(ctx, bunker.SelfHosted, "colour"); err != nil || v != "blue" {
		f.t.Errorf("%q, %v", v, err)
	}
	f.change(func(tx *Tx) error {
		if err := tx.PutTenant(tx.Tenant()); err != nil {
			return err
		}
		k, err := tx.Key("second")
		if err != nil {
			return err
		}
		k.Locked = false
		now, err := tx.Connection(c.ID)
		if err != nil {
			return err
		}
		now.State = bunker.ConnActive
		if err := tx.PutConnection(now); err != nil {
			return err
		}
		return tx.PutKey(k)
	})
	before := f.count("request")
	f.mustCommit(f.entry(c))
	f.expectRows("request", before+1)
	f.expectWhole()
}

func TestAStoreMovesToPostgreSQLAndBack(t *testing.T) {
	ctx := context.Background()
	f, c := moving(t, pgtest.Shared(t))
	database := f.cfg.Database

	told := map[string]int64{}
	m, err := MoveToDatabase(ctx, f.cfg, local, func(table string, rows int64) { told[table] = rows })
	if err != nil {
		t.Fatal(err)
	}
	if told["audit"]+1 != m.Tables["audit"] || told["request"] != m.Tables["request"] || m.Rows == 0 || m.Records != m.Tables["audit"] {
		t.Errorf("%+v, told %v", m, told)
	}
	if info, err := os.Stat(m.Kept); err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("%v %v", info, err)
	}
	f.cfg.Database = ""
	wantSentence(t, f.tryOpen(), "is in PostgreSQL", "--database")
	f.cfg.Database = database
	f.movedStore(c, m, 2)

	if m, err = MoveToFile(ctx, f.cfg, local, untold); err != nil {
		t.Fatal(err)
	}
	wantSentence(t, f.tryOpen(), "a store of its own", f.cfg.Path)
	aside := f.cfg
	aside.Path = filepath.Join(t.TempDir(), "bunker.db")
	_, err = Open(ctx, aside)
	wantSentence(t, err, "was moved to SQLite")
	f.cfg.Database = ""
	f.movedStore(c, m, 3)
	if rest, err := filepath.Glob(f.cfg.Path + ".moving*"); err != nil || len(rest) > 0 {
		t.Errorf("left behind: %v %v", rest, err)
	}
}

func TestAMoveThatCannotBeLeavesTheOldStoreAsItWas(t *testing.T) {
	ctx := context.Background()
	s := pgtest.Shared(t)
	f, c := moving(t, s)
	database := f.cfg.Database
	opens := func() {
		t.Helper()
		f.cfg.Database = ""
		f.open()
		f.mustCommit(f.entry(c))
		f.expectWhole()
		f.stop()
		f.cfg.Database = database
	}
	closed := func(err error, parts ...string) {
		t.Helper()
		wantSentence(t, err, parts...)
		opens()
	}

	// Somebody else's tables, or a store.
	f.tamperDatabase("CREATE TABLE letters (x INT)")
	_, err := MoveToDatabase(ctx, f.cfg, local, untold)
	closed(err, "something else", "empty one")
	f.tamperDatabase("DROP TABLE letters")
	other := f.cfg
	other.Path = filepath.Join(t.TempDir(), "bunker.db")
	st, err := Open(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	_, err = MoveToDatabase(ctx, f.cfg, local, untold)
	closed(err, "another instance")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = MoveToDatabase(ctx, f.cfg, local, untold)
	closed(err, "holds a store already")
	_, err = MoveToFile(ctx, f.cfg, local, untold)
	closed(err, "there is a store", f.cfg.Path)
	if _, err = MoveToDatabase(ctx, other, local, untold); err == nil {
		t.Error("moved a store that is not there")
	}

	// Whoever asked has left, in the middle.
	database = s.Database(t)
	f.cfg.Database = database
	leaving, cancel := context.WithCancel(ctx)
	if _, err := MoveToDatabase(leaving, f.cfg, local, func(table string, _ int64) {
		if table == "request" {
			cancel()
		}
	}); err == nil {
		t.Error("a move that was given up succeeded")
	}
	opens()
	// The new one is a log that was altered: it is copied as it is, and found out.
	f.cfg.Database = ""
	f.tamper("DROP TRIGGER audit_stays", "UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'allow', 'deny') AS BLOB) WHERE seq = 6")
	f.cfg.Database = database
	_, err = MoveToDatabase(ctx, f.cfg, local, untold)
	wantSentence(t, err, "altered", "not moved")
	aside := f.cfg
	aside.Path = filepath.Join(t.TempDir(), "bunker.db")
	_, err = Open(ctx, aside)
	wantSentence(t, err, "not finished", "do it again")
	f.tamper("UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'deny', 'allow') AS BLOB) WHERE seq = 6")
	opens()

	// And then it goes.
	m, err := MoveToDatabase(ctx, f.cfg, local, untold)
	if err != nil {
		t.Fatal(err)
	}
	f.movedStore(c, m, 2)
}

func TestAMoveOutlivesAServerThatEndsInIt(t *testing.T) {
	ctx := context.Background()
	s := pgtest.Own(t)
	f, c := moving(t, s)
	_, err := MoveToDatabase(ctx, f.cfg, local, func(table string, _ int64) {
		if table == "request" {
			s.Kill()
		}
	})
	wantSentence(t, err, "cannot be reached")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	m, err := MoveToDatabase(ctx, f.cfg, local, untold)
	if err != nil {
		t.Fatal(err)
	}
	f.movedStore(c, m, 2)
}
