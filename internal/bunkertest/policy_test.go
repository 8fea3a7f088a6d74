package bunkertest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
)

// kind is a rule about one kind of events.
func kind(id, effect string, k int, more ...Params) Params {
	r := Params{"id": id, "effect": effect, "kinds": []Params{{"from": k, "to": k}}}
	for _, m := range more {
		for name, v := range m {
			r[name] = v
		}
	}
	return r
}

// underPolicy is a bunker with one app that has nothing but a policy.
func underPolicy(t *testing.T, rules ...Params) (*Bunker, *App) {
	t.Helper()
	b := Start(t, Options{})
	b.AddKey("herald")
	b.Admin("policy.create", Params{"name": "newsroom", "rules": rules})
	return b, b.Connected(b.Token("herald", "", Params{"policy": "newsroom"}))
}

// farFromMidnight lets the last hour of a day pass: what is budgeted a day is of one day then.
func (b *Bunker) farFromMidnight() {
	if b.Clock.Now().UTC().Hour() == 23 {
		b.Pass(time.Hour)
	}
}

func (b *Bunker) edit(rules ...Params) {
	b.t.Helper()
	b.Admin("policy.edit", Params{"policy": "newsroom", "rules": rules})
}

func TestARequestUnderAPolicyIsDecidedByItsRules(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("notes", "allow", 1), kind("long", "ask", 30023), kind("no-likes", "deny", 7))
	a.Sign(1, "a note")
	a.AskSign(7, "+").Fails("restricted: the policy of this app refuses sign_event of kind 7")
	q := a.AskSign(30023, "an article")
	q.Quiet()
	if v := b.Question(); v.Text("card.text") != "an article" || !strings.HasSuffix(v.Text("why"), "/long@1 asks") {
		t.Errorf("the question shows %v", v)
	}
	b.Reply(nil)
	q.Signed()
	other := a.AskSign(6, "")
	b.Question()
	b.Reply(Params{"deny": true})
	other.Fails("restricted")
	want := map[string]string{
		"1 allow": "policy newsroom/notes@1", "7 deny": "policy newsroom/no-likes@1", "30023 ask": "policy newsroom/long@1", "6 ask": "default",
	}
	for _, r := range b.Records(Params{"action": "sign_event"}) {
		is := fmt.Sprintf("%d %s", r.Number("kind"), r.Text("effect"))
		if rule, ok := want[is]; ok && r.Text("rule") != rule {
			t.Errorf("kind and effect %s: by %q, want %q", is, r.Text("rule"), rule)
		}
		delete(want, is)
		if (r.Text("effect") == "allow") != (r.Text("needed") == "") && r.Text("rule")[:8] != "approval" {
			t.Errorf("%s says of what was needed: %q", is, r.Text("needed"))
		}
	}
	if len(want) > 0 {
		t.Errorf("not recorded: %v", want)
	}
	b.VerifyOutside() // also with what was needed in the records
}

func TestABudgetOfThreeADayRefusesTheFourth(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("notes", "allow", 1, Params{"budget": Params{"per_day": 3}}))
	b.farFromMidnight()
	for _, s := range []string{"a", "b", "c"} {
		a.Sign(1, s)
	}
	midnight := b.Clock.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	words := a.AskSign(1, "d").Fails("rate-limited: the budget of 3 a day is used up; it refills at " + midnight.Format("2006-01-02 15:04 MST"))
	if strings.Contains(words, "newsroom") {
		t.Errorf("the app is told the name of its policy: %q", words)
	}
	b.CrashAndRestart()
	a.AskSign(1, "e").Fails("rate-limited")
	b.edit(kind("notes", "allow", 1, Params{"note": "edited", "budget": Params{"per_day": 3}}))
	a.AskSign(1, "f").Fails("rate-limited") // an edit refills nothing
	b.edit(kind("notes", "allow", 1, Params{"budget": Params{"per_day": 4}}))
	a.Sign(1, "g")
	b.edit(kind("notes", "allow", 1, Params{"budget": Params{"per_day": 4, "when_spent": "ask"}}))
	q := a.AskSign(1, "h")
	if v := b.Question(); !v.Is("once_only") {
		t.Errorf("a spent budget is asked about for more than once: %v", v)
	}
	b.Reply(nil)
	q.Signed()
	b.Pass(midnight.Sub(b.Clock.Now()) + time.Minute)
	a.Sign(1, "the next day")
	b.Verify()
}

func TestNoMoreThanABudgetIsSignedForManyAppsAtOnceAndThroughACrash(t *testing.T) {
	const apps, each, limit = 12, 4, 17
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	b.Admin("policy.create", Params{"name": "newsroom", "rules": []Params{kind("notes", "allow", 1, Params{"budget": Params{"total": limit, "per": "policy"}})}})
	uri := b.Token("herald", "", Params{"policy": "newsroom", "uses": apps})
	list := make([]*App, apps)
	for i := range list {
		list[i] = b.Connected(uri)
	}
	var mu sync.Mutex
	signed := map[nostr.ID]bool{}
	round := func(n int) {
		var wg sync.WaitGroup
		for i, a := range list {
			wg.Go(func() {
				for j := range n {
					g := a.AskSign(1, fmt.Sprint(i, " ", j)).Answer()
					if g.Failed() {
						continue
					}
					e, err := nostr.ParseEvent([]byte(g.Result))
					if err != nil {
						t.Error(err)
						continue
					}
					mu.Lock()
					signed[e.ID] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	}
	round(1)
	b.CrashAndRestart()
	round(each - 1)
	allowed := len(b.Records(Params{"action": "sign_event", "effect": "allow"}))
	if allowed != limit || len(signed) > limit {
		t.Errorf("%d allow records and %d signatures, of a budget of %d", allowed, len(signed), limit)
	}
	b.Verify()
}

func TestAnEditHoldsForTheNextRequestOfEverythingUnderAPolicy(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("notes", "allow", 1))
	other := b.Connected(b.Token("herald", "", Params{"policy": "newsroom"}))
	a.Sign(1, "a")
	other.Sign(1, "b")
	b.edit(kind("notes", "deny", 1))
	a.AskSign(1, "c").Fails("restricted")
	other.AskSign(1, "d").Fails("restricted")
	b.edit(kind("notes", "allow", 1))
	a.Sign(1, "e")
	b.Restart()
	other.Sign(1, "f")
	b.Admin("policy.delete", Params{"policy": "newsroom", "force": true})
	a.AskSign(1, "g").Quiet()
	b.Question()
}

func TestARuleIsAskedAnewWhenItsPolicyIsEdited(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("long", "ask", 30023))
	q := a.AskSign(30023, "a")
	b.Reply(Params{"scope": "kind"})
	q.Signed()
	a.Sign(30023, "b")
	b.edit(kind("long", "ask", 30023), kind("notes", "allow", 1))
	q = a.AskSign(30023, "c")
	b.Reply(Params{"scope": "all"})
	q.Signed()
	a.Sign(30023, "d")
}

// A permission that an admin gave beside the policy does not answer its asks.
func TestAPermissionDoesNotAnswerWhatAPolicyAsks(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("long", "ask", 30023), kind("no-likes", "deny", 7))
	b.Admin("connection.grant", Params{"id": b.Connection("active"), "perms": "all,sign_event:30023,sign_event:7"})
	a.Sign(1, "what no rule speaks of")
	a.AskSign(7, "+").Fails("restricted")
	a.AskSign(30023, "x").Quiet()
	b.Question()
}

func TestAPolicyHoldsAtItsHours(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	now := b.Clock.Now().UTC()
	minute := now.Hour()*60 + now.Minute()
	hours := []Params{{"from": (minute + 1380) % 1440, "to": (minute + 60) % 1440}}
	b.Admin("policy.create", Params{"name": "child", "zone": "UTC", "rules": []Params{kind("notes", "allow", 1, Params{"hours": hours})}})
	a := b.Connected(b.Token("herald", "", Params{"policy": "child"}))
	a.Sign(1, "within")
	b.Pass(2 * time.Hour)
	q := a.AskSign(1, "after")
	b.Question()
	q.Quiet()
	b.Reply(Params{"deny": true})
	q.Fails("restricted")
	b.Pass(22 * time.Hour)
	a.Sign(1, "the next day")
}

func TestARuleKnowsTheRelayThatBroughtARequest(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("notes", "allow", 1, Params{"relays": []string{"embedded"}}), kind("likes", "allow", 7, Params{"relays": []string{"wss://elsewhere.example"}}))
	a.Sign(1, "by the bunker's own relay")
	a.AskSign(7, "+").Quiet()
	b.Question()
}

// A question that a rule asked for a relay stays one when it is taken up again.
func TestAnUnansweredQuestionIsNotAllowedWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("notes", "allow", 1), kind("here", "ask", 1, Params{"relays": []string{"embedded"}}))
	q := a.AskSign(1, "x")
	b.Question()
	b.Pass(31 * time.Second)
	q.Fails("restricted: not yet approved")
}

func TestDecryptingIsDecidedByWhatComesToLight(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	user, err := nostr.ParsePubKey(b.AddKey("herald"))
	if err != nil {
		t.Fatal(err)
	}
	b.Admin("policy.create", Params{"name": "messages", "rules": []Params{
		{"id": "read", "effect": "allow", "rights": []string{"read"}}, {"id": "no", "effect": "deny", "results": []string{"other"}},
	}})
	a := b.Connected(b.Token("herald", "", Params{"policy": "messages"}))
	peer, err := nostr.GenerateKey(b.Arena)
	if err != nil {
		t.Fatal(err)
	}
	var ck [32]byte
	if err := nip44.ConversationKey(peer, user, &ck); err != nil {
		t.Fatal(err)
	}
	ask := func(text string) *Asked {
		t.Helper()
		c, err := nip44.Encrypt(&ck, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return a.Ask(nip46.NIP44Decrypt, peer.PubKey().String(), c)
	}
	rumor := func(k nostr.Kind, by nostr.PubKey) string {
		e := nostr.Event{PubKey: by, CreatedAt: b.Clock.Now().Unix(), Kind: k, Content: "hello"}
		text, err := json.Marshal(map[string]any{"id": e.ComputeID().String(), "pubkey": by.String(), "created_at": e.CreatedAt, "kind": k, "tags": []string{}, "content": e.Content})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, k := range []nostr.Kind{14, 15, 7} {
		text := rumor(k, peer.PubKey())
		ask(text).Want(text)
	}
	for name, text := range map[string]string{"another's words": rumor(14, user), "another kind": rumor(1, peer.PubKey()), "no event": "hello"} {
		if got := ask(text).Fails("restricted"); strings.Contains(got, "hello") {
			t.Errorf("%s: the refusal holds the text: %q", name, got)
		}
	}
	a.Ask(nip46.NIP44Decrypt, peer.PubKey().String(), "Ag==").Fails("invalid")
	// One's own is a right of its own.
	if err := nip44.ConversationKey(peer, user, &ck); err != nil {
		t.Fatal(err)
	}
	own := a.Ask(nip46.NIP44Decrypt, user.String(), "Ag==")
	own.Quiet()
	b.Question()
	b.Verify()
}

// No allow has a higher number than the edit that forbids it, with requests in
// flight (promise 4).
func TestAnEditOfAPolicyHoldsFromTheMomentItReturned(t *testing.T) {
	t.Parallel()
	b, a := underPolicy(t, kind("notes", "allow", 1))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				a.AskSign(1, fmt.Sprint("flying ", i, " ", n)).Answer()
			}
		})
	}
	for range 3 {
		a.Fence()
	}
	b.edit(kind("notes", "deny", 1))
	seq := b.Admin("status", nil).Number("audit.seq")
	after := a.AskSign(1, "after")
	close(stop)
	wg.Wait()
	after.Fails("refuses")
	for _, r := range b.Records(Params{"action": "sign_event", "effect": "allow"}) {
		if r.Number("seq") > seq || r.Text("rule") != "policy newsroom/notes@1" {
			t.Fatalf("record %d allows by %s after the edit was done at %d", r.Number("seq"), r.Text("rule"), seq)
		}
	}
	b.Verify()
}
