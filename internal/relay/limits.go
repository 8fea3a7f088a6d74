package relay

import (
	"time"

	"nsecbunker/nostr"
)

// DefaultKinds are the kinds that Want subscribes to when none are named:
// NIP-46's and the admin session's.
func DefaultKinds() []nostr.Kind { return []nostr.Kind{24133, 24134} }

// Bounds of space. Everything that a relay or a caller can fill has one.
const (
	// SinceWindow is how far back a subscription asks for stored events: a
	// request is fresh for 10 min, and a client's clock may be slow
	// (interop.md, 10; ledger.md, Figures).
	SinceWindow = 10 * time.Minute
	// ChunkSize is how many p values one REQ carries: 10,000 keys make 12
	// subscriptions. strfry takes 2,047 values a filter, but 900 of them are
	// 60 kB, and frames over 64 KiB are refused by many relays.
	ChunkSize = 900
	// MinChunk is how small the chunks get for a relay that refuses larger ones
	// or is silent about them.
	MinChunk = 100
	// MaxSubs bounds the subscriptions of one connection: strfry's limit is 200,
	// and merging needs a spare one.
	MaxSubs = 190
	// MaxPartials is how many half-empty subscriptions there may be before the
	// smallest are merged. With 12 full ones that is 20, a limit that many
	// relays have.
	MaxPartials = 8
	// MaxOpening is how many REQs may wait for their EOSE at once, so that a
	// large set does not look like a flood.
	MaxOpening = 4
	// MaxKeys bounds the p values of one relay, which fit into MaxSubs chunks.
	MaxKeys = 150_000
	// MaxRelays bounds the wanted relays.
	MaxRelays = 256
	// MaxTemporary bounds the relays that are connected for publishing only.
	MaxTemporary = 64
	// MaxTemporaryEach bounds those of them that one of several bunkers holds, so that one
	// guest who names many relays leaves places for the others.
	MaxTemporaryEach = 16
	// MaxFrame bounds one message of a relay, in bytes: NIP-44's largest payload
	// that we decrypt (1.4 MB of base64) in its event. A longer one is skipped
	// without harm to the connection, or anybody could cut our connections by
	// addressing a huge event to us.
	MaxFrame = 3 << 19
	// MaxDiscard bounds how much of such a longer message is skipped, in bytes;
	// then the connection is given up.
	MaxDiscard = 64 << 20
	// MaxQueue bounds the publications that one relay has not answered.
	MaxQueue = 1024
	// MaxQueueBytes bounds their bytes.
	MaxQueueBytes = 16 << 20
	// MaxGarbage is how many unreadable messages one connection survives.
	MaxGarbage = 20
	// MaxBadSignatures is how many forged events a minute a relay may deliver
	// before it is cut off (security.md, section 5, Flood).
	MaxBadSignatures = 20
	// MaxChallenge bounds a relay's AUTH challenge, in bytes.
	MaxChallenge = 256
	// MaxAuthEvents bounds the events that answer one challenge.
	MaxAuthEvents = 10_000
	// MaxAuths bounds how often one connection authenticates within
	// Timing.AuthWindow: each costs signatures.
	MaxAuths = 4
	// MaxText bounds how much of a relay's message is kept, in bytes.
	MaxText = 256
	// inboxFrames is how many messages other than events wait between a
	// connection's reader and its writer.
	inboxFrames = 64
	// scratchKept is how large a buffer may stay between messages, in bytes.
	scratchKept = 64 << 10
)

// Timing holds the time bounds; a zero field takes the default of the comment.
type Timing struct {
	DialWait  time.Duration // resolve, connect, TLS, websocket handshake: 10 s
	WriteWait time.Duration // one message into the socket: 10 s
	EOSEWait  time.Duration // REQ to EOSE, without the time that Handle takes: 15 s
	OKWait    time.Duration // Publish to its result: 7 s
	AuthWait  time.Duration // AUTH to the next OK, and the Auth callback: 7 s

	// A link is dead when neither the pong nor anything else came: found within
	// PingEvery + PongWait = 20 s (asked for: 30 s).
	PingEvery time.Duration // 10 s
	PongWait  time.Duration // 10 s

	BackoffMin     time.Duration // first bound of the reconnect delay; doubles: 1 s
	BackoffMax     time.Duration // last bound of every delay: 60 s
	ClosedMin      time.Duration // first delay after CLOSED; doubles: 1 s
	RateLimitedMin time.Duration // first delay after CLOSED rate-limited: 10 s
	Stable         time.Duration // a connection this old resets the reconnect delay: 60 s

	IdleClose  time.Duration // an unneeded connection is closed after: 60 s
	AuthWindow time.Duration // window of MaxAuths: 60 s
	BadWindow  time.Duration // window of MaxBadSignatures: 60 s
	CutoffMin  time.Duration // first cut-off; doubles: 1 min
	CutoffMax  time.Duration // last cut-off: 1 h
}

func (t Timing) withDefaults() Timing {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.DialWait, 10 * time.Second},
		{&t.WriteWait, 10 * time.Second},
		{&t.EOSEWait, 15 * time.Second},
		{&t.OKWait, 7 * time.Second},
		{&t.AuthWait, 7 * time.Second},
		{&t.PingEvery, 10 * time.Second},
		{&t.PongWait, 10 * time.Second},
		{&t.BackoffMin, time.Second},
		{&t.BackoffMax, 60 * time.Second},
		{&t.ClosedMin, time.Second},
		{&t.RateLimitedMin, 10 * time.Second},
		{&t.Stable, 60 * time.Second},
		{&t.IdleClose, 60 * time.Second},
		{&t.AuthWindow, 60 * time.Second},
		{&t.BadWindow, 60 * time.Second},
		{&t.CutoffMin, time.Minute},
		{&t.CutoffMax, time.Hour},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return t
}
