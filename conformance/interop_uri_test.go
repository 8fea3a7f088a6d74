package conformance

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nsecbunker/conformance/bunker"
	"nsecbunker/conformance/wire"
)

// Replies are dated by a right clock, and clocks that are some minutes off are forgiven. The client subscribes with
// `since: now` as libraries do.
func TestInterop10Freshness(t *testing.T) {
	r := shared(t)
	for _, skew := range []time.Duration{45 * time.Second, -45 * time.Second, 4 * time.Minute, -4 * time.Minute, -9 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			r := r.sub(t)
			k := r.Token(r.key.Name, "raw", "sign_event:1")
			c := r.stranger(k.Signer, wire.NIP44)
			c.Skew = skew
			l := r.since(c, time.Now().Add(skew))
			r.succeed(c, "ack", "connect", k.Signer, k.Secret) // proper looks at the reply's date
			r.sign(c, note("from a clock that is off"))
			r.refuse(c, "invalid: ", "nonsense")
			if skew <= 0 { // its own `since` is not in the future of the reply
				l(3)
			}
		})
	}
}

// since subscribes the client's key a second time with since; the function waits until n events came there.
func (r *raw) since(c *wire.Client, from time.Time) func(n int) {
	r.t.Helper()
	l, err := wire.Dial(c.Links[0].URL)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(l.Close)
	heard := make(chan wire.Event, 100)
	filter := map[string]any{"kinds": []int{wire.Kind}, "#p": []string{c.Key.Pub}, "since": from.Unix()}
	if err := l.Subscribe("since", filter, func(ev wire.Event) { heard <- ev }); err != nil {
		r.t.Fatal(err)
	}
	return func(n int) {
		r.t.Helper()
		for i := range n {
			select {
			case <-heard:
			case <-time.After(wire.Patience):
				r.t.Fatalf("a subscription with since heard %d replies of %d", i, n)
			}
		}
	}
}

var goodURI = regexp.MustCompile(`^bunker://[0-9a-f]{64}\?relay=ws%3A%2F%2F[A-Za-z0-9._%-]+(&relay=[A-Za-z0-9._%-]+)*&secret=[A-Za-z0-9_-]{16,}$`)

func TestInterop11URIs(t *testing.T) {
	r := shared(t)
	secrets, signers := map[string]bool{}, map[string]bool{}
	for range 10 {
		k := r.Token(r.key.Name, "raw", "none")
		checkURI(t, k)
		secrets[k.Secret], signers[k.Signer] = true, true
	}
	if len(secrets) != 10 || len(signers) != 10 {
		t.Errorf("ten links have %d secrets and %d signer keys", len(secrets), len(signers))
	}
}

func checkURI(t *testing.T, k bunker.Token) {
	t.Helper()
	if !goodURI.MatchString(k.URI) || strings.ContainsAny(k.URI, "+~,@# ") {
		t.Errorf("the link is %s", k.URI)
	}
	for _, relay := range k.Relays {
		if u, err := url.Parse(relay); err != nil || u.Host == "" {
			t.Errorf("the relay is %s", relay)
		}
	}
}

// A message without a method is ignored; a method that the spec does not have is answered with an error.
func TestInterop12NoMethod(t *testing.T) {
	r := shared(t)
	envelopes(t, func(t *testing.T, scheme wire.Scheme) {
		r := r.sub(t)
		c := r.client("sign_event:1", scheme)
		for _, text := range []string{
			`{"id":"a","result":"ack"}`, `{"id":"b","result":"","error":""}`, `{"id":"c"}`, `{}`, `{"id":"d","method":"","params":[]}`,
			`{"id":"e","method":null,"params":[]}`,
		} {
			if ok := r.publish(c, c.Envelope(text)); !ok.OK {
				t.Errorf("%s: the relay says %q", text, ok.Reason)
			}
		}
		r.quiet(c, 1)
		unknown := []string{"disconnect", "get_relays", "nip44_get_key", "describe", "create_account", "Ping", "ping ", "all", "sign_event:1", "__proto__", strings.Repeat("m", 64)}
		for _, method := range unknown {
			r.refuse(c, "invalid: ", method, "x", "y")
		}
		r.refuse(c, "invalid: ", strings.Repeat("m", 65))
		r.sign(c, note("disconnect was no logout"))
	})
}
