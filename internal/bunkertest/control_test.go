package bunkertest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/daemon"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// signing is a bunker with one app that may do everything.
func signing(t *testing.T) (*Bunker, *App) {
	t.Helper()
	b := running(t)
	return b, b.Connected(b.Token("herald", "all"))
}

// Each act holds from the moment that its command returned, also for requests
// that are under way.
func TestAnActOfAnAdminHoldsFromTheMomentItReturned(t *testing.T) {
	t.Parallel()
	acts := map[string]struct {
		do    func(b *Bunker)
		words string
	}{
		"suspend":            {func(b *Bunker) { b.Admin("connection.suspend", Params{"id": b.Connection("active")}) }, "suspended"},
		"suspend for a time": {func(b *Bunker) { b.Admin("connection.suspend", Params{"id": b.Connection("active"), "for": "2h"}) }, "suspended until"},
		"pause":              {func(b *Bunker) { b.Admin("key.pause", Params{"key": "herald"}) }, "paused"},
		"regrant": {func(b *Bunker) {
			b.Admin("connection.regrant", Params{"id": b.Connection("active"), "perms": "sign_event:7"})
			b.Admin("key.set", Params{"key": "herald", "default": "deny"})
		}, "no permission"},
		"revoke": {func(b *Bunker) { b.Admin("connection.revoke", Params{"id": b.Connection("active")}) }, "revoked"},
		"lock":   {func(b *Bunker) { b.Admin("key.lock", Params{"key": "herald"}) }, "locked"},
		"seal":   {func(b *Bunker) { b.Admin("seal", nil) }, "sealed"},
		"stop":   {func(b *Bunker) { b.Admin("stop", nil) }, "stopped"},
		"delete": {func(b *Bunker) { b.Admin("key.delete", Params{"key": "herald"}) }, "deleted"},
		"deny grant": {func(b *Bunker) {
			b.Admin("connection.grant", Params{"id": b.Connection("active"), "perms": "sign_event:1", "deny": true})
		}, "refused"},
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			b, a := signing(t)
			a.Sign(1, "before")
			stop, flying := make(chan struct{}), make([][]*Asked, 4)
			var wg sync.WaitGroup
			for i := range flying {
				wg.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						q := a.Prepare(nip46.SignEvent, a.Note(1, fmt.Sprintf("flying %d %d", i, n)))
						if a.Publish(q.Event) == nil {
							flying[i] = append(flying[i], q)
						}
						q.Answer()
					}
				})
			}
			for range 3 {
				a.Fence()
			}
			act.do(b)
			seq := b.Admin("status", nil).Number("audit.seq")
			after := a.AskSign(1, "after")
			close(stop)
			wg.Wait()
			after.Fails(act.words)
			if b.State() == daemon.Sealed {
				b.Unseal()
			}
			for _, r := range b.Records(Params{"action": "sign_event", "effect": "allow"}) {
				if r.Number("seq") > seq {
					t.Fatalf("record %d allows after the act was done at %d", r.Number("seq"), seq)
				}
			}
			signed := 0
			for _, q := range slices.Concat(flying...) {
				if !q.Answer().Failed() {
					signed++
				}
			}
			t.Logf("%d requests flew, %d were signed before the act", len(slices.Concat(flying...)), signed)
			b.Verify()
		})
	}
}

func TestWhatWasSuspendedOrLockedWorksAgainAndSurvivesRestarts(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	id := b.Connection("active")
	b.Admin("connection.suspend", Params{"id": id})
	b.CrashAndRestart()
	a.AskSign(1, "x").Fails("suspended")
	b.Admin("connection.resume", Params{"id": id})
	a.Sign(1, "x")
	b.Admin("key.lock", Params{"key": "herald"})
	b.CrashAndRestart()
	a.AskSign(1, "x").Fails("locked")
	if e := b.Admin("status", nil); e.Number("keys.locked") != 1 || e.Number("keys.unlocked") != 0 {
		t.Errorf("after a restart the keys are %v", e.At("keys"))
	}
	b.Admin("key.unlock", Params{"key": "herald"})
	a.Sign(1, "y")
	b.Verify()
}

func TestASealedBunkerTellsItsAppsAndNobodyElse(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	link := b.Token("herald", "all")
	thief := a.stranger()
	b.Admin("seal", nil)
	for _, q := range []*Asked{a.AskSign(1, "x"), a.Connect(), a.Ask(nip46.GetPublicKey), a.Ask(nip46.NIP44Encrypt, strings.Repeat("ab", 32), "x")} {
		q.Fails("restricted: this bunker is sealed")
	}
	newcomer := b.App(link)
	newcomer.Connect().Fails(strangerWords) // no token can be checked
	thief.Ask(nip46.Ping).Quiet()
	for command, p := range map[string]Params{"key.list": nil, "token.create": {"key": "herald", "client": "x"}, "stop.end": nil, "audit.list": nil} {
		if e := b.Refused(command, p); e.Code != bunker.CodeSealed || e.Hint == "" {
			t.Errorf("%s while sealed: %v", command, e)
		}
	}
	if s := b.Admin("status", nil); s.Text("state") != "sealed" {
		t.Errorf("the state is %q", s.Text("state"))
	}
	b.Unseal()
	a.Sign(1, "x")
	newcomer.Connect().Want("ack")
	b.Verify()
}

func TestARestartedBunkerIsSealedUntilThePassphraseComes(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Sign(1, "x")
	b.Stop()
	b.Run()
	if b.State() != daemon.Sealed {
		t.Fatalf("the state is %s", b.State())
	}
	a.AskSign(1, "y").Fails("sealed")
	if e := b.Refused("unseal", Params{"passphrase": "not the right passphrase"}); !strings.Contains(e.Words, "passphrase") {
		t.Errorf("a wrong passphrase is told %q", e.Words)
	}
	b.Unseal()
	a.Sign(1, "z")
	b.Verify()
}

// A decrypted text is stored under the root key: committed before the seal, sent
// only after the unseal.
func TestADecryptedTextThatWasNotDeliveredWaitsForTheUnseal(t *testing.T) {
	t.Parallel()
	relay := NewRelay(t)
	b := Start(t, Options{Relays: []string{relay.URL}})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	friend, err := nostr.GenerateKey(b.Arena)
	if err != nil {
		t.Fatal(err)
	}
	peer := friend.PubKey().String()
	sealed := a.Ask(nip46.NIP44Encrypt, peer, "secret text").Answer()
	if sealed.Failed() {
		t.Fatal(sealed.Error)
	}
	b.Until("the first is delivered", func() bool { return b.Admin("status", nil).Number("unreleased.waiting") == 0 })
	relay.Behave(Manners{Refuse: 100})
	offered := func() (n int) {
		for _, e := range relay.Seen() {
			if e.PubKey == a.Remote {
				n++
			}
		}
		return n
	}
	before := offered()
	decrypt, note := a.Prepare(nip46.NIP44Decrypt, peer, sealed.Result), a.Prepare(nip46.SignEvent, a.Note(1, "x"))
	for _, q := range []*Asked{decrypt, note} {
		relay.Hand(q.Event)
	}
	b.Until("both are committed", func() bool { return b.Admin("status", nil).Number("unreleased.waiting") == 2 })
	// What was on its way before the seal may arrive after it: it is refused first.
	b.Until("both were refused", func() bool { return offered() == before+2 })
	b.Admin("seal", nil)
	relay.Behave(Manners{})
	b.Pass(20 * time.Second)
	note.Signed() // needs no key any more
	b.Wake()
	decrypt.Quiet()
	b.Unseal()
	decrypt.Want("secret text")
	b.Verify()
}

func TestAStopHoldsThroughCrashAndUnsealUntilAnOwnerEndsIt(t *testing.T) {
	t.Parallel()
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed %t", sealed), func(t *testing.T) {
			b, a := signing(t)
			pending := b.Connected(b.Token("herald", ""))
			open := pending.AskSign(1, "open")
			b.Question()
			if sealed {
				b.Admin("seal", nil)
			}
			b.Admin("stop", nil)
			if !sealed {
				open.Fails("restricted")
			}
			b.CrashAndRestart()
			a.AskSign(1, "x").Fails("restricted")
			if s := b.Admin("status", nil); s.Text("state") != "stopped" || s.Number("keys.unlocked") != 0 {
				t.Fatalf("state %q, %d keys unlocked", s.Text("state"), s.Number("keys.unlocked"))
			}
			b.Admin("stop.end", nil)
			a.AskSign(1, "x").Fails("restricted") // one by one
			b.Admin("key.unlock", Params{"key": "herald"})
			for _, c := range b.Admin("connection.list", Params{"state": "suspended"}).Each("connections") {
				b.Admin("connection.resume", Params{"id": c.Text("id")})
			}
			a.Sign(1, "x")
			b.VerifyOutside()
		})
	}
}

func TestADeletedKeyCanBeBroughtBackUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	b.Admin("key.delete", Params{"key": "herald"})
	a.AskSign(1, "x").Fails("restricted")
	b.Pass(6 * 24 * time.Hour)
	b.CrashAndRestart()
	b.Admin("key.restore", Params{"key": "herald"})
	a.Sign(1, "x")
	b.Admin("key.delete", Params{"key": "herald"})
	b.Pass(8 * 24 * time.Hour)
	b.Chores()
	if n := len(b.Admin("key.list", nil).Each("keys")); n != 0 {
		t.Errorf("%d keys after the waiting period", n)
	}
	b.Refused("key.restore", Params{"key": "herald"})
	b.VerifyOutside()
}

func TestAKeyThatMustNotLeaveNeverLeaves(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.Admin("key.add", Params{"name": "held", "no_export": true}).Text("key.pubkey")
	b.AddKey("free")
	if got := b.Admin("key.export", Params{"key": "free", "password": "another good password"}).Text("ncryptsec"); !strings.HasPrefix(got, "ncryptsec1") {
		t.Fatalf("export gave %q", got)
	}
	e := b.Refused("key.export", Params{"key": "held", "password": "another good password"})
	if !strings.Contains(e.Words, "export") {
		t.Errorf("refused with %q", e.Words)
	}
	if e := b.Refused("key.set", Params{"key": "held", "no_export": false}); e.Code != bunker.CodeInvalid {
		t.Errorf("the flag can be asked for: %v", e)
	}
	b.CrashAndRestart()
	b.Refused("key.export", Params{"key": "held", "password": "another good password"})
	a := b.Connected(b.Token("held", "all"))
	if e := a.Sign(1, "x"); e.PubKey.String() != pub {
		t.Error("signed by another key")
	}
}

func TestARestoredBunkerSignsNothingUntilAnOwnerHasLooked(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	open := b.Token("herald", "all")
	limited := b.Connected(b.Token("herald", ""))
	b.Admin("connection.grant", Params{"id": connectionOf(b, limited), "perms": "sign_event:1", "uses": 5})
	limited.Sign(1, "one of five")
	old := a.Prepare(nip46.SignEvent, a.Note(1, "made before the restore"))
	file := filepath.Join(t.TempDir(), "bunker.backup")
	lock, err := age.GenerateX25519Identity() // a passphrase would take scrypt, twice
	if err != nil {
		t.Fatal(err)
	}
	b.Admin("backup.create", Params{"path": file, "recipient": lock.Recipient().String()})
	before := b.Admin("status", nil)
	b.Stop()

	if m, err := daemon.VerifyBackup(t.Context(), file, daemon.BackupKey{Identity: lock.String()}, quiet()); err != nil || m.Incarnation != before.Text("incarnation") {
		t.Fatalf("verifying the backup: %v, %v", m, err)
	}
	dir := t.TempDir()
	if _, err := daemon.Restore(t.Context(), file, daemon.BackupKey{Identity: lock.String()}, dir, quiet()); err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.Restore(t.Context(), file, daemon.BackupKey{Identity: lock.String()}, dir, quiet()); err == nil {
		t.Fatal("restored over a bunker")
	}
	b.Clock.Pass(2 * time.Second) // dates are whole seconds
	b.Dir = dir
	b.Run()
	b.Unseal()
	after := b.Admin("status", nil)
	if after.Text("incarnation") == before.Text("incarnation") || after.Number("incarnation_no") <= before.Number("incarnation_no") || after.Is("reviewed") {
		t.Errorf("incarnation %v, then %v", before.Text("incarnation"), after.Text("incarnation"))
	}
	a.AskSign(1, "x").Fails("restricted")
	b.App(open).Connect().Fails(strangerWords)
	b.Admin("key.unlock", Params{"key": "herald"})
	for _, c := range b.Admin("connection.list", Params{"state": "suspended"}).Each("connections") {
		b.Admin("connection.resume", Params{"id": c.Text("id")})
	}
	a.AskSign(1, "x").Fails("restored")
	b.Admin("connection.review", nil)
	a.Sign(1, "x")
	old.Send()
	if g := old.Answer(); !g.Failed() {
		t.Error("a request from before the restore was signed")
	}
	limited.AskSign(1, "the budget counts as spent").Quiet()
	b.Question()
	b.VerifyOutside()
}

func connectionOf(b *Bunker, a *App) string {
	b.t.Helper()
	for _, c := range b.Admin("connection.list", nil).Each("connections") {
		if c.Text("client") == a.Key.PubKey().String() {
			return c.Text("id")
		}
	}
	b.t.Fatal("the app has no connection")
	return ""
}

func TestAppsFollowAChangeOfRelays(t *testing.T) {
	t.Parallel()
	first, second := NewRelay(t), NewRelay(t)
	b := Start(t, Options{Relays: []string{first.URL}, Config: allow(second)})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	if a.Relays[0] != first.URL || len(a.Relays) != 1 {
		t.Fatalf("the link names %v", a.Relays)
	}
	// Where the app talks is not known before it asks.
	a.Ask(nip46.SwitchRelays).Want(`["` + first.URL + `"]`)
	a.Ask(nip46.SwitchRelays).Want("null")
	b.Admin("relay.add", Params{"url": second.URL})
	gone := b.Admin("relay.remove", Params{"url": first.URL})
	if gone.Number("relay.waiting") != 1 || gone.Text("relay.state") != "old" {
		t.Errorf("who has not switched: %v", gone.At("relay"))
	}
	a.Sign(1, "the old relay is still heard")
	a.Ask(nip46.SwitchRelays).Want(`["` + second.URL + `"]`)
	if w := b.Admin("relay.list", nil).Each("relays"); waiting(w, first.URL) != 0 {
		t.Errorf("still waiting for %d", waiting(w, first.URL))
	}
	moved := a.moved(second.URL)
	moved.Sign(1, "over the new one")
	b.CrashAndRestart()
	moved.Sign(1, "also after a crash")
	b.VerifyOutside()
}

func waiting(relays []Answer, url string) int {
	for _, r := range relays {
		if r.Text("url") == url {
			return r.Number("waiting")
		}
	}
	return -1
}

func TestABunkerThatIsNotSetUpSaysSoAndCanBeSetUp(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{NotSetUp: true})
	if b.State() != daemon.NotSetUp || b.SetupCode() == "" {
		t.Fatalf("state %s, code %q", b.State(), b.SetupCode())
	}
	if e := b.Refused("key.add", Params{"name": "x"}); !strings.Contains(e.Words, "not set up") || e.Hint != "nsecbunker setup" {
		t.Errorf("refused with %q, hint %q", e.Words, e.Hint)
	}
	for _, p := range []Params{{"passphrase": "short"}, {"passphrase": Passphrase, "admins": []Params{{"npub": "npub1x"}}}, {"passphrase": Passphrase, "relays": []string{"http://relay.example.com"}}} {
		b.Refused("setup", p)
		if b.State() != daemon.NotSetUp {
			t.Fatalf("%v left it %s", p, b.State())
		}
	}
	b.CrashAndRestart()
	b.SetUp()
	b.Refused("setup", Params{"passphrase": Passphrase})
	b.AddKey("herald")
	b.Connected(b.Token("herald", "all")).Sign(1, "x")
	b.Verify()
}

func TestTheFloorHoldsWhateverIsGranted(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	pub := b.Admin("key.show", Params{"key": "herald"}).Text("key.pubkey")
	id := b.Connection("active")
	b.Admin("connection.grant", Params{"id": id, "perms": "sign_event:24133,sign_event:24134,sign_event:22242,nip44_encrypt,nip44_decrypt"})
	now := unix(a.Now())
	for name, q := range map[string]*Asked{
		"speaks as signer":     a.Ask(nip46.SignEvent, `{"kind":24133,"created_at":`+now+`,"content":"","tags":[["p","`+pub+`"]]}`),
		"admin login here":     a.Ask(nip46.SignEvent, `{"kind":24134,"created_at":`+now+`,"content":"","tags":[["p","`+a.Remote.String()+`"]]}`),
		"our own relay":        a.Ask(nip46.SignEvent, `{"kind":22242,"created_at":`+now+`,"content":"","tags":[["relay","`+b.ListenURL()+`"],["challenge","x"]]}`),
		"encrypt to our key":   a.Ask(nip46.NIP44Encrypt, a.Remote.String(), "x"),
		"raw shared secret":    a.Ask("nip44_get_key", pub),
		"another account":      a.Ask(nip46.SignEvent, `{"kind":1,"created_at":`+now+`,"content":"","tags":[],"pubkey":"`+strings.Repeat("ab", 32)+`"}`),
		"an unknown method":    a.Ask("describe"),
		"no event":             a.Ask(nip46.SignEvent, "{}"),
		"two identical fields": a.Ask(nip46.SignEvent, `{"kind":1,"kind":2,"created_at":`+now+`,"content":"","tags":[]}`),
	} {
		t.Log(name+":", q.Fails())
	}
	if n := len(b.Questions()); n != 0 {
		t.Errorf("%d questions about what is never allowed", n)
	}
	a.Sign(nostr.Kind(1), "x")
}
