package store

import (
	"context"

	"nsecbunker/internal/bunker"
)

// maxPersons is how many names are read at once, to tell whom records are about.
const maxPersons = 10_000

// Persons returns the names of whom connections and links are or were for, or, where
// keys are named, of whom those of these keys are for.
func (s *Store) Persons(ctx context.Context, t bunker.TenantID, keys []bunker.KeyID) ([]string, error) {
	query, args := `SELECT name FROM person WHERE tenant = $1 ORDER BY name LIMIT $2`, []any{string(t), maxPersons}
	if len(keys) > 0 {
		query = `SELECT person FROM connection WHERE tenant = $1 AND person <> '' AND $3 LIKE '%"' || key_id || '"%'
UNION SELECT person FROM token WHERE tenant = $1 AND person <> '' AND $3 LIKE '%"' || key_id || '"%' ORDER BY 1 LIMIT $2`
		args = append(args, keysText(keys))
	}
	out, err := scanAll(ctx, s.read, func(row scanner, name *string) error { return row.Scan(name) }, query, args...)
	return out, s.explain("reading the names of persons", err)
}

// Redeemed returns the connections that a token made or brought back, in order of id.
func (s *Store) Redeemed(ctx context.Context, t bunker.TenantID, id bunker.TokenID) ([]bunker.Connection, error) {
	out, err := all(ctx, s, s.read, fillConnection, `SELECT `+connectionColumns+` FROM connection c
WHERE c.tenant = $1 AND c.token = $2 ORDER BY c.created_at, c.id LIMIT $3`, string(t), string(id), MaxPage)
	for i := range out {
		s.lazy.count(&out[i])
	}
	return out, s.explain("reading what a token made", err)
}

// ForgetPerson erases a name from those that records stand for, and reports whether it
// was there.
func (tx *Tx) ForgetPerson(name string) (bool, error) {
	n, err := tx.execN(`DELETE FROM person WHERE tenant = $1 AND name = $2`, string(tx.head.Tenant), name)
	return n > 0, err
}

// KeyUse is how a key's connections did.
type KeyUse struct {
	Key         bunker.KeyID
	Connections int   // that are not over
	Uses        int64 // requests of all of them
	LastUsed    int64 // unix ms
}

// KeyUses counts for every key that has connections. Counters, not verified: good for
// showing.
func (s *Store) KeyUses(ctx context.Context, t bunker.TenantID) ([]KeyUse, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, u *KeyUse) error {
		return row.Scan((*string)(&u.Key), &u.Connections, &u.Uses, &u.LastUsed)
	}, `SELECT key_id, sum(CASE WHEN state IN ('active', 'suspended', 'pending') THEN 1 ELSE 0 END), sum(uses), max(last_used)
FROM connection WHERE tenant = $1 GROUP BY key_id`, string(t))
	s.lazy.countKeys(t, out)
	return out, s.explain("counting the use of keys", err)
}
