// Package nip46test holds what the tests of the NIP-46 client talk to: relays in
// memory, and a small honest bunker over any transport. It is no part of the
// product and no proof of it: that is done with real relays and real apps.
package nip46test

import (
	"context"
	"errors"
	"slices"
	"sync"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Hub is relays in memory, known by their addresses, with faults to be set. They
// keep nothing, as relays need not keep ephemeral events.
type Hub struct {
	mu   sync.Mutex
	subs []*hubSub
	down map[string]bool

	// Wire, if set, may replace what a relay brings to a listener: drop it, forge
	// it, double it. Set it before the hub is used.
	Wire func(relay string, e *nostr.Event) []*nostr.Event
	// Published lists every event in order of arrival, with its relay.
	published []Publication
}

// Publication is one event that one relay took.
type Publication struct {
	Relay string
	Event *nostr.Event
}

type hubSub struct {
	relays []string
	filter nip46.Filter
	on     func(*nostr.Event)
}

var _ nip46.Transport = (*Hub)(nil)

// Down makes relays unreachable, or reachable again.
func (h *Hub) Down(down bool, relays ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down == nil {
		h.down = make(map[string]bool)
	}
	for _, r := range relays {
		h.down[r] = down
	}
}

// Published returns what was taken so far from the author.
func (h *Hub) Published(by nostr.PubKey) []Publication {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []Publication
	for _, p := range h.published {
		if p.Event.PubKey == by {
			list = append(list, p)
		}
	}
	return list
}

// Listeners counts the subscriptions on a relay that ask for events to the key.
func (h *Hub) Listeners(relay string, p nostr.PubKey) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, s := range h.subs {
		if s.filter.P == p && slices.Contains(s.relays, relay) {
			n++
		}
	}
	return n
}

// Subscribe is nip46.Transport's.
func (h *Hub) Subscribe(ctx context.Context, relays []string, f nip46.Filter, on func(*nostr.Event)) (func(), error) {
	s := &hubSub{slices.Clone(relays), f, on}
	h.mu.Lock()
	up := slices.ContainsFunc(relays, func(r string) bool { return !h.down[r] })
	if up {
		h.subs = append(h.subs, s)
	}
	h.mu.Unlock()
	if !up {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.subs = slices.DeleteFunc(h.subs, func(o *hubSub) bool { return o == s })
	}, nil
}

// Publish is nip46.Transport's.
func (h *Hub) Publish(_ context.Context, relays []string, e *nostr.Event) error {
	taken := false
	for _, relay := range relays {
		h.mu.Lock()
		down, wire := h.down[relay], h.Wire
		var to []*hubSub
		if !down {
			taken = true
			h.published = append(h.published, Publication{relay, e})
			for _, s := range h.subs {
				if slices.Contains(s.relays, relay) {
					to = append(to, s)
				}
			}
		}
		h.mu.Unlock()
		events := []*nostr.Event{e}
		if wire != nil {
			events = wire(relay, e)
		}
		for _, s := range to {
			go deliver(s, events)
		}
	}
	if !taken {
		return errors.New("every relay is down")
	}
	return nil
}

func deliver(s *hubSub, events []*nostr.Event) {
	for _, e := range events {
		if s.filter.Matches(e) {
			s.on(e)
		}
	}
}
