package conformance

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nsecbunker/conformance/bunker"
	"nsecbunker/conformance/wire"
)

// byBunker tells the bunker's subscriptions on a scripted relay from those of its clients: it listens for admins too.
func byBunker(filters []json.RawMessage) bool {
	return len(filters) > 0 && strings.Contains(string(filters[0]), "24134")
}

// closedReasons are the words with which relays end a subscription.
var closedReasons = []string{
	"error: shutting down idle subscription", "rate-limited: slow down", "auth-required: who are you?", "restricted: members only", "invalid: no such filter",
	"blocked: you are banned", "duplicate: sub", "",
}

// odd are the relays of TestInterop17Relays: each behaves in one way of its own.
type odd struct {
	good, noEOSE, auth, doubles, forged, noOK, refuses *wire.Relay
	closed                                             []*wire.Relay
	authed                                             atomic.Int64
}

func newOdd(t *testing.T) *odd {
	o := &odd{good: wire.NewRelay(t, wire.Script{})}
	for _, reason := range closedReasons {
		var times atomic.Int64
		o.closed = append(o.closed, wire.NewRelay(t, wire.Script{Req: func(c *wire.Conn, sub string, filters []json.RawMessage) bool {
			if !byBunker(filters) || times.Add(1) > 1 {
				return false
			}
			c.Say("CLOSED", sub, reason)
			return true
		}}))
	}
	o.noEOSE = wire.NewRelay(t, wire.Script{Req: func(c *wire.Conn, sub string, filters []json.RawMessage) bool {
		if !byBunker(filters) {
			return false
		}
		c.Listen(sub, filters)
		return true
	}})
	o.auth = wire.NewRelay(t, o.authScript())
	o.doubles = wire.NewRelay(t, wire.Script{Event: func(c *wire.Conn, ev wire.Event, raw json.RawMessage) bool {
		for range 5 {
			c.Relay.Store(ev, raw)
			c.OK(ev.ID, true, "duplicate: five times")
		}
		return true
	}})
	o.forged = wire.NewRelay(t, wire.Script{Event: func(c *wire.Conn, ev wire.Event, raw json.RawMessage) bool {
		fake := ev
		fake.Sig = strings.Repeat("ab", 64)
		for _, b := range c.Relay.Bunkers() {
			b.Hand(fake, json.RawMessage(fake.String())) // the same id, first
			b.Hand(ev, json.RawMessage(`{"id":"x"}`))
		}
		c.Relay.Store(ev, raw)
		c.OK(ev.ID, true, "")
		return true
	}})
	o.noOK = wire.NewRelay(t, wire.Script{Event: func(c *wire.Conn, ev wire.Event, raw json.RawMessage) bool {
		c.Relay.Store(ev, raw)
		return true
	}})
	o.refuses = wire.NewRelay(t, wire.Script{Event: func(c *wire.Conn, ev wire.Event, raw json.RawMessage) bool {
		c.Relay.Hand(ev, raw)
		c.OK(ev.ID, false, "blocked: not here")
		return true
	}})
	return o
}

// authScript asks for AUTH before it lets the bunker listen.
func (o *odd) authScript() wire.Script {
	var proved atomic.Bool
	return wire.Script{
		Open: func(c *wire.Conn) { c.Say("AUTH", "challenge-1") },
		Auth: func(c *wire.Conn, ev wire.Event) bool {
			tag := ev.Tags.Find("challenge")
			ok := ev.Kind == 22242 && wire.Verify(&ev) == nil && tag != nil && tag[1] == "challenge-1"
			if ok {
				o.authed.Add(1)
				proved.Store(true)
			}
			c.OK(ev.ID, ok, "")
			return true
		},
		Req: func(c *wire.Conn, sub string, filters []json.RawMessage) bool {
			if !byBunker(filters) || proved.Load() {
				return false
			}
			c.Say("CLOSED", sub, "auth-required: prove a key")
			return true
		},
	}
}

func (o *odd) all() map[string]*wire.Relay {
	all := map[string]*wire.Relay{
		"never EOSE": o.noEOSE, "AUTH": o.auth, "everything five times": o.doubles, "forged first": o.forged, "never OK": o.noOK, "refuses replies": o.refuses,
	}
	for i, reason := range closedReasons {
		all["CLOSED "+reason] = o.closed[i]
	}
	return all
}

// Whatever a relay does, a request that reaches the bunker through it is answered, once, on all relays.
func TestInterop17Relays(t *testing.T) {
	o := newOdd(t)
	args := []string{"--relay", o.good.URL}
	for _, relay := range o.all() {
		args = append(args, "--relay", relay.URL)
	}
	r := alone(t, args...)
	c, k := r.clientOf("sign_event", wire.NIP44, o.good.URL)
	if slices.Contains(k.Relays, r.Relay()) {
		t.Errorf("the link names the loopback relay beside others: %v", k.Relays)
	}
	t.Run("switch_relays", func(t *testing.T) {
		r := r.sub(t)
		var list []string
		got := r.do(c, "switch_relays")
		if err := json.Unmarshal([]byte(got.Result), &list); err != nil || len(list) != len(k.Relays) || slices.Contains(list, r.Relay()) {
			t.Errorf("switch_relays: %s (%v)", got.Text, err)
		}
		r.succeed(c, "null", "switch_relays")
	})
	t.Run("a live subscription is closed", func(t *testing.T) {
		r := r.sub(t)
		mine := r.client("sign_event", wire.NIP44, o.good.URL)
		before := o.good.Reqs()
		for _, conn := range o.good.Bunkers() {
			conn.CloseSubs("error: restarting")
		}
		if !o.good.Await(wire.Patience, func() bool { return o.good.Reqs() > before && o.good.Hears(mine.Signer) }) {
			t.Fatal("the bunker did not subscribe again")
		}
		r.sign(mine, note("after a CLOSED"))
		opened := o.good.Opened()
		for _, conn := range o.good.Bunkers() {
			conn.HangUp()
		}
		if !o.good.Await(wire.Patience, func() bool { return o.good.Opened() > opened && o.good.Hears(mine.Signer) }) {
			t.Fatal("the bunker did not come back")
		}
		r.sign(mine, note("after a hang-up"))
	})
	for name, relay := range o.all() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := r.sub(t)
			r.through(relay, o.good)
			if name == "AUTH" && o.authed.Load() == 0 {
				t.Error("the bunker proved no key to the relay that asked")
			}
		})
	}
}

// through has a request go to the bunker through one relay only, and looks for the reply on both.
func (r *raw) through(relay, good *wire.Relay) {
	r.t.Helper()
	k := r.Token(r.key.Name, "raw", "sign_event")
	if !relay.Await(2*wire.Patience, func() bool { return relay.Hears(k.Signer) }) {
		r.t.Fatal("the bunker does not listen on it")
	}
	if !good.Await(wire.Patience, func() bool { return good.Hears(k.Signer) }) {
		r.t.Fatal("the bunker does not listen on the good one")
	}
	c := r.stranger(k.Signer, wire.NIP44, good.URL, relay.URL)
	send := func(method string, params ...string) wire.Reply {
		r.t.Helper()
		id := c.NextID()
		c.Links[1].Offer(c.Envelope(wire.Message(id, method, params...)))
		got := r.await(c, id)
		for deadline := time.Now().Add(wire.Patience); c.Seen(got.Event.ID) < 2; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				r.t.Fatalf("the reply to %s did not come on both relays", method)
			}
		}
		return got
	}
	if got := send("connect", k.Signer, k.Secret); got.Result != "ack" {
		r.t.Fatal(got.Text)
	}
	tmpl := note("through " + relay.URL)
	r.signed(send("sign_event", tmpl.String()), tmpl)
	r.refused(send("nonsense"), "invalid: ")
	before := c.Count()
	id := c.NextID()
	c.Offer(c.Envelope(wire.Message(id, "sign_event", tmpl.String()))) // on both at once
	r.signed(r.await(c, id), tmpl)
	time.Sleep(settle)
	if n := c.Count(); n != before+1 {
		r.t.Errorf("a request on two relays has %d replies", n-before)
	}
}

// A link that is half-open is noticed, and answered on meanwhile by the other relay without delay.
func TestInterop17RelaysHalfOpen(t *testing.T) {
	good, stuck := wire.NewRelay(t, wire.Script{}), wire.NewRelay(t, wire.Script{})
	r := alone(t, "--relay", good.URL, "--relay", stuck.URL)
	c := r.client("sign_event", wire.NIP44, good.URL)
	if !stuck.Await(wire.Patience, func() bool { return stuck.Hears(c.Signer) }) {
		t.Fatal("the bunker does not listen")
	}
	before := stuck.Opened()
	for _, conn := range stuck.Conns() {
		conn.Freeze()
	}
	r.sign(c, note("one relay is stuck"))
	if !stuck.Await(2*wire.Patience, func() bool { return stuck.Opened() > before }) {
		t.Fatal("the bunker did not notice the dead link")
	}
	r.sign(c, note("and is back"))
}

// A relay that forges is cut off, and the others work.
func TestAdversarialRelayThatForges(t *testing.T) {
	good, liar := wire.NewRelay(t, wire.Script{}), wire.NewRelay(t, wire.Script{})
	r := alone(t, "--relay", good.URL, "--relay", liar.URL)
	c := r.client("sign_event", wire.NIP44, good.URL)
	if !liar.Await(wire.Patience, func() bool { return liar.Hears(c.Signer) }) {
		t.Fatal("the bunker does not listen")
	}
	for range 30 {
		ev := c.Envelope(wire.Message(c.NextID(), "logout"))
		ev.Sig = strings.Repeat("0", 128)
		liar.Hand(ev, json.RawMessage(ev.String()))
	}
	if !liar.Await(wire.Patience, func() bool { return len(liar.Conns()) == 0 }) {
		t.Error("thirty forgeries do not end the connection")
	}
	for _, junk := range []string{"", "null", "[", `["EVENT"]`, `["EVENT","x",null]`, `["OK"]`, `["OK","x"]`, `["CLOSED"]`, `["AUTH"]`, `["NOTICE",1]`, strings.Repeat("[", 10_000), "\xff"} {
		for _, conn := range good.Conns() {
			conn.Raw(junk)
		}
	}
	r.sign(c, note("still here"))
	r.Alive()
}

// Replies that a relay swallows or reorders, and requests that it delivers late and in another order.
func TestAdversarialRelayThatReorders(t *testing.T) {
	held := make(chan func(), 100)
	relay := wire.NewRelay(t, wire.Script{})
	r := alone(t, "--relay", relay.URL)
	c := r.client("sign_event", wire.NIP44, relay.URL)
	relay.SetScript(wire.Script{Event: func(conn *wire.Conn, ev wire.Event, raw json.RawMessage) bool {
		if ev.PubKey != c.Key.Pub {
			return false
		}
		held <- func() { conn.Relay.Store(ev, raw); conn.Relay.Hand(ev, raw); conn.OK(ev.ID, true, "") }
		return true
	}})
	const n = 30
	ids := make([]string, n)
	tmpls := make([]template, n)
	for i := range n {
		ids[i], tmpls[i] = c.NextID(), note("out of order "+string(rune('a'+i)))
		c.Offer(c.Envelope(wire.Message(ids[i], "sign_event", tmpls[i].String())))
	}
	var late []func()
	for range n {
		late = append(late, <-held)
	}
	for _, deliver := range slices.Backward(late) {
		deliver()
	}
	for i := range n {
		r.signed(r.await(c, ids[i]), tmpls[i])
	}
	if got := c.Count(); got != n+1 {
		t.Errorf("%d replies, wanted %d", got, n+1)
	}
}

// The links of a bunker name a relay that lives first; a dead one delays nothing.
func TestInterop11URIsNameALiveRelayFirst(t *testing.T) {
	good := wire.NewRelay(t, wire.Script{})
	dead := "ws://" + bunker.FreeAddr(t)
	r := alone(t, "--relay", dead, "--relay", good.URL)
	if !good.Await(wire.Patience, func() bool { return len(good.Conns()) > 0 }) {
		t.Fatal("the bunker does not come")
	}
	r.client("none", wire.NIP44, good.URL) // it is up when it answers
	k := r.Token(r.key.Name, "raw", "sign_event")
	checkURI(t, k)
	if len(k.Relays) != 2 || k.Relays[0] != good.URL {
		t.Errorf("the link's relays are %v; %s is dead", k.Relays, dead)
	}
}

// An app's own relay is used until switch_relays moves the app.
func TestInterop04NostrconnectOnTheAppsRelay(t *testing.T) {
	t.Parallel()
	home, away := wire.NewRelay(t, wire.Script{}), wire.NewRelay(t, wire.Script{})
	b := bunker.New(t, "--relay", home.URL)
	if err := os.WriteFile(filepath.Join(b.Dir, "config.toml"), []byte("allow = [\"127.0.0.0/8\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Run()
	r := at(t, b)
	key := wire.NewKey()
	c, answer := r.invited(key, "nostrconnect://"+key.Pub+"?secret=away&relay="+url.QueryEscape("ws://127.0.0.1:1")+"&relay="+away.URL, "sign_event", away.URL)
	if answer.Result != "away" {
		t.Errorf("the answer is %s", answer.Text)
	}
	if !away.Await(wire.Patience, func() bool { return away.Hears(c.Signer) }) {
		t.Fatal("the bunker does not listen on the app's relay")
	}
	r.sign(c, note("away"))
	if err := c.Join(home.URL); err != nil {
		t.Fatal(err)
	}
	var list []string
	got := r.do(c, "switch_relays")
	if err := json.Unmarshal([]byte(got.Result), &list); err != nil || !slices.Equal(list, []string{home.URL}) {
		t.Errorf("switch_relays: %s", got.Text)
	}
	id := c.NextID()
	c.Links[1].Offer(c.Envelope(wire.Message(id, "switch_relays")))
	if got := r.await(c, id); got.Result != "null" {
		t.Errorf("again: %s", got.Text)
	}
}
