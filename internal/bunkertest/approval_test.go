package bunkertest

import (
	"testing"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// asking is a bunker with one app that has no permissions.
func asking(t *testing.T, relays ...string) (*Bunker, *App) {
	t.Helper()
	b := Start(t, Options{Relays: relays})
	b.AddKey("herald")
	return b, b.Connected(b.Token("herald", ""))
}

func TestAYesOnceIsForThisOperationAlone(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "first")
	q.Quiet()
	if v := b.Question(); v.Text("card.text") != "first" || v.Number("kind") != 1 {
		t.Errorf("the question shows %v", v)
	}
	b.Reply(nil)
	if e := q.Signed(); e.Content != "first" {
		t.Errorf("signed %q", e.Content)
	}
	next := a.AskSign(1, "second")
	b.Question()
	next.Quiet()
	b.Reply(Params{"scope": "once"})
	next.Signed()
	b.VerifyOutside()
}

func TestTheSameOperationAfterAYesOnceIsAskedAnew(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	note := a.Note(1, "same")
	q := a.Ask(nip46.SignEvent, note)
	b.Reply(nil)
	first := q.Signed()
	again := a.Ask(nip46.SignEvent, note)
	again.Quiet()
	b.Reply(Params{"deny": true})
	again.Fails("restricted", "refused")
	// Sent again, the event of a request brings the very same answer.
	q.Send()
	a.Fence()
	if got := q.Got(); len(got) != 1 || first.ID != q.Signed().ID {
		t.Errorf("%d distinct answers to one event", len(got))
	}
}

func TestAYesForAKindCoversThatKind(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "a")
	b.Reply(Params{"scope": "kind"})
	q.Signed()
	a.Sign(1, "b")
	other := a.AskSign(7, "+")
	b.Question()
	other.Quiet()
}

func TestAYesForAllLeavesOutWhatNeedsCare(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "a")
	b.Reply(Params{"scope": "all"})
	q.Signed()
	a.Sign(30023, "long")
	for _, kind := range []nostr.Kind{5, 10002, 9007} {
		careful := a.AskSign(kind, "x")
		careful.Quiet()
		if len(b.Question().List("card.warnings")) == 0 {
			t.Errorf("kind %d is asked without a caution", kind)
		}
		b.Reply(Params{"deny": true})
		careful.Fails("restricted")
	}
}

func TestAnAdminLoginIsApprovedOnceOnly(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	vanish := a.AskSign(62, "x")
	v := b.Question()
	if !v.Is("once_only") {
		t.Error("a request to vanish is not marked as once only")
	}
	if e := b.Refused("approval.answer", Params{"id": v.Text("id"), "digest": v.Text("digest"), "scope": "kind"}); e.Hint == "" {
		t.Errorf("no hint in %v", e)
	}
	b.Reply(nil)
	vanish.Signed()
}

func TestAYesForAnHourEndsAfterAnHour(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "a")
	b.Reply(Params{"scope": "kind", "for": "1h"})
	q.Signed()
	a.Sign(1, "b")
	b.Pass(59 * time.Minute)
	a.Sign(1, "c")
	b.Pass(2 * time.Minute)
	late := a.AskSign(1, "d")
	b.Question()
	late.Quiet()
}

func TestANoRefusesAndNeverRefusesFromThenOn(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "a")
	b.Reply(Params{"deny": true})
	q.Fails("restricted: an administrator refused this request")
	q = a.AskSign(1, "b")
	b.Reply(Params{"deny": true, "never": true})
	q.Fails("restricted")
	a.AskSign(1, "c").Fails("restricted", "refused")
	if n := len(b.Questions()); n != 0 {
		t.Errorf("%d questions after never", n)
	}
	a.AskSign(7, "+").Quiet()
	b.Question() // another kind is asked
}

func TestThreeNosInTenMinutesCoolAnOperationForAnHour(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	for i := range approval.DeniesBeforeCooling {
		q := a.AskSign(1, string(rune('a'+i)))
		b.Reply(Params{"deny": true})
		q.Fails("restricted")
	}
	a.AskSign(1, "d").Fails("restricted")
	if n := len(b.Questions()); n != 0 {
		t.Fatalf("%d questions while cooling", n)
	}
	b.Pass(approval.CoolingOff + time.Second)
	a.AskSign(1, "e").Quiet()
	b.Question()
}

func TestNosOverMoreThanTenMinutesDoNotCool(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	for i := range approval.DeniesBeforeCooling {
		q := a.AskSign(1, string(rune('a'+i)))
		b.Reply(Params{"deny": true})
		q.Fails("restricted")
		b.Pass(approval.DenyWindow/2 + time.Second)
	}
	a.AskSign(1, "d").Quiet()
	b.Question()
}

func TestAnAppHearsInThirtySecondsThatNobodyAnswered(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	b.Clock.Hold()
	q := a.AskSign(1, "a")
	b.Pass(approval.ReplyWithin - 2*time.Second)
	a.Fence()
	q.Quiet()
	b.Pass(3 * time.Second)
	q.Fails("restricted: not yet approved; if approved later, try again")
	b.Question() // it can still be answered
}

func TestALateYesIsForTheNextRequestAndNeverForTheOldOne(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	note := a.Note(1, "late")
	q := a.Ask(nip46.SignEvent, note)
	b.Pass(approval.ReplyWithin + time.Second)
	q.Fails("not yet approved")
	b.Reply(nil)
	q.Send()
	a.Fence()
	if got := q.Got(); len(got) != 1 {
		t.Fatalf("%d distinct answers to the old request", len(got))
	}
	a.Ask(nip46.SignEvent, note).Signed()
	if n := len(b.Records(Params{"action": "sign_event", "effect": "allow"})); n != 1 {
		t.Errorf("%d signatures", n)
	}
	b.VerifyOutside()
}

func TestANewerRequestForTheSameReplacesTheOlder(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	note := a.Note(1, "same")
	older := a.Ask(nip46.SignEvent, note)
	newer := a.Ask(nip46.SignEvent, note)
	b.Reply(nil)
	newer.Signed()
	older.Fails("error: replaced by a newer request")
	if n := len(b.Records(Params{"action": "sign_event", "effect": "allow"})); n != 1 {
		t.Errorf("%d signatures", n)
	}
}

func TestAYesCoversOnlyTheDigestThatWasShown(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	a.AskSign(1, "shown")
	shown := b.Question()
	a.AskSign(1, "other")
	for _, q := range b.Questions() {
		if q.Text("id") != shown.Text("id") {
			b.Refused("approval.answer", Params{"id": q.Text("id"), "digest": shown.Text("digest")})
		}
	}
}

func TestAQuestionAboutACredentialEndsAfterAMinute(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	tmpl := `{"kind":22242,"created_at":` + unix(a.Now()) + `,"content":"","tags":[["relay","wss://relay.example.com"],["challenge","x"]]}`
	q := a.Ask(nip46.SignEvent, tmpl)
	b.Question()
	b.Pass(approval.CredentialQuestionFor + time.Second)
	q.Fails("restricted")
	a.Fence()
	if got := b.Admin("approval.list", Params{"state": "expired"}).Each("approvals"); len(got) != 1 {
		t.Errorf("%d expired questions, want 1", len(got))
	}
	if n := len(b.Records(Params{"action": "approval.expire"})); n != 1 {
		t.Errorf("%d records of the end", n)
	}
}

func TestAQuestionSurvivesARestart(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(*Bunker){"restart": (*Bunker).Restart, "crash": (*Bunker).CrashAndRestart} {
		t.Run(name, func(t *testing.T) {
			b, a := asking(t)
			q := a.AskSign(1, "a")
			before := b.Question()
			again(b)
			if after := b.Question(); after.Text("id") != before.Text("id") || after.Text("digest") != before.Text("digest") {
				t.Error("another question")
			}
			b.Reply(nil)
			q.Signed()
			b.Verify()
		})
	}
}

func TestARevokedAppHearsItsOpenRequestsRefused(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "a")
	id := b.Question().Text("id")
	b.Admin("connection.revoke", Params{"id": b.Connection("active")})
	q.Fails("restricted")
	if n := len(b.Questions()); n != 0 {
		t.Errorf("%d questions of a revoked app", n)
	}
	b.Refused("approval.answer", Params{"id": id})
	a.AskSign(1, "b").Fails("restricted", "revoked")
}

func TestALogoutEndsOpenQuestions(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	q := a.AskSign(1, "a")
	b.Question()
	a.Ask(nip46.Logout).Want("ack")
	q.Fails("restricted")
	if n := len(b.Questions()); n != 0 {
		t.Errorf("%d questions after the logout", n)
	}
	a.AskSign(1, "b").Fails("restricted", "logged out")
}

func TestOpenQuestionsOfOneAppAreBounded(t *testing.T) {
	t.Parallel()
	b, a := asking(t)
	for i := range approval.MaxOfConnection {
		a.AskSign(1, string(rune('a'+i)))
	}
	a.AskSign(1, "one more").Fails("rate-limited")
	if n := len(b.Questions()); n != approval.MaxOfConnection {
		t.Errorf("%d questions, want %d", n, approval.MaxOfConnection)
	}
}
