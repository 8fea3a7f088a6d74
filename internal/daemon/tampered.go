package daemon

import (
	"errors"
	"sync/atomic"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
)

// watched is the vault as the store sees it: a row whose MAC is wrong seals the
// bunker and alarms (security.md section 1). Until the row is put right no unseal
// succeeds, since every row is verified then.
type watched struct {
	*vault.Vault
	alarm func(error)
}

// Verify implements [store.Authenticator].
func (w watched) Verify(a bunker.Authority, mac []byte) error {
	err := w.Vault.Verify(a, mac)
	if errors.Is(err, bunker.ErrTampered) {
		w.alarm(err)
	}
	return err
}

// alarms keeps one alarm at a time.
type alarms struct{ sounding atomic.Bool }

// tampered seals the bunker. It returns at once: the store calls it with its
// locks held.
func (d *Daemon) tampered(cause error) {
	if !d.vault.Unsealed(d.tenant) || !d.alarms.sounding.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer d.alarms.sounding.Store(false)
		if err := d.vault.Seal(d.tenant); err != nil {
			d.Log.Error("the bunker could not be sealed", "error", err)
		}
		d.Log.Error("a stored row was changed from outside, so the bunker was sealed; keep the data folder as it is, find out who writes there, and restore the last backup", "row", cause)
		err := d.store.Change(d.life, d.tenant, System(), func(tx *store.Tx) error {
			return tx.Audit(bunker.AuditRecord{Action: "tampered", Reason: "a stored row was changed from outside, so the bunker was sealed: " + bunker.Display(cause.Error(), 200)})
		})
		if err != nil {
			d.Log.Error("the change from outside could not be recorded", "error", err)
		}
		d.news.tell(News{Type: NewsAlarm, Noun: "store", By: "system", Words: "a stored row was changed from outside, so the bunker was sealed"})
		d.Changed()
	}()
}
