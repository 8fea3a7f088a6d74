package bunkertest

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

// A suspension and a pause for a time are rows, not timers: they hold over a crash,
// and end when the ledger's time has come.
func TestASuspensionAndAPauseForATimeSurviveACrashAndEndByTheClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act   func(b *Bunker)
		words string
	}{
		"suspend": {func(b *Bunker) { b.Admin("connection.suspend", Params{"id": b.Connection("active"), "for": "2h"}) }, "suspended until"},
		"pause":   {func(b *Bunker) { b.Admin("key.pause", Params{"key": "herald", "for": "2h"}) }, "paused until"},
	} {
		t.Run(name, func(t *testing.T) {
			b, a := signing(t)
			a.Sign(1, "before")
			c.act(b)
			a.AskSign(1, "x").Fails(c.words)
			a.Ask(nip46.Ping).Fails(c.words)
			a.Connect().Fails(c.words)
			b.CrashAndRestart()
			b.Pass(time.Hour)
			a.AskSign(1, "after an hour").Fails(c.words)
			b.Pass(time.Hour)
			a.Sign(1, "after two")
			a.Ask(nip46.Ping).Want("pong")
			b.Verify()
		})
	}
}

// A paused key differs from a locked one: it stays in memory, and says so.
func TestAPausedKeyGoesOnWithoutAnUnlock(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	other := b.Connected(b.Token("herald", "all"))
	b.Admin("key.pause", Params{"key": "herald"})
	for _, app := range []*App{a, other} {
		app.AskSign(1, "x").Fails("this account is paused")
	}
	if s := b.Admin("status", nil); s.Number("keys.unlocked") != 1 {
		t.Errorf("keys: %v", s.At("keys"))
	}
	b.Restart()
	a.AskSign(1, "x").Fails("paused")
	b.Admin("key.resume", Params{"key": "herald"})
	a.Sign(1, "y")
	other.Sign(1, "z")
	// Uses are written now and then, and shown as they are.
	if k := b.Admin("key.list", nil).Each("keys")[0]; k.Number("connections") != 2 || k.Number("uses") != 7 || k.Text("last_used") == "" {
		t.Errorf("the key's uses: %v", k)
	}
	b.Verify()
}

// An app with relays of its own is told of them, and is heard there before it comes.
func TestAnAppIsToldItsOwnRelaysAndHeardThere(t *testing.T) {
	t.Parallel()
	one, two := NewRelay(t), NewRelay(t)
	b := Start(t, Options{Relays: []string{one.URL, two.URL}})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	b.Admin("connection.relays", Params{"id": b.Connection("active"), "relays": []string{two.URL}})
	moved := a.Ask(nip46.SwitchRelays).Answer()
	if moved.Failed() || moved.Result != `["`+two.URL+`"]` {
		t.Fatalf("told %q %q", moved.Result, moved.Error)
	}
	there := a.moved(two.URL)
	there.Sign(1, "x")
	there.Ask(nip46.SwitchRelays).Want("null")
	b.Admin("connection.relays", Params{"id": b.Connection("active")})
	if back := there.Ask(nip46.SwitchRelays).Answer(); back.Failed() || !strings.Contains(back.Result, one.URL) {
		t.Errorf("told %q %q", back.Result, back.Error)
	}
	b.Verify()
}

// The log of a shared account says for whom each thing was signed; its chain holds no
// name, and the page of Python verifies it.
func TestTheLogOfASharedAccountSaysWhoPosted(t *testing.T) {
	t.Parallel()
	b := running(t)
	ada := b.Connected(b.Token("herald", "all", Params{"person": "Ada Lovelace"}))
	bob := b.Connected(b.Token("herald", "all", Params{"person": "Bob"}))
	ada.Sign(1, "by Ada")
	bob.Sign(1, "by Bob")
	ada.Sign(7, "+")
	recs := b.Records(Params{"person": "Ada Lovelace", "action": "sign_event"})
	if len(recs) != 2 || recs[0].Text("person") != "Ada Lovelace" {
		t.Errorf("Ada's: %v", recs)
	}
	if recs := b.Records(Params{"person": "Bob", "action": "sign_event"}); len(recs) != 1 {
		t.Errorf("Bob's: %v", recs)
	}
	b.Verify()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	b.Admin("audit.checkpoint", nil)
	text := ""
	for _, l := range b.Admin("audit.export", nil).At("lines").([]any) {
		text += l.(string) + "\n"
	}
	if strings.Contains(text, "Lovelace") || strings.Count(text, `"person":"`) < 3 {
		t.Errorf("the chain: %s", text)
	}
	file := filepath.Join(t.TempDir(), "export.jsonl")
	write(t, file, []byte(text))
	out, err := exec.Command(python, "../../docs/verify_audit.py", file).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "whole") {
		t.Errorf("%s %v", out, err)
	}
}

// A removed admin's next command is refused, and so is what a new role does not allow,
// from whatever door: the row is looked at in the change itself.
func TestARemovedAdminChangesNothingMore(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	pub := a.Key.PubKey() // any key will do
	npub := nip19.EncodeNpub(pub)
	b.Admin("admin.add", Params{"npub": npub, "role": "operator"})
	by := bunker.Principal{Name: npub, Role: bunker.Operator, Door: bunker.DoorSocket, PubKey: pub, Fresh: true}
	try := func() error {
		params, err := json.Marshal(Params{"key": "herald", "for": "1h"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Dispatch(t.Context(), by, "key.pause", params)
		return err
	}
	b.Admin("admin.remove", Params{"npub": npub})
	if err := try(); err == nil || bunker.AsError(err).Code != bunker.CodeRestricted {
		t.Errorf("after it was removed: %v", err)
	}
	a.Sign(1, "x")
	b.Admin("admin.add", Params{"npub": npub, "role": "operator"})
	if err := try(); err != nil {
		t.Error(err)
	}
	a.AskSign(1, "x").Fails("paused until")
	b.Verify()
}

// roleTrials is how often a role is taken away while its commands fly.
const roleTrials = 20

// A role that was taken away holds from the moment that the act returned, also for
// commands that were let in before: no record of theirs comes after the act's.
func TestARoleThatWasTakenAwayHoldsForCommandsUnderWay(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	pub := a.Key.PubKey() // any key will do
	npub := nip19.EncodeNpub(pub)
	by := bunker.Principal{Name: npub, Role: bunker.Operator, Door: bunker.DoorSocket, PubKey: pub}
	done := 0
	for trial := range roleTrials {
		b.Admin("admin.add", Params{"npub": npub, "role": "operator"})
		stop, flying := make(chan struct{}), make(chan struct{}, 4)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					params := []byte(`{"key":"herald","default":"` + []string{"ask", "deny"}[(i+n)%2] + `"}`)
					if _, err := b.Dispatch(t.Context(), by, "key.set", params); err == nil && n == 0 {
						flying <- struct{}{}
					}
				}
			})
		}
		<-flying
		if trial%2 == 0 {
			b.Admin("admin.remove", Params{"npub": npub})
		} else {
			b.Admin("admin.add", Params{"npub": npub, "role": "viewer"})
		}
		seq := b.Admin("status", nil).Number("audit.seq")
		close(stop)
		wg.Wait()
		for _, r := range b.Records(Params{"principal": npub}) {
			if done++; r.Number("seq") > seq {
				t.Fatalf("record %d of the admin came after his role went at %d", r.Number("seq"), seq)
			}
		}
		if trial%2 == 1 {
			b.Admin("admin.remove", Params{"npub": npub})
		}
	}
	t.Logf("%d trials, %d records of commands that were in time", roleTrials, done)
	b.Verify()
}
