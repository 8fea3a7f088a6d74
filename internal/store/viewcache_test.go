package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nsecbunker/internal/bunker"
)

// full reads a view past what is kept.
func (f *fixture) full(c *bunker.Connection) bunker.View {
	f.t.Helper()
	v := <-f.viewers
	defer func() { f.viewers <- v }()
	view, err := f.viewBy(v, c.Tenant, viewKey{c.Signer, c.Client}, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return view
}

// Every way to change what a decision rests on shows in the very next view.
func TestKeptViewsMissNoChange(t *testing.T) {
	f := newFixture(t)
	k := f.addKey("herald")
	c := f.addConnection(k)
	g := f.view(c).Grants[0]
	for _, change := range []struct {
		name string
		do   func(tx *Tx) error
	}{
		{"nothing", func(*Tx) error { return nil }},
		{"a new grant", func(tx *Tx) error { return tx.PutGrant(f.newGrant(c, 0)) }},
		{"a new grant with a limit", func(tx *Tx) error { return tx.PutGrant(f.newGrant(c, 1)) }},
		{"a grant changed", func(tx *Tx) error { g.Permissions = "ping"; return tx.PutGrant(&g) }},
		{"a grant ended", func(tx *Tx) error { g.Ended = true; return tx.PutGrant(&g) }},
		{"what is open withdrawn", func(tx *Tx) error { return tx.Withdraw(c.ID) }},
		{"the key locked", func(tx *Tx) error { k.Locked = true; return tx.PutKey(k) }},
		{"the key being deleted", func(tx *Tx) error { k.State = bunker.KeyDeleting; return tx.PutKey(k) }},
		{"everything stopped", func(tx *Tx) error {
			st := tx.Tenant()
			st.Stopped = true
			return tx.PutTenant(st)
		}},
		{"the connection suspended", func(tx *Tx) error {
			now, err := tx.Connection(c.ID)
			if err != nil {
				return err
			}
			now.State = bunker.ConnSuspended
			return tx.PutConnection(now)
		}},
		{"the key gone", func(tx *Tx) error { return tx.DeleteKey(k.ID) }},
	} {
		f.view(c) // kept from here on
		f.change(func(tx *Tx) error {
			if err := change.do(tx); err != nil {
				return err
			}
			return tx.Audit(bunker.AuditRecord{Action: "test"})
		})
		for range 2 { // read in full at the first, kept at the second
			hints := cmp.Options{cmpopts.IgnoreFields(bunker.TenantState{}, "ChainSeq", "ChainHead", "LedgerTime"), cmpopts.IgnoreFields(bunker.View{}, "Moment")}
			if d := cmp.Diff(f.full(c), f.view(c), hints, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("%s: %s", change.name, d)
			}
		}
	}
}

// What a decision does to its view reaches no other one.
func TestKeptViewsAreEachCallersOwn(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	for range 3 {
		v := f.view(c)
		if v.Connection.Name == "changed" || v.Key.Name == "changed" || v.Grants[0].Permissions == "changed" {
			t.Fatal("another caller's change came through")
		}
		v.Connection.Name, v.Key.Name, v.Grants[0].Permissions = "changed", "changed", "changed"
	}
}

func TestKeptViewsAreBounded(t *testing.T) {
	var c viewCache
	for i := range 3 * maxViews {
		c.put(viewKey{signer: [32]byte{byte(i), byte(i >> 8), byte(i >> 16)}}, &keptView{tenant: &keptTenant{}}, c.now())
	}
	if n := len(c.m); n > maxViews {
		t.Errorf("%d views are kept", n)
	}
}

// A view is found by a hash of its keys, and its rows say whether it is the one.
func TestAViewOfTheSameHashIsNotTaken(t *testing.T) {
	f := newFixture(t)
	k := f.addKey("herald")
	c, other := f.addConnection(k), f.addConnection(k)
	v := f.full(c)
	f.views.put(viewKey{other.Signer, other.Client}, keep(&v, nil, nil), f.views.now()) // where that of the other would be
	if got := f.view(other); got.Connection.ID != other.ID || got.Grants[0].Connection != other.ID {
		t.Errorf("%s got the view of %s", other.ID, got.Connection.ID)
	}
}

// What cannot allow anything any more is not read for each request, or an app
// that people often said yes to would get slower and slower. Refusals stay.
func TestViewsHoldOnlyGrantsThatCanStillAllow(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	now := f.clock.Now().UnixMilli()
	spent, over, soon, refusal := f.newGrant(c, 1), f.newGrant(c, 0), f.newGrant(c, 0), f.newGrant(c, 0)
	spent.Uses = 1
	over.ExpiresAt, soon.ExpiresAt = now-1, now+60_000
	refusal.Effect, refusal.ExpiresAt = bunker.Deny, now-1
	f.change(func(tx *Tx) error {
		for _, g := range []*bunker.Grant{spent, over, soon, refusal} {
			if err := tx.PutGrant(g); err != nil {
				return err
			}
		}
		return tx.Audit(bunker.AuditRecord{Action: "test"})
	})
	held := func() map[bunker.GrantID]bool {
		m := map[bunker.GrantID]bool{}
		for _, g := range f.view(c).Grants {
			m[g.ID] = true
		}
		return m
	}
	for range 2 { // read in full, then kept
		if m := held(); len(m) != 3 || !m[soon.ID] || !m[refusal.ID] {
			t.Errorf("the view holds %v", m)
		}
	}
	key := viewKey{c.Signer, c.Client}
	if _, kept, _ := f.kept(bunker.SelfHosted, key); !kept {
		t.Error("the view is not kept")
	}
	f.clock.add(2 * time.Minute)
	for range 2 {
		if m := held(); len(m) != 2 || m[soon.ID] {
			t.Errorf("two minutes later the view holds %v", m)
		}
	}
}

// Behind an entry that changes a connection, in the same group, the decisions of
// before do not hold, though nothing of it is committed yet.
func TestAnEntryMovesThoseBehindItInItsGroup(t *testing.T) {
	f := newFixture(t)
	k := f.addKey("herald")
	c, other := f.addConnection(k), f.addConnection(k)
	f.view(c)
	f.view(other)
	leave := f.entry(c)
	gone := *f.view(c).Connection
	gone.State, gone.Version = bunker.ConnEnded, gone.Version+1
	leave.UpdateConnection, leave.Withdraw = &gone, c.ID
	var ws []*waiting
	for _, e := range []*bunker.Entry{f.entry(c), leave, f.entry(c), f.entry(other)} {
		w := &waiting{ctx: t.Context(), e: e, done: make(chan bunker.Result, 1)}
		if err := f.tagEntry(w); err != nil {
			t.Fatal(err)
		}
		ws = append(ws, w)
	}
	f.commitGroup(slices.Clone(ws), false)
	for i, want := range []bunker.Outcome{bunker.Committed, bunker.Committed, bunker.Moved, bunker.Committed} {
		if r := <-ws[i].done; r.Outcome != want {
			t.Errorf("entry %d: outcome %d (%v), want %d", i+1, r.Outcome, r.Err, want)
		}
	}
	if v := f.view(c); v.Connection.State != bunker.ConnEnded {
		t.Errorf("after the group the connection is %s", v.Connection.State)
	}
}

// A view whose rows were read before a change and would be kept after it is not.
func TestAViewThatAChangeOvertookIsNotKept(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	key := viewKey{c.Signer, c.Client}
	moment := f.views.now()
	f.change(func(tx *Tx) error { return tx.PutGrant(f.newGrant(c, 0)) })
	v := f.full(c)
	f.views.put(key, keep(&v, nil, nil), moment)
	if _, kept, _ := f.kept(bunker.SelfHosted, key); kept {
		t.Error("it is kept")
	}
	// What is written down only leaves the views alone.
	f.view(c)
	before := f.views.now()
	if err := f.tryChange(func(*Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	f.mustCommit(f.entry(c))
	if _, kept, now := f.kept(bunker.SelfHosted, key); !kept || now != before {
		t.Errorf("kept %v, moment %d and then %d", kept, before, now)
	}
}
