package daemon

import (
	"errors"
	"sync/atomic"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
)

// watched is the vault as the store sees it: a row whose MAC is wrong seals the
// tenant's bunker and alarms (security.md section 1). Until the row is put right no unseal
// succeeds, since every row is verified then.
type watched struct {
	*vault.Vault
	alarm func(t bunker.TenantID, opening uint64, cause error)
}

// Verify implements [store.Authenticator].
func (w watched) Verify(a bunker.Authority, mac []byte) error {
	t, _, _, _ := a.AuthorityRow()
	opening := w.Opening(t) // before: what is found is about this one
	err := w.Vault.Verify(a, mac)
	if errors.Is(err, bunker.ErrTampered) {
		w.alarm(t, opening, err)
	}
	return err
}

// alarms is the latest opening of the vault that an alarm was raised in: one for each.
type alarms struct{ last atomic.Uint64 }

// first reports whether nothing was raised in the opening before.
func (a *alarms) first(opening uint64) bool {
	for {
		last := a.last.Load()
		if opening <= last {
			return false
		}
		if a.last.CompareAndSwap(last, opening) {
			return true
		}
	}
}

// tampered seals the tenant of which a row was changed, and no other.
func (d *Daemon) tampered(id bunker.TenantID, opening uint64, cause error) {
	if t := d.tenants.tenant(id); t != nil {
		t.tampered(opening, cause)
	}
}

// tampered seals the bunker. It returns at once, as the store calls it with its locks
// held: so it seals the opening alone in which the row was read. An unseal that came
// meanwhile has verified every row anew, and holds.
func (t *tenant) tampered(opening uint64, cause error) {
	if !t.alarms.first(opening) {
		return
	}
	go func() {
		if err := t.vault.SealOpening(t.id, opening); err != nil {
			t.Log.Error("the bunker could not be sealed", "error", err)
		}
		t.Log.Error("a stored row was changed from outside, so the bunker was sealed; keep the data folder as it is, find out who writes there, and restore the last backup", "row", cause)
		err := t.store.Change(t.life, t.id, System(), func(tx *store.Tx) error {
			return tx.Audit(bunker.AuditRecord{Action: "tampered", Reason: "a stored row was changed from outside, so the bunker was sealed: " + bunker.Display(cause.Error(), 200)})
		})
		if err != nil {
			t.Log.Error("the change from outside could not be recorded", "error", err)
		}
		t.Changed()
	}()
}
