package bunkertest

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/inbox"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/signer"
	"nsecbunker/internal/socket"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// What somebody would try who means harm, found by review; each test failed once.

func TestAnAppOfADeletedKeyIsRefusedWhateverItAsks(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	b.Admin("key.delete", Params{"key": "herald"})
	b.Clock.Pass(30 * 24 * time.Hour)
	b.Chores()
	if keys := b.Admin("key.list", nil).Each("keys"); len(keys) != 0 {
		t.Fatalf("%d keys are left", len(keys))
	}
	key, err := nostr.ParsePubKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	note := nostr.Template{Kind: 1, CreatedAt: a.Now().Unix(), Content: "x", PubKey: key, HasPubKey: true}
	for _, q := range []*Asked{
		a.Ask(nip46.SignEvent, string(note.AppendJSON(nil))), a.AskSign(1, "x"), a.Ask(nip46.Connect, pub, "wrong"), a.Ask(nip46.Connect, ""),
		a.Ask(nip46.GetPublicKey), a.Ask(nip46.Ping), a.Ask(nip46.SwitchRelays), a.Ask(nip46.Logout), a.Ask(nip46.NIP44Decrypt, pub, "x"), a.Ask("describe"),
	} {
		q.Fails()
	}
	b.Verify()
}

func TestAnAppIsOutOfReachOfAKeyWithNpubLoginFromItsFirstMoment(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	b.AddKey("other")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	spy := b.Connected(b.Token("herald", "all"))
	victim := b.App(b.Token("other", "all"))
	spy.Ask(nip46.NIP44Encrypt, victim.Key.PubKey().String(), "hello").Answer()
	victim.Connect().Want("ack") // and no admin does anything from here on
	spy.Ask(nip46.NIP44Encrypt, victim.Key.PubKey().String(), "hello").Fails("blocked", "is an app of this bunker")
}

func TestANewLinkAfterALogoutBringsNoOldPermissionsBack(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	secret := func(perms string) string {
		u, err := nip46.ParseBunkerURI(b.Token("herald", perms))
		if err != nil {
			t.Fatal(err)
		}
		return u.Secret
	}
	a := npubApp(t, b, pub, secret("sign_event:1,sign_event:27235"))
	a.Connect().Want("ack")
	a.Sign(1, "x")
	a.Ask(nip46.Logout).Want("ack")
	a.Secret = secret("sign_event:7")
	a.Connect().Want("ack")
	a.Sign(7, "+")
	a.AskSign(1, "x").Quiet()
	a.Fence()
	if q := b.Question(); q.Number("kind") != 1 {
		t.Errorf("asked is %v", q)
	}
	b.Verify()
}

// At a key with npub login the app's connection is the same whatever link it shows: no link that
// there was before the revocation opens it again, one that is made afterwards does, with what
// that one gives, and a refusal stays.
func TestAfterARevocationOnlyALaterLinkLetsTheAppIn(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	secret := func(perms string) string {
		b.Clock.Pass(time.Second)
		u, err := nip46.ParseBunkerURI(b.Token("herald", perms, Params{"uses": 3}))
		if err != nil {
			t.Fatal(err)
		}
		return u.Secret
	}
	first, other := secret("sign_event:1"), secret("all")
	a := npubApp(t, b, pub, first)
	revoke := func() {
		t.Helper()
		b.Clock.Pass(time.Second)
		b.Admin("connection.revoke", Params{"id": b.Connection("active")})
		for _, s := range []string{a.Secret, first, other, ""} {
			a.Secret = s
			a.Connect().Fails("restricted: this connection was revoked")
		}
		a.AskSign(1, "x").Fails("restricted", "revoked")
	}
	a.Connect().Want("ack")
	a.Sign(1, "x")
	b.Admin("connection.grant", Params{"id": b.Connection("active"), "perms": "sign_event:6", "deny": true})
	revoke()
	b.Restart()
	a = a.again()
	a.Secret = secret("sign_event:7,sign_event:6")
	a.Connect().Want("ack")
	a.Sign(7, "+")
	a.AskSign(6, "").Fails("restricted")
	a.AskSign(1, "x").Quiet()
	a.Fence()
	if q := b.Question(); q.Number("kind") != 1 {
		t.Errorf("asked is %v", q)
	}
	revoke() // the link that let it in again is an older one by now
	if n := len(b.Admin("connection.list", nil).Each("connections")); n != 1 {
		t.Errorf("%d connections of one app", n)
	}
	b.Verify()
}

// A login that an admin refused is let in by a link that he makes for it.
func TestALoginThatWasRefusedComesInByALaterLink(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	a := npubApp(t, b, pub, "")
	q := a.Connect()
	b.Reply(Params{"deny": true})
	q.Fails("restricted", "refused")
	a.Connect().Fails("restricted")
	b.Clock.Pass(time.Second)
	u, err := nip46.ParseBunkerURI(b.Token("herald", "sign_event:1"))
	if err != nil {
		t.Fatal(err)
	}
	a.Secret = u.Secret
	a.Connect().Want("ack")
	a.Sign(1, "x")
	b.Verify()
}

func TestANewLinkAfterALogoutIsForWhomItSays(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	link := func(client, person string) string {
		v := b.Admin("token.create", Params{"key": "herald", "client": client, "perms": "sign_event:1", "person": person, "uses": 2})
		u, err := nip46.ParseBunkerURI(v.Text("uri"))
		if err != nil {
			t.Fatal(err)
		}
		return u.Secret
	}
	is := func(name, person string) {
		t.Helper()
		c := b.Admin("connection.list", nil).Each("connections")[0]
		if c.Text("name") != name || c.Text("person") != person {
			t.Errorf("the connection is %v; want %s's %s", c, person, name)
		}
	}
	anns, bobs := link("coracle", "ann"), link("coracle of bob", "bob")
	a := npubApp(t, b, pub, anns)
	a.Connect().Want("ack")
	is("coracle", "ann")
	conn := b.Admin("connection.list", nil).Text("connections.0.id")
	b.Admin("connection.rename", Params{"id": conn, "name": "ann's phone"})
	a.Ask(nip46.Logout).Want("ack")
	a.Connect().Want("ack")
	is("ann's phone", "ann")
	a.Ask(nip46.Logout).Want("ack")
	a.Secret = bobs
	a.Connect().Want("ack")
	is("coracle of bob", "bob")
	a.Sign(1, "x")
	b.Verify()
}

// A login that nobody has answered is not let in by a stop, and its end: what is suspended
// is resumed by whoever knows it as an app of his.
func TestAStopLetsNoLoginInThatNobodyHasAnswered(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	in := b.Connected(b.Token("herald", "all"))
	uri := b.Admin("login.expect", Params{"key": "herald"}).Text("uri")
	a := b.App(uri)
	q := a.Connect()
	b.Question()
	b.Admin("stop", nil)
	q.Fails("restricted", "stopped")
	a.Connect().Fails("restricted", "stopped") // and nobody is asked
	other := b.App(uri)
	other.Connect().Fails(strangerWords)
	if n := len(b.Admin("approval.list", nil).Each("approvals")); n != 0 {
		t.Errorf("%d questions are open while everything is stopped", n)
	}
	b.Admin("stop.end", nil)
	b.Admin("key.unlock", Params{"key": "herald"})
	for _, c := range b.Admin("connection.list", nil).Each("connections") {
		if c.Text("state") == "suspended" {
			b.Admin("connection.resume", Params{"id": c.Text("id")})
		}
	}
	a.Ask(nip46.GetPublicKey).Fails("restricted", "not approved yet")
	in.Sign(1, "x")
	again := a.Connect() // asks anew
	b.Question()
	b.Reply(Params{"perms": "sign_event:1"})
	again.Want("ack")
	a.Sign(1, "x")
	b.Verify()
}

// beside runs a statement on the bunker's database, as somebody does who can
// write to the data folder.
func beside(t *testing.T, b *Bunker, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.Dir, daemon.DatabaseFile)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	res, err := db.Exec(statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed nothing (%v)", statement, err)
	}
}

// freeTries are tries of a passphrase that nobody counts.
type freeTries struct{}

func (freeTries) LoadTries(context.Context) (seal.Tries, error) { return seal.Tries{}, nil }
func (freeTries) StoreTries(context.Context, seal.Tries) error  { return nil }
func (freeTries) SwapTries(context.Context, seal.Tries, seal.Tries) (bool, error) {
	return true, nil
}

func TestAPlantedKeySlotProvesNothing(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	slots, err := seal.New(seal.Config{Arena: b.Arena, KDF: quickKDF, Attempts: freeTries{}, Now: b.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	const thiefs = "the thief's own passphrase"
	s, err := slots.Wrap(t.Context(), bunker.SelfHosted, bunker.SlotPassphrase, seal.Input{Name: "thief", Passphrase: []byte(thiefs)},
		func(f func([]byte) error) error { return f(make([]byte, 32)) })
	if err != nil {
		t.Fatal(err)
	}
	beside(t, b, `INSERT INTO slot (tenant, id, kind, name, params, wrapped, created_at) VALUES ($1, $2, $3, $4, $5, $6, 1)`,
		string(s.Tenant), string(s.ID), string(s.Kind), s.Name, s.Params, s.Wrapped)
	c, err := socket.Dial(t.Context(), filepath.Join(b.Dir, daemon.SocketFile))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	export := json.RawMessage(`{"key":"herald","password":"a password of the thief"}`)
	err = c.Call(t.Context(), "key.export", export, []byte(thiefs), nil)
	if e := bunker.AsError(err); err == nil || e.Code != bunker.CodeNeedsProof {
		t.Fatalf("the export with a planted passphrase: %v", err)
	}
	if err := c.Call(t.Context(), "key.export", export, []byte(Passphrase), nil); err != nil {
		t.Errorf("the export with the right one: %v", err)
	}
}

func TestAnAppThatWasTurnedAwayCannotFillTheDisk(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	b.Admin("connection.revoke", Params{"id": b.Connection("active")})
	rows := b.Admin("status", nil).Number("audit.seq")
	start := b.Clock.Now()
	burst := inbox.DefaultLimits().RefusalBurst
	var wg sync.WaitGroup
	var turned atomic.Int64
	for range 4 {
		wg.Go(func() {
			for range (burst + 200) / 4 {
				if a.Publish(a.Prepare(nip46.Ping).Event) != nil {
					turned.Add(1)
				}
			}
		})
	}
	wg.Wait()
	grown := b.Admin("status", nil).Number("audit.seq") - rows
	if limit := burst + 2 + int(b.Clock.Now().Sub(start)/time.Second); grown > limit {
		t.Errorf("%d records of what was refused, at most %d may be", grown, limit)
	}
	if turned.Load() == 0 {
		t.Error("the app was never told to slow down")
	}
	b.Verify()
}

func TestAStrangersQuestionIsSmall(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.set", Params{"key": "herald", "npub_login": true})
	big := npubApp(t, b, pub, "")
	q := big.Ask(nip46.Connect, pub, "", strings.Repeat("x", signer.MaxKnock))
	small := npubApp(t, b, pub, "")
	small.Ask(nip46.Connect, pub).Quiet()
	b.Question()
	small.Ask(nip46.Connect, pub, "", strings.Repeat("sign_event:1,", signer.MaxKnock/13)).Fails("invalid")
	q.Quiet()
}

func TestABunkerWhoseSetUpWasUndoneFromOutsideIsNotSetUpAgain(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Sealed: true})
	b.AddKey("herald")
	b.Stop()
	beside(t, b, `UPDATE tenant_head SET set_up = 0, mac = NULL`)
	b.Run()
	if e := b.Refused("setup", Params{"passphrase": "a passphrase of the thief"}); e.Code != bunker.CodeBlocked {
		t.Errorf("refused with %v", e)
	}
}

func TestARowThatWasChangedFromOutsideSealsTheBunker(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	a, other := b.Connected(b.Token("herald", "sign_event:7")), b.Connected(b.Token("herald", "all"))
	other.Sign(1, "x")
	id := connectionOf(b, a)
	beside(t, b, `UPDATE connection_grant SET permissions = 'all' WHERE permissions = 'sign_event:7'`)
	_ = a.Publish(a.Prepare(nip46.SignEvent, a.Note(1, "stolen")).Event) // it is not answered
	b.Until("the bunker is sealed", func() bool { return b.State() == daemon.Sealed })
	other.AskSign(1, "y").Fails("sealed")
	if e := b.Refused("unseal", Params{"passphrase": Passphrase}); e.Code != bunker.CodeBlocked {
		t.Errorf("unsealing is refused with %v", e)
	}
	beside(t, b, `UPDATE connection_grant SET permissions = 'sign_event:7' WHERE permissions = 'all' AND connection = $1`, id)
	b.Unseal()
	a.AskSign(1, "y").Quiet()
	a.Sign(7, "+")
	b.Verify()
}
