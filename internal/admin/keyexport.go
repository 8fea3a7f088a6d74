package admin

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip49"
)

func exportCommands(t *Table) {
	add(t, Command{
		Name: "key.export", Summary: "Exports a key as ncryptsec (NIP-49), closed with a password.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Scope: ofKey(), Quorum: QuorumExport,
	}, t.keyExport)
}

type keyExportParams struct {
	keyParams
	Password   secret.Param `json:"password" doc:"closes the export; at least 12 characters"`
	Passphrase secret.Param `json:"passphrase,omitempty" doc:"the key's own, where it has one"`
	glass
}

type keyExportResult struct {
	Name      string `json:"name"`
	Npub      string `json:"npub"`
	Ncryptsec string `json:"ncryptsec"`
}

// keyExport makes the export first and hands it out only when the record of it
// is stored.
func (t *Table) keyExport(ctx context.Context, c *Call, p keyExportParams) (keyExportResult, error) {
	if err := t.Slots.Check(p.Password); err != nil {
		return keyExportResult{}, renamed(err, "passphrase", "password")
	}
	k, own, err := t.keyWithPass(ctx, p.Key, p.Passphrase)
	defer secret.Wipe(own)
	if err != nil {
		return keyExportResult{}, err
	}
	closed, err := t.ncryptsec(k, own, p.Password)
	if err != nil {
		return keyExportResult{}, err
	}
	rec := &bunker.AuditRecord{Object: string(k.ID), Key: k.PubKey.String(), Reason: "key " + k.Name + " was exported, closed with a password"}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		// It may have been made non-exportable while scrypt was working.
		now, err := tx.Key(string(k.ID))
		if err != nil {
			return inKey(err)
		}
		return unchanged(now, k.Version)
	})
	if err != nil {
		return keyExportResult{}, err
	}
	return keyExportResult{Name: k.Name, Npub: nip19.EncodeNpub(k.PubKey), Ncryptsec: string(closed)}, nil
}

// ncryptsec closes a key with a password (NIP-49). It is slow.
func (t *Table) ncryptsec(k *bunker.UserKey, own []byte, password secret.Param) (closed []byte, err error) {
	err = t.Vault.ExportUserKey(*k, own, func(raw []byte) (err error) {
		closed, err = nip49.Encrypt(raw, password, nip49.DefaultLogN, nip49.Secure, t.KDF)
		return err
	})
	return closed, err
}
