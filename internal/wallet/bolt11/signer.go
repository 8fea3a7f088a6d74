package bolt11

import (
	"bytes"

	"gitlab.com/yawning/secp256k1-voi"
)

// signer returns the key that signed: the one that the invoice names, when the
// signature is its, else the one that the signature gives (BOLT 11, Data Part).
// Nothing here is secret.
func signer(digest [32]byte, sig [64]byte, recovery byte, named *[33]byte) (key [33]byte, err error) {
	r, err := secp256k1.NewScalarFromCanonicalBytes((*[32]byte)(sig[:32]))
	if err != nil {
		return key, ErrSignature
	}
	s, err := secp256k1.NewScalarFromCanonicalBytes((*[32]byte)(sig[32:]))
	if err != nil || r.IsZero() != 0 || s.IsZero() != 0 || recovery > 3 {
		return key, ErrSignature
	}
	e, _ := secp256k1.NewScalarFromBytes(&digest)
	if named != nil {
		if s.IsGreaterThanHalfN() != 0 || !verify(e, r, s, named) {
			return key, ErrSignature
		}
		return *named, nil
	}
	// SEC 1, section 4.1.6: Q = r^-1 (sR - eG).
	R, err := secp256k1.RecoverPoint(r, recovery)
	if err != nil {
		return key, ErrSignature
	}
	inv := secp256k1.NewScalar().Invert(r)
	u1 := secp256k1.NewScalar().Multiply(secp256k1.NewScalar().Negate(e), inv)
	u2 := secp256k1.NewScalar().Multiply(s, inv)
	q := secp256k1.NewIdentityPoint().DoubleScalarMultBasepointVartime(u1, u2, R)
	if q.IsIdentity() != 0 {
		return key, ErrSignature
	}
	return [33]byte(q.CompressedBytes()), nil
}

// verify is SEC 1, section 4.1.4.
func verify(e, r, s *secp256k1.Scalar, named *[33]byte) bool {
	q, err := secp256k1.NewPointFromBytes(named[:])
	if err != nil || q.IsIdentity() != 0 {
		return false
	}
	inv := secp256k1.NewScalar().Invert(s)
	u1, u2 := secp256k1.NewScalar().Multiply(e, inv), secp256k1.NewScalar().Multiply(r, inv)
	p := secp256k1.NewIdentityPoint().DoubleScalarMultBasepointVartime(u1, u2, q)
	x, err := p.XBytes()
	if err != nil {
		return false
	}
	v, _ := secp256k1.NewScalarFromBytes((*[32]byte)(x))
	return bytes.Equal(v.Bytes(), r.Bytes())
}
