package vault

import "nsecbunker/internal/bunker"

// ForgetOthers is ForgetUserKey for every user key of a tenant but those that known
// names: another instance may have deleted some.
func (v *Vault) ForgetOthers(id bunker.TenantID, known map[bunker.KeyID]bool) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, u := range t.users {
		if known[key] {
			continue
		}
		u.destroy()
		v.talks.drop(t.no, &u.pub)
		delete(t.pubs, u.pub)
		delete(t.users, key)
	}
	return nil
}
