package nip06

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

// decodeBase58Check returns the payload of a base58check text, without the
// checksum, which it checks.
func decodeBase58Check(t testing.TB, s string) []byte {
	t.Helper()
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n := new(big.Int)
	for _, c := range s {
		digit := strings.IndexRune(alphabet, c)
		if digit < 0 {
			t.Fatalf("%q is not base58", s)
		}
		n.Mul(n, big.NewInt(58)).Add(n, big.NewInt(int64(digit)))
	}
	b := n.FillBytes(make([]byte, 82)) // no leading zero byte in xprv and xpub
	first := sha256.Sum256(b[:78])
	second := sha256.Sum256(first[:])
	if !bytes.Equal(second[:4], b[78:]) {
		t.Fatalf("%s: wrong checksum", s)
	}
	return b[:78]
}

// decodeXprv returns chain code and key of an extended private key (BIP-32,
// Serialization format).
func decodeXprv(t testing.TB, s string) (chain, key [32]byte) {
	t.Helper()
	b := decodeBase58Check(t, s)
	if hex.EncodeToString(b[:4]) != "0488ade4" || b[45] != 0 {
		t.Fatalf("%s is not an xprv", s)
	}
	return [32]byte(b[13:45]), [32]byte(b[46:78])
}

func TestDerivationMatchesTheVectorsOfBIP32(t *testing.T) {
	var vectors []struct {
		Seed   string
		Chains []struct{ Path, Xpub, Xprv string }
	}
	readJSON(t, "testdata/bip32.json", &vectors)
	checked := 0
	for _, v := range vectors {
		seed, err := hex.DecodeString(v.Seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Chains {
			var n node
			if err := n.master(seed); err != nil {
				t.Fatal(err)
			}
			for _, step := range strings.Split(c.Path, "/")[1:] {
				text, hard := strings.CutSuffix(step, "'")
				index, err := strconv.ParseUint(text, 10, 31)
				if err != nil {
					t.Fatal(err)
				}
				if hard {
					index |= hardened
				}
				if err := n.child(uint32(index)); err != nil {
					t.Fatal(err)
				}
			}
			chain, key := decodeXprv(t, c.Xprv)
			if n.chain != chain || n.key != key {
				t.Errorf("seed %.8s…, %s: another private key", v.Seed, c.Path)
			}
			var public [33]byte
			if err := compressed(&public, &n.key); err != nil || !bytes.Equal(public[:], decodeBase58Check(t, c.Xpub)[45:]) {
				t.Errorf("seed %.8s…, %s: another public key (%v)", v.Seed, c.Path, err)
			}
			checked++
		}
	}
	if checked != 17 {
		t.Errorf("%d derivations checked, want 17", checked)
	}
}

var order, _ = new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)

func bytes32(n *big.Int) (b [32]byte) {
	n.FillBytes(b[:])
	return b
}

func TestAdditionIsThatOfMathBig(t *testing.T) {
	one := big.NewInt(1)
	edge := []*big.Int{
		new(big.Int), one, big.NewInt(2),
		new(big.Int).Sub(order, one), new(big.Int).Sub(order, big.NewInt(2)),
		order, new(big.Int).Add(order, one),
		new(big.Int).Lsh(one, 64), new(big.Int).Lsh(one, 255), new(big.Int).Sub(new(big.Int).Lsh(one, 256), one),
		new(big.Int).Rsh(order, 1), new(big.Int).Add(new(big.Int).Rsh(order, 1), one),
	}
	for range 100 {
		b := make([]byte, 32)
		rand.Read(b)
		edge = append(edge, new(big.Int).SetBytes(b))
	}
	for _, x := range edge {
		for _, y := range edge {
			if y.Cmp(order) >= 0 {
				continue // a precondition: it is a key already, or zero
			}
			a, b := bytes32(x), bytes32(y)
			err := addModN(&a, &b)
			sum := new(big.Int).Add(x, y)
			sum.Mod(sum, order)
			if x.Cmp(order) >= 0 || sum.Sign() == 0 {
				if !errors.Is(err, ErrNoKey) || a != [32]byte{} {
					t.Fatalf("%x + %x: %x, %v; want ErrNoKey", x, y, a, err)
				}
				continue
			}
			if err != nil || a != bytes32(sum) {
				t.Fatalf("%x + %x = %x, %v; want %x", x, y, a, err, sum)
			}
		}
	}
}

// textPublic is k·G by doubling and adding, as a textbook has it; serP of
// BIP-32.
func textPublic(k *big.Int) []byte {
	c := secp256k1()
	type point struct{ x, y *big.Int } // nil x: infinity
	add := func(a, b point) point {
		if a.x == nil {
			return b
		}
		if b.x == nil {
			return a
		}
		slope := new(big.Int)
		switch {
		case a.x.Cmp(b.x) != 0:
			slope.Sub(b.y, a.y)
			slope.Mul(slope, new(big.Int).ModInverse(new(big.Int).Mod(new(big.Int).Sub(b.x, a.x), c.p), c.p))
		case a.y.Cmp(b.y) == 0:
			slope.Mul(a.x, a.x).Mul(slope, big.NewInt(3))
			slope.Mul(slope, new(big.Int).ModInverse(new(big.Int).Lsh(a.y, 1), c.p))
		default:
			return point{}
		}
		x := new(big.Int).Mul(slope, slope)
		x.Sub(x, a.x).Sub(x, b.x).Mod(x, c.p)
		y := new(big.Int).Sub(a.x, x)
		y.Mul(y, slope).Sub(y, a.y).Mod(y, c.p)
		return point{x, y}
	}
	var sum point
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = add(sum, sum)
		if k.Bit(i) == 1 {
			sum = add(sum, point{c.gx, c.gy})
		}
	}
	out := make([]byte, 33)
	out[0] = byte(2 + sum.y.Bit(0))
	sum.x.FillBytes(out[1:])
	return out
}

func TestPublicKeyIsThatOfTheTextbook(t *testing.T) {
	keys := []*big.Int{big.NewInt(2), big.NewInt(3), big.NewInt(7), new(big.Int).Sub(order, big.NewInt(2)), new(big.Int).Rsh(order, 1)}
	for range 20 {
		b := make([]byte, 32)
		rand.Read(b)
		keys = append(keys, new(big.Int).Mod(new(big.Int).SetBytes(b), order))
	}
	var parities [2]int
	for _, k := range keys {
		key := bytes32(k)
		var got [33]byte
		if err := compressed(&got, &key); err != nil {
			t.Fatalf("%x: %v", k, err)
		}
		if want := textPublic(k); !bytes.Equal(got[:], want) {
			t.Errorf("%x: %x, want %x", k, got, want)
		}
		parities[got[0]-2]++
	}
	if parities[0] == 0 || parities[1] == 0 {
		t.Errorf("even and odd: %v; the test must see both", parities)
	}
}

// Nobody has these keys; the way round them must still not panic.
func TestKeysWhoseParityCannotBeToldAreRefused(t *testing.T) {
	for _, k := range []*big.Int{big.NewInt(1), new(big.Int).Sub(order, big.NewInt(1)), new(big.Int), order} {
		key := bytes32(k)
		var out [33]byte
		if err := compressed(&out, &key); !errors.Is(err, ErrNoKey) {
			t.Errorf("%x: %v, want ErrNoKey", k, err)
		}
	}
}
