package nip98

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

const address = "https://bunker.example/api/v1/key.list"

var at = time.Unix(1_800_000_000, 0)

func newKey(t testing.TB) *nostr.SecretKey {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	k, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(t testing.TB, k *nostr.SecretKey, tmpl *nostr.Template) *nostr.Event {
	t.Helper()
	ev := tmpl.Event(k.PubKey())
	if err := k.Sign(ev); err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestARequestIsAuthorizedAsItIs(t *testing.T) {
	k := newKey(t)
	body := []byte(`{"key":"herald"}`)
	ev, err := Parse(Header(signed(t, k, Template("POST", address, body, at))))
	if err != nil || ev.PubKey != k.PubKey() {
		t.Fatal(err)
	}
	for _, off := range []time.Duration{0, MaxAge, -MaxAge} {
		if err := Check(ev, "POST", []string{"https://other.example", address}, body, at.Add(off)); err != nil {
			t.Errorf("%s off: %v", off, err)
		}
	}
	empty := signed(t, k, Template("POST", address, nil, at))
	if err := Check(empty, "POST", []string{address}, nil, at); err != nil {
		t.Errorf("without a body: %v", err)
	}
	for why, c := range map[string]struct {
		method, url, body string
		off               time.Duration
		edit              func(t *nostr.Template)
	}{
		"another method":     {method: "GET"},
		"another address":    {url: address + "?x=1"},
		"another body":       {body: `{"key":"other"}`},
		"too old":            {off: MaxAge + time.Second},
		"of the future":      {off: -MaxAge - time.Second},
		"no u":               {edit: func(t *nostr.Template) { t.Tags = t.Tags[1:] }},
		"two u":              {edit: func(t *nostr.Template) { t.Tags = append(t.Tags, nostr.Tag{"u", address}) }},
		"no method":          {edit: func(t *nostr.Template) { t.Tags = nostr.Tags{t.Tags[0], t.Tags[2]} }},
		"no payload":         {edit: func(t *nostr.Template) { t.Tags = t.Tags[:2] }},
		"two payloads":       {edit: func(t *nostr.Template) { t.Tags = append(t.Tags, t.Tags[2]) }},
		"a payload in upper": {edit: func(t *nostr.Template) { t.Tags[2][1] = strings.ToUpper(t.Tags[2][1]) }},
		"another kind":       {edit: func(t *nostr.Template) { t.Kind = 22242 }},
	} {
		tmpl := Template("POST", address, body, at)
		if c.edit != nil {
			c.edit(tmpl)
		}
		method, url, text := "POST", address, string(body)
		if c.method != "" {
			method = c.method
		}
		if c.url != "" {
			url = c.url
		}
		if c.body != "" {
			text = c.body
		}
		if err := Check(signed(t, k, tmpl), method, []string{url}, []byte(text), at.Add(c.off)); err == nil {
			t.Errorf("%s: taken", why)
		}
	}
	forged := signed(t, k, Template("POST", address, body, at))
	forged.PubKey = newKey(t).PubKey()
	if err := Check(forged, "POST", []string{address}, body, at); err == nil {
		t.Error("in another's name: taken")
	}
}

func TestHeadersThatHoldNoEventAreRefused(t *testing.T) {
	good := Header(signed(t, newKey(t), Template("POST", address, nil, at)))
	other := signed(t, newKey(t), &nostr.Template{Kind: 1, CreatedAt: at.Unix()})
	for _, h := range []string{
		"", "Nostr", "Nostr ", "Bearer x", strings.Replace(good, "Nostr ", "Basic ", 1), "Nostr !!!", good + "x", Header(other),
		"Nostr " + base64.StdEncoding.EncodeToString([]byte("{}")), "Nostr " + strings.Repeat("A", MaxHeader),
	} {
		if _, err := Parse(h); err == nil {
			t.Errorf("taken: %.40q", h)
		}
	}
	if _, err := Parse(strings.Replace(good, "Nostr", "nostr", 1)); err != nil { // a scheme has no case (RFC 9110)
		t.Error(err)
	}
}

// FuzzNIP98: what is read is written as it was read.
func FuzzNIP98(f *testing.F) {
	f.Add(Header(signed(f, newKey(f), Template("POST", address, []byte("{}"), at))))
	f.Add("Nostr e30=")
	f.Fuzz(func(t *testing.T, header string) {
		ev, err := Parse(header)
		if err != nil {
			return
		}
		again, err := Parse(Header(ev))
		if err == nil && again.ID != ev.ID {
			t.Error("another event")
		}
		_ = Check(ev, "POST", []string{address}, nil, at)
	})
}
