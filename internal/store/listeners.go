package store

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Listener is a connection as the wire knows it: which key hears which client,
// and where. It says nothing about what the client may do, so it is read without
// its MAC, also while sealed.
type Listener struct {
	Signer, Client nostr.PubKey
	Relays         []string // empty: the tenant's
}

// Listeners returns every connection, whatever its state: each is owed an answer.
func (s *Store) Listeners(ctx context.Context, t bunker.TenantID) ([]Listener, error) {
	return scanAll(ctx, s.read, func(row scanner, l *Listener) error {
		return row.Scan(b32{(*[32]byte)(&l.Signer)}, b32{(*[32]byte)(&l.Client)}, list{&l.Relays})
	}, `SELECT signer, client, relays FROM connection WHERE tenant = $1`, string(t))
}

// NpubLogins returns the user keys that answer as signer keys themselves.
func (s *Store) NpubLogins(ctx context.Context, t bunker.TenantID) ([]nostr.PubKey, error) {
	return scanAll(ctx, s.read, func(row scanner, p *nostr.PubKey) error {
		return row.Scan(b32{(*[32]byte)(p)})
	}, `SELECT pubkey FROM user_key WHERE tenant = $1 AND npub_login = 1 AND state = 'active'`, string(t))
}
