package session

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func TestAConfirmedDeviceOfAnAdminIsLetIn(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Operator)))
	r := g.ready
	if !r.Confirmed || r.Role != "operator" || r.State != Unsealed || r.Idle != 1800 || r.Until != start.Add(12*time.Hour).Unix() || string(r.Checkpoint) != `{"seq":7}` {
		t.Fatalf("got %+v", r)
	}
	if m := g.do(1, "key.list"); string(m.Result) != `{"ok":true}` {
		t.Fatalf("got %+v", m)
	}
	by := h.commands()[0].by
	if by.PubKey != g.p.a.PubKey() || by.Role != bunker.Operator || by.Door != bunker.DoorRelay || by.Device == "" || by.Fresh {
		t.Fatalf("the command came from %+v", by)
	}
}

// TestLongLivedKeysOpenNothingFromTheProofOn: whoever recorded everything and
// later gets the admin key of the bunker, the admin's key and the device's key
// reads the hello and the challenge, which hold no secret, and nothing else.
func TestLongLivedKeysOpenNothingFromTheProofOn(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	g.do(1, "key.list")
	g.do(2, "token.create")
	h.Tell(t.Context(), "changed", []byte(`{"noun":"key"}`), "")
	g.wire = append(g.wire, h.took()...)
	g.do(3, "bye")
	if len(g.wire) < 11 {
		t.Fatalf("only %d events", len(g.wire))
	}
	peers := map[nostr.PubKey]bool{h.Admin: true, g.p.a.PubKey(): true, g.hs.Epoch: true, g.ready.Session: true, g.key.PubKey(): true}
	for i, ev := range g.wire {
		read := false
		for _, long := range []*nostr.SecretKey{h.bKey, g.p.a} {
			for peer := range peers {
				_, ok := opened(long, peer, ev)
				read = read || ok
			}
		}
		if read != (i < 2) {
			t.Errorf("event %d: opened by a long-lived key: %t", i, read)
		}
	}
	h.pass(adminwire.EpochLife)
	if len(h.epochs) != 0 {
		t.Error("an epoch key is older than 240 s")
	}
	if used, _ := h.arena.Used(); used > 0 {
		if _, ok := h.live[g.key.PubKey()]; ok {
			t.Error("the session's keys are there after bye")
		}
	}
}

// TestEveryFieldOfTheProofIsBound: each field touched, or taken from another
// session, admin or bunker, gets silence.
func TestEveryFieldOfTheProofIsBound(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.known(h.person(bunker.Owner)), h.known(h.person(bunker.Owner))
	other := h.page(bob).hello()
	theirs := other.proof()
	resign := func(p *adminwire.Proof, who *person) {
		if err := who.a.Sign(p.Cert); err != nil {
			t.Fatal(err)
		}
	}
	next := h.page(ann).hello() // another session of the same admin
	for name, touch := range map[string]func(g *page, p *adminwire.Proof){
		"nc": func(_ *page, p *adminwire.Proof) { p.NC[0] ^= 1 },
		"nb": func(_ *page, p *adminwire.Proof) { p.NB[0] ^= 1 },
		"eb": func(_ *page, p *adminwire.Proof) { p.Epoch[0] ^= 1 },
		"versions": func(_ *page, p *adminwire.Proof) {
			p.Versions = []int64{1, 2}
		},
		"nc of another session":         func(_ *page, p *adminwire.Proof) { p.NC = theirs.NC },
		"nc and nb of another session":  func(_ *page, p *adminwire.Proof) { p.NC, p.NB = theirs.NC, theirs.NB },
		"device's signature":            func(_ *page, p *adminwire.Proof) { p.Sig[5] ^= 1 },
		"device's signature of another": func(_ *page, p *adminwire.Proof) { p.Sig = theirs.Sig },
		"device of another":             func(_ *page, p *adminwire.Proof) { p.Device = theirs.Device },
		"device and signature of another session": func(_ *page, p *adminwire.Proof) {
			p.Device, p.Sig = theirs.Device, theirs.Sig
		},
		"certificate of another admin": func(_ *page, p *adminwire.Proof) { p.Cert = theirs.Cert },
		"certificate of another session": func(_ *page, p *adminwire.Proof) {
			p.Cert = next.cert()
		},
		"certificate's signature": func(_ *page, p *adminwire.Proof) { p.Cert.Sig[3] ^= 1 },
		"certificate's id":        func(_ *page, p *adminwire.Proof) { p.Cert.ID[3] ^= 1 },
		"certificate's author":    func(_ *page, p *adminwire.Proof) { p.Cert.PubKey = bob.a.PubKey() },
		"certificate's kind":      func(_ *page, p *adminwire.Proof) { p.Cert.Kind = 1; resign(p, ann) },
		"certificate for another bunker": func(_ *page, p *adminwire.Proof) {
			p.Cert.Tags[0][1] = bob.a.PubKey().String()
			resign(p, ann)
		},
		"certificate for another page": func(_ *page, p *adminwire.Proof) {
			p.Cert.Tags[1][1] = other.key.PubKey().String()
			resign(p, ann)
		},
		"certificate with another challenge": func(_ *page, p *adminwire.Proof) {
			p.Cert.Tags[2][1] = other.hs.H().String()
			resign(p, ann)
		},
		"certificate with other words": func(_ *page, p *adminwire.Proof) { p.Cert.Content = "hello"; resign(p, ann) },
		"certificate whose words name another origin": func(_ *page, p *adminwire.Proof) {
			p.Cert.Tags[3][1] = "https://evil.example"
			resign(p, ann)
		},
		"certificate with a further tag": func(_ *page, p *adminwire.Proof) {
			p.Cert.Tags = append(p.Cert.Tags, nostr.Tag{"x", "y"})
			resign(p, ann)
		},
		"a pairing beside it": func(_ *page, p *adminwire.Proof) { p.Cert = nil; p.Pair = &adminwire.Hash{1} },
	} {
		t.Run(name, func(t *testing.T) {
			g := h.page(ann).hello()
			p := g.proof()
			touch(g, p)
			if r, ok := g.prove(p); ok {
				t.Errorf("it was answered: %+v", r)
			}
			if r, ok := g.prove(g.proof()); !ok || !r.Confirmed {
				t.Error("the untouched proof of the same page is not let in")
			}
			g.ready, _ = adminwire.Ready{}, false
			h.Close() // room for the next
			h.pass(time.Second)
		})
		other = h.page(bob).hello()
		theirs = other.proof()
		next = h.page(ann).hello()
	}
}

// TestAProofForAnotherBunkerIsWorthNothing: a bunker that is one's enemy cannot
// forward what it was given.
func TestAProofForAnotherBunkerIsWorthNothing(t *testing.T) {
	good, evil := newHouse(t), newHouse(t)
	ann := good.known(good.person(bunker.Owner))
	evil.mu.Lock()
	evil.roles[ann.a.PubKey()] = bunker.Owner
	evil.mu.Unlock()
	g := evil.page(ann).hello()
	p := g.proof()
	// The enemy asks the good one for a challenge with the page's nonce, as itself.
	e := good.page(&person{ann.a, ann.dev}).hello()
	e.hs.NC, e.hs.NB, e.hs.Epoch = p.NC, p.NB, p.Epoch
	forward := good.page(ann).hello()
	p.NC, p.NB, p.Epoch = forward.hs.NC, forward.hs.NB, forward.hs.Epoch
	if r, ok := forward.prove(p); ok {
		t.Errorf("the good bunker answered: %+v", r)
	}
}

func TestAProofIsGoodFor240SecondsAndNoLonger(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		good  bool
	}{{239 * time.Second, true}, {241 * time.Second, false}} {
		h := newHouse(t)
		g := h.page(h.known(h.person(bunker.Owner))).hello()
		p := g.proof()
		h.pass(c.after)
		if _, ok := g.prove(p); ok != c.good {
			t.Errorf("after %s: answered %t", c.after, ok)
		}
	}
}

func TestAnEpochKeyIsNewEachMinute(t *testing.T) {
	h := newHouse(t)
	p := h.known(h.person(bunker.Owner))
	one, two := h.page(p).hello(), h.page(p).hello()
	h.pass(adminwire.EpochEvery)
	three := h.page(p).hello()
	if one.hs.Epoch != two.hs.Epoch || one.hs.Epoch == three.hs.Epoch {
		t.Error("an epoch is not a minute")
	}
	if one.hs.NB == two.hs.NB {
		t.Error("two pages got the same nonce")
	}
	if _, ok := one.prove(one.proof()); !ok {
		t.Error("the epoch before is forgotten")
	}
}

func TestTheSameProofGetsTheSameBytesAndAnotherNone(t *testing.T) {
	h := newHouse(t)
	g := h.page(h.known(h.person(bunker.Owner))).hello()
	p := g.proof()
	first := g.give(g.seal(g.hs.Epoch, p.Append()))
	again := g.give(g.seal(g.hs.Epoch, p.Append())) // another event, the same proof
	if len(first) != 1 || len(again) != 1 || again[0].ID != first[0].ID || again[0].Sig != first[0].Sig {
		t.Fatalf("got %d and %d events", len(first), len(again))
	}
	if len(h.opened) != 1 {
		t.Errorf("%d sessions were opened", len(h.opened))
	}
	if out := g.give(g.seal(g.hs.Epoch, g.proof().Append())); len(out) != 0 {
		t.Error("another proof of the same page was answered")
	}
}

func TestAnEndedKeyIsNotHeardAgain(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	p := g.proof()
	g.do(1, "bye")
	if out := g.give(g.event(&adminwire.Order{N: 2, Cmd: "key.list"})); len(out) != 0 {
		t.Error("an order after bye was answered")
	}
	if _, ok := g.prove(p); ok {
		t.Error("the proof of an ended session was answered")
	}
	hello := adminwire.Hello{Versions: []int64{1}}
	if out := g.give(g.seal(h.Admin, hello.Append())); len(out) != 0 {
		t.Error("a hello of an ended key was answered")
	}
	h.pass(adminwire.EpochLife)
	if _, ok := g.prove(p); ok {
		t.Error("the proof was answered when the key was forgotten, though its epoch is, too")
	}
}

// TestAPageThatSignsEverythingMayOnlyAsk: an extension that signs whatever a
// hostile page asks for makes it no administrator.
func TestAPageThatSignsEverythingMayOnlyAsk(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.person(bunker.Owner)) // signed by the owner, from a device that nobody knows
	if g.ready.Confirmed || g.ready.Role != "none" {
		t.Fatalf("got %+v", g.ready)
	}
	for i, cmd := range []string{"key.list", "status", "key.export", "admin.add", "unseal", "stop", "setup", "device.list", "device.pair", "approval.answer", "seal"} {
		o := &adminwire.Order{N: int64(i + 1), Cmd: cmd}
		s := adminwire.Signed{Bunker: h.Admin, Session: g.key.PubKey(), H2: g.ready.H2, N: o.N, Name: cmd}
		tmpl, err := s.Template(1)
		if err != nil {
			t.Fatal(err)
		}
		o.Proof = tmpl.Event(g.p.a.PubKey())
		if err := g.p.a.Sign(o.Proof); err != nil {
			t.Fatal(err)
		}
		refusedWith(t, g.ask(o)[0], bunker.CodeRestricted, "not confirmed")
	}
	for n, params := range []string{`{}`, `{"passphrase":"guess"}`, `{"setup_code":"guess"}`, `{"digits":"` + g.ready.Code + `"}`} {
		m := g.ask(&adminwire.Order{N: int64(100 + n), Cmd: "device.confirm", Params: []byte(params)})[0]
		if m.Error == nil {
			t.Errorf("%s confirmed the device", params)
		}
	}
	if ran := h.commands(); len(ran) != 0 {
		t.Errorf("the table was asked: %+v", ran)
	}
	h.Tell(t.Context(), "question", []byte("{}"), "")
	if out := h.took(); len(out) != 0 {
		t.Error("a notice was sent to a device that nobody knows")
	}
}

func TestAnUnknownDeviceIsConfirmedByPassphraseOrCode(t *testing.T) {
	for _, params := range []string{`{"passphrase":"the passphrase"}`, `{"setup_code":"SETUPCODE"}`} {
		h := newHouse(t)
		g := h.in(h.person(bunker.Approver))
		out := g.ask(&adminwire.Order{N: 1, Cmd: "device.confirm", Params: []byte(params)})
		if len(out) != 2 || out[0].Notice == nil || out[0].Notice.Type != "confirmed" || out[1].Error != nil {
			t.Fatalf("%s: got %+v", params, out)
		}
		if m := g.do(2, "key.list"); m.Error != nil {
			t.Errorf("%s: refused after that: %+v", params, m.Error)
		}
	}
}

func TestOnlyAdminsAreTold(t *testing.T) {
	h := newHouse(t)
	nobody := h.person(bunker.NoRole)
	g := h.page(nobody).hello()
	r, ok := g.prove(g.proof())
	if !ok || r.Refusal == nil || r.Refusal.Words != "not an admin here" || len(h.opened) != 0 {
		t.Fatalf("got %+v", r)
	}
	// Nobody else hears anything.
	ann := h.known(h.person(bunker.Owner))
	stranger := h.key()
	silent := map[string]*nostr.Event{
		"garbage to the admin key":      sealed(t, stranger, h.Admin, h.Admin, []byte("hello"), h.clock()),
		"a challenge":                   sealed(t, stranger, h.Admin, h.Admin, (&adminwire.Challenge{}).Append(), h.clock()),
		"a hello of another version":    sealed(t, stranger, h.Admin, h.Admin, (&adminwire.Hello{Versions: []int64{2}}).Append(), h.clock()),
		"an order without a session":    sealed(t, stranger, h.Admin, h.Admin, (&adminwire.Order{N: 1, Cmd: "status"}).Append(), h.clock()),
		"what is encrypted to somebody": sealed(t, stranger, ann.a.PubKey(), h.Admin, []byte("{}"), h.clock()),
	}
	bare := h.page(nobody).hello()
	silent["an unknown device without a certificate"] = bare.seal(bare.hs.Epoch, bare.bare().Append())
	pair := h.page(nobody).hello()
	m := pair.bare()
	m.Pair = &adminwire.Hash{7}
	silent["a pairing that nobody offered"] = pair.seal(pair.hs.Epoch, m.Append())
	for _, name := range sortedKeys(silent) {
		h.took()
		if ok, _ := h.Take(t.Context(), "x", silent[name]); ok || len(h.took()) != 0 {
			t.Errorf("%s was answered", name)
		}
	}
}

func TestADeviceComesBackWithoutACertificateForTwelveHours(t *testing.T) {
	h := newHouse(t)
	ann := h.known(h.person(bunker.Owner))
	h.in(ann)
	h.pass(12*time.Hour - time.Minute)
	g := h.page(ann).hello()
	r, ok := g.prove(g.bare())
	pub, _ := ann.dev.Pub()
	id := pub.ID()
	if !ok || !r.Confirmed || r.H2 != adminwire.H2(g.hs.H(), id[:], nostr.ID{}, r.Session, r.SID) {
		t.Fatalf("got %+v", r)
	}
	h.pass(2 * time.Minute)
	g = h.page(ann).hello()
	if r, ok = g.prove(g.bare()); !ok || r.Refusal == nil || r.Refusal.Code != string(bunker.CodeNeedsProof) {
		t.Fatalf("got %+v", r)
	}
	// Coming back is no login: only a certificate makes twelve hours more.
	if g = h.in(ann); !g.ready.Confirmed {
		t.Error("not let in with a certificate")
	}
	h.mu.Lock()
	delete(h.roles, ann.a.PubKey())
	h.mu.Unlock()
	g = h.page(ann).hello()
	if _, ok := g.prove(g.bare()); ok {
		t.Error("a device of somebody who is no admin any more was answered")
	}
}

func TestChallengesAreTenASecondForEachLink(t *testing.T) {
	h := newHouse(t)
	answered := func(link string, n int) (got int) {
		for range n {
			g := h.page(h.person(bunker.NoRole))
			g.link = link
			m := adminwire.Hello{Versions: []int64{1}}
			rand.Read(m.NC[:])
			got += len(g.give(g.seal(h.Admin, m.Append())))
		}
		return got
	}
	if got := answered("a", 30); got != HelloRate {
		t.Errorf("%d challenges in a moment over one link", got)
	}
	if got := answered("b", 5); got != 5 {
		t.Errorf("another link got %d of 5: a flood on one relay shuts the others out", got)
	}
	for i := range 20 {
		answered(fmt.Sprint("l", i), 10)
	}
	if got := answered("fresh", 1); got != 0 {
		t.Error("there is no bound over all links")
	}
	h.pass(time.Second)
	if got := answered("a", 30); got != HelloRate {
		t.Errorf("%d challenges in the next second", got)
	}
	if len(h.live) != 0 {
		t.Error("a hello left a session behind")
	}
}

func TestPairingIsGoodOnceForTenMinutes(t *testing.T) {
	h := newHouse(t)
	phone := func() *page { return h.page(h.person(bunker.NoRole)).hello() }
	pair := func(g *page, raw []byte) (adminwire.Ready, bool) {
		m := g.bare()
		p := adminwire.Pairing(raw, g.hs.H())
		m.Pair = &p
		return g.prove(m)
	}
	link, id, err := h.Pair(adminPairing())
	if err != nil {
		t.Fatal(err)
	}
	c, err := adminwire.ParseConnectionString(link)
	if err != nil || c.Bunker != h.Admin || len(c.Pairing) != 32 {
		t.Fatal(err)
	}
	if _, ok := pair(phone(), make([]byte, 32)); ok {
		t.Error("a wrong secret was answered")
	}
	g := phone()
	r, ok := pair(g, c.Pairing)
	if !ok || r.Confirmed || r.Role != "none" {
		t.Fatalf("got %+v", r)
	}
	g.ready = r
	w, err := h.Paired(t.Context(), id)
	if err != nil || w.Code != r.Code || w.Pairing.Role != bunker.Approver {
		t.Fatalf("the terminal shows %q, the phone %q: %v", w.Code, r.Code, err)
	}
	refusedWith(t, g.do(1, "approval.list"), bunker.CodeRestricted, "not confirmed")
	// Neither the passphrase nor itself confirms it: the terminal does.
	refusedWith(t, g.ask(&adminwire.Order{N: 2, Cmd: "device.confirm", Params: []byte(`{"passphrase":"the passphrase"}`)})[0], bunker.CodeRestricted, "not confirmed")
	if _, ok := pair(phone(), c.Pairing); ok {
		t.Error("the link was good twice")
	}
	h.confirm(w)
	if m := g.do(3, "approval.list"); m.Error != nil {
		t.Fatalf("refused when it was confirmed: %+v", m.Error)
	}
	if by := h.commands()[0].by; by.Role != bunker.Approver || by.Name != "local" || !by.PubKey.IsZero() {
		t.Errorf("it may do more than the link said: %+v", by)
	}
	// It comes back without a certificate, until it expires.
	back := h.page(g.p).hello()
	if r, ok := back.prove(back.bare()); !ok || !r.Confirmed || r.Role != "approver" {
		t.Errorf("got %+v", r)
	}
	link, _, err = h.Pair(adminPairing())
	if err != nil {
		t.Fatal(err)
	}
	c, _ = adminwire.ParseConnectionString(link)
	h.pass(adminwire.PairingLife)
	if _, ok := pair(phone(), c.Pairing); ok {
		t.Error("the link was good after ten minutes")
	}
}

// TestWhoWasInvitedBecomesAnAdminByLoggingIn: the table judges the invitation; his
// device is as unknown as any.
func TestWhoWasInvitedBecomesAnAdminByLoggingIn(t *testing.T) {
	h := newHouse(t)
	guest := h.person(bunker.NoRole)
	g := h.page(guest).hello()
	m := g.proof()
	m.Invite = "wrong"
	if r, ok := g.prove(m); !ok || r.Refusal == nil || r.Refusal.Words != "not an admin here" {
		t.Fatalf("got %+v", r)
	}
	g = h.page(guest).hello()
	m = g.proof()
	m.Invite = "the code"
	r, ok := g.prove(m)
	if !ok || r.Refusal != nil || r.Confirmed {
		t.Fatalf("got %+v", r)
	}
	ran := h.commands()
	if by := ran[len(ran)-1].by; by.Role != bunker.NoRole || by.PubKey != guest.a.PubKey() || by.Door != bunker.DoorRelay || by.Fresh {
		t.Errorf("the table saw %+v", by)
	}
}
