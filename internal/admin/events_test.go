package admin

import (
	"context"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
)

// outside is the relays around the table: the signer is the real one, what relays
// have and say is the test's.
type outside struct {
	*signer.Signer
	mu      sync.Mutex
	base    Baseline
	named   []string
	fetched []nostr.PubKey
	sent    []bunker.Stored
}

func (o *outside) Baseline(_ context.Context, author nostr.PubKey, named, _ []string) Baseline {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fetched, o.named = append(o.fetched, author), named
	b := Baseline{Relays: o.base.Relays}
	for _, ev := range o.base.Events {
		if ev.PubKey == author {
			b.Events = append(b.Events, ev)
		}
	}
	return b
}

func (o *outside) Publish(_ context.Context, s bunker.Stored) ([]RelayAnswer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, s)
	var out []RelayAnswer
	for _, u := range s.Relays() {
		out = append(out, RelayAnswer{URL: u, OK: true})
	}
	return out, nil
}
