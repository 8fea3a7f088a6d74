package nip19

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// FuzzNIP19: any text is read or refused, and refused by a sentence that repeats
// nothing of it; what is read is written and read again as the same.
func FuzzNIP19(f *testing.F) {
	for _, s := range []string{
		exampleNpub, exampleNsec, exampleProfile, exampleNpubHex, strings.ToUpper(exampleNpub), "nostr:" + exampleNpub,
		"", "1", "npub1", "nsec1", "a12uel5l", "nprofile1qq", "bunker://x", "bob@example.com",
		tlv(f, "nevent", 0, make([]byte, 32), 3, []byte{0, 0, 0, 1}),
		tlv(f, "naddr", 0, "banana", 1, "wss://a", 2, make([]byte, 32), 3, []byte{0, 0, 117, 48}),
		tlv(f, "naddr", 0, "", 0, "", 9, "x"),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var errs []error
		p, err := DecodeNpub(s)
		errs = append(errs, err)
		if err == nil && EncodeNpub(p) != strings.ToLower(s) {
			t.Fatal("npub changed")
		}
		raw, err := DecodeNsec([]byte(s))
		errs = append(errs, err)
		if err == nil && !bytes.Equal(EncodeNsec(raw), bytes.ToLower([]byte(s))) {
			t.Fatal("nsec changed")
		}
		id, err := DecodeNote(s)
		errs = append(errs, err)
		if err == nil && EncodeNote(id) != strings.ToLower(s) {
			t.Fatal("note changed")
		}
		_, err = ParsePublicKey(s)
		errs = append(errs, err)

		profile, err := DecodeProfile(s)
		errs = append(errs, err)
		if err == nil {
			again(t, profile, EncodeProfile, DecodeProfile)
		}
		event, err := DecodeEvent(s)
		errs = append(errs, err)
		if err == nil {
			again(t, event, EncodeEvent, DecodeEvent)
		}
		addr, err := DecodeAddress(s)
		errs = append(errs, err)
		if err == nil {
			again(t, addr, EncodeAddress, DecodeAddress)
		}

		for _, err := range errs {
			if len(s) > 24 && err != nil && strings.Contains(err.Error(), s[len(s)-12:]) {
				t.Fatalf("the error repeats its input: %v", err)
			}
		}
	})
}

// again writes v and reads it.
func again[T any](t *testing.T, v T, write func(T) (string, error), read func(string) (T, error)) {
	t.Helper()
	s, err := write(v)
	if err != nil {
		t.Fatalf("read, but cannot be written: %v", err)
	}
	if got, err := read(s); err != nil || !reflect.DeepEqual(got, v) {
		t.Fatalf("read again as %+v, %v; want %+v", got, err, v)
	}
}
