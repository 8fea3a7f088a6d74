package store

import (
	"context"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

const keyColumns = `k.tenant, k.id, k.name, k.pubkey, k.state, k.locked, k.no_export, k.own_passphrase, k.npub_login, k.admin_here,
k.default_effect, k.delete_at, k.created_at, k.version, k.ciphertext, k.mac, k.guard_share, k.baseline, k.paused, k.paused_until`

func keyFields(k *bunker.UserKey, mac *[]byte) []any {
	return []any{
		(*string)(&k.Tenant), (*string)(&k.ID), &k.Name, b32{(*[32]byte)(&k.PubKey)}, (*string)(&k.State), yesno{&k.Locked},
		yesno{&k.NoExport}, yesno{&k.OwnPassphrase}, yesno{&k.NpubLogin}, yesno{&k.AdminHere}, small{(*uint8)(&k.Default)},
		&k.DeleteAt, &k.CreatedAt, &k.Version, &k.Ciphertext, mac, &k.GuardShare, small{(*uint8)(&k.Baseline)}, yesno{&k.Paused}, &k.PausedUntil,
	}
}

func fillKey(row scanner, k *bunker.UserKey) (mac []byte, err error) {
	err = row.Scan(keyFields(k, &mac)...)
	return mac, err
}

// keyByID, keyByName and keysAll are every query that reads user keys, but for
// the one of View.
const (
	keyByID   = `SELECT ` + keyColumns + ` FROM user_key k WHERE k.tenant = $1 AND k.id = $2`
	keyByName = `SELECT ` + keyColumns + ` FROM user_key k WHERE k.tenant = $1 AND k.name = $2`
	keysAll   = `SELECT ` + keyColumns + ` FROM user_key k WHERE k.tenant = $1 AND k.name > $2 ORDER BY k.name LIMIT $3`
)

// Key returns a user key by its id or, where there is none, by its name.
func (s *Store) Key(ctx context.Context, t bunker.TenantID, idOrName string) (*bunker.UserKey, error) {
	k, err := s.keyNamed(ctx, s.read, t, idOrName)
	return k, s.explain("reading a key", err)
}

func (s *Store) keyNamed(ctx context.Context, q querier, t bunker.TenantID, idOrName string) (*bunker.UserKey, error) {
	k, err := one(s, q.QueryRowContext(ctx, keyByName, string(t), idOrName), fillKey)
	if isNone(err) {
		k, err = one(s, q.QueryRowContext(ctx, keyByID, string(t), idOrName), fillKey)
	}
	return k, orNotFound(err, "key", idOrName)
}

// Keys returns user keys in order of name, at most p.Limit after p.After.
func (s *Store) Keys(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.UserKey, error) {
	out, err := all(ctx, s, s.read, fillKey, keysAll, string(t), p.After, p.limit())
	return out, s.explain("listing keys", err)
}

// Key returns a user key by its id or, where there is none, by its name.
func (tx *Tx) Key(idOrName string) (*bunker.UserKey, error) {
	return tx.s.keyNamed(tx.ctx, tx.q, tx.head.Tenant, idOrName)
}

// Keys returns user keys in order of name.
func (tx *Tx) Keys(p Page) ([]bunker.UserKey, error) {
	return all(tx.ctx, tx.s, tx.q, fillKey, keysAll, string(tx.head.Tenant), p.After, p.limit())
}

// PutKey stores a user key. A new one (no row has its id) gets version 1; one
// that exists must have the stored version, which then goes up by one, here and
// in k.
func (tx *Tx) PutKey(k *bunker.UserKey) error {
	if err := tx.unique(k.PubKey, k.ID); err != nil {
		return err
	}
	err := tx.put(k, &k.Version, "key "+k.Name,
		`SELECT version FROM user_key WHERE tenant = $1 AND id = $2`, []any{string(k.Tenant), string(k.ID)},
		`INSERT INTO user_key (tenant, id, name, pubkey, state, locked, no_export, own_passphrase, npub_login, admin_here,
default_effect, delete_at, created_at, version, ciphertext, mac, guard_share, baseline, paused, paused_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, state = excluded.state, locked = excluded.locked,
no_export = excluded.no_export, own_passphrase = excluded.own_passphrase, npub_login = excluded.npub_login,
admin_here = excluded.admin_here, default_effect = excluded.default_effect, delete_at = excluded.delete_at,
version = excluded.version, ciphertext = excluded.ciphertext, mac = excluded.mac,
guard_share = excluded.guard_share, baseline = excluded.baseline, paused = excluded.paused, paused_until = excluded.paused_until`,
		func(mac []byte) []any {
			return []any{
				string(k.Tenant), string(k.ID), k.Name, k.PubKey[:], string(k.State), num(k.Locked), num(k.NoExport), num(k.OwnPassphrase),
				num(k.NpubLogin), num(k.AdminHere), int64(k.Default), k.DeleteAt, k.CreatedAt, k.Version, blob(k.Ciphertext), mac,
				k.GuardShare, int64(k.Baseline), num(k.Paused), k.PausedUntil,
			}
		})
	return err
}

// unique refuses a user key whose pubkey is one of the bunker's own: every
// pubkey has one role (security.md section 1).
func (tx *Tx) unique(pub nostr.PubKey, id bunker.KeyID) error {
	var n int
	err := tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM service_key WHERE pubkey = $1`, pub[:]).Scan(&n)
	if err != nil {
		return err
	}
	if n > 0 {
		return conflict("the key %s is one of this bunker's own service keys; it cannot be a user key", pub)
	}
	err = tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM user_key WHERE tenant = $1 AND pubkey = $2 AND id <> $3`,
		string(tx.head.Tenant), pub[:], string(id)).Scan(&n)
	if err == nil && n > 0 {
		err = conflict("the key %s is here already; see it with: nsecbunker key list", pub)
	}
	return err
}

// DeleteKey removes a user key for good. Its connections stay, revoked, so that
// their clients still get an answer; its open tokens are revoked.
func (tx *Tx) DeleteKey(id bunker.KeyID) error {
	k, err := tx.Key(string(id))
	if err != nil {
		return err
	}
	err = tx.eachConnection(`SELECT `+connectionColumns+` FROM connection c WHERE c.tenant = $1 AND c.key_id = $2 AND c.state <> 'revoked'`,
		[]any{string(k.Tenant), string(k.ID)}, func(c *bunker.Connection) { c.Revoke(tx.Now()) })
	if err != nil {
		return err
	}
	tokens, err := all(tx.ctx, tx.s, tx.q, fillToken,
		`SELECT `+tokenColumns+` FROM token t WHERE t.tenant = $1 AND t.key_id = $2 AND t.state = 'open'`, string(k.Tenant), string(k.ID))
	if err != nil {
		return err
	}
	for i := range tokens {
		tokens[i].State = bunker.TokenRevoked
		if err := tx.PutToken(&tokens[i]); err != nil {
			return err
		}
	}
	if err := tx.forgetVersions(k.ID); err != nil {
		return err
	}
	return tx.exec(`DELETE FROM user_key WHERE tenant = $1 AND id = $2`, string(k.Tenant), string(k.ID))
}

// DeletingKeys returns the keys whose waiting period is over at now (unix ms).
// While the clock is suspect there are none: nothing is deleted then.
func (s *Store) DeletingKeys(ctx context.Context, t bunker.TenantID) ([]bunker.UserKey, error) {
	c := s.Clock()
	if c.Suspect {
		return nil, nil
	}
	out, err := all(ctx, s, s.read, fillKey, `SELECT `+keyColumns+` FROM user_key k
WHERE k.tenant = $1 AND k.state = 'deleting' AND k.delete_at <= $2 ORDER BY k.id LIMIT $3`,
		string(t), c.Ledger.UnixMilli(), MaxPage)
	return out, s.explain("looking for keys to delete", err)
}

const serviceColumns = `tenant, pubkey, role, ciphertext, created_at`

func fillService(row scanner, k *bunker.ServiceKey) error {
	return row.Scan((*string)(&k.Tenant), b32{(*[32]byte)(&k.PubKey)}, (*string)(&k.Role), &k.Ciphertext, &k.CreatedAt)
}

// ServiceKeys returns the tenant's keys of a role ("" for all), in order of
// birth. They carry no authority and can be read while sealed.
func (s *Store) ServiceKeys(ctx context.Context, t bunker.TenantID, role bunker.ServiceRole) ([]bunker.ServiceKey, error) {
	out, err := scanAll(ctx, s.read, fillService, `SELECT `+serviceColumns+` FROM service_key
WHERE tenant = $1 AND ($2 = '' OR role = $2) ORDER BY created_at, pubkey`, string(t), string(role))
	return out, s.explain("reading service keys", err)
}

// ServiceKeysOf returns the bunker's own keys of a tenant, in the transaction.
func (tx *Tx) ServiceKeysOf(t bunker.TenantID) ([]bunker.ServiceKey, error) {
	return scanAll(tx.ctx, tx.q, fillService, `SELECT `+serviceColumns+` FROM service_key WHERE tenant = $1 ORDER BY created_at, pubkey`, string(t))
}

// ServicePubKeys returns the tenant's keys of the bunker's own, without what is
// in them: of ten thousand that is most of the work.
func (s *Store) ServicePubKeys(ctx context.Context, t bunker.TenantID) (map[nostr.PubKey]bunker.ServiceRole, error) {
	out := map[nostr.PubKey]bunker.ServiceRole{}
	_, err := scanAll(ctx, s.read, func(row scanner, _ *struct{}) error {
		var p nostr.PubKey
		var role string
		err := row.Scan(b32{(*[32]byte)(&p)}, &role)
		out[p] = knownRole(role)
		return err
	}, `SELECT pubkey, role FROM service_key WHERE tenant = $1`, string(t))
	return out, s.explain("reading service keys", err)
}

// knownRole is the role without a string of its own for each of ten thousand keys.
func knownRole(role string) bunker.ServiceRole {
	for _, r := range []bunker.ServiceRole{bunker.RoleSigner, bunker.RoleAdmin, bunker.RoleAudit, bunker.RoleNotifier} {
		if string(r) == role {
			return r
		}
	}
	return bunker.ServiceRole(role)
}

// HasServiceKey reports whether there is a key of the bunker's own of a role.
func (tx *Tx) HasServiceKey(role bunker.ServiceRole) (bool, error) {
	var n int
	err := tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM (SELECT 1 FROM service_key WHERE tenant = $1 AND role = $2 LIMIT 1) k`,
		string(tx.head.Tenant), string(role)).Scan(&n)
	return n > 0, err
}

// AddServiceKey stores a key of the bunker's own.
func (tx *Tx) AddServiceKey(k *bunker.ServiceKey) error {
	var n int
	err := tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM user_key WHERE pubkey = $1`, k.PubKey[:]).Scan(&n)
	if err != nil {
		return err
	}
	if n > 0 {
		return conflict("the key %s is a user key; it cannot be a service key", k.PubKey)
	}
	if err := tx.roomForSigner(k); err != nil {
		return err
	}
	err = tx.exec(`INSERT INTO service_key (`+serviceColumns+`) VALUES ($1, $2, $3, $4, $5)`,
		string(k.Tenant), k.PubKey[:], string(k.Role), blob(k.Ciphertext), k.CreatedAt)
	if troubleOf(err) == duplicate {
		return conflict("the service key %s is here already", k.PubKey)
	}
	return err
}

// roomForSigner refuses one signer key more than the tenant's quota has room for: each is in
// the memory for secrets that all tenants share, and on relays in what is heard for all.
func (tx *Tx) roomForSigner(k *bunker.ServiceKey) error {
	q := &tx.head.Quota
	if k.Role != bunker.RoleSigner || q.Unlimited {
		return nil
	}
	most := host.MostLinks(q)
	var n int64
	err := tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM (SELECT 1 FROM service_key WHERE tenant = $1 AND role = $2 LIMIT $3) k`,
		string(k.Tenant), string(k.Role), most).Scan(&n)
	if err == nil && n >= most {
		err = bunker.Errorf(bunker.CodeRestricted, "%d links and connections were made in this bunker, those that have ended with them, and its provider lets it make no more; ask him for more people", most)
	}
	return err
}

// RewrapServiceKey stores a service key's new ciphertext.
func (tx *Tx) RewrapServiceKey(k *bunker.ServiceKey) error {
	n, err := tx.execN(`UPDATE service_key SET ciphertext = $1 WHERE tenant = $2 AND pubkey = $3`, k.Ciphertext, string(k.Tenant), k.PubKey[:])
	if err == nil && n == 0 {
		err = fmt.Errorf("rewrapping: %w", notFound("service key", k.PubKey.String()))
	}
	return err
}

// ServiceKeysSince returns the tenant's keys of the bunker's own that were made since a
// time (unix ms).
func (s *Store) ServiceKeysSince(ctx context.Context, t bunker.TenantID, since int64) ([]bunker.ServiceKey, error) {
	out, err := scanAll(ctx, s.read, fillService, `SELECT `+serviceColumns+` FROM service_key
WHERE tenant = $1 AND created_at >= $2 ORDER BY created_at, pubkey`, string(t), since)
	return out, s.explain("reading service keys", err)
}
