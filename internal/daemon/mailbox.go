package daemon

import (
	"context"
	"slices"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/relay"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip17"
	"nsecbunker/nostr/nip46"
)

const (
	// mailboxWait is how long a message waits for the answer where its reader takes
	// messages: a relay far away takes a second to be reached.
	mailboxWait = 3 * time.Second
	// mailboxKept is how long that is remembered, also that there is nothing.
	mailboxKept = 10 * time.Minute
	// mailboxAgain is how long it is remembered that nothing was found where not every relay
	// has answered.
	mailboxAgain = time.Minute
	// mailboxesKept is for how many readers.
	mailboxesKept = 64
	// mailboxPatience is how long a reader's relays have to take a message before the
	// bunker's own get it.
	mailboxPatience = 10 * time.Second
	// mailboxRelays is how many relays of a reader's list are used; NIP-17 wants 1 to 3.
	mailboxRelays = 4
)

// mailboxes remembers on which relays readers take messages (NIP-17, kind 10050).
type mailboxes struct {
	mu   sync.Mutex
	kept map[nostr.PubKey]mailbox
}

type mailbox struct {
	urls []string
	at   time.Time
	kept time.Duration
}

// mailbox is where a reader says that he takes messages: his own list, whose signature
// is checked, asked of the channel's relays. None where none of them has it in time.
func (l *letters) mailbox(ctx context.Context, reader nostr.PubKey, ask []string) []string {
	now := l.t.store.LedgerTime()
	l.boxes.mu.Lock()
	box, ok := l.boxes.kept[reader]
	l.boxes.mu.Unlock()
	if ok && now.Sub(box.at) < box.kept && !now.Before(box.at) {
		return box.urls
	}
	urls, whole := l.lookUp(ctx, reader, ask)
	if box = (mailbox{urls, now, mailboxKept}); !whole {
		box.kept = mailboxAgain
	}
	l.boxes.mu.Lock()
	defer l.boxes.mu.Unlock()
	if l.boxes.kept == nil || len(l.boxes.kept) >= mailboxesKept {
		l.boxes.kept = map[nostr.PubKey]mailbox{}
	}
	l.boxes.kept[reader] = box
	return box.urls
}

// lookUp asks relays for a reader's list. whole: it was found, or each of them says that it has none.
func (l *letters) lookUp(ctx context.Context, reader nostr.PubKey, ask []string) (urls []string, whole bool) {
	ctx, cancel := context.WithTimeout(ctx, mailboxWait)
	defer cancel()
	found, failed := make([]*nostr.Event, len(ask)), make([]bool, len(ask))
	var asked sync.WaitGroup
	for i, u := range ask {
		asked.Go(func() {
			// What did not come in time, or not whole, is as if there were none.
			events, err := relay.Fetch(ctx, l.t.outside(), u, reader, []nostr.Kind{nip17.KindRelays})
			if failed[i] = err != nil; err == nil && len(events) > 0 {
				found[i] = events[0]
			}
		})
	}
	asked.Wait()
	var newest *nostr.Event
	for _, ev := range found {
		if ev != nil && relay.Newer(ev, newest) {
			newest = ev
		}
	}
	if newest == nil {
		return nil, !slices.Contains(failed, true)
	}
	own := l.t.ring.ownURLs()
	for _, raw := range nip17.Relays(newest) {
		u, err := nip46.NormalizeRelayURL(raw)
		if err == nil && !slices.Contains(own, u) && !slices.Contains(urls, u) && len(urls) < mailboxRelays {
			urls = append(urls, u)
		}
	}
	return urls, true
}

// routes are the relays that a channel's message is given to: those that an owner
// named for it; else those on which the reader takes messages, and, should none of
// them take it, the bunker's own. Kind 4 has no such list.
func (l *letters) routes(ctx context.Context, c *bunker.Channel, reader nostr.PubKey) (first, then []string) {
	own := l.relaysOf(c)
	if len(c.Settings.Relays) > 0 || c.Settings.Legacy {
		return own, nil
	}
	if box := l.mailbox(ctx, reader, own); len(box) > 0 {
		return box, slices.DeleteFunc(own, func(u string) bool { return slices.Contains(box, u) })
	}
	return own, nil
}

// deliver gives a message to relays, and to others when none of those takes it.
func (l *letters) deliver(ctx context.Context, ev *nostr.Event, first, then []string) (took, refused []string) {
	if len(then) == 0 {
		return l.publish(ctx, ev, first)
	}
	soon, cancel := context.WithTimeout(ctx, mailboxPatience)
	defer cancel()
	if took, refused = l.publish(soon, ev, first); len(took) > 0 {
		return took, refused
	}
	took, more := l.publish(ctx, ev, then)
	return took, append(refused, more...)
}
