package signerrelay

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/nostr"
)

func TestRequestReachesTheBunkerAndTheReplyReachesTheApp(t *testing.T) {
	type arrival struct {
		raw string
		ev  *nostr.Event
	}
	arrived := make(chan arrival, 1)
	b := start(t, Limits{}, func(_ context.Context, from Link, raw string, ev *nostr.Event) (bool, string) {
		if from.Conn == 0 || from.Seq != 2 {
			t.Errorf("link %d, message %d", from.Conn, from.Seq)
		}
		arrived <- arrival{string(raw), ev}
		return true, ""
	})
	a := b.connect()
	a.listen("s", appKey)
	rq := request("ciphertext")
	a.sendEvent(rq)
	a.expect("OK", rq.ID.String(), true, "")
	got := <-arrived
	if got.ev.ID != rq.ID || got.raw != string(rq.AppendJSON(nil)) {
		t.Fatalf("the bunker got %s", got.raw)
	}
	reply := answer("sealed")
	if n := b.relay.Publish(reply, reply.AppendJSON(nil)); n != 1 {
		t.Fatalf("delivered to %d connections", n)
	}
	if got := a.expectEvent("s"); got != "sealed" {
		t.Fatalf("got %q", got)
	}
}

func TestOKComesOnlyAfterTheBunkerHasAnswered(t *testing.T) {
	commit := make(chan struct{})
	b := start(t, Limits{}, func(context.Context, Link, string, *nostr.Event) (bool, string) {
		<-commit
		return true, "duplicate: already answered"
	})
	a := b.connect()
	rq := request("x")
	a.sendEvent(rq)
	await(t, "in flight", func() bool { return b.relay.Stats().InFlight == 1 })
	a.quiet()
	close(commit)
	a.expect("OK", rq.ID.String(), true, "duplicate: already answered")
}

func TestTheBunkersRefusalIsTheRelaysOK(t *testing.T) {
	b := start(t, Limits{}, func(_ context.Context, _ Link, _ string, ev *nostr.Event) (bool, string) {
		return false, ev.Content
	})
	a := b.connect()
	for reason, want := range map[string]string{
		"invalid: bad signature":       "invalid: bad signature",
		"":                             "error: ",
		strings.Repeat("é", MaxReason): strings.Repeat("é", MaxReason/2),
		"a\"b\\c\n":                    "a\"b\\c\n",
	} {
		rq := request(reason)
		a.sendEvent(rq)
		msg := a.expect("OK", rq.ID.String(), false)
		if got := msg[3].(string); !strings.HasPrefix(got, want) || len(got) > MaxReason {
			t.Errorf("reason %q, want %q", got, want)
		}
	}
}

func TestEventsThatAreNotForThisBunkerAreRefused(t *testing.T) {
	b := start(t, Limits{MaxTags: 20}, func(context.Context, Link, string, *nostr.Event) (bool, string) {
		t.Error("the bunker was asked")
		return true, ""
	})
	a := b.connect()
	manyTags := request("x")
	for len(manyTags.Tags) <= 20 {
		manyTags.Tags = append(manyTags.Tags, nostr.Tag{"t"})
	}
	manyP := event(KindNostrConnect, appKey, "x")
	for i := range MaxRoutedP {
		manyP.Tags = append(manyP.Tags, nostr.Tag{"p", key(5000 + i).String()})
	}
	manyP.Tags = append(manyP.Tags, nostr.Tag{"p", signerKey.String()})
	upper := event(KindNostrConnect, appKey, "x")
	upper.Tags = nostr.Tags{{"p", strings.ToUpper(nostr.PubKey{0xab}.String())}}
	for name, c := range map[string]struct {
		ev     *nostr.Event
		prefix string
	}{
		"another kind":                     {event(1, appKey, "x", signerKey), "restricted: "},
		"kind 22242 outside AUTH":          {event(22242, appKey, "x", signerKey), "restricted: "},
		"client to client":                 {event(KindNostrConnect, appKey, "x", key(1001)), "restricted: "},
		"to nobody":                        {event(KindNostrConnect, appKey, "x"), "restricted: "},
		"to something that is not a key":   {upper, "restricted: "},
		"by our signer key, from outside":  {event(KindNostrConnect, signerKey, "x", appKey), "restricted: "},
		"by our admin key, to ourselves":   {event(KindAdmin, adminKey, "x", signerKey), "restricted: "},
		"too many tags":                    {manyTags, "invalid: "},
		"ours named only beyond the bound": {manyP, "restricted: "},
	} {
		t.Run(name, func(t *testing.T) {
			a.t = t
			c.ev.ID = c.ev.ComputeID()
			a.sendEvent(c.ev)
			a.expectReason(c.prefix, "OK", c.ev.ID.String(), false)
		})
	}
}

func TestBothKindsAndSeveralRecipientsPass(t *testing.T) {
	b := start(t, Limits{}, nil)
	a := b.connect()
	for _, ev := range []*nostr.Event{
		event(KindNostrConnect, appKey, "1", signerKey),
		event(KindAdmin, appKey, "2", adminKey),
		event(KindNostrConnect, appKey, "3", key(77), signerKey),
	} {
		a.sendEvent(ev)
		a.expect("OK", ev.ID.String(), true, "")
	}
}

func TestWhatClientsSendReachesNoOtherClient(t *testing.T) {
	b := start(t, Limits{}, nil)
	spy, a := b.connect(), b.connect()
	spy.listen("s", signerKey, adminKey, appKey)
	rq := event(KindNostrConnect, appKey, "secret", signerKey, appKey)
	a.sendEvent(rq)
	a.expect("OK", rq.ID.String(), true)
	spy.quiet()
}

func TestBrokenMessagesAreAnsweredAndHarmless(t *testing.T) {
	b := start(t, Limits{MaxBadPerMinute: 1000}, nil)
	a := b.connect()
	id := request("x").ID.String()
	for _, c := range []struct{ send, verb, about string }{
		{``, "NOTICE", ""},
		{`x`, "NOTICE", ""},
		{`{}`, "NOTICE", ""},
		{`[]`, "NOTICE", ""},
		{`[1]`, "NOTICE", ""},
		{`["HELLO"]`, "NOTICE", ""},
		{`["NEG-OPEN","s",{},"61"]`, "NOTICE", ""},
		{`["EVENT"]`, "NOTICE", ""},
		{`["EVENT",{`, "NOTICE", ""},
		{`["EVENT",{}]`, "NOTICE", ""},
		{`["EVENT",{}] x`, "NOTICE", ""},
		{`["EVENT",[]]`, "NOTICE", ""},
		{`["EVENT",{"id":"` + id + `"}]`, "OK", id},
		{`["EVENT",{"kind":1.5,"id":"` + id + `"}]`, "OK", id},
		{`["EVENT",` + strings.Repeat(`[`, 100_000), "NOTICE", ""},
		{`["REQ"]`, "NOTICE", ""},
		{`["REQ",""]`, "NOTICE", ""},
		{`["REQ",7,{}]`, "NOTICE", ""},
		{`["REQ","` + strings.Repeat("a", MaxSubID+1) + `",{}]`, "NOTICE", ""},
		{`["REQ","s"]`, "CLOSED", "s"},
		{`["REQ","s",{]`, "CLOSED", "s"},
		{`["REQ","\ud800",{}]`, "NOTICE", ""},
		{"[\"REQ\",\"\xff\",{}]", "NOTICE", ""},
		{`["COUNT","c",{}]`, "CLOSED", "c"},
		{`["AUTH","x"]`, "NOTICE", ""},
		{`["AUTH",{"id":"` + id + `"}]`, "OK", id},
	} {
		a.send(c.send)
		msg := a.expect(c.verb)
		if c.about != "" && msg[1] != c.about {
			t.Errorf("%.40s: about %v", c.send, msg[1])
		}
	}
	// And it still works.
	rq := request("x")
	a.sendEvent(rq)
	a.expect("OK", rq.ID.String(), true)
}

func TestManyBrokenMessagesEndTheConnection(t *testing.T) {
	b := start(t, Limits{MaxBadPerMinute: 3}, nil)
	a := b.connect()
	for range 3 {
		a.send(`nonsense`)
		a.expectReason("invalid: ", "NOTICE")
	}
	a.send(`nonsense`)
	a.expectReason("rate-limited: ", "NOTICE")
	a.expectEnd(websocket.StatusPolicyViolation)
}

func TestBinaryMessagesEndTheConnection(t *testing.T) {
	a := start(t, Limits{}, nil).connect()
	if err := a.ws.Write(context.Background(), websocket.MessageBinary, []byte(`["CLOSE","x"]`)); err != nil {
		t.Fatal(err)
	}
	a.expectReason("unsupported: ", "NOTICE")
	a.expectEnd(websocket.StatusUnsupportedData)
}

func TestMessagesUpToTheFrameLimitPassAndLongerOnesEndTheConnection(t *testing.T) {
	const limit = 200_000
	b := start(t, Limits{MaxFrame: limit}, nil)
	a := b.connect()
	rq := request("")
	rest := limit - len(`["EVENT",`+string(rq.AppendJSON(nil))+`]`)
	rq = request(strings.Repeat("x", rest))
	a.sendEvent(rq)
	a.expect("OK", rq.ID.String(), true)
	a.sendEvent(request(strings.Repeat("x", rest+1)))
	a.expectReason("invalid: ", "NOTICE")
	a.expectEnd(websocket.StatusMessageTooBig)
	await(t, "nothing held", func() bool { return b.relay.places.open.TryAcquire(int64(b.relay.lim.MaxInFlightBytes / 2)) })
}

func TestManyRequestsOfOneClientAreWorkedOnAtOnce(t *testing.T) {
	const n = 200
	var together sync.WaitGroup
	together.Add(n)
	b := start(t, Limits{}, func(context.Context, Link, string, *nostr.Event) (bool, string) {
		together.Done()
		together.Wait() // returns only if all are here at once
		return true, ""
	})
	a := b.connect()
	for i := range n {
		a.sendEvent(request(fmt.Sprint(i)))
	}
	for range n {
		if msg := a.expect("OK"); msg[2] != true {
			t.Fatal(msg)
		}
	}
}

func TestMoreRequestsThanPlacesWaitAndAreAllAccepted(t *testing.T) {
	b := start(t, Limits{MaxInFlight: 4, EventBurst: 10, EventRate: 2000}, nil)
	a := b.connect()
	const n = 500
	go func() {
		for i := range n {
			ev := request(fmt.Sprint(i))
			if err := a.ws.Write(context.Background(), websocket.MessageText, []byte(`["EVENT",`+string(ev.AppendJSON(nil))+`]`)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range n {
		if msg := a.expect("OK"); msg[2] != true {
			t.Fatal(msg)
		}
	}
}

func TestASubscriptionIsClosedHoweverManyMessagesCome(t *testing.T) {
	b := start(t, Limits{ReqRate: 1e-6, ReqBurst: 1, MaxWait: time.Millisecond}, nil)
	a := b.connect()
	a.listen("s", appKey)
	a.send(`["CLOSE","s"]`)
	await(t, "closed", func() bool { return b.relay.Stats().Subs == 0 })
}

func TestEventsThatComeWhileTheRelayEndsAreRefused(t *testing.T) {
	b := start(t, Limits{}, nil)
	a := b.connect()
	a.quiet()
	b.relay.mu.Lock()
	b.relay.ended = true
	b.relay.mu.Unlock()
	rq := request("x")
	a.sendEvent(rq)
	a.expectReason("error: ", "OK", rq.ID.String(), false)
}

func TestRequestsAreRefusedAsRateLimitedWhenTheBunkerIsStuck(t *testing.T) {
	free := make(chan struct{})
	b := start(t, Limits{MaxInFlight: 2, MaxWait: 20 * time.Millisecond}, func(context.Context, Link, string, *nostr.Event) (bool, string) {
		<-free
		return true, ""
	})
	a := b.connect()
	var evs []*nostr.Event
	for i := range 3 {
		evs = append(evs, request(fmt.Sprint(i)))
		a.sendEvent(evs[i])
	}
	a.expectReason("rate-limited: ", "OK", evs[2].ID.String(), false)
	close(free)
	for range 2 {
		if msg := a.expect("OK"); msg[2] != true {
			t.Fatal(msg)
		}
	}
	a.sendEvent(evs[2]) // sending again works
	a.expect("OK", evs[2].ID.String(), true)
	await(t, "nothing in flight", func() bool { return b.relay.Stats().InFlight == 0 })
	if s := b.relay.Stats(); s.Accepted != 3 || s.Refused != 1 || s.RateLimited != 1 {
		t.Errorf("%+v", s)
	}
}

func TestEventAndReqRatesHold(t *testing.T) {
	slow := Limits{EventRate: 1e-6, EventBurst: 2, ReqRate: 1e-6, ReqBurst: 3, MaxWait: time.Millisecond}
	a := start(t, slow, nil).connect()
	for i := range 4 {
		rq := request(fmt.Sprint(i))
		a.sendEvent(rq)
		if i < 2 {
			a.expect("OK", rq.ID.String(), true)
		} else {
			a.expectReason("rate-limited: ", "OK", rq.ID.String(), false)
		}
	}
	for i := range 3 {
		a.listen(fmt.Sprint("s", i), appKey)
	}
	a.send(req("s", appKey))
	a.expectReason("rate-limited: ", "CLOSED", "s")
	a.send(`["COUNT","c",{}]`)
	a.expectReason("rate-limited: ", "CLOSED", "c")
	a.send(`["WHAT"]`)
	a.expectReason("rate-limited: ", "NOTICE")
	a.send(`["AUTH",{}]`)
	a.expectReason("rate-limited: ", "NOTICE")
	rq := request("x")
	a.send(`["AUTH",` + string(rq.AppendJSON(nil)) + `]`)
	a.expectReason("rate-limited: ", "OK", rq.ID.String(), false)
}

func TestARequestGoesOnWhenItsConnectionEnds(t *testing.T) {
	inside, goOn, after := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	b := start(t, Limits{}, func(ctx context.Context, _ Link, _ string, _ *nostr.Event) (bool, string) {
		close(inside)
		<-goOn
		after <- ctx.Err()
		return true, ""
	})
	a := b.connect()
	a.sendEvent(request("x"))
	<-inside
	_ = a.ws.CloseNow()
	await(t, "the connection is gone", func() bool { return b.relay.Stats().Conns == 0 })
	close(goOn)
	if err := <-after; err != nil {
		t.Fatal(err)
	}
	await(t, "accepted", func() bool { return b.relay.Stats().Accepted == 1 })
}

func TestABunkerThatDoesNotCommitInTimeIsToldSoAndTheClientToo(t *testing.T) {
	b := start(t, Limits{DeliverTimeout: time.Millisecond}, func(ctx context.Context, _ Link, _ string, _ *nostr.Event) (bool, string) {
		<-ctx.Done()
		return false, ""
	})
	a := b.connect()
	rq := request("x")
	a.sendEvent(rq)
	a.expectReason("error: ", "OK", rq.ID.String(), false)
}

func TestShutdownEndsEverythingAndFinishesWhatIsInFlight(t *testing.T) {
	b := start(t, Limits{}, func(ctx context.Context, _ Link, _ string, _ *nostr.Event) (bool, string) {
		<-ctx.Done() // a commit that ends when the bunker does
		return true, ""
	})
	a, idle := b.connect(), b.connect()
	idle.listen("s", appKey)
	rq := request("x")
	a.sendEvent(rq)
	await(t, "in flight", func() bool { return b.relay.Stats().InFlight == 1 })
	stopped := make(chan struct{})
	go func() { b.stop(); close(stopped) }()
	a.expect("OK", rq.ID.String(), true)
	a.expectEnd(websocket.StatusGoingAway)
	idle.expectEnd(websocket.StatusGoingAway)
	<-stopped
	if s := b.relay.Stats(); s.Conns != 0 || s.Subs != 0 || s.InFlight != 0 || s.QueuedBytes != 0 {
		t.Errorf("left over: %+v", s)
	}
}

func TestAnEndedRelayTakesNobodyIn(t *testing.T) {
	b := start(t, Limits{}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	await(t, "Run runs", func() bool {
		b.relay.mu.Lock()
		defer b.relay.mu.Unlock()
		return b.relay.ran
	})
	if err := b.relay.Run(ctx); err == nil {
		t.Error("Run ran twice")
	}
	b.relay.shutDown()
	if _, resp, err := b.dial(""); err == nil || resp == nil || resp.StatusCode != 503 {
		t.Fatalf("%v %v", resp, err)
	}
}

func TestPublishSendsOnlyWhatTheRelayCarries(t *testing.T) {
	b := start(t, Limits{MaxFrame: 10_000}, nil)
	a := b.connect()
	a.listen("s", appKey)
	for name, ev := range map[string]*nostr.Event{
		"kind 1":   event(1, signerKey, "x", appKey),
		"no p":     event(KindNostrConnect, signerKey, "x"),
		"too long": event(KindNostrConnect, signerKey, strings.Repeat("x", 10_000), appKey),
	} {
		if n := b.relay.Publish(ev, nil); n != 0 {
			t.Errorf("%s: delivered to %d", name, n)
		}
	}
	a.quiet()
	if s := b.relay.Stats(); s.Kept != 0 {
		t.Errorf("kept %d", s.Kept)
	}
	b.relay.Publish(event(KindNostrConnect, signerKey, "good", appKey), nil)
	if got := a.expectEvent("s"); got != "good" {
		t.Error(got)
	}
}

func TestLinkCutEndsTheConnection(t *testing.T) {
	b := start(t, Limits{}, func(_ context.Context, from Link, _ string, _ *nostr.Event) (bool, string) {
		from.Cut("too many bad signatures")
		return false, "invalid: bad signature"
	})
	a := b.connect()
	a.sendEvent(request("x"))
	a.expect("NOTICE", "too many bad signatures")
	a.expectEnd(websocket.StatusPolicyViolation)
}

func TestALinkIsCutByItsName(t *testing.T) {
	names := make(chan string, 1)
	b := start(t, Limits{}, func(_ context.Context, from Link, _ string, _ *nostr.Event) (bool, string) {
		names <- from.String()
		return true, ""
	})
	other, a := b.connect(), b.connect()
	rq := request("x")
	a.sendEvent(rq)
	a.expect("OK", rq.ID.String(), true)
	name := <-names
	if !b.relay.Cut(name, "too many bad signatures") {
		t.Fatal("not found")
	}
	a.expect("NOTICE", "too many bad signatures")
	a.expectEnd(websocket.StatusPolicyViolation)
	await(t, "it is gone", func() bool { return !b.relay.Cut(name, "again") })
	other.quiet()
}

// What was queued before a connection ended is written before it closes, whatever its writer
// was at: here it has just written something else.
func TestWhoIsCutOffIsToldWhyFirst(t *testing.T) {
	links := make(chan Link, 1)
	b := start(t, Limits{}, func(_ context.Context, from Link, _ string, _ *nostr.Event) (bool, string) {
		links <- from
		return true, ""
	})
	for range 300 {
		a := b.connect()
		a.sendEvent(request("x"))
		a.expect("OK")
		(<-links).Cut("too many bad signatures")
		a.expect("NOTICE", "too many bad signatures")
		a.expectEnd(websocket.StatusPolicyViolation)
	}
}
