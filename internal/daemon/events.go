package daemon

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/relay"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

const (
	// maxFetchRelays is how many relays one fetch asks.
	maxFetchRelays = 12
	// publishWait is how long a command waits for relays to say whether they took an
	// event; what they say later counts all the same.
	publishWait = 8 * time.Second
)

// events are the events that are not envelopes: those of user keys on their own
// relays.
type events struct {
	t      *tenant
	signer *signer.Signer
}

// Own implements admin.Events.
func (e events) Own(ctx context.Context, r signer.OwnRequest) (*bunker.Entry, *nostr.Event, error) {
	r.Halted = cmp.Or(e.t.halted(), e.t.together.working())
	return e.signer.Own(ctx, r)
}

// Examine implements admin.Events.
func (e events) Examine(ctx context.Context, k *bunker.UserKey, t *nostr.Template, now time.Time) (guard.Changes, string, error) {
	return e.signer.Examine(ctx, k, t, now)
}

// Baseline implements admin.Events: it asks the relays that apps use and those that
// the owner named, then those that the account itself says it writes to (NIP-65).
func (e events) Baseline(ctx context.Context, author nostr.PubKey, named, listed []string) admin.Baseline {
	f := fetching{events: e, author: author, newest: map[nostr.Kind]*nostr.Event{}, asked: map[string]bool{}}
	f.ask(ctx, named, true)
	f.ask(ctx, listed, false)
	f.ask(ctx, e.t.ring.appRelays(), false)
	f.wait.Wait()
	if list := f.newest[nostr.Kind(relayList)]; list != nil {
		f.ask(ctx, admin.WriteRelays(list), false)
		f.wait.Wait()
	}
	return f.baseline()
}

// relayList is NIP-65's list of an account's relays.
const relayList = 10002

// fetching is one fetch from several relays at once.
type fetching struct {
	events
	author nostr.PubKey
	wait   sync.WaitGroup

	mu      sync.Mutex
	asked   map[string]bool
	newest  map[nostr.Kind]*nostr.Event
	answers []admin.RelayAnswer
}

// ask asks relays that were not asked yet. What the owner named may be in a private
// network; an account's own list may not lead there.
func (f *fetching) ask(ctx context.Context, urls []string, named bool) {
	for _, u := range urls {
		n, err := nip46.NormalizeRelayURL(u)
		f.mu.Lock()
		again := f.asked[n] || len(f.asked) >= maxFetchRelays || slices.Contains(f.t.ring.ownURLs(), n)
		if err == nil && !again {
			f.asked[n] = true
		}
		f.mu.Unlock()
		if err != nil || again {
			continue
		}
		f.wait.Go(func() {
			found, err := f.fetch(ctx, n, named)
			f.take(n, found, err)
		})
	}
}

func (f *fetching) fetch(ctx context.Context, url string, named bool) ([]*nostr.Event, error) {
	dialer := f.t.outside()
	if named && !f.t.guest() {
		address, err := relayAddress(url)
		if err != nil {
			return nil, err
		}
		if dialer, err = dial.New(dial.Config{AllowHosts: []string{address}}); err != nil {
			return nil, err
		}
	}
	return relay.Fetch(ctx, dialer, url, f.author, guard.BaselineKinds())
}

func (f *fetching) take(url string, found []*nostr.Event, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := admin.RelayAnswer{URL: url, OK: err == nil, Found: len(found)}
	if err != nil {
		a.Words = err.Error()
	}
	f.answers = append(f.answers, a)
	for _, ev := range found {
		if relay.Newer(ev, f.newest[ev.Kind]) {
			f.newest[ev.Kind] = ev
		}
	}
}

func (f *fetching) baseline() admin.Baseline {
	b := admin.Baseline{Relays: f.answers}
	slices.SortFunc(b.Relays, func(x, y admin.RelayAnswer) int { return cmp.Compare(x.URL, y.URL) })
	for _, ev := range f.newest {
		b.Events = append(b.Events, ev)
	}
	slices.SortFunc(b.Events, func(x, y *nostr.Event) int { return cmp.Compare(x.Kind, y.Kind) })
	return b
}

// Publish implements admin.Events.
func (e events) Publish(ctx context.Context, s bunker.Stored) ([]admin.RelayAnswer, error) {
	want := len(s.Relays())
	answers := make(chan admin.RelayAnswer, want+1) // the embedded relay may answer, too
	err := e.t.inbox.PublishStored(s, func(url string, ok bool, reason string) {
		select {
		case answers <- admin.RelayAnswer{URL: url, OK: ok, Words: reason}:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, publishWait)
	defer cancel()
	var out []admin.RelayAnswer
	for len(out) < want {
		select {
		case a := <-answers:
			out = append(out, a)
		case <-ctx.Done():
			for _, u := range s.Relays() {
				if !slices.ContainsFunc(out, func(a admin.RelayAnswer) bool { return a.URL == u }) {
					out = append(out, admin.RelayAnswer{URL: u, Words: "no answer yet"})
				}
			}
			return out, nil
		}
	}
	return out, nil
}
