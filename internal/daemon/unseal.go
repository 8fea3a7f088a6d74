package daemon

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// unattendedTries is how often a bunker is opened without a person where the store fails,
// shutAgain apart.
const unattendedTries = 60

// unattended opens the bunker with a slot that needs no person, where the owner
// set one up. That none opens is told, and the bunker runs sealed. A store that fails says
// nothing of the slots, so it is asked again.
func (t *tenant) unattended(ctx context.Context) error {
	for tries := 1; ; tries++ {
		err := t.tryUnattended(ctx)
		if !errors.Is(err, bunker.ErrStore) || tries == unattendedTries {
			return err
		}
		t.Log.Warn("the store failed while the bunker was being opened; it is tried again", "tenant", t.id, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(shutAgain):
		}
	}
}

func (t *tenant) tryUnattended(ctx context.Context) error {
	if t.State() != Sealed {
		return nil
	}
	slots, err := t.store.Slots(ctx, t.id)
	if err != nil {
		return err
	}
	for _, s := range slots {
		if s.Kind.NeedsPerson() || !slices.Contains(t.Config.Slots, string(s.Kind)) {
			continue
		}
		params, err := json.Marshal(map[string]string{"slot": string(s.ID)})
		if err != nil {
			return err
		}
		_, err = t.Dispatch(ctx, System(), "unseal", params)
		if errors.Is(err, bunker.ErrStore) {
			return err
		}
		if err != nil {
			t.Log.Warn("a key slot did not open", "slot", s.Name, "kind", s.Kind, "error", bunker.AsError(err).Words)
			continue
		}
		t.Log.Info("unsealed without a person", "slot", s.Name, "kind", s.Kind)
		return nil
	}
	return nil
}

// setupCode lets whoever reads the bunker's log set it up from elsewhere.
type setupCode struct {
	once sync.Once
	code string
}

// SetupCode returns the code that sets the bunker up. Of the machine's own it is of this
// start, made on first use and kept in memory only; of a guest's it is stored, closed for
// the house, until it was used.
func (t *tenant) SetupCode() string {
	if t.guest() {
		h, err := t.store.HostedTenant(t.life, t.id)
		var code string
		if err == nil {
			code, err = t.setupCodeOf(h)
		}
		if err != nil {
			t.Log.Error("a tenant's setup code cannot be read", "tenant", t.id, "error", err)
		}
		return code
	}
	t.setup.once.Do(func() {
		t.setup.code = rand.Text()
		if t.together == nil {
			return
		}
		code, err := t.sharedSetupCode()
		if err != nil {
			t.Log.Error("the setup code of all instances could not be made; this one has its own", "error", err)
			return
		}
		t.setup.code = code
	})
	return t.setup.code
}

// connectionString is `bunker-admin://<hex>?relay=…` (the glossary).
func connectionString(admin nostr.PubKey, relays []string) string {
	var b strings.Builder
	b.WriteString("bunker-admin://" + admin.String())
	for i, r := range relays {
		sep := byte('&')
		if i == 0 {
			sep = '?'
		}
		b.WriteByte(sep)
		b.WriteString("relay=" + url.QueryEscape(r))
	}
	return b.String()
}

// maxAuthKeys is how many of our keys are proved to one relay; the rest is heard
// by relays that want no proof.
const maxAuthKeys = 100

// relayAuth proves the keys that are heard on a relay (NIP-42).
func (d *Daemon) relayAuth(_ context.Context, relayURL, challenge string) ([]*nostr.Event, error) {
	return d.prove(d.heard.on(relayURL, maxAuthKeys), relayURL, challenge)
}

// prove proves keys of our tenants to a relay.
func (d *Daemon) prove(keys []nostr.PubKey, relayURL, challenge string) (out []*nostr.Event, err error) {
	for _, k := range keys {
		t := d.tenants.of(k)
		if t == nil {
			continue // it has gone meanwhile
		}
		ev, err := d.vault.AuthEvent(t.id, k, relayURL, challenge, d.store.LedgerTime())
		if err != nil {
			return out, err
		}
		out = append(out, ev)
	}
	return out, nil
}
