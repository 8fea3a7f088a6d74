package adminwire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
)

// Sizes of a device's key and signature.
const (
	// DevicePubSize is an uncompressed point of P-256: 4, x, y. It is what
	// WebCrypto's exportKey("raw") gives.
	DevicePubSize = 65
	// DeviceSigSize is r and s, 32 bytes each (ES256).
	DeviceSigSize = 64
)

// DevicePub is the public key of a device: P-256, because a browser can keep such
// a key so that nobody can copy it.
type DevicePub [DevicePubSize]byte

// DeviceID names a device: the first 16 bytes of the SHA-256 of its public key.
type DeviceID [16]byte

// String returns the id in hexadecimal.
func (id DeviceID) String() string { return hex.EncodeToString(id[:]) }

// ID returns the device's id.
func (p DevicePub) ID() (id DeviceID) {
	sum := sha256.Sum256(p[:])
	copy(id[:], sum[:])
	return id
}

// DeviceSig is a signature over h.
type DeviceSig [DeviceSigSize]byte

var errDevicePub = errors.New("the device's public key is no point of P-256")

// Verify reports whether the device signed h: ECDSA with SHA-256 (so it is the
// hash of h that is signed, as WebCrypto does it).
func (p DevicePub) Verify(h Hash, sig DeviceSig) bool {
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), p[:])
	if err != nil {
		return false
	}
	sum := sha256.Sum256(h[:])
	return ecdsa.Verify(pub, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
}

// DeviceKey is a device's key where there is no WebCrypto: of the command line.
type DeviceKey struct{ key *ecdsa.PrivateKey }

// NewDeviceKey makes one.
func NewDeviceKey() (DeviceKey, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return DeviceKey{k}, err
}

// ParseDeviceKey reads the 32 bytes of a key.
func ParseDeviceKey(b []byte) (DeviceKey, error) {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
	return DeviceKey{k}, err
}

// Bytes returns the 32 bytes of the key, for its file.
func (d DeviceKey) Bytes() ([]byte, error) { return d.key.Bytes() }

// Pub returns the public key.
func (d DeviceKey) Pub() (p DevicePub, err error) {
	b, err := d.key.PublicKey.Bytes()
	if err == nil && len(b) != len(p) {
		err = errDevicePub
	}
	copy(p[:], b)
	return p, err
}

// Sign signs h.
func (d DeviceKey) Sign(h Hash) (sig DeviceSig, err error) {
	sum := sha256.Sum256(h[:])
	r, s, err := ecdsa.Sign(rand.Reader, d.key, sum[:])
	if err != nil {
		return sig, err
	}
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig, nil
}
