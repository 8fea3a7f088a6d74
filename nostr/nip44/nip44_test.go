package nip44

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20"

	"nsecbunker/nostr"
)

func randomKey() (k [32]byte) {
	rand.Read(k[:])
	return k
}

// sealPadded makes a payload with a right MAC over any padded plaintext, as a
// faulty or hostile peer can.
func sealPadded(ck *[32]byte, padded []byte) string {
	raw := make([]byte, overhead+len(padded))
	raw[0] = version
	nonce := newNonce()
	copy(raw[1:], nonce[:])
	end := len(raw) - macSize
	copy(raw[33:end], padded)
	var keys messageKeys
	keys.derive(ck, &nonce)
	keys.xor(raw[33:end])
	mac := keys.mac(raw[1:end])
	copy(raw[end:], mac[:])
	return encoding.EncodeToString(raw)
}

// stdSeal is NIP-44's encrypt and pad written from its text over the standard
// library's HKDF and HMAC.
func stdSeal(t testing.TB, ck, nonce, plaintext []byte) string {
	t.Helper()
	keys, err := hkdf.Expand(sha256.New, ck, string(nonce), 76)
	if err != nil {
		t.Fatal(err)
	}
	var padded []byte
	if len(plaintext) >= 65536 {
		padded = append(padded, 0, 0)
		padded = binary.BigEndian.AppendUint32(padded, uint32(len(plaintext)))
	} else {
		padded = binary.BigEndian.AppendUint16(padded, uint16(len(plaintext)))
	}
	padded = append(padded, plaintext...)
	padded = append(padded, make([]byte, textPaddedLen(len(plaintext))-len(plaintext))...)
	c, err := chacha20.NewUnauthenticatedCipher(keys[:32], keys[32:44])
	if err != nil {
		t.Fatal(err)
	}
	c.XORKeyStream(padded, padded)
	h := hmac.New(sha256.New, keys[44:])
	h.Write(nonce)
	h.Write(padded)
	out := append([]byte{2}, nonce...)
	out = append(out, padded...)
	return base64.StdEncoding.EncodeToString(h.Sum(out))
}

// textPaddedLen is calc_padded_len as NIP-44 writes it, with its logarithm.
func textPaddedLen(n int) int {
	if n <= 32 {
		return 32
	}
	nextPower := math.Pow(2, math.Floor(math.Log2(float64(n-1)))+1)
	chunk := 32.0
	if nextPower > 256 {
		chunk = nextPower / 8
	}
	return int(chunk * (math.Floor(float64(n-1)/chunk) + 1))
}

func TestEveryLengthEncryptsAsTheStandardLibrarySays(t *testing.T) {
	ck := randomKey()
	lengths := []int{4095, 4096, 4097, 65534, 65535, 65536, 65537, 81920, 81921, MaxExtended - 1, MaxExtended}
	for n := 1; n <= 600; n++ {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		plaintext := make([]byte, n)
		rand.Read(plaintext)
		nonce := newNonce()
		raw, err := seal(nil, &ck, nonce, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		payload := encoding.EncodeToString(raw)
		if payload != stdSeal(t, ck[:], nonce[:], plaintext) || payload != encode(raw) {
			t.Fatalf("%d bytes: differs from the standard library", n)
		}
		got, extended, err := Decrypt(&ck, payload)
		if err != nil || !bytes.Equal(got, plaintext) || extended != (n > 65535) {
			t.Fatalf("%d bytes: not the same back: extended %t, %v", n, extended, err)
		}
	}
}

func TestConversationKeyIsHKDFExtractOfTheSharedCoordinate(t *testing.T) {
	a := newArena(t)
	sk, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	var shared, got, swapped [32]byte
	if err := sk.ECDH(peer.PubKey(), &shared); err != nil {
		t.Fatal(err)
	}
	want, err := hkdf.Extract(sha256.New, shared[:], []byte("nip44-v2"))
	if err != nil {
		t.Fatal(err)
	}
	if err := ConversationKey(sk, peer.PubKey(), &got); err != nil || !bytes.Equal(got[:], want) {
		t.Errorf("got %x, want %x (%v)", got, want, err)
	}
	if err := ConversationKey(peer, sk.PubKey(), &swapped); err != nil || swapped != got {
		t.Errorf("with roles swapped: %x, want %x (%v)", swapped, got, err)
	}
}

func TestPaddedLengthMatchesTheTextOfTheNIP(t *testing.T) {
	// Every length to past the extended prefix, then every chunk's ends.
	step := 1
	for n := 1; n <= MaxExtended; n += step {
		if n == 1<<17 {
			step = 1<<12 - 1
		}
		if got, want := paddedLen(n), textPaddedLen(n); got != want {
			t.Fatalf("paddedLen(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestPlaintextBounds(t *testing.T) {
	ck := randomKey()
	for _, c := range []struct {
		n                   int
		encrypt, encryptExt error
	}{
		{0, ErrEmpty, ErrEmpty},
		{1, nil, nil},
		{MaxPlaintext, nil, nil},
		{MaxPlaintext + 1, ErrTooLong, nil},
		{MaxExtended, ErrTooLong, nil},
		{MaxExtended + 1, ErrTooLong, ErrTooLarge},
	} {
		plaintext := make([]byte, c.n)
		if _, err := Encrypt(&ck, plaintext); !errors.Is(err, c.encrypt) {
			t.Errorf("Encrypt of %d: %v, want %v", c.n, err, c.encrypt)
		}
		if _, err := EncryptExtended(&ck, plaintext); !errors.Is(err, c.encryptExt) {
			t.Errorf("EncryptExtended of %d: %v, want %v", c.n, err, c.encryptExt)
		}
		dst, err := AppendEncrypt([]byte("before:"), &ck, plaintext)
		if !errors.Is(err, c.encryptExt) || !bytes.HasPrefix(dst, []byte("before:")) || (err != nil && len(dst) != 7) {
			t.Errorf("AppendEncrypt of %d: %d bytes, %v", c.n, len(dst), err)
		}
	}
}

func TestAppendEncryptWritesWhatDecryptReads(t *testing.T) {
	ck := randomKey()
	dst, err := AppendEncrypt([]byte(`"`), &ck, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := Decrypt(&ck, string(dst[1:])); err != nil || string(got) != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestPayloadSizeIsRefusedBeforeBase64(t *testing.T) {
	ck := randomKey()
	largest, err := EncryptExtended(&ck, make([]byte, MaxExtended))
	if err != nil {
		t.Fatal(err)
	}
	if len(largest) != MaxPayload {
		t.Errorf("a plaintext of MaxExtended makes %d characters, MaxPayload is %d", len(largest), MaxPayload)
	}
	if _, _, err := Decrypt(&ck, largest); err != nil {
		t.Errorf("the largest payload: %v", err)
	}
	// Were it decoded first, it would be found not to be base64.
	if _, _, err := Decrypt(&ck, strings.Repeat("!", MaxPayload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one above: %v, want ErrTooLarge", err)
	}
	smallest, err := Encrypt(&ck, []byte("a"))
	if err != nil || len(smallest) != MinPayload {
		t.Errorf("the smallest payload has %d characters, MinPayload is %d (%v)", len(smallest), MinPayload, err)
	}
	if _, _, err := Decrypt(&ck, smallest[:MinPayload-4]); !errors.Is(err, ErrPayload) {
		t.Errorf("one group fewer: %v, want ErrPayload", err)
	}
}

func TestMalformedPayloadsAreRefused(t *testing.T) {
	ck := randomKey()
	good, err := Encrypt(&ck, bytes.Repeat([]byte("a"), 40))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, payload string
		want          error
	}{
		{"empty", "", ErrVersion},
		{"#", "#" + good, ErrVersion},
		{"version 1", "AQ" + good[2:], ErrVersion},
		{"version 0", "AA" + good[2:], ErrVersion},
		{"line end inside", good[:50] + "\n" + good[50:], ErrPayload},
		{"carriage return at the end", good + "\r", ErrPayload},
		{"space inside", good[:50] + " " + good[50:], ErrPayload},
		{"URL alphabet", "Ag-_" + good[4:], ErrPayload},
		{"no padding", strings.TrimRight(good, "="), ErrPayload},
		{"a NIP-04 content", strings.Repeat("A", 200) + "?iv=AAAAAAAAAAAAAAAAAAAAAA==", ErrPayload},
		{"cut off", good[:len(good)-8] + "AAA=", ErrMAC},
		{"98 bytes", base64.StdEncoding.EncodeToString(append([]byte{2}, make([]byte, 97)...)), ErrPayload},
		{"NUL", strings.Repeat("\x00", 200), ErrPayload},
	} {
		got, _, err := Decrypt(&ck, c.payload)
		if got != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v; want %v", c.name, got, err, c.want)
		}
	}
}

func TestUnusedBitsOfBase64AreRefused(t *testing.T) {
	ck := randomKey()
	payload, err := Encrypt(&ck, bytes.Repeat([]byte("a"), 33)) // 65+66 bytes: two over whole groups
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(payload, "=") || strings.HasSuffix(payload, "==") {
		t.Fatalf("the test needs a payload that ends in one =, got %q", payload[len(payload)-4:])
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := len(payload) - 2
	other := alphabet[strings.IndexByte(alphabet, payload[at])|1]
	if _, _, err := Decrypt(&ck, payload[:at]+string(other)+"="); !errors.Is(err, ErrPayload) {
		t.Errorf("got %v, want ErrPayload", err)
	}
}

func TestEveryChangedBitIsFound(t *testing.T) {
	ck := randomKey()
	nonce := newNonce()
	raw, err := seal(nil, &ck, nonce, []byte("attack at dawn"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		forged := bytes.Clone(raw)
		forged[i/8] ^= 1 << (i % 8)
		want := ErrMAC
		if i < 8 {
			want = ErrVersion
		}
		if got, _, err := Decrypt(&ck, encoding.EncodeToString(forged)); got != nil || !errors.Is(err, want) {
			t.Fatalf("bit %d: %q, %v; want %v", i, got, err, want)
		}
	}
	for i := range 256 {
		other := ck
		other[i/8] ^= 1 << (i % 8)
		if _, _, err := Decrypt(&other, encoding.EncodeToString(raw)); !errors.Is(err, ErrMAC) {
			t.Fatalf("key bit %d: %v, want ErrMAC", i, err)
		}
	}
}

func TestInvalidPaddingIsRefusedThoughTheMACMatches(t *testing.T) {
	ck := randomKey()
	short := func(length, size int) []byte {
		b := make([]byte, 2+size)
		binary.BigEndian.PutUint16(b, uint16(length))
		return b
	}
	long := func(length uint32, size int) []byte {
		b := make([]byte, 6+size)
		binary.BigEndian.PutUint32(b[2:], length)
		return b
	}
	for name, padded := range map[string][]byte{
		"length zero":                            make([]byte, 34),
		"length past the end":                    short(33, 32),
		"padded too far":                         short(32, 64),
		"padded too little":                      short(33, 33),
		"one byte too many":                      short(5, 33),
		"extended for a short length":            long(5, 32),
		"extended for 65535":                     long(65535, 65536),
		"extended, length past the end":          long(65536, 65535),
		"extended, padded too far":               long(65536, 81920),
		"extended, above our bound":              long(MaxExtended+1, MaxExtended),
		"extended, 2^32-1":                       long(math.MaxUint32, 65536),
		"extended, where the short prefix would": append(long(65536, 65536), 0, 0),
	} {
		if got, _, err := Decrypt(&ck, sealPadded(&ck, padded)); got != nil || !errors.Is(err, ErrPadding) {
			t.Errorf("%s: %d bytes, %v; want ErrPadding", name, len(got), err)
		}
	}
}

func TestPlaintextCannotGrowIntoThePadding(t *testing.T) {
	ck := randomKey()
	payload, err := Encrypt(&ck, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := Decrypt(&ck, payload)
	if err != nil || cap(got) != len(got) {
		t.Errorf("length %d, capacity %d, %v", len(got), cap(got), err)
	}
}

func TestTwoPayloadsOfOnePlaintextDiffer(t *testing.T) {
	ck := randomKey()
	one, err1 := Encrypt(&ck, []byte("hello"))
	two, err2 := Encrypt(&ck, []byte("hello"))
	if err1 != nil || err2 != nil || one == two {
		t.Errorf("same nonce twice (%v, %v)", err1, err2)
	}
}

func BenchmarkEncrypt(b *testing.B) { benchmark(b, true) }
func BenchmarkDecrypt(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, encrypt bool) {
	ck := randomKey()
	for _, c := range []struct {
		name string
		n    int
	}{{"100B", 100}, {"1KiB", 1 << 10}, {"64KiB", 65535}, {"1MiB", MaxExtended}} {
		plaintext := make([]byte, c.n)
		payload, err := EncryptExtended(&ck, plaintext)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(c.n))
			b.ReportAllocs()
			for b.Loop() {
				if encrypt {
					_, err = EncryptExtended(&ck, plaintext)
				} else {
					_, _, err = Decrypt(&ck, payload)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkConversationKey(b *testing.B) {
	a := newArena(b)
	sk, err := nostr.GenerateKey(a)
	if err != nil {
		b.Fatal(err)
	}
	peer := sk.PubKey()
	var out [32]byte
	b.ReportAllocs()
	for b.Loop() {
		if err := ConversationKey(sk, peer, &out); err != nil {
			b.Fatal(err)
		}
	}
}
