package admin

import (
	"context"
	"fmt"

	"nsecbunker/internal/bunker"
)

func keySetCommands(t *Table) {
	add(t, Command{
		Name: "key.set", Summary: "Changes how a key answers: login by its npub, and the default for what no permission covers.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keySet)
}

type keySetParams struct {
	keyParams
	NpubLogin *bool  `json:"npub_login,omitempty" doc:"apps may log in with the bare npub: weaker, for old apps"`
	Default   string `json:"default,omitempty" doc:"ask or deny"`
}

// npubLoginWords are what security.md wants said of npub login.
const npubLoginWords = "login by npub is weaker: relays can link the account's apps, and the key cannot be heard while it is locked; use bunker:// links where the app knows them"

func (t *Table) keySet(ctx context.Context, c *Call, p keySetParams) (keyResult, error) {
	if p.NpubLogin == nil && p.Default == "" {
		return keyResult{}, bunker.Errorf(bunker.CodeInvalid, "nothing is to be changed; give npub_login or default")
	}
	def, err := defaultEffect(p.Default, bunker.Deny)
	if err != nil {
		return keyResult{}, err
	}
	t.memory.Lock()
	defer t.memory.Unlock()
	k, err := t.changeKey(ctx, c, p.Key, func(_ Tx, k *bunker.UserKey, rec *bunker.AuditRecord) error {
		if p.NpubLogin != nil {
			k.NpubLogin = *p.NpubLogin
		}
		if p.Default != "" {
			k.Default = def
		}
		rec.Reason = fmt.Sprintf("key %s: npub login %s, default %s", k.Name, map[bool]string{true: "on", false: "off"}[k.NpubLogin], k.Default)
		return nil
	})
	if err != nil {
		return keyResult{}, err
	}
	if err := t.Vault.UpdateUserKey(*k); err != nil {
		return keyResult{}, err
	}
	t.Around.Changed()
	res := keyResult{Key: t.viewKey(k)}
	if k.NpubLogin {
		res.Warnings = append(res.Warnings, npubLoginWords)
		if !res.Key.Unlocked {
			res.Warnings = append(res.Warnings, "the key is locked now, so nobody can log in by its npub until it is unlocked")
		}
	}
	return res, nil
}
