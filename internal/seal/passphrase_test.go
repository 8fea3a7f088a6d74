package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/vault"
)

func TestPassphrasesHaveTwelveCharacters(t *testing.T) {
	for _, good := range []string{"123456789012", "ÅÅÅÅÅÅÅÅÅÅÅÅ", "correct horse battery", strings.Repeat("x", MaxPassphrase), "パスワードパスワードパス"} {
		if err := CheckPassphrase([]byte(good)); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for name, p := range map[string]string{
		"empty": "", "eleven": "12345678901", "eleven accents": strings.Repeat("A\u030a", 11), "too long": strings.Repeat("x", MaxPassphrase+1),
		"no text": "12345678901\xff", "space before": " 123456789012", "space after": "123456789012 ", "line end": "123456789012\n",
		"wide space after": "123456789012\u3000", "tab within": "123456\t789012", "nul": "123456\x00789012",
	} {
		wantCode(t, CheckPassphrase([]byte(p)), bunker.CodeInvalid)
		_ = name
	}
}

func TestGeneratedPassphrasesHaveTheEntropyThatIsSaid(t *testing.T) {
	if bits := GeneratedWords * math.Log2(wordCount); bits < 66 {
		t.Fatalf("%.1f bits", bits)
	}
	list := bytes.Fields(words)
	known := map[string]bool{}
	for _, w := range list {
		known[string(w)] = true
	}
	if len(list) != wordCount || len(known) != wordCount {
		t.Fatalf("%d words, %d of them different", len(list), len(known))
	}
	sum := sha256.Sum256(words)
	if hex.EncodeToString(sum[:]) != "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda" {
		t.Fatal("the list is not BIP-39's")
	}
	seen := map[string]int{}
	for range 2000 {
		p, err := GeneratePassphrase()
		must(t, err)
		must(t, CheckPassphrase(p))
		parts := strings.Split(string(p), "-")
		if len(parts) != GeneratedWords {
			t.Fatalf("%d words", len(parts))
		}
		for _, w := range parts {
			if !known[w] {
				t.Fatalf("%q is not in the list", w)
			}
			seen[w]++
		}
	}
	// 12,000 draws from 2,048 miss six on average; 60 is beyond chance.
	if len(seen) < wordCount-60 {
		t.Fatalf("only %d different words came", len(seen))
	}
}

func FuzzPassphrase(f *testing.F) {
	f.Add([]byte("correct horse battery"))
	f.Add([]byte("\u3000123456789012"))
	f.Add([]byte(strings.Repeat("\ufdfa", 300)))
	f.Fuzz(func(t *testing.T, p []byte) {
		before := bytes.Clone(p)
		err := CheckPassphrase(p)
		if !bytes.Equal(p, before) {
			t.Fatal("the passphrase was changed")
		}
		if err != nil {
			return
		}
		n, err := normalise(p)
		must(t, err)
		if utf8.RuneCount(n) < MinPassphrase || len(n) > maxSecret {
			t.Fatalf("%d characters, %d bytes", utf8.RuneCount(n), len(n))
		}
		again, err := normalise(n[:min(len(n), MaxPassphrase)])
		if err == nil && len(n) <= MaxPassphrase && !bytes.Equal(again, n) {
			t.Fatal("normalising twice is another passphrase")
		}
	})
}

func TestAKeysOwnPassphraseIsBoundToTheKey(t *testing.T) {
	var salts [][]byte
	kdf := func(p, salt []byte, logN uint8) ([]byte, error) {
		if string(p) != "Å" || logN != DefaultLogN {
			t.Fatalf("%q at 2^%d", p, logN)
		}
		salts = append(salts, bytes.Clone(salt))
		return make([]byte, 32), nil
	}
	for _, k := range []struct {
		t  bunker.TenantID
		id bunker.KeyID
	}{{"a", "k1"}, {"a", "k2"}, {"b", "k1"}, {"ak", "1"}, {"a", "k1"}} {
		_, err := KeyPassphrase(kdf, k.t, k.id, []byte("A\u030a"))
		must(t, err)
	}
	for i := range salts {
		for j := range i {
			if same := bytes.Equal(salts[i], salts[j]); same != (i == 4 && j == 0) {
				t.Errorf("salts %d and %d: %v", i, j, same)
			}
		}
	}
}

func TestTriesOfAKeysOwnPassphraseAreLimitedForEachKey(t *testing.T) {
	all := map[bunker.KeyID]*memoryTries{"k1": {}, "k2": {}}
	f := newFixture(t, func(c *Config) { c.KeyAttempts = func(id bunker.KeyID) Attempts { return all[id] } })
	wrong := fmt.Errorf("no: %w", vault.ErrPassphrase)
	open := func(id bunker.KeyID, says error) error {
		key, err := f.OpenKeyPassphrase(t.Context(), &bunker.UserKey{Tenant: bunker.SelfHosted, ID: id}, []byte(goodPassphrase), func(key []byte) error {
			if len(key) != 32 {
				t.Errorf("%d bytes", len(key))
			}
			return says
		})
		if (err == nil) != (key != nil) {
			t.Errorf("key %x with error %v", key, err)
		}
		return err
	}
	for range MaxTries {
		wantErr(t, open("k1", wrong), vault.ErrPassphrase)
	}
	wantCode(t, open("k1", nil), bunker.CodeRateLimited)
	must(t, open("k2", nil))
	// What says nothing of the passphrase costs no try.
	for range MaxTries + 1 {
		wantErr(t, open("k2", vault.ErrSealed), vault.ErrSealed)
	}
	f.now = f.now.Add(TryEvery)
	must(t, open("k1", nil))
	if all["k1"].tries != (Tries{}) || f.tries.tries != (Tries{}) {
		t.Errorf("left %+v, of the bunker's own %+v", all["k1"].tries, f.tries.tries)
	}
	if _, err := newFixture(t).OpenKeyPassphrase(t.Context(), &bunker.UserKey{}, []byte(goodPassphrase), nil); err == nil {
		t.Error("it was tried where nobody counts")
	}
}
