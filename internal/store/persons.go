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
	return out, s.explain("reading what a token made", err)
}

// ForgetPerson erases a name from those that records stand for, and reports whether it
// was there.
func (tx *Tx) ForgetPerson(name string) (bool, error) {
	n, err := tx.execN(`DELETE FROM person WHERE tenant = $1 AND name = $2`, string(tx.head.Tenant), name)
	return n > 0, err
}
