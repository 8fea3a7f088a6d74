package conformance

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/conformance/wire"
)

// Every refusal, in both envelopes: one reply in time, of the one shape that every library turns into words, with a prefix
// of NIP-01's. (Refusals by people and of questions: TestInterop13AuthURL; malformed JSON: TestAdversarialJSON.)
func TestInterop05ReplyShape(t *testing.T) {
	r := shared(t, "--deny")
	ours := r.AddKey("ours-" + wire.RandomHex(3))
	friend := wire.NewKey()
	event := func(kind int) string { return template{Kind: kind, CreatedAt: now(), Tags: [][]string{}}.String() }
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		c := r.client("sign_event:1,sign_event:24133,sign_event:24134,nip04_decrypt,nip44_decrypt,nip44_encrypt", scheme)
		for _, call := range []struct {
			words  string
			method string
			params []string
		}{
			{"restricted: ", "sign_event", []string{event(42)}},
			{"restricted: ", "nip04_encrypt", []string{friend.Pub, "x"}},
			{"blocked: ", "sign_event", []string{event(24133)}},
			{"restricted: ", "sign_event", []string{event(24134)}},
			{"invalid: account", "sign_event", []string{strings.Replace(event(1), "{", `{"pubkey":"`+friend.Pub+`",`, 1)}},
			{"invalid: ", "sign_event", []string{"{"}},
			{"invalid: two parameters", "nip44_encrypt", []string{friend.Pub}},
			{"invalid: two parameters", "nip44_decrypt", []string{friend.Pub, "a", "b"}},
			{"invalid: pubkey", "nip44_encrypt", []string{"herald", "x"}},
			{"invalid: ", "nip44_encrypt", []string{strings.Repeat("f", 64), "x"}}, // no point of the curve
			{"invalid: ", "nip44_encrypt", []string{friend.Pub, ""}},               // NIP-44 has no empty text
			{"blocked: ", "nip44_encrypt", []string{c.Signer, "x"}},
			{"blocked: ", "nip44_decrypt", []string{c.Signer, sealed(friend, r.key.Pub)}},
			{"invalid: ", "nip44_decrypt", []string{friend.Pub, "no base64!"}},
			{"invalid: ", "nip44_decrypt", []string{friend.Pub, ""}},
			{"invalid: ", "nip44_decrypt", []string{friend.Pub, sealed(friend, c.Key.Pub)}},
			{"invalid: ", "nip04_decrypt", []string{friend.Pub, "AAAA"}},
			{"invalid: ", "nip04_decrypt", []string{friend.Pub, "AAAA?iv=AAAA"}},
			{"invalid: ", "nip04_decrypt", []string{friend.Pub, base64.StdEncoding.EncodeToString(make([]byte, 16)) + "?iv=" + base64.StdEncoding.EncodeToString(make([]byte, 15))}},
			{"invalid: no method of that name", "nip44_get_key", []string{friend.Pub}},
			{"invalid: ", "connect", []string{ours.Pub}},
			{"invalid: ", "connect", []string{"x", strings.Repeat("s", 300)}},
		} {
			got := r.do(c, call.method, call.params...)
			r.refused(got, call.words)
			if strings.Contains(got.Error, "\n") || len(got.Error) > 300 {
				t.Errorf("%s: a long story: %q", call.method, got.Error)
			}
		}
		r.states(scheme)
	})
}

// sealed is a NIP-44 payload that the bunker's key cannot open.
func sealed(by wire.Key, to string) string {
	s, err := by.Encrypt(wire.NIP44, to, "not for you")
	if err != nil {
		panic(err) // keys are ours
	}
	return s
}

// states goes through what can be refused whatever is asked: of connections, and of keys.
func (r *raw) states(scheme wire.Scheme) {
	event := note("in every state").String()
	peer := wire.NewKey().Pub
	all := func(c *wire.Client, words string, methods ...string) {
		r.t.Helper()
		for _, m := range methods {
			params := map[string][]string{"sign_event": {event}, "nip44_encrypt": {peer, "x"}, "connect": {c.Signer}}[m]
			r.refuse(c, words, m, params...)
		}
	}
	c := r.client("sign_event,nip44_encrypt", scheme)
	id := r.Of(r.key.Name, c.Key.Pub).ID
	r.CLI("connections", "suspend", id)
	all(c, "restricted: suspended", "ping", "connect", "sign_event", "nip44_encrypt", "get_public_key", "switch_relays", "logout")
	r.CLI("connections", "resume", id)
	r.succeed(c, "pong", "ping")
	r.CLI("connections", "grant", id, "nip44_encrypt", "--deny")
	all(c, "restricted: ", "nip44_encrypt")
	r.CLI("connections", "revoke", id, "--yes")
	all(c, "restricted: revoked", "ping", "connect", "sign_event", "nip44_encrypt", "get_public_key", "logout")

	locked := at(r.t, r.Bunker, "--deny")
	c = locked.client("sign_event", scheme)
	r.CLI("key", "lock", locked.key.Name)
	all(c, "restricted: locked", "sign_event")
	locked.succeed(c, "pong", "ping")
	r.CLI("key", "unlock", locked.key.Name)
	locked.sign(c, note("unlocked"))

	k := r.Token(r.key.Name, "raw", "sign_event", "--grant-for", "1s")
	c = r.stranger(k.Signer, scheme)
	r.succeed(c, "ack", "connect", "", k.Secret)
	time.Sleep(time.Second + settle)
	all(c, "restricted: ", "sign_event")

	c = r.client("none", scheme)
	r.CLI("connections", "grant", r.Of(r.key.Name, c.Key.Pub).ID, "sign_event:1", "--uses", "2")
	r.sign(c, note("one"))
	r.sign(c, note("two"))
	all(c, "restricted: ", "sign_event")
}

// The sealed and the stopped bunker answer whom they know; strangers hear the same as ever.
func TestInterop05ReplyShapeWhileSealedAndStopped(t *testing.T) {
	r := alone(t)
	clients := map[wire.Scheme]*wire.Client{wire.NIP44: r.client("sign_event", wire.NIP44), wire.NIP04: r.client("sign_event", wire.NIP04)}
	fresh := r.Token(r.key.Name, "raw", "sign_event")
	everything := func(words string) {
		t.Helper()
		for _, c := range clients {
			for _, m := range []string{"ping", "get_public_key", "switch_relays", "sign_event", "connect"} {
				r.refuse(c, words, m, map[string]string{"sign_event": note("x").String()}[m])
			}
		}
	}
	r.Seal()
	everything("restricted: sealed")
	c := r.stranger(fresh.Signer, wire.NIP44)
	r.refuse(c, "restricted: this link is not valid, or was used", "connect", fresh.Signer, fresh.Secret)
	r.Unseal()
	r.succeed(c, "ack", "connect", fresh.Signer, fresh.Secret)
	for _, c := range clients {
		r.succeed(c, "pong", "ping")
	}
	r.CLI("stop")
	everything("restricted: ")
	r.CLI("status")
	r.Alive()
}

// A question to a person: the final reply comes under the request's own id, within 30 s, and no auth_url is sent where there
// is no page to open.
func TestInterop13AuthURL(t *testing.T) {
	r := shared(t) // asks
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		for _, answer := range []struct {
			command []string
			words   string
		}{{[]string{"approve"}, ""}, {[]string{"deny"}, "restricted: refused"}} {
			t.Run(answer.command[0], func(t *testing.T) {
				r := at(t, r.Bunker.For(t))
				c := r.client("none", scheme)
				tmpl := note("may I?")
				id := c.NextID()
				c.Offer(c.Envelope(wire.Message(id, "sign_event", tmpl.String())))
				question := r.question()
				r.quiet(c, 1)
				r.CLI(append(answer.command, question)...)
				got := r.await(c, id)
				if answer.words == "" {
					r.signed(got, tmpl)
				} else {
					r.refused(got, answer.words)
				}
				r.quiet(c, 2)
			})
		}
	})
	t.Run("asked again", func(t *testing.T) {
		r := at(t, r.Bunker.For(t))
		c := r.client("none", wire.NIP44)
		tmpl := note("twice")
		first, second := c.NextID(), c.NextID()
		c.Offer(c.Envelope(wire.Message(first, "sign_event", tmpl.String())))
		question := r.question()
		r.publish(c, c.Envelope(wire.Message(second, "sign_event", tmpl.String())))
		r.CLI("approve", question)
		r.signed(r.await(c, second), tmpl)
		r.refused(r.await(c, first), "error: replaced by a newer request")
	})
	t.Run("nobody answers", func(t *testing.T) {
		r := at(t, r.Bunker.For(t))
		c := r.client("none", wire.NIP44)
		ids := make([]string, 40)
		for i := range ids {
			ids[i] = c.NextID()
			c.Offer(c.Envelope(wire.Message(ids[i], "sign_event", note(fmt.Sprintf("question %d", i)).String())))
		}
		late, tooMany := 0, 0
		for _, id := range ids {
			got, err := c.Await(id, 30*time.Second+wire.Patience)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case strings.HasPrefix(got.Error, "restricted: not yet approved; if approved later, try again"):
				late++
			case strings.HasPrefix(got.Error, "rate-limited: too many questions"):
				tooMany++
			default:
				t.Errorf("%s", got.Text)
			}
			if err := wire.Shape(&got); err != nil {
				t.Error(err)
			}
		}
		r.quiet(c, 1+len(ids))
		if late != 32 || tooMany != 8 {
			t.Errorf("%d questions waited, %d were too many; wanted 32 and 8", late, tooMany)
		}
	})
}

// Login by the user key's own npub: off at first; on, it is a question; with a token it is none.
func TestInterop14LegacyLogin(t *testing.T) {
	r := shared(t)
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := at(t, r.Bunker.For(t))
		user := r.key.Pub
		c := r.stranger(user, scheme)
		ok := r.publish(c, c.Envelope(wire.Message("off", "connect", user)))
		if ok.OK {
			t.Error("npub login is off, and the relay took an envelope to the user key")
		}
		r.CLI("key", "set", r.key.Name, "--npub-login", "on", "--yes")
		id := c.NextID()
		c.Offer(c.Envelope(wire.Message(id, "connect", user)))
		question := r.question()
		for _, m := range []string{"ping", "get_public_key", "sign_event"} { // not before the yes
			r.publish(c, c.Envelope(wire.Message(c.NextID(), m, note("x").String())))
		}
		r.CLI("approve", question, "--perms", "sign_event")
		if got := r.await(c, id); got.Result != "ack" {
			t.Fatalf("the approved login: %s", got.Text)
		}
		r.succeed(c, user, "get_public_key")
		r.sign(c, note("by npub"))

		k := r.Token(r.key.Name, "raw", "sign_event")
		_, secret, _ := strings.Cut(k.Npub, "#")
		c = r.stranger(user, scheme)
		r.succeed(c, "ack", "connect", user, secret)
		r.sign(c, note("by npub#token"))
		r.refuse(c, "blocked: ", "sign_event", template{Kind: 24133, CreatedAt: now(), Tags: [][]string{{"p", c.Key.Pub}}}.String())
		thief := r.stranger(user, scheme)
		r.publish(thief, thief.Envelope(wire.Message("t", "connect", user, secret)))
		thief2 := r.stranger(user, scheme)
		r.publish(thief2, thief2.Envelope(wire.Message("t", "connect", user, "wrong")))
		for _, th := range []*wire.Client{thief, thief2} {
			r.publish(th, th.Envelope(wire.Message("p", "ping")))
			for _, got := range th.Replies("t") {
				r.refused(got, "restricted: this link is not valid, or was used")
			}
			if n := len(th.Replies("p")); n != 0 {
				t.Error("a stranger's ping was answered")
			}
		}
	})
}

// A reply beyond 65,535 bytes goes in the extended form to who can read it, else it is a clear error.
func TestInterop15LargeReplies(t *testing.T) {
	r := shared(t)
	quotes := template{Kind: 1, CreatedAt: now(), Tags: [][]string{}, Content: strings.Repeat(`"`, 14_000)} // escaped again at each level
	c := r.client("sign_event", wire.NIP44)
	got := r.do(c, "sign_event", quotes.String())
	if len(got.Text) > 65_535 || !got.Failed() {
		r.signed(got, quotes)
	} else {
		r.refused(got, "error: too large")
	}
	c.Scheme = wire.Extended
	large := template{Kind: 1, CreatedAt: now(), Tags: [][]string{}, Content: strings.Repeat("0123456789abcdef", 10_000)}
	got = r.do(c, "sign_event", large.String())
	if got.Scheme != wire.Extended {
		t.Errorf("the reply is closed as %s", got.Scheme)
	}
	r.signed(got, large)
	c.Scheme = wire.NIP04
	r.signed(r.do(c, "sign_event", large.String()), large)
	c.Scheme = wire.NIP44
	r.sign(c, note("small again"))
}

// Hundreds of wraps at once, all answered, in any order.
func TestInterop16Bulk(t *testing.T) {
	r := shared(t)
	c := r.client("nip44_decrypt", wire.NIP44)
	friend := wire.NewKey()
	r.bulk(c, 100, func(i int) (string, []string, func(wire.Reply) error) {
		text := fmt.Sprintf("wrap %d", i)
		sealed, err := friend.Encrypt(wire.NIP44, r.key.Pub, text)
		if err != nil {
			t.Fatal(err)
		}
		return "nip44_decrypt", []string{friend.Pub, sealed}, result(text)
	})
}

func result(want string) func(wire.Reply) error {
	return func(got wire.Reply) error {
		if got.Failed() || got.Result != want {
			return fmt.Errorf("got %.200s, want %.100q", got.Text, want)
		}
		return nil
	}
}

// bulk sends n requests without waiting, and holds every one to exactly one right reply.
func (r *raw) bulk(c *wire.Client, n int, ask func(i int) (method string, params []string, check func(wire.Reply) error)) {
	r.t.Helper()
	before := c.Count()
	checks := make([]func(wire.Reply) error, n)
	events := make([]wire.Event, n)
	for i := range n {
		method, params, check := ask(i)
		checks[i] = check
		events[i] = c.Envelope(wire.Message(fmt.Sprintf("bulk%d", i), method, params...))
	}
	oks := make([]<-chan wire.OK, n)
	for i, ev := range events {
		oks[i] = c.Links[0].Offer(ev)
	}
	for i, ok := range oks {
		select {
		case ok := <-ok:
			if !ok.OK {
				r.t.Errorf("%d of %d: the relay says %q", i, n, ok.Reason)
			}
		case <-c.Links[0].Gone():
			r.t.Fatalf("%d of %d: the relay hung up", i, n)
		case <-time.After(3 * wire.Patience):
			r.t.Fatalf("%d of %d: no word from the relay", i, n)
		}
	}
	for i := range n {
		got, err := c.Await(fmt.Sprintf("bulk%d", i), wire.Patience)
		if err == nil {
			err = checks[i](got)
		}
		if err != nil {
			r.Alive()
			r.t.Fatalf("%d of %d: %v", i, n, err)
		}
		r.proper(c, &got)
	}
	r.quiet(c, before+n)
}
