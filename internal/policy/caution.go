package policy

import "nsecbunker/nostr"

// CareOfKind returns how signing events of a kind is treated, and why: for
// warning who hands out a permission that names it. Content and date of an
// event can add to it.
func CareOfKind(k nostr.Kind) (Care, string) { return careOfKind(k, false) }
