package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/relay"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
)

// ring is what the bunker knows of itself in memory: its own pubkeys, its
// clients, its relays. It is read on every event and rebuilt after a change; no
// decision about authority rests on it.
type ring struct {
	mu sync.RWMutex
	// heard are what others write to: signer keys, admin keys (the connection string names the
	// same relays) and user keys with npub login. Those who hear them have this same list.
	heard   nostr.PubKeys
	roles   map[nostr.PubKey]bunker.ServiceRole // of the bunker's own keys that are no signer keys: a few
	clients nostr.PubKeys
	joining map[nostr.PubKey]bool     // clients since the start, which a reload under way may not have read
	relays  []string                  // the tenant's, for apps
	own     []string                  // the embedded relay's addresses
	extra   map[string][]nostr.PubKey // relays of single connections: url → signer keys
	app     []string                  // see appRelays
	hears   func(nostr.PubKey) bool   // that this instance hears a key on relays; nil: all of them
	stays   func() bool               // that admins have sessions here, wherever the admin key is heard
}

// envelopes reports a key whose envelopes are worked on here.
func (r *ring) envelopes(p nostr.PubKey) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, other := r.roles[p]
	return !other && r.heard.Has(p)
}

// isOurs reports every key of the bunker's own, and user keys with npub login.
func (r *ring) isOurs(p nostr.PubKey) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, other := r.roles[p]
	return other || r.heard.Has(p)
}

// all are the keys of isOurs. The caller holds the lock.
func (r *ring) all() iter.Seq[nostr.PubKey] {
	return func(yield func(nostr.PubKey) bool) {
		for _, p := range r.heard {
			if !yield(p) {
				return
			}
		}
		for p := range r.roles { // that of an admin key for the second time
			if !yield(p) {
				return
			}
		}
	}
}

func (r *ring) isClient(p nostr.PubKey) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.clients.Has(p) || r.joining[p]
}

// joined notes a client whose connection was just stored: the vault's floor asks
// for it, so it cannot wait for the next reload.
func (r *ring) joined(p nostr.PubKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.joining == nil {
		r.joining = map[nostr.PubKey]bool{}
	}
	r.joining[p] = true
}

// appRelays are where apps shall talk to us from now on: the embedded relay by
// its public addresses, and the tenant's relays. Empty when there is only this
// machine. The list is made at each reload, and nobody changes it.
func (r *ring) appRelays() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.app
}

// listApp makes the list of appRelays. The caller holds the lock.
func (r *ring) listApp() []string {
	var out []string
	for _, u := range append(slices.Clone(r.own), r.relays...) {
		if !slices.Contains(out, u) && !(loopback(u) && slices.Contains(r.own, u)) {
			out = append(out, u)
		}
	}
	return out
}

// uriRelays are the relays of a new bunker:// string: appRelays, or the embedded
// relay on this machine when there are no others. Loopback is never listed
// beside others.
func (r *ring) uriRelays() []string {
	if out := r.appRelays(); len(out) > 0 {
		return out
	}
	return r.ownURLs()
}

func (r *ring) ownURLs() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.own)
}

func (r *ring) hosts() []string {
	var out []string
	for _, u := range r.ownURLs() {
		if p, err := url.Parse(u); err == nil {
			out = append(out, p.Host)
		}
	}
	return out
}

// wants returns which keys to hear on which relay, the embedded one left out.
func (r *ring) wants() map[string][]nostr.PubKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := r.heardHere(r.heard)
	w := map[string][]nostr.PubKey{}
	for _, u := range r.relays {
		w[u] = all
	}
	for u, keys := range r.extra {
		if _, everywhere := w[u]; !everywhere && !slices.Contains(r.own, u) {
			w[u] = r.heardHere(keys)
		}
	}
	if r.hears != nil {
		maps.DeleteFunc(w, func(_ string, keys []nostr.PubKey) bool { return len(keys) == 0 })
	}
	return w
}

// heardHere are those of the keys that this instance hears. The caller holds the lock.
func (r *ring) heardHere(keys []nostr.PubKey) []nostr.PubKey {
	if r.hears == nil {
		return keys
	}
	var out []nostr.PubKey
	for _, p := range keys {
		if r.hears(p) || r.roles[p] == bunker.RoleAdmin && r.stays() {
			out = append(out, p)
		}
	}
	return out
}

// known is what a ring is rebuilt of, as it is read from the store.
type known struct {
	ours      map[nostr.PubKey]bunker.ServiceRole
	listeners []store.Listener
	npubs     []store.NpubLogin
	relays    []store.Relay
}

// reload rebuilds the ring from the store.
func (t *tenant) reload(ctx context.Context) error {
	var k known
	var err error
	if k.ours, err = t.store.ServicePubKeys(ctx, t.id); err != nil {
		return err
	}
	if k.listeners, err = t.store.Listeners(ctx, t.id); err != nil {
		return err
	}
	if k.npubs, err = t.store.NpubLogins(ctx, t.id); err != nil {
		return err
	}
	if k.relays, err = t.store.Relays(ctx, t.id); err != nil {
		return err
	}
	named := t.take(&k)
	letterRelays := t.letters.reload(ctx)
	if err := t.allowOwnersRelays(append(letterRelays, named...)); err != nil {
		return err
	}
	t.heard.note(t.id, t.ring.wants())
	t.hear()
	return nil
}

// firstReload is reload of a tenant that others find already: what they read of it in the
// same moment, and is newer, stays.
func (t *tenant) firstReload(ctx context.Context) error {
	t.reloading.Lock()
	defer t.reloading.Unlock()
	return t.reload(ctx)
}

// hear has relays heard as all tenants want it together. That some cannot be is told, and
// keeps nobody from being served on the others.
func (d *Daemon) hear() {
	err := d.relays.Want(d.heard.all())
	if n := d.heard.leftOut(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d relays are too many: at most %d can be heard at once, for all bunkers together", n, relay.MaxRelays))
	}
	if err != nil {
		d.Log.Error("what is to be heard on relays could not be changed", "error", err)
	}
}

// take rebuilds the ring of what was read, and returns the relays that the owner named.
func (t *tenant) take(k *known) (named []string) {
	fresh := ring{
		roles: map[nostr.PubKey]bunker.ServiceRole{}, extra: map[string][]nostr.PubKey{},
	}
	heard := make([]nostr.PubKey, 0, len(k.ours))
	for p, role := range k.ours {
		if role != bunker.RoleSigner {
			fresh.roles[p] = role
		}
		if role == bunker.RoleSigner || role == bunker.RoleAdmin {
			heard = append(heard, p)
		}
	}
	links, users := nostr.PubKeysOf(heard), []nostr.PubKey(nil)
	clients := make([]nostr.PubKey, 0, len(k.listeners))
	for _, l := range k.listeners {
		clients = append(clients, l.Client)
		t.inbox.Know(l.Signer, l.Client)
		for _, u := range l.Relays {
			fresh.extra[u] = append(fresh.extra[u], l.Signer)
		}
	}
	for _, n := range k.npubs {
		// A key that is locked opens no envelope, so it is not listened for. When it
		// is unlocked, the relays are asked anew for what is still fresh. Of a tenant that
		// is open on another instance it is known whose it is.
		if t.vault.Unlocked(t.id, n.Key) || t.together.elsewhere(t.id) {
			users = append(users, n.PubKey)
		}
	}
	fresh.heard, fresh.clients = nostr.PubKeysOf(slices.Concat(links, users)), nostr.PubKeysOf(clients)
	now := t.store.LedgerTime().UnixMilli()
	for _, rel := range k.relays {
		switch {
		case rel.State == store.RelayUsed:
			fresh.relays = append(fresh.relays, rel.URL)
		case rel.HeardUntil > now: // left, and still heard
			fresh.extra[rel.URL] = links
		}
	}
	t.ring.mu.Lock()
	defer t.ring.mu.Unlock()
	t.tenants.put(t, t.ring.all(), fresh.all())
	t.ring.heard, t.ring.roles, t.ring.clients = fresh.heard, fresh.roles, fresh.clients
	t.ring.relays, t.ring.extra = fresh.relays, fresh.extra
	t.ring.app = t.ring.listApp()
	return fresh.relays
}

// loopback reports a relay URL that only this machine reaches.
func loopback(u string) bool {
	p, err := url.Parse(u)
	if err != nil {
		return false
	}
	if p.Hostname() == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(p.Hostname())
	return err == nil && ip.IsLoopback()
}

// isOurs reports a key of any tenant's.
func (d *Daemon) isOurs(p nostr.PubKey) bool { return d.tenants.of(p) != nil }

// exceptions are the relays that owners named, host:port, by tenant.
type exceptions struct {
	mu sync.Mutex
	of map[bunker.TenantID][]string
}

// allowOwnersRelays lets the bunker dial the relays that its owner named,
// wherever they are: they are no stranger's. A guest is one: what lies in the network of
// this machine is not his, and the networks that config.toml names are open to nobody
// here then, since dialling asks for no tenant.
func (t *tenant) allowOwnersRelays(relays []string) error {
	if t.guest() {
		return nil
	}
	nets, hosts, err := t.Config.Exceptions()
	if err != nil {
		return err
	}
	var named []string
	for _, r := range relays {
		a, err := relayAddress(r)
		if err != nil {
			return err
		}
		named = append(named, a)
	}
	t.exceptions.mu.Lock()
	defer t.exceptions.mu.Unlock()
	if t.exceptions.of == nil {
		t.exceptions.of = map[bunker.TenantID][]string{}
	}
	t.exceptions.of[t.id] = named
	for _, more := range t.exceptions.of {
		hosts = append(hosts, more...)
	}
	if t.Config.Hosted {
		nets = nil
	}
	return t.dialer.SetExceptions(nets, hosts)
}
