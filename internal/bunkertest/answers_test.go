package bunkertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

// outcome is what became of a request without anybody's doing.
func outcome(b *Bunker, a *App, q *Asked) string {
	a.Fence()
	got := q.Got()
	switch {
	case len(got) == 0 && len(b.Questions()) == 1:
		return "asked"
	case len(got) == 0:
		return "nothing"
	case got[0].Failed():
		return "refused"
	}
	return "allowed"
}

// TestTheSecondRequestGetsTheEffectOfTheAnswer: for each answer, the same
// operation again, another of the kind, another kind, another method.
func TestTheSecondRequestGetsTheEffectOfTheAnswer(t *testing.T) {
	t.Parallel()
	peer := "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	for _, c := range []struct {
		name                         string
		answer                       Params
		same, likewise, kind, method string
	}{
		{"once", Params{}, "asked", "asked", "asked", "asked"},
		{"kind", Params{"scope": "kind"}, "allowed", "allowed", "asked", "asked"},
		{"kinds", Params{"scope": "kinds"}, "allowed", "allowed", "allowed", "asked"},
		{"method", Params{"scope": "method"}, "allowed", "allowed", "allowed", "asked"},
		{"all", Params{"scope": "all"}, "allowed", "allowed", "allowed", "allowed"},
		{"two times", Params{"scope": "kind", "uses": 2}, "allowed", "asked", "asked", "asked"},
		{"deny", Params{"deny": true}, "asked", "asked", "asked", "asked"},
		{"never this kind", Params{"deny": true, "never": true}, "refused", "refused", "asked", "asked"},
		{"never this method", Params{"deny": true, "never": true, "scope": "method"}, "refused", "refused", "refused", "asked"},
		{"never anything", Params{"deny": true, "never": true, "scope": "all"}, "refused", "refused", "refused", "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, a := asking(t)
			note := a.Note(1, "the same")
			first := a.Ask(nip46.SignEvent, note)
			b.Reply(c.answer)
			if first.Answer().Failed() != (c.answer["deny"] == true) {
				t.Fatalf("the answer itself: %+v", first.Answer())
			}
			for i, again := range []struct {
				what, want string
				ask        func() *Asked
			}{
				{"the same", c.same, func() *Asked { return a.Ask(nip46.SignEvent, note) }},
				{"another note", c.likewise, func() *Asked { return a.AskSign(1, "another") }},
				{"another kind", c.kind, func() *Asked { return a.AskSign(7, "+") }},
				{"another method", c.method, func() *Asked { return a.Ask(nip46.NIP44Encrypt, peer, "x") }},
			} {
				q := again.ask()
				if got := outcome(b, a, q); got != again.want {
					t.Errorf("%d, %s: %s, want %s", i, again.what, got, again.want)
				} else if got == "asked" {
					b.Pass(approval.DenyWindow) // or three refusals would cool it off
					b.Admin("approval.answer", Params{"id": b.Question().Text("id"), "deny": true})
				}
			}
			b.VerifyOutside()
		})
	}
}

func TestAYesUntilADateEndsThen(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "a")
	b.Reply(Params{"scope": "kind", "until": b.Clock.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)})
	q.Signed()
	b.Pass(2 * time.Hour)
	a.Sign(1, "b")
	b.Pass(2 * time.Hour)
	if got := outcome(b, a, a.AskSign(1, "c")); got != "asked" {
		t.Errorf("after the date: %s", got)
	}
}

func TestABurstIsAnsweredTogetherAsItWasShown(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	react := func(n int) *Asked {
		tmpl := nostr.Template{Kind: 7, CreatedAt: a.Now().Unix(), Content: "+", Tags: nostr.Tags{{"e", fmt.Sprintf("%064x", n)}}}
		return a.Ask(nip46.SignEvent, string(tmpl.AppendJSON(nil)))
	}
	b.Clock.Hold() // each has half a minute to be answered
	var asked []*Asked
	for n := range 14 {
		asked = append(asked, react(n))
	}
	other := a.AskSign(1, "beside")
	shown := []any{}
	batches := map[string]int{}
	for _, q := range b.Questions() {
		batches[q.Text("batch")]++
		if q.Number("kind") == 7 {
			shown = append(shown, Params{"id": q.Text("id"), "digest": q.Text("digest")})
		}
	}
	if len(batches) != 2 || len(shown) != 14 {
		t.Fatalf("%d reactions in %v", len(shown), batches)
	}
	late := react(99) // in the burst, and not shown
	if r := b.Admin("approval.batch", Params{"questions": shown}); r.Number("answered") != 14 || r.Text("state") != "approved" {
		t.Errorf("%v", r)
	}
	for n, q := range asked {
		if e := q.Signed(); e.Tags[0][1] != fmt.Sprintf("%064x", n) {
			t.Errorf("reaction %d: signed %v", n, e.Tags)
		}
	}
	a.Fence()
	late.Quiet()
	other.Quiet()
	if n := len(b.Records(Params{"action": "approval.answer"})); n != 14 {
		t.Errorf("%d records of answers, want one for each", n)
	}
	b.Refused("approval.batch", Params{"questions": shown}) // answered already: nothing half done
	b.VerifyOutside()
}

func TestABurstThatIsAllowedAsAKindHasOneGrant(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	var asked []*Asked
	for n := range 5 {
		asked = append(asked, a.AskSign(1, fmt.Sprint(n)))
	}
	var shown []any
	for _, q := range b.Questions() {
		shown = append(shown, Params{"id": q.Text("id"), "digest": q.Text("digest")})
	}
	if r := b.Admin("approval.batch", Params{"questions": shown, "scope": "kind"}); len(r.List("grants")) != 1 {
		t.Errorf("grants: %v", r)
	}
	for _, q := range asked {
		q.Signed()
	}
	if n := len(b.Admin("connection.show", Params{"id": b.Connection("active")}).List("grants")); n != 1 {
		t.Errorf("%d grants", n)
	}
}

func TestABurstIsAnsweredAsAWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	a.AskSign(1, "a")
	a.AskSign(1, "b")
	qs := b.Questions()
	wrong := []any{Params{"id": qs[0].Text("id"), "digest": qs[0].Text("digest")}, Params{"id": qs[1].Text("id"), "digest": qs[0].Text("digest")}}
	b.Refused("approval.batch", Params{"questions": wrong})
	if n := len(b.Questions()); n != 2 {
		t.Errorf("%d questions are open after an answer that was refused", n)
	}
	b.Refused("approval.batch", Params{"questions": []any{}})
}

func TestABurstEndsWhenAMinuteIsQuiet(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	b.Clock.Hold()
	a.AskSign(1, "a")
	b.Pass(approval.Burst - 5*time.Second)
	a.AskSign(1, "b")
	b.Pass(approval.Burst + time.Second)
	a.AskSign(1, "c")
	qs := b.Questions()
	if len(qs) != 3 || qs[0].Text("batch") != qs[0].Text("id") || qs[1].Text("batch") != qs[0].Text("id") || qs[2].Text("batch") != qs[2].Text("id") {
		t.Errorf("%v", qs)
	}
}

func TestWhatIsSignedIsWhatWasShown(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	good := a.AskSign(1, "good")
	shown := b.Question()
	evil := a.AskSign(1, "evil")
	a.Fence()
	b.Refused("approval.answer", Params{"id": shown.Text("id")}) // a yes without saying to what
	b.Admin("approval.answer", Params{"id": shown.Text("id"), "digest": shown.Text("digest")})
	if e := good.Signed(); e.Content != shown.Text("card.text") {
		t.Errorf("signed %q, shown %q", e.Content, shown.Text("card.text"))
	}
	a.Fence()
	evil.Quiet()
	if q := b.Question(); q.Text("card.text") != "evil" || q.Text("digest") == shown.Text("digest") {
		t.Errorf("%v", q)
	}
}

func TestEverythingThatWouldBeSignedCanBeShown(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	text := strings.Repeat("word ", 9000) + "the end"
	q := a.AskSign(30023, text)
	v := b.Question()
	if !v.Is("card.text_cut") || len(v.Text("card.text")) > 1000 {
		t.Errorf("the list shows %d bytes", len(v.Text("card.text")))
	}
	whole := b.Admin("approval.show", Params{"id": v.Text("id")})
	if whole.Is("approval.card.text_cut") || whole.Text("approval.card.text") != text || whole.Text("approval.digest") != v.Text("digest") {
		t.Errorf("approval.show shows %d bytes of %d", len(whole.Text("approval.card.text")), len(text))
	}
	b.Reply(nil)
	if q.Signed().Content != text {
		t.Error("something else was signed")
	}
}

func TestALateYesIsGoodForFifteenMinutes(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	note := a.Note(1, "late")
	q := a.Ask(nip46.SignEvent, note)
	b.Pass(approval.ReplyWithin + time.Second)
	q.Fails("restricted: not yet approved; if approved later, try again")
	b.Pass(3 * time.Hour)
	b.Reply(nil)
	b.Pass(approval.OnceFor + time.Second)
	if got := outcome(b, a, a.AskSign(1, "late")); got != "asked" {
		t.Errorf("after the yes has lapsed: %s", got)
	}
}

func TestASecondAdminSeesWhoAnsweredAndWhat(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "a")
	v := b.Question()
	b.Reply(Params{"scope": "kind", "for": "1h"})
	q.Signed()
	e := b.Refused("approval.answer", Params{"id": v.Text("id"), "digest": v.Text("digest"), "deny": true})
	if !strings.Contains(e.Words, "approved by local at 20") {
		t.Errorf("who was faster is told as %q", e.Words)
	}
	past := b.Admin("approval.answered", nil).Each("approvals")
	if len(past) != 1 || past[0].Text("answered_by") != "local" || past[0].Text("grant.perms") != "sign_event:1" || past[0].Text("answered_at") == "" {
		t.Errorf("%v", past)
	}
	for n := range 3 {
		a.AskSign(7, fmt.Sprint(n))
		b.Pass(time.Minute)
		b.Admin("approval.answer", Params{"id": b.Question().Text("id"), "deny": true})
	}
	first := b.Admin("approval.answered", Params{"limit": 2})
	second := b.Admin("approval.answered", Params{"limit": 2, "after": first.Text("next")})
	ids := map[string]bool{}
	for _, q := range append(first.Each("approvals"), second.Each("approvals")...) {
		ids[q.Text("id")] = true
	}
	if len(ids) != 4 || second.Each("approvals")[1].Text("id") != v.Text("id") {
		t.Errorf("the history over two pages: %d of 4", len(ids))
	}
}

func TestOneAppsFloodLeavesOtherAppsTheirQuestions(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	for i := range approval.MaxOfConnection + 5 {
		a.AskSign(1, fmt.Sprint("flood ", i))
	}
	a.AskSign(1, "flooded").Fails("rate-limited")
	calm := b.Connected(b.Token("herald", "", Params{"client": "calm"}))
	q := calm.AskSign(1, "me too")
	calm.Fence()
	for _, v := range b.Questions() {
		if v.Text("app") == "calm" {
			b.Admin("approval.answer", Params{"id": v.Text("id"), "digest": v.Text("digest")})
		}
	}
	q.Signed()
}

func TestTheTimesOfQuestionsAreSetForTheBunkerAndForAKey(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	b.AddKey("other")
	b.Admin("approval.set", Params{"question": "3d"})
	r := b.Admin("approval.set", Params{"key": "herald", "reply": "50s"})
	if r.Text("reply") != "30s" || r.Text("question") != "72h0m0s" || r.Text("keys.0.name") != "herald" || r.Text("keys.0.reply") != "50s" || r.Text("keys.0.question") != "72h0m0s" {
		t.Errorf("%v", r)
	}
	b.Restart()
	b.Clock.Hold()
	q := a.AskSign(1, "a")
	a.Fence()
	b.Pass(45 * time.Second)
	a.Fence()
	q.Quiet()
	b.Pass(6 * time.Second)
	q.Fails("not yet approved")
	b.Pass(71 * time.Hour)
	b.Chores()
	b.Reply(nil)
	for _, p := range []Params{{}, {"reply": "61s"}, {"reply": "4s"}, {"question": "59s"}, {"question": "31d"}, {"reset": true, "reply": "10s"}, {"key": "none", "reply": "10s"}} {
		b.Refused("approval.set", p)
	}
	b.Admin("approval.set", Params{"key": "herald", "reset": true})
	if r := b.Admin("approval.set", Params{"reset": true}); r.Text("question") != "24h0m0s" || len(r.List("keys")) != 0 {
		t.Errorf("after the reset: %v", r)
	}
}

func TestQuestionsAboutCredentialsEndAfterAMinuteWhateverIsSet(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	b.Admin("approval.set", Params{"question": "3d", "reply": "60s"})
	for kind, tags := range map[int]string{
		22242: `[["relay","wss://relay.example.com"],["challenge","x"]]`,
		24242: `[["t","upload"],["expiration","` + unix(a.Now().Add(10*time.Minute)) + `"]]`,
		27235: `[["u","https://site.example/"],["method","GET"]]`,
	} {
		q := a.Ask(nip46.SignEvent, fmt.Sprintf(`{"kind":%d,"created_at":%s,"content":"","tags":%s}`, kind, unix(a.Now()), tags))
		a.Fence()
		q.Quiet()
		v := b.Question()
		b.Pass(approval.CredentialQuestionFor + time.Second)
		q.Fails("restricted")
		b.Refused("approval.answer", Params{"id": v.Text("id"), "digest": v.Text("digest")})
	}
}

func TestAnEncryptionShowsItsTextAndAReadingItsOtherParty(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	friend, err := nostr.ParsePubKey(b.AddKey("friend"))
	if err != nil {
		t.Fatal(err)
	}
	a.Ask(nip46.NIP44Encrypt, friend.String(), "meet me at eight")
	v := b.Question()
	if v.Text("card.text") != "meet me at eight" || v.Text("card.people.0.npub") != nip19.EncodeNpub(friend) ||
		v.Text("card.people.0.name") != "friend" || v.Text("card.people.0.is") != "key" || !strings.Contains(v.Text("sentence"), "wants to encrypt a text for friend as herald") {
		t.Errorf("%v", v)
	}
	b.Admin("approval.answer", Params{"id": v.Text("id"), "deny": true})
	if q := b.Admin("approval.answered", nil); q.Text("approvals.0.card.text") != "meet me at eight" {
		t.Errorf("right after the answer: %v", q)
	}
	stranger := "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	a.Ask(nip46.NIP44Decrypt, stranger, "AAAA")
	v = b.Question()
	if v.Text("card.text") != "" || v.Text("card.people.0.name") != "" || v.Number("card.size") != 4 {
		t.Errorf("%v", v)
	}
}

func TestAnExpectedLoginLetsAnUnknownAppAskForTenMinutes(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	r := b.Admin("login.expect", Params{"key": "herald"})
	if strings.Contains(r.Text("uri"), "secret") {
		t.Errorf("the link holds a secret: %s", r.Text("uri"))
	}
	a := b.App(r.Text("uri"))
	q := a.Ask(nip46.Connect, a.Remote.String(), "", "sign_event:1,nip44_encrypt", `{"name":"Sunrise","url":"https://sunrise.example"}`)
	v := b.Question()
	if v.Text("requested") != "sign_event:1,nip44_encrypt" || v.Text("asker.url") != "https://sunrise.example" || !v.Is("unverified") ||
		v.Text("sentence") != "Sunrise (name not verified) wants to log in as herald" {
		t.Errorf("%v", v)
	}
	b.Reply(Params{"perms": v.Text("requested"), "name": "sunrise"})
	q.Want("ack")
	a.Sign(1, "x")
	// Another one that looks like it is told apart.
	twin := b.App(r.Text("uri"))
	twin.Ask(nip46.Connect, twin.Remote.String(), "", "", `{"name":"Sunr1se"}`)
	if v := b.Question(); !strings.Contains(v.Text("asker.alike"), "sunrise") {
		t.Errorf("a look-alike: %v", v)
	}
	// Its own connection that nobody approved can ask again only while it is open.
	b.Admin("approval.answer", Params{"id": b.Question().Text("id"), "deny": true})
	b.Pass(approval.ExpectFor + time.Second)
	late := b.App(r.Text("uri"))
	late.Ask(nip46.Connect, late.Remote.String(), "").Fails(strangerWords)
	if n := len(b.Questions()); n != 0 {
		t.Errorf("%d questions after the time", n)
	}
	b.VerifyOutside()
}

func TestAWrongSecretIsNoExpectedLoginAndClosingEndsIt(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	link := b.Token("herald", "")
	b.Connected(link)
	stranger := b.App(link)
	stranger.Ask(nip46.Connect, stranger.Remote.String(), "").Fails(strangerWords)
	b.Admin("login.expect", nil) // every key: a spent link without its secret leads to a question
	b.Pass(2 * time.Minute)      // one error a minute for each stranger
	stranger.Ask(nip46.Connect, stranger.Remote.String(), "wrong").Fails(strangerWords)
	stranger.Ask(nip46.Connect, stranger.Remote.String(), "")
	b.Until("it is asked", func() bool { return len(b.Questions()) == 1 })
	b.Admin("approval.answer", Params{"id": b.Question().Text("id"), "deny": true})
	b.Admin("login.close", nil)
	another := b.App(link)
	another.Ask(nip46.Connect, another.Remote.String(), "").Fails(strangerWords)
}

func TestOneStrangerHasOneQuestionAtWhateverKey(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	b.AddKey("other")
	first := b.App(b.Admin("login.expect", Params{"key": "herald"}).Text("uri"))
	second, err := nip46.ParseBunkerURI(b.Admin("login.expect", Params{"key": "other"}).Text("uri"))
	if err != nil {
		t.Fatal(err)
	}
	first.Ask(nip46.Connect, first.Remote.String(), "")
	b.Question()
	again := newApp(t, b.Arena, first.Key, b.Clock.Now, second.Remote, "", second.Relays)
	again.Ask(nip46.Connect, again.Remote.String(), "")
	known := b.Connected(b.Token("herald", "all"))
	known.Fence()
	b.Question() // still the one
}

// TestAQuestionThatWaitsAtSIGKILLIsAnsweredAfterTheRestart: the app that waits gets
// its reply, or in time the error that says that a later yes will count.
func TestAQuestionThatWaitsAtSIGKILLIsAnsweredAfterTheRestart(t *testing.T) {
	t.Parallel()
	var uri string
	p := NewProcess(t, nil, func(b *Bunker) {
		b.AddKey("herald")
		uri = b.Token("herald", "")
	})
	a := connectApp(t, uri)
	pending := func() Answer {
		t.Helper()
		qs := p.Admin("approval.list", nil).Each("approvals")
		if len(qs) != 1 {
			t.Fatalf("%d open questions, want 1", len(qs))
		}
		return qs[0]
	}
	// killed returns the request as the app sees it that was started anew, too.
	killed := func(q *Asked) *Asked {
		t.Helper()
		before := pending()
		p.Kill()
		p.Start()
		if after := pending(); after.Text("id") != before.Text("id") || after.Text("digest") != before.Text("digest") || after.Text("card.text") != before.Text("card.text") {
			t.Errorf("before %v, after %v", before, after)
		}
		a = a.again()
		if len(q.Got()) > 0 { // its time was over before the kill
			return q
		}
		return &Asked{q.ID, q.Event, a}
	}
	yes := func() {
		t.Helper()
		q := pending()
		p.Admin("approval.answer", Params{"id": q.Text("id"), "digest": q.Text("digest")})
	}
	q := a.AskSign(1, "in time")
	a.Fence()
	q = killed(q)
	yes()
	if e := q.Signed(); e.Content != "in time" {
		t.Errorf("signed %q", e.Content)
	}
	p.Admin("approval.set", Params{"reply": "5s"})
	note := a.Note(1, "late")
	q = a.Ask(nip46.SignEvent, note)
	a.Fence()
	q = killed(q)
	q.Fails("restricted: not yet approved; if approved later, try again")
	yes()
	if e := a.Ask(nip46.SignEvent, note).Signed(); e.Content != "late" {
		t.Errorf("signed %q", e.Content)
	}
	p.Inside().VerifyOutside()
}
