package nostr

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"unsafe"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr/internal/secp"
)

var (
	// ErrSecretKey means that 32 bytes are no secret key: 0, or not below the
	// order of the group.
	ErrSecretKey = errors.New("not a secret key: it must be 32 bytes, from 1 to the order of secp256k1 less 1")
	// ErrOtherKey means that a secret key is not that of the public key it was
	// said to be of.
	ErrOtherKey = errors.New("the secret key is not that of its public key")
	// ErrSelfCheck means that a new signature did not verify. It is withheld,
	// because a wrong signature can give the key away.
	ErrSelfCheck = errors.New("a signature did not verify and was withheld: the machine's memory or processor may be faulty")
)

// SecretKey is a secret key, held in an arena in the form that is fastest to
// compute with. It prints as "[secret]". All methods may be called concurrently.
type SecretKey struct {
	prepared secret.Bytes // while waiting, the key's 32 bytes stand at its begin
	pub      PubKey

	waiting   atomic.Bool // for its first use, which prepares it
	preparing sync.Mutex
}

// GenerateKey makes a random key. It fails with the arena's errors.
func GenerateKey(a *secret.Arena) (*SecretKey, error) {
	raw, err := a.New(32)
	if err != nil {
		return nil, fmt.Errorf("generating a secret key: %w", err)
	}
	defer raw.Destroy()
	var k *SecretKey
	useErr := raw.Use(func(b []byte) {
		for {
			rand.Read(b)
			// Once in 2^128 times it is no key.
			if k, err = NewSecretKey(a, b); !errors.Is(err, ErrSecretKey) {
				return
			}
		}
	})
	if useErr != nil {
		return nil, useErr
	}
	return k, err
}

// NewSecretKey takes a key of 32 bytes, big-endian, in [1, n-1], and wipes raw,
// also when it fails: with ErrSecretKey or the arena's errors. raw had better
// not be a local array (see package secret).
func NewSecretKey(a *secret.Arena, raw []byte) (*SecretKey, error) {
	defer secret.Wipe(raw)
	if len(raw) != 32 {
		return nil, ErrSecretKey
	}
	k := new(SecretKey)
	if err := a.NewIn(&k.prepared, secp.KeySize); err != nil {
		return nil, fmt.Errorf("keeping a secret key: %w", err)
	}
	ok := false
	err := k.prepared.Use(func(kp []byte) {
		k.pub, ok = secp.Prepare(pointer(kp), (*[32]byte)(raw))
	})
	if err == nil && !ok {
		err = ErrSecretKey
	}
	if err != nil {
		k.prepared.Destroy()
		return nil, err
	}
	return k, nil
}

// KnownSecretKey is NewSecretKey for a key whose public key is known, as that of
// a stored one is. The computation that both need, a multiplication of the curve's
// base, is put off to the first use: of ten thousand keys that are unlocked at
// once, few are used in the next minute. A use fails with ErrOtherKey if that is
// when it turns out; nothing is signed then.
func KnownSecretKey(a *secret.Arena, raw []byte, pub PubKey) (*SecretKey, error) {
	defer secret.Wipe(raw)
	if len(raw) != 32 {
		return nil, ErrSecretKey
	}
	k := &SecretKey{pub: pub}
	if err := a.NewIn(&k.prepared, secp.KeySize); err != nil {
		return nil, fmt.Errorf("keeping a secret key: %w", err)
	}
	k.waiting.Store(true)
	return k, k.prepared.Use(func(kp []byte) { copy(kp, raw) })
}

// Prepare makes the key ready for its first use, if it is not: the next one costs
// what every other does. It fails with ErrOtherKey or secret.ErrDestroyed.
func (k *SecretKey) Prepare() error {
	if !k.waiting.Load() {
		return nil
	}
	k.preparing.Lock()
	defer k.preparing.Unlock()
	if !k.waiting.Load() {
		return nil
	}
	ok := false
	err := k.prepared.Use(func(kp []byte) {
		var pub PubKey
		pub, ok = secp.PrepareHere(pointer(kp))
		if ok = ok && pub == k.pub; !ok {
			secret.Wipe(kp) // it fails from now on
		}
	})
	if err == nil && !ok {
		err = ErrOtherKey
	}
	if err == nil {
		k.waiting.Store(false)
	}
	return err
}

// pointer gives the back end its array. Slots of the arena are aligned to 32
// bytes, as the back ends need.
func pointer(kp []byte) *[secp.KeySize]byte {
	return (*[secp.KeySize]byte)(unsafe.Pointer(unsafe.SliceData(kp[:secp.KeySize])))
}

// PubKey returns the public key, also after Destroy.
func (k *SecretKey) PubKey() PubKey { return k.pub }

// Sign makes e an event of this key: it fills in PubKey, ID and Sig and
// verifies the signature. The other fields are not touched. It fails with
// secret.ErrDestroyed or ErrSelfCheck, and e has no Sig then.
func (k *SecretKey) Sign(e *Event) error {
	e.PubKey = k.pub
	e.ID = e.ComputeID()
	sig, err := k.SignDigest(e.ID)
	e.Sig = sig
	return err
}

// SignUnchecked is Sign without verifying the signature, which is a third to two
// thirds of its time. It is for keys that only carry messages, such as those of
// NIP-46's envelopes, never for a user's: should the processor err, the message
// is lost, and as the nonce is fresh each time, one wrong signature alone does not
// give the key away. It fails with secret.ErrDestroyed, or with ErrSelfCheck when
// the key itself went bad in memory.
func (k *SecretKey) SignUnchecked(e *Event) error {
	e.PubKey = k.pub
	e.ID = e.ComputeID()
	sig, err := k.sign(e.ID, false)
	e.Sig = sig
	return err
}

// SignDigest signs 32 bytes (BIP-340, with fresh auxiliary randomness) and
// verifies the signature. It fails with secret.ErrDestroyed or ErrSelfCheck.
func (k *SecretKey) SignDigest(d [32]byte) (Sig, error) { return k.sign(d, true) }

func (k *SecretKey) sign(d [32]byte, checked bool) (Sig, error) {
	var sig Sig
	var aux [32]byte
	if err := k.Prepare(); err != nil {
		return Sig{}, err
	}
	rand.Read(aux[:])
	ok := false
	err := k.prepared.Use(func(kp []byte) {
		if checked {
			ok = secp.Sign((*[64]byte)(&sig), pointer(kp), (*[32]byte)(&k.pub), d[:], &aux)
		} else {
			ok = secp.SignUnchecked((*[64]byte)(&sig), pointer(kp), (*[32]byte)(&k.pub), d[:], &aux)
		}
	})
	if err != nil {
		return Sig{}, err
	}
	if !ok {
		return Sig{}, ErrSelfCheck
	}
	return sig, nil
}

// ECDH sets out to the x coordinate, not hashed, of this key times the point
// of peer with even y, as NIP-04 and NIP-44 want it. out is as secret as the
// key's conversations with peer, and may lie in an arena. It fails with ErrPubKey
// or secret.ErrDestroyed, and out is zero then.
func (k *SecretKey) ECDH(peer PubKey, out *[32]byte) error {
	clear(out[:])
	if err := k.Prepare(); err != nil {
		return err
	}
	ok := false
	err := k.prepared.Use(func(kp []byte) {
		ok = secp.ECDH(out, pointer(kp), (*[32]byte)(&peer))
	})
	if err == nil && !ok {
		err = ErrPubKey
	}
	return err
}

// Use lends the key's 32 bytes, big-endian, to f: for export, and for nothing
// else. They are a copy in the arena that is wiped when f returns. It fails with
// secret.ErrDestroyed or secret.ErrFull.
func (k *SecretKey) Use(f func(raw []byte)) error {
	if err := k.Prepare(); err != nil {
		return err
	}
	raw, err := k.prepared.Beside(32)
	if err != nil {
		return err
	}
	defer raw.Destroy()
	useErr := raw.Use(func(b []byte) {
		err = k.prepared.Use(func(kp []byte) { secp.Raw(pointer(kp), (*[32]byte)(b)) })
		if err == nil {
			f(b)
		}
	})
	return errors.Join(useErr, err)
}

// Destroy wipes the key, after waiting for those who are using it. Only the
// public key can be asked for afterwards.
func (k *SecretKey) Destroy() { k.prepared.Destroy() }

// String returns secret.Placeholder.
func (k *SecretKey) String() string { return secret.Placeholder }

// GoString returns secret.Placeholder.
func (k *SecretKey) GoString() string { return secret.Placeholder }

// Format prints secret.Placeholder for every verb and flag.
func (k *SecretKey) Format(f fmt.State, verb rune) { k.prepared.Format(f, verb) }

// LogValue returns secret.Placeholder, for slog.
func (k *SecretKey) LogValue() slog.Value { return slog.StringValue(secret.Placeholder) }

// MarshalJSON returns secret.Placeholder as a JSON string.
func (k *SecretKey) MarshalJSON() ([]byte, error) { return k.prepared.MarshalJSON() }

// MarshalText returns secret.Placeholder.
func (k *SecretKey) MarshalText() ([]byte, error) { return k.prepared.MarshalText() }
