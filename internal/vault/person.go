package vault

import "nsecbunker/internal/bunker"

// personDigits is how many hexadecimal digits of a digest stand for a person: enough
// that two names do not meet.
const personDigits = 16

// PersonTag is what audit records have in place of a person's name: a keyed digest, so
// that the name can be erased though the chain cannot be changed (security.md section
// 3, Audit). "" for nobody, and while the tenant is sealed.
func (v *Vault) PersonTag(id bunker.TenantID, name string) string {
	if name == "" {
		return ""
	}
	d := v.DigestText(id, []byte("person"), []byte(name))
	return d[:min(len(d), personDigits)]
}
