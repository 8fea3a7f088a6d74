package daemon

import (
	"context"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
)

// openKeys opens the service key and, with it, the keys of the bunker's own.
func (t *tenant) openKeys(ctx context.Context) error {
	service, err := t.serviceKey(ctx)
	if err != nil {
		return err
	}
	if err := t.vault.OpenService(t.id, service); err != nil {
		return err
	}
	if err := t.loadOwnKeys(ctx); err != nil {
		return err
	}
	if t.adminKey == (nostr.PubKey{}) {
		return t.newAdminKey(ctx)
	}
	return nil
}

// loadOwnKeys takes the keys of the bunker's own that are stored into memory.
func (t *tenant) loadOwnKeys(ctx context.Context) error {
	for _, role := range []bunker.ServiceRole{bunker.RoleSigner, bunker.RoleAdmin, bunker.RoleNotifier} {
		keys, err := t.store.ServiceKeys(ctx, t.id, role)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := t.vault.LoadServiceKey(k); err != nil {
				return bunker.Errorf(bunker.CodeBlocked, "the service key does not open the %s keys in %s: the file %s is another bunker's, or the data was changed; bring both back from the same backup",
					role, t.Dir, seal.ServiceKeyFile).WithHint("nsecbunker backup restore FILE").WithCause(err)
			}
			switch role {
			case bunker.RoleAdmin:
				t.adminKey = k.PubKey
			case bunker.RoleNotifier:
				t.letters.key.Store(&k.PubKey)
			}
		}
	}
	return nil
}

// serviceKey reads the service key, and makes one for a store that has nothing
// closed under an older one.
func (t *tenant) serviceKey(ctx context.Context) ([]byte, error) {
	key, err := seal.ReadServiceKey(t.Dir, t.credentials)
	if !errors.Is(err, seal.ErrNoServiceKey) {
		return key, err
	}
	used, listErr := t.store.ServiceKeys(ctx, t.id, bunker.RoleAdmin)
	if listErr != nil || len(used) > 0 {
		return nil, errors.Join(listErr, err)
	}
	return seal.CreateServiceKey(t.Dir)
}

// newAdminKey makes the key that admins reach the bunker by. Of instances that start for the
// first time at once one makes it, and the others take in what that one made.
func (t *tenant) newAdminKey(ctx context.Context) error {
	pub, ciphertext, err := t.vault.NewServiceKey(t.id, bunker.RoleAdmin)
	if err != nil {
		return err
	}
	k := bunker.ServiceKey{
		Tenant: t.id, PubKey: pub, Role: bunker.RoleAdmin, Ciphertext: ciphertext,
		CreatedAt: t.store.LedgerTime().UnixMilli(),
	}
	err = t.store.Change(ctx, t.id, System(), func(tx *store.Tx) error {
		there, err := tx.HasServiceKey(bunker.RoleAdmin)
		if err != nil || there {
			return errors.Join(err, errMadeMeanwhile)
		}
		if err := tx.AddServiceKey(&k); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "instance.create", Object: pub.String()})
	})
	if errors.Is(err, errMadeMeanwhile) {
		return t.loadOwnKeys(ctx)
	}
	if err != nil {
		return err
	}
	t.adminKey = pub
	return t.vault.LoadServiceKey(k)
}
