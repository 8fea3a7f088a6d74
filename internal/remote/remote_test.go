package remote

import (
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
)

// TestAReadyThatDoesNotBindTheLoginIsNotTaken: h2 covers everything that was said;
// whoever changes a part of the answer, or gives one of another login, is noticed.
func TestAReadyThatDoesNotBindTheLoginIsNotTaken(t *testing.T) {
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	key := func() *nostr.SecretKey {
		k, err := nostr.GenerateKey(arena)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	page, b, eb, es, a := key(), key(), key(), key(), key()
	apub := a.PubKey()
	hs := adminwire.Handshake{Bunker: b.PubKey(), Client: page.PubKey(), Epoch: eb.PubKey(), NC: adminwire.Nonce{1}, NB: adminwire.Nonce{2}, Versions: []int64{1}}
	cert := nostr.ID{3}
	good := adminwire.Ready{SID: adminwire.SessionID{4}, Session: es.PubKey(), Confirmed: true}
	good.H2 = adminwire.H2(hs.H(), apub[:], cert, good.Session, good.SID)
	good.Code = adminwire.Code(good.H2)
	enter := func(touch func(c *Client)) error {
		c := &Client{cfg: Config{Arena: arena}, page: page, hs: hs, ready: good}
		touch(c)
		err := c.enter(apub[:], cert)
		if (c.keyS != nil) != (err == nil) {
			t.Error("there is a session key, or none, against the outcome")
		}
		return err
	}
	if err := enter(func(*Client) {}); err != nil {
		t.Fatal(err)
	}
	for name, touch := range map[string]func(c *Client){
		"sid":         func(c *Client) { c.ready.SID[0] ^= 1 },
		"es":          func(c *Client) { c.ready.Session = a.PubKey() },
		"h2":          func(c *Client) { c.ready.H2[0] ^= 1 },
		"code":        func(c *Client) { c.ready.Code = "000000" },
		"B":           func(c *Client) { c.hs.Bunker = a.PubKey() },
		"E_c":         func(c *Client) { c.hs.Client = a.PubKey() },
		"E_b":         func(c *Client) { c.hs.Epoch = a.PubKey() },
		"nc":          func(c *Client) { c.hs.NC[0] ^= 1 },
		"nb":          func(c *Client) { c.hs.NB[0] ^= 1 },
		"a downgrade": func(c *Client) { c.hs.Versions = []int64{1, 2} },
	} {
		if enter(touch) == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func TestARelaysEndlessChallengeIsNotSigned(t *testing.T) {
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	page, err := nostr.GenerateKey(arena)
	if err != nil {
		t.Fatal(err)
	}
	c, now := &Client{page: page}, time.Unix(1_800_000_000, 0)
	if ev, err := c.auth("wss://relay.example.com", "challenge", now); err != nil || nip42.Check(ev, "challenge", now, "wss://relay.example.com") != nil {
		t.Errorf("a challenge: %v", err)
	}
	if _, err := c.auth("wss://relay.example.com", strings.Repeat("x", nip42.MaxChallenge+1), now); err == nil {
		t.Error("it was signed")
	}
}
