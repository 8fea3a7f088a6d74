package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/internal/dial"
	"nsecbunker/nostr"
)

const (
	// FetchTimeout bounds one Fetch, from dialing to the end of what is stored.
	FetchTimeout = 5 * time.Second
	// MaxFetched is how many events one Fetch takes.
	MaxFetched = 256
	// MaxFetchedBytes bounds their bytes.
	MaxFetchedBytes = 8 << 20
)

// fetchSub is the one subscription of a Fetch.
const fetchSub = "baseline"

// Fetch asks one relay once for an author's replaceable events of some kinds, and
// returns the newest of each, every signature checked. What is not asked for, or
// forged, is passed over. An error says why the answer cannot be relied on; nil,
// that the relay said that there is no more (NIP-01, EOSE).
func Fetch(ctx context.Context, d *dial.Dialer, url string, author nostr.PubKey, kinds []nostr.Kind) ([]*nostr.Event, error) {
	return fetch(ctx, d, url, author, kinds, FetchTimeout)
}

func fetch(ctx context.Context, d *dial.Dialer, url string, author nostr.PubKey, kinds []nostr.Kind, within time.Duration) ([]*nostr.Event, error) {
	at, err := Normalize(url)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, at, &websocket.DialOptions{HTTPClient: d.HTTPClient(dial.Limits{Timeout: within})})
	if err != nil {
		return nil, plain(err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(MaxFrame)
	req, err := json.Marshal([]any{"REQ", fetchSub, map[string]any{"authors": []string{author.String()}, "kinds": kinds, "limit": MaxFetched}})
	if err != nil {
		return nil, err
	}
	if err := conn.Write(ctx, websocket.MessageText, req); err != nil {
		return nil, plain(err)
	}
	found := map[nostr.Kind]*nostr.Event{}
	for n, size, garbage := 0, 0, 0; ; {
		_, b, err := conn.Read(ctx)
		if err != nil {
			return nil, plain(err)
		}
		if size += len(b); size > MaxFetchedBytes {
			return nil, fmt.Errorf("it sent more than %d bytes", MaxFetchedBytes)
		}
		f, err := parseFrame(b)
		if err != nil {
			if garbage++; garbage > MaxGarbage {
				return nil, errGarbage
			}
			continue
		}
		switch {
		case f.label == labelEvent && f.sub == fetchSub:
			if n++; n > MaxFetched {
				return nil, fmt.Errorf("it sent more than %d events", MaxFetched)
			}
			newest(found, f.event, author, kinds)
		case f.label == labelEOSE && f.sub == fetchSub:
			return inOrder(found), nil
		case f.label == labelClosed && f.sub == fetchSub:
			return nil, errors.New("it refused: " + cmp.Or(f.text, "no reason given"))
		}
	}
}

// newest takes an event in if it was asked for, is signed, and is the one that
// counts (NIP-01: the latest, of two at a time the one with the lower id).
func newest(found map[nostr.Kind]*nostr.Event, raw []byte, author nostr.PubKey, kinds []nostr.Kind) {
	ev, err := nostr.ParseEvent(raw)
	if err != nil || ev.PubKey != author || !slices.Contains(kinds, ev.Kind) || ev.Verify() != nil {
		return
	}
	if Newer(ev, found[ev.Kind]) {
		found[ev.Kind] = ev
	}
}

// Newer reports whether of two versions of one replaceable event a is the one that
// counts (NIP-01); b may be nil.
func Newer(a, b *nostr.Event) bool {
	if b == nil || a.CreatedAt != b.CreatedAt {
		return b == nil || a.CreatedAt > b.CreatedAt
	}
	return slices.Compare(a.ID[:], b.ID[:]) < 0
}

func inOrder(found map[nostr.Kind]*nostr.Event) []*nostr.Event {
	var out []*nostr.Event
	for _, ev := range found {
		out = append(out, ev)
	}
	slices.SortFunc(out, func(a, b *nostr.Event) int { return cmp.Compare(a.Kind, b.Kind) })
	return out
}
