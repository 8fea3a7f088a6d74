package vault

import (
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"

	"nsecbunker/internal/bunker"
)

// Tag returns the MAC of a row that carries authority (security.md section 1).
// It fails with ErrSealed.
func (v *Vault) Tag(a bunker.Authority) (mac [32]byte, err error) {
	id, _, _, _ := a.AuthorityRow()
	return v.rootMAC(id, markRows, bunker.MACMessage(a))
}

// Verify checks the MAC of a row: nil, ErrSealed, or an error that is
// bunker.ErrTampered and names the row.
func (v *Vault) Verify(a bunker.Authority, mac []byte) error {
	want, err := v.Tag(a)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want[:], mac) != 1 {
		return bunker.TamperedError(a)
	}
	return nil
}

// Digest returns a digest of the data (each part with its length) that only who
// has the root key can compute: for the log, where a plain hash of a short text
// could be guessed. It is all zeroes while the tenant is sealed, which no digest
// is otherwise.
func (v *Vault) Digest(id bunker.TenantID, data ...[]byte) [32]byte {
	var msg []byte
	for _, d := range data {
		msg = binary.BigEndian.AppendUint32(msg, uint32(len(d)))
		msg = append(msg, d...)
	}
	mac, err := v.rootMAC(id, digests, msg)
	if err != nil {
		return [32]byte{}
	}
	return mac
}

// DigestText returns Digest in hexadecimal, "" while sealed.
func (v *Vault) DigestText(id bunker.TenantID, data ...[]byte) string {
	d := v.Digest(id, data...)
	if d == ([32]byte{}) {
		return ""
	}
	return hex.EncodeToString(d[:])
}

// WithDigestKey lends the key of Digest to f, for an owner's export (security.md
// section 3, Audit).
func (v *Vault) WithDigestKey(id bunker.TenantID, f func(key []byte)) error {
	t, err := v.tenant(id)
	if err != nil {
		return err
	}
	return t.withRoot(func(r *keyring) error { return r.with(digests, f) })
}

func (v *Vault) rootMAC(id bunker.TenantID, p purpose, msg []byte) (mac [32]byte, err error) {
	t, err := v.tenant(id)
	if err != nil {
		return mac, err
	}
	err = t.withRoot(func(r *keyring) error {
		return r.with(p, func(key []byte) { hmacSHA256(&mac, key, msg) })
	})
	return mac, err
}

// TagService returns a MAC under the service key, for the little that must hold
// while the tenant is sealed: the flag that stops everything. label says what
// the data is.
func (v *Vault) TagService(id bunker.TenantID, label string, data []byte) (mac [32]byte, err error) {
	t, err := v.tenant(id)
	if err != nil {
		return mac, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.service == nil {
		return mac, unknownTenant(id)
	}
	err = t.service.with(markFlags, func(key []byte) {
		hmacSHA256(&mac, key, joined("nsecbunker/flag/1", string(id), label, string(data)))
	})
	return mac, err
}

// VerifyService checks a MAC of TagService: nil, or bunker.ErrTampered.
func (v *Vault) VerifyService(id bunker.TenantID, label string, data, mac []byte) error {
	want, err := v.TagService(id, label, data)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want[:], mac) != 1 {
		return bunker.ErrTampered
	}
	return nil
}
