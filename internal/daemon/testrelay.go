package daemon

import (
	"context"
	"net/http"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
)

// relayTestTimeout is how long a relay may take to carry one envelope there and
// one back.
const relayTestTimeout = 15 * time.Second

// TestRelay carries an envelope to a throw-away key and an answer back through a
// relay, as an app and the bunker do. The relay is the owner's choice, so its
// address may be in a private network.
func (d *Daemon) TestRelay(ctx context.Context, relayURL string) error {
	n, err := nip46.NormalizeRelayURL(relayURL)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s", err)
	}
	if slices.Contains(d.ownURLs(), n) {
		return nil // the embedded relay carries our keys only, and runs in this process
	}
	return RoundTrip(ctx, n, d.store.LedgerTime)
}

// RoundTrip carries an envelope there and one back through a relay, between two
// throw-away keys, dialling it as the bunker dials a relay that its owner named.
// Errors are *bunker.Error and name the relay. now dates the envelopes.
func RoundTrip(ctx context.Context, relayURL string, now func() time.Time) error {
	n, err := nip46.NormalizeRelayURL(relayURL)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s", err)
	}
	address, err := relayAddress(n)
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s", err)
	}
	dialer, err := dial.New(dial.Config{AllowHosts: []string{address}})
	if err != nil {
		return bunker.Errorf(bunker.CodeInvalid, "%s", err)
	}
	return roundTrip(ctx, dialer, n, now)
}

// end is one side of the test: a throw-away key and what it heard.
type end struct {
	key   *nostr.SecretKey
	pool  *ws.Pool
	heard chan *nostr.Event
}

func roundTrip(ctx context.Context, dialer *dial.Dialer, relay string, now func() time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, relayTestTimeout)
	defer cancel()
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		return err
	}
	defer arena.Close()
	var ends [2]end
	for i := range ends {
		if ends[i], err = newEnd(ctx, arena, dialer, relay, now); err != nil {
			return explainRelay(relay, err)
		}
		defer ends[i].pool.Close()
	}
	for i := range ends {
		from, to := ends[i], ends[1-i]
		ev := &nostr.Event{
			Kind: nip46.Kind, CreatedAt: now().Unix(), Content: "test of a relay by nsecbunker",
			Tags: nostr.Tags{{"p", to.key.PubKey().String()}},
		}
		if err := from.key.Sign(ev); err != nil {
			return err
		}
		if err := from.pool.Publish(ctx, []string{relay}, ev); err != nil {
			return explainRelay(relay, err)
		}
		if err := to.await(ctx, ev.ID); err != nil {
			return bunker.Errorf(bunker.CodeError, "the relay %s took a message of NIP-46 and did not deliver it; use another relay", relay)
		}
	}
	return nil
}

func newEnd(ctx context.Context, arena *secret.Arena, dialer *dial.Dialer, relay string, now func() time.Time) (end, error) {
	key, err := nostr.GenerateKey(arena)
	if err != nil {
		return end{}, err
	}
	pool, err := ws.New(ws.Config{
		Now:    now,
		Client: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}},
	})
	if err != nil {
		return end{}, err
	}
	e := end{key, pool, make(chan *nostr.Event, 16)}
	_, err = pool.Subscribe(ctx, []string{relay}, nip46.Filter{Kind: nip46.Kind, P: key.PubKey(), Since: now().Add(-time.Minute).Unix()}, func(ev *nostr.Event) {
		select {
		case e.heard <- ev:
		default:
		}
	})
	return e, err
}

func (e end) await(ctx context.Context, id nostr.ID) error {
	for {
		select {
		case ev := <-e.heard:
			if ev.ID == id {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func explainRelay(relay string, err error) error {
	return bunker.Errorf(bunker.CodeError, "the relay %s cannot be used: %s", relay, err).
		WithHint("check its address, or use another relay")
}
