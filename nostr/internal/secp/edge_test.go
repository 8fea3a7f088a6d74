package secp_test

import (
	"math/big"
	"testing"
)

func num(n int64) *big.Int { return big.NewInt(n) }

func add(a *big.Int, n int64) *big.Int { return new(big.Int).Add(a, num(n)) }

// edgeKeys are secret keys where an implementation might go wrong: the ends,
// the middle, powers of two, and those around the endomorphism's split.
func edgeKeys() []*big.Int {
	half := new(big.Int).Rsh(orderN, 1)
	keys := []*big.Int{
		num(1), num(2), num(3), num(7), num(15), num(16), num(17), num(255), num(256),
		add(orderN, -1), add(orderN, -2), add(orderN, -3), half, add(half, 1), add(half, -1),
		lambda, add(lambda, 1), add(lambda, -1),
		new(big.Int).Sub(orderN, lambda), new(big.Int).Mod(new(big.Int).Mul(lambda, lambda), orderN),
		hexInt("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		hexInt("5555555555555555555555555555555555555555555555555555555555555555"),
		hexInt("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
		hexInt("8000000000000000000000000000000000000000000000000000000000000000"),
	}
	for _, shift := range []uint{63, 64, 65, 127, 128, 129, 191, 192, 193, 254} {
		p := new(big.Int).Lsh(num(1), shift)
		keys = append(keys, p, add(p, -1), add(p, 1))
	}
	return keys
}

// edgePeers are x coordinates, of points and of none: the ends of the field,
// small ones, the base point, the order (which is below the field's size).
func edgePeers() []*big.Int {
	peers := []*big.Int{
		baseX, orderN, add(orderN, -1), add(orderN, 1),
		add(fieldP, -1), add(fieldP, -2), add(fieldP, -3), fieldP, add(fieldP, 1), add(fieldP, 2),
		hexInt("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
	}
	for i := range int64(12) {
		peers = append(peers, num(i))
	}
	return peers
}

func TestPublicKeysOfEdgeKeysAreRight(t *testing.T) {
	g, _ := liftX(baseX)
	onEach(t, func(t *testing.T, b backend) {
		for _, d := range edgeKeys() {
			kp, raw := slot(), bytes32(d)
			pub, ok := b.prepare(kp, &raw)
			if want := bytes32(times(d, g).x); !ok || pub != want {
				t.Errorf("%x: public key %x, want %x", d, pub, want)
			}
			var again [32]byte
			if b.raw(kp, &again); again != raw {
				t.Errorf("%x came back as %x", raw, again)
			}
		}
	})
}

func TestKeysOutOfRangeAreRefused(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		all := new(big.Int).Lsh(num(1), 256)
		for _, d := range []*big.Int{num(0), orderN, add(orderN, 1), fieldP, add(all, -1)} {
			raw := bytes32(d)
			if _, ok := b.prepare(slot(), &raw); ok {
				t.Errorf("%x was taken for a secret key", raw)
			}
		}
	})
}

func TestECDHOfEdgesAgreesWithTheTextbook(t *testing.T) {
	keys := edgeKeys()
	onEach(t, func(t *testing.T, b backend) {
		for n, x := range edgePeers() {
			peer := bytes32(x)
			p, on := liftX(x)
			if got := b.valid(&peer); got != on {
				t.Fatalf("peer %x: valid says %v, want %v", peer, got, on)
			}
			// Every key with the base point, every peer with some keys: the
			// textbook is slow.
			for i, d := range keys {
				if n > 0 && i%7 != n%7 {
					continue
				}
				kp, raw, out := slot(), bytes32(d), [32]byte{}
				if _, ok := b.prepare(kp, &raw); !ok {
					t.Fatalf("%x was refused", d)
				}
				if ok := b.ecdh(&out, kp, &peer); ok != on {
					t.Errorf("peer %x: accepted %v, want %v", peer, ok, on)
				}
				if on && out != bytes32(times(d, p).x) {
					t.Errorf("key %x, peer %x: got %x", d, peer, out)
				}
			}
		}
	})
}

// Every bit of a signature, its key and its message counts.
func TestAnyFlippedBitIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		kp, pub, _ := random(t, b)
		msg, aux := make([]byte, 32), [32]byte{1}
		var sig [64]byte
		if !b.sign(&sig, kp, &pub, msg, &aux) || !b.verify(&sig, &pub, msg) {
			t.Fatal("a good signature was refused")
		}
		flip := func(name string, p []byte) {
			for i := range 8 * len(p) {
				p[i/8] ^= 1 << (i % 8)
				if b.verify(&sig, &pub, msg) {
					t.Errorf("bit %d of the %s does not count", i, name)
				}
				p[i/8] ^= 1 << (i % 8)
			}
		}
		flip("signature", sig[:])
		flip("public key", pub[:])
		flip("message", msg)
	})
}

// A fault in memory must not lead to a signature, which could give the key away.
func TestDamagedKeySignsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		kp, pub, _ := random(t, b)
		msg, aux, bad := make([]byte, 32), [32]byte{}, 0
		for i := range 8 * len(kp) {
			kp[i/8] ^= 1 << (i % 8)
			var sig [64]byte
			if b.sign(&sig, kp, &pub, msg, &aux) {
				if !b.verify(&sig, &pub, msg) {
					t.Errorf("bit %d: a wrong signature was let out", i)
				}
			} else {
				bad++
				if sig != [64]byte{} {
					t.Errorf("bit %d: a withheld signature was written", i)
				}
			}
			kp[i/8] ^= 1 << (i % 8)
		}
		if bad == 0 {
			t.Error("no damage was noticed")
		}
		other := pub
		other[0] ^= 1
		var sig [64]byte
		if b.sign(&sig, kp, &other, msg, &aux) {
			t.Error("it signed for another public key")
		}
		if b.unchecked(&sig, kp, &other, msg, &aux) || sig != [64]byte{} {
			t.Error("it signed for another public key, without a check")
		}
	})
}
