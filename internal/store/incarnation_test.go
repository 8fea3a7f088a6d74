package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

func setUpMACs(t *testing.T, _ *fixture) {
	f := openFixture(t, t.TempDir(), false)
	ctx, self := context.Background(), bunker.SelfHosted
	admin := &bunker.Admin{Tenant: self, PubKey: random32(), Role: bunker.Owner}
	f.change(func(tx *Tx) error { // --admin NPUB, before there is a root key
		err := tx.AddServiceKey(&bunker.ServiceKey{Tenant: self, PubKey: admin.PubKey, Role: bunker.RoleSigner, Ciphertext: []byte("x")})
		return errors.Join(err, tx.PutAdmin(admin))
	})
	v, err := f.View(ctx, bunker.SelfHosted, admin.PubKey, random32())
	if err != nil || !v.Unverified || v.Tenant.SetUp {
		t.Errorf("before the set-up: %+v %v", v, err)
	}
	f.auth.sealed.Store(false)
	f.change(func(tx *Tx) error {
		st := tx.Tenant()
		st.SetUp = true
		if err := tx.PutTenant(st); err != nil {
			return err
		}
		got, err := tx.Admin(admin.PubKey)
		if err == nil && got.Role != bunker.Owner {
			t.Errorf("%+v", got)
		}
		return err
	})
	if err := f.VerifyAll(ctx, self); err != nil {
		t.Error(err)
	}
	if v, err = f.View(ctx, bunker.SelfHosted, admin.PubKey, random32()); err != nil || v.Unverified {
		t.Errorf("after the set-up: %+v %v", v, err)
	}
	// Taking the flag away from outside gives nothing: it is noticed, and until
	// then nothing is decided.
	f.tamper("UPDATE tenant_head SET set_up = 0")
	if v, err = f.View(ctx, bunker.SelfHosted, admin.PubKey, random32()); err != nil || !v.Unverified {
		t.Errorf("%+v %v", v, err)
	}
	if err := f.VerifyAll(ctx, self); !errors.Is(err, bunker.ErrTampered) {
		t.Error(err)
	}
}

func stopping(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	f.parked(c)
	f.change(func(tx *Tx) error { return tx.StopEverything() })
	f.reopen() // a restart does not undo it
	v := f.view(c)
	if !v.Tenant.Stopped || !v.Key.Locked || v.Connection.State != bunker.ConnSuspended {
		t.Errorf("%+v", v)
	}
	f.expectRows("approval WHERE state = 'pending'", 0)
	f.expectWhole()
}

func stopSealed(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	c := f.addConnection(f.addKey("herald"))
	early := f.entry(c) // decided before the order
	f.auth.sealed.Store(true)
	if err := f.StopSealed(ctx, self, local); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ApplyPending(ctx, self); !Sealed(err) {
		t.Errorf("applied while sealed: %v", err)
	}
	f.reopen()
	f.auth.sealed.Store(false)
	if v := f.view(c); !v.Unverified {
		t.Errorf("unsealed, and the stop is not applied yet: %+v", v)
	}
	if r := f.commit(early); r.Outcome != bunker.Moved {
		t.Errorf("an allow between unseal and stop: %+v", r)
	}
	if p, err := f.Pending(ctx, self); !p || err != nil {
		t.Errorf("%v %v", p, err)
	}
	f.tamper("UPDATE tenant_head SET pending = replace(pending, 'true', 'false')")
	if _, err := f.ApplyPending(ctx, self); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("a touched order: %v", err)
	}
	f.tamper("UPDATE tenant_head SET pending = replace(pending, 'false', 'true')")
	if did, err := f.ApplyPending(ctx, self); !did || err != nil {
		t.Fatalf("%v %v", did, err)
	}
	v := f.view(c)
	if v.Unverified || !v.Tenant.Stopped || !v.Key.Locked || v.Connection.State != bunker.ConnSuspended {
		t.Errorf("%+v", v)
	}
	if did, err := f.ApplyPending(ctx, self); did || err != nil {
		t.Errorf("twice: %v %v", did, err)
	}
	f.expectWhole()
}

func restoring(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	k := f.addKey("herald")
	tok, _ := f.addToken(k, 1)
	c := f.addConnection(k)
	limited := f.newGrant(c, 5)
	f.change(func(tx *Tx) error { return tx.PutGrant(limited) })
	early := f.entry(c)
	before, _, err := f.Tenant(ctx, self)
	if err != nil {
		t.Fatal(err)
	}
	f.clock.add(time.Minute)
	f.auth.sealed.Store(true) // restore runs without the root key
	if err := f.OpenIncarnation(ctx, self, local, "from a backup"); err != nil {
		t.Fatal(err)
	}
	recs, err := f.Records(ctx, self, RecordFilter{Limit: 1})
	if err != nil || recs[0].Action != "store.incarnation" || recs[0].Incarnation == before.Incarnation {
		t.Errorf("the record is of the new incarnation: %+v %v", recs, err)
	}
	f.auth.sealed.Store(false)
	if did, err := f.ApplyPending(ctx, self); !did || err != nil {
		t.Fatal(did, err)
	}
	v := f.view(c)
	if v.Tenant.Incarnation != recs[0].Incarnation || v.Tenant.IncarnationNo != before.IncarnationNo+1 || v.Tenant.Reviewed ||
		v.Tenant.RefuseBefore != f.clock.Now().UnixMilli() {
		t.Errorf("%+v", v.Tenant)
	}
	if !v.Key.Locked || v.Connection.State != bunker.ConnSuspended {
		t.Errorf("%+v %+v", v.Key, v.Connection)
	}
	if got, err := f.Token(ctx, self, tok.ID); err != nil || got.State != bunker.TokenRevoked {
		t.Errorf("%+v %v", got, err)
	}
	for _, g := range v.Grants {
		if g.ID == limited.ID {
			t.Errorf("a limited grant goes on: %+v", g)
		}
	}
	if r := f.commit(early); r.Outcome != bunker.Moved {
		t.Errorf("decided before the restore: %+v", r)
	}
	f.expectWhole() // the chain goes on
}

func ledgerTime(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	c := f.addConnection(f.addKey("herald"))
	f.mustCommit(f.entry(c))
	if got := f.LedgerTime(); !got.Equal(start) {
		t.Errorf("%s", got)
	}
	f.clock.add(-4 * time.Minute)
	if got := f.LedgerTime(); !got.Equal(start) || f.Clock().Suspect {
		t.Errorf("%s %+v", got, f.Clock())
	}
	f.clock.add(-2 * time.Minute)
	if st := f.Clock(); !st.Behind || !st.Suspect {
		t.Errorf("%+v", st)
	}
	f.reopen() // a restart does not forget it
	if st := f.Clock(); !st.Behind || !st.Ledger.Equal(start) {
		t.Errorf("after a restart: %+v", st)
	}
	old := f.entry(c)
	old.CreatedAt -= int64((bunker.Freshness - 5*time.Minute) / time.Second)
	if r := f.commit(old); r.Outcome != bunker.Stale {
		t.Errorf("fresh by the wall, old by the ledger: %+v", r)
	}
	if err := f.AcceptClock(ctx, self, local); err != nil {
		t.Fatal(err)
	}
	wall := f.clock.Now()
	if st := f.Clock(); st.Suspect || !f.LedgerTime().Equal(wall) {
		t.Errorf("after it was accepted: %+v", st)
	}
	if v := f.view(c); v.Tenant.RefuseBefore != wall.UnixMilli() {
		t.Errorf("requests from before must be refused: %+v", v.Tenant)
	}
	f.mustCommit(f.entry(c))
	f.expectWhole()
}

// TestAJumpingClockIsSuspect moves wall and monotonic time apart.
func TestAJumpingClockIsSuspect(t *testing.T) {
	began := time.Now() // with a monotonic reading
	now := began
	c := newClock(func() time.Time { return now })
	c.committedAt(began.UnixMilli())
	now = began.Add(time.Hour) // both clocks
	if st := c.state(); st.Suspect {
		t.Errorf("an hour passed: %+v", st)
	}
	// Only the wall clock: a time without a monotonic reading compares by wall,
	// so the jump is built from a start that lies in another wall time.
	for _, gap := range []time.Duration{clockGap + time.Second, -clockGap - time.Second} {
		jumped := &clock{wall: func() time.Time { return began }, start: began}
		if st := jumped.judge(began, gap); !st.Suspect || st.Behind || st.Why == "" {
			t.Errorf("%s: %+v", gap, st)
		}
		if st := jumped.judge(began, gap/2); st.Suspect {
			t.Errorf("%s: %+v", gap/2, st)
		}
	}
}
