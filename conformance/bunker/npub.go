package bunker

import (
	"testing"

	"github.com/nbd-wtf/go-nostr/nip19"
)

// PubOf is an npub's pubkey in hex, or "".
func PubOf(npub string) string {
	kind, data, err := nip19.Decode(npub)
	if pub, ok := data.(string); ok && err == nil && kind == "npub" {
		return pub
	}
	return ""
}

func npubHex(t testing.TB, npub string) string {
	t.Helper()
	pub := PubOf(npub)
	if pub == "" {
		t.Fatalf("%q is no npub", npub)
	}
	return pub
}
