package bunkertest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/config"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// stranger is another app with the same link.
func (a *App) stranger() *App {
	a.t.Helper()
	return NewApp(a.t, a.arena, a.Now, a.Remote, a.Secret, a.Relays)
}

const strangerWords = "restricted: this link is not valid, or was used"

func running(t *testing.T) *Bunker {
	t.Helper()
	b := Start(t, Options{})
	b.AddKey("herald")
	return b
}

func TestAKnownAppConnectsAgainWithTheSpentSecretOrNone(t *testing.T) {
	t.Parallel()
	b := running(t)
	a := b.Connected(b.Token("herald", "sign_event:1"))
	a.Connect().Want("ack")
	a.Secret = ""
	a.Connect().Want("ack")
	a.Ask(nip46.Connect, "").Want("ack") // as NDK writes it
	a.Sign(1, "its permissions are unchanged")
	a.AskSign(7, "+").Quiet()
	b.Question()
	b.Restart()
	a.Connect().Want("ack")
	a.Sign(1, "also after a restart")
	if n := len(b.Admin("connection.list", nil).Each("connections")); n != 1 {
		t.Errorf("%d connections of one app", n)
	}
}

func TestAnotherKeyWithASpentSecretGetsTheOneGenericErrorOnce(t *testing.T) {
	t.Parallel()
	b := running(t)
	b.Clock.Hold() // all of it is within one minute of the clock
	a := b.Connected(b.Token("herald", "all"))
	thief := a.stranger()
	thief.Connect().Fails(strangerWords)
	// A wrong secret is told nothing else; it is another stranger's.
	guesser := a.stranger()
	guesser.Secret = "wrong"
	if got := guesser.Connect().Fails(); got != strangerWords {
		t.Errorf("a wrong secret is told %q", got)
	}
	// The second one in a minute gets nothing, and no other method ever does.
	again := thief.Connect()
	others := []*Asked{
		thief.Ask(nip46.Ping), thief.Ask(nip46.GetPublicKey), thief.AskSign(1, "x"), thief.Ask(nip46.Logout), thief.Ask("create_account"),
	}
	a.Fence()
	for _, q := range append(others, again) {
		q.Quiet()
	}
	a.Sign(1, "the app itself is not disturbed")
}

func TestAFailedAttemptDoesNotBurnTheSecret(t *testing.T) {
	t.Parallel()
	b := running(t)
	a := b.App(b.Token("herald", "all"))
	thief := a.stranger()
	thief.Secret = "wrong"
	thief.Connect().Fails(strangerWords)
	wrong := a.Ask(nip46.Connect, strings.Repeat("ab", 32), a.Secret)
	wrong.Fails(strangerWords)
	a.Connect().Want("ack")
	a.Sign(1, "x")
}

func TestATokenIsGoodForExactlyItsUses(t *testing.T) {
	t.Parallel()
	const uses, apps = 7, 64
	b := running(t)
	uri := b.Token("herald", "all", Params{"uses": uses})
	list := make([]*App, apps)
	for i := range list {
		list[i] = b.App(uri)
	}
	asked := make([]*Asked, apps)
	var wg sync.WaitGroup
	for i, a := range list {
		wg.Go(func() {
			asked[i] = a.Prepare(nip46.Connect, a.Remote.String(), a.Secret)
			if err := a.Publish(asked[i].Event); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	in := 0
	for _, q := range asked {
		for _, g := range q.Got() {
			if g.Result == "ack" && !g.Failed() {
				in++
			}
		}
	}
	// What was committed was published before its OK came back.
	if in != uses {
		t.Errorf("%d of %d apps were let in, want %d", in, apps, uses)
	}
	if n := len(b.Admin("connection.list", nil).Each("connections")); n != uses {
		t.Errorf("%d connections, want %d", n, uses)
	}
	tok := b.Admin("token.list", nil).Each("tokens")[0]
	if tok.Text("state") != "spent" || tok.Number("uses") != uses {
		t.Errorf("the token is %s after %d uses", tok.Text("state"), tok.Number("uses"))
	}
	b.VerifyOutside()
}

func TestATokenEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	b := running(t)
	early := b.App(b.Token("herald", "all", Params{"expires": "1h"}))
	late := b.App(b.Token("herald", "all", Params{"expires": "1h"}))
	b.Pass(59 * time.Minute)
	early.Connect().Want("ack")
	b.Pass(2 * time.Minute)
	late.Connect().Fails(strangerWords)
	early.Sign(1, "the connection lives on")
}

func TestPermissionsOfATokenEndWhenItSaysSo(t *testing.T) {
	t.Parallel()
	b := running(t)
	a := b.Connected(b.Token("herald", "all", Params{"grant_for": "1h"}))
	a.Sign(1, "a")
	b.Pass(time.Hour + time.Second)
	a.AskSign(1, "b").Quiet()
	b.Question()
}

func TestARevokedTokenLetsNobodyInAndLeavesItsAppsAlone(t *testing.T) {
	t.Parallel()
	b := running(t)
	uri := b.Token("herald", "all", Params{"uses": 2})
	a := b.Connected(uri)
	b.Admin("token.revoke", Params{"id": b.Admin("token.list", nil).Text("tokens.0.id")})
	b.App(uri).Connect().Fails(strangerWords)
	a.Sign(1, "x")
}

func TestAfterALogoutTheAppIsOutUntilItHasANewUseOfALink(t *testing.T) {
	t.Parallel()
	b := running(t)
	a := b.Connected(b.Token("herald", "all", Params{"uses": 2}))
	a.Ask(nip46.Logout).Want("ack")
	a.AskSign(1, "x").Fails("restricted", "logged out")
	a.Ask(nip46.GetPublicKey).Fails("restricted")
	secret := a.Secret
	a.Secret = ""
	a.Connect().Fails("restricted", "logged out")
	a.Secret = secret
	a.Connect().Want("ack")
	a.Sign(1, "x")
	b.Verify()
}

// npubApp talks to the user key itself.
func npubApp(t *testing.T, b *Bunker, pub, secret string) *App {
	t.Helper()
	key, err := nostr.ParsePubKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return NewApp(t, b.Arena, b.Clock.Now, key, secret, []string{b.ListenURL()})
}

func TestLoginByNpubIsOffUntilTheOwnerAllowsIt(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	a := npubApp(t, b, pub, "")
	if err := a.Publish(a.Prepare(nip46.Connect, pub).Event); err == nil || !strings.Contains(err.Error(), "own keys only") {
		t.Errorf("got %v, want the relay to refuse it", err)
	}
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	q := a.Ask(nip46.Connect, pub)
	if v := b.Question(); v.Text("method") != "connect" {
		t.Fatalf("the question is %v", v)
	}
	a.Ask(nip46.Ping).Fails("not approved yet")
	b.Reply(Params{"perms": "sign_event:1", "name": "old app"})
	q.Want("ack")
	a.Ask(nip46.GetPublicKey).Want(pub)
	a.Sign(1, "x")
	b.Admin("key.set", Params{"key": "herald", "npub_login": false})
	if err := a.Publish(a.Prepare(nip46.Ping).Event); err == nil {
		t.Error("the key is still heard")
	}
	b.Verify()
}

func TestALoginByNpubThatIsRefusedStaysOut(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	a := npubApp(t, b, pub, "")
	q := a.Ask(nip46.Connect, pub)
	b.Reply(Params{"deny": true})
	q.Fails("restricted", "refused")
	a.Connect().Fails("restricted")
	a.AskSign(1, "x").Fails("restricted")
}

func TestStrangersQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	for range 5 {
		npubApp(t, b, pub, "").Ask(nip46.Connect, pub)
	}
	if n := len(b.Questions()); n != 3 {
		t.Errorf("%d strangers' questions for one key, want 3", n)
	}
}

func TestLoginByNpubAndTokenNeedsNoQuestion(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	link := b.Admin("token.create", Params{"key": "herald", "client": "old", "perms": "all"}).Text("npub_token")
	old, err := nip46.ParseOldString(link)
	if err != nil || old.PubKey.String() != pub {
		t.Fatalf("%q: %v", link, err)
	}
	a := npubApp(t, b, pub, old.Token)
	a.Connect().Want("ack")
	a.Sign(1, "x")
	npubApp(t, b, pub, old.Token).Connect().Fails(strangerWords)
}

func TestANostrconnectLinkIsAnsweredOnTheAppsRelays(t *testing.T) {
	t.Parallel()
	named, unknown := NewRelay(t), NewRelay(t)
	b := Start(t, Options{Config: func(c *config.Config) { c.Allow = append(c.Allow, strings.TrimPrefix(named.URL, "ws://")) }})
	b.AddKey("herald")
	c := b.NewClient()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	u, err := c.Invite(ctx, []string{unknown.URL}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// An address on this machine is no stranger's to name.
	if e := b.Refused("connect", Params{"uri": u.String(), "key": "herald"}); !strings.Contains(e.Words, "loopback") {
		t.Errorf("refused with %q", e.Words)
	}
	if u, err = c.Invite(ctx, []string{named.URL}, nil); err != nil {
		t.Fatal(err)
	}
	b.Admin("connect", Params{"uri": u.String(), "key": "herald", "perms": "sign_event:1"})
	if _, err := c.Await(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SignEvent(ctx, &nostr.Template{Kind: 1, CreatedAt: b.Clock.Now().Unix(), Content: "x"}); err != nil {
		t.Fatal(err)
	}
	b.CrashAndRestart()
	if _, err := c.SignEvent(ctx, &nostr.Template{Kind: 1, CreatedAt: b.Clock.Now().Unix(), Content: "y"}); err != nil {
		t.Fatal(err)
	}
	b.VerifyOutside()
}

func TestSwitchRelaysBeforeConnectIsAnsweredAfterIt(t *testing.T) {
	t.Parallel()
	b := running(t)
	a := b.App(b.Token("herald", "all"))
	early := a.Ask(nip46.SwitchRelays)
	early.Quiet()
	a.Connect().Want("ack")
	early.Want("null")
	a.Ask(nip46.SwitchRelays).Want("null")
}
