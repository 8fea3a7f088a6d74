package admin

import (
	"context"
	"strconv"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// A passphrase that is typed once a year is forgotten, and with it every key. So the
// bunker notes when somebody last gave it, and the admin app asks an owner once a month.

// passphraseKnown is the setting that holds when a person last gave a passphrase of
// the bunker (unix ms).
const passphraseKnown = "passphrase.known"

func passphraseCommands(t *Table) {
	add(t, Command{
		Name: "passphrase.change", Summary: "Changes the bunker's passphrase.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true,
	}, t.passphraseChange)
	// Not dangerous: the passphrase itself is what is given, and a wrong one costs a try.
	add(t, Command{
		Name: "passphrase.check", Summary: "Checks that you still know a passphrase of the bunker, and notes that you do; nothing else changes.",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.passphraseCheck)
}

type passphraseCheckParams struct {
	Passphrase secret.Param `json:"passphrase"`
}

type passphraseCheckResult struct {
	Slot    string `json:"slot" doc:"name of the slot that it opens"`
	KnownAt Time   `json:"known_at"`
}

func (t *Table) passphraseCheck(ctx context.Context, c *Call, p passphraseCheckParams) (passphraseCheckResult, error) {
	var res passphraseCheckResult
	slots, err := t.Rows.Slots(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	root, slot, err := t.Slots.OpenPassphrase(ctx, slots, p.Passphrase)
	if err != nil {
		return res, err
	}
	defer root.Destroy()
	ours := false
	if err := root.Use(func(b []byte) { ours = t.Vault.IsRoot(t.Tenant, b) }); err != nil {
		return res, err
	}
	if !ours { // slots have no MAC: who can write to the store can put one there
		return res, bunker.Errorf(bunker.CodeNeedsProof, "this passphrase opens the slot %s, which is not of this bunker's root key: somebody put it there", slot.ID).In("passphrase")
	}
	rec := &bunker.AuditRecord{Object: string(slot.ID), Reason: "the passphrase of slot " + slot.Name + " is known"}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		res.Slot, res.KnownAt = slot.Name, Time(tx.Now())
		return notePassphrase(tx)
	})
	return res, err
}

// notePassphrase notes that a person gave a passphrase now.
func notePassphrase(tx Tx) error {
	return tx.PutSetting(passphraseKnown, strconv.FormatInt(tx.Now(), 10))
}

// lastKnown is when a person last gave a passphrase; zero for never. The setting has
// no authority: what cannot be read is never.
func (t *Table) lastKnown(ctx context.Context) (Time, error) {
	text, err := t.Rows.Setting(ctx, t.Tenant, passphraseKnown)
	if err != nil {
		return 0, err
	}
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, nil
	}
	return Time(at), nil
}

type passphraseChangeParams struct {
	New  secret.Param `json:"new" doc:"at least 12 characters"`
	Slot string       `json:"slot,omitempty" doc:"which passphrase, where there are several"`
}

// passphraseChange wraps the root key anew: the fresh proof was the old
// passphrase, and nothing else is wrapped under it.
func (t *Table) passphraseChange(ctx context.Context, c *Call, p passphraseChangeParams) (slotResult, error) {
	var res slotResult
	slots, err := t.Rows.Slots(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	old, err := onePassphrase(slots, p.Slot)
	if err != nil {
		return res, err
	}
	slot, err := t.wrapRoot(ctx, bunker.SlotPassphrase, SlotInput{Name: old.Name, Passphrase: p.New})
	if err != nil {
		return res, renamed(err, "passphrase", "new")
	}
	rec := &bunker.AuditRecord{Object: string(slot.ID), Reason: "the passphrase of slot " + old.Name + " was changed"}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		// The new one is there before the old one goes, under a name of its own.
		label := slot.Name
		slot.Name = string(slot.ID)
		if err := tx.PutSlot(&slot); err != nil {
			return err
		}
		if err := tx.DeleteSlot(old.ID); err != nil {
			return err
		}
		slot.Name = label
		if err := tx.PutSlot(&slot); err != nil {
			return err
		}
		return notePassphrase(tx)
	})
	res.Slot = viewSlot(&slot)
	return res, err
}
