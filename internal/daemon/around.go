package daemon

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// AppRelays implements admin.Around.
func (t *tenant) AppRelays() []string { return liveFirst(t.ring.uriRelays(), t.relays.Status()) }

// CheckRelay refuses addresses that the bunker may not dial. What an owner named
// himself may be in a private network; a stranger's link may not lead there.
func (t *tenant) CheckRelay(relayURL string, named bool) error {
	n, err := nip46.NormalizeRelayURL(relayURL)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s", err)
	}
	if slices.Contains(t.ring.ownURLs(), n) || slices.Contains(t.Config.Relays, n) { // as whoever runs the machine says
		return nil
	}
	address, err := relayAddress(n)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s", err)
	}
	dialer := t.outside()
	if named && !t.guest() {
		if dialer, err = dial.New(dial.Config{AllowHosts: []string{address}}); err != nil {
			return bunker.Errorf(bunker.CodeInvalid, "%s", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.life, dial.DefaultTimeout)
	defer cancel()
	if err := dialer.Check(ctx, address); errors.Is(err, dial.ErrRefused) {
		refused := bunker.Errorf(bunker.CodeRestricted, "%s", err)
		if !t.guest() {
			refused = refused.WithHint("if the address is yours, add it to allow in config.toml")
		}
		return refused
	}
	return nil
}

// outside is the dialer for what a tenant's people name: a guest gets nowhere into the
// network of the machine.
func (t *tenant) outside() *dial.Dialer {
	if t.guest() {
		return t.strict
	}
	return t.dialer
}

// relayAddress is host:port of a relay URL.
func relayAddress(relayURL string) (string, error) {
	u, err := url.Parse(relayURL)
	if err != nil {
		return "", err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// leftOut is the state of a relay that is not heard: see [wanted].
const leftOut = "left out"

// RelayHealth implements admin.Around.
func (t *tenant) RelayHealth() []admin.RelayHealth {
	var out []admin.RelayHealth
	for _, u := range t.ring.ownURLs() {
		out = append(out, admin.RelayHealth{URL: u, State: admin.Embedded})
	}
	for _, s := range t.relays.Status() {
		if !t.uses(s.URL) {
			continue
		}
		out = append(out, admin.RelayHealth{URL: s.URL, State: string(s.State), Error: s.Err, Latency: s.Latency.Milliseconds()})
	}
	for u := range t.ring.wants() {
		if t.heard.leftOut() > 0 && !slices.ContainsFunc(out, func(h admin.RelayHealth) bool { return h.URL == u }) {
			out = append(out, admin.RelayHealth{URL: u, State: leftOut, Error: "there are too many relays; choose one that others use, too"})
		}
	}
	return out
}

// Info implements admin.Around.
func (t *tenant) Info() admin.Info {
	used, size := t.arena.Used()
	if t.guest() {
		used, size = 0, 0 // of all bunkers together: nothing of this one's
	}
	return admin.Info{
		Version: t.Version, Backend: nostr.Backend(), Started: t.started,
		MemoryUsed: used, MemorySize: size, MemoryLocked: t.arena.Locked(), AdminPages: t.AdminPages(),
	}
}
