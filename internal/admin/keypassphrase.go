package admin

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

func keyPassphraseCommands(t *Table) {
	add(t, Command{
		Name: "key.passphrase.set", Summary: "Gives a key a passphrase of its own, over the bunker's, or changes it.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Scope: ofKey(),
	}, t.keyPassphraseSet)
	add(t, Command{
		Name: "key.passphrase.remove", Summary: "Takes a key's own passphrase away.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Scope: ofKey(),
	}, t.keyPassphraseRemove)
	add(t, Command{
		Name: "key.no_export", Summary: "Forbids to export a key, for ever: nobody can take it back.",
		Role: bunker.Owner, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keyNoExport)
}

type keyPassphraseSetParams struct {
	keyParams
	New        secret.Param `json:"new" doc:"at least 12 characters"`
	Passphrase secret.Param `json:"passphrase,omitempty" doc:"the present one, where it has one"`
}

func (t *Table) keyPassphraseSet(ctx context.Context, c *Call, p keyPassphraseSetParams) (keyResult, error) {
	k, old, err := t.keyWithPass(ctx, p.Key, p.Passphrase)
	defer secret.Wipe(old)
	if err != nil {
		return keyResult{}, err
	}
	if len(p.New) == 0 {
		return keyResult{}, bunker.Errorf(bunker.CodeInvalid, "the new passphrase is empty").In("new")
	}
	next, err := t.newPassKey(k.ID, p.New)
	defer secret.Wipe(next)
	if err != nil {
		return keyResult{}, renamed(err, "passphrase", "new")
	}
	return t.rewrap(ctx, c, k, old, next, k.NoExport, "key "+k.Name+" has a new passphrase of its own")
}

type keyPassphraseParams struct {
	keyParams
	Passphrase secret.Param `json:"passphrase,omitempty" doc:"the key's own, where it has one"`
}

func (t *Table) keyPassphraseRemove(ctx context.Context, c *Call, p keyPassphraseParams) (keyResult, error) {
	k, old, err := t.keyWithPass(ctx, p.Key, p.Passphrase)
	defer secret.Wipe(old)
	if err != nil {
		return keyResult{}, err
	}
	if !k.OwnPassphrase {
		return keyResult{}, bunker.Errorf(bunker.CodeConflict, "the key %s has no passphrase of its own", k.Name).In("key")
	}
	return t.rewrap(ctx, c, k, old, nil, k.NoExport, "key "+k.Name+" has no passphrase of its own any more")
}

func (t *Table) keyNoExport(ctx context.Context, c *Call, p keyPassphraseParams) (keyResult, error) {
	k, own, err := t.keyWithPass(ctx, p.Key, p.Passphrase)
	defer secret.Wipe(own)
	if err != nil {
		return keyResult{}, err
	}
	if k.NoExport {
		return keyResult{}, bunker.Errorf(bunker.CodeConflict, "the key %s can never be exported already", k.Name).In("key")
	}
	return t.rewrap(ctx, c, k, own, own, true, "key "+k.Name+" can never be exported from now on")
}

// rewrap stores a key wrapped anew. What was read before scrypt worked must still
// be so.
func (t *Table) rewrap(ctx context.Context, c *Call, k *bunker.UserKey, old, new []byte, noExport bool, reason string) (keyResult, error) {
	version := k.Version
	wrapped, err := t.Vault.RewrapUserKey(*k, old, new, noExport)
	if err != nil {
		return keyResult{}, err
	}
	k, err = t.changeKey(ctx, c, string(k.ID), func(_ Tx, k *bunker.UserKey, rec *bunker.AuditRecord) error {
		rec.Reason = reason
		k.Ciphertext, k.OwnPassphrase, k.NoExport = wrapped.Ciphertext, wrapped.OwnPassphrase, wrapped.NoExport
		return unchanged(k, version)
	})
	if err != nil {
		return keyResult{}, err
	}
	return keyResult{Key: t.viewKey(k)}, nil
}
