package admin

import (
	"context"
	"errors"

	"nsecbunker/internal/bunker"
)

func keyDeleteCommands(t *Table) {
	add(t, Command{
		Name: "key.delete", Summary: "Deletes a key after a waiting period, in which it signs nothing and can be brought back.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Scope: ofKey(), Quorum: QuorumDelete,
	}, t.keyDelete)
	add(t, Command{
		Name: "key.restore", Summary: "Brings a key back that waits to be deleted.",
		Role: bunker.Owner, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keyRestore)
	add(t, Command{
		Name: "key.purge", Summary: "Deletes for good the keys whose waiting period is over.",
		Role: bunker.Owner, Doors: []bunker.Door{bunker.DoorSystem}, Writes: true,
	}, t.keyPurge)
}

type keyDeleteParams struct {
	keyParams
	glass
}

func (t *Table) keyDelete(ctx context.Context, c *Call, p keyDeleteParams) (keyResult, error) {
	t.memory.Lock()
	defer t.memory.Unlock()
	k, err := t.changeKey(ctx, c, p.Key, func(tx Tx, k *bunker.UserKey, rec *bunker.AuditRecord) error {
		if k.State != bunker.KeyActive {
			return bunker.Errorf(bunker.CodeConflict, "the key %s is being deleted already", k.Name).In("key")
		}
		k.State, k.DeleteAt = bunker.KeyDeleting, tx.Now()+t.DeleteWait.Milliseconds()
		rec.Reason = "key " + k.Name + " will be deleted in " + t.DeleteWait.String()
		return nil
	})
	if err != nil {
		return keyResult{}, err
	}
	if err := t.Vault.LockUserKey(t.Tenant, k.ID); err != nil {
		return keyResult{}, err
	}
	t.Around.Changed()
	return keyResult{Key: t.viewKey(k), Warnings: []string{"until then it can be brought back with: nsecbunker key restore " + k.Name}}, nil
}

func (t *Table) keyRestore(ctx context.Context, c *Call, p keyParams) (keyResult, error) {
	t.memory.Lock()
	defer t.memory.Unlock()
	k, err := t.changeKey(ctx, c, p.Key, func(_ Tx, k *bunker.UserKey, _ *bunker.AuditRecord) error {
		if k.State != bunker.KeyDeleting {
			return bunker.Errorf(bunker.CodeConflict, "the key %s is not being deleted", k.Name).In("key")
		}
		k.State, k.DeleteAt = bunker.KeyActive, 0
		return nil
	})
	if err != nil {
		return keyResult{}, err
	}
	var warnings []string
	switch {
	case k.Locked:
		warnings = []string{"the key was locked and stays so; unlock it with: nsecbunker key unlock " + k.Name}
	case k.OwnPassphrase:
		warnings = []string{"the key has a passphrase of its own; unlock it with: nsecbunker key unlock " + k.Name}
	default:
		if err := t.Vault.UnlockUserKey(*k, nil); err != nil {
			return keyResult{}, err
		}
	}
	t.Around.Changed()
	return keyResult{Key: t.viewKey(k), Warnings: warnings}, nil
}

type keyPurgeResult struct {
	Deleted []string `json:"deleted" doc:"names"`
}

// keyPurge is called by the bunker's timer. While the clock is suspect nothing is
// due (security.md section 3).
func (t *Table) keyPurge(ctx context.Context, c *Call, _ Empty) (keyPurgeResult, error) {
	res := keyPurgeResult{Deleted: []string{}}
	t.memory.Lock()
	defer t.memory.Unlock()
	due, err := t.Rows.DeletingKeys(ctx, t.Tenant)
	if err != nil || len(due) == 0 {
		return res, c.Recorded(err)
	}
	k := due[0] // one at a time, so that each has its record
	rec := &bunker.AuditRecord{Object: string(k.ID), Key: k.PubKey.String(), Reason: "the waiting period of key " + k.Name + " is over"}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		now, err := tx.Key(string(k.ID))
		if err != nil {
			return err
		}
		return errors.Join(unchanged(now, k.Version), tx.DeleteKey(k.ID))
	})
	if err != nil {
		return res, err
	}
	res.Deleted = append(res.Deleted, k.Name)
	err = t.Vault.ForgetUserKey(t.Tenant, k.ID)
	t.Around.Changed()
	t.Around.Wake()
	return res, err
}
