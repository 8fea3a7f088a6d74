package store

import (
	"context"
	"slices"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Listener is where a known client is heard: routing, no authority. Whoever
// answers it reads its connection anew, verified.
type Listener struct {
	Signer, Client nostr.PubKey
	Relays         []string // empty: the tenant's relays
}

// Listeners returns every connection's, also those that are answered with a
// refusal only, and also while the tenant is sealed.
func (s *Store) Listeners(ctx context.Context, t bunker.TenantID) ([]Listener, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, l *Listener) error {
		var next []string // where it is told to go: heard before it gets there
		err := row.Scan(b32{(*[32]byte)(&l.Signer)}, b32{(*[32]byte)(&l.Client)}, list{&l.Relays}, list{&next})
		for _, u := range next {
			if !slices.Contains(l.Relays, u) {
				l.Relays = append(l.Relays, u)
			}
		}
		return err
	}, `SELECT signer, client, relays, switch_to FROM connection WHERE tenant = $1 ORDER BY id`, string(t))
	return out, s.explain("reading who is heard where", err)
}

// NpubLogin is a user key that answers as a signer key itself.
type NpubLogin struct {
	Key    bunker.KeyID
	PubKey nostr.PubKey
}

// NpubLogins returns the user keys whose npub login is on.
func (s *Store) NpubLogins(ctx context.Context, t bunker.TenantID) ([]NpubLogin, error) {
	return scanAll(ctx, s.read, func(row scanner, n *NpubLogin) error {
		return row.Scan((*string)(&n.Key), b32{(*[32]byte)(&n.PubKey)})
	}, `SELECT id, pubkey FROM user_key WHERE tenant = $1 AND npub_login = 1 AND state = 'active'`, string(t))
}
