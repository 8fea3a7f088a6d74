package secp_test

import (
	"crypto/rand"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"nsecbunker/nostr/internal/secp"
)

// trials is how many random keys are compared between implementations.
const trials = 300

// btcec is an oracle only: it is not constant-time.
func TestBackendsAgreeWithBtcecAndEachOther(t *testing.T) {
	for i := range trials {
		var raw, aux, msg [32]byte
		rand.Read(raw[:])
		rand.Read(aux[:])
		rand.Read(msg[:])
		if i%10 == 0 {
			clear(raw[:20]) // a small key
		}
		sk, pk := btcec.PrivKeyFromBytes(raw[:])
		pub := [32]byte(schnorr.SerializePubKey(pk))
		ref, err := schnorr.Sign(sk, msg[:], schnorr.CustomNonce(aux))
		if err != nil {
			t.Fatal(err)
		}
		sig := [64]byte(ref.Serialize())

		other, err := btcec.NewPrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		peer := [32]byte(schnorr.SerializePubKey(other.PubKey()))
		even, err := schnorr.ParsePubKey(peer[:])
		if err != nil {
			t.Fatal(err)
		}
		shared := [32]byte(btcec.GenerateSharedSecret(sk, even))

		for _, b := range backends {
			kp, made, out := slot(), [64]byte{}, [32]byte{}
			own, ok := b.prepare(kp, &raw)
			if !ok || own != pub {
				t.Fatalf("%s: public key %x, btcec %x", b.name, own, pub)
			}
			if !b.sign(&made, kp, &pub, msg[:], &aux) || made != sig {
				t.Fatalf("%s: signature %x, btcec %x", b.name, made, sig)
			}
			if !b.verify(&sig, &pub, msg[:]) {
				t.Fatalf("%s refuses btcec's signature", b.name)
			}
			if !b.ecdh(&out, kp, &peer) || out != shared {
				t.Fatalf("%s: shared x %x, btcec %x", b.name, out, shared)
			}
		}
	}
}

func TestBackendsAgreeOnGarbage(t *testing.T) {
	for range 5 * trials {
		var x [32]byte
		var sig [64]byte
		rand.Read(x[:])
		rand.Read(sig[:])
		_, err := schnorr.ParsePubKey(x[:])
		for _, b := range backends {
			if b.valid(&x) != (err == nil) {
				t.Fatalf("%s and btcec disagree on %x", b.name, x)
			}
			if b.verify(&sig, &x, x[:]) {
				t.Fatalf("%s takes %x for a signature", b.name, sig)
			}
		}
	}
}

// The package itself is one of the back ends.
func TestBuiltInBackendWorks(t *testing.T) {
	kp, raw := slot(), [32]byte{31: 3}
	pub, ok := secp.Prepare(kp, &raw)
	var sig [64]byte
	var out, back [32]byte
	if !ok || !secp.Valid(&pub) || !secp.Sign(&sig, kp, &pub, nil, &raw) || !secp.Verify(&sig, &pub, nil) ||
		!secp.ECDH(&out, kp, &pub) || secp.Name() == "" {
		t.Fatal("the back end does not work")
	}
	if secp.Raw(kp, &back); back != raw {
		t.Fatal("the key does not come back")
	}
}
