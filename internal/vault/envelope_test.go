package vault

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
)

// closed encrypts as another program would, in both schemes.
func closed(t testing.TB, from *nostr.SecretKey, to nostr.PubKey, text string) (c44, c04 string) {
	t.Helper()
	var key [32]byte
	must(t, nip44.ConversationKey(from, to, &key))
	c44, err := nip44.EncryptExtended(&key, []byte(text))
	must(t, err)
	must(t, nip04.SharedKey(from, to, &key))
	c04, err = nip04.Encrypt(&key, []byte(text))
	must(t, err)
	return c44, c04
}

// reading decrypts as another program would.
func reading(t testing.TB, me *nostr.SecretKey, ev *nostr.Event, s Scheme) (text string, extended bool) {
	t.Helper()
	var key [32]byte
	var b []byte
	var err error
	if s == NIP04 {
		must(t, nip04.SharedKey(me, ev.PubKey, &key))
		b, err = nip04.Decrypt(&key, ev.Content)
	} else {
		must(t, nip44.ConversationKey(me, ev.PubKey, &key))
		b, extended, err = nip44.Decrypt(&key, ev.Content)
	}
	must(t, err)
	return string(b), extended
}

// envelope is a request's event by a client.
func envelope(t testing.TB, client *nostr.SecretKey, to nostr.PubKey, content string) *nostr.Event {
	t.Helper()
	ev := &nostr.Event{Kind: 24133, CreatedAt: testNow.Unix(), Tags: nostr.Tags{p(to)}, Content: content}
	must(t, client.Sign(ev))
	return ev
}

func TestEnvelopesAreAnsweredInTheirScheme(t *testing.T) {
	v := newVault(t)
	s := service(t, v, bunker.RoleSigner)
	login := unlockedKey(t, v, npubLogin)
	client := stranger(t, v)
	for _, signer := range []nostr.PubKey{s.PubKey, login.PubKey} {
		c44, c04 := closed(t, client, signer, "request")
		for content, scheme := range map[string]Scheme{c44: NIP44, c04: NIP04} {
			for range 2 { // made, then from the cache
				o, err := v.OpenEnvelope(self, envelope(t, client, signer, content))
				must(t, err)
				if string(o.Plaintext) != "request" || o.Scheme != scheme || o.Extended || o.Signer != signer || o.Client != client.PubKey() {
					t.Fatalf("%s: %q of %s", scheme, o.Plaintext, o.Scheme)
				}
				ev, err := v.CloseReply(self, signer, client.PubKey(), o.Scheme, o.Extended, []byte("reply"), testNow)
				must(t, err)
				must(t, ev.Verify())
				if ev.Kind != 24133 || ev.PubKey != signer || ev.CreatedAt != testNow.Unix() || len(ev.Tags) != 1 || ev.Tags[0].Value() != client.PubKey().String() {
					t.Fatalf("reply %+v", ev)
				}
				if text, _ := reading(t, client, ev, scheme); text != "reply" {
					t.Fatalf("the client reads %q", text)
				}
				o.Wipe()
				if !bytes.Equal(o.Plaintext, make([]byte, 7)) {
					t.Fatal("not wiped")
				}
			}
		}
	}
}

func TestLargeRepliesNeedAClientThatReadsThem(t *testing.T) {
	v := newVault(t)
	s := service(t, v, bunker.RoleSigner)
	client := stranger(t, v)
	small, large := []byte(strings.Repeat("x", 65535)), []byte(strings.Repeat("x", 65536))
	send := func(b []byte, sch Scheme, ext bool) (*nostr.Event, error) {
		return v.CloseReply(self, s.PubKey, client.PubKey(), sch, ext, b, testNow)
	}
	ev, err := send(small, NIP44, false)
	must(t, err)
	if text, ext := reading(t, client, ev, NIP44); len(text) != 65535 || ext {
		t.Fatalf("%d bytes, extended %v", len(text), ext)
	}
	ev, err = send(small, NIP44, true) // not used where it is not needed
	must(t, err)
	if _, ext := reading(t, client, ev, NIP44); ext {
		t.Fatal("the extended prefix without need")
	}
	_, err = send(large, NIP44, false)
	wantErr(t, err, ErrTooLarge)
	ev, err = send(large, NIP44, true)
	must(t, err)
	if text, ext := reading(t, client, ev, NIP44); len(text) != 65536 || !ext {
		t.Fatalf("%d bytes, extended %v", len(text), ext)
	}
	ev, err = send(large, NIP04, false)
	must(t, err)
	if text, _ := reading(t, client, ev, NIP04); len(text) != 65536 {
		t.Fatalf("%d bytes", len(text))
	}
	_, err = send(make([]byte, nip44.MaxExtended+1), NIP44, true)
	wantErr(t, err, ErrTooLarge)
	_, err = send(make([]byte, nip04.MaxPlaintext+1), NIP04, true)
	wantErr(t, err, ErrTooLarge)
	// A request that uses it shows that the client reads it.
	c44, _ := closed(t, client, s.PubKey, string(large))
	o, err := v.OpenEnvelope(self, envelope(t, client, s.PubKey, c44))
	must(t, err)
	if !o.Extended || len(o.Plaintext) != 65536 {
		t.Fatalf("extended %v, %d bytes", o.Extended, len(o.Plaintext))
	}
}

func TestWhatIsNoEnvelopeForUsIsNotOpened(t *testing.T) {
	v := newVault(t)
	s, admin, audit := service(t, v, bunker.RoleSigner), service(t, v, bunker.RoleAdmin), service(t, v, bunker.RoleAudit)
	plain := unlockedKey(t, v)
	client := stranger(t, v)
	for name, to := range map[string]nostr.PubKey{"admin key": admin.PubKey, "audit key": audit.PubKey, "user key": plain.PubKey, "stranger": stranger(t, v).PubKey()} {
		c44, _ := closed(t, client, to, "x")
		if _, err := v.OpenEnvelope(self, envelope(t, client, to, c44)); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := v.CloseReply(self, to, client.PubKey(), NIP44, false, []byte("x"), testNow); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%s: closed: %v", name, err)
		}
	}
	c44, c04 := closed(t, client, s.PubKey, "x")
	good := envelope(t, client, s.PubKey, c44)
	for name, change := range map[string]func(*nostr.Event){
		"kind": func(e *nostr.Event) { e.Kind = 24134 }, "no p": func(e *nostr.Event) { e.Tags = nil },
		"two p": func(e *nostr.Event) { e.Tags = append(e.Tags, e.Tags[0]) }, "bad p": func(e *nostr.Event) { e.Tags = nostr.Tags{{"p", "x"}} },
		"p without value": func(e *nostr.Event) { e.Tags = nostr.Tags{{"p"}} },
	} {
		bad := *good
		bad.Tags = append(nostr.Tags(nil), good.Tags...)
		change(&bad)
		if _, err := v.OpenEnvelope(self, &bad); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, content := range map[string]string{
		"empty": "", "text": "hello", "cut off": c44[:len(c44)-4], "changed": "B" + c44[1:], "nip04 with a short iv": strings.Split(c04, "?iv=")[0] + "?iv=AAAA",
		"nip04 without blocks": "?iv=AAAAAAAAAAAAAAAAAAAAAA==", "nip04 twice": c04 + c04, "version": "#" + c44,
	} {
		if _, err := v.OpenEnvelope(self, envelope(t, client, s.PubKey, content)); !errors.Is(err, ErrUnreadable) || bunker.AsError(err).Code != bunker.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := *good
	bad.PubKey = nostr.PubKey{} // no point of the curve
	if _, err := v.OpenEnvelope(self, &bad); !errors.Is(err, nostr.ErrPubKey) {
		t.Errorf("a sender that is no key: %v", err)
	}
	if _, err := v.CloseReply(self, s.PubKey, client.PubKey(), 0, false, []byte("x"), testNow); err == nil {
		t.Error("closed without a scheme")
	}
}

func TestAKeyWithNpubLoginIsDeafWhileLocked(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v, npubLogin)
	client := stranger(t, v)
	c44, _ := closed(t, client, k.PubKey, "x")
	must(t, v.LockUserKey(self, k.ID))
	_, err := v.OpenEnvelope(self, envelope(t, client, k.PubKey, c44))
	wantErr(t, err, ErrLocked)
	_, err = v.CloseReply(self, k.PubKey, client.PubKey(), NIP44, false, []byte("x"), testNow)
	wantErr(t, err, ErrLocked)
	must(t, v.UnlockUserKey(k, nil))
	_, err = v.OpenEnvelope(self, envelope(t, client, k.PubKey, c44))
	must(t, err)
	k.NpubLogin = false
	must(t, v.UpdateUserKey(k))
	_, err = v.OpenEnvelope(self, envelope(t, client, k.PubKey, c44))
	wantErr(t, err, ErrNotOurs)
}

func TestOnlyTheBunkersOwnKeysAnswerRelays(t *testing.T) {
	v := newVault(t)
	for _, role := range []bunker.ServiceRole{bunker.RoleSigner, bunker.RoleAdmin} {
		s := service(t, v, role)
		ev, err := v.AuthEvent(self, s.PubKey, "wss://relay.example/", "abc", testNow)
		must(t, err)
		must(t, ev.Verify())
		if ev.Kind != 22242 || ev.Tags.Find("relay").Value() != "wss://relay.example/" || ev.Tags.Find("challenge").Value() != "abc" || ev.CreatedAt != testNow.Unix() {
			t.Fatalf("%+v", ev)
		}
	}
	for _, pub := range []nostr.PubKey{unlockedKey(t, v, npubLogin).PubKey, service(t, v, bunker.RoleAudit).PubKey, {}} {
		_, err := v.AuthEvent(self, pub, "wss://relay.example/", "abc", testNow)
		wantErr(t, err, ErrNotOurs)
	}
}

func TestCheckpointsAreSignedByTheAuditKey(t *testing.T) {
	v := newVault(t)
	_, _, err := v.SignCheckpoint(self, [32]byte{1})
	wantErr(t, err, ErrNotOurs)
	a := service(t, v, bunker.RoleAudit)
	pub, sig, err := v.SignCheckpoint(self, [32]byte{1})
	must(t, err)
	if pub != a.PubKey || !nostr.VerifyDigest(pub, [32]byte{1}, sig) {
		t.Fatal("the signature is not the audit key's")
	}
	second := bunker.ServiceKey{Tenant: self, Role: bunker.RoleAudit}
	second.PubKey, second.Ciphertext, err = v.NewServiceKey(self, bunker.RoleAudit)
	must(t, err)
	wantErr(t, v.LoadServiceKey(second), ErrHeld)
	must(t, v.UnloadServiceKey(self, a.PubKey))
	must(t, v.UnloadServiceKey(self, a.PubKey))
	must(t, v.LoadServiceKey(second))
}

func TestEncryptingAndDecryptingMeetOtherPrograms(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	friend := stranger(t, v)
	f := floorOf()
	for _, text := range []string{"x", "naïve ✓", strings.Repeat("y", 70000)} {
		c44, err := v.Encrypt44(f, k.ID, friend.PubKey(), []byte(text))
		must(t, err)
		c04, err := v.Encrypt04(f, k.ID, friend.PubKey(), []byte(text))
		must(t, err)
		for content, s := range map[string]Scheme{c44: NIP44, c04: NIP04} {
			if got, _ := reading(t, friend, &nostr.Event{PubKey: k.PubKey, Content: content}, s); got != text {
				t.Fatalf("%s: %d bytes read", s, len(got))
			}
		}
		c44, c04 = closed(t, friend, k.PubKey, text)
		got44, err := v.Decrypt44(f, k.ID, friend.PubKey(), c44)
		must(t, err)
		got04, err := v.Decrypt04(f, k.ID, friend.PubKey(), c04)
		must(t, err)
		if string(got44) != text || string(got04) != text {
			t.Fatal("decrypted something else")
		}
	}
	if _, err := v.Encrypt44(f, k.ID, friend.PubKey(), nil); bunker.AsError(err).Code != bunker.CodeInvalid {
		t.Errorf("empty: %v", err)
	}
	if _, err := v.Encrypt44(f, k.ID, friend.PubKey(), make([]byte, nip44.MaxExtended+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	bad := nostr.PubKey{}
	for method, err := range (&grounds{Vault: v, floor: f}).crypts(k.ID, bad) {
		if !errors.Is(err, nostr.ErrPubKey) || bunker.AsError(err).Code != bunker.CodeInvalid {
			t.Errorf("%s with a peer that is no key: %v", method, err)
		}
	}
}

func TestCiphertextsMadeHereAreRememberedForTheirConnection(t *testing.T) {
	clock := &testClock{testNow}
	v := newVault(t)
	v.now = clock.Now
	k := unlockedKey(t, v)
	friend := stranger(t, v).PubKey()
	f := floorOf()
	c44, err := v.Encrypt44(f, k.ID, friend, []byte("x"))
	must(t, err)
	c04, err := v.Encrypt04(f, k.ID, friend, []byte("x"))
	must(t, err)
	for _, c := range []string{c44, c04} {
		if !v.MadeCiphertext(f.Connection, c) || v.MadeCiphertext("c2", c) || v.MadeCiphertext(f.Connection, c+"x") {
			t.Fatal("remembered wrongly")
		}
	}
	clock.now = testNow.Add(MadeFor - time.Second)
	if !v.MadeCiphertext(f.Connection, c44) {
		t.Fatal("forgotten too early")
	}
	clock.now = testNow.Add(MadeFor)
	if v.MadeCiphertext(f.Connection, c44) {
		t.Fatal("remembered too long")
	}
	if v.MadeCiphertext("", "") {
		t.Fatal("nothing was made here")
	}
}

func TestMemoryOfCiphertextsIsBounded(t *testing.T) {
	m := newMade()
	name := func(i int) string { return string(rune(i)) + "x" }
	for i := range 2 * MaxMadePerConnection {
		m.add("c1", name(i), testNow)
	}
	if len(m.until) != MaxMadePerConnection || !m.has("c1", name(0), testNow) || m.has("c1", name(MaxMadePerConnection), testNow) {
		t.Fatalf("%d of one connection", len(m.until))
	}
	for c := range MaxMade/MaxMadePerConnection + 3 {
		for i := range MaxMadePerConnection {
			m.add(bunker.ConnectionID("d"+name(c)), name(i), testNow)
		}
	}
	if len(m.until) != MaxMade || len(m.queue)-m.head != MaxMade || len(m.queue) > 2*MaxMade+1 || m.has("c1", name(0), testNow) {
		t.Fatalf("%d in all, a queue of %d", len(m.until), len(m.queue))
	}
	m.add("c1", "again", testNow.Add(MadeFor))
	if len(m.until) != 1 || len(m.count) != 1 || len(m.queue)-m.head != 1 {
		t.Fatalf("%d old ones are kept", len(m.until))
	}
	m.add("c1", "again", testNow.Add(MadeFor))
	if m.count["c1"] != 1 {
		t.Fatal("one was counted twice")
	}
}
