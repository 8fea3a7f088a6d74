//go:build linux

package secrettest

import (
	"crypto/rand"
	"runtime"
	"strings"
	"testing"
)

func TestScanFindsWhatIsThereAndNothingElse(t *testing.T) {
	var number [32]byte
	rand.Read(number[:])
	needles := Forms("planted", number)
	planted := needles[0].Reveal(make([]byte, 0, 32))
	gone := make([]byte, 32)
	rand.Read(gone)
	needles = append(needles, Hide("gone", gone), Hide("zero-first", append(make([]byte, 40), number[:8]...)))
	parsed, err := Parse(needles[0].String())
	if err != nil || parsed.Name != "planted/be" || string(parsed.Reveal(nil)) != string(planted) {
		t.Fatalf("%v %v", parsed.Name, err)
	}
	zeroFirst := append(make([]byte, 40), planted[:8]...)
	found, err := Scan(needles)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"planted/be", "planted/word2-be", "zero-first"} {
		if found[name] == 0 {
			t.Errorf("%s is there and was not found: %v", name, found)
		}
	}
	if found["gone"] != 0 {
		t.Errorf("what is not there was found: %v", found)
	}
	runtime.KeepAlive(planted)
	runtime.KeepAlive(zeroFirst)
}

// Whatever of the 1 MiB blocks and zero pages a secret lies across.
func TestScanFindsSecretsAcrossBlocks(t *testing.T) {
	big := make([]byte, 3*block)
	secret := []byte(strings.Repeat("q\x01\x00secret", 3))
	needle := Hide("across", append([]byte(nil), secret...))
	for _, at := range []int{0, 1, page - 1, block - 20, 2*block - 1, 2 * block, len(big) - len(secret)} {
		f, err := newFinder([]Needle{needle})
		if err != nil {
			t.Fatal(err)
		}
		clear(big)
		copy(big[at:], secret)
		for b := 0; b < len(big); b += block {
			f.look(big[b:min(b+block+tail, len(big))], block)
		}
		if f.counts[0] != 1 {
			t.Errorf("at %d: found %d times", at, f.counts[0])
		}
	}
}

func TestUselessNeedlesAreRefused(t *testing.T) {
	if _, err := Scan([]Needle{Hide("short", make([]byte, MinNeedle-1))}); err == nil {
		t.Error("a short needle was taken")
	}
	if _, err := Scan([]Needle{Hide("long", make([]byte, tail+1))}); err == nil {
		t.Error("a long needle was taken")
	}
	for _, line := range []string{"", "x", "x=", "x=00", "x=zz"} {
		if _, err := Parse(line); err == nil {
			t.Errorf("%q was taken for a needle", line)
		}
	}
}
