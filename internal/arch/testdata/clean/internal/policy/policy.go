package policy

import (
	_ "example/internal/bunker"
	_ "example/nostr"
	_ "net/netip"
)

// Decide decides.
func Decide() {}
