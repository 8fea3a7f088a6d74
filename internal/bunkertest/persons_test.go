package bunkertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/remote"
)

// waits calls what must wait for more persons, and returns the words.
func (s *Session) waits(command string, p Params) string {
	s.b.t.Helper()
	e := s.Refused(command, p)
	if e.Code != bunker.CodeWaits {
		s.b.t.Fatalf("%s is refused with %v; want that it waits", command, e)
	}
	return e.Words
}

// TestARuleThatWantsTwoPersonsIsAnsweredByTwo: the same yes of two admins; a second
// device adds nobody, nor does another yes, nor the machine.
func TestARuleThatWantsTwoPersonsIsAnsweredByTwo(t *testing.T) {
	t.Parallel()
	b, app := underPolicy(t, kind("long", "ask", 30023, Params{"quorum": 2}))
	ann, bob := b.Person("approver"), b.Person("approver")
	a, other := ann.In(), bob.In()
	ann.NewDevice()
	again := ann.In()
	b.Clock.Hold() // the app waits for half a minute
	q := app.AskSign(30023, "an article")
	shown := b.Question()
	yes := Params{"id": shown.Text("id"), "digest": shown.Text("digest")}
	if w := a.waits("approval.answer", yes); !strings.Contains(w, "1 more of 2") {
		t.Errorf("the first is told %q", w)
	}
	if w := again.waits("approval.answer", yes); !strings.Contains(w, "1 more of 2") {
		t.Errorf("the same person's other device is told %q", w)
	}
	a.waits("approval.answer", yes)
	if e := b.Refused("approval.answer", yes); e.Code != bunker.CodeWaits || !strings.Contains(e.Words, "1 more of 2") {
		t.Errorf("the machine is told %v", e)
	}
	wider := Params{"id": shown.Text("id"), "digest": shown.Text("digest"), "scope": "kind", "for": "1h"}
	if w := other.waits("approval.answer", wider); !strings.Contains(w, "1 more of 2") {
		t.Errorf("another yes is told %q", w)
	}
	app.Fence()
	q.Quiet()
	b.Question()
	if v := other.Do("approval.answer", yes); v.Text("state") != "approved" {
		t.Errorf("the second yes gave %v", v)
	}
	if e := q.Signed(); e.Content != "an article" {
		t.Errorf("signed %q", e.Content)
	}
	next := app.AskSign(30023, "the next one")
	b.Question()
	next.Quiet()
	b.Reply(Params{"deny": true}) // a no needs nobody else
	next.Fails("restricted")
	b.VerifyOutside()
}

// TestAPolicyIsWidenedByAsManyAsTheQuorumSays: the edit is made by the last yes, and
// what gives nothing more needs one.
func TestAPolicyIsWidenedByAsManyAsTheQuorumSays(t *testing.T) {
	t.Parallel()
	b, app := underPolicy(t, kind("notes", "allow", 1))
	ann, bob := b.Person("owner"), b.Person("owner")
	b.Pass(25 * time.Hour) // a second owner waits for a day
	a, other := ann.In(), bob.In()
	b.Admin("quorum.set", Params{"policy": 2})
	wide := Params{"policy": "newsroom", "rules": []Params{kind("notes", "allow", 1), kind("likes", "allow", 7)}}
	if w := a.waits("policy.edit", wide); !strings.Contains(w, "1 more of 2") {
		t.Errorf("the first is told %q", w)
	}
	a.waits("policy.edit", wide)
	if e := b.Refused("policy.edit", wide); e.Code != bunker.CodeWaits {
		t.Errorf("the machine is told %v", e)
	}
	if v := b.Admin("policy.show", Params{"policy": "newsroom"}); v.Number("policy.version") != 1 || v.Number("policy.count") != 1 {
		t.Fatalf("the policy is %v before the second yes", v)
	}
	asked := app.AskSign(7, "+")
	b.Question()
	b.Reply(Params{"deny": true})
	asked.Fails("restricted")
	motions := other.Do("quorum.list", nil).Each("motions")
	if len(motions) != 1 || motions[0].Number("have") != 1 {
		t.Fatalf("what waits is %v", motions)
	}
	if v := other.Do("quorum.approve", Params{"id": motions[0].Text("id")}); v.Text("state") != "done" {
		t.Errorf("the second yes gave %v", v)
	}
	app.Sign(7, "+")
	a.Do("policy.edit", Params{"policy": "newsroom", "rules": []Params{kind("notes", "allow", 1)}})
	gone := app.AskSign(7, "+ again")
	b.Question()
	gone.Quiet()
	// A yes is for the policy, whatever it is called by.
	a.waits("policy.edit", wide)
	wide["policy"] = b.Admin("policy.show", Params{"policy": "newsroom"}).Text("policy.id")
	other.Do("policy.edit", wide)
	b.Reply(Params{"deny": true})
	app.Sign(7, "+ once more")
	// One alone cannot lower the number either.
	a.waits("quorum.set", Params{"policy": 1})
	b.VerifyOutside()
}

// TestAnInvitedPersonHasTheKeysThatHeWasInvitedTo: from the invitation of his npub to
// his removal, over the relay door.
func TestAnInvitedPersonHasTheKeysThatHeWasInvitedTo(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	herald := b.AddKey("herald")
	b.AddKey("treasury")
	mine, others := b.Connected(b.Token("herald", "")), b.Connected(b.Token("treasury", ""))
	carl := b.Person("")
	var refused *remote.RefusedError
	if _, err := carl.TryDial(b.ConnectionString(), false); !errors.As(err, &refused) {
		t.Fatalf("before the invitation: %v", err)
	}
	b.Admin("admin.invite", Params{"role": "approver", "npub": carl.Npub(), "keys": []string{"herald"}})
	s := carl.Dial()
	if s.Confirmed() {
		t.Error("a device that nobody knows was let in with the invitation")
	}
	b.Admin("device.confirm", Params{"digits": s.Code()})
	s.Await()
	if v := b.Admin("admin.invites", nil); v.Text("invites.0.state") != "accepted" || v.Text("invites.0.accepted_by") != carl.Npub() {
		t.Errorf("the invitation is %v", v)
	}
	if v := b.Admin("audit.list", Params{"action": "admin.accept"}); v.Text("records.0.principal") != carl.Npub() || v.Text("records.0.door") != "relay" {
		t.Errorf("the log says %v", v)
	}
	if v := s.Do("admin.self", nil); v.Text("role") != "approver" {
		t.Errorf("he is %v", v)
	}
	if v := s.Do("key.list", nil).Each("keys"); len(v) != 1 || v[0].Text("name") != "herald" {
		t.Errorf("he sees the keys %v", v)
	}
	if v := s.Do("connection.list", nil).Each("connections"); len(v) != 1 || v[0].Text("id") != connectionOf(b, mine) {
		t.Errorf("he sees the connections %v", v)
	}
	if v := s.Do("token.list", nil).Each("tokens"); len(v) > 1 {
		t.Errorf("he sees the links %v", v)
	}
	hidden, q := others.AskSign(1, "not his"), mine.AskSign(1, "his")
	b.Until("both are open", func() bool { return len(b.Questions()) == 2 })
	list := s.Do("approval.list", nil).Each("approvals")
	if len(list) != 1 || list[0].Text("card.text") != "his" {
		t.Fatalf("he sees the questions %v", list)
	}
	for _, open := range b.Questions() {
		if open.Text("id") == list[0].Text("id") {
			continue
		}
		p := Params{"id": open.Text("id"), "digest": open.Text("digest")}
		if e := s.Refused("approval.answer", p); e.Code != bunker.CodeNotFound {
			t.Errorf("a question of another key: %v", e)
		}
	}
	for _, rec := range s.Do("audit.list", nil).Each("records") {
		if key := rec.Text("key"); key != "" && key != herald {
			t.Errorf("he sees the record %v", rec)
		}
	}
	for command, p := range map[string]Params{
		"key.show": {"key": "treasury"}, "key.add": {"name": "more"}, "status": nil, "admin.list": nil, "key.lock": {"key": "herald"},
	} {
		s.Refused(command, p)
	}
	s.Do("approval.answer", Params{"id": list[0].Text("id"), "digest": list[0].Text("digest")})
	q.Signed()
	hidden.Quiet()
	b.Admin("key.pause", Params{"key": "treasury"})
	b.Admin("key.pause", Params{"key": "herald"})
	for { // what he hears of keys is of his own
		if n := s.Hears("changed"); n["noun"] == "key" {
			if n["key"] != b.Admin("key.show", Params{"key": "herald"}).Text("key.id") {
				t.Errorf("he hears of %v", n)
			}
			break
		}
	}
	b.Admin("admin.remove", Params{"npub": carl.Npub()})
	if e := s.Refused("key.list", nil); e.Code != bunker.CodeRestricted {
		t.Errorf("after the removal: %v", e)
	}
	if _, err := carl.TryDial(b.ConnectionString(), false); !errors.As(err, &refused) || refused.Why.Words != "not an admin here" {
		t.Errorf("he comes back with %v", err)
	}
	b.VerifyOutside()
}

// TestALinkSaysAtOnceWhatItsAppDid: uses are written now and then, and shown as they are.
func TestALinkSaysAtOnceWhatItsAppDid(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	b.Connected(b.Token("herald", "all")).Sign(1, "hello")
	id := b.Admin("token.list", nil).Text("tokens.0.id")
	v := b.Admin("token.show", Params{"id": id})
	if v.Number("connections.0.uses") < 2 || v.Text("connections.0.last_used") == "" {
		t.Errorf("the link says %v", v.At("connections"))
	}
}
