package nip19

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19/bech32"
)

func TestPointersComeBack(t *testing.T) {
	pub := nostr.PubKey(unhex(t, exampleNpubHex))
	kind, kindZero := nostr.Kind(30023), nostr.Kind(0)
	for _, e := range []EventPointer{
		{ID: nostr.ID(pub)},
		{ID: nostr.ID(pub), Author: &pub},
		{ID: nostr.ID(pub), Kind: &kindZero},
		{ID: nostr.ID(pub), Relays: []string{"wss://a.example", "wss://b.example/x?y=z"}, Author: &pub, Kind: &kind},
	} {
		s, err := EncodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeEvent(s); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s: %+v, %v; want %+v", s, got, err, e)
		}
	}
	for _, a := range []Address{
		{PubKey: pub, Kind: 0},
		{PubKey: pub, Kind: 65535, Identifier: "banana"},
		{PubKey: pub, Kind: kind, Identifier: strings.Repeat("é", 127), Relays: []string{"ws://localhost:1"}},
	} {
		s, err := EncodeAddress(a)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeAddress(s); err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("%s: %+v, %v; want %+v", s, got, err, a)
		}
	}
}

// The texts stand in other NIPs (19 has none of these two) and in nostr-tools'
// nip19.test.ts.
func TestTextsOfOtherHandsAreRead(t *testing.T) {
	for s, want := range map[string]Address{
		"naddr1qqzkjurnw4ksz9thwden5te0wfjkccte9ehx7um5wghx7un8qgs2d90kkcq3nk2jry62dyf50k0h36rhpdtd594my40w9pkal876jxgrqsqqqa28pccpzu": {
			Identifier: "ipsum",
			PubKey:     nostr.PubKey(unhex(t, "a695f6b60119d9521934a691347d9f78e8770b56da16bb255ee286ddf9fda919")),
			Kind:       30023,
			Relays:     []string{"wss://relay.nostr.org"},
		},
		"naddr1qq98yetxv4ex2mnrv4esygrl54h466tz4v0re4pyuavvxqptsejl0vxcmnhfl60z3rth2xkpjspsgqqqw4rsf34vl5": {
			Identifier: "references",
			PubKey:     nostr.PubKey(unhex(t, "7fa56f5d6962ab1e3cd424e758c3002b8665f7b0d8dcee9fe9e288d7751ac194")),
			Kind:       30023,
		},
		"naddr1qqrxyctwv9hxzq3q80cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsxpqqqp65wqfwwaehxw309aex2mrp0yhxummnw3ezuetcv9khqmr99ekhjer0d4skjm3wv4uxzmtsd3jjucm0d5q3vamnwvaz7tmwdaehgu3wvfskuctwvyhxxmmd0zfmwx": {
			Identifier: "banana",
			PubKey:     nostr.PubKey(unhex(t, exampleNpubHex)),
			Kind:       30023,
			Relays:     []string{"wss://relay.nostr.example.mydomain.example.com", "wss://nostr.banana.com"},
		},
	} {
		if got, err := DecodeAddress(s); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", s, got, err, want)
		}
	}
	e, err := DecodeEvent("nevent1qqst8cujky046negxgwwm5ynqwn53t8aqjr6afd8g59nfqwxpdhylpcpzamhxue69uhhyetvv9ujuetcv9khqmr99e3k7mg8arnc9")
	if err != nil || e.ID.String() != "b3e392b11f5d4f28321cedd09303a748acfd0487aea5a7450b3481c60b6e4f87" || !slices.Equal(e.Relays, []string{"wss://relay.example.com"}) {
		t.Errorf("nevent: %+v, %v", e, err)
	}
}

// tlv encodes fields by hand: type, value, type, value, …
func tlv(t testing.TB, hrp string, fields ...any) string {
	t.Helper()
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		value, ok := fields[i+1].([]byte)
		if !ok {
			value = []byte(fields[i+1].(string))
		}
		b = append(b, byte(fields[i].(int)), byte(len(value)))
		b = append(b, value...)
	}
	return encode(t, hrp, b)
}

func encode(t testing.TB, hrp string, b []byte) string {
	t.Helper()
	s, err := bech32.Encode(hrp, b)
	if err != nil {
		t.Fatal(err)
	}
	return string(s)
}

func TestMalformedFieldsAreRefused(t *testing.T) {
	key, kind := make([]byte, 32), []byte{0, 0, 0, 1}
	profile := func(s string) error { _, err := DecodeProfile(s); return err }
	event := func(s string) error { _, err := DecodeEvent(s); return err }
	addr := func(s string) error { _, err := DecodeAddress(s); return err }
	for _, c := range []struct {
		name   string
		decode func(string) error
		given  string
		want   error
	}{
		{"empty nprofile", profile, tlv(t, "nprofile"), ErrMissing},
		{"nprofile of relays only", profile, tlv(t, "nprofile", 1, "wss://a"), ErrMissing},
		{"key of 31 bytes", profile, tlv(t, "nprofile", 0, key[:31]), ErrField},
		{"key of 0 bytes", profile, tlv(t, "nprofile", 0, ""), ErrField},
		{"key twice", profile, tlv(t, "nprofile", 0, key, 0, key), ErrRepeated},
		{"type without length", profile, encode(t, "nprofile", []byte{0}), ErrTruncated},
		{"length past the end", profile, encode(t, "nprofile", append([]byte{0, 33}, key...)), ErrTruncated},
		{"unknown type past the end", profile, encode(t, "nprofile", append(append([]byte{0, 32}, key...), 99, 1)), ErrTruncated},
		{"empty nevent", event, tlv(t, "nevent"), ErrMissing},
		{"author of 33 bytes", event, tlv(t, "nevent", 0, key, 2, append(key[:32:32], 1)), ErrField},
		{"empty author", event, tlv(t, "nevent", 0, key, 2, ""), ErrField},
		{"kind of 2 bytes", event, tlv(t, "nevent", 0, key, 3, kind[:2]), ErrField},
		{"kind 65536", event, tlv(t, "nevent", 0, key, 3, []byte{0, 1, 0, 0}), ErrKind},
		{"author twice", event, tlv(t, "nevent", 0, key, 2, key, 2, key), ErrRepeated},
		{"kind twice", event, tlv(t, "nevent", 0, key, 3, kind, 3, kind), ErrRepeated},
		{"naddr without identifier", addr, tlv(t, "naddr", 2, key, 3, kind), ErrMissing},
		{"naddr without author", addr, tlv(t, "naddr", 0, "x", 3, kind), ErrMissing},
		{"naddr without kind", addr, tlv(t, "naddr", 0, "x", 2, key), ErrMissing},
		{"naddr, kind 2^32-1", addr, tlv(t, "naddr", 0, "x", 2, key, 3, []byte{255, 255, 255, 255}), ErrKind},
		{"naddr, identifier twice", addr, tlv(t, "naddr", 0, "x", 0, "y", 2, key, 3, kind), ErrRepeated},
	} {
		if err := c.decode(c.given); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestWhatIsNotKnownOrNotUsableIsPassedOver(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	s := tlv(t, "nprofile", 99, "later", 1, "", 1, "wss://a b", 1, "wss://\x07", 1, "wss://é", 255, "", 0, key, 1, "wss://good", 4, key)
	p, err := DecodeProfile(s)
	if err != nil || p.PubKey != nostr.PubKey(key) || !slices.Equal(p.Relays, []string{"wss://good"}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRelaysAreBounded(t *testing.T) {
	key := make([]byte, 32)
	fields := []any{0, key}
	var relays []string
	for i := range MaxRelays + 4 {
		relays = append(relays, fmt.Sprintf("wss://r%d", i))
		fields = append(fields, 1, relays[i])
	}
	p, err := DecodeProfile(tlv(t, "nprofile", fields...))
	if err != nil || !slices.Equal(p.Relays, relays[:MaxRelays]) {
		t.Errorf("read %d relays, %v", len(p.Relays), err)
	}
	s, err := EncodeProfile(Profile{Relays: relays})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := DecodeProfile(s); err != nil || !slices.Equal(p.Relays, relays[:MaxRelays]) {
		t.Errorf("wrote %d relays, %v", len(p.Relays), err)
	}

	long := "wss://" + strings.Repeat("x", MaxValue-6)
	s, err = EncodeAddress(Address{Identifier: strings.Repeat("d", MaxValue), Relays: slices.Repeat([]string{long}, MaxRelays)})
	if err != nil || len(s) > MaxLength {
		t.Fatalf("%d characters, %v", len(s), err)
	}
	a, err := DecodeAddress(s)
	if err != nil || len(a.Relays) == 0 || len(a.Relays) == MaxRelays {
		t.Errorf("%d relays of 255 bytes fit, %v", len(a.Relays), err)
	}
}

func TestValuesThatDoNotFitAreNotWritten(t *testing.T) {
	for _, relay := range []string{"", strings.Repeat("x", MaxValue+1), "wss://a b", "wss://é", "wss://\n"} {
		if _, err := EncodeProfile(Profile{Relays: []string{relay}}); !errors.Is(err, ErrValue) {
			t.Errorf("relay %q: %v", relay, err)
		}
	}
	if _, err := EncodeAddress(Address{Identifier: strings.Repeat("d", MaxValue+1)}); !errors.Is(err, ErrValue) {
		t.Errorf("identifier: %v", err)
	}
}
