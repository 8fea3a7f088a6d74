package admin

import (
	"context"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// ErrBusy: a command is at the keys in memory, so none was taken in. Try again.
var ErrBusy = errors.New("a command is at the keys in memory")

// Follow brings the memory of this instance in line with rows that another one changed:
// keys that were locked, deleted, added or unlocked there, and what they are marked as.
// Whether a key may be used is read from its row each time; this is about what lies in
// memory. A key with a passphrase of its own is in memory only where that was typed.
//
// Keys are taken in only while no command is at them, else ErrBusy; they are wiped at any
// time. So two instances can wait for each other to follow.
func (t *Table) Follow(ctx context.Context) error {
	free := t.memory.TryLock()
	if free {
		defer t.memory.Unlock()
	}
	if !t.Vault.Unsealed(t.Tenant) {
		return nil
	}
	known, left := map[bunker.KeyID]bool{}, false
	err := t.eachKey(ctx, func(k *bunker.UserKey) error {
		known[k.ID] = true
		switch {
		case k.State != bunker.KeyActive || k.Locked:
			return t.Vault.LockUserKey(t.Tenant, k.ID)
		case k.OwnPassphrase, t.Vault.Unlocked(t.Tenant, k.ID):
			return t.Vault.UpdateUserKey(*k)
		case !free:
			left = true
			return nil
		}
		if err := t.Vault.UnlockUserKey(*k, nil); !errors.Is(err, secret.ErrFull) {
			return err
		}
		return nil
	})
	if err == nil && free { // a key that a command is adding is not listed yet
		err = t.Vault.ForgetOthers(t.Tenant, known)
	}
	if err == nil && (left || !free) {
		err = ErrBusy
	}
	return err
}

// behindWords says of which instances it is not known that keys left their memory. What
// was refused is refused there all the same: rows are read for each request.
func behindWords(behind []string) (out []string) {
	for _, name := range behind {
		out = append(out, "the instance "+name+" has not confirmed in time that it wiped its memory; it signs nothing with what was locked, but look whether it still runs (nsecbunker instance list)")
	}
	return out
}
