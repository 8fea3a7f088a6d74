package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nsecbunker/conformance/bunker"
	"nsecbunker/conformance/wire"
)

// everybody is the bunker of all raw tests that do not restart, seal, stop or flood theirs.
var everybody bunker.Shared

// raw is a test's place at a bunker: a key, and clients that speak by hand.
type raw struct {
	*bunker.Bunker
	t   *testing.T
	key bunker.UserKey
}

// shared runs the test beside the others against the bunker of everybody, with a key of its own; flags are those of
// `key add`.
func shared(t *testing.T, flags ...string) *raw {
	t.Helper()
	everybody.Hold(t)
	t.Parallel()
	return at(t, everybody.For(t), flags...)
}

// alone runs the test against a bunker of its own; args are those of `start`.
func alone(t *testing.T, args ...string) *raw {
	t.Helper()
	t.Parallel()
	return at(t, bunker.Start(t, args...))
}

func at(t *testing.T, b *bunker.Bunker, flags ...string) *raw {
	t.Helper()
	name := strings.NewReplacer("/", "-", "_", "-").Replace(strings.TrimPrefix(t.Name(), "Test"))
	name = strings.ToLower(name[:min(len(name), 30)]) + "-" + wire.RandomHex(3)
	return &raw{Bunker: b, t: t, key: b.AddKey(name, flags...)}
}

// sub is the same place in the hands of a subtest.
func (r *raw) sub(t *testing.T) *raw { return &raw{Bunker: r.Bunker.For(t), t: t, key: r.key} }

// stranger subscribes a fresh key on the relays (the embedded one, when none is named), and connects nothing.
func (r *raw) stranger(signer string, scheme wire.Scheme, relays ...string) *wire.Client {
	r.t.Helper()
	if len(relays) == 0 {
		relays = []string{r.Relay()}
	}
	c, err := wire.NewClient(wire.NewKey(), signer, scheme, relays...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	return c
}

// client connects a fresh key with a link of its own that grants perms.
func (r *raw) client(perms string, scheme wire.Scheme, relays ...string) *wire.Client {
	r.t.Helper()
	c, _ := r.clientOf(perms, scheme, relays...)
	return c
}

func (r *raw) clientOf(perms string, scheme wire.Scheme, relays ...string) (*wire.Client, bunker.Token) {
	r.t.Helper()
	token := r.Token(r.key.Name, "raw", perms)
	c := r.stranger(token.Signer, scheme, relays...)
	r.succeed(c, "ack", "connect", token.Signer, token.Secret)
	return c, token
}

// do sends a request and returns its one reply, which has the shape and the envelope that it must have.
func (r *raw) do(c *wire.Client, method string, params ...string) wire.Reply {
	r.t.Helper()
	id := c.NextID()
	return r.send(c, id, wire.Message(id, method, params...))
}

// send is do for a plaintext as it is.
func (r *raw) send(c *wire.Client, id, text string) wire.Reply {
	r.t.Helper()
	c.Offer(c.Envelope(text))
	return r.await(c, id)
}

func (r *raw) await(c *wire.Client, id string) wire.Reply {
	r.t.Helper()
	got, err := c.Await(id, wire.Patience)
	if err != nil {
		r.Alive()
		r.t.Fatal(err)
	}
	r.proper(c, &got)
	return got
}

// proper holds a reply to interop.md 1, 5, 6 and 10.
func (r *raw) proper(c *wire.Client, got *wire.Reply) {
	r.t.Helper()
	if err := wire.Shape(got); err != nil {
		r.t.Error(err)
	}
	if got.Scheme != c.Scheme && !(c.Scheme == wire.NIP44 && got.Scheme == wire.Extended) {
		r.t.Errorf("the request came as %s, the reply as %s", c.Scheme, got.Scheme)
	}
	if n := len(c.Replies(got.ID)); n != 1 {
		r.t.Errorf("%d replies to %s", n, got.ID)
	}
	if at := got.Event.CreatedAt.Time(); at.After(got.Came) || at.Before(c.Made().Add(-time.Second)) { // dates are in whole seconds
		r.t.Errorf("the reply is dated %s; the client is of %s, and it came at %s", at, c.Made(), got.Came)
	}
	tags := got.Event.Tags
	if got.Event.Kind != wire.Kind || len(tags) != 1 || !slices.Equal(tags[0], []string{"p", c.Key.Pub}) {
		r.t.Errorf("the reply event is %s", got.Event)
	}
	if bad := c.Bad(); len(bad) > 0 {
		r.t.Errorf("replies that cannot be read: %q", bad)
	}
}

// succeed does a request that must yield result.
func (r *raw) succeed(c *wire.Client, result, method string, params ...string) {
	r.t.Helper()
	if got := r.do(c, method, params...); got.Failed() || got.Result != result {
		r.t.Fatalf("%s: got %.300s, want the result %q", method, got.Text, result)
	}
}

// The words that NIP-01 has for refusals.
var prefixes = []string{"restricted: ", "rate-limited: ", "invalid: ", "blocked: ", "error: "}

// refuse does a request that must be refused with the prefix and the words.
func (r *raw) refuse(c *wire.Client, words, method string, params ...string) {
	r.t.Helper()
	r.refused(r.do(c, method, params...), words)
}

// refused holds a reply to be a refusal: one prefix, then a sentence with the words.
func (r *raw) refused(got wire.Reply, words string) {
	r.t.Helper()
	if !got.Failed() || got.Result != "error" {
		r.t.Errorf("got %.300s, want a refusal (%s)", got.Text, words)
		return
	}
	prefix, want, _ := strings.Cut(words, ": ")
	rest, ok := strings.CutPrefix(got.Error, prefix+": ")
	if !ok || !strings.Contains(rest, want) {
		r.t.Errorf("got the error %q, want %q", got.Error, words)
	}
	for _, p := range prefixes {
		if ok && strings.HasPrefix(rest, p) {
			r.t.Errorf("two prefixes: %q", got.Error)
		}
	}
}

// quiet holds that a client hears nothing beyond n reply events. Everything that was sent before has its OK from the relay,
// and what the relay still had for the client has arrived: an EOSE comes after it.
func (r *raw) quiet(c *wire.Client, n int) {
	r.t.Helper()
	time.Sleep(settle)
	for _, l := range c.Links {
		r.barrier(c, l)
	}
	if got := c.Count(); got != n {
		r.t.Errorf("the client heard %d replies, wanted %d", got, n)
	}
}

// settle is for what leaves the bunker just after its OK, if anything wrongly does.
const settle = 300 * time.Millisecond

func (r *raw) barrier(c *wire.Client, l *wire.Link) {
	r.t.Helper()
	filter := map[string]any{"kinds": []int{wire.Kind}, "#p": []string{c.Key.Pub}, "limit": 0}
	if err := l.Subscribe("barrier"+wire.RandomHex(2), filter, func(wire.Event) {}); err != nil {
		r.t.Fatal(err)
	}
}

// publish sends an event on the client's first link and returns the relay's word.
func (r *raw) publish(c *wire.Client, ev wire.Event) wire.OK {
	r.t.Helper()
	ok, err := c.Links[0].Publish(ev)
	if err != nil {
		r.Alive()
		r.t.Fatal(err)
	}
	return ok
}

// sign has an event signed and holds the result to it.
func (r *raw) sign(c *wire.Client, tmpl template) wire.Event {
	r.t.Helper()
	got := r.do(c, "sign_event", tmpl.String())
	return r.signed(got, tmpl)
}

func (r *raw) signed(got wire.Reply, tmpl template) (ev wire.Event) {
	r.t.Helper()
	if got.Failed() {
		r.t.Fatalf("not signed: %s", got.Error)
	}
	if err := tmpl.signedBy(r.key.Pub, json.RawMessage(got.Result)); err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got.Result), &ev); err != nil {
		r.t.Fatal(err)
	}
	return ev
}

// question waits for the one open question of the key and returns its id.
func (r *raw) question() string {
	r.t.Helper()
	for deadline := time.Now().Add(wire.Patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var all []struct {
			ID      string
			KeyName string `json:"key_name"`
		}
		r.JSON(&all, "approvals")
		for _, q := range all {
			if q.KeyName == r.key.Name {
				return q.ID
			}
		}
	}
	r.t.Fatal("no question was asked")
	return ""
}

// audited counts the audit records of the last rows that have the action and the effect.
func (r *raw) audited(action, effect string) (n int) {
	r.t.Helper()
	var all []struct{ Action, Effect string }
	r.JSON(&all, "audit", "list", "--key", r.key.Name, "--action", action, "--effect", effect, "--limit", "5000")
	return len(all)
}

// envelopes runs a test once for each envelope.
func envelopes(t *testing.T, run func(t *testing.T, scheme wire.Scheme)) {
	for _, scheme := range []wire.Scheme{wire.NIP44, wire.NIP04} {
		t.Run(string(scheme), func(t *testing.T) { run(t, scheme) })
	}
}

// object writes a JSON object of a request with its members as they are.
func object(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("%q: %v", s, err)) // a text
	}
	return string(b)
}
