package signerrelay

import (
	"context"
	"strings"
	"testing"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
)

const ourURL = "wss://relay.bunker.example"

func (a *app) auth(k *nostr.SecretKey, relay, challenge string) nostr.ID {
	a.t.Helper()
	ev, err := nip42.Event(relay, challenge, time.Now())
	if err != nil {
		a.t.Fatal(err)
	}
	if err := k.Sign(ev); err != nil {
		a.t.Fatal(err)
	}
	a.send(`["AUTH",` + string(ev.AppendJSON(nil)) + `]`)
	return ev.ID
}

func TestMoreThanAHundredKeysNeedProofThatTheyAreTheClients(t *testing.T) {
	b := start(t, Limits{}, nil)
	a := b.connect()
	mine := realKey(t)
	ps := []nostr.PubKey{mine.PubKey()}
	for i := range DefaultMaxP {
		ps = append(ps, key(300+i))
	}
	a.listen("s", ps[1:]...) // 100 are free
	a.send(req("s", ps...))  // 101 are not
	challenge := a.expect("AUTH")[1].(string)
	a.expectReason("auth-required: ", "CLOSED", "s")
	if s := b.relay.Stats(); s.Subs != 0 {
		t.Error("the old subscription is live after CLOSED")
	}
	id := a.auth(mine, ourURL, challenge)
	a.expect("OK", id.String(), true)
	a.listen("s", ps...)
	a.send(req("t", append(ps, key(999))...))
	a.expect("AUTH", challenge) // the same as before: it is good for the whole connection
	a.expectReason("auth-required: ", "CLOSED", "t")
}

func TestAuthenticationIsCheckedInEveryPart(t *testing.T) {
	b := start(t, Limits{MaxAuthed: 2, MaxBadPerMinute: 100}, nil)
	a := b.connect()
	mine := realKey(t)
	id := a.auth(mine, ourURL, "a challenge of our own making")
	a.expectReason("invalid: ", "OK", id.String(), false) // none was given yet
	var ps []nostr.PubKey
	for i := range DefaultMaxP + 1 {
		ps = append(ps, key(300+i))
	}
	a.send(req("s", ps...))
	challenge := a.expect("AUTH")[1].(string)
	a.expect("CLOSED")
	other := b.connect()
	other.send(req("s", ps...))
	if other.expect("AUTH")[1] == challenge {
		t.Error("two connections have the same challenge")
	}
	for _, c := range [][2]string{{ourURL, strings.ToLower(challenge)}, {"wss://evil.example", challenge}} {
		id = a.auth(mine, c[0], c[1])
		a.expectReason("invalid: ", "OK", id.String(), false)
	}
	forged, err := nip42.Event(ourURL, challenge, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := mine.Sign(forged); err != nil {
		t.Fatal(err)
	}
	forged.PubKey = realKey(t).PubKey()
	forged.ID = forged.ComputeID()
	a.send(`["AUTH",` + string(forged.AppendJSON(nil)) + `]`)
	a.expectReason("invalid: ", "OK", forged.ID.String(), false)
	for i := range 3 { // several keys are right, up to the bound
		id = a.auth(realKey(t), ourURL, challenge)
		if i < 2 {
			a.expect("OK", id.String(), true)
		} else {
			a.expectReason("rate-limited: ", "OK", id.String(), false)
		}
	}
}

func TestTheBunkerCanAskWhoAuthenticated(t *testing.T) {
	mine := realKey(t)
	links := make(chan Link, 1)
	b := start(t, Limits{MaxP: 1}, func(_ context.Context, from Link, _ string, _ *nostr.Event) (bool, string) {
		links <- from
		return true, ""
	})
	a := b.connect()
	a.send(req("s", key(5), key(6)))
	id := a.auth(mine, ourURL, a.expect("AUTH")[1].(string))
	a.expect("CLOSED")
	a.expect("OK", id.String(), true)
	a.sendEvent(request("x"))
	a.expect("OK")
	from := <-links
	if !from.Auth(mine.PubKey()) || from.Auth(appKey) || from.String() != "embedded relay, connection 1" {
		t.Error(from)
	}
}

func TestOurOwnKeysDoNotLogInFromOutside(t *testing.T) {
	mine := realKey(t)
	b := start(t, Limits{MaxP: 1}, nil)
	b.relay.cfg.Ours = func(p nostr.PubKey) bool { return p == mine.PubKey() }
	a := b.connect()
	a.send(req("s", key(1), key(2)))
	id := a.auth(mine, ourURL, a.expect("AUTH")[1].(string))
	a.expect("CLOSED")
	a.expectReason("restricted: ", "OK", id.String(), false)
}
