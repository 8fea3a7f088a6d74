package store

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

const adminColumns = `a.tenant, a.pubkey, a.role, a.name, a.added_by, a.active_at, a.keys, a.legacy_until, a.script, a.created_at, a.version, a.mac`

func fillAdmin(row scanner, a *bunker.Admin) (mac []byte, err error) {
	err = row.Scan((*string)(&a.Tenant), b32{(*[32]byte)(&a.PubKey)}, small{(*uint8)(&a.Role)}, &a.Name, &a.AddedBy, &a.ActiveAt,
		keyList{&a.Keys}, &a.LegacyUntil, &a.Script, &a.CreatedAt, &a.Version, &mac)
	return mac, err
}

const (
	adminByKey = `SELECT ` + adminColumns + ` FROM admin a WHERE a.tenant = $1 AND a.pubkey = $2`
	adminsAll  = `SELECT ` + adminColumns + ` FROM admin a WHERE a.tenant = $1 ORDER BY a.created_at, a.pubkey LIMIT $2`
)

// Admin returns an admin by its npub's key.
func (s *Store) Admin(ctx context.Context, t bunker.TenantID, pub nostr.PubKey) (*bunker.Admin, error) {
	a, err := one(s, s.read.QueryRowContext(ctx, adminByKey, string(t), pub[:]), fillAdmin)
	return a, s.explain("reading an admin", orNotFound(err, "admin", pub.String()))
}

// Admins returns the tenant's admins, at most MaxPage, in order of birth.
func (s *Store) Admins(ctx context.Context, t bunker.TenantID) ([]bunker.Admin, error) {
	out, err := all(ctx, s, s.read, fillAdmin, adminsAll, string(t), MaxPage)
	return out, s.explain("listing admins", err)
}

// Unverified is rows whose MACs could not be checked, since the tenant is
// sealed or not set up. It says little, so that nothing can be decided by it.
type Unverified[T any] struct{ rows []T }

// Len returns how many rows there are.
func (u Unverified[T]) Len() int { return len(u.rows) }

// UnverifiedAdmins is for the admin handshake while the tenant is sealed.
func (s *Store) UnverifiedAdmins(ctx context.Context, t bunker.TenantID) (Unverified[bunker.Admin], error) {
	rows, err := unchecked(ctx, s.read, fillAdmin, adminsAll, string(t), MaxPage)
	return Unverified[bunker.Admin]{rows}, s.explain("listing admins", err)
}

// HasAdmin reports whether a pubkey seems to be an admin: good for letting
// somebody try to unseal, for nothing else.
func HasAdmin(u Unverified[bunker.Admin], pub nostr.PubKey) bool {
	for i := range u.rows {
		if u.rows[i].PubKey == pub {
			return true
		}
	}
	return false
}

// UnverifiedKeys is for status while the tenant is sealed.
func (s *Store) UnverifiedKeys(ctx context.Context, t bunker.TenantID) (Unverified[bunker.UserKey], error) {
	rows, err := unchecked(ctx, s.read, fillKey, keysAll, string(t), "", MaxPage)
	return Unverified[bunker.UserKey]{rows}, s.explain("listing keys", err)
}

// KeyNames returns the names that keys seem to have.
func KeyNames(u Unverified[bunker.UserKey]) []string {
	names := make([]string, len(u.rows))
	for i := range u.rows {
		names[i] = u.rows[i].Name
	}
	return names
}

func unchecked[T any](ctx context.Context, q querier, f fill[T], query string, args ...any) ([]T, error) {
	return scanAll(ctx, q, func(row scanner, into *T) error {
		_, err := f(row, into)
		return err
	}, query, args...)
}

// Admin returns an admin by its npub's key.
func (tx *Tx) Admin(pub nostr.PubKey) (*bunker.Admin, error) {
	a, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, adminByKey, string(tx.head.Tenant), pub[:]), fillAdmin)
	return a, orNotFound(err, "admin", pub.String())
}

// Admins returns the tenant's admins.
func (tx *Tx) Admins() ([]bunker.Admin, error) {
	return all(tx.ctx, tx.s, tx.q, fillAdmin, adminsAll, string(tx.head.Tenant), MaxPage)
}

// PutAdmin stores an admin; for versions see PutKey. The tenant gets a new version,
// so that what was decided before a role changed is decided anew.
func (tx *Tx) PutAdmin(a *bunker.Admin) error {
	tx.Bump()
	return tx.put(a, &a.Version, "admin "+a.PubKey.String(),
		`SELECT version FROM admin WHERE tenant = $1 AND pubkey = $2`, []any{string(a.Tenant), a.PubKey[:]},
		`INSERT INTO admin (tenant, pubkey, role, name, added_by, active_at, keys, legacy_until, script, created_at, version, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (tenant, pubkey) DO UPDATE SET role = excluded.role, name = excluded.name, active_at = excluded.active_at,
keys = excluded.keys, legacy_until = excluded.legacy_until, script = excluded.script, version = excluded.version, mac = excluded.mac`,
		func(mac []byte) []any {
			return []any{string(a.Tenant), a.PubKey[:], int64(a.Role), a.Name, a.AddedBy, a.ActiveAt, keysText(a.Keys), a.LegacyUntil, num(a.Script), a.CreatedAt, a.Version, mac}
		})
}

// DeleteAdmin removes an admin. The tenant gets a new version.
func (tx *Tx) DeleteAdmin(pub nostr.PubKey) error {
	tx.Bump()
	return tx.delete("admin", pub.String(), `DELETE FROM admin WHERE tenant = $1 AND pubkey = $2`, string(tx.head.Tenant), pub[:])
}
