package admin

import (
	"context"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip65"
)

// Events is the way of user keys' own events, which are no envelopes: signed for an
// admin, published on the account's relays, and read from there.
type Events interface {
	// Own signs what an admin orders, as a request of the key's built-in connection;
	// its entry is to be committed.
	Own(ctx context.Context, r signer.OwnRequest) (*bunker.Entry, *nostr.Event, error)
	// Examine says what an event would do to the version before it, and what the guard
	// finds about that; "" for nothing.
	Examine(ctx context.Context, k *bunker.UserKey, t *nostr.Template, now time.Time) (changes guard.Changes, finding string, err error)
	// Publish sends a stored event and waits a while for what the relays say.
	Publish(ctx context.Context, s bunker.Stored) ([]RelayAnswer, error)
	// Baseline fetches an account's replaceable events: from the bunker's relays, those
	// that an admin named, and those that the account's own list names, as it is known
	// (listed) or found.
	Baseline(ctx context.Context, author nostr.PubKey, named, listed []string) Baseline
}

// RelayAnswer is what one relay said.
type RelayAnswer struct {
	URL   string `json:"url"`
	OK    bool   `json:"ok" doc:"it took the event; or it said all that it has"`
	Found int    `json:"found,omitempty" doc:"events that it had"`
	Words string `json:"words,omitempty" doc:"why not, in its own words or ours"`
}

// Baseline is what a fetch found.
type Baseline struct {
	Events []*nostr.Event // the newest of each kind, signatures checked
	Relays []RelayAnswer
}

const (
	// MaxWriteRelays is how many relays of an account's own list are used.
	MaxWriteRelays = 8
	// MaxNamedRelays is how many relays a command can name.
	MaxNamedRelays = 8
)

// WriteRelays returns the relays that a list of NIP-65 (kind 10002) says its author
// writes to: those marked "write", and those without a mark.
func WriteRelays(list *nostr.Event) []string {
	return nip65.Writes(nip65.Relays(list.Tags), MaxWriteRelays)
}

// named checks the relays that a command names.
func (t *Table) named(field string, urls []string) ([]string, error) {
	if len(urls) > MaxNamedRelays {
		return nil, bunker.Errorf(bunker.CodeInvalid, "%s names more than %d relays", field, MaxNamedRelays).In(field)
	}
	var out []string
	for _, raw := range urls {
		u, err := nip46.NormalizeRelayURL(raw)
		if err != nil {
			return nil, bunker.Errorf(bunker.CodeInvalid, "%s: %s", field, clip(err.Error())).In(field).WithHint("write it as wss://relay.example.com")
		}
		if err := t.Around.CheckRelay(u, true); err != nil {
			return nil, bunker.AsError(err).In(field)
		}
		if !contains(out, u) {
			out = append(out, u)
		}
	}
	return out, nil
}

// answers makes what relays said fit to show.
func answers(list []RelayAnswer) []RelayAnswer {
	out := []RelayAnswer{}
	for _, a := range list {
		a.URL, a.Words = bunker.Display(a.URL, MaxShown), bunker.Display(a.Words, MaxShown)
		out = append(out, a)
	}
	return out
}
