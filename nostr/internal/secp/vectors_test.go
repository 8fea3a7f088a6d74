package secp_test

import (
	"bytes"
	"encoding/csv"
	"math/big"
	"os"
	"testing"
)

func table(t *testing.T, file string, want int) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != want+1 {
		t.Fatalf("%d rows, want %d: the file is not the one that was meant", len(rows)-1, want)
	}
	return rows[1:]
}

// hints are y coordinates that somebody may remember of a public key: its own, if it
// is a point, and others that must not be believed.
func hints(pub *[32]byte) map[string][32]byte {
	g, _ := liftX(baseX)
	all := map[string][32]byte{
		"zero": {}, "of the base point": bytes32(g.y), "the size of the field": bytes32(fieldP), "the largest": bytes32(add(fieldP, -1)),
	}
	if p, ok := liftX(new(big.Int).SetBytes(pub[:])); ok {
		all["its own"], all["the other root"] = bytes32(p.y), bytes32(new(big.Int).Sub(fieldP, p.y))
		all["one bit off"] = bytes32(new(big.Int).Xor(p.y, num(2)))
	}
	return all
}

func TestBIP340VectorsHold(t *testing.T) {
	rows := table(t, "bip340.csv", 19)
	onEach(t, func(t *testing.T, b backend) {
		for _, row := range rows {
			index, pub, msg := row[0], unhex32(t, row[2]), unhex(t, row[4])
			sig, want := (*[64]byte)(unhex(t, row[5])), row[6] == "TRUE"
			if got := b.verify(sig, pub, msg); got != want {
				t.Errorf("vector %s (%s): verify says %v, want %v", index, row[7], got, want)
			}
			ys := hints(pub)
			for name, y := range ys {
				was := y
				if got := b.verifyAt(sig, pub, &y, msg); got != want {
					t.Errorf("vector %s (%s), y %s: verify says %v, want %v", index, row[7], name, got, want)
				}
				if right, ok := ys["its own"]; ok && y != right || !ok && y != was {
					t.Errorf("vector %s, y %s: it became %x", index, name, y)
				}
			}
			if row[1] == "" {
				continue
			}
			kp, raw, aux := slot(), unhex32(t, row[1]), unhex32(t, row[3])
			own, ok := b.prepare(kp, raw)
			if !ok || own != *pub {
				t.Fatalf("vector %s: public key %x, want %x", index, own, *pub)
			}
			here := slot()
			copy(here[:], raw[:])
			if own, ok := b.here(here); !ok || own != *pub || *here != *kp {
				t.Errorf("vector %s: prepared in place: another key", index)
			}
			var made [64]byte
			if !b.sign(&made, kp, pub, msg, aux) || made != *sig {
				t.Errorf("vector %s: signature %x, want %x", index, made, *sig)
			}
			made = [64]byte{}
			if !b.unchecked(&made, kp, pub, msg, aux) || made != *sig {
				t.Errorf("vector %s: signature without a check %x, want %x", index, made, *sig)
			}
		}
	})
}

// Wycheproof's peers are points; Nostr's are x coordinates. The shared x is
// the same for both signs of y. Of a peer off the curve, only the x coordinate
// arrives: it is refused if no point has it, and harmless if one has.
func TestWycheproofECDHVectorsHold(t *testing.T) {
	rows := table(t, "wycheproof_ecdh.csv", 489)
	onEach(t, func(t *testing.T, b backend) {
		for _, row := range rows {
			peer, raw := unhex32(t, row[2]), unhex32(t, row[3])
			kp := slot()
			if _, ok := b.prepare(kp, raw); !ok {
				t.Fatalf("case %s: the secret key was refused", row[0])
			}
			var out [32]byte
			ok := b.ecdh(&out, kp, peer)
			if row[5] == "valid" {
				if !ok || !bytes.Equal(out[:], unhex(t, row[4])) {
					t.Errorf("case %s (%s): got %x %v, want %s", row[0], row[1], out, ok, row[4])
				}
				continue
			}
			p, on := liftX(new(big.Int).SetBytes(peer[:]))
			if on != ok {
				t.Errorf("case %s (%s): accepted %v, want %v", row[0], row[1], ok, on)
			}
			if ok && out != bytes32(times(new(big.Int).SetBytes(raw[:]), p).x) {
				t.Errorf("case %s (%s): not a point of the curve", row[0], row[1])
			}
		}
	})
}
