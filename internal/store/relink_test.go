package store

import (
	"context"
	"testing"

	"nsecbunker/internal/bunker"
)

// loggedIn is an app's connection at the user key itself.
func (f *fixture) loggedIn(k *bunker.UserKey) *bunker.Connection {
	f.t.Helper()
	c := &bunker.Connection{
		Tenant: bunker.SelfHosted, ID: bunker.NewConnectionID(), Key: k.ID, Signer: k.PubKey, Client: random32(), State: bunker.ConnActive,
		CreatedAt: f.clock.Now().UnixMilli(),
	}
	f.change(func(tx *Tx) error { return tx.PutConnection(c) })
	return c
}

// A revocation was once stored without its time. What an admin makes now is later all the same.
func linkAfterUndated(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c, dated := f.loggedIn(k), f.loggedIn(k)
	f.change(func(tx *Tx) error {
		c.State = bunker.ConnRevoked
		if err := tx.PutConnection(c); err != nil {
			return err
		}
		dated.Revoke(1234)
		return tx.PutConnection(dated)
	})
	now := f.clock.Now().UnixMilli()
	before, later := &bunker.Token{CreatedAt: now - 1}, &bunker.Token{CreatedAt: now}
	if c.Reopens(later) {
		t.Fatal("a revocation without a time is passed by a link that nobody asked the store about")
	}
	f.change(func(tx *Tx) error { return tx.LinkMade(k, now) })
	got := f.view(c).Connection
	if got.Reopens(before) || !got.Reopens(later) || got.State != bunker.ConnRevoked {
		t.Errorf("%+v is passed by a link of before: %t, by one of now: %t", got, got.Reopens(before), got.Reopens(later))
	}
	if got := f.view(dated).Connection; got.ResumeAt != 1234 {
		t.Errorf("the time of another revocation is %d now", got.ResumeAt)
	}
}

// A pubkey may have been another tenant's user key before: who talked to it there is a
// stranger here.
func viewOfAnotherTenant(t *testing.T, f *fixture) {
	ctx := context.Background()
	theirs := f.another("other")
	k := f.addKey("herald")
	k.NpubLogin = true
	f.change(func(tx *Tx) error { return tx.PutKey(k) })
	c := &bunker.Connection{
		Tenant: theirs.Tenant, ID: bunker.NewConnectionID(), Key: "key-gone", Signer: k.PubKey, Client: random32(), State: bunker.ConnRevoked, CreatedAt: 1,
	}
	err := f.Change(ctx, theirs.Tenant, local, func(tx *Tx) error {
		if err := tx.PutConnection(c); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "test"})
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time of what is kept
		v, err := f.View(ctx, theirs.Tenant, c.Signer, c.Client)
		if err != nil || v.Connection == nil || v.Connection.ID != c.ID {
			t.Errorf("there: %+v, %v", v, err)
		}
		v, err = f.View(ctx, bunker.SelfHosted, c.Signer, c.Client)
		if err != nil || v.Connection != nil || v.Tenant.Tenant != bunker.SelfHosted {
			t.Errorf("here: %+v, %v", v, err)
		}
	}
}
