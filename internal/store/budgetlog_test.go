package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/pgtest"
)

// charged is an entry that spends one use of a window.
func (f *fixture) charged(c *bunker.Connection, name string, limit int64) *bunker.Entry {
	e := f.entry(c)
	e.Charges = []bunker.Charge{{Window: bunker.Window{Policy: "p", Rule: "r", Scope: "policy", Name: name}, Limit: limit}}
	return e
}

// used is what is used of the window of charged.
func (f *fixture) used(name string) int64 {
	f.t.Helper()
	n, err := f.Used(context.Background(), bunker.SelfHosted, []bunker.Window{{Policy: "p", Rule: "r", Scope: "policy", Name: name}})
	if err != nil {
		f.t.Fatal(err)
	}
	return n[0]
}

// What is used is the same before the log is counted, afterwards, after a restart in
// between, and where counting fails.
func TestCountingTheLogOfBudgetsChangesNothing(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	spend := func(want bunker.Outcome) {
		t.Helper()
		if r := f.commit(f.charged(c, "total", 5)); r.Outcome != want {
			t.Fatalf("%+v", r)
		}
	}
	holds := func(logged int, rows string, n int64) {
		t.Helper()
		if got := f.used("total"); got != n || f.count("budget_log") != logged || f.count("budget WHERE used = "+rows) != int(num(rows != "0")) {
			t.Errorf("%d used; %d groups in the log; want %d, %d, and %s in the row", got, f.count("budget_log"), n, logged, rows)
		}
	}
	spend(bunker.Committed)
	spend(bunker.Committed)
	holds(2, "0", 2)
	if err := f.CountBudgets(); err != nil {
		t.Fatal(err)
	}
	holds(0, "2", 2)
	spend(bunker.Committed)
	for _, point := range []string{"uses", FaultCommit, FaultLost} {
		f.faults.set(point, 1)
		if err := f.CountBudgets(); err == nil {
			t.Errorf("%s: no error", point)
		}
		if n := f.used("total"); n != 3 {
			t.Errorf("%s: %d used", point, n)
		}
	}
	spend(bunker.Committed)
	f.budgets.clear() // as after a restart
	holds(1, "3", 4)
	spend(bunker.Committed)
	spend(bunker.Moved)
	f.reopen()
	if n := f.used("total"); n != 5 {
		t.Errorf("%d used after a restart", n)
	}
	spend(bunker.Moved)
}

// The log is counted by itself once it is long, or speaks of many windows.
func TestTheLogOfBudgetsIsBounded(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	f.mustCommit(f.charged(c, "total", 5))
	f.writing.Lock() // the group is over, with what follows it
	f.budgets.bytes = maxSpentBytes
	f.writing.Unlock()
	f.mustCommit(f.charged(c, "total", 5))
	f.writing.Lock()
	n, m := f.budgets.bytes, len(f.budgets.m)
	f.writing.Unlock()
	if n != 0 || m != 1 || f.count("budget_log") != 0 || f.used("total") != 2 {
		t.Errorf("%d bytes of log are left, of %d windows", n, m)
	}
	f.stop()
	f.budgets.bytes, f.budgets.stuck = maxSpentBytes, true
	if f.budgets.full(false) || !f.budgets.full(true) {
		t.Error("a log that could not be counted is to be counted with the next uses, and not after each group")
	}
	var p spent
	p.m = map[usedKey]*spending{}
	for i := range maxWindows {
		s := &spending{Policy: "p", Rule: "r", Scope: "policy", Name: string(rune('0' + i)), N: 1, Limit: 1}
		p.m[s.key()] = s
	}
	f.budgets.stuck, f.budgets.bytes = false, 0
	f.budgets.spent(&p)
	if !f.budgets.full(false) {
		t.Error("more windows than are remembered")
	}
	f.budgets.counted(true, start.UnixMilli())
	if len(f.budgets.m) != 0 || f.budgets.all {
		t.Errorf("%d windows are remembered", len(f.budgets.m))
	}
}

// An outcome that is not known is read again, with what it spent.
func TestWhatALostCommitSpentIsCounted(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	f.mustCommit(f.charged(c, "total", 3))
	f.faults.set(FaultLost, 1)
	f.mustCommit(f.charged(c, "total", 3))
	f.faults.set(FaultCommit, 1)
	if r := f.commit(f.charged(c, "total", 3)); r.Outcome != bunker.Failed {
		t.Errorf("%+v", r)
	}
	if n := f.used("total"); n != 2 {
		t.Errorf("%d used", n)
	}
	f.faults.set("spent", 1)
	if r := f.commit(f.charged(c, "total", 3)); r.Outcome != bunker.Failed {
		t.Errorf("%+v", r)
	}
	f.mustCommit(f.charged(c, "total", 3))
	if r := f.commit(f.charged(c, "total", 3)); r.Outcome != bunker.Moved {
		t.Errorf("%+v", r)
	}
}

// Whoever asks while others spend, count and change hears of no use that was not begun,
// and of each that was committed before.
func TestUsesAreReadAsTheyAreWhileTheyAreCounted(t *testing.T) {
	const spenders, each = 4, 25
	f := newFixture(t)
	k := f.addKey("herald")
	var conns []*bunker.Connection
	for range spenders {
		conns = append(conns, f.addConnection(k))
	}
	var begun, done atomic.Int64
	var spending, asking sync.WaitGroup
	over := make(chan struct{})
	for i := range spenders {
		spending.Go(func() {
			for range each {
				begun.Add(1)
				for f.commit(f.charged(conns[i], "total", 1<<40)).Outcome != bunker.Committed {
				}
				done.Add(1)
			}
		})
	}
	for _, do := range []func() error{
		func() error {
			before := done.Load()
			n := f.used("total")
			if after := begun.Load(); n < before || n > after {
				t.Errorf("%d used; %d were committed before, %d were begun", n, before, after)
			}
			return nil
		},
		f.CountBudgets,
		func() error { f.forgetUses(); return nil },
		func() error {
			return f.tryChange(func(tx *Tx) error { return tx.exec(`UPDATE budget SET max = max WHERE tenant = 'self'`) })
		},
	} {
		asking.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := do(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	spending.Wait()
	close(over)
	asking.Wait()
	if n := f.used("total"); n != spenders*each {
		t.Errorf("%d used of %d", n, spenders*each)
	}
}

// A store that was killed and then moves to PostgreSQL takes the uses along that are in
// the log alone.
func TestUsesOfBudgetsMoveToPostgreSQL(t *testing.T) {
	f := newFixture(t)
	database := pgtest.Shared(t).Database(t)
	c := f.addConnection(f.addKey("herald"))
	f.mustCommit(f.charged(c, "total", 9))
	f.stop() // which counts what is in the log
	db, err := sql.Open("sqlite", dsn(f.cfg.Path))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`INSERT INTO budget_log (tenant, spent) VALUES ('self', '[{"p":"p","r":"r","s":"policy","w":"total","n":2,"m":9}]')`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	f.cfg.Database = database
	if _, err := MoveToDatabase(t.Context(), f.cfg, local, untold); err != nil {
		t.Fatal(err)
	}
	f.open()
	if f.count("budget_log") != 0 || f.count("budget WHERE used = 3") != 1 {
		t.Errorf("%d groups in the log, %d rows", f.count("budget_log"), f.count("budget"))
	}
}

func FuzzTheLogOfBudgets(f *testing.F) {
	f.Add(`[{"p":"p","r":"r","s":"connection c","w":"day 2026-11-20","n":2,"m":3,"u":1763640000000}]`)
	f.Add(`[{"n":0,"m":0}]`)
	f.Add(`[{"n":2,"m":1}]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readSpent(text)
		if err != nil {
			return
		}
		for _, s := range list {
			if s.N < 1 || s.N > s.Limit {
				t.Errorf("%+v was taken", s)
			}
		}
		again, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			if same, err := readSpent(string(again)); err != nil || len(same) != len(list) {
				t.Errorf("%s is read as %v, %v", again, same, err)
			}
		}
	})
}

func TestListsAreWrittenAsJSONWritesThem(t *testing.T) {
	for _, l := range [][]string{{"wss://relay.example/a?b=c"}, {""}, {`a"b`}, {`a\b`}, {"a<b&c>d"}, {"é"}, {"a\x7fb\n"}, {"one", "two"}} {
		want, err := json.Marshal(l)
		if err != nil || listText(l) != string(want) {
			t.Errorf("%q is written as %s, %v", l, listText(l), err)
		}
	}
}
