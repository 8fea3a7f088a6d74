package vault

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func TestHKDFMatchesRFC5869(t *testing.T) {
	// RFC 5869, A.3: no salt, no info; the first 32 of its 42 bytes.
	want, err := hex.DecodeString("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")
	must(t, err)
	var got [32]byte
	derive(&got, bytes.Repeat([]byte{0x0b}, 22), nil)
	if !bytes.Equal(got[:], want) {
		t.Fatalf("got %x", got)
	}
}

func FuzzHKDFAndHMACMatchTheStandardLibrary(f *testing.F) {
	f.Add([]byte("key"), []byte("info"), []byte("rest"))
	f.Add([]byte{}, []byte{}, []byte{})
	f.Add(bytes.Repeat([]byte{1}, 64), bytes.Repeat([]byte{2}, 64), bytes.Repeat([]byte{3}, 200))
	f.Fuzz(func(t *testing.T, key, info, rest []byte) {
		var got [32]byte
		derive(&got, key, info)
		want, err := hkdf.Key(sha256.New, key, nil, string(info), 32)
		must(t, err)
		if !bytes.Equal(got[:], want) {
			t.Fatal("HKDF differs")
		}
		if len(key) > sha256.BlockSize {
			return
		}
		h := hmac.New(sha256.New, key)
		h.Write(info)
		h.Write(rest)
		hmacSHA256(&got, key, info, rest)
		if !bytes.Equal(got[:], h.Sum(nil)) {
			t.Fatal("HMAC differs")
		}
	})
}

func TestSubkeysOfOneKeyAreAllDifferent(t *testing.T) {
	v := newVault(t)
	te := v.tenants[self]
	seen := map[string]string{}
	for name, ring := range map[string]*keyring{"service": te.service, "root": te.root} {
		all := append(ring.sub, ring.key)
		for i, s := range all {
			must(t, s.Use(func(b []byte) {
				if other, ok := seen[string(b)]; ok {
					t.Errorf("%s %d is %s", name, i, other)
				}
				seen[string(b)] = name
			}))
		}
	}
	if len(seen) != int(servicePurposes)+int(rootPurposes)+2 {
		t.Fatalf("%d keys", len(seen))
	}
	// Another tenant with the same keys has other subkeys.
	must(t, v.OpenService("other", bytes.Repeat([]byte{1}, 32)))
	must(t, v.tenants["other"].service.with(wrapService, func(b []byte) {
		if _, ok := seen[string(b)]; ok {
			t.Error("two tenants have a subkey in common")
		}
	}))
}

func TestJoinedFieldsAreNeverAmbiguous(t *testing.T) {
	lists := [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"\x00\x00\x00\x01a"}}
	seen := map[string]bool{}
	for _, l := range lists {
		s := string(joined(l...))
		if seen[s] {
			t.Errorf("%q is another list, too", l)
		}
		seen[s] = true
	}
}
