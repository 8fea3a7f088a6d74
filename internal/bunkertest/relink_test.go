package bunkertest

import (
	"strings"
	"testing"
	"time"

	"nsecbunker/nostr/nip46"
)

// A key that was deleted for good and imported again has the pubkey that its npub-login apps
// talk to: they stay out, as after a revocation, until an admin makes a link for the key.
func TestAKeyThatCameBackLetsItsOldAppsInByANewLinkOnly(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	nsec := strings.Repeat("11", 32)
	imported := func() string {
		t.Helper()
		pub := b.Admin("key.import", Params{"name": "herald", "secret": nsec, "no_baseline": true}).Text("key.pubkey")
		b.Admin("key.set", Params{"key": "herald", "npub_login": true})
		return pub
	}
	secret := func(perms string) string {
		t.Helper()
		b.Clock.Pass(time.Second)
		u, err := nip46.ParseBunkerURI(b.Token("herald", perms, Params{"uses": 3}))
		if err != nil {
			t.Fatal(err)
		}
		return u.Secret
	}
	pub := imported()
	first := secret("sign_event:1")
	a := npubApp(t, b, pub, first)
	a.Connect().Want("ack")
	a.Sign(1, "x")
	b.Admin("connection.grant", Params{"id": b.Connection("active"), "perms": "sign_event:6", "deny": true})

	b.Admin("key.delete", Params{"key": "herald"})
	b.Clock.Pass(30 * 24 * time.Hour)
	b.Chores()
	imported()
	for _, s := range []string{first, ""} {
		a.Secret = s
		a.Connect().Fails("restricted: the key of this connection was deleted")
	}
	a.AskSign(1, "x").Fails("restricted")

	later := secret("sign_event:7,sign_event:6")
	a.Secret = first
	a.Connect().Fails("restricted: this connection was revoked")
	a.AskSign(7, "+").Fails("restricted")
	a.Secret = later
	a.Connect().Want("ack")
	a.Sign(7, "+")
	a.AskSign(6, "").Fails("restricted") // a refusal stays
	a.AskSign(1, "x").Quiet()            // what the key before gave is gone
	a.Fence()
	if q := b.Question(); q.Number("kind") != 1 {
		t.Errorf("asked is %v", q)
	}
	if n := len(b.Admin("connection.list", Params{"key": "herald"}).Each("connections")); n != 1 {
		t.Errorf("the key shows %d connections, want the one app's", n)
	}
	b.Verify()
}
