package store

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
)

// fullEntry runs every statement that a group has, but for those of tokens and
// of lazy work.
func (f *fixture) fullEntry(c *bunker.Connection, spend bunker.GrantID) *bunker.Entry {
	e := f.entry(c)
	v := f.view(c)
	next := *v.Connection
	next.Version++
	next.Name = "again"
	e.UpdateConnection, e.Spend, e.Metadata = &next, spend, &bunker.ClientMetadata{Name: "app"}
	e.NewGrants = []*bunker.Grant{f.newGrant(c, 1)}
	e.NewGrants[0].Version = 1
	e.Keep = f.version(e.Basis.Key, 3, bunker.Address{1})
	return e
}

func faultsEachStatement(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	g := f.newGrant(c, 100)
	f.change(func(tx *Tx) error { return tx.PutGrant(g) })
	for _, point := range []string{
		"begin", "savepoint", "request", "connection update", "metadata", "grant", "spend", "keep", "audit", "reply", "release", "head", "commit",
	} {
		e := f.fullEntry(c, g.ID)
		before := f.dump()
		f.faults.set(point, 1)
		r := f.commit(e)
		if r.Outcome != bunker.Failed || r.Err == nil || len(r.Replies) != 0 {
			t.Errorf("%s: %+v", point, r)
		}
		if d := cmp.Diff(before, f.dump()); d != "" {
			t.Errorf("%s failed and left a trace: %s", point, d)
		}
		f.mustCommit(e) // the next try succeeds
	}
	e := park(f.entry(c), f.clock.Now())
	f.faults.set("approval", 1)
	if r := f.commit(e); r.Outcome != bunker.Failed {
		t.Errorf("approval: %+v", r)
	}
	f.expectRows("approval", 0)
	// Savepoints that fail to be undone end the group, not the store.
	other := f.entry(c)
	other.Spend = "g9"
	for _, point := range []string{"undo", "release"} {
		f.faults.set(point, 1)
		if r := f.commit(other); r.Outcome != bunker.Failed {
			t.Errorf("%s: %+v", point, r)
		}
	}
	if r := f.commit(other); r.Outcome != bunker.Moved {
		t.Errorf("%+v", r)
	}
	f.expectWhole()
}

func unknownCommit(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))

	// COMMIT did its work and its answer is lost: the row is read back, and its
	// bytes may leave.
	e := f.entry(c)
	f.faults.set(FaultLost, 1)
	r := f.commit(e)
	if r.Outcome != bunker.Committed || len(r.Replies) != 1 || r.Replies[0].Reply().EventID != e.Reply.EventID {
		t.Errorf("lost answer: %+v", r)
	}

	// Reading back fails too: nothing may leave now. The sweep sends what is
	// stored, later.
	e = f.entry(c)
	f.faults.set(FaultLost, 1)
	f.faults.set(FaultReread, 1)
	if r = f.commit(e); r.Outcome != bunker.Failed || len(r.Replies) != 0 {
		t.Errorf("lost answer, no reading back: %+v", r)
	}
	f.clock.add(publishFor)
	due, err := f.Due(ctx, 10)
	if err != nil || len(due) != 2 {
		t.Fatalf("%v, %v", due, err)
	}

	// A second decision for the same event must find the first.
	again := *e
	again.Reply = &bunker.Reply{Part: bunker.PartFinal, EventID: random32(), Bytes: []byte("another")}
	if r = f.commit(&again); r.Outcome != bunker.Taken || len(r.Replies) != 1 || r.Replies[0].Reply().EventID != e.Reply.EventID {
		t.Errorf("the second decision: %+v", r)
	}

	// A parked request without auth_url is read back as taken.
	p := park(f.entry(c), f.clock.Now())
	f.faults.set(FaultLost, 1)
	if r = f.commit(p); r.Outcome != bunker.Taken || r.State != bunker.RequestParked {
		t.Errorf("parked: %+v", r)
	}

	// An entry that was refused in a group whose COMMIT got lost is judged again.
	moved := f.entry(c)
	moved.Basis.ConnectionVersion, moved.Basis.Moment = moved.Basis.ConnectionVersion-1, 0
	f.faults.set(FaultLost, 1)
	if r = f.commit(moved); r.Outcome != bunker.Failed {
		t.Errorf("refused: %+v", r)
	}
	f.expectWhole()
}

func faultsInChanges(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	revoke := func(tx *Tx) error {
		now, err := tx.Connection(c.ID)
		if err != nil {
			return err
		}
		now.State = bunker.ConnRevoked
		return tx.PutConnection(now)
	}
	for _, point := range []string{"begin", FaultChange, "commit"} {
		before := f.dump()
		f.faults.set(point, 1)
		if err := f.tryChange(revoke); err == nil {
			t.Errorf("%s: the change did not fail", point)
		}
		if d := cmp.Diff(before, f.dump()); d != "" {
			t.Errorf("%s failed and left a trace: %s", point, d)
		}
	}
	for n := range 6 { // each later statement
		before := f.dump()
		f.faults.mu.Lock()
		f.faults.skip = n
		f.faults.fail[FaultChange] = 1
		f.faults.mu.Unlock()
		err := f.tryChange(revoke)
		f.faults.set(FaultChange, 0)
		if err != nil {
			if !errors.Is(err, errFault) {
				t.Errorf("statement %d: %v", n, err)
			}
			if d := cmp.Diff(before, f.dump()); d != "" {
				t.Errorf("statement %d failed and left a trace: %s", n, d)
			}
		}
	}
	// The answer to COMMIT is lost: the change holds, and says so.
	k := f.addKey("second")
	k.Locked = true
	f.faults.set(FaultLost, 1)
	if err := f.tryChange(func(tx *Tx) error { return tx.PutKey(k) }); err != nil {
		t.Errorf("lost answer: %v", err)
	}
	got, err := f.Key(context.Background(), bunker.SelfHosted, "second")
	if err != nil || !got.Locked {
		t.Errorf("%+v, %v", got, err)
	}
	f.expectWhole()
}
