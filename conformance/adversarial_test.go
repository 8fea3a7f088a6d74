package conformance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nbd-wtf/go-nostr"

	"nsecbunker/conformance/wire"
)

// Bad input against the real binary. After every case the bunker lives and answers a client that it knows.

// Frames that are none, too deep, too large: a word from the relay, or the end of that one connection.
func TestAdversarialGarbage(t *testing.T) {
	r := shared(t)
	c := r.client("sign_event:1", wire.NIP44)
	deep := strings.Repeat("[", 20_000)
	for name, frames := range map[string][]string{
		"no JSON":          {"", " ", "hello", "\x00", "{", "nul", `["EVENT"`},
		"no frame":         {"null", "1", "{}", "[]", "[[]]", `[null]`, `["EVENT"]`, `["REQ"]`, `["REQ","x"]`, `["CLOSE"]`},
		"unknown verbs":    {`["HELLO","x"]`, `["` + strings.Repeat("V", 1000) + `"]`, `["COUNT","x",{}]`, `["NEG-OPEN","x",{},""]`},
		"nesting":          {deep, `["EVENT",` + deep, `["REQ","x",` + strings.Repeat(`{"a":`, 5000)},
		"no event":         {`["EVENT",{}]`, `["EVENT",null]`, `["EVENT","x"]`, `["EVENT",[1]]`, `["EVENT",{"id":1,"pubkey":2,"sig":3}]`},
		"wild filters":     {`["REQ","a",{"#p":"x"}]`, `["REQ","b",{"#p":[1]}]`, `["REQ","c",{"kinds":["x"],"#p":[]}]`, `["REQ","d",{"since":1e400}]`, `["REQ","e",{"limit":-1}]`, `["REQ","f",{}]`},
		"bad UTF-8":        {"[\"EVENT\",\"\xff\xfe\"]", "\xc0\x80"},
		"wild AUTH":        {`["AUTH",{}]`, `["AUTH","x"]`, `["AUTH"]`},
		"two megabytes":    {`["EVENT","` + strings.Repeat("x", 2<<20) + `"]`},
		"too many values":  {`["REQ","x",{"#p":["` + strings.Repeat(strings.Repeat("a", 64)+`","`, 5000) + `"]}]`},
		"a long sub":       {`["REQ","` + strings.Repeat("s", 65) + `",{}]`},
		"sixty bad frames": {strings.Repeat("x", 10)},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.sub(t)
			l, err := wire.Dial(r.Relay())
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			n := 1
			if strings.HasPrefix(name, "sixty") {
				n = 60
			}
			for range n {
				for _, f := range frames {
					_ = l.Send(f) // it may have hung up, as it may
				}
			}
			if n > 1 {
				select {
				case <-l.Gone():
				case <-time.After(wire.Patience):
					t.Error("sixty unreadable frames do not end the connection")
				}
			}
			r.succeed(c, "pong", "ping")
			r.Alive()
		})
	}
}

// Envelopes that are not what they say. A forged copy that comes first hides nothing.
func TestAdversarialForged(t *testing.T) {
	r := shared(t)
	c := r.client("sign_event:1", wire.NIP44)
	flip := func(hex string) string {
		last := hex[len(hex)-1]
		return hex[:len(hex)-1] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", last)+1)%16])
	}
	for name, forge := range map[string]func(ev *wire.Event){
		"signature":       func(ev *wire.Event) { ev.Sig = flip(ev.Sig) },
		"signature zero":  func(ev *wire.Event) { ev.Sig = strings.Repeat("0", 128) },
		"id":              func(ev *wire.Event) { ev.ID = flip(ev.ID) },
		"content":         func(ev *wire.Event) { ev.Content = c.Envelope(wire.Message("x", "logout")).Content },
		"created_at":      func(ev *wire.Event) { ev.CreatedAt++ },
		"author":          func(ev *wire.Event) { ev.PubKey = wire.NewKey().Pub },
		"a further tag":   func(ev *wire.Event) { ev.Tags = append(ev.Tags, []string{"e", "x"}) },
		"id and content":  func(ev *wire.Event) { ev.Content += "A"; ev.ID = ev.GetID() },
		"no point":        func(ev *wire.Event) { ev.PubKey = strings.Repeat("f", 64); ev.ID = ev.GetID() },
		"by the signer":   func(ev *wire.Event) { ev.PubKey = c.Signer; ev.ID = ev.GetID() },
		"upper-case hex":  func(ev *wire.Event) { ev.PubKey = strings.ToUpper(ev.PubKey) },
		"signature short": func(ev *wire.Event) { ev.Sig = ev.Sig[:126] },
	} {
		t.Run(name, func(t *testing.T) {
			r := r.sub(t)
			before := c.Count()
			tmpl := note("hidden by " + name)
			id := c.NextID()
			good := c.Envelope(wire.Message(id, "sign_event", tmpl.String()))
			bad := good
			bad.Tags = append(bad.Tags[:0:0], good.Tags...)
			forge(&bad)
			thief, err := wire.Dial(r.Relay()) // a connection of its own each: forgers are cut off
			if err != nil {
				t.Fatal(err)
			}
			defer thief.Close()
			for range 3 {
				wait := thief.Offer(bad)
				if bad.ID != good.ID && name != "id" {
					continue
				}
				select {
				case ok := <-wait:
					if ok.OK {
						t.Error("the relay took a forged event")
					}
				case <-thief.Gone():
				case <-time.After(wire.Patience):
					t.Error("no word from the relay")
				}
			}
			c.Offer(good)
			r.signed(r.await(c, id), tmpl)
			r.quiet(c, before+1)
		})
	}
}

// The same event again, at once, after seconds and after restarts of the bunker (killed, too): the same stored bytes, one
// signature.
func TestAdversarialReplayed(t *testing.T) {
	r := alone(t)
	clients := map[wire.Scheme]*wire.Client{wire.NIP44: r.client("sign_event,nip44_decrypt", wire.NIP44), wire.NIP04: r.client("sign_event,nip44_decrypt", wire.NIP04)}
	friend := wire.NewKey()
	payload, err := friend.Encrypt(wire.NIP44, r.key.Pub, "for your eyes")
	if err != nil {
		t.Fatal(err)
	}
	type asked struct {
		c    *wire.Client
		ev   wire.Event
		id   string
		text string
	}
	var all []asked
	for _, c := range clients {
		for _, call := range [][]string{{"sign_event", note("once").String()}, {"ping"}, {"nip44_decrypt", friend.Pub, payload}, {"sign_event", "x"}, {"nonsense"}, {"connect", c.Signer}} {
			id := c.NextID()
			a := asked{c: c, ev: c.Envelope(wire.Message(id, call[0], call[1:]...)), id: id}
			for range 5 { // at once
				c.Offer(a.ev)
			}
			a.text = r.await(c, id).Event.String()
			all = append(all, a)
		}
	}
	again := func(when string, restart func()) {
		t.Helper()
		if restart != nil {
			restart()
			for _, c := range clients {
				if err := c.Rejoin(); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, a := range all {
			heard := r.heard(a.c, a.id)
			r.publish(a.c, a.ev)
			for deadline := time.Now().Add(wire.Patience); r.heard(a.c, a.id) == heard; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Errorf("%s: %s was sent again, and its reply was not", when, a.id)
					break
				}
			}
			got := a.c.Replies(a.id)
			if len(got) != 1 || got[0].Event.String() != a.text {
				t.Errorf("%s: %s has %d replies", when, a.id, len(got))
			}
		}
	}
	time.Sleep(4 * time.Second) // beyond the first look's shortcut for young events
	again("after seconds", nil)
	again("after a restart", r.Restart)
	again("after a kill", func() { r.Kill(); r.Run() })
	if n := r.audited("sign_event", "allow"); n != len(clients) {
		t.Errorf("%d signatures are recorded, wanted %d", n, len(clients))
	}
}

// heard counts how often the reply to a request id came, the same event counted each time.
func (r *raw) heard(c *wire.Client, id string) int {
	n := 0
	for _, reply := range c.Replies(id) {
		n += c.Seen(reply.Event.ID)
	}
	return n
}

// A clock that is hours off: a known client is told so, a stranger hears nothing.
func TestAdversarialClocks(t *testing.T) {
	r := shared(t)
	c := r.client("sign_event:1", wire.NIP44)
	for _, skew := range []time.Duration{-20 * time.Minute, -3 * time.Hour, 6 * time.Minute, 3 * time.Hour, -23 * time.Hour, 23 * time.Hour} {
		c.Skew = skew
		r.refuse(c, "invalid: set the clock", "sign_event", note("off").String())
		k := r.Token(r.key.Name, "raw", "none")
		s := r.stranger(k.Signer, wire.NIP44)
		s.Skew = skew
		if ok := r.publish(s, s.Envelope(wire.Message("s", "connect", k.Signer, k.Secret))); ok.OK {
			t.Errorf("%s: the relay took a stranger's stale connect", skew)
		}
		r.quiet(s, 0)
		s.Skew = 0
		r.succeed(s, "ack", "connect", k.Signer, k.Secret)
	}
	before := c.Count()
	for _, at := range []int64{0, 1, now() - 30*86400, now() + 30*86400, 1 << 40, -1, 1<<53 - 1} {
		ev := c.Envelope(wire.Message(c.NextID(), "ping"))
		c.Skew = 0
		ev.CreatedAt = nostr.Timestamp(at)
		c.Key.Sign(&ev)
		if ok := r.publish(c, ev); ok.OK {
			t.Errorf("dated %d, and taken", at)
		}
	}
	r.quiet(c, before)
	r.sign(c, note("right again"))
}

// Envelopes that do not open: nothing is answered, since nobody knows which request it was; nothing breaks.
func TestAdversarialEncryption(t *testing.T) {
	r := shared(t)
	c := r.client("sign_event:1", wire.NIP44)
	before := c.Count()
	good := c.Envelope(wire.Message("never", "ping")).Content
	raw, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	other, err := wire.NewKey().Encrypt(wire.NIP44, c.Signer, wire.Message("never", "ping"))
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	contents := []string{other, "", "#", "AAAA", good[:len(good)-4], good + "AAAA", good[:131], strings.Repeat("A", 100_000), "?iv=", "AAAA?iv=", "?iv=AAAA", "A?iv=A", good + "?iv=AAAA"}
	for _, version := range []byte{0, 1, 3, 99, 255} {
		contents = append(contents, b64(append([]byte{version}, raw[1:]...)))
	}
	for i := 0; i < len(raw); i += 7 { // one bit each
		flipped := append([]byte(nil), raw...)
		flipped[i] ^= 1 << (i % 8)
		contents = append(contents, b64(flipped))
	}
	for cut := 1; cut < len(raw); cut += 13 {
		contents = append(contents, b64(raw[:cut]))
	}
	for _, size := range []int{0, 1, 15, 17, 31, 32, 1000} { // a NIP-04 IV that is not 16 bytes
		contents = append(contents, b64(make([]byte, 32))+"?iv="+b64(make([]byte, size)))
	}
	for _, size := range []int{0, 1, 15, 17} { // no whole blocks
		contents = append(contents, b64(make([]byte, size))+"?iv="+b64(make([]byte, 16)))
	}
	for range 20 { // blocks of nonsense: bad padding most of the time
		contents = append(contents, b64([]byte(wire.RandomHex(24)))+"?iv="+b64([]byte(wire.RandomHex(8))))
	}
	k := r.Token(r.key.Name, "raw", "none")
	s := r.stranger(k.Signer, wire.NIP44)
	for i, content := range contents {
		r.publish(c, c.Wrap(content))
		if i%20 == 0 { // strangers' envelopes have a budget
			r.publish(s, s.Wrap(content))
		}
	}
	r.quiet(c, before)
	r.quiet(s, 0)
	r.sign(c, note("opened"))
	t.Logf("%d envelopes that do not open", len(contents))
}

// A request's JSON of every wrong kind: an error where there is an id to answer under, else nothing.
func TestAdversarialJSON(t *testing.T) {
	r := shared(t)
	ev := note("x").String()
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		c := r.client("sign_event,nip44_encrypt", scheme)
		for name, members := range map[string]string{
			"params a text":         `"method":"ping","params":"x"`,
			"params a number":       `"method":"ping","params":1`,
			"params an object":      `"method":"ping","params":{}`,
			"params of numbers":     `"method":"connect","params":[1,2]`,
			"params nested":         `"method":"sign_event","params":[[` + quoted(ev) + `]]`,
			"event as an object":    `"method":"sign_event","params":[` + ev + `]`,
			"params true":           `"method":"ping","params":true`,
			"seventeen params":      `"method":"ping","params":["` + strings.Repeat(`","`, 16) + `"]`,
			"method a number":       `"method":1,"params":[]`,
			"method an array":       `"method":["ping"],"params":[]`,
			"duplicate method":      `"method":"ping","method":"logout","params":[]`,
			"duplicate params":      `"method":"sign_event","params":[` + quoted(ev) + `],"params":["x"]`,
			"escaped duplicate":     `"method":"ping","m\u0065thod":"logout","params":[]`,
			"lone surrogate":        `"method":"nip44_encrypt","params":["` + c.Key.Pub + `","\ud800"]`,
			"lone surrogate, other": `"method":"p\udfffing","params":[]`,
			"comma":                 `"method":"ping","params":["x",]`,
			"raw newline":           "\"method\":\"ping\",\"params\":[\"a\nb\"]",
			"nesting":               `"method":"ping","params":[],"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100),
			"no params for signing": `"method":"sign_event"`,
			"null params":           `"method":"sign_event","params":null`,
			"null in params":        `"method":"sign_event","params":[null]`,
		} {
			t.Run(name, func(t *testing.T) {
				r := r.sub(t)
				id := "json-" + wire.RandomHex(4)
				r.refused(r.send(c, id, `{"id":"`+id+`",`+members+`}`), "invalid: ")
			})
		}
		before := c.Count()
		long := strings.Repeat("i", 257)
		for _, text := range []string{
			`{"method":"ping","params":[]}`, `{"id":1,"method":"ping","params":[]}`, `{"id":null,"method":"ping","params":[]}`, `{"id":{},"method":"ping","params":[]}`,
			`{"id":"` + long + `","method":"ping","params":[]}`, `{"id":"a","id":"b","method":"ping","params":[]}`, `{"id":"\ud800","method":"ping","params":[]}`,
			``, ` `, `null`, `[]`, `1`, `"x"`, `{`, `{"id"`, "\x00", "\xff\xfe", strings.Repeat("[", 50_000), strings.Repeat(`{"a":`, 10_000),
		} {
			if text == "" && scheme == wire.NIP44 {
				continue // NIP-44 has no empty text
			}
			r.publish(c, c.Envelope(text))
		}
		r.quiet(c, before)
		id := strings.Repeat("i", 256)
		if got := r.send(c, id, wire.Message(id, "ping")); got.Result != "pong" {
			t.Errorf("an id of 256 bytes: %s", got.Text)
		}
		odd := "\u2028\"\\\b🫂<&>\x7f"
		if got := r.send(c, odd, wire.Message(odd, "ping")); got.Result != "pong" {
			t.Errorf("an odd id: %s", got.Text)
		}
	})
}

// Two clients use the same request ids: each gets its own replies.
func TestAdversarialSameRequestID(t *testing.T) {
	r := shared(t)
	k := r.Token(r.key.Name, "raw", "sign_event:1", "--uses", "2") // one signer key for both
	a, b := r.stranger(k.Signer, wire.NIP44), r.stranger(k.Signer, wire.NIP04)
	for _, c := range []*wire.Client{a, b} {
		if got := r.send(c, "1", wire.Message("1", "connect", k.Signer, k.Secret)); got.Result != "ack" {
			t.Fatal(got.Text)
		}
	}
	for i := range 20 {
		id := fmt.Sprint("same", i)
		ta, tb := note(fmt.Sprint("a", i)), note(fmt.Sprint("b", i))
		a.Offer(a.Envelope(wire.Message(id, "sign_event", ta.String())))
		b.Offer(b.Envelope(wire.Message(id, "sign_event", tb.String())))
		r.signed(r.await(a, id), ta)
		r.signed(r.await(b, id), tb)
	}
	r.quiet(a, 21)
	r.quiet(b, 21)
}

// A stranger gets nothing for twenty kinds of message, but one capped generic error for a connect with a wrong secret.
func TestAdversarialStrangerSilence(t *testing.T) {
	r := shared(t)
	k := r.Token(r.key.Name, "raw", "all")
	ev := note("x").String()
	messages := []string{
		wire.Message("1", "ping"), wire.Message("2", "get_public_key"), wire.Message("3", "sign_event", ev), wire.Message("4", "nip04_encrypt", r.key.Pub, "x"),
		wire.Message("5", "nip04_decrypt", r.key.Pub, "x"), wire.Message("6", "nip44_encrypt", r.key.Pub, "x"), wire.Message("7", "nip44_decrypt", r.key.Pub, "x"),
		wire.Message("8", "switch_relays"), wire.Message("9", "logout"), wire.Message("10", "describe"), wire.Message("11", "create_account", "a", "b"),
		wire.Message("12", "get_relays"), wire.Message("13", "disconnect"), wire.Message("14", ""), `{"id":"15","result":"ack"}`, `{"id":"16","method":"connect","params":{}}`,
		`{"id":"17","method":5}`, `{"method":"connect","params":["` + k.Signer + `","` + k.Secret + `"],"id":18}`, `{`, "no JSON",
	}
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		for _, text := range messages {
			s := r.stranger(k.Signer, scheme)
			r.publish(s, s.Envelope(text))
			r.quiet(s, 0)
			s.Close()
		}
	})
	minute := func() time.Time { return time.Now().Truncate(time.Minute) }
	var s *wire.Client
	for begun := (time.Time{}); begun != minute(); { // one a minute is what a stranger is told, and another minute may begin between
		begun = minute()
		s = r.stranger(k.Signer, wire.NIP44)
		for i := range 5 {
			r.publish(s, s.Envelope(wire.Message(fmt.Sprint("w", i), "connect", k.Signer, "wrong")))
		}
	}
	r.quiet(s, 1)
	r.refused(r.await(s, "w0"), "restricted: this link is not valid, or was used")
	// Whatever was wrong, the words are the same.
	words := map[string]bool{}
	spent := r.Token(r.key.Name, "raw", "none")
	r.succeed(r.stranger(spent.Signer, wire.NIP44), "ack", "connect", "", spent.Secret)
	gone := r.Token(r.key.Name, "raw", "none")
	r.CLI("token", "revoke", gone.ID)
	for _, try := range [][]string{{spent.Signer, spent.Secret}, {spent.Signer, "x"}, {gone.Signer, gone.Secret}, {gone.Signer, ""}, {k.Signer, strings.Repeat("s", 300)}} {
		s := r.stranger(try[0], wire.NIP44)
		words[r.do(s, "connect", try...).Error] = true
	}
	if len(words) != 1 {
		t.Errorf("strangers can tell what was wrong: %v", words)
	}
	var conns []json.RawMessage
	r.JSON(&conns, "connections", "list", "--key", r.key.Name)
	if len(conns) != 1 {
		t.Errorf("%d connections", len(conns))
	}
}
