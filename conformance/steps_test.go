package conformance

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/conformance/bunker"
	"nsecbunker/conformance/driver"
	"nsecbunker/conformance/wire"
)

var full = flag.Bool("full", false, "the whole counts: 1,000 random events for each library")

const (
	// patience is how long a library may take to do what it can, on a very busy machine.
	patience = time.Minute
	// briefly is how long it is waited for what it is said never to answer.
	briefly = 8 * time.Second
)

// A library's row: every step in order, and what it is called in docs/compatibility.md.
var steps = []struct {
	name, title string
	run         func(*row, *testing.T) error
}{
	{"connect", "connect with a secret", (*row).connect},
	{"get_public_key", "get_public_key", (*row).getPublicKey},
	{"ping", "ping", (*row).ping},
	{"sign_event", "sign_event", (*row).signEvent},
	{"parallel", "20 sign_event at once", (*row).parallel},
	{"random", "100 random events in sequence come back as they went", (*row).random},
	{"controls", "events with control characters do, too", (*row).controls},
	{"nip04_encrypt", "nip04_encrypt", crypt("nip04", "encrypt")},
	{"nip04_decrypt", "nip04_decrypt", crypt("nip04", "decrypt")},
	{"nip44_encrypt", "nip44_encrypt", crypt("nip44", "encrypt")},
	{"nip44_decrypt", "nip44_decrypt", crypt("nip44", "decrypt")},
	{"switch_relays", "switch_relays", (*row).switchRelays},
	{"unknown_method", "an unknown method is refused in words", (*row).unknownMethod},
	{"one_reply", "one reply each, in the request's envelope", (*row).oneReply},
	{"perms", "connect with permissions", (*row).perms},
	{"metadata", "connect with metadata", (*row).metadata},
	{"nip44_envelope", "NIP-44 envelope", envelope("nip44")},
	{"nip04_envelope", "NIP-04 envelope", envelope("nip04")},
	{"denied", "a denial in words", (*row).denied},
	{"asked", "a person's yes, while the app waits", (*row).asked},
	{"locked", "“the key is locked” in words", (*row).locked},
	{"suspended", "“suspended” in words", (*row).suspended},
	{"revoked", "“revoked” in words", (*row).revoked},
	{"expired", "“expired” in words", (*row).expired},
	{"never", "what no policy allows is blocked in words", (*row).never},
	{"deleted", "“the key was deleted” in words", (*row).deleted},
	{"wrong_secret", "a wrong secret is refused in words", (*row).wrongSecret},
	{"used_secret", "a used secret lets no other key in", (*row).usedSecret},
	{"reconnect_spent", "the same key again, with the used secret", (*row).reconnectSpent},
	{"reconnect_bare", "the same key again, without a secret", (*row).reconnectBare},
	{"nostrconnect", "nostrconnect://", (*row).nostrconnect},
	{"logout", "logout", (*row).logout},
	{"sealed", "“sealed” in words, and on after the unseal", (*row).sealed},
	{"restart", "the stored key after a restart of the bunker", (*row).restart},
	{"dead_relay", "the first relay of the URI is dead", (*row).deadRelay},
	{"relay_back", "on by itself when its relay was gone and is back", (*row).relayBack}, // last: it leaves some libraries busy
}

func titleOf(step string) string {
	for _, s := range steps {
		if s.name == step {
			return s.title
		}
	}
	return ""
}

// row is one library on its way through the steps.
type row struct {
	t      *testing.T // of the whole row
	lib    library
	b      *bunker.Bunker
	key    bunker.UserKey
	d      *driver.Driver
	client wire.Key
	token  bunker.Token
	tap    *wire.Tap
	proxy  *wire.Proxy   // in front of the embedded relay; all clients use it
	wait   time.Duration // of the step
	peer   wire.Key
}

// every permission that the steps need, by name.
const working = "sign_event,nip04_encrypt,nip04_decrypt,nip44_encrypt,nip44_decrypt"

// call has a session of the library do something.
func (r *row) call(session, op string, a driver.Args, v any) error {
	return r.d.Call(session, op, a, r.wait, v)
}

// tokenFor makes a link that grants perms, in the form that the library can use.
func (r *row) tokenFor(perms string, more ...string) bunker.Token {
	k := r.b.Token(r.key.Name, r.lib.pkg, perms, more...)
	if r.lib.legacy { // npub#token: the user key is the signer key
		_, secret, _ := strings.Cut(k.Npub, "#")
		k.Signer, k.Secret = r.key.Pub, secret
		k.URI = bunker.URI(k.Signer, k.Secret, k.Relays...)
	}
	return k
}

// login connects a session with a fresh key to a fresh link that grants perms.
func (r *row) login(session, perms string, more driver.Args) (wire.Key, bunker.Token, error) {
	client, token := wire.NewKey(), r.tokenFor(perms)
	return client, token, r.connectAs(session, client, token.URI, more)
}

func (r *row) connectAs(session string, client wire.Key, uri string, more driver.Args) error {
	a := driver.Args{"uri": uri, "key": client.Secret}
	if r.lib.choose {
		a["envelope"] = r.lib.envelope
	}
	for k, v := range more {
		a[k] = v
	}
	return r.call(session, "connect", a, nil)
}

func (r *row) connect(t *testing.T) error {
	r.client, r.token = wire.NewKey(), r.tokenFor(working)
	r.tap = r.proxy.Tap(r.client, r.token.Signer)
	if err := r.connectAs("main", r.client, r.token.URI, nil); err != nil {
		return err
	}
	if c := r.b.Of(r.key.Name, r.client.Pub); c.State != "active" {
		return fmt.Errorf("the connection is %s", c.State)
	}
	return nil
}

func (r *row) getPublicKey(*testing.T) error { return r.isUser("main") }

// isUser asks a session for the user's pubkey.
func (r *row) isUser(session string) error {
	var got string
	if err := r.call(session, "get_public_key", nil, &got); err != nil {
		return err
	}
	if got != r.key.Pub {
		return fmt.Errorf("the public key is %q, wanted %s", got, r.key.Pub)
	}
	return nil
}

func (r *row) ping(*testing.T) error {
	var got string
	err := r.call("main", "ping", nil, &got)
	if err == nil && got != "pong" {
		return fmt.Errorf("the answer to ping is %q", got)
	}
	return err
}

func (r *row) signEvent(*testing.T) error { return r.sign("main", note("hello from "+r.lib.id())) }

// sign has a session sign an event, and holds the result to it.
func (r *row) sign(session string, tmpl template) error {
	var got json.RawMessage
	if err := r.call(session, "sign_event", driver.Args{"event": tmpl}, &got); err != nil {
		return err
	}
	return tmpl.signedBy(r.key.Pub, got)
}

func (r *row) parallel(*testing.T) error {
	errs := make([]error, 20)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = r.sign("main", note(fmt.Sprintf("one of twenty at once: %d", i))) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// random is promise 9: an event is signed exactly as the client sent it.
func (r *row) random(t *testing.T) error {
	n := 100
	if *full {
		n = 1000
	} else if testing.Short() {
		n = 30
	}
	return r.signAll(t, randomEvents(seed, n, plainText))
}

// controls is promise 9 for the characters below U+0020, which some write as they are and some escape.
func (r *row) controls(t *testing.T) error {
	return r.signAll(t, randomEvents(seed, 20, controls))
}

// seed is that of the random events; a failing one becomes a test of its own.
const seed = 46

func (r *row) signAll(t *testing.T, events []template) error {
	n, made := len(events), now()
	for i, ev := range events {
		ev.CreatedAt += now() - made // on a busy machine a thousand take more than the 15 minutes that need no question
		if err := r.sign("main", ev); err != nil {
			return fmt.Errorf("event %d of %d (seed %d): %w\n%.300s", i+1, n, seed, err, ev)
		}
	}
	t.Logf("%s: %d random events (seed %d; the full count is 1,000)", r.lib.id(), n, seed)
	return nil
}

// crypt makes a step of one of the four methods, against our own cryptography at the other end.
func crypt(scheme, act string) func(*row, *testing.T) error {
	return func(r *row, t *testing.T) error {
		for _, text := range []string{"a", "hello", "grüße, 世界 \u2028 🫂", `["looks like JSON"`, strings.Repeat("long ", 6000)} {
			if err := r.cryptOne(scheme, act, text); err != nil {
				return fmt.Errorf("%.40q: %w", text, err)
			}
		}
		return nil
	}
}

func (r *row) cryptOne(scheme, act, text string) error {
	if act == "encrypt" {
		var got string
		if err := r.call("main", scheme+"_encrypt", driver.Args{"peer": r.peer.Pub, "text": text}, &got); err != nil {
			return err
		}
		plain, by, err := r.peer.Decrypt(r.key.Pub, got)
		if err != nil || plain != text || string(by) != scheme {
			return fmt.Errorf("the peer reads %.40q by %s: %v", plain, by, err)
		}
		return nil
	}
	sealed, err := r.peer.Encrypt(wire.Scheme(scheme), r.key.Pub, text)
	if err != nil {
		return err
	}
	var got string
	if err := r.call("main", scheme+"_decrypt", driver.Args{"peer": r.peer.Pub, "text": sealed}, &got); err != nil {
		return err
	}
	if got != text {
		return fmt.Errorf("it decrypts to %.60q", got)
	}
	return nil
}

func (r *row) switchRelays(*testing.T) error {
	if err := r.call("main", "switch_relays", nil, nil); err != nil {
		return err
	}
	asked, ok := r.tap.Last("switch_relays")
	if !ok {
		return errors.New("no switch_relays came")
	}
	if len(asked.Params) != 0 {
		return fmt.Errorf("switch_relays with parameters %q", asked.Params)
	}
	return r.sign("main", note("after switch_relays"))
}

func (r *row) unknownMethod(*testing.T) error {
	err := r.call("main", "rpc", driver.Args{"method": "make_coffee", "params": []string{"black"}}, nil)
	return refusal(err, "method")
}

// refusal holds an error to be the bunker's own words.
func refusal(err error, words string) error {
	switch {
	case err == nil:
		return errors.New("it was not refused")
	case errors.Is(err, driver.ErrLacks), errors.Is(err, driver.ErrSilent), !strings.Contains(err.Error(), words):
		return fmt.Errorf("not refused in words (%q): %w", words, err)
	}
	return nil
}

func (r *row) oneReply(t *testing.T) error {
	if bad := r.tap.Problems(); len(bad) > 0 {
		return errors.New(strings.Join(bad, "\n"))
	}
	asked := r.tap.Asked()
	if len(asked) < 100 && !testing.Short() {
		return fmt.Errorf("only %d requests were heard", len(asked))
	}
	for _, a := range asked {
		if string(a.Scheme) != r.lib.envelope {
			return fmt.Errorf("%s came in the %s envelope; libraries_test.go says %s", a.Method, a.Scheme, r.lib.envelope)
		}
	}
	return nil
}

func (r *row) perms(t *testing.T) error {
	client, token := wire.NewKey(), r.tokenFor(working)
	tap := r.proxy.Tap(client, token.Signer)
	want := []string{"sign_event:1", "nip44_encrypt"}
	if err := r.connectAs("perms", client, token.URI, driver.Args{"perms": want}); err != nil {
		return err
	}
	defer r.close("perms")
	asked, _ := tap.Last("connect")
	if len(asked.Params) < 3 || asked.Params[2] != strings.Join(want, ",") {
		return fmt.Errorf("connect came with %q", asked.Params)
	}
	return r.sign("perms", note("after connect with permissions"))
}

func (r *row) metadata(*testing.T) error {
	client, _, err := r.login("meta", working, driver.Args{"metadata": map[string]string{"name": "Conformance Ltd", "url": "https://app.example.com"}})
	if err != nil {
		return err
	}
	defer r.close("meta")
	if app := r.b.Of(r.key.Name, client.Pub).App; app.Name != "Conformance Ltd" || app.URL != "https://app.example.com" {
		return fmt.Errorf("the bunker knows the app as %+v", app)
	}
	return nil
}

// close ends a session; what a library does with it is its own affair.
func (r *row) close(session string) { _ = r.d.Call(session, "close", nil, briefly, nil) }

func envelope(scheme string) func(*row, *testing.T) error {
	return func(r *row, t *testing.T) error {
		client, token := wire.NewKey(), r.tokenFor(working)
		tap := r.proxy.Tap(client, token.Signer)
		var how driver.Args
		if scheme != r.lib.envelope || r.lib.choose {
			how = driver.Args{"envelope": scheme}
		}
		session := "in " + scheme
		if err := r.connectAs(session, client, token.URI, how); err != nil {
			return err
		}
		defer r.close(session)
		if err := r.sign(session, note("in the "+scheme+" envelope")); err != nil {
			return err
		}
		if bad := tap.Problems(); len(bad) > 0 {
			return errors.New(strings.Join(bad, "\n"))
		}
		for _, a := range tap.Asked() {
			if string(a.Scheme) != scheme {
				return fmt.Errorf("%s came in the %s envelope", a.Method, a.Scheme)
			}
		}
		return nil
	}
}

func (r *row) denied(*testing.T) error {
	_, _, err := r.login("denied", "sign_event:1", nil)
	if err != nil {
		return err
	}
	defer r.close("denied")
	if err := r.sign("denied", note("this kind is allowed")); err != nil {
		return err
	}
	if err := refusal(r.sign("denied", template{Kind: 7, CreatedAt: now(), Content: "+", Tags: [][]string{}}), "restricted:"); err != nil {
		return err
	}
	return r.sign("denied", note("and the session goes on"))
}

// asked is a question that a person answers while the app waits.
func (r *row) asked(t *testing.T) error {
	client := wire.NewKey()
	ask := *r
	ask.key = r.askKey(t)
	token := ask.tokenFor("sign_event:1")
	if err := r.connectAs("asked", client, token.URI, nil); err != nil {
		return err
	}
	defer r.close("asked")
	for _, yes := range []bool{true, false} {
		tmpl := template{Kind: 7, CreatedAt: now(), Content: fmt.Sprint(yes), Tags: [][]string{}}
		done := make(chan error, 1)
		go func() { done <- ask.sign("asked", tmpl) }()
		id := r.question(t)
		if yes {
			r.b.CLI("approve", id, "--once")
			if err := <-done; err != nil {
				return fmt.Errorf("after the yes: %w", err)
			}
			continue
		}
		r.b.CLI("deny", id)
		if err := refusal(<-done, "restricted:"); err != nil {
			return fmt.Errorf("after the no: %w", err)
		}
	}
	return nil
}

func (r *row) askKey(t *testing.T) bunker.UserKey {
	t.Helper()
	k := r.b.AddKey("ask")
	if r.lib.legacy {
		r.b.CLI("key", "set", "ask", "--npub-login", "on")
	}
	return k
}

// question waits for the one open question.
func (r *row) question(t *testing.T) string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		var open []struct{ ID string }
		r.b.JSON(&open, "approvals")
		if len(open) == 1 {
			return open[0].ID
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d questions are open, wanted one", len(open))
		}
	}
}

// deafOr holds an error to be a refusal, or, of a user key that is its own signer key, what comes of a key that cannot be
// heard (security.md, 1): the embedded relay takes nothing to it.
func (r *row) deafOr(err error, words string) error {
	if r.lib.legacy {
		words = "restricted: this relay takes events to this bunker's own keys only"
	}
	return refusal(err, words)
}

func (r *row) locked(*testing.T) error {
	r.b.CLI("key", "lock", r.key.Name)
	err := r.deafOr(r.sign("main", note("while the key is locked")), "locked")
	r.b.CLI("key", "unlock", r.key.Name)
	if err != nil {
		return err
	}
	return r.sign("main", note("after the unlock"))
}

func (r *row) suspended(*testing.T) error {
	id := r.b.Of(r.key.Name, r.client.Pub).ID
	r.b.CLI("connection", "suspend", id)
	err := refusal(r.sign("main", note("while suspended")), "suspended")
	r.b.CLI("connection", "resume", id)
	if err != nil {
		return err
	}
	return r.sign("main", note("after the suspension"))
}

func (r *row) revoked(*testing.T) error {
	client, token, err := r.login("revoked", working, nil)
	if err != nil {
		return err
	}
	r.b.CLI("connection", "revoke", r.b.Of(r.key.Name, client.Pub).ID, "--yes")
	if err := refusal(r.sign("revoked", note("after the revocation")), "revoked"); err != nil {
		return err
	}
	r.close("revoked")
	if err := r.connectAs("revoked again", client, token.URI, nil); err == nil {
		return errors.New("a revoked client connects again")
	}
	return nil
}

// expired is what a link gives for a second.
func (r *row) expired(*testing.T) error {
	client := wire.NewKey()
	token := r.tokenFor(working, "--grant-for", "1s")
	if err := r.connectAs("expired", client, token.URI, nil); err != nil {
		return err
	}
	defer r.close("expired")
	time.Sleep(time.Second + settle)
	return refusal(r.sign("expired", note("a second too late")), "restricted:")
}

// never is a kind that the vault signs for nobody.
func (r *row) never(*testing.T) error {
	_, _, err := r.login("never", "sign_event:24133,sign_event:1", nil)
	if err != nil {
		return err
	}
	defer r.close("never")
	envelope := template{Kind: 24133, CreatedAt: now(), Content: "x", Tags: [][]string{{"p", r.peer.Pub}}}
	if err := refusal(r.sign("never", envelope), "blocked:"); err != nil {
		return err
	}
	return r.sign("never", note("and the session goes on"))
}

// deleted is a key that waits to be gone.
func (r *row) deleted(*testing.T) error {
	gone := *r
	gone.key = r.b.AddKey("gone", "--deny")
	if r.lib.legacy {
		r.b.CLI("key", "set", "gone", "--npub-login", "on")
	}
	token := gone.tokenFor(working)
	if err := r.connectAs("gone", wire.NewKey(), token.URI, nil); err != nil {
		return err
	}
	defer r.close("gone")
	if err := gone.sign("gone", note("while it is there")); err != nil {
		return err
	}
	r.b.DeleteKey("gone")
	return r.deafOr(gone.sign("gone", note("while it waits to be gone")), "deleted")
}

func (r *row) wrongSecret(*testing.T) error {
	token := r.tokenFor(working)
	err := r.connectAs("wrong", wire.NewKey(), bunker.URI(token.Signer, "wrong"+token.Secret[5:], token.Relays...), nil)
	if err := refusal(err, "restricted:"); err != nil {
		return err
	}
	// A failed attempt does not burn the secret (interop.md, 3).
	if err := r.connectAs("right", wire.NewKey(), token.URI, nil); err != nil {
		return fmt.Errorf("the right secret after a wrong one: %w", err)
	}
	r.close("right")
	return nil
}

func (r *row) usedSecret(*testing.T) error {
	thief := wire.NewKey()
	if err := refusal(r.connectAs("thief", thief, r.token.URI, nil), "restricted:"); err != nil {
		return err
	}
	for _, c := range r.b.Connections(r.key.Name, "") {
		if bunker.PubOf(c.ClientNpub) == thief.Pub {
			return errors.New("the thief has a connection")
		}
	}
	return nil
}

func (r *row) reconnectSpent(*testing.T) error { return r.again("spent", r.token.URI) }
func (r *row) reconnectBare(*testing.T) error {
	return r.again("bare", bunker.URI(r.token.Signer, "", r.token.Relays...))
}

// again is a new session of the client that has the connection.
func (r *row) again(session, uri string) error {
	if err := r.connectAs(session, r.client, uri, nil); err != nil {
		return err
	}
	defer r.close(session)
	if err := r.isUser(session); err != nil {
		return err
	}
	return r.sign(session, note("the same client again: "+session))
}

func (r *row) deadRelay(t *testing.T) error {
	client, token := wire.NewKey(), r.tokenFor(working)
	dead := "ws://" + bunker.FreeAddr(t)
	if err := r.connectAs("dead", client, bunker.URI(token.Signer, token.Secret, dead, r.proxy.URL), nil); err != nil {
		return err
	}
	defer r.close("dead")
	return r.sign("dead", note("past a dead relay"))
}

func (r *row) nostrconnect(*testing.T) error {
	client := wire.NewKey()
	secret := wire.RandomHex(8)
	own := fmt.Sprintf("nostrconnect://%s?relay=%s&secret=%s&perms=sign_event%%3A1&name=Conformance+app", client.Pub, r.proxy.URL, secret)
	var made *string
	err := r.call("nc", "nostrconnect", driver.Args{"uri": own, "key": client.Secret, "client": client.Pub, "secret": secret,
		"relay": r.proxy.URL, "name": "Conformance app", "perms": []string{"sign_event:1"}}, &made)
	if err != nil {
		return err
	}
	defer r.close("nc")
	if made != nil && *made != "" {
		own = *made
	}
	r.b.CLI("connect", own, "--key", r.key.Name, "--perms", working)
	if err := r.call("nc", "connected", nil, nil); err != nil {
		return err
	}
	if err := r.isUser("nc"); err != nil {
		return err
	}
	return r.sign("nc", note("by nostrconnect"))
}

func (r *row) logout(*testing.T) error {
	client, _, err := r.login("logout", working, nil)
	if err != nil {
		return err
	}
	if err := r.sign("logout", note("before the logout")); err != nil {
		return err
	}
	if err := r.call("logout", "logout", nil, nil); err != nil {
		return err
	}
	if c := r.b.Of(r.key.Name, client.Pub); c.State != "ended" {
		return fmt.Errorf("after the logout the connection is %s", c.State)
	}
	return nil
}

func (r *row) sealed(*testing.T) error {
	r.b.Seal()
	err := r.sign("main", note("while sealed"))
	r.b.Unseal()
	if err := r.deafOr(err, "sealed"); err != nil {
		return err
	}
	return r.sign("main", note("after the unseal"))
}

// restart is an app that is started anew after the bunker was.
func (r *row) restart(*testing.T) error {
	r.d.End()
	r.b.Restart()
	r.d = r.lib.start(r.t)
	return r.again("restarted", r.token.URI)
}

// relayBack takes the session up again whose relay is gone and comes back.
func (r *row) relayBack(t *testing.T) error {
	if err := r.connectAs("relay", r.client, r.token.URI, nil); err != nil {
		return err
	}
	if err := r.sign("relay", note("before the relay goes")); err != nil {
		return err
	}
	r.proxy.Unplug()
	time.Sleep(time.Second)
	if err := r.proxy.Plug(); err != nil {
		t.Fatal(err)
	}
	var err error
	for deadline := time.Now().Add(r.wait); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		if err = r.d.Call("relay", "sign_event", driver.Args{"event": note("the relay is back")}, 3*time.Second, nil); err == nil {
			return nil
		}
	}
	return fmt.Errorf("after %s: %w", r.wait, err)
}

// TestLibraries takes each client library through every step against a bunker of its own.
func TestLibraries(t *testing.T) {
	table := newTable()
	known := lacks(t)
	t.Run("each", func(t *testing.T) {
		for _, lib := range libraries() {
			t.Run(lib.title(), func(t *testing.T) {
				t.Parallel()
				runRow(t, lib, known, table)
			})
		}
	})
	table.check(t)
}

func runRow(t *testing.T, lib library, known []lack, table *table) {
	r := &row{t: t, lib: lib, b: bunker.New(t), d: lib.start(t), peer: wire.NewKey()}
	proxy, err := wire.NewProxy(bunker.FreeAddr(t), r.b.Relay())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Unplug)
	r.proxy = proxy
	r.b.Config(fmt.Sprintf("public_url = [%q]\n", proxy.URL))
	r.b.Run()
	r.key = r.b.AddKey("work", "--deny")
	if lib.legacy {
		r.b.CLI("key", "set", "work", "--npub-login", "on")
	}
	for _, s := range steps {
		ok := t.Run(s.name, func(t *testing.T) {
			lack := lackOf(known, lib, s.name)
			r.wait = patience
			if lack != nil && lack.Shows == driver.ErrSilent.Error() {
				r.wait = briefly
			}
			err := s.run(r, t)
			r.b.Alive()
			switch {
			case err == nil && lack != nil:
				t.Errorf("capabilities.json says that %s lacks this (%s), but it works: take it out", lib.id(), lack.Reason)
			case err == nil:
				table.works(lib, s.name)
			case lack == nil:
				t.Errorf("%v\nthe main session said last:\n%s\nlast frames:\n%s", err, r.tap.Story(3), r.proxy.Tail())
			case !strings.Contains(err.Error(), lack.Shows):
				t.Errorf("%s lacks this, but it fails otherwise than by %q: %v", lib.id(), lack.Shows, err)
			default:
				table.lacks(lib, s.name, lack)
			}
		})
		if !ok && s.name == "connect" {
			return // nothing else can work
		}
	}
}
