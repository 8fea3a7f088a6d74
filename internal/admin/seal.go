package admin

import (
	"context"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
)

func sealCommands(t *Table) {
	add(t, Command{
		Name: "unseal", Summary: "Opens the bunker with its passphrase, or with a key slot that needs no person.",
		Role: bunker.Viewer, Doors: system(), WhileSealed: true, Writes: true,
	}, t.unseal)
	add(t, Command{
		Name: "seal", Summary: "Wipes the root key and every user key from memory; apps are told that the bunker is sealed.",
		Role: bunker.Owner, Doors: system(), Writes: true,
	}, t.seal)
}

type unsealParams struct {
	Passphrase secret.Param `json:"passphrase,omitempty"`
	Slot       string       `json:"slot,omitempty" doc:"id or name of a slot of kind file, credential or command (owner)"`
}

type unsealResult struct {
	Slot     string   `json:"slot" doc:"name of the slot that opened"`
	Unlocked int      `json:"unlocked" doc:"keys that can sign now"`
	Waiting  []string `json:"waiting,omitempty" doc:"keys with a passphrase of their own, to be unlocked one by one"`
	Locked   []string `json:"locked,omitempty" doc:"keys that were locked and stay so"`
	Warnings []string `json:"warnings,omitempty"`
}

func (t *Table) unseal(ctx context.Context, c *Call, p unsealParams) (unsealResult, error) {
	var res unsealResult
	st, _, err := t.Rows.Tenant(ctx, t.Tenant)
	switch {
	case err != nil:
		return res, err
	case !st.SetUp:
		return res, bunker.Errorf(bunker.CodeConflict, "the bunker is not set up yet").WithHint("nsecbunker setup")
	case t.Vault.Unsealed(t.Tenant):
		return res, bunker.Errorf(bunker.CodeConflict, "the bunker is unsealed already").WithHint("nsecbunker status")
	}
	root, slot, err := t.openRoot(ctx, c, p)
	if err != nil {
		return res, err
	}
	defer root.Destroy()
	t.memory.Lock()
	defer t.memory.Unlock()
	var inner error
	if err := root.Use(func(b []byte) { inner = t.Vault.BeginUnseal(t.Tenant, b) }); err != nil || inner != nil {
		return res, errors.Join(err, inner)
	}
	res, err = t.unsealed(ctx, c, slot)
	if err != nil {
		// What does not verify is not worked with: the tenant stays sealed.
		err = errors.Join(t.tampered(err), t.Vault.Seal(t.Tenant))
		t.Around.Changed()
		return res, err
	}
	if err := t.Vault.EndUnseal(t.Tenant); err != nil {
		return res, err
	}
	if err := t.checkpoint(ctx); err != nil {
		res.Warnings = append(res.Warnings, "no checkpoint of the audit log could be signed: "+bunker.AsError(err).Words)
	}
	t.Around.Changed()
	t.Around.Wake()
	return res, nil
}

// openRoot opens the root key with the passphrase or with the slot that is named.
func (t *Table) openRoot(ctx context.Context, c *Call, p unsealParams) (*secret.Bytes, bunker.Slot, error) {
	slots, err := t.Rows.Slots(ctx, t.Tenant)
	if err != nil {
		return nil, bunker.Slot{}, err
	}
	switch {
	case p.Slot == "" && len(p.Passphrase) == 0:
		return nil, bunker.Slot{}, bunker.Errorf(bunker.CodeNeedsProof, "the passphrase is missing").In("passphrase")
	case p.Slot == "":
		return t.Slots.OpenPassphrase(ctx, slots, p.Passphrase)
	}
	slot, err := findSlot(slots, p.Slot)
	if err != nil {
		return nil, slot, err
	}
	if slot.Kind.NeedsPerson() {
		return t.Slots.OpenPassphrase(ctx, []bunker.Slot{slot}, p.Passphrase)
	}
	// Nothing proves the caller here but who he is.
	if c.Principal.Role < bunker.Owner {
		return nil, slot, bunker.Errorf(bunker.CodeRestricted, "only an owner can unseal without the passphrase").In("slot")
	}
	root, err := t.Slots.Open(ctx, slot)
	return root, slot, err
}

// unsealed does what comes with the root key: every row is verified before
// anything rests on one, what was ordered meanwhile is done, keys are taken into
// memory.
func (t *Table) unsealed(ctx context.Context, c *Call, slot bunker.Slot) (unsealResult, error) {
	res := unsealResult{Slot: slot.Name}
	if err := t.Rows.VerifyAll(ctx, t.Tenant); err != nil {
		return res, err
	}
	did, err := t.Rows.ApplyPending(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	if did {
		res.Warnings = append(res.Warnings, "what was ordered while the bunker was sealed (a stop, or a restore) is done now; see: nsecbunker status")
	}
	auditKeys, err := t.Rows.ServiceKeys(ctx, t.Tenant, bunker.RoleAudit)
	if err != nil {
		return res, err
	}
	for _, k := range auditKeys {
		if err := t.Vault.LoadServiceKey(k); err != nil {
			return res, err
		}
	}
	if err := t.unlockAll(ctx, &res); err != nil {
		return res, err
	}
	return res, c.Commit(ctx, unsealRecord(&slot, res.Unlocked), func(tx Tx) error {
		// One that came over the socket may be a script's, out of a file.
		if slot.Kind == bunker.SlotPassphrase && c.Principal.Door == bunker.DoorRelay {
			return notePassphrase(tx)
		}
		return nil
	})
}

// unsealRecord is what the log says of an unseal.
func unsealRecord(slot *bunker.Slot, unlocked int) *bunker.AuditRecord {
	return &bunker.AuditRecord{Object: string(slot.ID), Reason: fmt.Sprintf("opened by the %s slot %q; %d keys unlocked", slot.Kind, slot.Name, unlocked)}
}

// unlockAll takes every key into memory that is not locked and has no passphrase
// of its own. The caller holds t.memory.
func (t *Table) unlockAll(ctx context.Context, res *unsealResult) error {
	return t.eachKey(ctx, func(k *bunker.UserKey) error { return unlockKey(t.Vault, k, res) })
}

// unlockKey is unlockAll for one key.
func unlockKey(v *vault.Vault, k *bunker.UserKey, res *unsealResult) error {
	switch {
	case k.State != bunker.KeyActive:
		return nil
	case k.Locked:
		res.Locked = append(res.Locked, k.Name)
		return nil
	case k.OwnPassphrase:
		res.Waiting = append(res.Waiting, k.Name)
		return nil
	}
	err := v.UnlockUserKey(*k, nil)
	if errors.Is(err, secret.ErrFull) { // the others work all the same
		res.Warnings = append(res.Warnings, fmt.Sprintf("the key %s could not be unlocked: %s", k.Name, secret.ErrFull))
		return nil
	}
	if err == nil {
		res.Unlocked++
	}
	return err
}

// eachKey calls f with every user key.
func (t *Table) eachKey(ctx context.Context, f func(*bunker.UserKey) error) error {
	for p := (Page{Limit: MaxPage}); ; {
		keys, err := t.Rows.Keys(ctx, t.Tenant, p)
		if err != nil {
			return err
		}
		for i := range keys {
			if err := f(&keys[i]); err != nil {
				return err
			}
		}
		if len(keys) < p.Limit {
			return nil
		}
		p.After = keys[len(keys)-1].Name
	}
}

// tampered turns the error about a row that was changed from outside into a
// sentence.
func (t *Table) tampered(err error) error {
	if !errors.Is(err, bunker.ErrTampered) {
		return err
	}
	return tamperedWords(err)
}

func tamperedWords(err error) error {
	return bunker.Errorf(bunker.CodeBlocked, "the bunker stays sealed: a stored row was changed from outside (%s). Keep the data folder as it is, and restore the last backup", clip(err.Error())).
		WithHint("nsecbunker backup restore FILE").WithCause(err)
}

type sealResult struct {
	Warnings []string `json:"warnings,omitempty"`
}

func (t *Table) seal(ctx context.Context, c *Call, _ Empty) (sealResult, error) {
	var res sealResult
	t.memory.Lock()
	defer t.memory.Unlock()
	// User keys go first, so that nothing is decided on them any more; then the
	// tenant's version moves, so that what was decided before and is not committed
	// yet is decided anew. No allow is recorded after the seal.
	if err := t.Vault.LockAll(t.Tenant); err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Reason: "the root key and every user key were wiped from memory"}
	if err := c.Commit(ctx, rec, func(tx Tx) error { return tx.PutTenant(tx.Tenant()) }); err != nil {
		// Without a record, too, the safe side is the sealed one.
		return res, errors.Join(err, t.Vault.Seal(t.Tenant))
	}
	// The audit key goes too: what can be signed is signed now. The seal does not
	// wait for it to succeed.
	if err := t.checkpoint(ctx); err != nil {
		res.Warnings = append(res.Warnings, "no checkpoint of the audit log could be signed before: "+bunker.AsError(err).Words)
	}
	if err := t.Vault.Seal(t.Tenant); err != nil {
		return res, err
	}
	res.Warnings = append(res.Warnings, behindWords(t.Around.Changed())...)
	return res, nil
}
