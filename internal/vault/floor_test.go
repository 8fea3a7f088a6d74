package vault

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// grounds is a vault with a key of every role.
type grounds struct {
	*Vault
	user, login, admin bunker.UserKey // plain; with npub login; an admin here
	signer, adminKey   bunker.ServiceKey
	audit              bunker.ServiceKey
	friend, client     nostr.PubKey
	stored             nostr.PubKey // ours by the store only: a locked key with npub login
	floor              Floor
}

func newGrounds(t testing.TB) *grounds {
	t.Helper()
	v := newVault(t)
	g := &grounds{
		Vault: v, user: unlockedKey(t, v), login: unlockedKey(t, v, npubLogin), admin: unlockedKey(t, v, adminHere),
		signer: service(t, v, bunker.RoleSigner), adminKey: service(t, v, bunker.RoleAdmin), audit: service(t, v, bunker.RoleAudit),
		friend: stranger(t, v).PubKey(), client: stranger(t, v).PubKey(), stored: stranger(t, v).PubKey(), floor: floorOf(),
	}
	g.floor.Client = g.client
	g.floor.Ours = func(p nostr.PubKey) bool { return p == g.stored }
	other := stranger(t, v).PubKey()
	g.floor.Clients = func(p nostr.PubKey) bool { return p == other || p == g.client }
	return g
}

// try is one attempt to sign with a key.
type try struct {
	name string
	key  bunker.KeyID
	kind nostr.Kind
	tags nostr.Tags
	text string
	at   time.Duration // created_at from now
	want bunker.Code   // "": signed
}

func (g *grounds) run(t *testing.T, tries []try) {
	t.Helper()
	for _, c := range tries {
		if c.key == "" {
			c.key = g.user.ID
		}
		tmpl := &nostr.Template{Kind: c.kind, Tags: c.tags, Content: c.text, CreatedAt: testNow.Add(c.at).Unix()}
		ev, err := g.SignEvent(g.floor, c.key, tmpl)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		e := bunker.AsError(err)
		if ev != nil || !errors.Is(err, ErrNever) || e.Code != c.want || len(e.Words) < 20 {
			t.Errorf("%s: signed %v, error %v", c.name, ev != nil, err)
		}
		// What is never allowed is not asked either.
		for _, k := range []bunker.UserKey{g.user, g.login, g.admin} {
			if k.ID == c.key && !errors.Is(g.Check(g.floor, &k, tmpl, nostr.PubKey{}), ErrNever) {
				t.Errorf("%s: Check lets it pass", c.name)
			}
		}
	}
}

func p(k nostr.PubKey) nostr.Tag { return nostr.Tag{"p", k.String()} }

func TestFloorEnvelopesAreNeverSigned(t *testing.T) {
	g := newGrounds(t)
	g.run(t, []try{
		{name: "plain key", kind: 24133, want: bunker.CodeBlocked},
		{name: "to a friend", kind: 24133, tags: nostr.Tags{p(g.friend)}, want: bunker.CodeBlocked},
		{name: "npub login", key: g.login.ID, kind: 24133, tags: nostr.Tags{p(g.client)}, want: bunker.CodeBlocked},
		{name: "admin", key: g.admin.ID, kind: 24133, tags: nostr.Tags{p(g.friend)}, want: bunker.CodeBlocked},
	})
}

// certificate is what the admin app asks for (security.md section 4).
func certificate(b nostr.PubKey) nostr.Tags {
	return nostr.Tags{p(b), {"session", strings.Repeat("ab", 32)}, {"challenge", strings.Repeat("cd", 32)}, {"origin", "https://admin.example"}}
}

const certificateText = "Log in to nsecBunker npub1xyz as administrator, from https://admin.example. Never sign this for any other page."

func TestFloorOnlyTheCertificateForAnotherBunkerIsSigned(t *testing.T) {
	g := newGrounds(t)
	good := certificate(g.friend)
	with := func(i int, tag nostr.Tag) nostr.Tags {
		tags := append(nostr.Tags(nil), good...)
		tags[i] = tag
		return tags
	}
	tries := []try{
		{name: "certificate", tags: good},
		{name: "its date is ignored", tags: good, at: -10000 * time.Hour},
		{name: "key with npub login", key: g.login.ID, tags: good},
		{name: "admin here", key: g.admin.ID, tags: good, want: bunker.CodeBlocked},
		{name: "our admin key", tags: certificate(g.adminKey.PubKey), want: bunker.CodeBlocked},
		{name: "our signer key", tags: certificate(g.signer.PubKey), want: bunker.CodeBlocked},
		{name: "our audit key", tags: certificate(g.audit.PubKey), want: bunker.CodeBlocked},
		{name: "a key with npub login here", tags: certificate(g.login.PubKey), want: bunker.CodeBlocked},
		{name: "itself, with npub login", key: g.login.ID, tags: certificate(g.login.PubKey), want: bunker.CodeBlocked},
		{name: "ours by the store", tags: certificate(g.stored), want: bunker.CodeBlocked},
		{name: "ours as a second p", tags: append(append(nostr.Tags(nil), good...), p(g.adminKey.PubKey)), want: bunker.CodeBlocked},
		{name: "two p", tags: append(append(nostr.Tags(nil), good...), p(g.friend)), want: bunker.CodeBlocked},
		{name: "no tags", want: bunker.CodeBlocked},
		{name: "an outer message", tags: nostr.Tags{p(g.friend)}, want: bunker.CodeBlocked},
		{name: "a dangerous command", tags: nostr.Tags{p(g.friend), {"session", strings.Repeat("ab", 32)}, {"command", "x", "1", "op", "export", "{}"}}, want: bunker.CodeBlocked},
		{name: "a command with the words of a login", tags: command(g.friend), want: bunker.CodeBlocked},
		{name: "no origin", tags: good[:3], want: bunker.CodeBlocked},
		{name: "empty origin", tags: with(3, nostr.Tag{"origin", ""}), want: bunker.CodeBlocked},
		{name: "long origin", tags: with(3, nostr.Tag{"origin", strings.Repeat("x", maxCertificate+1)}), want: bunker.CodeBlocked},
		{name: "short session", tags: with(1, nostr.Tag{"session", "ab"}), want: bunker.CodeBlocked},
		{name: "upper-case challenge", tags: with(2, nostr.Tag{"challenge", strings.Repeat("CD", 32)}), want: bunker.CodeBlocked},
		{name: "p is no key", tags: with(0, nostr.Tag{"p", "npub1"}), want: bunker.CodeBlocked},
		{name: "a third element", tags: with(0, nostr.Tag{"p", g.friend.String(), "wss://x"}), want: bunker.CodeBlocked},
		{name: "another order", tags: nostr.Tags{good[1], good[0], good[2], good[3]}, want: bunker.CodeBlocked},
	}
	for i := range tries {
		tries[i].kind, tries[i].text = 24134, certificateText
	}
	for i, text := range []string{
		"", "Log in", certificateStart + certificateEnd, strings.TrimSuffix(certificateText, "."), "x" + certificateText, certificateText + " ",
		certificateStart + strings.Repeat("x", maxCertificate) + certificateMiddle + certificateEnd,
		`{"sid":"x","n":1,"cmd":"key.export"}`,
	} {
		tries = append(tries, try{name: "content " + strconv.Itoa(i), kind: 24134, tags: good, text: text, want: bunker.CodeBlocked})
	}
	g.run(t, tries)
}

func command(b nostr.PubKey) nostr.Tags {
	return nostr.Tags{p(b), {"session", strings.Repeat("ab", 32)}, {"command", strings.Repeat("cd", 32)}}
}

// TestFloorNoSignatureOverACommandIsMadeForAnApp, in whatever form it asks for one: with
// it the app would command a bunker.
func TestFloorNoSignatureOverACommandIsMadeForAnApp(t *testing.T) {
	g := newGrounds(t)
	signed := adminwire.Signed{Bunker: g.friend, Session: nostr.PubKey{0xab}, N: 1, Op: strings.Repeat("0", 32), Name: "key.export", Params: []byte(`{"key":"herald"}`)}
	good, err := signed.Template(0)
	if err != nil {
		t.Fatal(err)
	}
	tries := []try{
		{name: "a command", tags: good.Tags, text: good.Content},
		{name: "of a key with npub login", key: g.login.ID, tags: good.Tags, text: good.Content},
		{name: "of an admin here", key: g.admin.ID, tags: good.Tags, text: good.Content},
		{name: "with the words of a login", tags: good.Tags, text: certificateText},
		{name: "a login with the words of a command", tags: certificate(g.friend), text: good.Content},
		{name: "a login with the command's hash", tags: append(certificate(g.friend), good.Tags[2]), text: certificateText},
	}
	for i := range tries {
		tries[i].kind, tries[i].want = 24134, bunker.CodeBlocked
	}
	g.run(t, tries)
}

func TestFloorHTTPLogins(t *testing.T) {
	g := newGrounds(t)
	g.floor.OurHosts = func() []string {
		return []string{"bunker.example", "https://admin.example/path", "127.0.0.1:7447", "lan.example:8443"}
	}
	auth := func(u string) nostr.Tags { return nostr.Tags{{"u", u}, {"method", "GET"}} }
	tries := []try{
		{name: "another host", tags: auth("https://api.example/upload?x=1#y")},
		{name: "with a payload", tags: append(auth("https://api.example"), nostr.Tag{"payload", "00"})},
		{name: "60 s ago", tags: auth("https://api.example"), at: -60 * time.Second},
		{name: "60 s ahead", tags: auth("https://api.example"), at: 60 * time.Second},
		{name: "61 s ago", tags: auth("https://api.example"), at: -61 * time.Second, want: bunker.CodeRestricted},
		{name: "61 s ahead", tags: auth("https://api.example"), at: 61 * time.Second, want: bunker.CodeRestricted},
		{name: "no u", tags: nostr.Tags{{"method", "GET"}}, want: bunker.CodeRestricted},
		{name: "no method", tags: nostr.Tags{{"u", "https://api.example"}}, want: bunker.CodeRestricted},
		{name: "two u", tags: append(auth("https://api.example"), nostr.Tag{"u", "https://x.example"}), want: bunker.CodeRestricted},
		{name: "two methods", tags: append(auth("https://api.example"), nostr.Tag{"method", "GET"}), want: bunker.CodeRestricted},
		{name: "empty u", tags: auth(""), want: bunker.CodeRestricted},
		{name: "empty method", tags: nostr.Tags{{"u", "https://api.example"}, {"method"}}, want: bunker.CodeRestricted},
		{name: "another port of this machine", tags: auth("http://127.0.0.1:9000/")},
		{name: "another port of a host with a port", tags: auth("https://lan.example/")},
	}
	for _, u := range []string{
		"https://bunker.example", "http://bunker.example", "HTTPS://BUNKER.example/x", "https://bunker.example.:444/", "https://bunker.example?x", "https://bunker.example#x",
		"https://admin.example/", "http://admin.example:81/other", "http://127.0.0.1:7447", "http://localhost:7447/x", "http://a.localhost:7447", "http://[::1]:7447/",
		"http://127.8.8.8:7447", "http://0.0.0.0:7447", "http://[::ffff:127.0.0.1]:7447", "http://[::]:7447", "https://lan.example:8443",
	} {
		tries = append(tries, try{name: u, tags: auth(u), want: bunker.CodeBlocked})
	}
	for _, u := range []string{
		"bunker.example", "//bunker.example", "ftp://bunker.example", "https:/bunker.example", "https:bunker.example", `https:\\bunker.example`, `https://api.example\@bunker.example`,
		"https://api.example@bunker.example", "https://bunker.example@api.example", "https://bunker%2eexample", "https://bunker.exampl%65", "https:// bunker.example", " https://bunker.example",
		"https://bunker.ex\tample", "https://bunker。example", "https://ｂunker.example", "https://[::1", "https://[::1]x", "https://[fe80::1%25eth0]/", "https://api.example:", "https://:443",
		"https://api.example:0", "https://api.example:65536", "https://api.example:+80", "https://127.1:7447", "https://0x7f.0.0.1", "https://2130706433", "https://0177.0.0.1", "https://1.2.3.4.5", "https://0x", "https://1.2.3.08", "https://99999999999999999999999", "https://a.0x7f", "https://api.example:80:80",
		"https://", "https:///x", "https://..", "https://api..", "https://" + strings.Repeat("x", maxAddress),
	} {
		at := try{name: u, tags: auth(u), want: bunker.CodeRestricted}
		if u == "https://api.example:" { // an empty port is the default one
			at.want = ""
		}
		tries = append(tries, at)
	}
	for i := range tries {
		tries[i].kind = 27235
	}
	g.run(t, tries)
	g.floor.OurHosts = func() []string { return []string{"not a host"} }
	g.run(t, []try{{name: "a host of ours that cannot be read", kind: 27235, tags: auth("https://api.example"), want: bunker.CodeBlocked}})
}

func TestFloorRelayLogins(t *testing.T) {
	g := newGrounds(t)
	g.floor.OurRelays = func() []string { return []string{"wss://relay.bunker.example/nostr", "ws://127.0.0.1:7777"} }
	auth := func(u string) nostr.Tags { return nostr.Tags{{"relay", u}, {"challenge", "x"}} }
	tries := []try{
		{name: "another relay", tags: auth("wss://relay.example/")},
		{name: "10 min ago", tags: auth("wss://relay.example/"), at: -10 * time.Minute},
		{name: "10 min ahead", tags: auth("wss://relay.example/"), at: 10 * time.Minute},
		{name: "over 10 min ago", tags: auth("wss://relay.example/"), at: -10*time.Minute - time.Second, want: bunker.CodeRestricted},
		{name: "over 10 min ahead", tags: auth("wss://relay.example/"), at: 10*time.Minute + time.Second, want: bunker.CodeRestricted},
		{name: "no relay", tags: nostr.Tags{{"challenge", "x"}}, want: bunker.CodeRestricted},
		{name: "no challenge", tags: nostr.Tags{{"relay", "wss://relay.example"}}, want: bunker.CodeRestricted},
		{name: "empty challenge", tags: nostr.Tags{{"relay", "wss://relay.example"}, {"challenge", ""}}, want: bunker.CodeRestricted},
		{name: "two relays", tags: append(auth("wss://relay.example"), nostr.Tag{"relay", "wss://relay.bunker.example"}), want: bunker.CodeRestricted},
		{name: "two challenges", tags: append(auth("wss://relay.example"), nostr.Tag{"challenge", "y"}), want: bunker.CodeRestricted},
		{name: "no relay's address", tags: auth("https://relay.example"), want: bunker.CodeRestricted},
		{name: "no address", tags: auth("relay.example"), want: bunker.CodeRestricted},
		{name: "ours", tags: auth("wss://relay.bunker.example/nostr"), want: bunker.CodeBlocked},
		{name: "ours, another path", tags: auth("ws://Relay.Bunker.Example./"), want: bunker.CodeBlocked},
		{name: "ours, on this machine", tags: auth("ws://localhost:7777"), want: bunker.CodeBlocked},
		{name: "another on this machine", tags: auth("ws://localhost:7778")},
		{name: "an admin's, at ours", key: g.admin.ID, tags: auth("wss://relay.bunker.example"), want: bunker.CodeBlocked},
	}
	for i := range tries {
		tries[i].kind = 22242
	}
	g.run(t, tries)
}

func TestFloorBlossomPermissionsEndWithinAnHour(t *testing.T) {
	g := newGrounds(t)
	exp := func(d time.Duration) nostr.Tags {
		return nostr.Tags{{"t", "upload"}, {"expiration", strconv.FormatInt(testNow.Add(d).Unix(), 10)}}
	}
	tries := []try{
		{name: "an hour", tags: exp(time.Hour)},
		{name: "over", tags: exp(-time.Hour)},
		{name: "more than an hour", tags: exp(time.Hour + time.Second), want: bunker.CodeRestricted},
		{name: "none", tags: nostr.Tags{{"t", "upload"}}, want: bunker.CodeRestricted},
		{name: "two", tags: append(exp(time.Hour), exp(time.Minute)[1]), want: bunker.CodeRestricted},
		{name: "no number", tags: nostr.Tags{{"expiration", "soon"}}, want: bunker.CodeRestricted},
		{name: "no whole number", tags: nostr.Tags{{"expiration", "1e3"}}, want: bunker.CodeRestricted},
		{name: "beyond counting", tags: nostr.Tags{{"expiration", "99999999999999999999"}}, want: bunker.CodeRestricted},
	}
	for i := range tries {
		tries[i].kind = 24242
	}
	g.run(t, tries)
}

func TestFloorMessagesToTheBunkersKeysAreNeverSigned(t *testing.T) {
	g := newGrounds(t)
	var tries []try
	for _, kind := range []nostr.Kind{4, 13} {
		for name, k := range g.envelopeKeys() {
			tries = append(tries,
				try{name: name, kind: kind, tags: nostr.Tags{p(g.friend), p(k)}, want: bunker.CodeBlocked},
				try{name: name + " in capitals", kind: kind, tags: nostr.Tags{{"p", strings.ToUpper(k.String()), "wss://x"}}, want: bunker.CodeBlocked},
				try{name: name + " with a space", kind: kind, tags: nostr.Tags{{"p", " " + k.String()}}, want: bunker.CodeBlocked})
		}
		tries = append(tries,
			try{name: "to a friend", kind: kind, tags: nostr.Tags{p(g.friend)}},
			try{name: "to another user key", kind: kind, tags: nostr.Tags{p(g.admin.PubKey)}},
			try{name: "to oneself, with npub login", key: g.login.ID, kind: kind, tags: nostr.Tags{p(g.login.PubKey)}},
			try{name: "odd tags", kind: kind, tags: nostr.Tags{{"p"}, {"p", ""}, {"p", "zz"}}})
	}
	// Kind 1 may name anybody.
	tries = append(tries, try{name: "a note", kind: 1, tags: nostr.Tags{p(g.signer.PubKey)}})
	g.run(t, tries)
}

// envelopeKeys are the keys that are "ours".
func (g *grounds) envelopeKeys() map[string]nostr.PubKey {
	return map[string]nostr.PubKey{
		"signer": g.signer.PubKey, "admin": g.adminKey.PubKey, "audit": g.audit.PubKey,
		"npub login": g.login.PubKey, "ours by the store": g.stored,
	}
}

// crypts tries all four operations with a peer.
func (g *grounds) crypts(key bunker.KeyID, peer nostr.PubKey) map[string]error {
	_, e44 := g.Encrypt44(g.floor, key, peer, []byte("hello"))
	_, e04 := g.Encrypt04(g.floor, key, peer, []byte("hello"))
	_, d44 := g.Decrypt44(g.floor, key, peer, strings.Repeat("A", 200))
	_, d04 := g.Decrypt04(g.floor, key, peer, "AAAAAAAAAAAAAAAAAAAAAA==?iv=AAAAAAAAAAAAAAAAAAAAAA==")
	return map[string]error{"nip44_encrypt": e44, "nip04_encrypt": e04, "nip44_decrypt": d44, "nip04_decrypt": d04}
}

func TestFloorNothingIsEncryptedToOrDecryptedFromTheBunkersKeys(t *testing.T) {
	g := newGrounds(t)
	for _, k := range []bunker.UserKey{g.user, g.login, g.admin} {
		for name, peer := range g.envelopeKeys() {
			if peer == k.PubKey {
				continue
			}
			for method, err := range g.crypts(k.ID, peer) {
				if !errors.Is(err, ErrNever) || bunker.AsError(err).Code != bunker.CodeBlocked {
					t.Errorf("%s with %s: %v", method, name, err)
				}
			}
			if !errors.Is(g.Check(g.floor, &k, nil, peer), ErrNever) {
				t.Errorf("%s: Check lets it pass", name)
			}
		}
		for name, peer := range map[string]nostr.PubKey{"friend": g.friend, "self": k.PubKey, "a plain user key here": g.admin.PubKey} {
			for method, err := range g.crypts(k.ID, peer) {
				if errors.Is(err, ErrNever) {
					t.Errorf("%s with %s: %v", method, name, err)
				}
			}
			must(t, g.Check(g.floor, &k, nil, peer))
		}
	}
}

func TestFloorWithNpubLoginAppsAreNoPeers(t *testing.T) {
	g := newGrounds(t)
	g.floor.Clients = func(q nostr.PubKey) bool { return q == g.friend }
	for _, peer := range []nostr.PubKey{g.client, g.friend} {
		for method, err := range g.crypts(g.login.ID, peer) {
			if !errors.Is(err, ErrNever) {
				t.Errorf("%s with an app: %v", method, err)
			}
		}
		for method, err := range g.crypts(g.user.ID, peer) {
			if errors.Is(err, ErrNever) {
				t.Errorf("%s of a key without npub login: %v", method, err)
			}
		}
	}
	// A key that is its own client is no exception.
	g.floor.Clients = func(q nostr.PubKey) bool { return q == g.login.PubKey }
	for method, err := range g.crypts(g.login.ID, g.login.PubKey) {
		if !errors.Is(err, ErrNever) {
			t.Errorf("%s with oneself as an app: %v", method, err)
		}
	}
	// The store's word is enough, and so is the vault's.
	g.floor.NpubLogin = true
	for method, err := range g.crypts(g.user.ID, g.client) {
		if !errors.Is(err, ErrNever) {
			t.Errorf("%s after npub login was switched on: %v", method, err)
		}
	}
}

func TestFloorWithNpubLoginMessagesOfTheProtocolAreNotWorkedOn(t *testing.T) {
	g := newGrounds(t)
	friend := stranger(t, g.Vault)
	request := `{"id":"1","method":"sign_event","params":["{}"]}`
	reply := `{"id":"1","result":"ack"}`
	for _, text := range []string{request, reply} {
		_, e44 := g.Encrypt44(g.floor, g.login.ID, friend.PubKey(), []byte(text))
		_, e04 := g.Encrypt04(g.floor, g.login.ID, friend.PubKey(), []byte(text))
		// A letter of a client that is not known yet: made by its side.
		c44, c04 := closed(t, friend, g.login.PubKey, text)
		b44, d44 := g.Decrypt44(g.floor, g.login.ID, friend.PubKey(), c44)
		b04, d04 := g.Decrypt04(g.floor, g.login.ID, friend.PubKey(), c04)
		for i, err := range []error{e44, e04, d44, d04} {
			if !errors.Is(err, ErrNever) || b44 != nil || b04 != nil {
				t.Errorf("%s: operation %d: %v", text, i, err)
			}
		}
		// Other keys may say what they like.
		_, err := g.Encrypt44(g.floor, g.user.ID, friend.PubKey(), []byte(text))
		must(t, err)
		c44, c04 = closed(t, friend, g.user.PubKey, text)
		_, err = g.Decrypt44(g.floor, g.user.ID, friend.PubKey(), c44)
		must(t, err)
		_, err = g.Decrypt04(g.floor, g.user.ID, friend.PubKey(), c04)
		must(t, err)
	}
	_, err := g.Encrypt44(g.floor, g.login.ID, friend.PubKey(), []byte(`{"name":"a profile"}`))
	must(t, err)
}

func TestFloorWithoutItsKnowledgeRefusesEverything(t *testing.T) {
	g := newGrounds(t)
	whole := g.floor
	for name, change := range map[string]func(*Floor){
		"ours": func(f *Floor) { f.Ours = nil }, "hosts": func(f *Floor) { f.OurHosts = nil },
		"relays": func(f *Floor) { f.OurRelays = nil }, "now": func(f *Floor) { f.Now = time.Time{} },
		"all": func(f *Floor) { *f = Floor{Tenant: self} },
	} {
		g.floor = whole
		change(&g.floor)
		if _, err := g.SignEvent(g.floor, g.user.ID, note("x")); !errors.Is(err, ErrNever) {
			t.Errorf("%s: %v", name, err)
		}
		for method, err := range g.crypts(g.user.ID, g.friend) {
			if !errors.Is(err, ErrNever) {
				t.Errorf("%s: %s: %v", name, method, err)
			}
		}
	}
	g.floor = whole
	g.floor.Clients = nil
	for method, err := range g.crypts(g.login.ID, g.friend) {
		if !errors.Is(err, ErrNever) {
			t.Errorf("clients: %s: %v", method, err)
		}
	}
	for method, err := range g.crypts(g.user.ID, g.friend) { // not needed there
		if errors.Is(err, ErrNever) {
			t.Errorf("clients: %s: %v", method, err)
		}
	}
}

func TestFlagsFollowTheStore(t *testing.T) {
	g := newGrounds(t)
	g.user.AdminHere = true
	must(t, g.UpdateUserKey(g.user))
	g.run(t, []try{{name: "an admin since a moment", kind: 24134, tags: certificate(g.friend), text: certificateText, want: bunker.CodeBlocked}})
	g.user.AdminHere = false
	must(t, g.UnlockUserKey(g.user, nil))
	g.run(t, []try{{name: "no admin any more", kind: 24134, tags: certificate(g.friend), text: certificateText}})
	g.floor.AdminHere = true
	g.run(t, []try{{name: "the store says so", kind: 24134, tags: certificate(g.friend), text: certificateText, want: bunker.CodeBlocked}})
}

func TestEveryOtherKindIsLeftToPolicy(t *testing.T) {
	g := newGrounds(t)
	for kind := 0; kind < 65536; kind += 7 {
		switch nostr.Kind(kind) {
		case 22242, 24133, 24134, 24242, 27235:
			continue
		}
		tmpl := &nostr.Template{Kind: nostr.Kind(kind), CreatedAt: 1, Tags: nostr.Tags{p(g.friend)}}
		for _, k := range []bunker.UserKey{g.user, g.login, g.admin} {
			if err := g.Check(g.floor, &k, tmpl, nostr.PubKey{}); err != nil {
				t.Fatalf("kind %d: %v", kind, err)
			}
		}
	}
}

func TestRefusalsNameThingReasonAndAreNoSecrets(t *testing.T) {
	g := newGrounds(t)
	_, err := g.SignEvent(g.floor, g.user.ID, &nostr.Template{Kind: 27235, CreatedAt: testNow.Unix(), Tags: nostr.Tags{{"u", "https://bunker.example/x?token=1"}, {"method", "GET"}}})
	e := bunker.AsError(err)
	if !strings.Contains(e.Words, "bunker.example") || strings.Contains(e.Words, "token") || strings.Contains(fmt.Sprint(e.Public()), "never allowed") {
		t.Fatal(e.Public())
	}
}
