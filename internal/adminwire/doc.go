// Package adminwire is what administrators and a bunker say to each other over
// relays (security.md section 4, docs/admin-protocol.md): the messages of the
// handshake and of the session, what is hashed and signed, and the connection
// string. Both sides share it. It keeps no keys and sends nothing.
//
// Every message is one JSON object in a NIP-44 payload inside an event of kind
// 24134 (24133 where a relay refuses that). It is read strictly: no duplicate
// keys, no lone surrogates, whole numbers only, every field bounded.
package adminwire

import (
	"time"

	"nsecbunker/nostr"
)

// Version is the one version of the protocol that there is.
const Version = 1

// The kinds of outer events.
const (
	Kind    nostr.Kind = 24134
	KindOld nostr.Kind = 24133 // where a relay refuses Kind
)

// Bounds.
const (
	// MaxPlaintext is the longest message, in bytes.
	MaxPlaintext = 32 << 10
	// MaxEvent is the largest outer event, in bytes of JSON.
	MaxEvent = 60_000
	// MaxSkew is how far created_at of an outer event may be from now.
	MaxSkew = 15 * time.Minute
	// MaxAnswer is the largest answer in all its parts, in bytes.
	MaxAnswer = 8 << 20
	// PartSize is how many bytes of an answer one part carries: with base64 and the
	// fields around it they stay below MaxPlaintext.
	PartSize = 23 << 10
	// PartsAhead is how many parts are sent before they are asked for.
	PartsAhead = 8
	// Window is how far the number of an order may be behind or ahead of the highest
	// one that was heard.
	Window = 1024
	// KeptAnswers is how many answers are kept to be sent again.
	KeptAnswers = 256
	// MaxLabel is the longest label of a device, in characters.
	MaxLabel = 64
	// MaxOrigin is the longest origin in a certificate, in bytes.
	MaxOrigin = 256
	// MaxInvite is the longest code of an invitation, in bytes.
	MaxInvite = 256
	// MaxCommand is the longest name of a command, in bytes.
	MaxCommand = 64
	// MaxRelays is how many relays a message or connection string names.
	MaxRelays = 16
	// MaxVersions is how many versions a hello offers.
	MaxVersions = 8
)

// Times that both sides count by.
const (
	// EpochEvery is how often the bunker makes a new epoch key, EpochLife when it is
	// destroyed.
	EpochEvery = 60 * time.Second
	EpochLife  = 240 * time.Second
	// Idle ends a session in which nothing is asked, Longest any session.
	Idle    = 30 * time.Minute
	Longest = 12 * time.Hour
	// LoginLife is how long a device can come back without a new certificate.
	LoginLife = 12 * time.Hour
	// PairingLife is how long a pairing link is good.
	PairingLife = 10 * time.Minute
	// ResendAfter is when the client sends again what was not answered.
	ResendAfter = 3 * time.Second
	// OpLife is how long the bunker remembers the id of a change.
	OpLife = 24 * time.Hour
)
