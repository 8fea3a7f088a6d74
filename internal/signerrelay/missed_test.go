package signerrelay

import (
	"context"
	"fmt"
	"testing"
	"time"

	"nsecbunker/nostr"
)

// Clients send their request and their REQ at once, and ask for nothing stored; the bunker can be quicker than the REQ.
func TestAReplyThatOvertakesItsREQIsNotMissed(t *testing.T) {
	var b *bench // needed in its own deliver
	b = start(t, Limits{}, func(_ context.Context, _ Link, _ string, ev *nostr.Event) (bool, string) {
		b.relay.Publish(answer("to "+ev.Content), nil)
		return true, ""
	})
	nothingStored := map[string]string{
		"go-nostr":    fmt.Sprintf(`["REQ","s",{"kinds":[24133],"since":%d,"limit":0,"#p":[%q]}]`, request("").CreatedAt, appKey),
		"nostr-tools": fmt.Sprintf(`["REQ","s",{"kinds":[24133],"authors":[%q],"#p":[%q],"limit":0}]`, signerKey, appKey),
		"NDK":         req("s", appKey),
	}
	for name, rq := range nothingStored {
		t.Run(name, func(t *testing.T) {
			a, other := b.connect(), b.connect()
			a.t, other.t = t, t
			ev := request(name)
			a.sendEvent(ev)
			a.expect("OK", ev.ID.String(), true, "")
			a.send(rq)
			if x := a.expectEvent("s"); x != "to "+name {
				t.Error(x)
			}
			a.expect("EOSE", "s")
			a.send(rq) // it was heard: a new REQ does not bring it again
			a.expect("EOSE", "s")
			other.send(rq) // another connection of the same key has asked nothing
			other.expect("EOSE", "s")
		})
	}
}

func TestWhoAskedIsBounded(t *testing.T) {
	c := &conn{asked: map[nostr.PubKey]time.Time{}}
	now := time.Now()
	for i := range MaxSpeaks + 1 {
		c.asks(key(i), now)
	}
	by := func(i int) *reply { return &reply{p: []nostr.PubKey{key(i)}, at: now} }
	if len(c.asked) != MaxSpeaks || !c.missed(by(0)) || c.missed(by(MaxSpeaks)) {
		t.Error(len(c.asked), c.missed(by(0)), c.missed(by(MaxSpeaks)))
	}
	c.asks(key(0), now.Add(1))
	if c.missed(by(0)) {
		t.Error("a reply from before the request counts as one to it")
	}
}

// welshman sends the REQ of a session again, thousands of times, after an outage.
func TestREQsThatAreRepeatedDoNotHoldUpWhatFollows(t *testing.T) {
	b := start(t, Limits{ReqRate: 0.001, ReqBurst: 1, MaxWait: time.Millisecond}, nil)
	a := b.connect()
	for range 200 {
		a.send(req("s", appKey))
		a.expect("EOSE", "s")
	}
	a.send(req("t", appKey)) // another subscription is charged
	a.expect("CLOSED", "t", "rate-limited: too many messages; send it again later")
}
