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
		var of bunker.TenantID
		return fillListener(row, &of, l)
	}, listenersOf+` WHERE tenant = $1 ORDER BY id`, string(t))
	return out, s.explain("reading who is heard where", err)
}

const listenersOf = `SELECT tenant, signer, client, relays, switch_to FROM connection`

func fillListener(row scanner, t *bunker.TenantID, l *Listener) error {
	var next []string // where it is told to go: heard before it gets there
	err := row.Scan((*string)(t), b32{(*[32]byte)(&l.Signer)}, b32{(*[32]byte)(&l.Client)}, list{&l.Relays}, list{&next})
	for _, u := range next {
		if !slices.Contains(l.Relays, u) {
			l.Relays = append(l.Relays, u)
		}
	}
	return err
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

// EachListener is Listeners of every tenant, in order of tenant.
func (s *Store) EachListener(ctx context.Context, f func(t bunker.TenantID, l Listener)) error {
	_, err := scanAll(ctx, s.read, func(row scanner, _ *struct{}) error {
		var t bunker.TenantID
		var l Listener
		if err := fillListener(row, &t, &l); err != nil {
			return err
		}
		f(t, l)
		return nil
	}, listenersOf+` ORDER BY tenant, id`)
	return s.explain("reading who is heard where", err)
}

// EachNpubLogin is NpubLogins of every tenant.
func (s *Store) EachNpubLogin(ctx context.Context, f func(t bunker.TenantID, n NpubLogin)) error {
	_, err := scanAll(ctx, s.read, func(row scanner, _ *struct{}) error {
		var t bunker.TenantID
		var n NpubLogin
		if err := row.Scan((*string)(&t), (*string)(&n.Key), b32{(*[32]byte)(&n.PubKey)}); err != nil {
			return err
		}
		f(t, n)
		return nil
	}, `SELECT tenant, id, pubkey FROM user_key WHERE npub_login = 1 AND state = 'active'`)
	return s.explain("reading logins by npub", err)
}

// EachRelay is Relays of every tenant.
func (s *Store) EachRelay(ctx context.Context, f func(t bunker.TenantID, r Relay)) error {
	_, err := scanAll(ctx, s.read, func(row scanner, _ *struct{}) error {
		var t bunker.TenantID
		var r Relay
		if err := row.Scan((*string)(&t), &r.URL, (*string)(&r.State), &r.AddedAt, &r.HeardUntil); err != nil {
			return err
		}
		f(t, r)
		return nil
	}, `SELECT tenant, url, state, added_at, heard_until FROM relay ORDER BY tenant, state DESC, added_at, url`)
	return s.explain("reading relays", err)
}

// EachServiceKey is ServiceKeys of every tenant.
func (s *Store) EachServiceKey(ctx context.Context, f func(k bunker.ServiceKey)) error {
	_, err := scanAll(ctx, s.read, func(row scanner, _ *struct{}) error {
		var k bunker.ServiceKey
		if err := fillService(row, &k); err != nil {
			return err
		}
		f(k)
		return nil
	}, `SELECT `+serviceColumns+` FROM service_key ORDER BY tenant, created_at, pubkey`)
	return s.explain("reading service keys", err)
}

// TenantsWithChannels are those whose people are told of something.
func (s *Store) TenantsWithChannels(ctx context.Context) ([]bunker.TenantID, error) {
	list, err := texts(ctx, s.read, `SELECT DISTINCT tenant FROM notify_channel ORDER BY tenant`)
	return tenantIDs(list), s.explain("reading who is told of anything", err)
}

// TenantsWithChores are those of which something falls due by now (unix ms): a key to be
// deleted, an old relay.
func (s *Store) TenantsWithChores(ctx context.Context, now int64) ([]bunker.TenantID, error) {
	list, err := texts(ctx, s.read, `SELECT tenant FROM user_key WHERE state = 'deleting' AND delete_at <= $1
UNION SELECT tenant FROM relay WHERE state = 'old' ORDER BY 1`, now)
	return tenantIDs(list), s.explain("looking for what has fallen due", err)
}

func tenantIDs(list []string) []bunker.TenantID {
	out := make([]bunker.TenantID, len(list))
	for i, t := range list {
		out[i] = bunker.TenantID(t)
	}
	return out
}
