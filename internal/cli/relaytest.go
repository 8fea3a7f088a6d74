package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
)

// reach subscribes to a relay and waits for its word.
func (a *app) reach(ctx context.Context, relay string) error {
	ctx, cancel := context.WithTimeout(ctx, relayTestTimeout)
	defer cancel()
	arena, err := secret.NewArena(clientArena, secret.Options{AllowSwap: true}) // a key of no worth
	if err != nil {
		return err
	}
	defer arena.Close()
	key, err := nostr.GenerateKey(arena)
	if err != nil {
		return err
	}
	pool, err := ws.New(ws.Config{Now: a.now})
	if err != nil {
		return err
	}
	defer pool.Close()
	f := nip46.Filter{Kind: nip46.Kind, P: key.PubKey(), Since: a.now().Add(-time.Minute).Unix()}
	_, err = pool.Subscribe(ctx, []string{relay}, f, func(*nostr.Event) {})
	return err
}

// relayClock is how far this machine's clock is ahead of a relay's, by the Date of
// its HTTP answer; false when the relay does not say.
func (a *app) relayClock(ctx context.Context, relay string) (time.Duration, bool) {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	url := "http" + strings.TrimPrefix(relay, "ws")
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return 0, false
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	before := a.now()
	res, err := client.Do(req)
	if err != nil {
		return 0, false
	}
	res.Body.Close()
	theirs, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	// The answer was made between the two; the date is cut to the second.
	mid := before.Add(a.now().Sub(before) / 2)
	return mid.Sub(theirs.Add(500 * time.Millisecond)), true
}
