package daemon

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip49"
)

func (d *Daemon) openCommands(context.Context) (err error) {
	d.commands, err = admin.New(admin.Deps{
		Tenant: d.tenant, Now: d.store.LedgerTime, Vault: d.vault, Rows: rows{d.store},
		Slots: slotMaker{d.slots, d.kdf}, KDF: nip49.KDF(d.kdf), Around: d,
		Backup: backups{d}, DeleteWait: time.Duration(d.Config.DeleteWait), SetupCode: d.SetupCode,
		First: admin.First{Admins: d.Admins, Relays: d.Config.Relays}, Events: d.events, Notices: notices{d}, Sessions: d.door,
	})
	return err
}

// AppRelays implements admin.Around.
func (d *Daemon) AppRelays() []string { return liveFirst(d.ring.uriRelays(), d.relays.Status()) }

// CheckRelay refuses addresses that the bunker may not dial. What an owner named
// himself may be in a private network; a stranger's link may not lead there.
func (d *Daemon) CheckRelay(relayURL string, named bool) error {
	n, err := nip46.NormalizeRelayURL(relayURL)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s", err)
	}
	if slices.Contains(d.ring.ownURLs(), n) || slices.Contains(d.Config.Relays, n) {
		return nil
	}
	address, err := relayAddress(n)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s", err)
	}
	dialer := d.dialer
	if named {
		if dialer, err = dial.New(dial.Config{AllowHosts: []string{address}}); err != nil {
			return bunker.Errorf(bunker.CodeInvalid, "%s", err)
		}
	}
	ctx, cancel := context.WithTimeout(d.life, dial.DefaultTimeout)
	defer cancel()
	if err := dialer.Check(ctx, address); errors.Is(err, dial.ErrRefused) {
		return bunker.Errorf(bunker.CodeRestricted, "%s", err).
			WithHint("if the address is yours, add it to allow in config.toml")
	}
	return nil
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

// RelayHealth implements admin.Around.
func (d *Daemon) RelayHealth() []admin.RelayHealth {
	var out []admin.RelayHealth
	for _, u := range d.ring.ownURLs() {
		out = append(out, admin.RelayHealth{URL: u, State: admin.Embedded})
	}
	for _, s := range d.relays.Status() {
		out = append(out, admin.RelayHealth{URL: s.URL, State: string(s.State), Error: s.Err, Latency: s.Latency.Milliseconds()})
	}
	return out
}

// Info implements admin.Around.
func (d *Daemon) Info() admin.Info {
	used, size := d.arena.Used()
	return admin.Info{
		Version: d.Version, Backend: nostr.Backend(), Started: d.started,
		MemoryUsed: used, MemorySize: size, MemoryLocked: d.arena.Locked(), AdminPages: d.AdminPages(),
	}
}
