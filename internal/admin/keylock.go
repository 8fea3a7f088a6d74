package admin

import (
	"context"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

func keyLockCommands(t *Table) {
	add(t, Command{
		Name: "key.lock", Summary: "Locks a key: wipes it from memory. It signs nothing until it is unlocked, also after a restart.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keyLock)
	add(t, Command{
		Name: "key.unlock", Summary: "Unlocks a key.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keyUnlock)
}

// keyLock stores the lock first; when it returns, the key is not in memory and
// every decision that read the old row is thrown away.
func (t *Table) keyLock(ctx context.Context, c *Call, p keyParams) (keyResult, error) {
	t.memory.Lock()
	defer t.memory.Unlock()
	k, err := t.changeKey(ctx, c, p.Key, func(_ Tx, k *bunker.UserKey, _ *bunker.AuditRecord) error {
		k.Locked = true
		return nil
	})
	if err != nil {
		return keyResult{}, err
	}
	if err := t.Vault.LockUserKey(t.Tenant, k.ID); err != nil {
		return keyResult{}, err
	}
	behind := t.Around.Changed() // with npub login it is heard no more
	return keyResult{Key: t.viewKey(k), Warnings: behindWords(behind)}, nil
}

type keyUnlockParams struct {
	keyParams
	Passphrase secret.Param `json:"passphrase,omitempty" doc:"the key's own, where it has one"`
}

func (t *Table) keyUnlock(ctx context.Context, c *Call, p keyUnlockParams) (keyResult, error) {
	k, passKey, err := t.keyWithPass(ctx, p.Key, p.Passphrase)
	defer secret.Wipe(passKey)
	if err != nil {
		return keyResult{}, err
	}
	if k.State != bunker.KeyActive {
		return keyResult{}, beingDeleted(k)
	}
	t.memory.Lock()
	defer t.memory.Unlock()
	// First into memory, which checks the passphrase; what the row says holds
	// until the change is stored.
	was := t.Vault.Unlocked(t.Tenant, k.ID)
	if err := t.Vault.UnlockUserKey(*k, passKey); err != nil {
		return keyResult{}, err
	}
	id, version := k.ID, k.Version
	k, err = t.changeKey(ctx, c, string(id), func(_ Tx, k *bunker.UserKey, _ *bunker.AuditRecord) error {
		k.Locked = false
		return unchanged(k, version)
	})
	if err != nil {
		if !was {
			err = errors.Join(err, t.Vault.LockUserKey(t.Tenant, id))
		}
		return keyResult{}, err
	}
	t.Around.Changed()
	t.Around.Wake()
	return keyResult{Key: t.viewKey(k)}, nil
}

// keyWithPass returns a key and what its own passphrase, if it has one, stands
// for; the caller wipes that. It is slow.
func (t *Table) keyWithPass(ctx context.Context, idOrName string, passphrase secret.Param) (*bunker.UserKey, []byte, error) {
	k, err := t.key(ctx, idOrName)
	if err != nil {
		return nil, nil, err
	}
	passKey, err := t.passKey(ctx, k, passphrase)
	return k, passKey, err
}

// unchanged refuses a key that was changed while scrypt was working for it.
func unchanged(k *bunker.UserKey, version int64) error {
	if k.Version != version {
		return bunker.Errorf(bunker.CodeConflict, "the key %s was changed meanwhile; look at it, and try again", k.Name).
			WithHint("nsecbunker key show %s", k.Name).WithCause(fmt.Errorf("version %d, now %d", version, k.Version))
	}
	return nil
}
