package nostr

import "strconv"

// Kind is what an event means (NIP-01, Kinds).
type Kind uint16

// IsReplaceable tells whether only the newest event of this kind and author
// counts (NIP-01).
func (k Kind) IsReplaceable() bool { return k == 0 || k == 3 || k >= 10000 && k < 20000 }

// IsEphemeral tells whether relays need not keep events of this kind (NIP-01).
func (k Kind) IsEphemeral() bool { return k >= 20000 && k < 30000 }

// IsAddressable tells whether only the newest event of this kind, author and d
// tag counts (NIP-01).
func (k Kind) IsAddressable() bool { return k >= 30000 && k < 40000 }

// IsRegular tells whether every event of this kind counts (NIP-01).
func (k Kind) IsRegular() bool {
	return !k.IsReplaceable() && !k.IsEphemeral() && !k.IsAddressable()
}

// ParseKind reads a kind as people and permissions write it: digits only, no
// leading zero.
func ParseKind(s string) (Kind, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return Kind(n), err == nil && strconv.FormatUint(n, 10) == s
}
