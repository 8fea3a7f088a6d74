package nip19

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19/bech32"
)

// NIP-19's own examples.
const (
	exampleNpub     = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"
	exampleNpubHex  = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"
	exampleNpub2    = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
	exampleNpub2Hex = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"
	exampleNsec     = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
	exampleNsecHex  = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa"
	exampleProfile  = "nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExamplesOfTheNIP(t *testing.T) {
	for npub, want := range map[string]string{exampleNpub: exampleNpubHex, exampleNpub2: exampleNpub2Hex} {
		p, err := DecodeNpub(npub)
		if err != nil || p.String() != want {
			t.Errorf("%s: %s, %v", npub, p, err)
		}
		if got := EncodeNpub(p); got != npub {
			t.Errorf("encoded %s, want %s", got, npub)
		}
	}

	raw, err := DecodeNsec([]byte(exampleNsec))
	if err != nil || hex.EncodeToString(raw) != exampleNsecHex {
		t.Errorf("nsec: %x, %v", raw, err)
	}
	if got := EncodeNsec(raw); string(got) != exampleNsec {
		t.Errorf("encoded %s", got)
	}

	p, err := DecodeProfile(exampleProfile)
	if err != nil || p.PubKey.String() != exampleNpubHex || !slices.Equal(p.Relays, []string{"wss://r.x.com", "wss://djbas.sadkb.com"}) {
		t.Errorf("nprofile: %+v, %v", p, err)
	}
	if got, err := EncodeProfile(p); err != nil || got != exampleProfile {
		t.Errorf("encoded %s, %v", got, err)
	}
}

func TestUpperCaseIsTheSame(t *testing.T) {
	if p, err := DecodeNpub(strings.ToUpper(exampleNpub)); err != nil || p.String() != exampleNpubHex {
		t.Errorf("%s, %v", p, err)
	}
}

func TestNoteComesBack(t *testing.T) {
	id := nostr.ID(unhex(t, exampleNpubHex))
	s := EncodeNote(id)
	if got, err := DecodeNote(s); err != nil || got != id || !strings.HasPrefix(s, "note1") || len(s) != 63 {
		t.Errorf("%s: %s, %v", s, got, err)
	}
}

func TestWrongKindIsNamedAndNeverRepeated(t *testing.T) {
	npub := func(s string) error { _, err := DecodeNpub(s); return err }
	nsec := func(s string) error { _, err := DecodeNsec([]byte(s)); return err }
	note := func(s string) error { _, err := DecodeNote(s); return err }
	profile := func(s string) error { _, err := DecodeProfile(s); return err }
	event := func(s string) error { _, err := DecodeEvent(s); return err }
	addr := func(s string) error { _, err := DecodeAddress(s); return err }
	public := func(s string) error { _, err := ParsePublicKey(s); return err }

	for _, c := range []struct {
		name   string
		decode func(string) error
		given  string
		want   string
	}{
		{"nsec for npub", npub, exampleNsec, "nip19: expected an npub (a public key); this is an nsec (a private key): keep it secret, and paste it only where a private key is asked for"},
		{"NSEC for npub", npub, strings.ToUpper(exampleNsec), "this is an nsec"},
		{"mistyped nsec for npub", npub, exampleNsec[:62] + "q", "this is an nsec"},
		{"cut nsec for npub", npub, exampleNsec[:40], "this is an nsec"},
		{"nsec with spaces for npub", npub, " " + exampleNsec + "\n", "this is an nsec"},
		{"nostr:nsec for npub", public, "nostr:" + exampleNsec, "this is an nsec"},
		{"nsec for a public key", public, exampleNsec, "this is an nsec"},
		{"nsec for note", note, exampleNsec, "this is an nsec"},
		{"nsec for nprofile", profile, exampleNsec, "this is an nsec"},
		{"nsec for nevent", event, exampleNsec, "this is an nsec"},
		{"nsec for naddr", addr, exampleNsec, "this is an nsec"},
		{"npub for nsec", nsec, exampleNpub, "expected an nsec (a private key); this is an npub"},
		{"nprofile for nsec", nsec, exampleProfile, "this is an nprofile"},
		{"ncryptsec for nsec", nsec, "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p", "this is an ncryptsec"},
		{"hex for nsec", nsec, exampleNsecHex, "this is 64 hex digits"},
		{"hex for npub", npub, exampleNsecHex, "this is 64 hex digits"},
		{"words for nsec", nsec, "leader monkey parrot ring guide accident before fence cannon height naive bean", "a recovery phrase?"},
		{"a bunker URI for npub", npub, "bunker://" + exampleNpubHex + "?relay=wss%3A%2F%2Fa&secret=hunter2", "a bunker:// URI"},
		{"a connection string", public, "bunker-admin://" + exampleNpubHex, "a bunker-admin:// connection string"},
		{"a nostrconnect URI", public, "nostrconnect://" + exampleNpubHex + "?secret=hunter2", "a nostrconnect:// URI"},
		{"a wallet URI", public, "nostr+walletconnect://" + exampleNpubHex + "?secret=hunter2", "a nostr+walletconnect:// URI"},
		{"a relay", public, "wss://relay.example", "a relay's address"},
		{"a name", public, "bob@example.com", "a name with @"},
		{"nothing", public, "  ", "this is nothing"},
		{"an unknown bech32", public, "a12uel5l", "none of the forms"},
		{"something else", public, "hunter2", "none of the forms"},
		{"not a point", public, strings.Repeat("f", 64), "no point of the curve"},
		{"mistyped npub", npub, exampleNpub[:62] + "q", "checksum"},
		{"mistyped nsec", nsec, exampleNsec[:62] + "q", "checksum"},
		{"cut npub", npub, "npub1q", "too short"},
		{"npub with a 1 inside", npub, "npub1x12uel5l", "nip19: reading an npub"},
		{"npub in mixed case", npub, strings.ToUpper(exampleNpub[:30]) + exampleNpub[30:], "mixes"},
	} {
		err := c.decode(c.given)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
			continue
		}
		for _, part := range []string{"vl029mgpspedva", "VL029MGPSPEDVA", "67dea2ed018072d6", "leader", "bean", "hunter2", "qgg9947rlpv"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error repeats what was given: %v", c.name, err)
			}
		}
	}
	var wrong *WrongKindError
	if err := npub(exampleNsec); !errors.As(err, &wrong) {
		t.Errorf("not a *WrongKindError: %v", err)
	}
}

func TestPublicKeyIsReadInEveryFormThatPeoplePaste(t *testing.T) {
	for _, s := range []string{
		exampleNpub, exampleNpubHex, exampleProfile,
		strings.ToUpper(exampleNpub), strings.ToUpper(exampleNpubHex),
		"nostr:" + exampleNpub, "nostr:" + exampleProfile, " " + exampleNpub + "\r\n", "NOSTR:" + strings.ToUpper(exampleNpub),
	} {
		if p, err := ParsePublicKey(s); err != nil || p.String() != exampleNpubHex {
			t.Errorf("%q: %s, %v", s, p, err)
		}
	}
}

func TestOtherLengthsThan32BytesAreRefused(t *testing.T) {
	for _, n := range []int{0, 1, 20, 31, 33, 64, 1000} {
		data := make([]byte, n)
		encode := func(hrp string) []byte {
			b, err := bech32.Encode(hrp, data)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if _, err := DecodeNpub(string(encode("npub"))); !errors.Is(err, ErrLength) {
			t.Errorf("npub of %d: %v", n, err)
		}
		if _, err := DecodeNote(string(encode("note"))); !errors.Is(err, ErrLength) {
			t.Errorf("note of %d: %v", n, err)
		}
		if raw, err := DecodeNsec(encode("nsec")); !errors.Is(err, ErrLength) || raw != nil {
			t.Errorf("nsec of %d: %x, %v", n, raw, err)
		}
	}
}

func TestEncodeNsecOfAnotherLengthIsABug(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	EncodeNsec(make([]byte, 31))
}

func TestDecodeNsecDoesNotShareMemoryWithItsInput(t *testing.T) {
	in := []byte(exampleNsec)
	raw, err := DecodeNsec(in)
	if err != nil {
		t.Fatal(err)
	}
	clear(in)
	if !bytes.Equal(raw, unhex(t, exampleNsecHex)) {
		t.Error("the key changed with the input")
	}
}

func TestTextsAboveTheBoundAreRefused(t *testing.T) {
	if _, err := DecodeNpub("npub1" + strings.Repeat("q", MaxLength)); !errors.Is(err, bech32.ErrTooLong) {
		t.Errorf("%v, want ErrTooLong", err)
	}
}
