// Package nip17 is private direct messages (NIP-17): rumors of kind 14 in gift
// wraps of NIP-59, and the list of relays on which somebody takes them.
package nip17

import (
	"errors"
	"slices"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip59"
)

// The kinds of NIP-17.
const (
	KindMessage nostr.Kind = 14
	KindRelays  nostr.Kind = 10050
)

// MaxRelays is how many relays of a list are read; NIP-17 wants 1 to 3.
const MaxRelays = 16

// ErrNotMessage means that a rumor is no message to the reader.
var ErrNotMessage = errors.New("nip17: it is no message of kind 14 to this key")

// Message is a text from one person, as its reader gets it.
type Message struct {
	ID   nostr.ID // of the rumor: the same in every wrap, and when it is sent again
	From nostr.PubKey
	At   time.Time // as the sender says
	Text string
}

// New makes the message for one reader, and wraps it. Sent again with the same
// text and time, it is the same message in another wrap.
func New(a *secret.Arena, from *nostr.SecretKey, to nostr.PubKey, text string, at, now time.Time) (*nostr.Event, error) {
	rumor := nip59.NewRumor(from.PubKey(), KindMessage, nostr.Tags{{"p", to.String()}}, text, at)
	return nip59.Wrap(a, from, rumor, to, now)
}

// Open opens a gift wrap with the reader's key. Errors: those of nip59.Unwrap;
// ErrNotMessage for a rumor of another kind, or that does not name the reader.
func Open(reader *nostr.SecretKey, wrap *nostr.Event) (Message, error) {
	rumor, err := nip59.Unwrap(reader, wrap)
	if err != nil {
		return Message{}, err
	}
	me := reader.PubKey().String()
	toMe := slices.ContainsFunc(rumor.Tags, func(t nostr.Tag) bool { return t.Name() == "p" && t.Value() == me })
	if rumor.Kind != KindMessage || !toMe {
		return Message{}, ErrNotMessage
	}
	return Message{rumor.ID, rumor.PubKey, time.Unix(rumor.CreatedAt, 0), rumor.Content}, nil
}

// RelayList is the unsigned event that says on which relays somebody takes
// messages (kind 10050).
func RelayList(urls []string, now time.Time) *nostr.Event {
	ev := &nostr.Event{Kind: KindRelays, CreatedAt: now.Unix(), Tags: nostr.Tags{}}
	for _, u := range urls {
		ev.Tags = append(ev.Tags, nostr.Tag{"relay", u})
	}
	return ev
}

// Relays reads a list of relays, as it stands: at most MaxRelays, unchecked.
func Relays(ev *nostr.Event) []string {
	if ev.Kind != KindRelays {
		return nil
	}
	var out []string
	for _, t := range ev.Tags {
		if t.Name() == "relay" && t.Value() != "" && len(out) < MaxRelays {
			out = append(out, t.Value())
		}
	}
	return out
}
