package nip46_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/internal/nip46test"
)

const relayA, relayB = "wss://a.example", "wss://b.example"

// pair is a client and an honest bunker on two relays.
type pair struct {
	hub    *nip46test.Hub
	bunker *nip46test.Bunker
	client *nip46.Client
}

func newPair(t *testing.T, change func(*nip46.Config)) pair {
	t.Helper()
	hub := &nip46test.Hub{}
	b := nip46test.NewBunker(t, hub, relayA, relayB)
	session, err := nip46.NewSession(nip46test.NewArena(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg := nip46.Config{Transport: hub, Now: time.Now}
	if change != nil {
		change(&cfg)
	}
	c, err := nip46.NewClient(cfg, session)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return pair{hub, b, c}
}

// connected is a pair that has met.
func connected(t *testing.T, change func(*nip46.Config)) pair {
	t.Helper()
	p := newPair(t, change)
	if _, err := p.client.Connect(soon(t), p.bunker.URI(), nil); err != nil {
		t.Fatal(err)
	}
	return p
}

// sent returns the ids of the client's events, in order, on one relay.
func (p pair) sent(relay string) []nostr.ID {
	var ids []nostr.ID
	for _, e := range p.hub.Published(p.client.Session().Client()) {
		if e.Relay == relay {
			ids = append(ids, e.Event.ID)
		}
	}
	return ids
}

// soon is a context that ends in an hour of the bubble's time: a test that would
// wait for ever fails.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}

func template() *nostr.Template {
	return &nostr.Template{CreatedAt: 1_700_000_000, Kind: 1, Content: "hello \u2028 \x01 <&>", Tags: nostr.Tags{{"t", "x"}, {"p", "y", ""}}}
}

func TestTheWholeConversation(t *testing.T) {
	for _, envelope := range []nip46.Envelope{nip46.EnvelopeNIP44, nip46.EnvelopeNIP04} {
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t, func(c *nip46.Config) { c.Envelope, c.Metadata = envelope, nip46.ClientMetadata{Name: "test"} })
			ctx, user := soon(t), p.bunker.User.PubKey()
			got, err := p.client.Connect(ctx, p.bunker.URI(), []nip46.Permission{{Method: nip46.SignEvent, Param: "1"}})
			if err != nil || got != user {
				t.Fatalf("connect: %v (%v)", got, err)
			}
			connect, err := nip46.ParseConnect(p.bunker.Requests()[0])
			if err != nil || connect.Remote != p.bunker.Signer.PubKey().String() || connect.Perms != "sign_event:1" || connect.Metadata.Name != "test" {
				t.Errorf("connect was sent as %v (%v)", connect, err)
			}
			e, err := p.client.SignEvent(ctx, template())
			if err != nil || e.Verify() != nil || e.PubKey != user || e.Content != template().Content {
				t.Errorf("sign: %v (%v)", e, err)
			}
			if err := p.client.Ping(ctx); err != nil {
				t.Error(err)
			}
			peer := p.bunker.Signer.PubKey()
			cipher, err := p.client.NIP44Encrypt(ctx, peer, "péss")
			if text, err2 := p.client.NIP44Decrypt(ctx, peer, cipher); err != nil || err2 != nil || text != "péss" {
				t.Errorf("nip44: %q (%v, %v)", text, err, err2)
			}
			cipher, err = p.client.NIP04Encrypt(ctx, peer, "péss")
			if text, err2 := p.client.NIP04Decrypt(ctx, peer, cipher); err != nil || err2 != nil || text != "péss" {
				t.Errorf("nip04: %q (%v, %v)", text, err, err2)
			}
			if err := p.client.Logout(ctx); err != nil {
				t.Error(err)
			}
			if err := p.client.Ping(ctx); !errors.Is(err, nip46.ErrNotConnected) {
				t.Errorf("after logout: %v", err)
			}
			for _, pub := range p.hub.Published(p.client.Session().Client()) {
				if nip46.IsNIP04(pub.Event.Content) != (envelope == nip46.EnvelopeNIP04) {
					t.Error("a request was in the other envelope")
				}
			}
		})
	}
}

func TestAnUnansweredRequestIsSentAgainAsTheSameEventToAllRelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		before := len(p.sent(relayA))
		synctest.Wait()
		p.bunker.Deafen(4) // two rounds over two relays
		start := time.Now()
		if err := p.client.Ping(soon(t)); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != 2*nip46.ResendAfter {
			t.Errorf("it took %v", waited)
		}
		for _, relay := range []string{relayA, relayB} {
			ids := p.sent(relay)[before:]
			if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
				t.Errorf("%s got %v", relay, ids)
			}
		}
		if got := p.bunker.Requests(); got[len(got)-1].Method != nip46.Ping || got[len(got)-2].Method == nip46.Ping {
			t.Error("the bunker read the request twice")
		}
	})
}

func TestARequestTooOldGoesOutInANewEnvelopeUnderItsOldID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		p.bunker.SetHook(func(nostr.PubKey, nip46.Request) []nip46.Reply { return []nip46.Reply{} })
		before := len(p.sent(relayA))
		ctx, cancel := context.WithTimeout(soon(t), nip46.MaxEnvelopeAge+20*time.Second)
		defer cancel()
		var silent *nip46.NoAnswerError
		if err := p.client.Ping(ctx); !errors.As(err, &silent) || silent.Sent != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("no answer: %v", err)
		}
		ids := slices.Compact(p.sent(relayA)[before:])
		if len(ids) != 2 {
			t.Errorf("%d envelopes", len(ids))
		}
		got := p.bunker.Requests()
		if a, b := got[len(got)-2], got[len(got)-1]; a.Method != nip46.Ping || a.ID != b.ID {
			t.Errorf("%v, then %v", a, b)
		}
	})
}

func TestTheClientListensBeforeItSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, nil)
		me := p.client.Session().Client()
		p.hub.Wire = func(relay string, e *nostr.Event) []*nostr.Event {
			if e.PubKey == me && p.hub.Listeners(relay, me) == 0 {
				t.Error("a request went out while nobody listened")
			}
			return []*nostr.Event{e}
		}
		if _, err := p.client.Connect(soon(t), p.bunker.URI(), nil); err != nil {
			t.Fatal(err)
		}
		p.client.Close()
		synctest.Wait()
		if n := p.hub.Listeners(relayA, me); n != 0 {
			t.Errorf("%d subscriptions after Close", n)
		}
		if err := p.client.Ping(soon(t)); err == nil {
			t.Error("a closed client sent a request")
		}
	})
}

func TestAForgedCopyHidesNoAnswerAndADoubleIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, nil)
		signer := p.bunker.Signer.PubKey()
		p.hub.Wire = func(_ string, e *nostr.Event) []*nostr.Event {
			if e.PubKey != signer {
				return []*nostr.Event{e}
			}
			forged, changed := *e, *e
			forged.Sig[5] ^= 1
			changed.Content = strings.Replace(e.Content, "A", "B", 1)
			return []*nostr.Event{&forged, &changed, e, e, &forged}
		}
		if _, err := p.client.Connect(soon(t), p.bunker.URI(), nil); err != nil {
			t.Fatal(err)
		}
		if n := len(slices.Compact(p.sent(relayA))); n != len(p.sent(relayA)) {
			t.Error("an answer was missed and asked for again")
		}
	})
}

func TestNobodyElseCanAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		me := p.client.Session().Client()
		stranger, err := nostr.GenerateKey(nip46test.NewArena(t))
		if err != nil {
			t.Fatal(err)
		}
		p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
			go func() {
				p.bunker.Send(stranger, me, nip46.Success(r.ID, "pwned"))
				p.bunker.Send(p.bunker.Signer, me, nip46.Success("another id", "pwned"))
				synctest.Wait()
				p.bunker.Send(p.bunker.Signer, me, nip46.Success(r.ID, "pong"))
			}()
			return []nip46.Reply{}
		})
		if err := p.client.Ping(soon(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestARefusalComesInTheBunkersWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
			return []nip46.Reply{nip46.Failure(r.ID, "restricted: not today\x1b[31m\u202e")}
		})
		_, err := p.client.SignEvent(soon(t), template())
		var refused *nip46.RemoteError
		if !errors.As(err, &refused) || refused.Method != nip46.SignEvent || !strings.HasPrefix(refused.Text, "restricted: not today") {
			t.Fatalf("%v", err)
		}
		if strings.ContainsAny(err.Error(), "\x1b\u202e") {
			t.Errorf("%q is not fit for a terminal", err)
		}
	})
}

func TestAPageIsShownOnceAndTheAnswerAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pages []string
		p := connected(t, func(c *nip46.Config) { c.OnAuthURL = func(page string) { pages = append(pages, page) } })
		var once sync.Once
		me := p.client.Session().Client()
		p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
			once.Do(func() {
				go func() {
					time.Sleep(8 * time.Minute)
					p.bunker.Send(p.bunker.Signer, me, nip46.Success(r.ID, "pong"))
				}()
			})
			return []nip46.Reply{nip46.AuthURL(r.ID, "https://bunker.example/q"), nip46.AuthURL(r.ID, "https://bunker.example/q")}
		})
		before := len(p.sent(relayA))
		if err := p.client.Ping(soon(t)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(pages, []string{"https://bunker.example/q"}) {
			t.Errorf("shown: %q", pages)
		}
		if ids := slices.Compact(p.sent(relayA)[before:]); len(ids) != 1 {
			t.Errorf("one question became %d", len(ids))
		}
	})
}

func TestAPageThatCannotBeShownFailsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := connected(t, func(c *nip46.Config) { c.OnAuthURL = func(string) { t.Error("it was shown") } })
		alone := connected(t, nil)
		for _, c := range []struct {
			p    pair
			page string
		}{{shown, "javascript:alert(1)"}, {shown, "https://a.example/\u202e"}, {shown, "https://" + strings.Repeat("a", 3000)}, {alone, "https://a.example"}} {
			c.p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
				return []nip46.Reply{nip46.AuthURL(r.ID, c.page)}
			})
			var answer *nip46.AnswerError
			if err := c.p.client.Ping(soon(t)); !errors.As(err, &answer) {
				t.Errorf("%.60q: %v", c.page, err)
			}
		}
	})
}

func TestASignedEventThatWasChangedIsThrownAway(t *testing.T) {
	change := map[string]func(*nostr.Event){
		"kind":       func(e *nostr.Event) { e.Kind = 5 },
		"created_at": func(e *nostr.Event) { e.CreatedAt++ },
		"content":    func(e *nostr.Event) { e.Content += " " },
		"tags":       func(e *nostr.Event) { e.Tags = append(e.Tags, nostr.Tag{"client", "x"}) },
	}
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		answer := func(change func(*nostr.Event), key *nostr.SecretKey, after func(*nostr.Event)) error {
			p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
				e := template().Event(p.bunker.User.PubKey())
				if change != nil {
					change(e)
				}
				if err := key.Sign(e); err != nil {
					t.Error(err)
				}
				if after != nil {
					after(e)
				}
				return []nip46.Reply{nip46.Success(r.ID, string(e.AppendJSON(nil)))}
			})
			e, err := p.client.SignEvent(soon(t), template())
			if err != nil && e != nil {
				t.Error("it was returned all the same")
			}
			return err
		}
		if err := answer(nil, p.bunker.User, nil); err != nil {
			t.Fatal(err)
		}
		var tampered *nip46.TamperedError
		for field, f := range change {
			if err := answer(f, p.bunker.User, nil); !errors.As(err, &tampered) || tampered.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if err := answer(nil, p.bunker.Signer, nil); !errors.As(err, &tampered) || tampered.Field != "pubkey" {
			t.Errorf("another key: %v", err)
		}
		var wrong *nip46.AnswerError
		if err := answer(nil, p.bunker.User, func(e *nostr.Event) { e.Sig[0] ^= 1 }); !errors.As(err, &wrong) {
			t.Errorf("a bad signature: %v", err)
		}
		if err := answer(nil, p.bunker.User, func(e *nostr.Event) { e.ID[0] ^= 1 }); !errors.As(err, &wrong) {
			t.Errorf("a bad id: %v", err)
		}
		p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
			return []nip46.Reply{nip46.Success(r.ID, "{}")}
		})
		if _, err := p.client.SignEvent(soon(t), template()); !errors.As(err, &wrong) {
			t.Errorf("no event: %v", err)
		}
		other := template()
		other.PubKey, other.HasPubKey = p.bunker.Signer.PubKey(), true
		n := len(p.bunker.Requests())
		if _, err := p.client.SignEvent(soon(t), other); err == nil || len(p.bunker.Requests()) != n {
			t.Errorf("an event of another author was sent: %v", err)
		}
	})
}

func TestAWrongSecretLeavesTheSessionAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, nil)
		u := p.bunker.URI()
		u.Secret = "wrong"
		var refused *nip46.RemoteError
		if _, err := p.client.Connect(soon(t), u, nil); !errors.As(err, &refused) || p.client.Session().Connected() {
			t.Errorf("%v, connected: %v", err, p.client.Session().Connected())
		}
		for result, ok := range map[string]bool{"ack": true, p.bunker.Secret: true, "yes": false, "": false} {
			p.bunker.SetHook(func(from nostr.PubKey, r nip46.Request) []nip46.Reply {
				reply := p.bunker.Honest(from, r)
				if r.Method == nip46.Connect {
					reply.Result = result
				}
				return []nip46.Reply{reply}
			})
			if _, err := p.client.Connect(soon(t), p.bunker.URI(), nil); (err == nil) != ok {
				t.Errorf("the answer %q: %v", result, err)
			}
		}
	})
}

func TestABunkerThatNamesAnotherUserIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		for _, result := range []string{p.bunker.Signer.PubKey().String(), "npub1x", "", strings.Repeat("f", 64)} {
			p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
				return []nip46.Reply{nip46.Success(r.ID, result)}
			})
			var wrong *nip46.AnswerError
			if _, err := p.client.GetPublicKey(soon(t)); !errors.As(err, &wrong) || p.client.Session().User != p.bunker.User.PubKey() {
				t.Errorf("%q: %v", result, err)
			}
		}
	})
}

func TestWithoutARelayTheErrorSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		p.hub.Down(true, relayA, relayB)
		ctx, cancel := context.WithTimeout(soon(t), 20*time.Second)
		defer cancel()
		var silent *nip46.NoAnswerError
		if err := p.client.Ping(ctx); !errors.As(err, &silent) || silent.Sent == nil || !strings.Contains(err.Error(), "no relay took the ping request") {
			t.Errorf("%v", err)
		}
		p.hub.Down(false, relayB)
		if err := p.client.Ping(soon(t)); err != nil {
			t.Errorf("one relay is back: %v", err)
		}
	})
}

func TestTheClientMovesWhereTheBunkerSays(t *testing.T) {
	const relayC = "wss://c.example"
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		me := p.client.Session().Client()
		say := func(result string) (bool, error) {
			p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
				if r.Method != nip46.SwitchRelays {
					return nil
				}
				return []nip46.Reply{nip46.Success(r.ID, result)}
			})
			ctx, cancel := context.WithTimeout(soon(t), time.Minute)
			defer cancel()
			return p.client.SwitchRelays(ctx)
		}
		for _, same := range []string{"null", ""} {
			if changed, err := say(same); changed || err != nil {
				t.Errorf("%q: %v, %v", same, changed, err)
			}
		}
		for _, bad := range []string{"{}", "[5]", "[]", `["https://a.example"]`, `["wss://a.example"] x`, "\xff", "[\"\\ud800\"]"} {
			if changed, err := say(bad); changed || err == nil {
				t.Errorf("%q: %v, %v", bad, changed, err)
			}
		}
		p.hub.Down(true, relayC)
		if changed, err := say(`["` + relayC + `"]`); changed || err == nil || !slices.Equal(p.client.Session().Relays, []string{relayA, relayB}) {
			t.Errorf("moved to a dead relay: %v, %v", changed, err)
		}
		p.hub.Down(false, relayC)
		if changed, err := say(`["WSS://C.example/","nonsense"]`); !changed || err != nil || !slices.Equal(p.client.Session().Relays, []string{relayC}) {
			t.Errorf("not moved: %v, %v, %v", changed, err, p.client.Session().Relays)
		}
		if p.hub.Listeners(relayA, me) != 0 || p.hub.Listeners(relayC, me) != 1 {
			t.Error("it does not listen where it is")
		}
		p.bunker.Listen(relayC)
		if err := p.client.Ping(soon(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestABunkerThatIsSilentToSwitchRelaysIsConnectedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, nil)
		p.bunker.SetHook(func(_ nostr.PubKey, r nip46.Request) []nip46.Reply {
			if r.Method == nip46.SwitchRelays {
				return []nip46.Reply{}
			}
			return nil
		})
		if _, err := p.client.Connect(soon(t), p.bunker.URI(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestAnInvitationIsAnsweredOnlyWithItsSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, func(c *nip46.Config) { c.Metadata = nip46.ClientMetadata{Name: "My App"} })
		if _, err := p.client.Await(soon(t)); err == nil {
			t.Error("it waits without an invitation")
		}
		if _, err := p.client.Invite(soon(t), []string{"https://x"}, nil); err == nil {
			t.Error("an invitation to no relay")
		}
		u, err := p.client.Invite(soon(t), []string{relayA}, []nip46.Permission{{Method: nip46.SignEvent}})
		if err != nil {
			t.Fatal(err)
		}
		read, err := nip46.ParseNostrConnectURI(u.String())
		if err != nil || !read.Equal(u) || read.Perms != "sign_event" || read.Metadata.Name != "My App" || len(read.Secret) < 22 {
			t.Fatalf("the link is read as %v (%v)", read, err)
		}
		stranger, err := nostr.GenerateKey(nip46test.NewArena(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []nip46.Reply{nip46.Success("1", "ack"), nip46.Success("2", ""), nip46.Success("3", u.Secret+"x"), {ID: "4", Result: u.Secret, Error: "no"}} {
			p.bunker.Send(stranger, u.Client, bad)
		}
		synctest.Wait()
		if p.client.Session().Connected() {
			t.Fatal("a stranger without the secret got in")
		}
		go func() {
			time.Sleep(time.Minute)
			p.bunker.Know(u.Client)
			p.bunker.Send(p.bunker.Signer, u.Client, nip46.Success("x", u.Secret))
			synctest.Wait() // the first with the secret is the bunker
			p.bunker.Send(stranger, u.Client, nip46.Success("x", u.Secret))
		}()
		user, err := p.client.Await(soon(t))
		if err != nil || user != p.bunker.User.PubKey() || p.client.Session().Remote != p.bunker.Signer.PubKey() {
			t.Fatalf("%v (%v)", user, err)
		}
		if got := p.client.Session().Relays; !slices.Equal(got, []string{relayA, relayB}) {
			t.Errorf("it stays on %v", got)
		}
		ctx, cancel := context.WithTimeout(soon(t), time.Second)
		defer cancel()
		if _, err := p.client.Invite(soon(t), []string{relayA}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := p.client.Await(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody answers: %v", err)
		}
	})
}

func TestManyCallsAtOnceGetTheirOwnAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		peer := p.bunker.Signer.PubKey()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				want := strings.Repeat("x", i+1)
				cipher, err := p.client.NIP44Encrypt(soon(t), peer, want)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := p.client.NIP44Decrypt(soon(t), peer, cipher); err != nil || got != want {
					t.Errorf("%q (%v)", got, err)
				}
			})
		}
		all.Wait()
	})
}

func TestALargeTextGoesThereAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		want := strings.Repeat("é", 100_000)
		cipher, err := p.client.NIP44Encrypt(soon(t), p.bunker.Signer.PubKey(), want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.client.NIP44Decrypt(soon(t), p.bunker.Signer.PubKey(), cipher); err != nil || got != want {
			t.Errorf("%d bytes (%v)", len(got), err)
		}
		if _, err := p.client.NIP44Encrypt(soon(t), p.bunker.Signer.PubKey(), strings.Repeat("x", nip46.MaxMessage)); err == nil || !strings.Contains(err.Error(), "longer than") {
			t.Errorf("a text over the bound: %v", err)
		}
	})
}
