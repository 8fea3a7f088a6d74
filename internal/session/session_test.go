package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func adminPairing() admin.Pairing {
	return admin.Pairing{Role: bunker.Approver, Label: "phone", By: "local", ExpiresAt: start.Add(90 * 24 * time.Hour).UnixMilli()}
}

func TestEachNumberIsExecutedOnceAndAnsweredWithTheSameBytes(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	first := g.give(g.event(&adminwire.Order{N: 1, Cmd: "key.add"}))
	again := g.give(g.event(&adminwire.Order{N: 1, Cmd: "key.add"}))
	other := g.give(g.event(&adminwire.Order{N: 1, Cmd: "key.delete"}))
	if len(first) != 1 || len(again) != 1 || len(other) != 1 || again[0].ID != first[0].ID || other[0].ID != first[0].ID {
		t.Fatal("the same number got another answer")
	}
	if n := len(h.commands()); n != 1 {
		t.Errorf("it was executed %d times", n)
	}
}

// TestWhatWasMissedIsToldAsMore: where more happened than can be told one by one.
func TestWhatWasMissedIsToldAsMore(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	h.took()
	h.Missed()
	h.Missed()
	h.pass(time.Second)
	if got := g.read(h.took()); len(got) != 1 || got[0].Notice.Type != noticeMore || got[0].Notice.N != 3 {
		t.Errorf("got %+v", got)
	}
	h.pass(time.Second)
	if got := g.read(h.took()); len(got) != 0 {
		t.Errorf("again: %+v", got)
	}
}

// TestWhatWasLookedAtGoesWithTheOrder: the version is the table's to judge.
func TestWhatWasLookedAtGoesWithTheOrder(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	g.give(g.event(&adminwire.Order{N: 1, Cmd: "policy.edit", IfVersion: 7}))
	g.give(g.event(&adminwire.Order{N: 2, Cmd: "policy.edit"}))
	if ran := h.commands(); len(ran) != 2 || ran[0].seen != 7 || ran[1].seen != 0 {
		t.Errorf("ran %+v", ran)
	}
}

func TestANumberThatIsWorkedOnIsNotWorkedOnAgain(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	h.block = make(chan struct{})
	done := make(chan struct{})
	ev := g.event(&adminwire.Order{N: 1, Cmd: "key.add"})
	go func() {
		defer close(done)
		h.Take(t.Context(), "a", ev)
	}()
	<-h.entered
	if ok, _ := h.Take(t.Context(), "b", g.event(&adminwire.Order{N: 1, Cmd: "key.add"})); !ok {
		t.Error("the double was refused")
	}
	close(h.block)
	<-done
	if n := len(h.commands()); n != 1 || len(h.took()) != 1 {
		t.Errorf("executed %d times", n)
	}
}

func TestNumbersOutsideTheWindowAreNotExecuted(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	step := func(n int64) bool {
		before := len(h.commands())
		g.give(g.event(&adminwire.Order{N: n, Cmd: "key.list"}))
		h.pass(time.Second) // the pace is not what is tested
		return len(h.commands()) > before
	}
	for _, c := range []struct {
		n    int64
		runs bool
	}{{adminwire.Window + 1, false}, {adminwire.Window, true}, {2 * adminwire.Window, true}, {adminwire.Window, false}, {1, false}, {adminwire.Window + 1, true}, {adminwire.Window + 1, false}} {
		if got := step(c.n); got != c.runs {
			t.Errorf("number %d: executed %t", c.n, got)
		}
	}
}

func TestTheLast256AnswersAreKept(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	for n := range int64(adminwire.KeptAnswers + 1) {
		g.do(n+1, "key.list")
		h.pass(100 * time.Millisecond)
	}
	refusedWith(t, g.ask(&adminwire.Order{N: 1, Cmd: "key.list"})[0], bunker.CodeConflict, "not kept any more")
	if m := g.ask(&adminwire.Order{N: 2, Cmd: "key.list"}); len(m) != 1 || m[0].Error != nil {
		t.Errorf("the second answer is gone: %+v", m)
	}
	if n := len(h.commands()); n != adminwire.KeptAnswers+1 {
		t.Errorf("executed %d times", n)
	}
}

// TestForgedOrdersAreRefused: what another page, another session or a forger made
// reaches no command.
func TestForgedOrdersAreRefused(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.in(h.known(h.person(bunker.Owner))), h.in(h.known(h.person(bunker.Viewer)))
	o := adminwire.Order{N: 1, Cmd: "key.export"}
	for name, ev := range map[string]*nostr.Event{
		"another session's id": func() *nostr.Event { o.SID = ann.ready.SID; return bob.seal(bob.ready.Session, o.Append()) }(),
		"to another session":   func() *nostr.Event { o.SID = ann.ready.SID; return bob.seal(ann.ready.Session, o.Append()) }(),
		"an unknown key":       func() *nostr.Event { o.SID = ann.ready.SID; return h.page(bob.p).seal(ann.ready.Session, o.Append()) }(),
		"to the admin key":     func() *nostr.Event { o.SID = ann.ready.SID; return ann.seal(h.Admin, o.Append()) }(),
		"the admin's own key": func() *nostr.Event {
			o.SID = ann.ready.SID
			return sealed(t, ann.p.a, ann.ready.Session, h.Admin, o.Append(), h.clock())
		}(),
		"fields that none has": ann.seal(ann.ready.Session, []byte(`{"sid":"`+ann.ready.SID.String()+`","n":1,"ack":0,"cmd":"status","fresh":true}`)),
		"a field twice":        ann.seal(ann.ready.Session, []byte(`{"sid":"`+ann.ready.SID.String()+`","n":1,"ack":0,"cmd":"status","cmd":"stop"}`)),
		"a number in parts":    ann.seal(ann.ready.Session, []byte(`{"sid":"`+ann.ready.SID.String()+`","n":1.0,"ack":0,"cmd":"status"}`)),
		"a lone surrogate":     ann.seal(ann.ready.Session, []byte(`{"sid":"`+ann.ready.SID.String()+`","n":1,"ack":0,"cmd":"\ud800"}`)),
	} {
		h.took()
		if ok, _ := h.Take(t.Context(), "x", ev); ok || len(h.took()) != 0 || len(h.commands()) != 0 {
			t.Errorf("%s: it was worked on", name)
		}
	}
	if m := ann.do(1, "key.list"); m.Error != nil {
		t.Errorf("the session is worse for it: %+v", m.Error)
	}
}

func TestARemovedAdminIsRefusedAtTheNextCommand(t *testing.T) {
	h := newHouse(t)
	ann := h.in(h.known(h.person(bunker.Owner)))
	if m := ann.do(1, "key.list"); m.Error != nil {
		t.Fatal(m.Error)
	}
	h.mu.Lock()
	h.roles[ann.p.a.PubKey()] = bunker.Viewer
	h.mu.Unlock()
	ann.do(2, "key.list")
	if by := h.commands()[1].by; by.Role != bunker.Viewer {
		t.Errorf("the role is the old one: %s", by.Role)
	}
	h.mu.Lock()
	delete(h.roles, ann.p.a.PubKey())
	h.mu.Unlock()
	h.Tell(t.Context(), "question", []byte("{}"), "")
	if len(h.took()) != 0 {
		t.Error("a removed admin heard a notice")
	}
	refusedWith(t, ann.do(3, "key.list"), bunker.CodeRestricted, "not an admin here any more")
	if out := ann.give(ann.event(&adminwire.Order{N: 4, Cmd: "key.list"})); len(out) != 0 {
		t.Error("the session goes on")
	}
	if len(h.commands()) != 2 {
		t.Error("a command of a removed admin reached the table")
	}
}

func TestARevokedDeviceIsRefusedAtTheNextCommand(t *testing.T) {
	h := newHouse(t)
	ann := h.in(h.known(h.person(bunker.Owner)))
	h.mu.Lock()
	for _, d := range h.devices {
		d.State = bunker.DeviceRevoked
	}
	h.mu.Unlock()
	refusedWith(t, ann.do(1, "key.list"), bunker.CodeRestricted, "not with this device")
}

// TestADangerousCommandNeedsASignatureOverItself: over this command with these
// parameters, this number and id, in this session, by this admin.
func TestADangerousCommandNeedsASignatureOverItself(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.in(h.known(h.person(bunker.Owner))), h.in(h.known(h.person(bunker.Owner)))
	n := int64(0)
	order := func() (*adminwire.Order, *adminwire.Signed) {
		n++
		h.pass(time.Second)
		o := &adminwire.Order{N: n, Cmd: "key.export", Op: strings.Repeat("0a", 16), Params: []byte(`{"key":"herald","password":"pässword \u0041"}`)}
		return o, &adminwire.Signed{Bunker: h.Admin, Session: ann.key.PubKey(), H2: ann.ready.H2, N: o.N, Op: o.Op, Name: o.Cmd, Params: o.Params}
	}
	sign := func(s *adminwire.Signed, who *page) *nostr.Event {
		tmpl, err := s.Template(1)
		if err != nil {
			t.Fatal(err)
		}
		ev := tmpl.Event(who.p.a.PubKey())
		if err := who.p.a.Sign(ev); err != nil {
			t.Fatal(err)
		}
		return ev
	}
	o, _ := order()
	refusedWith(t, ann.ask(o)[0], bunker.CodeNeedsProof, "signature")
	for name, touch := range map[string]func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event{
		"another parameter": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			ev := sign(s, ann)
			o.Params = []byte(`{"key":"other","password":"pässword A"}`)
			return ev
		},
		"one parameter more": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			ev := sign(s, ann)
			o.Params = []byte(`{"key":"herald","password":"pässword A","x":1}`)
			return ev
		},
		"another command": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event { s.Name = "key.delete"; return sign(s, ann) },
		"another number":  func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event { s.N--; return sign(s, ann) },
		"another id": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			s.Op = strings.Repeat("0b", 16)
			return sign(s, ann)
		},
		"another session": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event { s.H2 = bob.ready.H2; return sign(s, ann) },
		"another page": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			s.Session = bob.key.PubKey()
			return sign(s, ann)
		},
		"another bunker": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			s.Bunker = bob.key.PubKey()
			return sign(s, ann)
		},
		"another admin": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event { return sign(s, bob) },
		"a broken one": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			ev := sign(s, ann)
			ev.Sig[9] ^= 1
			return ev
		},
		"the certificate": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event { return ann.cert() },
		"words of another": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			ev := sign(s, ann)
			ev.Content = "hello"
			_ = ann.p.a.Sign(ev)
			return ev
		},
		"a tag more": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			ev := sign(s, ann)
			ev.Tags = append(ev.Tags, nostr.Tag{"x", "y"})
			_ = ann.p.a.Sign(ev)
			return ev
		},
		"another kind": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			ev := sign(s, ann)
			ev.Kind = 1
			_ = ann.p.a.Sign(ev)
			return ev
		},
		"the one before it": func(o *adminwire.Order, s *adminwire.Signed) *nostr.Event {
			return sign(&adminwire.Signed{Bunker: s.Bunker, Session: s.Session, H2: s.H2, N: 1, Op: s.Op, Name: s.Name, Params: s.Params}, ann)
		},
	} {
		before := len(h.commands())
		o, s := order()
		o.Proof = touch(o, s)
		refusedWith(t, ann.ask(o)[0], bunker.CodeRestricted, "signature")
		if len(h.commands()) != before {
			t.Errorf("%s: it reached the table", name)
		}
	}
	// Spelt otherwise, it is the same.
	o, s := order()
	o.Proof = sign(s, ann)
	o.Params = []byte("{ \"password\" : \"p\\u00e4ssword A\",\n \"key\":\"herald\" }")
	if m := ann.ask(o)[0]; m.Error != nil {
		t.Fatalf("refused: %+v", m.Error)
	}
	if by := h.commands()[len(h.commands())-1].by; !by.Fresh {
		t.Error("it was not fresh")
	}
	o, _ = order()
	o.Cmd, o.Params = "key.list", nil
	ann.ask(o)
	if by := h.commands()[len(h.commands())-1].by; by.Fresh {
		t.Error("the next command was fresh, too")
	}
}

func TestASealedBunkerLetsAdminsLookStopAndUnseal(t *testing.T) {
	h := newHouse(t)
	h.state = Sealed
	g := h.in(h.known(h.person(bunker.Approver)))
	if g.ready.State != Sealed {
		t.Fatalf("got %+v", g.ready)
	}
	for i, cmd := range []string{"status", "unseal", "stop"} {
		if m := g.do(int64(i+1), cmd); m.Error != nil {
			t.Errorf("%s: %+v", cmd, m.Error)
		}
	}
	for i, cmd := range []string{"key.list", "device.confirm", "relay.list", "instance.check", "setup", "slot.list"} {
		refusedWith(t, g.do(int64(i+10), cmd), bunker.CodeSealed, "sealed")
	}
	if n := len(h.commands()); n != 3 {
		t.Errorf("%d commands reached the table", n)
	}
}

func TestABunkerThatIsNotSetUpIsSetUpByTheCodeAlone(t *testing.T) {
	h := newHouse(t)
	h.state = NotSetUp
	g := h.in(h.person(bunker.Viewer))
	refusedWith(t, g.do(1, "status"), bunker.CodeRestricted, "not confirmed")
	refusedWith(t, g.do(2, "device.confirm"), bunker.CodeRestricted, "not confirmed")
	if m := g.do(3, "setup"); m.Error != nil { // the table asks for the code
		t.Fatal(m.Error)
	}
	if ran := h.commands(); ran[0].name != "setup" || ran[0].by.Role != bunker.Owner || ran[1].name != "device.confirm" {
		t.Errorf("got %+v", ran)
	}
}

func TestSessionsEndWhenSilentAndAfterTwelveHours(t *testing.T) {
	h := newHouse(t)
	p := h.known(h.person(bunker.Owner))
	g := h.in(p)
	h.pass(adminwire.Idle - time.Second)
	g.do(1, "key.list")
	h.pass(adminwire.Idle)
	if out := g.give(g.event(&adminwire.Order{N: 2, Cmd: "key.list"})); len(out) != 0 {
		t.Error("a session goes on that was silent for 30 minutes")
	}
	g = h.in(p)
	for n := int64(1); h.clock().Before(time.Unix(g.ready.Until, 0).Add(-20 * time.Minute)); n++ {
		h.pass(19 * time.Minute)
		g.do(n, "key.list")
	}
	h.pass(20 * time.Minute)
	if len(h.live) != 0 {
		t.Error("a session lasts longer than 12 hours")
	}
	waits := h.in(h.person(bunker.Owner))
	for range 11 {
		waits.ask(&adminwire.Order{N: 1, Cmd: "sync"})
		h.pass(time.Minute)
	}
	if len(h.live) != 0 {
		t.Error("a device waits longer than ten minutes")
	}
}

// A page that shows an open bunker while it is sealed would keep its admin from
// giving the passphrase.
func TestASessionHearsThatTheBunkerWasSealedAndNothingElseOfIt(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Viewer)))
	stranger := h.in(h.person(bunker.Owner)) // not confirmed
	h.took()
	h.state = Sealed
	h.Turned()
	out := h.took()
	if got := g.read(out); len(got) != 1 || got[0].Notice.Type != noticeMore || string(got[0].Notice.Data) != "{}" {
		t.Errorf("got %+v", got)
	}
	if got := stranger.read(out); len(got) != 0 {
		t.Errorf("a device that nobody knows hears %+v", got)
	}
}

func TestNoticesAreNumberedSoThatAGapIsSeen(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	h.took()
	for range NoticeBurst + 50 {
		h.Tell(t.Context(), "changed", []byte(`{"noun":"key"}`), "")
	}
	got := g.read(h.took())
	if len(got) != NoticeBurst || got[0].Notice.N != 1 || got[len(got)-1].Notice.N != NoticeBurst {
		t.Fatalf("%d notices", len(got))
	}
	m := g.do(1, "sync")
	var s syncResult
	if err := json.Unmarshal(m.Result, &s); err != nil || s.Notice != NoticeBurst+50 || s.Role != "owner" || !s.Confirmed {
		t.Errorf("sync says %s", m.Result)
	}
	h.took()
	h.pass(time.Minute) // nothing more happens: it is told all the same
	if got := g.read(h.took()); len(got) != 1 || got[0].Notice.N != NoticeBurst+51 || got[0].Notice.Type != noticeMore {
		t.Errorf("got %+v: the gap does not show", got)
	}
	h.Tell(t.Context(), "changed", []byte(`{}`), "")
	if got := g.read(h.took()); len(got) != 1 || got[0].Notice.N != NoticeBurst+52 {
		t.Errorf("got %+v", got)
	}
	h.pass(time.Minute)
	if got := g.read(h.took()); len(got) != 0 {
		t.Errorf("got %+v: there was nothing more", got)
	}
}

func TestALongAnswerComesInPartsEightAtATime(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	whole := json.RawMessage(`"` + strings.Repeat("long ", 20*adminwire.PartSize/5) + `"`)
	h.result = whole
	out := g.ask(&adminwire.Order{N: 1, Cmd: "audit.list"})
	if len(out) != adminwire.PartsAhead {
		t.Fatalf("%d parts came by themselves", len(out))
	}
	var a adminwire.Assembly
	add := func(list []adminwire.Message) {
		for _, m := range list {
			if err := a.Add(m.Part); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(out[:3])
	add(out[4:]) // one was lost
	for {
		from, more := a.Missing()
		if !more {
			break
		}
		got := g.ask(&adminwire.Order{More: &adminwire.More{Re: 1, From: from}})
		if len(got) == 0 || len(got) > adminwire.PartsAhead {
			t.Fatalf("%d parts from %d on", len(got), from)
		}
		add(got)
	}
	if b, err := a.Result(); err != nil || !bytes.Equal(b, whole) {
		t.Errorf("the parts do not make the whole: %v", err)
	}
	if n := len(h.commands()); n != 1 {
		t.Errorf("executed %d times", n)
	}
	h.result = json.RawMessage(`"` + strings.Repeat("x", adminwire.MaxAnswer) + `"`)
	refusedWith(t, g.do(2, "audit.list"), bunker.CodeError, "larger than")
	for _, ev := range g.wire {
		if n := len(ev.AppendJSON(nil)); n > adminwire.MaxEvent {
			t.Fatalf("an event of %d bytes", n)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	h := newHouse(t)
	ann := h.known(h.person(bunker.Owner))
	var first *page
	for i := range MaxSessionsOf + 1 {
		g := h.in(ann)
		if first == nil {
			first = g
		}
		h.pass(time.Duration(i+1) * time.Second)
	}
	if n := len(h.Open()); n != MaxSessionsOf {
		t.Errorf("%d sessions of one person", n)
	}
	if out := first.give(first.event(&adminwire.Order{N: 1, Cmd: "key.list"})); len(out) != 0 {
		t.Error("not the oldest was ended")
	}
	bob := h.person(bunker.Owner)
	for i := range MaxWaitingOf + 2 {
		h.pass(time.Second)
		dev := h.person(bunker.NoRole).dev
		g := h.page(&person{bob.a, dev}).hello()
		r, ok := g.prove(g.proof())
		if !ok || (r.Refusal != nil) != (i >= MaxWaitingOf) {
			t.Errorf("waiting device %d: %+v", i, r.Refusal)
		}
	}
	for i := range 20 {
		h.pass(time.Second)
		p := h.person(bunker.Viewer)
		g := h.page(p).hello()
		g.prove(g.proof())
		_ = fmt.Sprint(i)
	}
	if n := len(h.Waiting()); n != MaxWaiting {
		t.Errorf("%d devices wait", n)
	}
}

func TestOrdersOfOneSessionArePaced(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	for n := range int64(OrderBurst + 20) {
		g.give(g.event(&adminwire.Order{N: n + 1, Cmd: "key.list"}))
	}
	if n := len(h.commands()); n != OrderBurst {
		t.Errorf("%d orders in a moment", n)
	}
	h.pass(time.Second)
	if m := g.do(OrderBurst+1, "key.list"); m.Error != nil { // it was not lost: sent again it is worked on
		t.Error(m.Error)
	}
}
