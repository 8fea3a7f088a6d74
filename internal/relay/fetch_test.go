package relay

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/dial"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// signed makes events of one account.
func signed(t *testing.T) (author nostr.PubKey, event func(kind nostr.Kind, at int64, content string) *nostr.Event) {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	key, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	return key.PubKey(), func(kind nostr.Kind, at int64, content string) *nostr.Event {
		e := &nostr.Event{Kind: kind, CreatedAt: at, Content: content}
		if err := key.Sign(e); err != nil {
			t.Fatal(err)
		}
		return e
	}
}

// localDialer may dial this machine.
func localDialer(t *testing.T) *dial.Dialer {
	t.Helper()
	d, err := dial.New(dial.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAFetchReturnsTheNewestOfEachKindAndNothingForged(t *testing.T) {
	author, event := signed(t)
	_, stranger := signed(t)
	forged := event(3, 900, "forged")
	forged.Content = "other"
	newest := event(3, 300, "newest")
	r := newRelay(t)
	r.script = func(c *client, label string, m []json.RawMessage) bool {
		if label != "REQ" {
			return false
		}
		if f := string(m[2]); !strings.Contains(f, author.String()) || !strings.Contains(f, `"kinds":[0,3]`) || !strings.Contains(f, `"limit":256`) {
			t.Errorf("asked for %s", f)
		}
		for _, e := range []*nostr.Event{event(3, 200, "old"), newest, event(3, 100, "older"), forged, stranger(3, 800, "other"), event(0, 50, "profile"), event(1, 50, "note")} {
			c.send(`["EVENT",%s,%s]`, m[1], e.AppendJSON(nil))
		}
		c.send(`["EVENT","another",%s]`, event(3, 999, "another").AppendJSON(nil))
		c.send(`["NOTICE","hello"]`)
		c.send(`nonsense`)
		c.eose(m)
		return true
	}
	got, err := fetch(context.Background(), localDialer(t), r.url, author, []nostr.Kind{0, 3}, patience)
	if err != nil || len(got) != 2 || got[0].Content != "profile" || got[1].ID != newest.ID {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOfTwoVersionsOfOneSecondTheLowerIDCounts(t *testing.T) {
	_, event := signed(t)
	a, b := event(3, 100, "a"), event(3, 100, "b")
	if slices.Compare(a.ID[:], b.ID[:]) > 0 {
		a, b = b, a
	}
	if !Newer(a, b) || Newer(b, a) || !Newer(b, nil) || !Newer(event(3, 101, "c"), a) || Newer(event(3, 99, "d"), b) {
		t.Error("NIP-01 says otherwise")
	}
}

func TestAFetchSaysWhyItCannotBeReliedOn(t *testing.T) {
	author, event := signed(t)
	for name, c := range map[string]struct {
		script func(c *client, m []json.RawMessage)
		want   string
	}{
		"refused": {func(c *client, m []json.RawMessage) { c.send(`["CLOSED",%s,"auth-required: log in"]`, m[1]) }, "it refused: auth-required: log in"},
		"ended":   {func(c *client, m []json.RawMessage) { c.stop() }, ""},
		"too many events": {func(c *client, m []json.RawMessage) {
			e := event(3, 1, "x").AppendJSON(nil)
			for range MaxFetched + 1 {
				c.send(`["EVENT",%s,%s]`, m[1], e)
			}
		}, "more than 256 events"},
		"too many bytes": {func(c *client, m []json.RawMessage) {
			big := strings.Repeat("x", 1<<20)
			for range MaxFetchedBytes>>20 + 1 {
				c.send(`["NOTICE","%s"]`, big)
			}
		}, "more than 8388608 bytes"},
		"garbage": {func(c *client, m []json.RawMessage) {
			for range MaxGarbage + 1 {
				c.send(`{`)
			}
		}, "unreadable messages"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRelay(t)
			r.script = func(cl *client, label string, m []json.RawMessage) bool {
				if label == "REQ" {
					c.script(cl, m)
				}
				return label == "REQ"
			}
			got, err := fetch(context.Background(), localDialer(t), r.url, author, []nostr.Kind{3}, patience)
			if err == nil || got != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := newRelay(t)
	r.script = func(*client, string, []json.RawMessage) bool { cancel(); return true } // silent for ever
	if _, err := Fetch(ctx, localDialer(t), r.url, author, []nostr.Kind{3}); err == nil {
		t.Error("a silent relay was relied on")
	}
	for _, bad := range []string{"", "https://x.example", "ws://127.0.0.1:1", "wss://10.0.0.1"} {
		if _, err := Fetch(context.Background(), localDialer(t), bad, author, []nostr.Kind{3}); err == nil {
			t.Errorf("%q was asked", bad)
		}
	}
}
