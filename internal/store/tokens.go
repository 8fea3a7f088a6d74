package store

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

const tokenColumns = `t.tenant, t.id, t.key_id, t.signer, t.secret_hash, t.client, t.person, t.permissions, t.max_uses, t.uses, t.state,
t.expires_at, t.grant_for, t.created_by, t.created_at, t.version, t.policy, t.mac`

func fillToken(row scanner, t *bunker.Token) (mac []byte, err error) {
	err = row.Scan((*string)(&t.Tenant), (*string)(&t.ID), (*string)(&t.Key), b32{(*[32]byte)(&t.Signer)}, b32{&t.SecretHash},
		&t.Client, &t.Person, &t.Permissions, &t.MaxUses, &t.Uses, (*string)(&t.State), &t.ExpiresAt, &t.GrantFor, &t.CreatedBy,
		&t.CreatedAt, &t.Version, (*string)(&t.Policy), &mac)
	return mac, err
}

const (
	tokenByID = `SELECT ` + tokenColumns + ` FROM token t WHERE t.tenant = $1 AND t.id = $2`
	tokensAll = `SELECT ` + tokenColumns + ` FROM token t WHERE t.tenant = $1 AND t.id > $2 ORDER BY t.id LIMIT $3`
)

// TokenBySecret returns the token with the secret's hash, nil where there is
// none. It may be spent or revoked.
func (s *Store) TokenBySecret(ctx context.Context, t bunker.TenantID, hash [32]byte) (*bunker.Token, error) {
	tok, err := one(s, s.read.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM token t WHERE t.tenant = $1 AND t.secret_hash = $2`,
		string(t), hash[:]), fillToken)
	if isNone(err) {
		return nil, nil
	}
	return tok, s.explain("looking for a token", err)
}

// Owner says whose a signer key is: a user key that answers for itself, or the
// token that the signer key was born with and the user key that it is for. The
// zero value is a key that no stranger may use.
func (s *Store) Owner(ctx context.Context, signer nostr.PubKey) (bunker.SignerOwner, error) {
	o, err := s.owner(ctx, signer)
	return o, s.explain("looking for a signer key's owner", err)
}

func (s *Store) owner(ctx context.Context, signer nostr.PubKey) (o bunker.SignerOwner, err error) {
	o.Key, err = one(s, s.read.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM user_key k WHERE k.pubkey = $1 AND k.npub_login = 1`,
		signer[:]), fillKey)
	if err == nil {
		o.Npub = true
		return o, nil
	}
	if !isNone(err) {
		return bunker.SignerOwner{}, err
	}
	// A pool's signer key has several tokens: the newest that is open, else the newest.
	o.Token, err = one(s, s.read.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM token t WHERE t.signer = $1
ORDER BY CASE WHEN t.state = 'open' THEN 0 ELSE 1 END, t.created_at DESC, t.id LIMIT 1`, signer[:]), fillToken)
	if isNone(err) {
		return bunker.SignerOwner{}, nil
	}
	if err != nil {
		return bunker.SignerOwner{}, err
	}
	o.Key, err = one(s, s.read.QueryRowContext(ctx, keyByID, string(o.Token.Tenant), string(o.Token.Key)), fillKey)
	if isNone(err) { // the key is gone, and its tokens with it
		return bunker.SignerOwner{}, nil
	}
	return o, err
}

// Token returns a token by its id.
func (s *Store) Token(ctx context.Context, t bunker.TenantID, id bunker.TokenID) (*bunker.Token, error) {
	tok, err := one(s, s.read.QueryRowContext(ctx, tokenByID, string(t), string(id)), fillToken)
	return tok, s.explain("reading a token", orNotFound(err, "token", string(id)))
}

// Tokens returns tokens in order of id, at most p.Limit after p.After.
func (s *Store) Tokens(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Token, error) {
	out, err := all(ctx, s, s.read, fillToken, tokensAll, string(t), p.After, p.limit())
	return out, s.explain("listing tokens", err)
}

// Token returns a token by its id.
func (tx *Tx) Token(id bunker.TokenID) (*bunker.Token, error) {
	tok, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, tokenByID, string(tx.head.Tenant), string(id)), fillToken)
	return tok, orNotFound(err, "token", string(id))
}

// Tokens returns tokens in order of id.
func (tx *Tx) Tokens(p Page) ([]bunker.Token, error) {
	return all(tx.ctx, tx.s, tx.q, fillToken, tokensAll, string(tx.head.Tenant), p.After, p.limit())
}

// PutToken stores a token; for versions see PutKey.
func (tx *Tx) PutToken(t *bunker.Token) error {
	return tx.put(t, &t.Version, "token "+string(t.ID),
		`SELECT version FROM token WHERE tenant = $1 AND id = $2`, []any{string(t.Tenant), string(t.ID)},
		`INSERT INTO token (tenant, id, key_id, signer, secret_hash, client, person, permissions, max_uses, uses, state,
expires_at, grant_for, created_by, created_at, version, policy, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT (tenant, id) DO UPDATE SET client = excluded.client, person = excluded.person, permissions = excluded.permissions,
max_uses = excluded.max_uses, uses = excluded.uses, state = excluded.state, expires_at = excluded.expires_at,
grant_for = excluded.grant_for, policy = excluded.policy, version = excluded.version, mac = excluded.mac`,
		func(mac []byte) []any {
			return []any{
				string(t.Tenant), string(t.ID), string(t.Key), t.Signer[:], t.SecretHash[:], t.Client, t.Person, t.Permissions,
				t.MaxUses, t.Uses, string(t.State), t.ExpiresAt, t.GrantFor, t.CreatedBy, t.CreatedAt, t.Version, string(t.Policy), mac,
			}
		})
}

// DeleteToken removes a token.
func (tx *Tx) DeleteToken(id bunker.TokenID) error {
	return tx.delete("token", string(id), `DELETE FROM token WHERE tenant = $1 AND id = $2`, string(tx.head.Tenant), string(id))
}
