package conformance

// The raw suite: what a bunker must do on the wire, spoken by hand (conformance/wire) against the real binary over real
// sockets, for what no library sends. It lives in interop_test.go, interop_*_test.go, adversarial_test.go and
// adversarial_*_test.go. The numbers are those of the design's interop page.
//
//	point                          test
//	 1  Envelope                   TestInterop01Envelope
//	 2  connect                    TestInterop02Connect
//	 3  connect again              TestInterop03Again
//	 4  nostrconnect://            TestInterop04Nostrconnect, TestInterop04NostrconnectOnTheAppsRelay
//	 5  reply shape                TestInterop05ReplyShape (every refusal × both envelopes), …WhileSealedAndStopped
//	 6  one reply                  TestInterop06OneReply
//	 7  switch_relays              TestInterop07SwitchRelays
//	 8  methods without a grant    TestInterop08NoGrantNeeded
//	 9  sign_event                 TestInterop09SignEvent, TestInterop09SignEventIsWrittenAsJSONStringifyDoes
//	10  freshness                  TestInterop10Freshness
//	11  URIs                       TestInterop11URIs, TestInterop11URIsNameALiveRelayFirst
//	12  messages without a method  TestInterop12NoMethod
//	13  auth_url                   TestInterop13AuthURL
//	14  legacy login by npub       TestInterop14LegacyLogin
//	15  large replies              TestInterop15LargeReplies
//	16  bulk                       TestInterop16Bulk
//	17  relays                     TestInterop17Relays (scripted ones), …HalfOpen, …Khatru
//
//	bad input                      test
//	garbage, oversized             TestAdversarialGarbage
//	forged, forged copy first      TestAdversarialForged
//	replayed: at once, later, across restarts and kills    TestAdversarialReplayed
//	stale and future               TestAdversarialClocks (45 s off: TestInterop10Freshness)
//	wrongly encrypted              TestAdversarialEncryption
//	wrong types in JSON            TestAdversarialJSON (events: TestInterop09SignEvent)
//	hostile URIs and metadata      TestAdversarialURIs, TestAdversarialMetadata
//	unknown methods                TestInterop12NoMethod
//	the same request id of two clients            TestAdversarialSameRequestID
//	two relays at once             TestInterop17Relays
//	1,000 pings, 500 decrypts at once             TestAdversarialThousandPings, TestAdversarialFiveHundredDecrypts
//	10,000 stranger keys           TestAdversarialStrangerFlood
//	a stranger learns nothing      TestAdversarialStrangerSilence
//	a relay that lies              TestInterop17Relays, TestAdversarialRelayThatForges, TestAdversarialRelayThatReorders

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"nsecbunker/conformance/bunker"
	"nsecbunker/conformance/wire"
)

// Each request is answered in the envelope that it came in, also when a client changes between them.
func TestInterop01Envelope(t *testing.T) {
	r := shared(t)
	c := r.client("sign_event", wire.NIP04)
	for i := range 6 {
		c.Scheme = []wire.Scheme{wire.NIP04, wire.NIP44}[i%2]
		r.succeed(c, "pong", "ping")
		r.sign(c, note(fmt.Sprintf("in turns %d", i)))
		r.refuse(c, "invalid: no method of that name", "get_relays")
	}
}

func TestInterop02Connect(t *testing.T) {
	r := shared(t)
	other := r.AddKey("other-" + wire.RandomHex(3))
	stranger := wire.NewKey().Pub
	metadata := `{"name":"Raw","url":"https://app.example","image":"https://app.example/i.png"}`
	perms := "sign_event:1,nip44_encrypt"
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		for name, params := range map[string]func(k bunker.Token) []string{
			"empty first":  func(k bunker.Token) []string { return []string{"", k.Secret} },
			"signer key":   func(k bunker.Token) []string { return []string{k.Signer, k.Secret} },
			"user key":     func(k bunker.Token) []string { return []string{r.key.Pub, k.Secret} },
			"three":        func(k bunker.Token) []string { return []string{k.Signer, k.Secret, perms} },
			"four":         func(k bunker.Token) []string { return []string{k.Signer, k.Secret, perms, metadata} },
			"empty perms":  func(k bunker.Token) []string { return []string{k.Signer, k.Secret, "", metadata} },
			"odd perms":    func(k bunker.Token) []string { return []string{k.Signer, k.Secret, "fly:me,,to_the:moon"} },
			"odd metadata": func(k bunker.Token) []string { return []string{k.Signer, k.Secret, "", "no json"} },
		} {
			t.Run(name, func(t *testing.T) {
				r := r.sub(t)
				k := r.Token(r.key.Name, "raw", "none")
				c := r.stranger(k.Signer, scheme)
				r.succeed(c, "ack", "connect", params(k)...)
				r.succeed(c, r.key.Pub, "get_public_key")
				if conn := r.Of(r.key.Name, c.Key.Pub); strings.Contains(name, "four") && conn.App.Name != "Raw" {
					t.Errorf("the app is called %q", conn.App.Name)
				}
			})
		}
		for name, first := range map[string]string{"another key of ours": other.Pub, "a stranger's key": stranger, "no key": "herald"} {
			t.Run(name, func(t *testing.T) {
				r := r.sub(t)
				k := r.Token(r.key.Name, "raw", "none")
				c := r.stranger(k.Signer, scheme)
				r.refuse(c, "restricted: ", "connect", first, k.Secret)
				r.succeed(c, "ack", "connect", k.Signer, k.Secret) // the secret was not burnt
				r.refuse(c, "invalid: ", "connect", first, k.Secret)
			})
		}
	})
	t.Run("one parameter", func(t *testing.T) { // of a client that is known
		r := r.sub(t)
		c := r.client("none", wire.NIP44)
		r.succeed(c, "ack", "connect", c.Signer)
		r.succeed(c, "ack", "connect")
	})
}

// The same key again gets ack, with the spent secret, a wrong one or none, and keeps its grants; another key never gets in.
func TestInterop03Again(t *testing.T) {
	r := shared(t, "--deny")
	c, k := r.clientOf("sign_event:1", wire.NIP44)
	for _, params := range [][]string{
		{k.Signer, k.Secret}, {k.Signer}, {""}, {"", k.Secret}, {r.key.Pub, k.Secret}, {k.Signer, "wrong"},
		{k.Signer, k.Secret, "sign_event:4,nip44_decrypt"}, nil,
	} {
		r.succeed(c, "ack", "connect", params...)
		r.sign(c, note("still"))
		r.refuse(c, "restricted: ", "sign_event", template{Kind: 42, CreatedAt: now(), Tags: [][]string{}}.String())
	}
	if n := len(r.Connections(r.key.Name, "")); n != 1 {
		t.Errorf("there are %d connections", n)
	}
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		thief := r.stranger(k.Signer, scheme)
		r.refuse(thief, "restricted: this link is not valid, or was used", "connect", k.Signer, k.Secret)
		for _, method := range []string{"ping", "get_public_key", "sign_event", "connect"} { // the second word is none at all
			r.publish(thief, thief.Envelope(wire.Message(thief.NextID(), method, k.Signer, k.Secret)))
		}
		r.quiet(thief, 1)
	})
	t.Run("a failed attempt does not burn the secret", func(t *testing.T) {
		r := r.sub(t)
		k := r.Token(r.key.Name, "raw", "none")
		for range 3 {
			thief := r.stranger(k.Signer, wire.NIP44)
			r.refuse(thief, "restricted: this link is not valid, or was used", "connect", k.Signer, "wrong"+k.Secret)
		}
		r.succeed(r.stranger(k.Signer, wire.NIP44), "ack", "connect", k.Signer, k.Secret)
	})
}

// A link of the app's own, in every way in which apps write it, is answered with its secret on the app's relay.
func TestInterop04Nostrconnect(t *testing.T) {
	r := shared(t)
	relay := r.Relay()
	enc := url.QueryEscape(relay)
	for name, c := range map[string]struct{ query, secret, app string }{
		"plain":          {"relay=" + enc + "&secret=abcDEF-_123&name=App", "abcDEF-_123", "App"},
		"unencoded":      {"relay=" + relay + "&secret=s1&name=App", "s1", "App"},
		"empty fields":   {"image=&url=&name=&perms=&relay=" + enc + "&secret=s2", "s2", ""},
		"spaces as +":    {"relay=" + enc + "&secret=s3&name=My+fine+app", "s3", "My fine app"},
		"spaces as %20":  {"relay=" + enc + "&secret=s3&name=My%20fine%20app", "s3", "My fine app"},
		"encoded secret": {"relay=" + enc + "&secret=a%2Fb%3Dc%25d", "a/b=c%d", ""},
		"metadata":       {"relay=" + enc + "&secret=s4&metadata=" + url.QueryEscape(`{"name":"Old rust","url":"https://a.example"}`), "s4", "Old rust"},
		"perms":          {"relay=" + enc + "&secret=s5&perms=sign_event%3A1%2Cnip44_encrypt", "s5", ""},
		"unknown fields": {"relay=" + enc + "&secret=s6&callback=x&foo", "s6", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.sub(t)
			key := wire.NewKey()
			client, answer := r.invited(key, "nostrconnect://"+key.Pub+"?"+c.query, "sign_event:1", relay)
			if answer.Result != c.secret {
				t.Errorf("the answer is %q, want %q", answer.Result, c.secret)
			}
			if conn := r.Of(r.key.Name, key.Pub); conn.App.Name != c.app {
				t.Errorf("the app is called %q, want %q", conn.App.Name, c.app)
			}
			r.sign(client, note("by "+name))
			r.succeed(client, "ack", "connect", client.Signer, c.secret)
		})
	}
	t.Run("addresses that a stranger may not have dialled", func(t *testing.T) {
		r := r.sub(t)
		for _, evil := range []string{
			"ws://127.0.0.1:1", "ws://localhost:22", "ws://[::1]:80", "ws://10.0.0.1", "ws://192.168.1.1:8080", "ws://169.254.169.254/latest",
			"ws://0.0.0.0:9", "ws://[::ffff:127.0.0.1]:9",
		} {
			said := r.Refused("connect", "nostrconnect://"+wire.NewKey().Pub+"?secret=x&relay="+url.QueryEscape(evil), "--key", r.key.Name, "--perms", "none")
			if strings.Contains(said, "panic") || strings.TrimSpace(said) == "" {
				t.Errorf("%s: it said %q", evil, said)
			}
		}
	})
}

// invited accepts an app's own link and returns a client of the connection, and the answer that the app heard on its relay.
func (r *raw) invited(key wire.Key, uri, perms string, relay string) (*wire.Client, wire.Reply) {
	r.t.Helper()
	l, err := wire.Dial(relay)
	if err != nil {
		r.t.Fatal(err)
	}
	defer l.Close()
	heard := make(chan wire.Event, 10)
	filter := map[string]any{"kinds": []int{wire.Kind}, "#p": []string{key.Pub}, "since": now()}
	if err := l.Subscribe("nc", filter, func(ev wire.Event) { heard <- ev }); err != nil {
		r.t.Fatal(err)
	}
	r.CLI("connect", uri, "--key", r.key.Name, "--perms", perms)
	select {
	case ev := <-heard:
		if err := wire.Verify(&ev); err != nil {
			r.t.Fatal(err)
		}
		text, scheme, err := key.Decrypt(ev.PubKey, ev.Content)
		if err != nil || scheme != wire.NIP44 {
			r.t.Fatalf("the answer is closed as %s: %v", scheme, err)
		}
		answer, err := wire.ParseReply(text)
		if err == nil {
			err = wire.Shape(&answer)
		}
		if err != nil {
			r.t.Fatal(err)
		}
		c, err := wire.NewClient(key, ev.PubKey, wire.NIP44, relay)
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(c.Close)
		return c, answer
	case <-time.After(wire.Patience):
		r.t.Fatal("the app heard nothing on its relay")
	}
	return nil, wire.Reply{}
}

// Exactly one reply event for each request, refusals and unknown methods included; told apart by event id, not by request
// id.
func TestInterop06OneReply(t *testing.T) {
	r := shared(t, "--deny")
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		c := r.client("sign_event:1", scheme)
		base := c.Count()
		calls := [][]string{
			{"ping"}, {"get_public_key"}, {"sign_event", note("one").String()}, {"sign_event", template{Kind: 30023, CreatedAt: now(), Tags: [][]string{}}.String()},
			{"nip44_encrypt", c.Key.Pub, "x"}, {"sign_event", "nonsense"}, {"no_such_method"}, {"get_relays"}, {"switch_relays"}, {"connect", c.Signer}, {"connect", c.Key.Pub},
		}
		for _, call := range calls {
			id := c.NextID()
			ev := c.Envelope(wire.Message(id, call[0], call[1:]...))
			for range 3 { // as a client does that reconnects, on two links
				c.Offer(ev)
			}
			r.await(c, id)
		}
		r.quiet(c, base+len(calls))
		t.Run("NDK's repeated request id", func(t *testing.T) {
			r := r.sub(t)
			for i := range 3 {
				got := r.doAgain(c, "same", i, wire.Message("same", "sign_event", note(fmt.Sprintf("under one id %d", i)).String()))
				r.signed(got, template{}.from(t, got))
			}
		})
	})
}

// doAgain sends a request under an id that was used before times before, and returns the new reply.
func (r *raw) doAgain(c *wire.Client, id string, before int, text string) wire.Reply {
	r.t.Helper()
	c.Offer(c.Envelope(text))
	for deadline := time.Now().Add(wire.Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got := c.Replies(id); len(got) > before {
			return got[before]
		}
	}
	r.t.Fatalf("no reply number %d to %s", before+1, id)
	return wire.Reply{}
}

// from is the template that a signed event was made of.
func (template) from(t *testing.T, got wire.Reply) (tmpl template) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.Result), &tmpl); err != nil {
		t.Fatalf("%v in %.300s", err, got.Text)
	}
	return tmpl
}

// switch_relays is for everybody connected, with "params":null too; before connect it waits for it, for ten seconds.
// (A list of relays as its answer: TestInterop17Relays.)
func TestInterop07SwitchRelays(t *testing.T) {
	r := shared(t, "--deny")
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		c := r.client("none", scheme)
		r.succeed(c, "null", "switch_relays")
		for i, params := range []string{`,"params":null`, ``, `,"params":[]`, `,"params":[null]`, `,"params":["x"]`} {
			id := fmt.Sprintf("sr%d", i)
			if got := r.send(c, id, `{"id":"`+id+`","method":"switch_relays"`+params+`}`); got.Result != "null" {
				t.Errorf("%s: %s", params, got.Text)
			}
		}
		k := r.Token(r.key.Name, "raw", "none")
		early := r.stranger(k.Signer, scheme)
		for range 3 { // welshman asks again and again; the newest counts
			r.publish(early, early.Envelope(wire.Message("early", "switch_relays")))
		}
		r.succeed(early, "ack", "connect", "", k.Secret)
		if got := r.await(early, "early"); got.Result != "null" {
			t.Errorf("the early one: %s", got.Text)
		}
		r.quiet(early, 2)
	})
	t.Run("not longer than ten seconds", func(t *testing.T) {
		r := r.sub(t)
		k := r.Token(r.key.Name, "raw", "none")
		early := r.stranger(k.Signer, wire.NIP44)
		r.publish(early, early.Envelope(wire.Message("early", "switch_relays")))
		time.Sleep(10*time.Second + settle)
		r.succeed(early, "ack", "connect", "", k.Secret)
		r.quiet(early, 1)
	})
}

func TestInterop08NoGrantNeeded(t *testing.T) {
	r := shared(t, "--deny")
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		c := r.client("none", scheme)
		r.succeed(c, r.key.Pub, "get_public_key")
		r.succeed(c, "pong", "ping")
		r.succeed(c, "null", "switch_relays")
		r.refuse(c, "restricted: ", "sign_event", note("no grant").String())
		r.succeed(c, "ack", "logout")
		for _, method := range []string{"ping", "get_public_key", "switch_relays", "logout", "connect"} {
			r.refuse(c, "restricted: logged out", method)
		}
		k := r.Token(r.key.Name, "raw", "none")
		c.Signer = k.Signer
		r.succeed(c, "ack", "connect", k.Signer, k.Secret)
		r.succeed(c, "pong", "ping")
	})
}
