package store

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/pgtest"
	"nsecbunker/nostr"
)

// sharing opens a number of instances of one store, the first of which sets it up.
func sharing(t testing.TB, n int) []*fixture {
	t.Helper()
	return sharingOn(t, pgtest.Shared(t).Database(t), n)
}

func sharingOn(t testing.TB, database string, n int) (out []*fixture) {
	t.Helper()
	for range n {
		out = append(out, openShared(t, database))
	}
	st, _, err := out[0].Tenant(context.Background(), bunker.SelfHosted)
	if err != nil {
		t.Fatal(err)
	}
	if !st.SetUp {
		out[0].change(func(tx *Tx) error {
			st := tx.Tenant()
			st.SetUp = true
			return tx.PutTenant(st)
		})
	}
	return out
}

// openShared opens one instance more.
func openShared(t testing.TB, database string) *fixture {
	t.Helper()
	f := &fixture{t: t, auth: &hmacAuth{}, clock: &testClock{now: time.Now()}, faults: &faultList{fail: map[string]int{}}}
	f.cfg = Config{
		Path: filepath.Join(t.TempDir(), "bunker.db"), Database: database, Shared: true, Auth: f.auth, Flags: f.auth, Now: f.clock.Now, Log: quiet(), Faults: f.faults,
	}
	f.open()
	t.Cleanup(func() { f.stop() })
	return f
}

func TestInstancesShareADatabaseWhereAllOfThemSaySo(t *testing.T) {
	database := pgtest.Shared(t).Database(t)
	var all [3]*fixture
	var wg sync.WaitGroup
	for i := range all { // at once, on an empty database: one of them makes the schema
		f := &fixture{t: t, auth: &hmacAuth{}, clock: &testClock{now: time.Now()}, faults: &faultList{fail: map[string]int{}}}
		f.cfg = Config{Path: filepath.Join(t.TempDir(), "bunker.db"), Database: database, Shared: true, Auth: f.auth, Flags: f.auth, Now: f.clock.Now, Log: quiet()}
		all[i] = f
		wg.Go(f.open)
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	alone := all[0].cfg
	alone.Path, alone.Shared = filepath.Join(t.TempDir(), "bunker.db"), false
	_, err := Open(context.Background(), alone)
	wantSentence(t, err, "another instance", "--shared")
	for _, f := range all {
		f.stop()
	}
	f := openFixtureIn(t, t.TempDir(), database, true)
	late := all[0].cfg
	late.Path = filepath.Join(t.TempDir(), "bunker.db")
	_, err = Open(context.Background(), late)
	wantSentence(t, err, "another instance", "start every instance with --shared")
	f.stop()
	file := late
	file.Database = ""
	_, err = Open(context.Background(), file)
	wantSentence(t, err, "PostgreSQL", "--database")
}

// Requests, changes, doubles of one event, and budgets, on instances at once: one row a
// request, exactly as many allows as the budget has, one chain.
func TestInstancesKeepOneLedger(t *testing.T) {
	const each, limit = 40, 25
	all := sharing(t, 3)
	c := all[0].addConnection(all[0].addKey("herald"))
	other := all[0].addConnection(all[0].addKey("second"))
	p := "policy"
	var mu sync.Mutex
	spent, taken, committed := 0, 0, 0
	same := make([]*bunker.Entry, each) // every instance commits these
	for i := range same {
		same[i] = all[0].entry(other)
	}
	var wg sync.WaitGroup
	for n, f := range all {
		wg.Go(func() {
			for i := range each {
				if i%10 == n {
					f.change(func(tx *Tx) error { return tx.PutSetting(fmt.Sprint(n), fmt.Sprint(i)) })
				}
				e := f.entry(c)
				e.Charges = []bunker.Charge{{Window: bunker.Window{Policy: bunker.PolicyID(p), Rule: "r", Scope: "s", Name: "total"}, Limit: limit}}
				r := f.commit(e)
				mu.Lock()
				if r.Outcome == bunker.Committed {
					spent++
				}
				mu.Unlock()
				double := *same[i]
				reply := *double.Reply
				reply.EventID = nostr.ID(random32())
				double.Reply = &reply
				r = f.commit(&double)
				mu.Lock()
				switch r.Outcome {
				case bunker.Committed:
					committed++
				case bunker.Taken:
					taken++
				default:
					t.Errorf("%+v", r)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if spent != limit || committed != each || taken != (len(all)-1)*each {
		t.Errorf("%d of a budget of %d, %d committed, %d taken", spent, limit, committed, taken)
	}
	all[0].expectRows("request", each+limit)
	for _, f := range all {
		f.expectWhole()
	}
}

// Tries of a passphrase are counted exactly on instances at once: of those that read the same
// count one is right.
func TestInstancesCountTriesTogether(t *testing.T) {
	const each = 20
	all := sharing(t, 3)
	ctx := t.Context()
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(func() {
			for counted := 0; counted < each; {
				n, at, err := f.Tries(ctx, bunker.SelfHosted, "passphrase")
				if err != nil {
					t.Error(err)
					return
				}
				ok, err := f.SwapTries(ctx, bunker.SelfHosted, "passphrase", n, at, n+1, at+1)
				if err != nil {
					t.Error(err)
					return
				}
				if ok {
					counted++
				}
			}
		})
	}
	wg.Wait()
	if n, at, err := all[0].Tries(ctx, bunker.SelfHosted, "passphrase"); err != nil || n != len(all)*each || at != int64(n) {
		t.Errorf("%d tries at %d, want %d: %v", n, at, len(all)*each, err)
	}
}

// What a decision read on one instance is thrown away when another one changed it.
func TestWhatWasDecidedOnOneInstanceFallsWithAChangeOnAnother(t *testing.T) {
	all := sharing(t, 2)
	a, b := all[0], all[1]
	k := a.addKey("herald")
	for what, change := range map[string]func(tx *Tx, c *bunker.Connection) error{
		"suspended": func(tx *Tx, c *bunker.Connection) error { c.State = bunker.ConnSuspended; return tx.PutConnection(c) },
		"revoked":   func(tx *Tx, c *bunker.Connection) error { c.State = bunker.ConnRevoked; return tx.PutConnection(c) },
		"locked":    func(tx *Tx, _ *bunker.Connection) error { k.Locked = !k.Locked; return tx.PutKey(k) },
		"stopped":   func(tx *Tx, _ *bunker.Connection) error { return tx.StopEverything() },
		"edited":    func(tx *Tx, _ *bunker.Connection) error { tx.Bump(); return nil },
	} {
		c := a.addConnection(k)
		b.mustCommit(b.entry(c))
		e := b.entry(c)
		now := a.view(c).Connection
		if fresh, err := a.Key(context.Background(), bunker.SelfHosted, "herald"); err != nil {
			t.Fatal(err)
		} else {
			*k = *fresh
		}
		a.change(func(tx *Tx) error { return change(tx, now) })
		if r := b.commit(e); r.Outcome != bunker.Moved {
			t.Errorf("%s: %+v", what, r)
		}
	}
	b.expectWhole()
}

// An instance that a network has cut off in the middle of its transaction holds the
// others up for a moment only.
func TestAnInstanceThatHangsInATransactionIsEnded(t *testing.T) {
	all := sharing(t, 2)
	a, b := all[0], all[1]
	c := a.addConnection(a.addKey("herald"))
	in, out := make(chan struct{}), make(chan struct{})
	hung := make(chan error, 1)
	go func() {
		hung <- a.tryChange(func(tx *Tx) error { close(in); <-out; return tx.PutSetting("a", "b") })
	}()
	<-in
	e := b.entry(c)
	r := b.commit(e)
	for range 3 { // it waits for a lock no longer than for the idle one
		if r.Outcome == bunker.Committed {
			break
		}
		r = b.commit(e)
	}
	if r.Outcome != bunker.Committed {
		t.Errorf("%+v", r)
	}
	close(out)
	if err := <-hung; err == nil {
		t.Error("the change of the one that hung is stored")
	}
	a.mustCommit(a.entry(c))
	a.expectWhole()
}

func TestBeatsTellLeasesAndOrdersInTheOrderOfTheirCommits(t *testing.T) {
	ctx := context.Background()
	all := sharing(t, 3)
	me := make([]bunker.Instance, len(all))
	for i, f := range all {
		me[i] = bunker.Instance{ID: f.Instance(), Name: fmt.Sprint("instance ", i), Version: "test"}
		if _, err := f.Beat(ctx, me[i]); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i, f := range all { // all at once: each part goes to one
		wg.Go(func() {
			if err := f.TakeLeases(ctx, me[i].ID, KeyLeases/len(all)+1); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := all[0].TakeLeases(ctx, me[0].ID, KeyLeases+1); err != nil {
		t.Fatal(err)
	}
	held := map[bunker.InstanceID]int{}
	st, err := all[0].Beat(ctx, me[0])
	for name, of := range st.Leases {
		if of == "" {
			t.Errorf("nobody has %s", name)
		}
		held[of]++
	}
	if err != nil || len(st.Leases) != KeyLeases+1 || len(held) != 3 || len(st.Instances) != 3 || st.Minimum < 110 {
		t.Errorf("%v, %v, %+v", held, err, st)
	}
	const each = 20
	for _, f := range all {
		wg.Go(func() {
			for range each {
				if _, err := f.OrderAll(ctx, bunker.SelfHosted, bunker.OrderChanged); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := int64(0)
	for read := 0; read < 3*each; { // while they are written: none is left out
		me[1].Done = seen
		st, err := all[1].Beat(ctx, me[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range st.Orders {
			if o.No != seen+1 {
				t.Fatalf("order %d comes after %d", o.No, seen)
			}
			seen = o.No
			read++
		}
	}
	wg.Wait()
	if err := all[2].GiveLeases(ctx, me[2].ID, 5, false); err != nil {
		t.Fatal(err)
	}
	if err := all[1].GiveLeases(ctx, me[1].ID, 0, true); err != nil {
		t.Fatal(err)
	}
	free := 0
	if st, err = all[0].Beat(ctx, me[0]); err != nil {
		t.Fatal(err)
	}
	for _, of := range st.Leases {
		if of == "" {
			free++
		}
	}
	if free != 5+held[me[1].ID] {
		t.Errorf("%d free", free)
	}
}

// What one instance says of what is open there, the others read: what changed since they
// read it last, and nothing of one that has gone.
func TestInstancesLearnWhatIsOpenOnTheOthers(t *testing.T) {
	ctx := context.Background()
	all := sharing(t, 2)
	a, b := all[0], all[1]
	say := func(no int64, list ...bunker.Opening) bool {
		t.Helper()
		n, told, err := a.SayOpen(ctx, a.Instance(), no, list)
		if err != nil || n != len(list) {
			t.Fatal(n, err)
		}
		return told
	}
	if say(1, bunker.Opening{Tenant: "g", Open: true}) {
		t.Error("an instance that nobody knows was heard")
	}
	beat := func(f *fixture) bunker.Standing {
		t.Helper()
		st, err := f.Beat(ctx, bunker.Instance{ID: f.Instance()})
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	beat(a)
	if !say(1, bunker.Opening{Tenant: "g", Open: true}, bunker.Opening{Tenant: "h", Open: true}) || !say(2, bunker.Opening{Tenant: "g"}) {
		t.Error("not told")
	}
	st := beat(b)
	if len(st.Instances) != 2 || st.Instances[0].Opened != 2 {
		t.Errorf("%+v", st.Instances)
	}
	for after, want := range map[int64]string{0: "[{h true 1} {g false 2}]", 1: "[{g false 2}]", 2: "[]"} {
		if list, err := b.OpenSince(ctx, a.Instance(), after); err != nil || fmt.Sprint(list) != want {
			t.Errorf("after %d: %v, %v", after, list, err)
		}
	}
	for tenant, was := range map[bunker.TenantID]bool{"g": true, "h": true, "never": false} {
		if at, err := b.OpenedAt(ctx, tenant); err != nil || (at > 0) != was {
			t.Errorf("%s was opened at %d, %v", tenant, at, err)
		}
	}
	if err := a.Leave(ctx, a.Instance()); err != nil {
		t.Fatal(err)
	}
	if list, err := b.OpenSince(ctx, a.Instance(), 0); err != nil || len(list) != 0 {
		t.Errorf("of one that has gone: %v, %v", list, err)
	}
	many := make([]bunker.Opening, maxOpenings+1)
	for i := range many {
		many[i] = bunker.Opening{Tenant: bunker.TenantID(fmt.Sprint(i)), Open: true}
	}
	if n, told, err := b.SayOpen(ctx, b.Instance(), 1, many); n != maxOpenings || !told || err != nil {
		t.Error(n, told, err)
	}
}

// A tenant that was made, held or ended comes with the next beat, in the order of the
// commits, whichever instance did it.
func TestABeatTellsWhichTenantsChanged(t *testing.T) {
	ctx := context.Background()
	all := sharing(t, 2)
	a, b := all[0], all[1]
	me := bunker.Instance{ID: b.Instance()}
	var err error
	if me.Guests, err = b.LastMoved(ctx); err != nil {
		t.Fatal(err)
	}
	changed := func() (ids []bunker.TenantID) {
		t.Helper()
		st, err := b.Beat(ctx, me)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range st.Guests {
			if m.At <= me.Guests {
				t.Errorf("%d comes after %d", m.At, me.Guests)
			}
			ids, me.Guests = append(ids, m.Tenant), m.At
		}
		return ids
	}
	one, err := a.addTenant("o-1")
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.addTenant("o-2")
	if err != nil {
		t.Fatal(err)
	}
	if got := changed(); fmt.Sprint(got) != fmt.Sprint([]bunker.TenantID{one.ID, two.ID}) {
		t.Errorf("%v", got)
	}
	a.change(func(tx *Tx) error { return tx.SetQuota(one.ID, bunker.Quota{People: 5}) })
	if got := changed(); len(got) != 0 {
		t.Errorf("a quota is read where it counts, and told: %v", got)
	}
	a.change(func(tx *Tx) error {
		h, err := tx.HostedTenant(two.ID)
		if err != nil {
			return err
		}
		return tx.EraseTenant(h)
	})
	if got := changed(); fmt.Sprint(got) != fmt.Sprint([]bunker.TenantID{two.ID}) {
		t.Errorf("%v", got)
	}
	if last, err := a.LastMoved(ctx); err != nil || last != me.Guests {
		t.Error(last, me.Guests, err)
	}
}

func TestHintsReachTheOthersAndNotOneself(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	all := sharing(t, 2)
	ready, heard := make(chan struct{}, 8), make(chan bunker.Hint, 8)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		if err := all[0].Listen(ctx, func() { ready <- struct{}{} }, func(h bunker.Hint) { heard <- h }); err != nil {
			t.Error(err)
		}
	})
	<-ready
	want := bunker.Hint{Kind: bunker.HintReplies, Tenant: bunker.SelfHosted, Replies: make([]bunker.ReplyHint, MaxReplyHints)}
	for i := range want.Replies {
		want.Replies[i] = bunker.ReplyHint{Request: random32(), Client: random32()}
	}
	if err := all[0].Tell(ctx, bunker.Hint{Kind: bunker.HintOrder}); err != nil {
		t.Fatal(err)
	}
	if err := all[1].Tell(ctx, want); err != nil {
		t.Fatal(err)
	}
	got := <-heard
	want.From = all[1].Instance()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
}

func FuzzParseHint(f *testing.F) {
	h := bunker.Hint{Kind: bunker.HintReplies, From: "i1", Tenant: "self", Replies: []bunker.ReplyHint{{Request: [32]byte{1}, Client: [32]byte{2}}}}
	for _, s := range []string{hintText(&h), "order i1 self", "order i1", "replies i1 self 00:11", "", "what i1 self", strings.Repeat("order ", 4000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, ok := ParseHint(text)
		if ok && !strings.EqualFold(hintText(&h), text) {
			t.Errorf("%q is read as %q", text, hintText(&h))
		}
	})
}

// A program of the version before serves while a newer one adds to the schema, and is
// refused once that asks for newer ones: a rolling upgrade.
func TestInstancesOfTwoVersionsServeSideBySide(t *testing.T) {
	ctx := context.Background()
	database := pgtest.Shared(t).Database(t)
	old := sharingOn(t, database, 1)[0]
	c := old.addConnection(old.addKey("herald"))
	// The newer version adds a column and a table, as migrations that expand do.
	next := fstest.MapFS{"9000_expand.sql": {Data: []byte(`-- +goose Up
ALTER TABLE tenant_head ADD COLUMN more BIGINT NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN more BIGINT NOT NULL DEFAULT 0;
CREATE TABLE more (tenant TEXT NOT NULL);
`)}}
	upgrade(t, database, next)
	for range 5 { // it goes on, with the statements that it had prepared and on new connections
		old.mustCommit(old.entry(c))
	}
	old.reopen() // and is started again, say because its machine was
	old.mustCommit(old.entry(c))
	young := openShared(t, database)
	young.mustCommit(young.entry(c))
	if st, err := old.Beat(ctx, bunker.Instance{ID: old.Instance()}); err != nil || old.Serves(st.Minimum) != nil {
		t.Errorf("%+v, %v", st, err)
	}

	// Contract: what the old one uses goes, so the minimum comes first.
	next["9001_contract.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nUPDATE schema_rule SET minimum = 9000;\n")}
	upgrade(t, database, next)
	st, err := old.Beat(ctx, bunker.Instance{ID: old.Instance()})
	if err != nil {
		t.Fatal(err)
	}
	wantSentence(t, old.Serves(st.Minimum), "newer nsecbunker", "9000", "start the newer version")
	old.stop()
	_, err = Open(ctx, old.cfg)
	wantSentence(t, err, "newer nsecbunker", "9001", "9000", "start the newer version")
	old.cfg.Shared = false
	young.stop()
	_, err = Open(ctx, old.cfg)
	wantSentence(t, err, "newer nsecbunker")
}

// upgrade brings the schema of a database up to date as a newer version would.
func upgrade(t *testing.T, database string, next fstest.MapFS) {
	t.Helper()
	ctx := context.Background()
	e, err := newPostgres(database, filepath.Join(t.TempDir(), "bunker.db"))
	if err != nil {
		t.Fatal(err)
	}
	e.shared = true
	names, err := fs.Glob(migrations, "migrations/postgres/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir := fstest.MapFS{}
	for _, n := range append(names, slices.Sorted(maps.Keys(next))...) {
		if f, ok := next[n]; ok {
			dir[n] = f
			continue
		}
		b, err := fs.ReadFile(migrations, n)
		if err != nil {
			t.Fatal(err)
		}
		dir[filepath.Base(n)] = &fstest.MapFile{Data: b}
	}
	db, conn, err := e.openWrite(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	defer conn.Close()
	db.SetMaxOpenConns(2)
	err = e.whileMigrating(ctx, conn, func() error { return migrateWith(ctx, e, db, dir, true, quiet()) })
	if err != nil {
		t.Fatal(err)
	}
}
