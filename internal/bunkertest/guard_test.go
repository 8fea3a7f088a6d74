package bunkertest

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
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
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 100)).Signed()
	a.Ask(nip46.SignEvent, follows(a, 80)).Signed() // 20 of 100 is the share itself
	a.Ask(nip46.SignEvent, follows(a, 63)).asked(b) // 17 of 80 is more
	b.Reply(Params{"deny": true})
	b.Admin("key.guard", Params{"key": "herald", "share": "50"})
	a.Ask(nip46.SignEvent, follows(a, 40)).Signed()
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

func TestAnEventThatIsOlderThanTheLastIsAsked(t *testing.T) {
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 10)).Signed()
	old := nostr.Template{Kind: 3, CreatedAt: a.Now().Unix() - 300, Tags: followed(1, 12)}
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

func TestAKeyThatWasBroughtAlongIsAskedOnceForEachList(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	r := b.Admin("key.import", Params{"name": "herald", "secret": hex.EncodeToString(planted)})
	if r.Text("key.baseline") != "unknown" || r.Is("baseline.known") || len(r.List("warnings")) == 0 {
		t.Errorf("imported: %v", r)
	}
	a := b.Connected(b.Token("herald", "all,sign_event:10002"))
	for _, kind := range []nostr.Kind{0, 3, 10000, 10002, 11111} {
		q := a.Ask(nip46.SignEvent, listEvent(a, kind, followed(1, 5), "{}"))
		if got := q.asked(b).Text("card.guard"); !strings.Contains(got, "does not know the version before") {
			t.Errorf("kind %d: %q", kind, got)
		}
		b.Reply(nil)
		q.Signed()
		a.Ask(nip46.SignEvent, listEvent(a, kind, followed(1, 6), "{}")).Signed()
	}
	a.Ask(nip46.SignEvent, listEvent(a, 30023, nostr.Tags{{"d", "x"}}, "an article")).Signed()
	b.VerifyOutside()
}

func TestAnImportFetchesWhatTheAccountHas(t *testing.T) {
	t.Parallel()
	home, app, hints := NewRelay(t), NewRelay(t), NewRelay(t)
	b := Start(t, Options{Relays: []string{app.URL}, Config: allow(home, hints)})
	self, err := nostr.GenerateKey(b.Arena)
	if err != nil {
		t.Fatal(err)
	}
	hand := func(r *Relay, kind nostr.Kind, age int64, tags nostr.Tags, content string, spoil bool) *nostr.Event {
		e := &nostr.Event{Kind: kind, CreatedAt: b.Clock.Now().Unix() - age, Tags: tags, Content: content}
		if err := self.Sign(e); err != nil {
			t.Fatal(err)
		}
		if spoil {
			e.Sig[3] ^= 1
		}
		r.Hand(e)
		return e
	}
	// The relay that is named has the list of relays alone; that names the home.
	hand(hints, 10002, 900, nostr.Tags{{"r", home.URL, "write"}, {"r", "ws://127.0.0.1:1", "read"}}, "", false)
	hand(home, 3, 1000, followed(1, 10), "", false)
	newest := hand(home, 3, 500, followed(1, 200), "", false)
	hand(home, 3, 10, followed(1, 1), "", true) // forged
	hand(home, 0, 500, nil, `{"name":"n","about":"b","picture":"p"}`, false)
	hand(home, 1, 500, nil, "a note", false)

	var secret []byte
	if err := self.Use(func(raw []byte) { secret = []byte(hex.EncodeToString(raw)) }); err != nil {
		t.Fatal(err)
	}
	r := b.Admin("key.import", Params{"name": "herald", "secret": string(secret), "relays": []string{hints.URL}})
	if r.Text("key.baseline") != "fetched" || !r.Is("baseline.known") || fmt.Sprint(r.List("baseline.kinds")) != "[0 3 10002]" || len(r.List("warnings")) != 1 {
		t.Errorf("imported: %v", r)
	}
	list := b.Admin("key.versions", Params{"key": "herald", "kind": 3}).Each("versions")
	if len(list) != 1 || list[0].Text("event") != newest.ID.String() || !list[0].Is("fetched") || list[0].Number("entries") != 200 {
		t.Errorf("kept: %v", list)
	}
	a := b.Connected(b.Token("herald", "all"))
	a.Ask(nip46.SignEvent, listEvent(a, 3, followed(1, 201), "")).Signed()
	a.Ask(nip46.SignEvent, listEvent(a, 10000, followed(1, 2), "")).Signed() // asked for, and there was none
	wipe := a.Ask(nip46.SignEvent, listEvent(a, 0, nil, `{"name":"n"}`))
	if got := wipe.asked(b).Text("card.guard"); got != "2 of 3 fields would be lost" {
		t.Errorf("the question says %q", got)
	}
	b.Reply(Params{"deny": true})
	a.Ask(nip46.SignEvent, listEvent(a, 11111, followed(1, 2), "")).asked(b) // not asked for
	b.Reply(Params{"deny": true})

	// Later something newer is there, by another app.
	hand(home, 3, -5, followed(1, 300), "", false)
	again := b.Admin("key.baseline", Params{"key": "herald"})
	if again.Number("baseline.kept") != 1 {
		t.Errorf("fetched again: %v", again)
	}
	b.VerifyOutside()
}

func TestAnImportSucceedsWhenNoRelayAnswers(t *testing.T) {
	t.Parallel()
	dead := "ws://" + FreeAddress(t)
	b := Start(t, Options{Relays: []string{dead}})
	r := b.Admin("key.import", Params{"name": "herald", "secret": hex.EncodeToString(planted)})
	if r.Text("key.state") != "active" || r.Text("key.baseline") != "unknown" || r.Is("baseline.relays.0.ok") || r.Text("baseline.relays.0.words") == "" {
		t.Errorf("imported: %v", r)
	}
	if !strings.Contains(fmt.Sprint(r.List("warnings")), "no relay answered") {
		t.Errorf("warned: %v", r.List("warnings"))
	}
	quiet := b.Admin("key.import", Params{"name": "quiet", "secret": strings.Repeat("11", 32), "no_baseline": true})
	if len(quiet.List("baseline.relays")) != 0 {
		t.Errorf("asked all the same: %v", quiet)
	}
}

func TestKeptVersionsAreReadByNobodyWhileSealedAndStandNowhereInTheOpen(t *testing.T) {
	b, a := signing(t)
	const marker, slug = "marker of content that is kept", "marker-of-a-d-tag"
	follow := fmt.Sprintf("%064x", 0xfeedc0de)
	a.Ask(nip46.SignEvent, listEvent(a, 30078, nostr.Tags{{"d", slug}, {"x", follow}}, strings.Repeat(marker, 20))).Signed()
	q := a.Ask(nip46.SignEvent, listEvent(a, 30078, nostr.Tags{{"d", slug}}, "short"))
	q.asked(b)
	id := b.Admin("key.versions", Params{"key": "herald"}).Text("versions.0.event")
	if d := b.Admin("key.versions", Params{"key": "herald"}).Text("versions.0.d"); d != slug {
		t.Errorf("d is %q", d)
	}
	b.Admin("seal", nil)
	for _, command := range []string{"key.versions", "key.version.show", "key.version.restore", "key.baseline", "key.guard"} {
		p := Params{"key": "herald", "event": id, "share": "off"}
		switch command {
		case "key.versions", "key.baseline":
			p = Params{"key": "herald"}
		case "key.guard":
			delete(p, "event")
		default:
			delete(p, "share")
		}
		if e := b.Refused(command, p); e.Code != bunker.CodeSealed {
			t.Errorf("%s while sealed: %v", command, e)
		}
	}
	a.Ask(nip46.SignEvent, listEvent(a, 3, nil, "")).Fails("sealed")
	b.Stop()
	searched := 0
	err := filepath.WalkDir(b.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		in, err := os.ReadFile(path)
		searched += len(in)
		for _, needle := range []string{marker, slug, follow[32:]} {
			if bytes.Contains(in, []byte(needle)) {
				t.Errorf("%s holds %q", filepath.Base(path), needle)
			}
		}
		return err
	})
	if err != nil || searched < 10_000 {
		t.Errorf("searched %d bytes: %v", searched, err)
	}
}

func TestVersionsAreErasedWithTheirKey(t *testing.T) {
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 5)).Signed()
	b.Admin("key.delete", Params{"key": "herald"})
	if n := len(b.Admin("key.versions", Params{"key": "herald"}).List("versions")); n != 1 {
		t.Errorf("%d versions while the key can be brought back", n)
	}
	b.Pass(8 * 24 * time.Hour)
	b.Chores()
	b.Stop()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.Dir, daemon.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM kept_version").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d versions outlive their key: %v", n, err)
	}
}

// Killed at the moment when the app has its list signed, the bunker has kept it: what
// comes after the restart is compared with it.
func TestWhoHasASignedListFindsItKeptAfterSIGKILL(t *testing.T) {
	t.Parallel()
	kills := times(100)
	var uri string
	p := NewProcess(t, nil, func(b *Bunker) {
		b.AddKey("herald")
		uri = b.Token("herald", "all")
	})
	u, err := nip46.ParseBunkerURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	a := NewApp(t, newArena(t), new(Clock).Now, u.Remote, u.Secret, u.Relays)
	a.Connect().Want("ack")
	for kill := range kills {
		full := a.Prepare(nip46.SignEvent, listEvent(a, 3, followed(1, 50+kill%5), fmt.Sprint("list ", kill)))
		go func() { _ = a.Publish(full.Event) }() // the kill may come before its OK
		e := full.Signed()
		p.Kill()
		p.Start()
		list := p.Admin("key.versions", Params{"key": "herald", "limit": 1}).Each("versions")
		if len(list) != 1 || list[0].Text("event") != e.ID.String() {
			t.Fatalf("kill %d: the last version is %v, want %s", kill, list, e.ID)
		}
		a = a.again()
	}
	wipe := a.Ask(nip46.SignEvent, listEvent(a, 3, followed(1, 2), ""))
	a.Fence()
	wipe.Quiet()
	q := p.Admin("approval.list", nil).Each("approvals")
	if len(q) != 1 || !strings.HasSuffix(q[0].Text("card.guard"), "entries would be lost") {
		t.Errorf("asked: %v", q)
	}
}
