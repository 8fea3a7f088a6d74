package relay

import (
	"fmt"
	"net/url"

	"nsecbunker/nostr/nip46"
)

// Normalize returns the form by which relays are told apart everywhere: that of
// nip46.NormalizeRelayURL, for addresses that can also be dialed.
func Normalize(raw string) (string, error) {
	out, err := nip46.NormalizeRelayURL(raw)
	if err != nil {
		return "", fmt.Errorf("%w; write it as wss://relay.example.com", err)
	}
	if _, err := url.Parse(out); err != nil {
		return "", fmt.Errorf("relay address %q: it has a broken %% escape; write it as wss://relay.example.com", out)
	}
	return out, nil
}
