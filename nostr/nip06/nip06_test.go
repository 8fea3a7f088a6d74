package nip06

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// The vectors of 06.md.
var nipVectors = []struct{ phrase, private, nsec, public, npub string }{
	{
		"leader monkey parrot ring guide accident before fence cannon height naive bean",
		"7f7ff03d123792d6ac594bfa67bf6d0c0ab55b6b1fdb6249303fe861f1ccba9a",
		"nsec10allq0gjx7fddtzef0ax00mdps9t2kmtrldkyjfs8l5xruwvh2dq0lhhkp",
		"17162c921dc4d2518f9a101db33695df1afb56ab82f5ff3e5da6eec3ca5cd917",
		"npub1zutzeysacnf9rru6zqwmxd54mud0k44tst6l70ja5mhv8jjumytsd2x7nu",
	},
	{
		"what bleak badge arrange retreat wolf trade produce cricket blur garlic valid proud rude strong choose busy staff weather area salt hollow arm fade",
		"c15d739894c81a2fcfd3a2df85a0d2c0dbc47a280d092799f144d73d7ae78add",
		"nsec1c9wh8xy5eqdzln7n5t0ctgxjcrdug73gp5yj0x03gntn67h83twssdfhel",
		"d41b22899549e1f3d335a31002cfd382174006e166d3e658e3a5eecdb6463573",
		"npub16sdj9zv4f8sl85e45vgq9n7nsgt5qphpvmf7vk8r5hhvmdjxx4es8rq74h",
	},
}

func TestKeysMatchTheVectorsOfTheNIP(t *testing.T) {
	a, err := secret.NewArena(1<<14, secret.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	for _, v := range nipVectors {
		raw, err := FromMnemonic([]byte(v.phrase), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(raw); got != v.private {
			t.Errorf("private key %s, want %s", got, v.private)
		}
		if got := nip19.EncodeNsec(raw); string(got) != v.nsec {
			t.Errorf("nsec %s, want %s", got, v.nsec)
		}
		sk, err := nostr.NewSecretKey(a, raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := sk.PubKey(); got.String() != v.public || nip19.EncodeNpub(got) != v.npub {
			t.Errorf("public key %s, want %s", got, v.public)
		}
	}
}

func TestAnotherAccountOrPassphraseIsAnotherKey(t *testing.T) {
	phrase := []byte(nipVectors[0].phrase)
	seen := map[string]bool{}
	for _, account := range []uint32{0, 1, 2, MaxAccount} {
		for _, passphrase := range []string{"", "a", "A", " a"} {
			raw, err := FromMnemonic(phrase, []byte(passphrase), account)
			if err != nil {
				t.Fatal(err)
			}
			if seen[string(raw)] {
				t.Errorf("account %d, passphrase %q: a key that was there before", account, passphrase)
			}
			seen[string(raw)] = true
		}
	}
	for _, account := range []uint32{MaxAccount + 1, 1<<32 - 1} {
		if raw, err := FromMnemonic(phrase, nil, account); raw != nil || !errors.Is(err, ErrAccount) {
			t.Errorf("account %d: %v, want ErrAccount", account, err)
		}
	}
}

type bip39Vector struct{ entropy, phrase, seed, xprv string }

func bip39Vectors(t testing.TB) (list []bip39Vector) {
	t.Helper()
	var file struct{ English [][4]string }
	readJSON(t, "testdata/bip39.json", &file)
	if len(file.English) != 24 {
		t.Fatalf("%d vectors, want 24", len(file.English))
	}
	for _, v := range file.English {
		list = append(list, bip39Vector{v[0], v[1], v[2], v[3]})
	}
	return list
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func TestSeedsMatchTheVectorsOfBIP39(t *testing.T) {
	for _, v := range bip39Vectors(t) {
		phrase, err := parsePhrase([]byte(v.phrase))
		if err != nil || string(phrase) != v.phrase {
			t.Errorf("%s: %q, %v", v.entropy, phrase, err)
			continue
		}
		var seed [seedSize]byte
		if err := makeSeed(&seed, phrase, []byte("TREZOR")); err != nil || hex.EncodeToString(seed[:]) != v.seed {
			t.Errorf("%s: seed %x, %v", v.entropy, seed, err)
		}
		var n node
		if err := n.master(seed[:]); err != nil {
			t.Fatal(err)
		}
		chain, key := decodeXprv(t, v.xprv)
		if n.chain != chain || n.key != key {
			t.Errorf("%s: root %x", v.entropy, n.chain)
		}
	}
}

func TestSeedIsPBKDF2OfTheStandardLibrary(t *testing.T) {
	for _, c := range []struct{ passphrase, nfkd string }{
		{"", ""},
		{"TREZOR", "TREZOR"},
		{"caf\u00e9", "cafe\u0301"},
		{"\u212b", "A\u030a"},
		{"\u0301a", "\u0301a"}, // begins with a mark: it must not join the salt's first part
		{strings.Repeat("\ufdfa", MaxPassphrase/3), strings.Repeat("\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 \u0648\u0633\u0644\u0645", MaxPassphrase/3)},
	} {
		phrase := nipVectors[1].phrase // longer than HMAC's block
		want, err := pbkdf2.Key(sha512.New, phrase, []byte("mnemonic"+c.nfkd), 2048, 64)
		if err != nil {
			t.Fatal(err)
		}
		var got [seedSize]byte
		if err := makeSeed(&got, []byte(phrase), []byte(c.passphrase)); err != nil || !bytes.Equal(got[:], want) {
			t.Errorf("passphrase %.12q: %x, want %x (%v)", c.passphrase, got, want, err)
		}
	}
}

func TestHMACIsThatOfTheStandardLibrary(t *testing.T) {
	for _, keyLen := range []int{0, 1, 32, 127, 128, 129, 300} {
		for _, msgLen := range []int{0, 1, 64, 128, 500} {
			key, msg := make([]byte, keyLen), make([]byte, msgLen)
			rand.Read(key)
			rand.Read(msg)
			std := hmac.New(sha512.New, key)
			std.Write(msg)
			h := newHMAC(key, msgLen)
			var got [64]byte
			for range 2 { // the second call must not see the first
				h.sum(&got, msg)
				if !bytes.Equal(got[:], std.Sum(nil)) {
					t.Errorf("key of %d, message of %d: differs", keyLen, msgLen)
				}
			}
			h.wipe()
			if !bytes.Equal(h.inner, make([]byte, len(h.inner))) {
				t.Error("the key is still there after wipe")
			}
		}
	}
}

func TestPassphraseIsBounded(t *testing.T) {
	phrase := []byte(nipVectors[0].phrase)
	for _, bad := range [][]byte{bytes.Repeat([]byte("p"), MaxPassphrase+1), {0xff}, []byte("caf\xe9")} {
		if raw, err := FromMnemonic(phrase, bad, 0); raw != nil || !errors.Is(err, ErrPassphrase) {
			t.Errorf("%.8q: %v, want ErrPassphrase", bad, err)
		}
	}
	if _, err := FromMnemonic(phrase, bytes.Repeat([]byte("p"), MaxPassphrase), 0); err != nil {
		t.Errorf("the longest: %v", err)
	}
}

func TestWordListIsThatOfBIP39(t *testing.T) {
	const want = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
	if sum := sha256.Sum256(english); hex.EncodeToString(sum[:]) != want {
		t.Fatalf("english.txt has SHA-256 %x, want %s", sum, want)
	}
	list := wordList()
	if len(list) != 1<<bitsPerWord || !slices.IsSortedFunc(list, bytes.Compare) {
		t.Errorf("%d words, or not in order", len(list))
	}
	for _, w := range list {
		if len(w) > maxWord {
			t.Errorf("%s is longer than %d bytes", w, maxWord)
		}
	}
}

func TestPhraseIsReadAsPeopleTypeIt(t *testing.T) {
	want := nipVectors[0].phrase
	for name, given := range map[string]string{
		"capitals":          strings.ToUpper(want),
		"first capital":     "L" + want[1:],
		"a line each":       strings.ReplaceAll(want, " ", "\r\n"),
		"space around":      "\n  " + want + " \n",
		"tabs":              strings.ReplaceAll(want, " ", "\t \t"),
		"no-break space":    strings.ReplaceAll(want, " ", "\u00a0"),
		"ideographic space": strings.ReplaceAll(want, " ", "\u3000"),
		"full-width l":      "\uff4c" + want[1:],
	} {
		in := []byte(given)
		got, err := parsePhrase(in)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if string(in) != given {
			t.Errorf("%s: the input was changed", name)
		}
	}
}

func TestWrongPhrasesAreRefusedWithoutRepeatingAWord(t *testing.T) {
	good := strings.Fields(nipVectors[0].phrase)
	with := func(at int, word string) string {
		w := slices.Clone(good)
		w[at] = word
		return strings.Join(w, " ")
	}
	abandon := func(n int) string { return strings.TrimSpace(strings.Repeat("abandon ", n)) }
	for _, c := range []struct {
		name, given string
		want        error
		says        string
	}{
		{"nothing", "", ErrCount, ""},
		{"one word", "leader", ErrCount, ""},
		{"11 words", strings.Join(good[:11], " "), ErrCount, ""},
		{"13 words", strings.Join(good, " ") + " bean", ErrCount, ""},
		{"9 words", abandon(9), ErrCount, ""},
		{"27 words", abandon(27), ErrCount, ""},
		{"300 words", strings.Repeat("a ", 300), ErrCount, ""},
		{"a word that is not in the list", with(2, "parott"), ErrWord, "word 3 "},
		{"first word", with(0, "zzzz"), ErrWord, "word 1 "},
		{"last word", with(11, "b"), ErrWord, "word 12 "},
		{"four letters of a word", with(5, "acci"), ErrWord, "word 6 "},
		{"a Spanish word", with(3, "\u00e1baco"), ErrWord, "word 4 "},
		{"a Japanese word", with(3, "\u3042\u3044\u3053\u304f\u3057\u3093"), ErrWord, "word 4 "},
		{"bytes that are no text", with(3, "\xff\xfe"), ErrWord, "word 4 "},
		{"an nsec", nipVectors[0].nsec, ErrCount, ""},
		{"a wrong word", with(11, "beach"), ErrChecksum, ""},
		{"two changed places", strings.Join(append([]string{good[1], good[0]}, good[2:]...), " "), ErrChecksum, ""},
		{"12 times the first word", abandon(12), ErrChecksum, ""},
		{"24 times the first word", abandon(24), ErrChecksum, ""},
		{"too long", strings.Repeat(" ", MaxPhrase) + nipVectors[0].phrase, ErrLength, ""},
	} {
		raw, err := FromMnemonic([]byte(c.given), nil, 0)
		if raw != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
			continue
		}
		for _, w := range []string{"leader", "parott", "zzzz", "beach", "abandon", "acci", "nsec1"} {
			if strings.Contains(err.Error(), w) {
				t.Errorf("%s: the error repeats a word: %v", c.name, err)
			}
		}
	}
	padded := strings.Repeat(" ", MaxPhrase-len(nipVectors[0].phrase)) + nipVectors[0].phrase
	if _, err := FromMnemonic([]byte(padded), nil, 0); err != nil {
		t.Errorf("the longest: %v", err)
	}
}

// Of all last words, as many make the checksum right as it leaves to chance:
// 2^11 / 2^4 for 12 words, 2^11 / 2^8 for 24.
func TestChecksumIsCheckedToItsLastBit(t *testing.T) {
	for count, want := range map[int]int{12: 128, 15: 64, 18: 32, 21: 16, 24: 8} {
		right := 0
		for _, last := range wordList() {
			phrase := strings.Repeat("zoo ", count-1) + string(last)
			if _, err := parsePhrase([]byte(phrase)); err == nil {
				right++
			} else if !errors.Is(err, ErrChecksum) {
				t.Fatal(err)
			}
		}
		if right != want {
			t.Errorf("%d words: %d last words are right, want %d", count, right, want)
		}
	}
}

// FuzzNIP06: any phrase is read or refused; what is read has the right shape, and
// reads again as the same.
func FuzzNIP06(f *testing.F) {
	for _, v := range nipVectors {
		f.Add([]byte(v.phrase))
	}
	for _, v := range bip39Vectors(f)[:6] {
		f.Add([]byte(v.phrase))
	}
	f.Add([]byte(""))
	f.Add([]byte("\u3000\u00e1baco \xff zoo"))
	f.Add(bytes.Repeat([]byte("zoo "), 24))
	f.Fuzz(func(t *testing.T, words []byte) {
		phrase, err := parsePhrase(words)
		if err != nil {
			if phrase != nil {
				t.Fatalf("an error and %d bytes", len(phrase))
			}
			return
		}
		if n := bytes.Count(phrase, []byte(" ")) + 1; n < 12 || n > 24 || n%3 != 0 || cap(phrase) != maxWords*(maxWord+1) {
			t.Fatalf("%d words, capacity %d", n, cap(phrase))
		}
		if again, err := parsePhrase(phrase); err != nil || !bytes.Equal(again, phrase) {
			t.Fatalf("read again as %q, %v", again, err)
		}
	})
}
