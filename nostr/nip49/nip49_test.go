package nip49

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"nsecbunker/nostr/nip19/bech32"
)

// quick is a KDF for tests of everything but scrypt: it depends on all that it
// is given, and keeps nothing.
func quick(password, salt []byte, logN uint8) ([]byte, error) {
	sum := sha256.Sum256(bytes.Join([][]byte{password, salt, {logN}}, []byte{0}))
	return sum[:], nil
}

// never is a KDF that must not be reached.
func never(t *testing.T) KDF {
	return func([]byte, []byte, uint8) ([]byte, error) {
		t.Error("the KDF ran")
		return make([]byte, 32), nil
	}
}

var testKey = bytes.Repeat([]byte{0x35}, 32)

func mustEncrypt(t testing.TB, password string) []byte {
	t.Helper()
	s, err := Encrypt(testKey, []byte(password), MinLogN, Secure, quick)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// field sets one byte of an ncryptsec's 91 and encodes them again.
func field(t testing.TB, ncryptsec []byte, at int, to byte) []byte {
	t.Helper()
	_, raw, err := bech32.Decode(ncryptsec)
	if err != nil {
		t.Fatal(err)
	}
	raw[at] = to
	return encode(t, HRP, raw)
}

func encode(t testing.TB, hrp string, raw []byte) []byte {
	t.Helper()
	s, err := bech32.Encode(hrp, raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type vectors struct {
	Decrypt []struct {
		Ncryptsec, Password, Seckey string
		LogN                        uint8 `json:"log_n"`
	}
	NFKC []struct {
		Password, Normalized string
		NormalizedUTF8       string `json:"normalized_utf8_hex"`
	}
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/nip49.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Decrypt) == 0 || len(v.NFKC) == 0 {
		t.Fatal("no vectors")
	}
	return v
}

func TestDecryptionMatchesTheVectorOfTheNIP(t *testing.T) {
	for _, v := range readVectors(t).Decrypt {
		raw, ksb, err := Decrypt([]byte(v.Ncryptsec), []byte(v.Password), Scrypt)
		if err != nil || hex.EncodeToString(raw) != v.Seckey || ksb > Untracked {
			t.Errorf("%x, %d, %v; want %s", raw, ksb, err, v.Seckey)
		}
		info, err := Inspect([]byte(v.Ncryptsec))
		if err != nil || info.LogN != v.LogN || info.SecurityByte != ksb || info.Memory() != 64<<20 {
			t.Errorf("%+v, %v", info, err)
		}
		if len(v.Ncryptsec) != Length {
			t.Errorf("%d characters, Length is %d", len(v.Ncryptsec), Length)
		}
	}
}

func TestPasswordIsNormalisedAsTheNIPSays(t *testing.T) {
	for _, v := range readVectors(t).NFKC {
		var seen []byte
		spy := func(password, salt []byte, logN uint8) ([]byte, error) {
			seen = bytes.Clone(password)
			return quick(password, salt, logN)
		}
		s, err := Encrypt(testKey, []byte(v.Password), MinLogN, Secure, spy)
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(seen) != v.NormalizedUTF8 || string(seen) != v.Normalized {
			t.Errorf("the KDF was given %x, want %s", seen, v.NormalizedUTF8)
		}
		for _, password := range []string{v.Password, v.Normalized} {
			if raw, _, err := Decrypt(s, []byte(password), quick); err != nil || !bytes.Equal(raw, testKey) {
				t.Errorf("password %q: %v", password, err)
			}
		}
	}
}

// A password that grew beyond its buffer would leave a copy that is not wiped.
func TestNoPasswordOutgrowsItsBuffer(t *testing.T) {
	for _, s := range []string{"", "a", strings.Repeat("a", MaxPassword), strings.Repeat("\ufdfa", MaxPassword/3), strings.Repeat("\u1e9b\u0323", MaxPassword/5), strings.Repeat("\U0001d160", MaxPassword/4), strings.Repeat("\u0390", MaxPassword/2)} {
		got, err := normalise([]byte(s))
		if err != nil || cap(got) != nfkcGrowth*len(s) {
			t.Errorf("%.12q: %d bytes became %d, capacity %d, %v", s, len(s), len(got), cap(got), err)
		}
	}
	for r := rune(0); r <= 0x10ffff; r++ {
		if s := string(r); len(norm.NFKC.String(s)) > nfkcGrowth*len(s) {
			t.Errorf("%U grows to %d bytes", r, len(norm.NFKC.String(s)))
		}
	}
}

func TestKeyComesBackWithItsSecurityByte(t *testing.T) {
	for ksb := Insecure; ksb <= Untracked; ksb++ {
		for _, logN := range []uint8{MinLogN, DefaultLogN, MaxLogN} {
			s, err := Encrypt(testKey, []byte("correct horse"), logN, ksb, quick)
			if err != nil {
				t.Fatal(err)
			}
			raw, got, err := Decrypt(s, []byte("correct horse"), quick)
			if err != nil || got != ksb || !bytes.Equal(raw, testKey) {
				t.Errorf("LOG_N %d, byte %d: %x, %d, %v", logN, ksb, raw, got, err)
			}
			if info, err := Inspect(s); err != nil || info != (Info{logN, ksb}) {
				t.Errorf("%+v, %v", info, err)
			}
			if raw, _, err := Decrypt(bytes.ToUpper(s), []byte("correct horse"), quick); err != nil || !bytes.Equal(raw, testKey) {
				t.Errorf("upper case: %v", err)
			}
		}
	}
	if one, two := mustEncrypt(t, "p"), mustEncrypt(t, "p"); bytes.Equal(one, two) {
		t.Error("salt and nonce twice the same")
	}
}

func TestScryptIsTheKDFOfOneDecryptionAndOneEncryption(t *testing.T) {
	s, err := Encrypt(testKey, []byte("nostr"), MinLogN, Untracked, Scrypt)
	if err != nil {
		t.Fatal(err)
	}
	if raw, _, err := Decrypt(s, []byte("nostr"), Scrypt); err != nil || !bytes.Equal(raw, testKey) {
		t.Errorf("%x, %v", raw, err)
	}
}

// RFC 7914, 12, has r = 8, p = 1 at N = 16384 with a result of 64 bytes; scrypt's
// last step is PBKDF2, whose first 32 bytes do not depend on that length.
func TestScryptMatchesItsRFC(t *testing.T) {
	got, err := Scrypt([]byte("pleaseletmein"), []byte("SodiumChloride"), 14)
	if want := "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"; err != nil || hex.EncodeToString(got) != want {
		t.Errorf("%x, %v; want %s", got, err, want)
	}
}

func TestLogNIsBounded(t *testing.T) {
	for _, logN := range []uint8{0, 1, MinLogN - 1, MaxLogN + 1, 22, 31, 63, 64, 255} {
		if _, err := Encrypt(testKey, []byte("p"), logN, Secure, never(t)); !errors.Is(err, ErrLogN) {
			t.Errorf("Encrypt with %d: %v, want ErrLogN", logN, err)
		}
	}
	good := mustEncrypt(t, "p")
	for _, logN := range []byte{0, MaxLogN + 1, 22, 31, 63, 64, 255} {
		s := field(t, good, 1, logN)
		if raw, _, err := Decrypt(s, []byte("p"), never(t)); raw != nil || !errors.Is(err, ErrLogN) {
			t.Errorf("Decrypt with %d: %v, want ErrLogN", logN, err)
		}
		if _, err := Inspect(s); !errors.Is(err, ErrLogN) {
			t.Errorf("Inspect with %d: %v, want ErrLogN", logN, err)
		}
		if _, err := Scrypt([]byte("p"), make([]byte, 16), logN); !errors.Is(err, ErrLogN) {
			t.Errorf("Scrypt with %d: %v, want ErrLogN", logN, err)
		}
	}
	// Below MinLogN others may have written; reading it harms nobody further.
	if _, _, err := Decrypt(field(t, good, 1, 1), []byte("p"), quick); !errors.Is(err, ErrDecrypt) {
		t.Errorf("Decrypt with 1: %v, want ErrDecrypt (the KDF's turn)", err)
	}
}

func TestMalformedTextsAreRefusedBeforeTheKDF(t *testing.T) {
	good := mustEncrypt(t, "p")
	_, raw, err := bech32.Decode(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		given []byte
		want  error
	}{
		{"nothing", nil, ErrFormat},
		{"prefix only", []byte("ncryptsec1"), ErrFormat},
		{"cut off", good[:len(good)-1], ErrFormat},
		{"one character more", append(bytes.Clone(good), 'q'), ErrFormat},
		{"mistyped", append(good[:len(good)-1:len(good)-1], 'b'), ErrFormat},
		{"an nsec", []byte("nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"), ErrFormat},
		{"no bytes", encode(t, HRP, nil), ErrFormat},
		{"90 bytes", encode(t, HRP, raw[:90]), ErrFormat},
		{"92 bytes", encode(t, HRP, append(bytes.Clone(raw), 0)), ErrFormat},
		{"one byte", encode(t, HRP, raw[:1]), ErrFormat},
		{"another prefix of the same length", encode(t, "ncryptsek", raw), ErrFormat},
		{"1 MB", bytes.Repeat([]byte("q"), 1<<20), ErrFormat},
		{"version 1", field(t, good, 0, 1), ErrVersion},
		{"version 3", field(t, good, 0, 3), ErrVersion},
		{"security byte 3", field(t, good, 42, 3), ErrSecurityByte},
		{"security byte 255", field(t, good, 42, 255), ErrSecurityByte},
	} {
		if raw, _, err := Decrypt(c.given, []byte("p"), never(t)); raw != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if _, err := Inspect(c.given); !errors.Is(err, c.want) {
			t.Errorf("Inspect, %s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	good := mustEncrypt(t, "p")
	_, raw, err := bech32.Decode(good)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		if got, _, err := Decrypt(field(t, good, i, raw[i]^1), []byte("p"), quick); got != nil || err == nil {
			t.Errorf("byte %d changed: %x, %v", i, got, err)
		}
	}
}

func TestWrongPasswordSaysNoMoreThanThat(t *testing.T) {
	good := mustEncrypt(t, "p")
	for _, password := range []string{"", "P", "p ", "q", strings.Repeat("p", MaxPassword)} {
		if raw, _, err := Decrypt(good, []byte(password), quick); raw != nil || !errors.Is(err, ErrDecrypt) {
			t.Errorf("%q: %x, %v; want ErrDecrypt", password, raw, err)
		}
	}
}

func TestPasswordsAndKeysThatMustNotBeAreRefused(t *testing.T) {
	for _, password := range [][]byte{nil, []byte(strings.Repeat("p", MaxPassword+1)), {0xff}, []byte("caf\xe9")} {
		if _, err := Encrypt(testKey, password, MinLogN, Secure, never(t)); !errors.Is(err, ErrPassword) {
			t.Errorf("Encrypt with %q: %v, want ErrPassword", password, err)
		}
		if password == nil {
			continue // somebody else may have encrypted with none
		}
		if _, _, err := Decrypt(mustEncrypt(t, "p"), password, never(t)); !errors.Is(err, ErrPassword) {
			t.Errorf("Decrypt with %q: %v, want ErrPassword", password, err)
		}
	}
	for _, n := range []int{0, 31, 33, 64} {
		if _, err := Encrypt(make([]byte, n), []byte("p"), MinLogN, Secure, never(t)); !errors.Is(err, ErrKey) {
			t.Errorf("key of %d bytes: %v, want ErrKey", n, err)
		}
	}
	if _, err := Encrypt(testKey, []byte("p"), MinLogN, 3, never(t)); !errors.Is(err, ErrSecurityByte) {
		t.Errorf("security byte 3: %v, want ErrSecurityByte", err)
	}
}

func TestInputsAreLeftAsTheyWereAndSecretsOfTheKDFAreWiped(t *testing.T) {
	raw, password := bytes.Clone(testKey), []byte("\ufdfa pass")
	before := bytes.Clone(password)
	var lent, result []byte
	keeper := func(p, salt []byte, logN uint8) ([]byte, error) {
		lent = p
		var err error
		result, err = quick(p, salt, logN)
		return result, err
	}
	s, err := Encrypt(raw, password, MinLogN, Secure, keeper)
	if err != nil {
		t.Fatal(err)
	}
	check := func(act string) {
		t.Helper()
		if !bytes.Equal(raw, testKey) || !bytes.Equal(password, before) {
			t.Errorf("%s changed its input", act)
		}
		if !bytes.Equal(lent, make([]byte, len(lent))) || !bytes.Equal(result, make([]byte, 32)) {
			t.Errorf("%s left the normalised password or the derived key in memory", act)
		}
	}
	check("Encrypt")
	if _, _, err := Decrypt(s, password, keeper); err != nil {
		t.Fatal(err)
	}
	check("Decrypt")
}

func TestWhatTheKDFReturnsIsChecked(t *testing.T) {
	broken := errors.New("child ended")
	good := mustEncrypt(t, "p")
	fail := func([]byte, []byte, uint8) ([]byte, error) { return nil, broken }
	if _, _, err := Decrypt(good, []byte("p"), fail); !errors.Is(err, broken) {
		t.Errorf("%v, want the KDF's error", err)
	}
	if _, err := Encrypt(testKey, []byte("p"), MinLogN, Secure, fail); !errors.Is(err, broken) {
		t.Errorf("%v, want the KDF's error", err)
	}
	for _, n := range []int{0, 31, 33} {
		short := func([]byte, []byte, uint8) ([]byte, error) { return make([]byte, n), nil }
		if _, _, err := Decrypt(good, []byte("p"), short); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

// FuzzNIP49: any text under any password is decrypted or refused; what opens is
// of the right shape; what we encrypt comes back.
func FuzzNIP49(f *testing.F) {
	for _, v := range readVectors(f).Decrypt {
		f.Add([]byte(v.Ncryptsec), []byte(v.Password))
	}
	good := mustEncrypt(f, "nostr")
	f.Add(good, []byte("nostr"))
	f.Add(field(f, good, 1, 255), []byte("nostr"))
	f.Add(field(f, good, 0, 0), []byte("\ufdfa"))
	f.Add([]byte("ncryptsec1"), []byte{})
	f.Add([]byte{}, []byte{0xff})
	f.Add(encode(f, HRP, nil), []byte("Å"))
	f.Fuzz(func(t *testing.T, text, password []byte) {
		raw, ksb, err := Decrypt(text, password, quick)
		if err != nil && raw != nil || err == nil && (len(raw) != 32 || ksb > Untracked) {
			t.Fatalf("%d bytes, %d, %v", len(raw), ksb, err)
		}
		info, infoErr := Inspect(text)
		if err == nil && infoErr != nil || infoErr == nil && (info.LogN < 1 || info.LogN > MaxLogN) {
			t.Fatalf("%+v, %v", info, infoErr)
		}
		s, err := Encrypt(testKey, password, MinLogN, Secure, quick)
		if err != nil {
			if !errors.Is(err, ErrPassword) {
				t.Fatal(err)
			}
			return
		}
		if raw, _, err := Decrypt(s, password, quick); err != nil || !bytes.Equal(raw, testKey) {
			t.Fatalf("did not come back: %v", err)
		}
	})
}
