package bunkertest

import (
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/config"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip17"
	"nsecbunker/nostr/nip19"
)

// takes publishes, on a relay, where a person takes messages.
func (p *person) takes(on *Relay, urls ...string) {
	p.b.t.Helper()
	ev := nip17.RelayList(urls, time.Now())
	if err := p.Sign(ev); err != nil {
		p.b.t.Fatal(err)
	}
	on.Hand(ev)
}

// reading is a bunker on one relay, whose channel tells somebody who says on it that
// he takes messages on another one.
func reading(t *testing.T, list func(p *person, home *Relay), channel Params) (b *Bunker, p *person, home *Relay, told func()) {
	t.Helper()
	t.Parallel()
	r := NewRelay(t)
	home = NewRelay(t)
	b = Start(t, Options{Relays: []string{r.URL}, Config: func(c *config.Config) { c.Allow = append(c.Allow, strings.TrimPrefix(home.URL, "ws://")) }})
	p = newPerson(b, r)
	b.Admin("admin.add", Params{"npub": p.npub(), "role": "approver"})
	list(p, home)
	all := Params{"name": "me", "kind": "nostr", "target": p.npub()}
	for k, v := range channel {
		all[k] = v
	}
	var err error
	if p.to, err = nip19.DecodeNpub(b.Admin("notify.add", all).Text("npub")); err != nil {
		t.Fatal(err)
	}
	return b, p, home, func() {
		t.Helper()
		// A bunker that has just started may not have begun to speak with relays yet.
		b.Until("the message is taken", func() bool {
			_, err := b.Try("notify.test", Params{"name": "me"})
			return err == nil
		})
	}
}

func (r *Relay) has(kind nostr.Kind) bool {
	for _, e := range r.Seen() {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

const wrapped nostr.Kind = 1059

func TestAMessageGoesWhereItsReaderTakesMessages(t *testing.T) {
	b, p, home, tell := reading(t, func(p *person, home *Relay) { p.takes(p.relay, home.URL) }, Params{"answers": true})
	tell()
	if p.relay.has(wrapped) || !home.has(wrapped) {
		t.Error("the message is not there, or elsewhere, too")
	}
	b.Until("its reader finds where to answer", func() bool {
		if home.has(nip17.KindRelays) {
			return true
		}
		tell() // the list goes with each message until the relay has it: with the first one, none may have been spoken with yet
		return false
	})
	at := &person{SecretKey: p.SecretKey, b: p.b, relay: home, to: p.to}
	at.await("nsecBunker")
}

func TestAListOfSomebodyElseLeadsNoMessageAway(t *testing.T) {
	_, p, home, tell := reading(t, func(p *person, home *Relay) {
		other := newPerson(p.b, p.relay)
		ev := nip17.RelayList([]string{home.URL}, time.Now())
		if err := other.Sign(ev); err != nil {
			p.b.t.Fatal(err)
		}
		ev.PubKey = p.PubKey() // whoever runs the relay says that it is his
		p.relay.Hand(ev)
	}, nil)
	tell()
	if home.has(wrapped) || !p.relay.has(wrapped) {
		t.Error("a forged list was followed")
	}
}

func TestAMessageGoesToTheBunkersRelaysWhereTheReadersTakeNone(t *testing.T) {
	_, p, _, tell := reading(t, func(p *person, home *Relay) {
		home.Behave(Manners{Refuse: 100})
		p.takes(p.relay, home.URL)
	}, nil)
	tell()
	if !p.relay.has(wrapped) {
		t.Error("nobody has it")
	}
}

func TestARelayThatNeverEndsItsAnswerHoldsNoMessageBack(t *testing.T) {
	_, p, _, tell := reading(t, func(p *person, home *Relay) { p.relay.Behave(Manners{NoEOSE: 100}) }, nil)
	tell()
	if !p.relay.has(wrapped) {
		t.Error("nobody has it")
	}
}

// That a relay did not say where somebody takes messages is not taken for an answer for long.
func TestAReaderWhoWasNotFoundIsLookedForAgain(t *testing.T) {
	b, p, home, tell := reading(t, func(p *person, home *Relay) { p.relay.Behave(Manners{NoEOSE: 100}) }, nil)
	tell()
	p.relay.Behave(Manners{})
	p.takes(p.relay, home.URL)
	b.Pass(time.Minute)
	tell()
	if !home.has(wrapped) {
		t.Error("the message is not where its reader takes messages")
	}
}

func TestAMessageOfKind4LooksForNoList(t *testing.T) {
	_, p, home, tell := reading(t, func(p *person, home *Relay) { p.takes(p.relay, home.URL) }, Params{"legacy": true})
	tell()
	if home.has(4) || !p.relay.has(4) {
		t.Error("kind 4 has no list of relays")
	}
}
