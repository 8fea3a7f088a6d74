package signerrelay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/nostr"
)

func reqSince(sub string, since int64, more string) string {
	return fmt.Sprintf(`["REQ",%q,{"kinds":[24133],"#p":[%q],"since":%d%s}]`, sub, appKey, since, more)
}

func TestAClientThatReconnectsGetsTheReplyThatItMissed(t *testing.T) {
	b := start(t, Limits{}, nil)
	first, second := answer("first"), answer("second")
	second.CreatedAt++
	second.ID = second.ComputeID()
	for _, ev := range []*nostr.Event{first, second, first} { // published again, kept once
		if n := b.relay.Publish(ev, nil); n != 0 {
			t.Fatalf("delivered to %d", n)
		}
	}
	a := b.connect()
	a.send(reqSince("s", first.CreatedAt, ""))
	if x, y := a.expectEvent("s"), a.expectEvent("s"); x != "second" || y != "first" { // newest first
		t.Error(x, y)
	}
	a.expect("EOSE", "s")
	a.send(reqSince("s", first.CreatedAt+1, "")) // since holds exactly
	if x := a.expectEvent("s"); x != "second" {
		t.Error(x)
	}
	a.expect("EOSE", "s")
	a.send(reqSince("s", first.CreatedAt, `,"limit":1`))
	if x := a.expectEvent("s"); x != "second" {
		t.Error(x)
	}
	a.expect("EOSE", "s")
	for name, rq := range map[string]string{
		"limit 0":      reqSince("s", 0, `,"limit":0`),
		"no since":     req("s", appKey),
		"another p":    fmt.Sprintf(`["REQ","s",{"since":0,"#p":[%q]}]`, key(8)),
		"another kind": fmt.Sprintf(`["REQ","s",{"since":0,"kinds":[24134],"#p":[%q]}]`, appKey),
		"an author":    reqSince("s", 0, fmt.Sprintf(`,"authors":[%q]`, adminKey)),
	} {
		a.send(rq)
		if msg := a.expect("EOSE"); msg[1] != "s" {
			t.Error(name, msg)
		}
	}
	// Two filters, or one with two of the event's keys, find it once.
	both := event(KindNostrConnect, signerKey, "both", key(50), key(51))
	b.relay.Publish(both, nil)
	a.send(fmt.Sprintf(`["REQ","t",{"since":0,"#p":[%q,%q]},{"since":0,"#p":[%q]}]`, key(50), key(51), key(51)))
	a.expectEvent("t")
	a.expect("EOSE", "t")
}

// shelfTest is a kept whose events are each a second younger than the one before.
type shelfTest struct {
	*kept
	n        int64
	contents map[nostr.ID]string
}

func keptWith(t *testing.T, lim Limits) *shelfTest {
	t.Helper()
	lim, err := lim.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return &shelfTest{kept: newKept(&lim)}
}

func (k *shelfTest) has(ps ...nostr.PubKey) (contents []string) {
	since := int64(0)
	f := filter{p: map[nostr.PubKey]struct{}{}, kinds: [2]bool{true, true}, since: &since, limit: -1}
	for _, p := range ps {
		f.p[p] = struct{}{}
	}
	for _, r := range k.find(&sub{filters: []filter{f}}, noon) {
		contents = append(contents, k.contents[r.ev.ID])
	}
	return contents
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (k *shelfTest) put(at time.Time, content string, size int, ps ...nostr.PubKey) {
	ev := event(KindNostrConnect, signerKey, content, ps...)
	k.n++
	ev.CreatedAt = noon.Unix() + k.n
	ev.ID = ev.ComputeID()
	if k.contents == nil {
		k.contents = map[nostr.ID]string{}
	}
	k.contents[ev.ID] = content
	k.add(ev, []byte(strings.Repeat("x", size)), ps, at)
}

func (k *shelfTest) check(t *testing.T, want string, ps ...nostr.PubKey) {
	t.Helper()
	if got := strings.Join(k.has(ps...), " "); got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
	bytes, n := 0, 0
	for el := k.order.Front(); el != nil; el = el.Next() {
		bytes += len(el.Value.(*reply).raw)
		n++
	}
	if bytes != k.bytes || n != len(k.byID) {
		t.Errorf("the books are wrong: %d bytes, counted %d; %d replies, %d ids", bytes, k.bytes, n, len(k.byID))
	}
}

func TestRepliesAreKeptForAMinuteAtMost(t *testing.T) {
	k := keptWith(t, Limits{})
	k.put(noon.Add(-DefaultKeepFor), "old", 1, appKey)
	k.put(noon.Add(-DefaultKeepFor+1), "young", 1, appKey)
	k.check(t, "young", appKey)
	k.sweep(noon.Add(time.Second))
	k.check(t, "")
	if len(k.byP) != 0 {
		t.Error("an empty shelf is left")
	}
	k.put(noon.Add(time.Hour), "from a clock that was set back", 1, appKey)
	k.sweep(noon)
	k.check(t, "")
}

func TestRepliesOfOneClientAreBoundedInNumberAndBytes(t *testing.T) {
	k := keptWith(t, Limits{MaxKeptPerKey: 3, MaxKeptBytesPerKey: 100})
	k.put(noon, "other", 1, key(9))
	for i := range 5 {
		k.put(noon, fmt.Sprint(i), 10, appKey)
	}
	k.check(t, "4 3 2", appKey)
	k.put(noon, "big", 85, appKey)
	k.check(t, "big 4", appKey)
	k.put(noon, "too big", 101, appKey)
	k.check(t, "big 4", appKey)
	k.check(t, "other", key(9))
	k.put(noon, "both", 50, appKey, key(9))
	k.check(t, "both", appKey)
	k.check(t, "both other", key(9))
}

func TestRepliesOfAllClientsAreBoundedInNumberAndBytes(t *testing.T) {
	k := keptWith(t, Limits{MaxKept: 3, MaxKeptBytes: 100})
	for i := range 5 {
		k.put(noon, fmt.Sprint(i), 10, key(i))
	}
	k.check(t, "4 3 2", key(0), key(1), key(2), key(3), key(4))
	k.put(noon, "big", 95, key(9))
	k.check(t, "big", key(0), key(1), key(2), key(3), key(4), key(9))
}

func TestNothingIsKeptWhenThatIsSwitchedOff(t *testing.T) {
	k := keptWith(t, Limits{KeepFor: -1})
	k.put(noon, "x", 1, appKey)
	k.check(t, "", appKey)
}

// Whatever the moment of the REQ, each reply comes once: kept, or live.
func TestNoReplyIsLostOrDoubledWhileAClientSubscribes(t *testing.T) {
	const replies, rounds = 200, 20
	b := start(t, Limits{MaxKeptPerKey: replies}, nil)
	for round := range rounds {
		p := key(20_000 + round)
		a := b.connect()
		started := make(chan struct{})
		go func() {
			for i := range replies {
				if i == round*replies/rounds {
					close(started)
				}
				b.relay.Publish(event(KindNostrConnect, signerKey, fmt.Sprint(i), p), nil)
			}
		}()
		<-started
		a.send(fmt.Sprintf(`["REQ","s",{"since":0,"#p":[%q]}]`, p))
		seen := make(map[string]bool)
		for len(seen) < replies {
			msg, err := a.next()
			if err != nil {
				t.Fatalf("round %d, after %d replies: %v", round, len(seen), err)
			}
			if msg[0] == "EOSE" {
				continue
			}
			content := msg[2].(map[string]any)["content"].(string)
			if seen[content] {
				t.Fatalf("round %d: %s came twice", round, content)
			}
			seen[content] = true
		}
		_ = a.ws.CloseNow()
	}
}
