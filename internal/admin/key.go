package admin

import (
	"bytes"
	"context"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

func keyCommands(t *Table) {
	add(t, Command{
		Name: "key.add", Summary: "Makes a new key.",
		Role: bunker.Operator, Doors: local(), Writes: true,
	}, t.keyAdd)
	add(t, Command{
		Name: "key.import", Summary: "Takes in a key: nsec, ncryptsec (NIP-49), recovery phrase (NIP-06) or hex.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true,
	}, t.keyImport)
	add(t, Command{
		Name: "key.list", Summary: "Lists the keys.",
		Role: bunker.Viewer, Doors: local(), Scope: lists(),
	}, t.keyList)
	add(t, Command{
		Name: "key.show", Summary: "Shows one key.",
		Role: bunker.Viewer, Doors: local(), Scope: ofKey(),
	}, t.keyShow)
	add(t, Command{
		Name: "key.rename", Summary: "Renames a key.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keyRename)
}

// keyOptions are what a new key can have.
type keyOptions struct {
	Name       string       `json:"name" doc:"letters, digits, dots, hyphens, underscores; unique"`
	Passphrase secret.Param `json:"passphrase,omitempty" doc:"a second passphrase for this key alone; at least 12 characters"`
	NoExport   bool         `json:"no_export,omitempty" doc:"the key can never leave, for ever"`
	Default    string       `json:"default,omitempty" doc:"ask or deny: what happens to what no permission covers (the bunker's default)"`
}

type keyView struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Npub          string `json:"npub"`
	PubKey        string `json:"pubkey"`
	State         string `json:"state" doc:"active or deleting"`
	Locked        bool   `json:"locked" doc:"by somebody; a restart does not undo it"`
	Unlocked      bool   `json:"unlocked" doc:"in memory: it can sign"`
	NoExport      bool   `json:"no_export"`
	OwnPassphrase bool   `json:"own_passphrase"`
	NpubLogin     bool   `json:"npub_login"`
	AdminHere     bool   `json:"admin_here" doc:"its npub is an admin of this bunker"`
	Default       string `json:"default"`
	Guard         string `json:"guard" doc:"percent of its entries that a profile or list may lose unasked; default, or off"`
	Baseline      string `json:"baseline" doc:"what is known of lists from before: empty (the key was made here), unknown, or fetched"`
	DeleteAt      Time   `json:"delete_at,omitzero"`
	CreatedAt     Time   `json:"created_at"`
	Paused        bool   `json:"paused,omitempty" doc:"nothing is done for its apps now"`
	PausedUntil   Time   `json:"paused_until,omitzero"`
	Connections   int    `json:"connections,omitempty" doc:"that are not over; in key.list and key.show"`
	Uses          int64  `json:"uses,omitempty" doc:"requests of all its connections; in key.list and key.show"`
	LastUsed      Time   `json:"last_used,omitzero" doc:"in key.list and key.show"`
	Version       int64  `json:"version" doc:"another one after each change; for if_version"`
}

func (t *Table) viewKey(k *bunker.UserKey) keyView {
	v := keyView{
		string(k.ID), k.Name, nip19.EncodeNpub(k.PubKey), k.PubKey.String(), string(k.State), k.Locked,
		t.Vault.Unlocked(t.Tenant, k.ID), k.NoExport, k.OwnPassphrase, k.NpubLogin, k.AdminHere, k.Default.String(),
		shareText(k.GuardShare), baselineText(k.Baseline), Time(k.DeleteAt), Time(k.CreatedAt), k.PausedAt(t.Now().UnixMilli()), 0, 0, 0, 0, k.Version,
	}
	if v.Paused {
		v.PausedUntil = Time(k.PausedUntil)
	}
	return v
}

type keyResult struct {
	Key      keyView       `json:"key"`
	Baseline *baselineView `json:"baseline,omitempty" doc:"of an imported key: what relays had of its lists"`
	Warnings []string      `json:"warnings,omitempty"`
}

type keyAddParams struct{ keyOptions }

func (t *Table) keyAdd(ctx context.Context, c *Call, p keyAddParams) (keyResult, error) {
	return t.newKey(ctx, c, p.keyOptions, nil, nil)
}

// newKey stores a key and takes it into memory: raw, which is wiped, or a fresh
// one when raw is nil. base is what relays had of a key that is brought along.
func (t *Table) newKey(ctx context.Context, c *Call, o keyOptions, raw []byte, base *Baseline) (keyResult, error) {
	defer secret.Wipe(raw)
	k, passKey, err := t.prepareKey(ctx, c, o)
	defer secret.Wipe(passKey)
	if err != nil {
		return keyResult{}, err
	}
	t.memory.Lock()
	defer t.memory.Unlock()
	if base != nil {
		k.Baseline = bunker.BaselineUnknown
		if base.known() {
			k.Baseline = bunker.BaselineFetched
		}
	}
	again := bytes.Clone(raw) // the vault wipes its own
	defer secret.Wipe(again)
	if k.PubKey, k.Ciphertext, err = t.Vault.NewUserKey(t.Tenant, k.ID, k.NoExport, raw, passKey); err != nil {
		return keyResult{}, t.holder(ctx, again, err)
	}
	rec := &bunker.AuditRecord{Object: string(k.ID), Key: k.PubKey.String(), Reason: "key " + k.Name}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		if err := roomForNew(tx, k); err != nil {
			return err
		}
		if k.AdminHere, err = isAdmin(tx, k.PubKey); err != nil {
			return err
		}
		if o.Default == "" {
			k.Default = tx.Tenant().Default
		}
		if err := tx.PutKey(k); err != nil || base == nil {
			return err
		}
		_, err = t.keepBaseline(tx, k, *base)
		return err
	})
	if err != nil {
		return keyResult{}, err
	}
	if err := t.Vault.UnlockUserKey(*k, passKey); err != nil {
		return keyResult{}, fmt.Errorf("the key %s is stored, but not in memory: %w", k.Name, err)
	}
	res := keyResult{Key: t.viewKey(k)}
	if k.AdminHere {
		res.Warnings = append(res.Warnings, adminHereWords)
	}
	if base != nil {
		v := viewBaseline(*base, len(base.Events))
		res.Baseline, res.Warnings = &v, append(res.Warnings, baselineWarnings(*base, k)...)
	}
	return res, nil
}

// adminHereWords tell what is never allowed to a key that is an admin here.
const adminHereWords = "this key's npub is an admin of this bunker: it can never sign logins to this bunker, nor work on messages of its own keys"

// prepareKey checks the options and derives the key of the own passphrase, which
// is slow; the caller wipes it.
func (t *Table) prepareKey(ctx context.Context, c *Call, o keyOptions) (*bunker.UserKey, []byte, error) {
	label, err := name("name", o.Name)
	if err != nil {
		return nil, nil, err
	}
	def, err := defaultEffect(o.Default, bunker.Ask)
	if err != nil {
		return nil, nil, err
	}
	// Again in the transaction; here so that nobody waits a second for a refusal.
	if other, err := t.Rows.Key(ctx, t.Tenant, label); err == nil {
		return nil, nil, nameTaken(other.Name)
	}
	k := &bunker.UserKey{
		Tenant: t.Tenant, ID: bunker.NewKeyID(), Name: label, State: bunker.KeyActive,
		NoExport: o.NoExport, OwnPassphrase: len(o.Passphrase) > 0, Default: def, CreatedAt: c.Now.UnixMilli(), Version: 1,
	}
	passKey, err := t.newPassKey(k.ID, o.Passphrase)
	return k, passKey, err
}

// newPassKey derives the key of a new passphrase of a key's own; nil for none.
func (t *Table) newPassKey(id bunker.KeyID, passphrase secret.Param) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, nil
	}
	if err := t.Slots.Check(passphrase); err != nil {
		return nil, err
	}
	return t.Slots.KeyPassphrase(t.Tenant, id, passphrase)
}

// passKey derives the key of a key's present passphrase, which is the right one then;
// nil when it has none.
func (t *Table) passKey(ctx context.Context, k *bunker.UserKey, passphrase secret.Param) ([]byte, error) {
	switch {
	case !k.OwnPassphrase:
		return nil, nil
	case len(passphrase) == 0:
		return nil, bunker.Errorf(bunker.CodeNeedsProof, "the key %s has a passphrase of its own; give it, too", k.Name).In("passphrase")
	}
	return t.Slots.OpenKeyPassphrase(ctx, k, passphrase, func(key []byte) error { return t.Vault.CheckPassphrase(*k, key) })
}

func nameTaken(n string) error {
	return bunker.Errorf(bunker.CodeConflict, "there is a key named %s already", n).In("name").WithHint("nsecbunker key list")
}

// freeKey refuses a name or pubkey that is in use.
func freeKey(tx Tx, k *bunker.UserKey) error {
	return eachKeyIn(tx, func(other *bunker.UserKey) error {
		switch {
		case other.ID == k.ID:
			return nil
		case other.Name == k.Name:
			return nameTaken(k.Name)
		case other.PubKey == k.PubKey:
			return heldAs(other.Name)
		}
		return nil
	})
}

func heldAs(n string) error {
	return bunker.Errorf(bunker.CodeConflict, "this key is here already, as %s", n).WithHint("nsecbunker key list")
}

func eachKeyIn(tx Tx, f func(*bunker.UserKey) error) error {
	for p := (Page{Limit: MaxPage}); ; {
		keys, err := tx.Keys(p)
		if err != nil {
			return err
		}
		for i := range keys {
			if err := f(&keys[i]); err != nil {
				return err
			}
		}
		if len(keys) < p.Limit {
			return nil
		}
		p.After = keys[len(keys)-1].Name
	}
}

func isAdmin(tx Tx, pub nostr.PubKey) (bool, error) {
	admins, err := tx.Admins()
	for i := range admins {
		if admins[i].PubKey == pub {
			return true, err
		}
	}
	return false, err
}

type keyListParams struct{ Paging }

type keyListResult struct {
	Keys []keyView `json:"keys"`
	Next string    `json:"next,omitempty"`
}

func (t *Table) keyList(ctx context.Context, _ *Call, p keyListParams) (keyListResult, error) {
	res := keyListResult{Keys: []keyView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	keys, err := t.Rows.Keys(ctx, t.Tenant, page)
	for i := range keys {
		res.Keys = append(res.Keys, t.viewKey(&keys[i]))
	}
	if err != nil {
		return res, err
	}
	res.Next = next(keys, page, func(k *bunker.UserKey) string { return k.Name })
	return res, t.countUses(ctx, res.Keys)
}

// countUses adds how the keys' connections did.
func (t *Table) countUses(ctx context.Context, keys []keyView) error {
	uses, err := t.Rows.KeyUses(ctx, t.Tenant)
	of := make(map[string]KeyUse, len(uses))
	for _, u := range uses {
		of[string(u.Key)] = u
	}
	for i := range keys {
		u := of[keys[i].ID]
		keys[i].Connections, keys[i].Uses, keys[i].LastUsed = u.Connections, u.Uses, Time(u.LastUsed)
	}
	return err
}

type keyParams struct {
	Key string `json:"key" doc:"name or id"`
}

func (t *Table) keyShow(ctx context.Context, _ *Call, p keyParams) (keyResult, error) {
	k, err := t.key(ctx, p.Key)
	if err != nil {
		return keyResult{}, err
	}
	views := []keyView{t.viewKey(k)}
	err = t.countUses(ctx, views)
	return keyResult{Key: views[0]}, err
}

// key returns a key by its name or id.
func (t *Table) key(ctx context.Context, idOrName string) (*bunker.UserKey, error) {
	k, err := t.Rows.Key(ctx, t.Tenant, idOrName)
	return k, inKey(err)
}

// inKey names the parameter in the error about a key that is not there.
func inKey(err error) error {
	if e := bunker.AsError(err); err != nil && e.Code == bunker.CodeNotFound {
		return e.In("key").WithHint("nsecbunker key list")
	}
	return err
}

// activeKey is key for commands that hand something out for it.
func (t *Table) activeKey(ctx context.Context, idOrName string) (*bunker.UserKey, error) {
	k, err := t.key(ctx, idOrName)
	if err == nil && k.State != bunker.KeyActive {
		return nil, beingDeleted(k)
	}
	return k, err
}

func beingDeleted(k *bunker.UserKey) error {
	return bunker.Errorf(bunker.CodeConflict, "the key %s is being deleted; bring it back first", k.Name).In("key").WithHint("nsecbunker key restore %s", k.Name)
}

type keyRenameParams struct {
	Key  string `json:"key" doc:"name or id"`
	Name string `json:"name" doc:"the new one"`
}

func (t *Table) keyRename(ctx context.Context, c *Call, p keyRenameParams) (keyResult, error) {
	label, err := name("name", p.Name)
	if err != nil {
		return keyResult{}, err
	}
	k, err := t.changeKey(ctx, c, p.Key, func(tx Tx, k *bunker.UserKey, rec *bunker.AuditRecord) error {
		rec.Reason = fmt.Sprintf("key %s is now %s", k.Name, label)
		k.Name = label
		return freeKey(tx, k)
	})
	if err != nil {
		return keyResult{}, err
	}
	return keyResult{Key: t.viewKey(k)}, nil
}

// changeKey changes one key's row in the call's transaction. f gets the row as
// it is in there.
func (t *Table) changeKey(ctx context.Context, c *Call, idOrName string, f func(tx Tx, k *bunker.UserKey, rec *bunker.AuditRecord) error) (*bunker.UserKey, error) {
	var k *bunker.UserKey
	rec := &bunker.AuditRecord{}
	err := c.Commit(ctx, rec, func(tx Tx) (err error) {
		if k, err = tx.Key(idOrName); err != nil {
			return inKey(err)
		}
		rec.Object, rec.Key, rec.Reason = string(k.ID), k.PubKey.String(), "key "+k.Name
		if err := f(tx, k, rec); err != nil {
			return err
		}
		return tx.PutKey(k)
	})
	return k, err
}
