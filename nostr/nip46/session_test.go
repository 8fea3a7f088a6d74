package nip46_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/internal/nip46test"
)

func TestASessionGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connected(t, nil)
		p.client.Close()
		text, err := p.client.Session().Encode()
		if err != nil || !json.Valid(text) {
			t.Fatalf("%v", err)
		}
		kept := bytes.Clone(text)
		s, err := nip46.ParseSession(nip46test.NewArena(t), text)
		if err != nil || s.Client() != p.client.Session().Client() || s.Remote != p.bunker.Signer.PubKey() || s.User != p.bunker.User.PubKey() || len(s.Relays) != 2 {
			t.Fatalf("%v %v %v (%v)", s.Client(), s.Remote, s.Relays, err)
		}
		if bytes.ContainsAny(text, "0123456789abcdef") {
			t.Error("the text was not wiped")
		}
		if again, err := s.Encode(); err != nil || !bytes.Equal(again, kept) {
			t.Errorf("it is written differently (%v)", err)
		}
		c, err := nip46.NewClient(nip46.Config{Transport: p.hub, Now: time.Now}, s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.SignEvent(soon(t), template()); err != nil {
			t.Error(err)
		}
		secretHex := string(kept[len(`{"client_key":"`):][:64])
		for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", s, s, s, s), fmt.Sprintf("%+v", c.Session())} {
			if strings.Contains(shown, secretHex) {
				t.Error("a session prints its key")
			}
		}
	})
}

func TestADamagedSessionIsRefusedWithoutItsSecret(t *testing.T) {
	const key = "00000000000000000000000000000000000000000000000000000000deadbeef"
	arena := nip46test.NewArena(t)
	if _, err := nip46.ParseSession(arena, []byte(`{"client_key":"`+key+`"}`)); err != nil {
		t.Fatal(err)
	}
	used, _ := arena.Used()
	for _, text := range []string{
		``, `{}`, `[]`, `{"client_key":""}`, `{"client_key":"` + key[1:] + `"}`, `{"client_key":"` + key[:63] + `g"}`, `{"client_key":"` + strings.Repeat("0", 64) + `"}`,
		`{"client_key":"` + strings.Repeat("f", 64) + `"}`, `{"client_key":"` + key + `","client_key":"` + key + `"}`, `{"client_key":"` + key + `","remote":"x"}`,
		`{"client_key":"` + key + `","user":"` + strings.Repeat("f", 64) + `"}`, `{"client_key":"` + key + `","relays":["https://x"]}`, `{"client_key":"` + key + `","relays":5}`,
		`{"client_key":"` + key + `"} x`, `{"client_key":"` + key + `","relays":[` + strings.Repeat(`"wss://a.example",`, nip46.MaxRelays) + `"wss://a.example"]}`,
		`{"client_key":"` + key + `","x":"` + strings.Repeat("x", nip46.MaxSession) + `"}`,
	} {
		_, err := nip46.ParseSession(arena, []byte(text))
		if err == nil {
			t.Errorf("%.100s was read", text)
		} else if strings.Contains(err.Error(), "deadbeef") {
			t.Errorf("%v holds the key", err)
		}
	}
	if now, _ := arena.Used(); now != used {
		t.Errorf("refused sessions keep %d bytes of secrets", now-used)
	}
}

func TestTheClientKeyProvesItselfToARelay(t *testing.T) {
	s, err := nip46.NewSession(nip46test.NewArena(t))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	e, err := s.Auth("wss://r.example", "challenge", now)
	if err != nil || e.PubKey != s.Client() || nip42.Check(e, "challenge", now, "wss://r.example") != nil {
		t.Errorf("%v (%v)", e, err)
	}
	if _, err := s.Auth("wss://r.example", "", now); err == nil {
		t.Error("an empty challenge was answered")
	}
	s.Destroy()
	if _, err := s.Auth("wss://r.example", "challenge", now); err == nil {
		t.Error("a destroyed key signed")
	}
	if _, err := s.Encode(); err == nil {
		t.Error("a destroyed key was written")
	}
	var none nip46.Session
	none.Destroy()
	if _, err := none.Auth("wss://r.example", "c", now); err == nil || none.Connected() || none.Client() != (nostr.PubKey{}) {
		t.Error("the zero session is something")
	}
	if _, err := nip46.NewClient(nip46.Config{Transport: &nip46test.Hub{}, Now: time.Now}, none); err == nil {
		t.Error("a client without a key was made")
	}
	if _, err := nip46.NewClient(nip46.Config{}, s); err == nil {
		t.Error("a client without a transport was made")
	}
}

func FuzzSession(f *testing.F) {
	f.Add([]byte(`{"client_key":"00000000000000000000000000000000000000000000000000000000deadbeef","remote":"","user":"","relays":["wss://a.example"]}`))
	f.Add([]byte(`{"client_key":"","x":{}}`))
	arena := nip46test.NewArena(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := nip46.ParseSession(arena, bytes.Clone(b))
		if err != nil {
			return
		}
		defer s.Destroy()
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := nip46.ParseSession(arena, text)
		if err != nil || back.Client() != s.Client() || back.Remote != s.Remote || back.User != s.User || len(back.Relays) != len(s.Relays) {
			t.Fatalf("%q came back differently (%v)", b, err)
		}
		back.Destroy()
	})
}
