package nip04

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

func randomKey() (k [32]byte) {
	rand.Read(k[:])
	return k
}

// stdEncrypt is NIP-04's code sample over the standard library; blocks are
// padded by the caller, rightly or not.
func stdEncrypt(key, iv, blocks []byte) string {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(blocks))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, blocks)
	return base64.StdEncoding.EncodeToString(out) + "?iv=" + base64.StdEncoding.EncodeToString(iv)
}

func pkcs7(plaintext []byte) []byte {
	n := 16 - len(plaintext)%16
	return append(bytes.Clone(plaintext), bytes.Repeat([]byte{byte(n)}, n)...)
}

func TestEveryLengthEncryptsAsTheStandardLibrarySays(t *testing.T) {
	for _, n := range []int{0, 1, 2, 14, 15, 16, 17, 31, 32, 33, 255, 256, 1000, 4095, 65535, 65536, MaxPlaintext} {
		key := randomKey()
		iv := [16]byte(key[:16])
		plaintext := make([]byte, n)
		rand.Read(plaintext)
		got, err := encrypt(&key, &iv, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		if got != stdEncrypt(key[:], iv[:], pkcs7(plaintext)) {
			t.Fatalf("%d bytes: differs from the standard library", n)
		}
		back, err := Decrypt(&key, got)
		if err != nil || !bytes.Equal(back, plaintext) {
			t.Fatalf("%d bytes: not the same back: %v", n, err)
		}
		if cap(back) != len(back) {
			t.Fatalf("%d bytes: capacity %d reaches into the padding", n, cap(back))
		}
	}
}

// The vector is the standard's own: NIST SP 800-38A, F.2.5 (CBC-AES256.Encrypt),
// four blocks, to which PKCS #7 adds a fifth.
func TestEncryptionIsAES256CBC(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key := unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
	iv := unhex("000102030405060708090a0b0c0d0e0f")
	plaintext := unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	want := unhex("f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b")
	got, err := encrypt((*[32]byte)(key), (*[16]byte)(iv), plaintext)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(got, "?")
	blocks, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(blocks) != 80 || !bytes.Equal(blocks[:64], want) {
		t.Fatalf("got %x (%v)", blocks, err)
	}
}

func TestMalformedContentsAreRefused(t *testing.T) {
	key := randomKey()
	good, err := Encrypt(&key, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	text, iv, _ := strings.Cut(good, "?iv=")
	b64 := base64.StdEncoding.EncodeToString
	for _, c := range []struct{ name, payload string }{
		{"empty", ""},
		{"no iv", text},
		{"empty iv", text + "?iv="},
		{"no text", "?iv=" + iv},
		{"only separators", "?iv=?iv="},
		// An IV of any other length makes crypto/cipher panic: it has ended other bunkers.
		{"iv of 15 bytes", text + "?iv=" + b64(make([]byte, 15))},
		{"iv of 17 bytes", text + "?iv=" + b64(make([]byte, 17))},
		{"iv of 18 bytes", text + "?iv=" + b64(make([]byte, 18))},
		{"iv of 12 bytes", text + "?iv=" + b64(make([]byte, 12))},
		{"iv of 32 bytes", text + "?iv=" + b64(make([]byte, 32))},
		{"iv of 1 byte", text + "?iv=AA=="},
		{"iv without padding", text + "?iv=" + strings.TrimRight(iv, "=")},
		{"iv in hex", text + "?iv=000102030405060708090a0b0c0d0e0f"},
		{"iv with unused bits", text + "?iv=AAAAAAAAAAAAAAAAAAAAAB=="},
		{"two ivs", text + "?iv=" + iv + "?iv=" + iv},
		{"something after the iv", good + "&x=1"},
		{"15 bytes", b64(make([]byte, 15)) + "?iv=" + iv},
		{"17 bytes", b64(make([]byte, 17)) + "?iv=" + iv},
		{"not base64", "hello, world!!??" + "?iv=" + iv},
		{"line end in the text", text[:8] + "\n" + text[8:] + "?iv=" + iv},
		{"line end at the end", good + "\n"},
		{"space", " " + good},
		{"a NIP-44 payload", "Ag" + strings.Repeat("A", 130)},
	} {
		got, err := Decrypt(&key, c.payload)
		if got != nil || !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %q, %v; want ErrFormat", c.name, got, err)
		}
	}
}

func TestWhateverIsWrongWithThePaddingTheErrorIsTheSame(t *testing.T) {
	key := randomKey()
	iv := make([]byte, 16)
	block := func(tail ...byte) []byte {
		b := bytes.Repeat([]byte{0xaa}, 32)
		copy(b[32-len(tail):], tail)
		return b
	}
	for name, blocks := range map[string][]byte{
		"0":                   block(0),
		"17":                  block(17),
		"255":                 block(255),
		"2 after 1":           block(1, 2),
		"3 after 3, 2":        block(3, 2, 3),
		"16 with one wrong":   append(make([]byte, 16), append([]byte{15}, bytes.Repeat([]byte{16}, 15)...)...),
		"32, as if two whole": bytes.Repeat([]byte{32}, 32),
	} {
		got, err := Decrypt(&key, stdEncrypt(key[:], iv, blocks))
		if got != nil || err != ErrDecrypt { // the very same value, nothing wrapped around it
			t.Errorf("padding %s: %q, %v; want ErrDecrypt itself", name, got, err)
		}
	}
	for n := 1; n <= 16; n++ {
		blocks := block(bytes.Repeat([]byte{byte(n)}, n)...)
		if got, err := Decrypt(&key, stdEncrypt(key[:], iv, blocks)); err != nil || len(got) != 32-n {
			t.Errorf("right padding of %d: %d bytes, %v", n, len(got), err)
		}
	}
}

func TestSizesAreRefusedBeforeBase64(t *testing.T) {
	key := randomKey()
	largest, err := Encrypt(&key, make([]byte, MaxPlaintext))
	if err != nil {
		t.Fatal(err)
	}
	if len(largest) != MaxPayload {
		t.Errorf("a plaintext of MaxPlaintext makes %d characters, MaxPayload is %d", len(largest), MaxPayload)
	}
	if _, err := Decrypt(&key, largest); err != nil {
		t.Errorf("the largest content: %v", err)
	}
	if _, err := Encrypt(&key, make([]byte, MaxPlaintext+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Encrypt of one more: %v, want ErrTooLarge", err)
	}
	// Were it decoded first, it would be found not to be base64.
	if _, err := Decrypt(&key, strings.Repeat("!", MaxPayload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Decrypt of one more: %v, want ErrTooLarge", err)
	}
}

func TestTwoContentsOfOnePlaintextDiffer(t *testing.T) {
	key := randomKey()
	one, err1 := Encrypt(&key, []byte("hello"))
	two, err2 := Encrypt(&key, []byte("hello"))
	if err1 != nil || err2 != nil || one == two {
		t.Errorf("same IV twice (%v, %v)", err1, err2)
	}
}

func TestSharedKeyIsTheUnhashedCoordinateAndTheSameForBoth(t *testing.T) {
	a, err := secret.NewArena(1<<14, secret.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	one := [32]byte{31: 1}
	sk, err := nostr.NewSecretKey(a, one[:])
	if err != nil {
		t.Fatal(err)
	}
	peer, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs [32]byte
	if err := SharedKey(sk, peer.PubKey(), &ours); err != nil {
		t.Fatal(err)
	}
	// 1·P is P: its coordinate must come out as it is.
	if ours != [32]byte(peer.PubKey()) {
		t.Errorf("1·P has x %x, want %x", ours, peer.PubKey())
	}
	if err := SharedKey(peer, sk.PubKey(), &theirs); err != nil || theirs != ours {
		t.Errorf("with roles swapped: %x, want %x (%v)", theirs, ours, err)
	}

	ours = [32]byte{1}
	if err := SharedKey(sk, nostr.PubKey{}, &ours); err == nil || ours != [32]byte{} {
		t.Errorf("no point: out %x, %v", ours, err)
	}
	sk.Destroy()
	if err := SharedKey(sk, peer.PubKey(), &ours); !errors.Is(err, secret.ErrDestroyed) {
		t.Errorf("destroyed: %v", err)
	}
}

// From nostr-tools, nip04.test.ts: what the most used client library wrote.
func TestContentOfNostrToolsIsDecrypted(t *testing.T) {
	a, err := secret.NewArena(1<<14, secret.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	var keys [2]*nostr.SecretKey
	for i, s := range []string{
		"91ba716fa9e7ea2fcbad360cf4f8e0d312f73984da63d90f524ad61a6a1e7dbe",
		"96f6fa197aa07477ab88f6981118466ae3a982faab8ad5db9d5426870c73d220",
	} {
		raw, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		if keys[i], err = nostr.NewSecretKey(a, raw); err != nil {
			t.Fatal(err)
		}
	}
	for i := range keys {
		var key [32]byte
		if err := SharedKey(keys[i], keys[1-i].PubKey(), &key); err != nil {
			t.Fatal(err)
		}
		got, err := Decrypt(&key, "zJxfaJ32rN5Dg1ODjOlEew==?iv=EV5bUjcc4OX2Km/zPp4ndQ==")
		if err != nil || string(got) != "nanana" {
			t.Errorf("as party %d: %q, %v", i, got, err)
		}
	}
}

// textUnpad is RFC 5652, 6.3, in plain branches.
func textUnpad(blocks []byte) (int, bool) {
	n := int(blocks[len(blocks)-1])
	if n < 1 || n > 16 {
		return 0, false
	}
	if !bytes.HasSuffix(blocks, bytes.Repeat([]byte{byte(n)}, n)) {
		return 0, false
	}
	return len(blocks) - n, true
}

// FuzzNIP04: any content is decrypted or refused; padding is judged as the RFC
// does; what we encrypt comes back.
func FuzzNIP04(f *testing.F) {
	key := [32]byte{1, 2, 3}
	for _, s := range []string{"", "a", "hello, world", strings.Repeat("x", 16)} {
		payload, err := Encrypt(&key, []byte(s))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(key[:], payload, []byte(s))
	}
	f.Add(key[:], "AAAAAAAAAAAAAAAAAAAAAA==?iv=AAAA", bytes.Repeat([]byte{16}, 16))
	f.Add(key[:], "?iv=", bytes.Repeat([]byte{17}, 32))
	f.Add(key[:], "AAAA?iv=AAAAAAAAAAAAAAAAAAAAAA==", append(make([]byte, 15), 1))

	f.Fuzz(func(t *testing.T, k []byte, payload string, text []byte) {
		var key [32]byte
		copy(key[:], k)
		if got, err := Decrypt(&key, payload); err != nil && got != nil {
			t.Fatalf("an error and %d bytes", len(got))
		}
		if n := len(text); n > 0 && n%16 == 0 && n <= MaxPlaintext {
			got, err := Decrypt(&key, stdEncrypt(key[:], make([]byte, 16), text))
			want, ok := textUnpad(text)
			if ok != (err == nil) || ok && !bytes.Equal(got, text[:want]) {
				t.Fatalf("padded text read as %d bytes, %v; want %d, %t", len(got), err, want, ok)
			}
		}
		sealed, err := Encrypt(&key, text)
		if (err == nil) != (len(text) <= MaxPlaintext) {
			t.Fatalf("encrypting %d bytes: %v", len(text), err)
		}
		if err == nil {
			if got, err := Decrypt(&key, sealed); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%d bytes did not come back: %v", len(text), err)
			}
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	key := randomKey()
	payload, err := Encrypt(&key, make([]byte, 300))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decrypt(&key, payload); err != nil {
			b.Fatal(err)
		}
	}
}
