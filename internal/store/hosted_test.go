package store

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

// addTenant makes a tenant; before is run in its transaction.
func (f *fixture) addTenant(order string) (*host.Tenant, error) {
	f.t.Helper()
	t := &host.Tenant{ID: bunker.NewTenantID(), Order: order, AdminKey: random32(), Admins: []nostr.PubKey{random32()}, Service: []byte("wrapped"), Setup: []byte("code"), CreatedAt: 1}
	k := bunker.ServiceKey{Tenant: t.ID, PubKey: t.AdminKey, Role: bunker.RoleAdmin, Ciphertext: []byte("c"), CreatedAt: 1}
	return t, f.tryChange(func(tx *Tx) error { return tx.AddTenant(t, &k, bunker.Quota{People: 3}) })
}

// tenantWhole: a fault at any statement of its making leaves nothing of it, a lost answer
// to the COMMIT leaves it whole, and for an order there is one.
func tenantWhole(t *testing.T, f *fixture) {
	before := f.dump()
	failed := 0
	for n := range 40 {
		f.faults.mu.Lock()
		f.faults.skip, f.faults.fail[FaultChange] = n, 1
		f.faults.mu.Unlock()
		made, err := f.addTenant("")
		f.faults.set(FaultChange, 0)
		if err == nil {
			break
		}
		failed++
		if !errors.Is(err, errFault) {
			t.Fatalf("statement %d: %v", n, err)
		}
		if left, err := f.RowsOf(context.Background(), made.ID); err != nil || len(left) > 0 {
			t.Errorf("statement %d failed and left %v, %v", n, left, err)
		}
		if d := cmp.Diff(before, f.dump()); d != "" {
			t.Errorf("statement %d failed and left a trace: %s", n, d)
		}
	}
	if failed < 3 {
		t.Errorf("only %d statements could fail", failed)
	}
	f.faults.set(FaultLost, 1)
	one, err := f.addTenant("o-1")
	if err != nil {
		t.Fatalf("lost answer: %v", err)
	}
	got, err := f.HostedTenant(context.Background(), one.ID)
	if err != nil || got.State() != host.Waiting || got.Order != "o-1" || len(got.Admins) != 1 || got.Version != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := f.addTenant("o-1"); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("a second one for the same order: %v", err)
	}
	f.expectWhole()
}

// tenantsApart: how one stands moves no decision of another, its log says so, a touched
// row is named, and what is erased is gone.
func tenantsApart(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	e := f.entry(c)
	one, err := f.addTenant("")
	if err != nil {
		t.Fatal(err)
	}
	f.change(func(tx *Tx) error { return tx.SetStanding(one.ID, bunker.StandingSuspended, "a test") })
	f.mustCommit(e) // decided before, of another tenant
	st, _, err := f.Tenant(context.Background(), one.ID)
	if err != nil || st.Standing != bunker.StandingSuspended || st.ChainSeq != 2 {
		t.Errorf("%+v, %v", st, err)
	}
	if err := f.tryChange(func(tx *Tx) error { return tx.SetStanding(one.ID, "other", "") }); err == nil {
		t.Error("a standing that there is not was stored")
	}
	err = f.Change(context.Background(), one.ID, local, func(tx *Tx) error {
		return errors.Join(tx.SetStanding(one.ID, bunker.StandingWorks, ""), tx.Audit(bunker.AuditRecord{Action: "test"}))
	})
	if err == nil {
		t.Error("a tenant changed how it stands itself")
	}
	f.tamper(`UPDATE tenant SET admins = '[]' WHERE tenant = '` + string(one.ID) + `'`)
	if _, err := f.HostedTenant(context.Background(), one.ID); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("a touched row was read: %v", err)
	}
	bad := 0
	err = f.EachHosted(context.Background(), func(_ *host.Tenant, err error) error {
		if errors.Is(err, bunker.ErrTampered) {
			bad++
		}
		return nil
	})
	if err != nil || bad != 1 {
		t.Errorf("%d touched, %v", bad, err)
	}
	two, err := f.addTenant("o-2")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.exec1(`INSERT INTO budget_log (no, tenant, spent) VALUES (1, $1, $2)`, string(two.ID), `[{"p":"p","r":"r","s":"s","w":"w","n":1,"m":1}]`); err != nil {
		t.Fatal(err)
	}
	f.change(func(tx *Tx) error { return tx.EraseTenant(two) })
	left, err := f.RowsOf(context.Background(), two.ID)
	if err != nil || len(left) != 1 || left["tenant"] != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
	if got, err := f.HostedTenant(context.Background(), two.ID); err != nil || got.State() != host.Ended || got.Service != nil || got.Setup != nil || got.Order != "o-2" {
		t.Errorf("%+v, %v", got, err)
	}
	f.commit(f.entry(c)) // SQLite has every decision made anew after an edit from outside
	f.mustCommit(f.entry(c))
}

// standingMoves: a request that was decided before its tenant was held is decided anew.
func standingMoves(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	e := f.entry(c)
	f.tamper(`UPDATE tenant_head SET standing = 'suspended'`)
	e.Basis.Moment = 0
	if r := f.commit(e); r.Outcome != bunker.Moved {
		t.Errorf("decided before, and %+v", r)
	}
	if v := f.view(c); v.Tenant.Standing != bunker.StandingSuspended || v.Unverified {
		t.Errorf("%+v", v.Tenant)
	}
}
