// Package nip46 holds NIP-46, Nostr remote signing: the request and the reply,
// the strings people paste (bunker://, nostrconnect://), permissions, and the
// client's side of the conversation.
//
// The text of the NIP is that of July 2026, with switch_relays, logout and
// client metadata as connect's fourth parameter. Where real clients differ from
// it, this package reads what they send and writes what all of them read.
package nip46

import "nsecbunker/nostr"

// Kind is the kind of every NIP-46 event, request and reply alike.
const Kind nostr.Kind = 24133
