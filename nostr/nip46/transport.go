package nip46

import (
	"context"

	"nsecbunker/nostr"
)

// Transport carries a Client's events over its relays. nip46/ws is the real one.
type Transport interface {
	// Subscribe listens on all the relays and calls on for what they bring,
	// forged, foreign and double events included, from several goroutines at once.
	// It returns when the first relay is listening and goes on with the others,
	// reconnecting by itself, until stop is called. It fails when ctx ends before
	// any relay listens.
	Subscribe(ctx context.Context, relays []string, f Filter, on func(*nostr.Event)) (stop func(), err error)

	// Publish sends the event to all the relays. It returns nil when the first of
	// them has accepted it and goes on with the others; it fails when none did, or
	// when ctx ends before.
	Publish(ctx context.Context, relays []string, e *nostr.Event) error
}

// Filter is the part of NIP-01's filters that a Client needs.
type Filter struct {
	Kind  nostr.Kind
	P     nostr.PubKey // the value of a p tag
	Since int64        // Unix time in seconds
	// Author, if it is set, is whose events are asked for, instead of those with the
	// p tag: what a service says to everybody (NIP-47, Info Event).
	Author nostr.PubKey
}

// Matches reports whether the event is one that the filter asks for.
func (f Filter) Matches(e *nostr.Event) bool {
	if e.Kind != f.Kind || e.CreatedAt < f.Since {
		return false
	}
	if !f.Author.IsZero() {
		return e.PubKey == f.Author
	}
	return addressed(e, f.P)
}

// addressed reports whether a p tag of the event names the key.
func addressed(e *nostr.Event, key nostr.PubKey) bool {
	hex := key.String()
	for _, t := range e.Tags {
		if t.Name() == "p" && t.Value() == hex {
			return true
		}
	}
	return false
}
