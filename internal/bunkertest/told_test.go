package bunkertest

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/daemon"
	"nsecbunker/nostr/nip46"
)

func (b *Bunker) hook(name string, r *receiver, more ...Params) {
	b.t.Helper()
	p := Params{"name": name, "kind": "webhook", "target": r.URL + "/" + name}
	for _, m := range more {
		for k, v := range m {
			p[k] = v
		}
	}
	b.Admin("notify.add", p)
}

// to are the bodies that came for a channel.
func (r *receiver) to(name string) (out []string) {
	for _, p := range r.posts() {
		if p.path == "/"+name {
			out = append(out, p.body)
		}
	}
	return out
}

func TestASecondPersonIsToldOnlyOfWhatTheFirstDidNotAnswer(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	b.hook("first", r)
	b.hook("second", r, Params{"after": "5m"})
	a.AskSign(1, "one")
	b.Until("the first is told", func() bool { return len(r.to("first")) == 1 })
	b.Reply(nil)
	b.Pass(6 * time.Minute)
	a.AskSign(1, "two")
	b.Until("the first is told again", func() bool { return len(r.to("first")) == 2 })
	if got := r.to("second"); len(got) != 0 {
		t.Fatalf("the second was told at once: %q", got)
	}
	b.Pass(6 * time.Minute)
	b.Until("the second is told", func() bool { return len(r.to("second")) == 1 })
	if got := r.to("second")[0]; !strings.Contains(got, "A question waits for you.") {
		t.Errorf("the second was told of an answered question: %s", got)
	}
}

func TestQuietHoursHoldQuestionsAndLetAlarmsPass(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	now := b.Clock.Now().UTC()
	quiet := now.Add(-time.Hour).Format("15:04") + "-" + now.Add(2*time.Hour).Format("15:04")
	b.hook("night", r, Params{"quiet": quiet})
	b.hook("day", r)
	a.AskSign(1, "one")
	b.Until("the other is told", func() bool { return len(r.to("day")) == 1 })
	b.Admin("stop", nil)
	b.Pass(time.Minute)
	b.Until("both hear the alarm", func() bool {
		return slices.ContainsFunc(r.to("night"), func(s string) bool { return strings.Contains(s, "stopped") })
	})
	if got := r.to("night"); len(got) != 1 || strings.Contains(got[0], "question") {
		t.Errorf("in the quiet hours: %q", got)
	}
}

func TestWhatWaitedThroughQuietHoursIsToldAfterThem(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	now := b.Clock.Now().UTC()
	b.hook("night", r, Params{"quiet": now.Add(-time.Hour).Format("15:04") + "-" + now.Add(time.Hour).Format("15:04")})
	b.hook("day", r)
	a.AskSign(1, "one")
	b.Until("the other is told", func() bool { return len(r.to("day")) == 1 })
	if got := r.to("night"); len(got) != 0 {
		t.Errorf("in the quiet hours: %q", got)
	}
	b.Pass(90 * time.Minute)
	b.Until("it is told afterwards", func() bool { return len(r.to("night")) == 1 })
}

func TestDetailsNameTheAppAndTheKeyAndNeverTheContent(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	b.hook("full", r, Params{"details": true})
	a.AskSign(1, "a very private note")
	p := b.told(r, 1)[0]
	if !strings.Contains(p.body, "herald") || !strings.Contains(p.body, "app, for the key") || !strings.Contains(p.body, b.Question().Text("id")) {
		t.Errorf("no details in %s", p.body)
	}
	if strings.Contains(p.body, "private") {
		t.Errorf("the content is in %s", p.body)
	}
}

func TestWhatCannotBeSentIsTriedAgainAndThenListed(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	b.hook("ops", r)
	r.answer(http.StatusInternalServerError)
	a.AskSign(1, "one")
	tries := func() int {
		b.t.Helper()
		f := b.Admin("notify.list", nil).Each("failed")
		if len(f) == 0 {
			return 0
		}
		return f[0].Number("tries")
	}
	for n, at := 0, 0; tries() == 0; n++ {
		if n > 60 {
			t.Fatal("it is never given up")
		}
		b.Until("it is tried", func() bool { return r.count() > at || tries() > 0 })
		at = r.count() // before time passes: the next try may come at once
		b.Pass(31 * time.Minute)
	}
	failed := b.Admin("notify.list", nil).Each("failed")
	if len(failed) != 1 || failed[0].Text("kind") != "question" || !strings.Contains(failed[0].Text("error"), "500") {
		t.Errorf("listed are %v", failed)
	}
	warned := b.Admin("status", nil).List("warnings")
	if !slices.ContainsFunc(warned, func(w any) bool { s, _ := w.(string); return strings.Contains(s, "notices could not be sent") }) {
		t.Errorf("status warns of %v", warned)
	}
}

func TestAnEndpointThatIsGoneIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	b.hook("ops", r)
	r.answer(http.StatusGone)
	a.AskSign(1, "one")
	b.Until("it is listed", func() bool { return len(b.Admin("notify.list", nil).List("failed")) == 1 })
	if r.count() != 1 {
		t.Errorf("it was tried %d times", r.count())
	}
}

// TestAKillBetweenTheQuestionAndTheNoticeLosesNothing, and sends nothing twice
// that was noted as sent: the real program and a real SIGKILL.
func TestAKillBetweenTheQuestionAndTheNoticeLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	t.Parallel()
	r, relay := newReceiver(t), NewRelay(t)
	var uri string
	p := NewProcess(t, []string{relay.URL}, func(b *Bunker) {
		b.config.Allow = append(b.config.Allow, r.host)
		b.AddKey("herald")
		uri = b.Token("herald", "")
	})
	app := processApp(t, uri)
	p.Admin("notify.add", Params{"name": "ops", "kind": "webhook", "target": r.URL + "/ops"})
	r.answer(http.StatusServiceUnavailable) // so that nothing is told before the kill
	app.AskSign(1, "one")
	until(t, "the question is there", func() bool { return len(p.Admin("approval.list", nil).List("approvals")) == 1 })
	p.Kill()
	r.answer(http.StatusOK)
	p.Start()
	until(t, "it is told after the start", func() bool { return len(r.to("ops")) == 1 })
	until(t, "it is noted", func() bool { return waitingIn(t, p) == 0 })
	p.Kill()
	p.Start()
	app.AskSign(1, "two")
	until(t, "the second is told", func() bool { return len(r.to("ops")) == 2 })
	for _, body := range r.to("ops") {
		if !strings.Contains(body, "A question waits for you.") {
			t.Errorf("something was told twice: %s", body)
		}
	}
}

// waitingIn counts the notices that wait in a running program's store.
func waitingIn(t *testing.T, p *Process) (n int) {
	t.Helper()
	return noticesIn(t, p.Dir, "waiting")
}

// noticesIn counts the notices in a store that are in a state; "": all of them.
func noticesIn(t *testing.T, dir, state string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, daemon.DatabaseFile)+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	err = db.QueryRow(`SELECT count(*) FROM notice WHERE $1 IN ('', state)`, state).Scan(&n)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestASealedBunkerTellsThatItIsSealed(t *testing.T) {
	t.Parallel()
	b, _, r := telling(t)
	b.hook("ops", r, Params{"classes": []string{"alarms"}})
	b.hook("moved", r, Params{"classes": []string{"alarms"}})
	b.opts.Sealed = true
	b.Stop()
	// Somebody who can write to the database redirects a channel.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.Dir, daemon.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`UPDATE notify_channel SET settings = replace(settings, '/moved', '/thief') WHERE name = 'moved'`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	b.Run()
	b.Pass(2 * time.Minute)
	b.Until("the alarm comes", func() bool { return len(r.to("ops")) == 1 })
	if !strings.Contains(r.to("ops")[0], "sealed") {
		t.Errorf("told was %q", r.to("ops"))
	}
	if got := append(r.to("thief"), r.to("moved")...); len(got) != 0 {
		t.Errorf("a channel that was changed from outside was used: %q", got)
	}
	if e := b.Refused("unseal", Params{"passphrase": Passphrase}); e.Words == "" {
		t.Error("the unseal took a store that was changed")
	}
	// It is told once a start. That the store was changed may be told besides: for a moment the
	// unseal had the root key, and who read a row meanwhile found it.
	b.Pass(2 * time.Minute)
	b.Admin("notify.test", Params{"name": "ops"})
	got := slices.DeleteFunc(r.to("ops"), func(m string) bool { return strings.Contains(m, "changed from outside") })
	if len(got) != 2 || !strings.Contains(got[1], "This is a test") {
		t.Errorf("told was %q", got)
	}
}

func TestTheTestSaysWhatTheOtherSideSaid(t *testing.T) {
	t.Parallel()
	b, _, r := telling(t)
	b.hook("ops", r)
	if said := b.Admin("notify.test", Params{"name": "ops"}).Text("said"); !strings.Contains(said, "200") {
		t.Errorf("it says %q", said)
	}
	if body := r.to("ops")[0]; !strings.Contains(body, `"test":true`) {
		t.Errorf("posted %s", body)
	}
	r.answer(http.StatusForbidden)
	if e := b.Refused("notify.test", Params{"name": "ops"}); !strings.Contains(e.Words, "403") {
		t.Errorf("it says %q", e.Words)
	}
	// A redirect could lead anywhere: it is not followed.
	r.answer(http.StatusTemporaryRedirect)
	if e := b.Refused("notify.test", Params{"name": "ops"}); e.Words == "" || len(r.to("elsewhere")) != 0 {
		t.Errorf("a redirect: %v", e)
	}
	// What the owner did not allow in the configuration is not dialled.
	b.Admin("notify.add", Params{"name": "inside", "kind": "webhook", "target": "http://127.0.0.1:9/x"})
	if e := b.Refused("notify.test", Params{"name": "inside"}); !strings.Contains(e.Words, "127.0.0.1") {
		t.Errorf("it says %q", e.Words)
	}
}

// TestTheFeedTellsWhatWasCommittedInOrder: what the relay door pushes to open
// apps is made of this.
func TestTheFeedTellsWhatWasCommittedInOrder(t *testing.T) {
	t.Parallel()
	b, a, _ := telling(t)
	var mu sync.Mutex
	var got []bunker.Happening
	before := int64(b.Admin("status", nil).Number("audit.seq")) // what was made until here may still be on its way
	defer b.Subscribe(func(h bunker.Happening) {
		mu.Lock()
		defer mu.Unlock()
		if h.Seq > before {
			got = append(got, h)
		}
	})()
	q := a.AskSign(1, "one")
	id := b.Question().Text("id")
	b.Reply(nil)
	q.Signed()
	b.Admin("key.add", Params{"name": "other"})
	want := []bunker.HappeningKind{bunker.QuestionMade, bunker.QuestionAnswered, bunker.Changed}
	b.Until("all is told", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) >= len(want) })
	for i, h := range got {
		if h.Kind != want[i] || i < 2 && h.ID != id || h.Seq == 0 || h.At == 0 || i > 0 && h.Seq <= got[i-1].Seq {
			t.Errorf("%d: %+v", i, h)
		}
	}
	if got[2].Action != "key.add" || got[2].By != "local" {
		t.Errorf("the change is %+v", got[2])
	}
}

func TestASpentLinkThatAnotherAppShowsIsAnAlarm(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	b.hook("ops", r, Params{"classes": []string{"alarms"}})
	a.stranger().Connect().Fails(strangerWords)
	if p := b.told(r, 1)[0]; !strings.Contains(p.body, "link that was used up") {
		t.Errorf("told was %s", p.body)
	}
}

// TestOnlyOwnersAddChannels: an operator may look and try.
func TestOnlyOwnersAddChannels(t *testing.T) {
	t.Parallel()
	b, _, r := telling(t)
	b.hook("ops", r)
	by := daemon.Local()
	by.Role = bunker.Operator
	for command, may := range map[string]bool{"notify.list": true, "notify.test": true, "notify.add": false, "notify.set": false, "notify.remove": false} {
		_, err := b.Dispatch(context.Background(), by, command, []byte(`{"name":"ops","kind":"webhook","target":"https://x.org"}`))
		if command == "notify.list" {
			_, err = b.Dispatch(context.Background(), by, command, nil)
		}
		if command == "notify.test" {
			_, err = b.Dispatch(context.Background(), by, command, []byte(`{"name":"ops"}`))
		}
		if (err == nil) != may {
			t.Errorf("%s by an operator: %v", command, err)
		}
	}
}

// processApp is an app connected to a program by a link.
func processApp(t *testing.T, uri string) *App {
	t.Helper()
	a := connectApp(t, uri)
	return a
}

// TestTheKeysOfNoticesStay: another npub would be a stranger in people's apps, and
// another key of web push would end every browser's subscription.
func TestTheKeysOfNoticesStay(t *testing.T) {
	t.Parallel()
	b, a, p := writing(t, nil)
	before := b.Admin("notify.key", nil)
	b.CrashAndRestart()
	after := b.Admin("notify.key", nil)
	if before.Text("vapid") == "" || before.Text("vapid") != after.Text("vapid") || before.Text("npub") == "" || before.Text("npub") != after.Text("npub") {
		t.Errorf("before %v, after %v", before, after)
	}
	// It is one of our own keys: no app gets a text for it encrypted, whatever it may do.
	b.Admin("connection.grant", Params{"id": b.Connection("active"), "perms": "all"})
	a.Ask(nip46.NIP44Encrypt, p.to.String(), "yes").Fails("blocked", "key of the bunker itself")
}

// TestAnAlarmGoesOutThoughTheClockStandsStill: while the machine's clock is behind,
// ledger time does not move, and what is due must not wait for it.
func TestAnAlarmGoesOutThoughTheClockStandsStill(t *testing.T) {
	t.Parallel()
	b, _, r := telling(t)
	b.hook("ops", r, Params{"classes": []string{"alarms"}})
	b.Clock.Set(-time.Hour)
	b.Pass(2 * time.Minute)
	b.Until("the alarm comes", func() bool {
		return slices.ContainsFunc(r.to("ops"), func(s string) bool { return strings.Contains(s, "clock cannot be believed") })
	})
}

func TestARelayThatIsDownForLongAndAnOldBackupAreAlarms(t *testing.T) {
	t.Parallel()
	r, relay := newReceiver(t), NewRelay(t)
	b := Start(t, Options{Relays: []string{relay.URL, "ws://127.0.0.1:9"}, Config: allowing(r.host)})
	b.hook("ops", r, Params{"classes": []string{"alarms"}, "details": true})
	b.Until("one relay is up, one is not", func() bool {
		up := 0
		for _, v := range b.Admin("status", nil).Each("relays") {
			if v.Text("url") == relay.URL && v.Text("state") == "up" || v.Text("url") == "ws://127.0.0.1:9" && v.Text("state") == "waiting" {
				up++
			}
		}
		return up == 2
	})
	b.Pass(2 * time.Minute) // somebody looks once a minute
	b.Admin("notify.test", Params{"name": "ops"})
	has := func(words string) func() bool {
		return func() bool {
			return slices.ContainsFunc(r.to("ops"), func(s string) bool { return strings.Contains(s, words) })
		}
	}
	b.Until("the relay's alarm comes", func() bool {
		b.Pass(time.Minute)
		return has("a relay has been unreachable")()
	})
	if !has("ws://127.0.0.1:9")() || has(relay.URL)() {
		t.Errorf("told was %q", r.to("ops"))
	}
	for range 40 { // in steps that a clock that is right makes
		b.Pass(24 * time.Hour)
	}
	b.Until("the backup's alarm comes", has("backup is old"))
}
