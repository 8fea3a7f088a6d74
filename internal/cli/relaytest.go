package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
)

// relayEnd is one side of the test of a relay.
type relayEnd struct {
	key   *nostr.SecretKey
	pool  *ws.Pool
	heard chan nostr.ID
}

// pair sends an envelope there and one back through a relay, between two
// throw-away keys, as an app and a bunker do.
func (a *app) pair(ctx context.Context, relay string) error {
	ctx, cancel := context.WithTimeout(ctx, relayTestTimeout)
	defer cancel()
	arena, err := secret.NewArena(clientArena, secret.Options{AllowSwap: true}) // keys of no worth
	if err != nil {
		return err
	}
	defer arena.Close()
	var ends [2]relayEnd
	for i := range ends {
		if ends[i].key, err = nostr.GenerateKey(arena); err != nil {
			return err
		}
		if ends[i].pool, err = ws.New(ws.Config{Now: a.now}); err != nil {
			return err
		}
		defer ends[i].pool.Close()
		if err := ends[i].listen(ctx, relay, a.now()); err != nil {
			return fmt.Errorf("it cannot be used: %w", err)
		}
	}
	for i := range ends {
		ev := &nostr.Event{
			Kind: nip46.Kind, CreatedAt: a.now().Unix(), Content: "test of a relay by nsecbunker",
			Tags: nostr.Tags{{"p", ends[1-i].key.PubKey().String()}},
		}
		if err := ends[i].key.Sign(ev); err != nil {
			return err
		}
		if err := ends[i].pool.Publish(ctx, []string{relay}, ev); err != nil {
			return fmt.Errorf("it does not take what apps send: %w", err)
		}
		if !ends[1-i].hears(ctx, ev.ID) {
			return fmt.Errorf("it took a message and did not deliver it within %s", relayTestTimeout)
		}
	}
	return nil
}

// reach subscribes to a relay and waits for its word.
func (a *app) reach(ctx context.Context, relay string) error {
	ctx, cancel := context.WithTimeout(ctx, relayTestTimeout)
	defer cancel()
	arena, err := secret.NewArena(clientArena, secret.Options{AllowSwap: true}) // a key of no worth
	if err != nil {
		return err
	}
	defer arena.Close()
	var e relayEnd
	if e.key, err = nostr.GenerateKey(arena); err != nil {
		return err
	}
	if e.pool, err = ws.New(ws.Config{Now: a.now}); err != nil {
		return err
	}
	defer e.pool.Close()
	return e.listen(ctx, relay, a.now())
}

func (e *relayEnd) listen(ctx context.Context, relay string, now time.Time) error {
	e.heard = make(chan nostr.ID, 16)
	f := nip46.Filter{Kind: nip46.Kind, P: e.key.PubKey(), Since: now.Add(-time.Minute).Unix()}
	_, err := e.pool.Subscribe(ctx, []string{relay}, f, func(ev *nostr.Event) {
		select {
		case e.heard <- ev.ID:
		default:
		}
	})
	return err
}

func (e *relayEnd) hears(ctx context.Context, id nostr.ID) bool {
	for {
		select {
		case got := <-e.heard:
			if got == id {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
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
