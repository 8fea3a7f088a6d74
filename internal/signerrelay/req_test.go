package signerrelay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/nostr"
)

// The filters that client libraries send, as seen on the wire (interop.md).
func TestFiltersOfRealClientsAreServed(t *testing.T) {
	b := start(t, Limits{KeepFor: -1}, nil)
	a := b.connect()
	now := time.Now().Unix()
	words := strings.NewReplacer("APP", appKey.String(), "SIGNER", signerKey.String(),
		"SINCE", fmt.Sprint(now-10), "AHEAD", fmt.Sprint(now+300))
	for name, filters := range map[string]string{
		"nostr-tools, bunker":       `{"kinds":[24133],"authors":["SIGNER"],"#p":["APP"]}`,
		"nostr-tools, nostrconnect": `{"kinds":[24133],"#p":["APP"],"limit":0}`,
		"NDK":                       `{"kinds":[24133],"#p":["APP"]}`,
		"NDK, both kinds":           `{"kinds":[24133,24134],"#p":["APP"]}`,
		"rust-nostr":                `{"#p":["APP"],"kinds":[24133],"limit":0}`,
		"go-nostr":                  `{"kinds":[24133],"since":SINCE,"#p":["APP"]}`,
		"welshman":                  `{"kinds":[24133],"since":SINCE,"#p":["APP"]}`,
		"no kinds":                  `{"#p":["APP"]}`,
		"two filters":               `{"kinds":[24133],"#p":["SIGNER"]},{"kinds":[24133],"#p":["APP"]}`,
		"white space":               " { \"kinds\" : [ 24133 ] , \"#p\" : [ \"APP\" ] } ",
		"a clock that is ahead":     `{"kinds":[24133],"since":AHEAD,"#p":["APP"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			a.t = t
			a.send(`["REQ","s",` + words.Replace(filters) + `]`)
			a.expect("EOSE", "s")
			if n := b.relay.Publish(answer(name), nil); n != 1 {
				t.Fatalf("delivered to %d", n)
			}
			if got := a.expectEvent("s"); got != name {
				t.Fatal(got)
			}
			a.send(`["CLOSE","s"]`)
		})
	}
}

func TestFiltersSelectAsTheySay(t *testing.T) {
	b := start(t, Limits{KeepFor: -1}, nil)
	a := b.connect()
	now := time.Now().Unix()
	reply := answer("x")
	for _, c := range []struct {
		filter string
		want   bool
	}{
		{`"authors":["` + signerKey.String() + `"]`, true},
		{`"authors":["` + adminKey.String() + `"]`, false},
		{`"authors":[]`, false},
		{`"ids":["` + reply.ID.String() + `"]`, true},
		{`"ids":["` + nostr.ID{7}.String() + `"]`, false},
		{`"kinds":[24134]`, false},
		{`"kinds":[]`, false},
		{`"kinds":[24134,24133]`, true},
		{fmt.Sprintf(`"until":%d`, now-60), false},
		{fmt.Sprintf(`"until":%d`, now+60), true},
		{fmt.Sprintf(`"since":%d`, now+int64(LiveTolerance/time.Second)-60), true},
		{fmt.Sprintf(`"since":%d`, now+int64(LiveTolerance/time.Second)+60), false},
		{`"since":-9223372036854775808`, true},
		{`"since":9223372036854775807`, false},
		{`"until":-9223372036854775808`, false},
		{`"limit":9223372036854775807`, true},
	} {
		a.send(`["REQ","s",{"#p":["` + appKey.String() + `"],` + c.filter + `}]`)
		a.expect("EOSE", "s")
		if got := b.relay.Publish(reply, nil) == 1; got != c.want {
			t.Errorf("%s: delivered %v, want %v", c.filter, got, c.want)
		}
		if c.want {
			a.expectEvent("s")
		} else {
			a.quiet()
		}
	}
}

func TestFiltersThatCannotBeServedAreClosedWithAReason(t *testing.T) {
	b := start(t, Limits{MaxFilters: 3, MaxValuesPerConn: 50, MaxBadPerMinute: 1000}, nil)
	a := b.connect()
	p := `"#p":["` + appKey.String() + `"]`
	for name, c := range map[string]struct{ filters, prefix string }{
		"no #p":                 {`{"kinds":[24133]}`, "restricted: "},
		"empty filter":          {`{}`, "restricted: "},
		"empty #p":              {`{"#p":[]}`, "restricted: "},
		"one filter without #p": {`{` + p + `},{"kinds":[24133]}`, "restricted: "},
		"another kind":          {`{` + p + `,"kinds":[1]}`, "restricted: "},
		"another kind beside":   {`{` + p + `,"kinds":[24133,1]}`, "restricted: "},
		"another tag":           {`{` + p + `,"#e":["x"]}`, "unsupported: "},
		"search":                {`{` + p + `,"search":"x"}`, "unsupported: "},
		"upper case":            {`{"#p":["` + strings.Repeat("AB", 32) + `"]}`, "invalid: "},
		"too short":             {`{"#p":["abcd"]}`, "invalid: "},
		"not hexadecimal":       {`{"#p":["` + strings.Repeat("zz", 32) + `"]}`, "invalid: "},
		"a number":              {`{"#p":[1]}`, "invalid: "},
		"bad ids":               {`{` + p + `,"ids":["x"]}`, "invalid: "},
		"bad authors":           {`{` + p + `,"authors":["x"]}`, "invalid: "},
		"kinds as texts":        {`{` + p + `,"kinds":["24133"]}`, "invalid: "},
		"a fractional kind":     {`{` + p + `,"kinds":[24133.0]}`, "invalid: "},
		"negative limit":        {`{` + p + `,"limit":-1}`, "invalid: "},
		"since as text":         {`{` + p + `,"since":"1"}`, "invalid: "},
		"exponent":              {`{` + p + `,"until":1e9}`, "invalid: "},
		"#p twice":              {`{` + p + `,` + p + `}`, "invalid: "},
		"too many filters":      {strings.TrimSuffix(strings.Repeat(`{`+p+`},`, 4), ","), "invalid: "},
		"too many values":       {`{` + p + `,"kinds":[` + strings.Repeat("24133,", 50) + `24133]}`, "invalid: "},
		"no filter":             {`1`, "invalid: "},
	} {
		t.Run(name, func(t *testing.T) {
			a.t = t
			// A subscription that was live under the same id ends too, as CLOSED says.
			a.listen("s", appKey)
			a.send(`["REQ","s",` + c.filters + `]`)
			a.expectReason(c.prefix, "CLOSED", "s")
			if s := b.relay.Stats(); s.Subs != 0 || s.Keys != 0 {
				t.Errorf("still live: %+v", s)
			}
		})
	}
}

func TestSubscriptionsAreReplacedAndClosed(t *testing.T) {
	b := start(t, Limits{}, nil)
	a := b.connect()
	a.listen("s", appKey)
	a.listen("s", key(7))
	if n := b.relay.Publish(answer("to the old one"), nil); n != 0 {
		t.Error("the replaced subscription is live")
	}
	b.relay.Publish(event(KindNostrConnect, signerKey, "new", key(7)), nil)
	if got := a.expectEvent("s"); got != "new" {
		t.Error(got)
	}
	a.send(`["CLOSE","s"]`)
	a.send(`["CLOSE","never opened"]`)
	a.quiet()
	if s := b.relay.Stats(); s.Subs != 0 || s.Keys != 0 {
		t.Errorf("%+v", s)
	}
}

func TestTwoSubscriptionsOfOneConnectionBothGetTheEvent(t *testing.T) {
	b := start(t, Limits{}, nil)
	a := b.connect()
	a.listen("s1", appKey)
	a.listen("s2 \"\u2028", appKey, key(7))
	third := b.connect()
	third.listen("s3", key(7))
	// Two of its keys are named, and still each subscription gets it once.
	if n := b.relay.Publish(event(KindNostrConnect, signerKey, "x", appKey, key(7), appKey), nil); n != 2 {
		t.Errorf("delivered to %d", n)
	}
	a.expectEvent("s1")
	a.expectEvent("s2 \"\u2028")
	a.quiet()
	third.expectEvent("s3")
}

func TestSubscriptionsOfAConnectionAreBounded(t *testing.T) {
	b := start(t, Limits{MaxSubs: 2}, nil)
	a := b.connect()
	a.listen("1", appKey)
	a.listen("2", appKey)
	a.send(req("3", appKey))
	a.expectReason("rate-limited: ", "CLOSED", "3")
	a.listen("2", appKey) // replacing one is always possible
	a.send(`["CLOSE","1"]`)
	a.listen("3", appKey)
}

func TestListedValuesOfAConnectionAreBounded(t *testing.T) {
	b := start(t, Limits{MaxValuesPerConn: 6}, nil)
	a := b.connect()
	a.listen("1", key(1), key(2)) // 2 keys and a kind
	a.listen("2", key(3), key(4))
	a.send(req("3", key(5)))
	a.expectReason("rate-limited: ", "CLOSED", "3")
	a.send(`["CLOSE","1"]`)
	a.listen("3", key(5))
}

func TestListedValuesOfAllConnectionsAreBoundedAndOrdinaryClientsAlwaysFit(t *testing.T) {
	b := start(t, Limits{MaxValues: 10}, nil)
	var many []nostr.PubKey
	for i := range FreeValues + 9 { // and one kind: 10 beyond the free ones
		many = append(many, key(100+i))
	}
	greedy, second, ordinary := b.connect(), b.connect(), b.connect()
	greedy.listen("s", many...)
	second.send(req("s", many...))
	second.expectReason("rate-limited: ", "CLOSED", "s")
	ordinary.listen("s", many[:FreeValues-1]...)
	_ = greedy.ws.CloseNow()
	await(t, "the greedy one is gone", func() bool { return b.relay.Stats().Conns == 2 })
	second.listen("s", many...)
}

func TestAStrangerWhoListensForAClientsKeyCannotKeepItOut(t *testing.T) {
	b := start(t, Limits{MaxListeners: 2}, nil)
	spies := []*app{b.connect(), b.connect()}
	for _, s := range spies {
		s.listen("spy", appKey)
	}
	owner := b.connect()
	rq := request("x") // the bunker accepts it: this connection has the key
	owner.sendEvent(rq)
	owner.expect("OK", rq.ID.String(), true)
	owner.listen("s", appKey)
	spies[0].expectReason("rate-limited: ", "CLOSED", "spy")
	another := b.connect()
	another.listen("spy", appKey)
	spies[1].expectReason("rate-limited: ", "CLOSED", "spy")
	spies[0].listen("spy", appKey) // the place of the other spy, not of the owner
	another.expectReason("rate-limited: ", "CLOSED", "spy")
	if n := b.relay.Publish(answer("x"), nil); n != 2 {
		t.Errorf("delivered to %d", n)
	}
	owner.expectEvent("s")

	// When all listeners have the key, the new one is refused.
	spies[0].sendEvent(rq)
	spies[0].expectEvent("spy")
	spies[0].expect("OK", rq.ID.String(), true)
	third := b.connect()
	third.send(req("s", appKey))
	third.expectReason("rate-limited: ", "CLOSED", "s")
}

func TestEndedSubscriptionsDoNotCountForTheirConnection(t *testing.T) {
	b := start(t, Limits{MaxListeners: 1, MaxSubs: 1}, nil)
	first, second := b.connect(), b.connect()
	first.listen("1", appKey)
	second.listen("1", appKey)
	first.expectReason("rate-limited: ", "CLOSED", "1")
	first.listen("2", key(7)) // its one place is free
}

func TestManyConnectionsAndKeysAreRoutedExactly(t *testing.T) {
	b := start(t, Limits{}, nil)
	const conns, keysEach = 50, 100 // 5,000 keys
	apps := make([]*app, conns)
	for i := range apps {
		apps[i] = b.connect()
		var ps []nostr.PubKey
		for k := range keysEach {
			ps = append(ps, key(10_000+i*keysEach+k))
		}
		apps[i].listen("s", ps...)
	}
	for i, a := range apps {
		for _, k := range []int{0, keysEach - 1} {
			content := fmt.Sprint(i, k)
			if n := b.relay.Publish(event(KindNostrConnect, signerKey, content, key(10_000+i*keysEach+k)), nil); n != 1 {
				t.Fatalf("delivered to %d", n)
			}
			if got := a.expectEvent("s"); got != content {
				t.Fatal(got)
			}
		}
	}
	if s := b.relay.Stats(); s.Keys != conns*keysEach || s.Subs != conns {
		t.Errorf("%+v", s)
	}
}

func BenchmarkPublishAmong100000Keys(b *testing.B) {
	lim, err := Limits{}.withDefaults()
	if err != nil {
		b.Fatal(err)
	}
	r, err := New(Config{URL: func() []string { return nil }, Ours: ours, Deliver: accept, Now: time.Now, Limits: lim})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		c := newConn(r, nil, remoteAddr(httpRequest("")))
		c.out.close()
		f := filter{p: map[nostr.PubKey]struct{}{}, kinds: [2]bool{true, true}, limit: -1, values: 100}
		for k := range 100 {
			f.p[key(i*100+k)] = struct{}{}
		}
		if _, err := r.subscribe(newSub(c, "s", []filter{f}), nil); err != nil {
			b.Fatal(err)
		}
	}
	ev := answer("x")
	raw := ev.AppendJSON(nil)
	b.ResetTimer()
	for b.Loop() {
		r.Publish(ev, raw)
	}
}
