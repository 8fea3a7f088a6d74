package bunkertest

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/daemon"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// followed is the list of accounts from the first to the last number, as tags.
func followed(first, last int) (tags nostr.Tags) {
	for i := first; i <= last; i++ {
		tags = append(tags, nostr.Tag{"p", fmt.Sprintf("%064x", i)})
	}
	return tags
}

// listEvent is an event with tags and content, dated by the app's clock.
func listEvent(a *App, kind nostr.Kind, tags nostr.Tags, content string) string {
	t := nostr.Template{Kind: kind, CreatedAt: a.Now().Unix(), Tags: tags, Content: content}
	return string(t.AppendJSON(nil))
}

// follows is a follow list of n accounts.
func follows(a *App, n int) string { return listEvent(a, 3, followed(1, n), "") }

// asked fails the test unless a request waits for a person, and returns what is shown.
func (q *Asked) asked(b *Bunker) Answer {
	b.t.Helper()
	b.Until("a person is asked", func() bool { return len(b.Questions()) > 0 || len(q.Got()) > 0 })
	q.Quiet()
	return b.Question()
}

func TestAFollowListThatAnAppWipesIsAskedWhateverThePolicyAllows(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	full := a.Ask(nip46.SignEvent, follows(a, 500)).Signed()
	wipe := a.Ask(nip46.SignEvent, follows(a, 3))
	q := wipe.asked(b)
	if got := q.Text("card.guard"); got != "497 of 500 entries would be lost" {
		t.Errorf("the question says %q", got)
	}
	if !q.Is("once_only") || q.Number("card.changes.removed") != 497 || len(q.List("card.changes.removed_list")) == 0 ||
		q.Text("card.changes.base") != full.ID.String() {
		t.Errorf("the question shows %v", q)
	}
	b.Reply(Params{"deny": true})
	wipe.Fails("restricted: an administrator refused this request")
	if n := len(b.Admin("key.versions", Params{"key": "herald"}).List("versions")); n != 1 {
		t.Errorf("%d versions are kept after the refusal, want 1", n)
	}

	again := a.Ask(nip46.SignEvent, follows(a, 3))
	again.asked(b)
	b.Reply(nil)
	if e := again.Signed(); len(e.Tags) != 3 {
		t.Errorf("signed %d follows", len(e.Tags))
	}
	// The answer was for once, and for what was lost then.
	a.Ask(nip46.SignEvent, follows(a, 500)).Signed()
	third := a.Ask(nip46.SignEvent, follows(a, 3))
	third.asked(b)
	if n := len(b.Records(Params{"action": "sign_event", "effect": "allow"})); n != 3 {
		t.Errorf("%d signatures are in the log, want 3", n)
	}
	for _, r := range b.Records(Params{"action": "sign_event", "effect": "ask"}) {
		if !strings.HasPrefix(r.Text("rule"), "guard") || !strings.Contains(r.Text("reason"), "of 500 entries would be lost") {
			t.Errorf("a record says %q, %q", r.Text("rule"), r.Text("reason"))
		}
	}
	b.VerifyOutside()
}

func TestAWipedListIsBroughtBackWithOneCommandAndPublished(t *testing.T) {
	t.Parallel()
	home, app := NewRelay(t), NewRelay(t)
	b := Start(t, Options{Relays: []string{app.URL}, Config: allow(home)})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all,sign_event:10002"))
	a.Ask(nip46.SignEvent, listEvent(a, 10002, nostr.Tags{{"r", home.URL}, {"r", "wss://read.example.com", "read"}}, "")).Signed()
	full := a.Ask(nip46.SignEvent, follows(a, 500)).Signed()
	wipe := a.Ask(nip46.SignEvent, follows(a, 3))
	wipe.asked(b)
	b.Reply(nil)
	wiped := wipe.Signed()

	shown := b.Admin("key.version.show", Params{"key": "herald", "event": full.ID.String()[:12]})
	if shown.Text("event_json") != string(full.AppendJSON(nil)) || shown.Number("changes.added") != 497 {
		t.Errorf("shown: %v", shown)
	}
	back := b.Admin("key.version.restore", Params{"key": "herald", "event": full.ID.String()[:12]})
	e, err := nostr.ParseEvent([]byte(back.Text("event_json")))
	if err != nil || e.Verify() != nil || e.PubKey != full.PubKey || len(e.Tags) != 500 || e.CreatedAt <= wiped.CreatedAt || e.ID.String() != back.Text("event") {
		t.Fatalf("restored %v, %v", back, err)
	}
	if r := back.Each("relays"); len(r) != 1 || r[0].Text("url") != home.URL || !r[0].Is("ok") {
		t.Errorf("the relays said %v", r)
	}
	if !slices.ContainsFunc(home.Seen(), func(s *nostr.Event) bool { return s.ID == e.ID }) {
		t.Error("the account's relay has not seen it")
	}
	list := b.Admin("key.versions", Params{"key": "herald", "kind": 3}).Each("versions")
	if len(list) != 3 || list[0].Text("event") != e.ID.String() || !list[0].Is("current") || list[0].Text("app") != "" || list[0].Number("entries") != 500 ||
		list[2].Text("app") != "app" || list[1].Is("current") {
		t.Errorf("kept: %v", list)
	}
	rec := b.Records(Params{"action": "key.version.restore"})
	if len(rec) != 1 || rec[0].Text("principal") != "local" || rec[0].Text("signed") != e.ID.String() || rec[0].Text("connection") != "this-bunker" {
		t.Errorf("recorded: %v", rec)
	}
	b.Until("the ledger knows that a relay took it", func() bool {
		st := b.Admin("status", nil)
		return st.At("unreleased.waiting") == 0.0 && st.At("unreleased.undeliverable") == 0.0
	})
	// And what comes next is compared with it.
	a.Ask(nip46.SignEvent, listEvent(a, 3, followed(1, 3), "")).asked(b)
	b.VerifyOutside()
}

func TestWhatAListLosesIsAskedByItsShare(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	a.Ask(nip46.SignEvent, follows(a, 80)).Signed() // 20 of 100 is the share itself
	a.Ask(nip46.SignEvent, follows(a, 63)).asked(b) // 17 of 80 is more
	b.Reply(Params{"deny": true})
	b.Admin("key.guard", Params{"key": "herald", "share": "50"})
	a.Ask(nip46.SignEvent, follows(a, 55)).Signed() // 25 of 80, and 45 of the 100
	b.Admin("key.guard", Params{"key": "herald", "share": "100"})
	a.Ask(nip46.SignEvent, follows(a, 1)).Signed()
	a.Ask(nip46.SignEvent, follows(a, 0)).asked(b) // everything is always asked
	b.Reply(Params{"deny": true})
	b.Admin("key.guard", Params{"key": "herald", "share": "off"})
	a.Ask(nip46.SignEvent, listEvent(a, 3, nil, "none")).Signed()
	if k := b.Admin("key.show", Params{"key": "herald"}); k.Text("key.guard") != "off" {
		t.Errorf("the key shows %v", k)
	}
	for _, bad := range []string{"", "0", "101", "-1", "20%", "1e1", "007", "everything"} {
		if e := b.Refused("key.guard", Params{"key": "herald", "share": bad}); e.Field != "share" {
			t.Errorf("%q: %v", bad, e)
		}
	}
	b.VerifyOutside()
}

func TestALossInSmallStepsAddsUp(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	b.Pass(time.Minute)
	a.Ask(nip46.SignEvent, follows(a, 90)).Signed()
	b.Pass(time.Minute)
	a.Ask(nip46.SignEvent, follows(a, 80)).Signed()
	b.Pass(time.Minute)
	step := a.Ask(nip46.SignEvent, follows(a, 70))
	if got := step.asked(b).Text("card.guard"); !strings.HasPrefix(got, "30 of the 100 entries of 3m") || !strings.HasSuffix(got, "in small steps") {
		t.Errorf("the question says %q", got)
	}
	b.Reply(nil)
	step.Signed()
	// From what a person agreed to, it is counted anew.
	a.Ask(nip46.SignEvent, follows(a, 60)).Signed()
	step = a.Ask(nip46.SignEvent, follows(a, 55)) // 15 of 70
	step.asked(b)
	b.Reply(Params{"deny": true})
	// What happened more than a day ago does not count.
	b.Pass(25 * time.Hour)
	a.Ask(nip46.SignEvent, follows(a, 55)).Signed()
	// Growing is never asked.
	a.Ask(nip46.SignEvent, follows(a, 200)).Signed()
	b.VerifyOutside()
}

// TestSavingOftenHidesNoLossInSmallSteps: what the steps are counted from is not
// forgotten before its time, however many versions come after it.
func TestSavingOftenHidesNoLossInSmallSteps(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	for n := 99; n > 80; n-- {
		b.Pass(time.Second)
		a.Ask(nip46.SignEvent, follows(a, n)).Signed()
	}
	for n := range 6 { // without a loss, by which the first versions are forgotten
		b.Pass(time.Second)
		a.Ask(nip46.SignEvent, listEvent(a, 3, followed(1, 81), fmt.Sprint(n))).Signed()
	}
	b.Pass(time.Second)
	step := a.Ask(nip46.SignEvent, follows(a, 78))
	if got := step.asked(b).Text("card.guard"); !strings.HasPrefix(got, "22 of the 100 entries of") {
		t.Errorf("the question says %q", got)
	}
	b.VerifyOutside()
}

func TestAnEventThatIsOlderThanTheLastIsAsked(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	last := a.Ask(nip46.SignEvent, follows(a, 10)).Signed()
	old := nostr.Template{Kind: 3, CreatedAt: last.CreatedAt - 300, Tags: followed(1, 12)}
	q := a.Ask(nip46.SignEvent, string(old.AppendJSON(nil)))
	if got := q.asked(b).Text("card.guard"); got != "it is dated 5m0s before the last version" {
		t.Errorf("the question says %q", got)
	}
	b.Reply(nil)
	q.Signed()
	// Relays hold the later one, so that is what the next is compared with.
	a.Ask(nip46.SignEvent, follows(a, 11)).Signed()
	list := b.Admin("key.versions", Params{"key": "herald"}).Each("versions")
	if len(list) != 3 {
		t.Errorf("%d versions", len(list))
	}
}

func TestEachAddressHasVersionsOfItsOwn(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	text := strings.Repeat("A long article. ", 100)
	a.Ask(nip46.SignEvent, listEvent(a, 30023, nostr.Tags{{"d", "first"}}, text)).Signed()
	a.Ask(nip46.SignEvent, listEvent(a, 30023, nostr.Tags{{"d", "second"}}, "short")).Signed()
	cut := a.Ask(nip46.SignEvent, listEvent(a, 30023, nostr.Tags{{"d", "first"}}, "short"))
	if got := cut.asked(b).Text("card.guard"); got != "its text would shrink from 1600 to 5 bytes" {
		t.Errorf("the question says %q", got)
	}
	b.Reply(Params{"deny": true})
	profile := a.Ask(nip46.SignEvent, listEvent(a, 0, nil, `{"name":"a","about":"b","picture":"c","nip05":"d@e.f"}`))
	profile.Signed()
	wipe := a.Ask(nip46.SignEvent, listEvent(a, 0, nil, `{"name":"a","lud16":"x@y.z"}`))
	if got := wipe.asked(b).Text("card.guard"); got != "3 of 4 fields would be lost" {
		t.Errorf("the question says %q", got)
	}
	// Kinds that take no other's place are neither kept nor asked.
	a.Sign(1, "a note")
	if n := len(b.Admin("key.versions", Params{"key": "herald"}).List("versions")); n != 3 {
		t.Errorf("%d versions, want 3", n)
	}
}

// Two apps save the list at the same time: whichever comes second is compared with
// the first, however close they are.
func TestOfTwoAtTheSameTimeTheSecondIsComparedWithTheFirst(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	other := b.Connected(b.Token("herald", "all"))
	a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	for round := range 20 {
		b.Clock.Pass(6 * time.Minute) // or three nos would end it
		a.Ask(nip46.SignEvent, listEvent(a, 3, followed(1, 100), fmt.Sprint(round))).Signed()
		reqs := []*Asked{
			a.Prepare(nip46.SignEvent, listEvent(a, 3, followed(1, 81), "")),
			other.Prepare(nip46.SignEvent, listEvent(other, 3, followed(20, 100), "")),
		}
		var wg sync.WaitGroup
		for _, q := range reqs {
			wg.Go(q.Send)
		}
		wg.Wait()
		a.Fence()
		other.Fence()
		b.Until("one is signed, the other asked", func() bool { return len(reqs[0].Got())+len(reqs[1].Got()) == 1 && len(b.Questions()) == 1 })
		b.Reply(Params{"deny": true})
		signed := 0
		for _, q := range reqs {
			if !q.Answer().Failed() {
				signed++
			}
		}
		if signed != 1 {
			t.Fatalf("round %d: %d of two were signed", round, signed)
		}
	}
}

func TestAnAnswerCoversWhatWasShownAndNoOtherLoss(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	wipe := a.Ask(nip46.SignEvent, follows(a, 3))
	wipe.asked(b)
	// While the question is open, the list grows elsewhere.
	a.Ask(nip46.SignEvent, follows(a, 120)).Signed()
	b.Reply(nil)
	wipe.Fails("the approval no longer covers this request")
	again := a.Ask(nip46.SignEvent, follows(a, 3))
	if got := again.asked(b).Text("card.guard"); got != "117 of 120 entries would be lost" {
		t.Errorf("the question says %q", got)
	}
	b.Reply(nil)
	again.Signed()
}

func TestALateYesCoversTheNextTryAsLongAsTheLossIsTheSame(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	for _, same := range []bool{true, false} {
		wipe := a.Ask(nip46.SignEvent, follows(a, 3))
		wipe.asked(b)
		b.Pass(31 * time.Second)
		wipe.Fails("not yet approved")
		b.Reply(nil)
		if !same {
			a.Ask(nip46.SignEvent, listEvent(a, 3, followed(1, 120), "")).Signed()
		}
		again := a.Ask(nip46.SignEvent, follows(a, 3))
		if !same {
			if got := again.asked(b).Text("card.guard"); got != "117 of 120 entries would be lost" {
				t.Errorf("the question says %q", got)
			}
			break
		}
		again.Signed()
		a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	}
}

// What was kept and does not open any more is no reason to sign whatever comes.
func TestAVersionThatWasChangedOnTheDiskIsAskedAbout(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	b.Stop()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.Dir, daemon.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("UPDATE kept_version SET created_at = created_at - 1000")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	b.again()
	a = a.again()
	q := a.Ask(nip46.SignEvent, follows(a, 101))
	if got := q.asked(b).Text("card.guard"); !strings.Contains(got, "cannot be read") {
		t.Errorf("the question says %q", got)
	}
	b.Reply(nil)
	q.Signed()
	a.Ask(nip46.SignEvent, follows(a, 102)).Signed() // and all is well again
}

func TestVersionsAndQuestionsOutliveAKill(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	full := a.Ask(nip46.SignEvent, follows(a, 50)).Signed()
	wipe := a.Ask(nip46.SignEvent, follows(a, 2))
	wipe.asked(b)
	b.CrashAndRestart()
	a = a.again()
	if got := b.Question().Text("card.guard"); got != "48 of 50 entries would be lost" {
		t.Errorf("after the kill the question says %q", got)
	}
	b.Reply(nil)
	late := &Asked{wipe.ID, wipe.Event, a}
	late.Signed()
	b.CrashAndRestart()
	a = a.again()
	b.Refused("key.version.restore", Params{"key": "herald", "event": full.ID.String()}) // there is no relay but ours
	list := b.Admin("key.versions", Params{"key": "herald"}).Each("versions")
	if len(list) != 2 || list[1].Text("event") != full.ID.String() {
		t.Errorf("kept: %v", list)
	}
	a.Ask(nip46.SignEvent, listEvent(a, 3, nil, "")).asked(b)
	b.VerifyOutside()
}

// A commit that fails leaves neither a signature nor a version.
func TestAVersionIsKeptWithItsSignatureOrNot(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	b.Faults().Set(func(point string) error {
		if point == "keep" {
			return errCrashed
		}
		return nil
	})
	q := a.Prepare(nip46.SignEvent, follows(a, 50))
	if err := a.Publish(q.Event); err == nil {
		t.Error("the relay took a request that was not stored")
	}
	q.Quiet()
	b.Faults().Set(nil)
	if n := len(b.Admin("key.versions", Params{"key": "herald"}).List("versions")); n != 0 {
		t.Errorf("%d versions of what was never signed", n)
	}
	q.Send()
	q.Signed()
	if n := len(b.Admin("key.versions", Params{"key": "herald"}).List("versions")); n != 1 {
		t.Errorf("%d versions", n)
	}
}
