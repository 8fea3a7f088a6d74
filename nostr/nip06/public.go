package nip06

import (
	"math/big"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr/internal/secp"
)

// compressed puts the 33-byte public key of key into out: parity, then x (BIP-32's
// serP). The curve's back ends give x only, as BIP-340 has it, so the parity is
// worked out from two of their answers: of the two points with the x of k·G, one
// and only one, plus G, has the x of (k+1)·G. Only these two public x coordinates
// go through math/big; key itself stays with the constant-time back end.
func compressed(out *[33]byte, key *[32]byte) error {
	x, ok := publicX(key)
	if !ok {
		return ErrNoKey
	}
	next := [32]byte{31: 1}
	defer secret.Wipe(next[:])
	if err := addModN(&next, key); err != nil {
		return err
	}
	nextX, ok := publicX(&next)
	if !ok {
		return ErrNoKey
	}
	odd, err := oddY(&x, &nextX)
	if err != nil {
		return err
	}
	out[0] = 2 + odd
	copy(out[1:], x[:])
	return nil
}

// publicX returns the x coordinate of key·G.
func publicX(key *[32]byte) (x [32]byte, ok bool) {
	// The empty array aligns the prepared key to 8 bytes, as secp asks.
	var prepared struct {
		_   [0]uint64
		key [secp.KeySize]byte
	}
	defer secret.Wipe(prepared.key[:])
	return secp.Prepare(&prepared.key, key)
}

// curve holds the public numbers of secp256k1 (SEC 2, 2.4.1).
type curve struct{ p, gx, gy *big.Int }

func secp256k1() curve {
	number := func(s string) *big.Int {
		n, ok := new(big.Int).SetString(s, 16)
		if !ok {
			panic("nip06: a constant of the curve is not a number")
		}
		return n
	}
	return curve{
		p:  number("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
		gx: number("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
		gy: number("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
	}
}

// oddY returns 1 if the point P with coordinate x has an odd y, given the x
// coordinate of P + G, else 0.
//
// Errors: ErrNoKey where P is G or its inverse, or x no point's.
func oddY(x, nextX *[32]byte) (byte, error) {
	c := secp256k1()
	px, want := new(big.Int).SetBytes(x[:]), new(big.Int).SetBytes(nextX[:])
	square := new(big.Int).Exp(px, big.NewInt(3), c.p)
	square.Add(square, big.NewInt(7)).Mod(square, c.p)
	y := new(big.Int).ModSqrt(square, c.p)
	if y == nil || px.Cmp(c.gx) == 0 {
		return 0, ErrNoKey
	}
	for range 2 {
		if c.addG(px, y).Cmp(want) == 0 {
			return byte(y.Bit(0)), nil
		}
		y.Sub(c.p, y)
	}
	return 0, ErrNoKey
}

// addG returns the x coordinate of (x, y) + G, where x is not G's.
func (c curve) addG(x, y *big.Int) *big.Int {
	dx := new(big.Int).Sub(c.gx, x)
	slope := new(big.Int).Sub(c.gy, y)
	slope.Mul(slope, dx.ModInverse(dx.Mod(dx, c.p), c.p)).Mod(slope, c.p)
	sum := new(big.Int).Mul(slope, slope)
	sum.Sub(sum, x).Sub(sum, c.gx)
	return sum.Mod(sum, c.p)
}
